//! `serve`: the server.

mod configuration;
mod http;
mod offer;
mod outputs;
mod settings;

use std::collections::{HashMap, HashSet};

use anyhow::Context as _;
use coordinator::socket::{Hello, Listener, Role};
use coordinator::{
    Existing, Handle, InboxOptions, JobReport, Owner, Places, Previewer, SegmentGate, ServerFolders, Service,
    ServiceOptions, Shutdown, Update, Updates, Viewer, Wake, WorkerProgram, bring_back, now,
};
use job::{JobId, Millis, Notice};
use ledger::Ledger;
use server::Server;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use webhooks::{Client, Hook, Webhooks};

use self::configuration::{CommandLine, ServerConfiguration};
use self::offer::ServerOffer;
use self::outputs::make_outputs;
use self::settings::News;
pub(super) use self::settings::ServerSettings;
use super::worker_program;
use crate::cli::Serve;
use crate::config::{self, Watching};
use crate::exit::Ending;
use crate::log;
use crate::output;
use crate::reach::take;
use crate::remedies;
use crate::root::{Root, make_folder, open_or_rescue_ledger};
use crate::signals::shutdown_of_server;
use crate::status_file::StatusFile;
use crate::supervisor::{self, Supervisor};

/// The folder in that of the state in which single frames lie until they are read.
const VIEW: &str = "view";
/// As [`VIEW`], for what could be made of videos that are no jobs.
const PREVIEW: &str = "preview";

pub(super) async fn run(serve: Serve) -> anyhow::Result<Ending> {
    let (shutdown, hang_up) = shutdown_of_server()?;
    make_folder(&serve.root)?;
    let root = Root::new(&serve.root)?;
    root.check_rights()?;
    let settings = ServerSettings::read(&root, &serve.choices, &serve.http).await?;
    make_folders(&root)?;
    let _lock = take(&root).await?;
    let (tail, _log) = log::start(&root.logs())?;
    let name = settings.choices.name.clone().unwrap_or_default();
    let folders = ServerFolders::new(settings.folders.clone(), &root.output(), name, &root.state());
    let (ledger, owner) = open_state(&root, &settings, &folders).await?;
    let worker = worker_program(settings.choices.unconfined.is_on())?;
    if !is_well(&worker, &shutdown).await? {
        output::say("stopped before it began");
        return Ok(Ending::Done);
    }
    let (tell_usual, usual) = watch::channel(settings.job.clone());
    let offer = ServerOffer::new(usual, root.models());
    let line = CommandLine { choices: serve.choices, http: serve.http };
    let (tell_held, held) = watch::channel(settings.effective.clone());
    let configuration = ServerConfiguration::new(&root, line.clone(), held);
    let http =
        http::bind(&settings, &root, http::Tells { offer, configuration, tail }, shutdown.clone()).await?;
    let (tell_limits, new_limits) = watch::channel(config::limits(&settings.choices));
    let (tell_folders, new_folders) = watch::channel(folders.clone());
    let (tell_names, names) = watch::channel(settings.watching.rules.clone());
    let wake = Wake::default();
    let (gate, keeping) = keep_schedule(&settings, &wake, &shutdown).await;
    let service = Service::start(ServiceOptions {
        ledger: ledger.clone(),
        worker: worker.clone(),
        limits: new_limits,
        existing: Existing::NextName,
        owner,
        taken: Vec::new(),
        folders: new_folders.clone(),
        gate: gate.clone(),
        wake: wake.clone(),
        words: remedies::sentence,
    });
    let status = StatusFile::new(ledger.clone(), root.status_file(), gate.clone(), new_folders.clone());
    let log = Log { ledger: ledger.clone(), told: HashMap::new(), begun: now() };
    let logging = tokio::spawn(log.keep(service.updates(), Supervisor::new(), status));
    let (viewer, previewer) = viewers(&worker, &root, &settings);
    let inbox = inbox_options(&settings.watching, &ledger, worker, folders, &wake);
    announce(&root, &settings, http.as_ref());

    let (ask_for_reload, wishes) = mpsc::channel(1);
    let handle = Handle::new(ledger.clone(), wake.clone(), Some(ask_for_reload))
        .with_viewer(viewer)
        .with_previewer(previewer)
        .of_server(new_folders, names, gate.clone());
    let mut hello = Hello::new(Role::Server);
    hello.set = config::of_command_line(&settings.effective);
    let (hooks, telling) = tell_hooks(settings.hooks.clone(), handle.clone(), shutdown.clone());
    let serving = http.map(|http| tokio::spawn(http.serve(handle.clone(), service.updates())));
    let answering = answer(&root, handle, hello, shutdown.clone())?;
    let stop_watching = shutdown.clone();
    let watching = tokio::spawn(async move {
        let (held, limits, folders, usual) = (tell_held, tell_limits, tell_folders, tell_usual);
        let names = tell_names;
        let news = News { root, line, hang_up, wishes, held, limits, folders, names, usual, gate, hooks };
        news.watch_input(inbox, &stop_watching).await;
    });
    tell_supervisor(shutdown.clone());
    let served = service.run(&shutdown).await;
    shutdown.request();
    for task in [watching, answering].into_iter().chain(serving).chain([logging, keeping, telling]) {
        let _ = task.await;
    }
    ledger.close().await;
    served?;
    output::say("stopped; everything finished is kept, and the next start goes on from here");
    Ok(Ending::Done)
}

