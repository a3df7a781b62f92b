//! `serve`: the server.

mod settings;

use std::path::PathBuf;

use anyhow::Context as _;
use coordinator::{
    Existing, InboxOptions, JobReport, Owner, Places, Scheduler, SchedulerOptions, ServerFolder,
    ServerFolders, Update, bring_back,
};
use ledger::{Ledger, Record};
use tokio::sync::{mpsc, watch};

pub(super) use self::settings::ServerSettings;
use super::worker_program;
use crate::cli::Serve;
use crate::config;
use crate::exit::Ending;
use crate::log;
use crate::output;
use crate::root::{Root, make_folder, open_or_rescue_ledger};
use crate::signals::shutdown_of_server;
use crate::status_file::StatusFile;
use crate::supervisor::{self, Supervisor};

pub(super) async fn run(serve: Serve) -> anyhow::Result<Ending> {
    let (shutdown, hang_up) = shutdown_of_server()?;
    make_folder(&serve.root)?;
    let root = Root::new(&serve.root)?;
    root.check_rights()?;
    let settings = ServerSettings::read(&root, &serve.choices).await?;
    for folder in [root.input(), root.models(), root.logs(), root.state()] {
        // A link to a share that is not mounted yet: jobs wait for it.
        if !folder.is_symlink() {
            make_folder(&folder)?;
        }
    }
    let _lock = storage::FolderLock::acquire(&root.state()).context("another server runs here")?;
    let _log = log::start(&root.logs())?;
    let (ledger, rescue) = open_or_rescue_ledger(&root.state()).await?;
    if let Some(rescue) = &rescue {
        tracing::warn!("{rescue}");
    }
    make_output(&root, &ledger).await?;
    let place = |folder: PathBuf| Some(ServerFolder::new(folder, &root.state()));
    let folders = ServerFolders { input: place(root.input()), output: place(root.output()) };
    let owner = Owner::of(&root.state())?;
    let places = Places { input: root.input(), models: root.models() };
    bring_back(&ledger, &root.output(), places, &owner, rescue.is_some()).await?;
    let worker = worker_program(settings.choices.unconfined)?;
    worker.check().await?;

    let (updates, received) = mpsc::unbounded_channel();
    let status = StatusFile::new(ledger.clone(), root.status_file());
    let logging = tokio::spawn(tell_updates(received, Supervisor::new(), status));
    let name = settings.choices.name.clone().unwrap_or_default();
    let limits = config::limits(&settings.choices);
    let (tell_limits, new_limits) = watch::channel(limits);
    let mut scheduler = Scheduler::new(SchedulerOptions {
        ledger: ledger.clone(),
        worker: worker.clone(),
        limits,
        new_limits: Some(new_limits),
        existing: Existing::NextName,
        owner,
        taken: Vec::new(),
        folders: folders.clone(),
        name: name.clone(),
        updates,
    });
    let inbox = InboxOptions {
        ledger: ledger.clone(),
        worker,
        input: root.input(),
        place: folders.input,
        output: root.output(),
        settings: settings.job.clone(),
        name,
        settle: settings.watching.settle,
        rules: settings.watching.rules.clone(),
    };
    tracing::info!("upscaled {} serves `{}`", env!("CARGO_PKG_VERSION"), root.folder().display());
    output::say(&format!("Drop videos into  {}", output::path(&root.input())));
    output::say(&format!("Results appear in {}", output::path(&root.output())));
    output::say(&format!("Model {}; Ctrl-C stops, and a new start goes on.", settings.job.model.name()));

    // What was asked for before it started has been done.
    let _ = std::fs::remove_file(root.reload_file());
    let stop_watching = shutdown.clone();
    let line = serve.choices;
    let watching = tokio::spawn(async move {
        let news = settings::News { root, line, hang_up, held: settings.effective, limits: tell_limits };
        news.watch_input(inbox, &stop_watching).await;
    });
    let asked = shutdown.clone();
    tokio::spawn(async move {
        asked.requested().await;
        supervisor::tell_stopping();
    });
    supervisor::tell_ready();
    let served = scheduler.serve(&shutdown).await;
    shutdown.request();
    let _ = watching.await;
    drop(scheduler);
    let _ = logging.await;
    ledger.close().await;
    served?;
    output::say("stopped; everything finished is kept, and the next start goes on from here");
    Ok(Ending::Done)
}

/// Makes the folder of the results, unless it is away: where it is missing and held unfinished work, jobs wait for it.
async fn make_output(root: &Root, ledger: &Ledger) -> anyhow::Result<()> {
    let folder = root.output();
    if folder.is_symlink() || folder.exists() {
        return Ok(());
    }
    let has_work = |record: &Record| !record.job.status.is_final() && record.job.frames_done() > 0;
    let kept = ledger.list().await?.iter().filter(|record| has_work(record)).count();
    if kept == 0 {
        return make_folder(&folder);
    }
    let folder = folder.display();
    tracing::warn!(
        "`{folder}` is missing, which has the unfinished work of {kept} jobs: they wait for it; make the folder to begin them anew"
    );
    Ok(())
}

/// Writes a line for each job that begins, gets on by a segment, or ends, and passes it and the signs of life on.
async fn tell_updates(
    mut updates: mpsc::UnboundedReceiver<Update>,
    mut supervisor: Supervisor,
    mut status: StatusFile,
) {
    let mut last = String::new();
    while let Some(update) = updates.recv().await {
        match update {
            Update::Alive => {
                supervisor.tell_alive();
                status.keep_up().await;
            }
            Update::Note { id, text } => tracing::info!("job {id}: {text}"),
            Update::Job(report) => {
                // Between two segments only the estimate changes, which is not worth a line.
                let news = format!("{} {} {}", report.id, report.status, report.segments_done);
                if news != last {
                    last = news;
                    let line = format!("job {}: {}{}", report.id, report.status, details(&report));
                    tracing::info!("{line}");
                    supervisor::tell_status(&line);
                }
                status.note(*report);
            }
        }
    }
    status.close().await;
}

/// What a line of the log says of a job beyond its status.
fn details(report: &JobReport) -> String {
    if let Some(reason) = &report.reason {
        return format!(": {reason}");
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
    format!(", {} of {} segments{}", report.segments_done, report.segments, left.unwrap_or_default())
}
