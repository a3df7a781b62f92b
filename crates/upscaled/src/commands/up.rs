//! `up`: upscale files now.

mod dry_run;
mod elsewhere;
mod folders;
mod plan;
mod protected;
mod unfinished;

use std::path::{Path, PathBuf};

use anyhow::bail;
use coordinator::commands::take_in;
use coordinator::socket::Role;
use coordinator::{
    Existing, JobReport, Limits, NameTemplate, Owner, Request, SegmentGate, ServerFolders, Service,
    ServiceOptions, Shutdown, WorkerProgram, describe, describe_for, finished_result, is_known_as_result,
    no_result, now,
};
use job::state::{Phase, Status};
use job::{JobId, NewJob, Settings};
use ledger::{Ledger, Record};
use serde::Serialize;
use storage::FolderLock;
use tokio::sync::watch;

use super::{ask, worker_program};
use crate::batch::Batch;
use crate::cli::Up;
use crate::config;
use crate::exit::{Ending, is_usage, wrong};
use crate::output;
use crate::progress::{self, View};
use crate::reach::{Reached, reach};
use crate::remedies;
use crate::root::{self, Root};
use crate::signals::shutdown_on_signal;
use crate::words;

use elsewhere::{Answering, told};
use folders::Named;
pub(super) use plan::readable;
use plan::{Planned, Wanted};
use unfinished::Other;

pub(super) async fn run(up: Up) -> anyhow::Result<Ending> {
    let shutdown = shutdown_on_signal()?;
    let root = up.root.as_deref().map(Root::new).transpose()?;
    let models = root.as_ref().map_or_else(|| PathBuf::from("models"), Root::models);
    let file = root.as_ref().map(Root::settings_file);
    let (choices, settings) = match &file {
        Some(file) => config::complete(&up.choices, file, &[models])?,
        None => (up.choices.clone(), config::settings(&up.choices, &[models])?),
    };
    let (stream, part) = (up.stream, up.part.over(None));
    let settings = Settings { stream, part, ..settings };
    settings.validate().map_err(|error| wrong(remedies::sentence(&error.into())))?;
    let source_of =
        async |folder: &Path| coordinator::source_of(&root::ledger_file(folder), &work_in(folder));
    let worker = worker_program(choices.unconfined.is_on())?;
    let files = folders::files(&up, choices.skip_samples.is_on(), &worker).await?;
    let name = choices.name.clone().unwrap_or_default();
    let wanted = Wanted {
        files: &files,
        output: up.output.as_deref(),
        settings: &settings,
        name: &name,
        makes_nothing: up.dry_run,
    };
    let foresee = async |source: &Path, settings: &Settings| ask::foresee(&worker, source, settings).await;
    let mut planned = wanted.plan(source_of, foresee).await;
    let is_chosen = planned.iter().flatten().any(|file| file.chosen.is_some());
    if up.choices.name.is_some() && is_chosen {
        return Err(wrong(
            "-o names the result already: leave --name out, or name a folder, with a slash at its end",
        ));
    }
    if let Some(root) = &root {
        protected::refuse(root, &mut planned)?;
    }
    match &file {
        Some(file) => ask::try_encoder_of(&settings, &up.choices, file).await?,
        None => ask::try_encoder(&settings).await?,
    }
    let mut batch = Batch::new(files.len(), up.json);
    // A name that cannot be is refused before the others are made.
    if let Some(at) = planned.iter().position(|file| file.as_ref().is_err_and(is_usage)) {
        batch.end(&files[at].file, planned.swap_remove(at).map(|_| Ending::Failed))?;
    }
    let is_dry = up.dry_run;
    let run = Run {
        limits: config::limits(&choices),
        worker,
        name,
        taken: planned.iter().flatten().map(|file| file.expected.clone()).collect(),
        root,
        shutdown,
        up,
    };
    if is_dry {
        return dry_run::run(&run, &files, planned, batch).await;
    }
    let mut ending = Ending::Done;
    for (Named { file, .. }, planned) in files.iter().zip(planned) {
        batch.begin(file);
        let ended = match planned {
            Ok(planned) => Box::pin(run.file(&planned)).await,
            Err(error) => Err(error),
        };
        match batch.end(file, ended)? {
            Ending::Done => {}
            Ending::Failed => ending = Ending::Failed,
            Ending::Stopped => {
                ending = Ending::Stopped;
                break;
            }
        }
    }
    if let Some(summary) = batch.summary() {
        output::say(&summary);
    }
    Ok(ending)
}