fn inbox_options(
    Watching { settle, rules, keep }: &Watching,
    ledger: &Ledger,
    worker: WorkerProgram,
    folders: ServerFolders,
    wake: &Wake,
) -> InboxOptions {
    InboxOptions {
        ledger: ledger.clone(),
        worker,
        folders,
        settle: *settle,
        rules: rules.clone(),
        keep: *keep,
        wake: wake.clone(),
    }
}

/// What shows frames of jobs, and what shows what could be made of other videos.
fn viewers(worker: &WorkerProgram, root: &Root, settings: &ServerSettings) -> (Viewer, Previewer) {
    let threads = config::engine_threads(settings.choices.threads);
    let previewer = Previewer::new(worker.clone(), root.state().join(PREVIEW), threads);
    (Viewer::new(worker.clone(), root.state().join(VIEW)), previewer)
}

/// Makes the folders of the root, but for a link to a share that is not mounted yet: jobs wait for it.
fn make_folders(root: &Root) -> anyhow::Result<()> {
    for folder in [root.input(), root.models(), root.logs(), root.state()] {
        if !folder.is_symlink() {
            make_folder(&folder)?;
        }
    }
    Ok(())
}

/// Opens the ledger and takes in again what it does not know. The lock of the folder is held.
async fn open_state(
    root: &Root,
    settings: &ServerSettings,
    folders: &ServerFolders,
) -> anyhow::Result<(Ledger, Owner)> {
    let (ledger, rescue) = open_or_rescue_ledger(&root.state()).await?;
    if let Some(rescue) = &rescue {
        tracing::warn!("{rescue}");
    }
    let access = Handle::alone(ledger.clone());
    http::check_password(&settings.listening, root, access.access()).await?;
    make_outputs(root, folders, &ledger).await?;
    let owner = Owner::of(&root.state())?;
    let inputs = settings.folders.iter().map(|folder| folder.input.clone()).collect();
    let places = Places { inputs, models: root.models() };
    bring_back(&ledger, &folders.roots_of_results(), places, &owner, rescue.is_some()).await?;
    Ok((ledger, owner))
}

/// Whether the worker starts and can confine itself; false where a shutdown was requested meanwhile.
async fn is_well(worker: &WorkerProgram, shutdown: &Shutdown) -> anyhow::Result<bool> {
    tokio::select! {
        checked = worker.check() => Ok(checked.map(|()| true)?),
        () = shutdown.requested() => Ok(false),
    }
}

/// Tells the service manager that the server is ready, and later that it stops.
fn tell_supervisor(shutdown: Shutdown) {
    tokio::spawn(async move {
        shutdown.requested().await;
        supervisor::tell_stopping();
    });
    supervisor::tell_ready();
}

/// Keeps up with the schedule until the shutdown is requested.
async fn keep_schedule(
    settings: &ServerSettings,
    wake: &Wake,
    shutdown: &Shutdown,
) -> (SegmentGate, JoinHandle<()>) {
    let gate = SegmentGate::default();
    gate.set(settings.schedule.clone());
    gate.look(wake).await;
    let keeping = tokio::spawn(gate.clone().keep(wake.clone(), shutdown.clone()));
    (gate, keeping)
}

/// Tells hooks what happens to jobs until the shutdown is requested; gives what takes other hooks up.
fn tell_hooks(
    hooks: Vec<Hook>,
    handle: Handle,
    shutdown: Shutdown,
) -> (watch::Sender<Vec<Hook>>, JoinHandle<()>) {
    let (tell, hooks) = watch::channel(hooks);
    let client = Client::new(env!("CARGO_PKG_VERSION"));
    let options = webhooks::Options { handle, hooks, client, words: remedies::sentence };
    (tell, tokio::spawn(Webhooks::new(options).run(shutdown)))
}

/// Says where everything is.
fn announce(root: &Root, settings: &ServerSettings, http: Option<&Server>) {
    tracing::info!("upscaled {} serves `{}`", env!("CARGO_PKG_VERSION"), root.folder().display());
    output::say(&format!("Drop videos into  {}", output::path(&root.input())));
    output::say(&format!("Results appear in {}", output::path(&root.output())));
    for folder in settings.folders.iter().skip(1) {
        output::say(&format!("Videos also from  {}", output::path(&folder.input)));
    }
    let model = settings.job.model.name();
    output::say(&format!("Model {model}; Ctrl-C stops, and a new start goes on."));
    for address in http.iter().flat_map(|http| http.addresses()) {
        if address.ip().is_unspecified() {
            let port = address.port();
            output::say(&format!("The page is at    port {port} of every address of this machine"));
        } else {
            output::say(&format!("The page is at    http://{address}"));
        }
    }
}