/// What holds for all files.
struct Run {
    up: Up,
    root: Option<Root>,
    limits: Limits,
    worker: WorkerProgram,
    /// The names of all results of the command.
    taken: Vec<PathBuf>,
    name: NameTemplate,
    shutdown: Shutdown,
}

/// What there is to do about a file.
enum Standing {
    /// Nothing: it was done before. Names the result.
    Done(PathBuf),
    /// Nothing, for a reason.
    Skipped(String),
    Open,
}

/// Where a job's folder has the work itself, beside its ledger and its lock.
fn work_in(folder: &Path) -> PathBuf {
    folder.join("work")
}

impl Run {
    async fn file(&self, planned: &Planned) -> anyhow::Result<Ending> {
        let request = planned.request();
        match self.standing(planned, &request).await? {
            Standing::Done(result) => {
                // A kill between the removal of the ledger and of its folder leaves the folder empty.
                let _ = std::fs::remove_dir(&planned.folder);
                output::say("this was done already");
                self.tell_result(&result)?;
                return self.tell_outcome(planned, "done", "it was done already", Some(&result));
            }
            Standing::Skipped(reason) => {
                output::say(&format!("skipped: {reason}"));
                return self.tell_outcome(planned, "skipped", &reason, None);
            }
            Standing::Open => {}
        }
        match &self.root {
            Some(root) => Box::pin(self.in_root(root, planned, request)).await,
            None => self.in_folder(planned, self.describe(planned, request).await?).await,
        }
    }

    /// What there is to do about a file.
    ///
    /// # Errors
    /// When another file has the name of the result.
    async fn standing(&self, planned: &Planned, request: &Request) -> anyhow::Result<Standing> {
        // Where a job was interrupted, the file may be its own result.
        let was_interrupted = self.root.is_none() && root::ledger_file(&planned.folder).exists();
        if planned.expected.exists() && !self.up.overwrite && !was_interrupted {
            let new = self.describe(planned, request.clone()).await?;
            let Some((result, _)) = finished_result(&new, &self.name, planned.made) else {
                return Err(already_there(planned));
            };
            return Ok(Standing::Done(result.0));
        }
        if planned.expected.exists()
            && planned.chosen.is_none()
            && !was_interrupted
            && !is_known_as_result(&planned.expected)
        {
            bail!(remedies::sentence(&no_result(&planned.expected)));
        }
        if let Some(most) = self.up.skip_above
            && let Some(rows) = ask::rows(&self.worker, &planned.source).await?
            && rows > most
        {
            return Ok(Standing::Skipped(format!("its picture has {rows} rows, more than {most}")));
        }
        Ok(Standing::Open)
    }

    /// The job of a file in a folder of its own.
    async fn describe(&self, planned: &Planned, request: Request) -> anyhow::Result<NewJob> {
        Ok(describe(request, work_in(&planned.folder).into()).await?)
    }

    /// Works on a job in the ledger of a server, or lets the server do it that runs there.
    async fn in_root(&self, root: &Root, planned: &Planned, request: Request) -> anyhow::Result<Ending> {
        root::make_folder(&root.state())?;
        match reach(root).await? {
            Reached::Own(_lock) => {
                let ledger = whole_ledger(&root.state()).await?;
                if self.up.restart {
                    discard(&ledger, &request).await?;
                }
                let id = self.enter(&ledger, &describe_for(&ledger, request).await?).await?;
                let answering = Some(Answering::begin(root, &ledger)?);
                self.work(planned, ledger, id, Owner::of(&root.state())?, answering).await
            }
            Reached::Other(other) if other.hello.role == Role::Command => bail!(
                "`upscaled up` works in `{}` already (process {}): wait for its end, or start `upscaled serve` there, which takes files in their turn",
                output::path(root.folder()),
                other.hello.process
            ),
            Reached::Other(_) => {
                let folder = output::path(root.folder());
                if self.up.choices.name.is_some() {
                    return Err(wrong(format!(
                        "a server works in `{folder}` and names its results by its own upscaled.toml: leave --name out, or name the result with -o"
                    )));
                }
                if self.up.restart {
                    return Err(wrong(format!(
                        "a server works in `{folder}`: discard its unfinished work with `upscaled cancel`, and leave --restart out"
                    )));
                }
                self.follow(root, self.submit(root, request).await?).await
            }
        }
    }

    /// Works on a job whose ledger lies in a folder of its own.
    async fn in_folder(&self, planned: &Planned, new: NewJob) -> anyhow::Result<Ending> {
        let folder = &planned.folder;
        let is_new = !folder.exists();
        root::make_folder(folder)?;
        // Until the folder is gone: another command must not begin in it meanwhile.
        let _lock = FolderLock::acquire(folder)?;
        let result = self.in_locked_folder(planned, new).await;
        let is_worthless = match result {
            Ok(Ending::Done) => true,
            Ok(Ending::Failed) => !has_work(folder),
            Ok(Ending::Stopped) => false,
            Err(_) => is_new && !has_work(folder),
        };
        if is_worthless && let Err(error) = remove_job_folder(folder) {
            output::error(&format!("the folder `{}` cannot be removed: {error}", output::path(folder)));
        }
        result
    }

    async fn in_locked_folder(&self, planned: &Planned, new: NewJob) -> anyhow::Result<Ending> {
        let ledger = whole_ledger(&planned.folder).await?;
        let other = if self.up.restart { Other::Discard } else { Other::Keep };
        unfinished::make_room(&ledger, &new, other).await?;
        if planned.expected.exists() && !self.up.overwrite {
            let mut jobs = ledger.list().await?.into_iter();
            if !jobs.any(|record| may_own_result(&record, &new)) {
                return Err(already_there(planned));
            }
        }
        let id = self.enter(&ledger, &new).await?;
        self.work(planned, ledger, id, Owner::default(), None).await
    }

    /// Takes the job in; one that failed before gets another try.
    async fn enter(&self, ledger: &Ledger, new: &NewJob) -> anyhow::Result<JobId> {
        let submitted = take_in(ledger, new, self.up.overwrite).await;
        Ok(told(submitted.map_err(|refusal| words::refused(&refusal))?))
    }

    /// Works on a job here and shows its progress.
    async fn work(
        &self,
        planned: &Planned,
        ledger: Ledger,
        id: JobId,
        owner: Owner,
        answering: Option<Answering>,
    ) -> anyhow::Result<Ending> {
        let wake = answering.as_ref().map(Answering::wake).unwrap_or_default();
        let service = Service::start(ServiceOptions {
            ledger: ledger.clone(),
            worker: self.worker.clone(),
            limits: watch::channel(self.limits).1,
            existing: if self.up.overwrite { Existing::Replace } else { Existing::Refuse },
            folders: watch::channel(ServerFolders::none(self.name.clone())).1,
            gate: SegmentGate::default(),
            owner,
            taken: self.others(planned),
            wake,
            words: remedies::sentence,
        });
        let view = if self.up.json { View::Json } else { View::Bar };
        let showing = tokio::spawn(progress::show(service.updates(), view, Some((ledger.clone(), id))));
        let ended = service.run_job(id, &self.shutdown).await;
        let shown = showing.await;
        let record = ledger.get(id).await?;
        if let Some(answering) = answering {
            answering.end().await;
        }
        ledger.close().await;
        ended?;
        let is_told = shown??;
        record.map_or(Ok(Ending::Failed), |record| {
            self.tell(&remedies::report(&JobReport::of(&record)), &record.request.folder, is_told)
        })
    }