/// Answers commands until the shutdown is requested. The lock of the folder is held.
pub(super) fn answer(
    root: &Root,
    handle: Handle,
    hello: Hello,
    shutdown: Shutdown,
) -> anyhow::Result<JoinHandle<()>> {
    let listener = Listener::bind(&root.state()).with_context(|| {
        format!(
            "no socket can be made in `{}`, by which commands reach this server: check its rights, and that its disk takes sockets",
            root.state().display()
        )
    })?;
    Ok(tokio::spawn(listener.answer(handle, hello, shutdown)))
}

/// The log of what happens to jobs.
struct Log {
    ledger: Ledger,
    /// What was said of the jobs in this run.
    told: HashMap<JobId, Told>,
    /// When this run began.
    begun: Millis,
}

/// What was said of a job.
#[derive(Default)]
struct Told {
    news: String,
    notes: HashSet<Notice>,
}

impl Log {
    /// Writes a line for each job that begins, gets on by a segment, or ends, and passes it and the signs of life on.
    async fn keep(mut self, mut updates: Updates, mut supervisor: Supervisor, mut status: StatusFile) {
        while let Some(update) = updates.next().await {
            match update {
                Update::Alive => {
                    supervisor.tell_alive();
                    status.keep_up().await;
                }
                Update::Note { id, notice } => self.note(id, notice),
                Update::Job(report) => {
                    self.tell(&report);
                    status.note(&report);
                }
                Update::Missed(missed) => self.catch_up(missed, &mut status).await,
            }
        }
        status.close().await;
    }

    fn note(&mut self, id: JobId, notice: Notice) {
        tracing::info!("job {id}: {}", remedies::sentence(&notice));
        self.told.entry(id).or_default().notes.insert(notice);
    }

    fn tell(&mut self, report: &JobReport) {
        // Between two segments only the estimate changes, which is not worth a line.
        let news = format!("{} {}", report.status, report.segments_done);
        let told = self.told.entry(report.id).or_default();
        if told.news != news {
            told.news = news;
            let line = format!("job {}: {}{}", report.id, report.status, details(report));
            tracing::info!("{line}");
            supervisor::tell_status(&line);
        }
    }

    /// Says what has not been said of the jobs that have changed in this run.
    async fn catch_up(&mut self, missed: u64, status: &mut StatusFile) {
        tracing::warn!("{missed} updates were missed, and the jobs are looked up in the ledger");
        let records = self.ledger.list().await.unwrap_or_default();
        let begun = self.begun;
        for record in records.iter().filter(|record| record.changed >= begun) {
            let report = JobReport::of(record);
            let told = self.told.entry(report.id).or_default();
            let new: Vec<Notice> =
                report.notes.iter().filter(|note| !told.notes.contains(*note)).cloned().collect();
            for note in new {
                self.note(report.id, note);
            }
            self.tell(&report);
            status.note(&report);
        }
    }
}

/// What a line of the log says of a job beyond its status.
fn details(report: &JobReport) -> String {
    if let Some(reason) = &report.reason {
        return format!(": {}", remedies::sentence(reason));
    }
    if report.status == "done" {
        return report
            .result
            .as_deref()
            .map(|result| format!(": {}", output::path(result)))
            .unwrap_or_default();
    }
    if report.segments_done == 0 {
        return String::new();
    }
    let left = report.seconds_left.map(|seconds| format!(", {} left", output::duration(seconds)));
    let stalled =
        report.stalled_seconds.map(|seconds| format!(", no frame for {}", output::duration(seconds)));
    let left = stalled.or(left);
    format!(", {} of {} segments{}", report.segments_done, report.segments, left.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made_up;

    #[tokio::test]
    async fn what_was_missed_is_said_once_and_only_of_this_run() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("ledger.db")).await.unwrap();
        let mut ids = Vec::new();
        for (number, time) in [(1, Millis(0)), (2, now())] {
            let mut new = made_up::running(number).request;
            new.fingerprint = number.to_string();
            ids.push(ledger.submit(&new, time).await.unwrap().id);
        }
        let mut status = StatusFile::new(
            ledger.clone(),
            folder.path().join("status.json"),
            SegmentGate::default(),
            watch::channel(ServerFolders::default()).1,
        );
        let mut log = Log { ledger, told: HashMap::new(), begun: Millis(1) };
        log.catch_up(7, &mut status).await;
        assert_eq!(log.told.keys().copied().collect::<Vec<_>>(), ids[1..]);
        assert_eq!(log.told[&ids[1]].news, "queued 0");
    }
}