    /// Says how the job ended; `is_told` where that was a line of JSON already.
    fn tell(&self, report: &JobReport, folder: &Path, is_told: bool) -> anyhow::Result<Ending> {
        if self.up.json && !is_told {
            output::json(report)?;
        }
        Ok(match &*report.status {
            "done" => {
                if let Some(saving) = report.reuse.in_words() {
                    output::say(&saving);
                }
                if let Some(result) = &report.result {
                    self.tell_result(result)?;
                }
                Ending::Done
            }
            "failed" => {
                let reason = report.reason.as_ref().map(remedies::sentence).unwrap_or_default();
                output::error(&format!("{}: {reason}", output::path(&report.source)));
                Ending::Failed
            }
            "canceled" => {
                output::error("the job was canceled");
                Ending::Failed
            }
            _ => {
                let kept = match report.frames {
                    Some(frames) => format!(
                        "{} of {frames} frames are finished and kept in `{}`",
                        report.frames_done,
                        output::path(folder)
                    ),
                    None => "nothing was finished yet".to_owned(),
                };
                output::say(&format!("stopped: {kept}; run the same command again to go on"));
                Ending::Stopped
            }
        })
    }

    /// Names that the result of a file must not have: those of the command's other results, and of other sources' results.
    fn others(&self, planned: &Planned) -> Vec<PathBuf> {
        let others = self.taken.iter().filter(|name| **name != planned.expected);
        others.chain(&planned.foreign).cloned().collect()
    }

    /// Says for programs what became of a file that was no job of this command.
    fn tell_outcome(
        &self,
        planned: &Planned,
        status: &'static str,
        reason: &str,
        result: Option<&Path>,
    ) -> anyhow::Result<Ending> {
        if self.up.json {
            let source = planned.source.to_string_lossy().into_owned();
            let result = result.map(|result| result.to_string_lossy().into_owned());
            output::json(&Outcome { source, status, reason, result })?;
        }
        Ok(Ending::Done)
    }

    fn tell_result(&self, result: &Path) -> anyhow::Result<()> {
        if self.up.json { Ok(()) } else { output::data(&output::path(result)) }
    }
}

/// What became of a file without work on it.
#[derive(Serialize)]
struct Outcome<'a> {
    source: String,
    status: &'static str,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<String>,
}

fn already_there(planned: &Planned) -> anyhow::Error {
    let name = &planned.expected;
    let notice = if is_known_as_result(name) { coordinator::already_there(name) } else { no_result(name) };
    anyhow::anyhow!(remedies::sentence(&notice))
}

/// The file that has the name of a job's result may be that result.
fn may_own_result(record: &Record, new: &NewJob) -> bool {
    unfinished::is_same(record, new)
        && (record.job.phase == Phase::Publish || record.job.status == Status::Done)
}

/// Forgets the unfinished work on a source in a ledger that no server works with.
async fn discard(ledger: &Ledger, request: &Request) -> anyhow::Result<()> {
    for record in ledger.of_source(&request.source.clone().into()).await? {
        let is_wanted = record.request.settings.hash() == request.settings.hash();
        if is_wanted && record.job.status != Status::Done {
            ledger.remove(record.id, now()).await?;
            if record.request.folder.is_dir() {
                storage::remove_folder(&record.request.folder)?;
            }
        }
    }
    Ok(())
}

/// The ledger in a folder whose lock is held; says when it was damaged.
async fn whole_ledger(folder: &Path) -> anyhow::Result<Ledger> {
    let (ledger, rescue) = root::open_or_rescue_ledger(folder).await?;
    if let Some(rescue) = rescue {
        output::say(&rescue.to_string());
    }
    Ok(ledger)
}

/// True when the result of a finished job is where it was put, as far as its size tells.
fn has_result(record: &Record) -> bool {
    let found = record.request.result.as_ref().and_then(|result| result.metadata().ok());
    found.is_some_and(|metadata| Some(metadata.len()) == record.job.result_bytes)
}

/// True when a job's folder holds finished segments that can be gone on with.
fn has_work(folder: &Path) -> bool {
    std::fs::read_dir(work_in(folder)).is_ok_and(|entries| {
        entries.flatten().any(|entry| entry.file_name().to_string_lossy().ends_with(".pkt"))
    })
}

/// Removes the folder and its ledger last: until then, a start after a crash finds that the job is done.
fn remove_job_folder(folder: &Path) -> std::io::Result<()> {
    let ledger = root::ledger_file(folder);
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            storage::remove_folder(&entry.path())?;
        } else if entry.path() != ledger {
            std::fs::remove_file(entry.path())?;
        }
    }
    storage::remove_folder(folder)
}
