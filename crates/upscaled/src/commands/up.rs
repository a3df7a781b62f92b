//! `up`: upscale files now.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use coordinator::{Existing, JobReport, Request, Scheduler, SchedulerOptions, Shutdown, Update, now, submit};
use job::state::{Event, Status};
use job::{Container, JobId, Settings};
use ledger::{Ledger, Record};
use storage::FolderLock;
use tokio::sync::mpsc;

use super::{ask, worker_executable};
use crate::batch::Batch;
use crate::choice::ContainerName;
use crate::cli::Up;
use crate::config;
use crate::exit::{Ending, wrong};
use crate::output;
use crate::progress::{self, View};
use crate::root::{self, Root};
use crate::signals::shutdown_on_signal;

/// Time between looks at a job that a server works on.
const FOLLOW: std::time::Duration = std::time::Duration::from_millis(500);

pub(super) async fn run(up: Up) -> anyhow::Result<Ending> {
    let shutdown = shutdown_on_signal()?;
    let root = up.root.as_deref().map(Root::new).transpose()?;
    let models = root.as_ref().map_or_else(|| PathBuf::from("models"), Root::models);
    let choices = match &root {
        Some(root) => config::with_file(up.choices.clone(), &root.settings_file())?,
        None => up.choices.clone(),
    };
    let settings = Settings { stream: up.stream, ..config::settings(&choices, &[models])? };
    ask::try_encoder(&settings).await?;
    let mut batch = Batch::new(up.files.len(), up.json);
    let run = Run {
        engine_threads: config::engine_threads(choices.threads),
        max_disk: choices.max_disk.map(|limit| limit.0.0),
        keep_time: choices.keep_time,
        root,
        settings,
        shutdown,
        up,
    };
    let mut ending = Ending::Done;
    for file in &run.up.files {
        batch.begin(file);
        match batch.end(file, run.file(file).await)? {
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
    settings: Settings,
    engine_threads: u32,
    max_disk: Option<u64>,
    keep_time: bool,
    shutdown: Shutdown,
}

/// Where the result of a file goes.
struct Place {
    folder: PathBuf,
    file: Option<PathBuf>,
    container: Option<Container>,
}

impl Run {
    async fn file(&self, file: &Path) -> anyhow::Result<Ending> {
        let source = readable(file)?;
        let place = self.place(&source)?;
        let folder = coordinator::job_folder(&source, &place.folder);
        // Where a job was interrupted, the file may be its own result.
        let was_interrupted = self.root.is_none() && root::ledger_file(&folder).exists();
        if let Some(file) = &place.file
            && file.exists()
            && !self.up.overwrite
            && !was_interrupted
        {
            bail!(
                "`{}` is there already: use --overwrite to replace it, or -o to choose another name",
                output::path(file)
            );
        }
        let mut request = Request {
            settings: Settings {
                container: place.container.or(self.settings.container),
                ..self.settings.clone()
            },
            output: place.folder.clone(),
            result: place.file,
            folder: None,
            source,
        };
        if let Some(root) = &self.root {
            root::make_folder(&root.state())?;
            return match FolderLock::acquire(&root.state()) {
                Ok(_lock) => {
                    let ledger = whole_ledger(&root.state()).await?;
                    let id = self.enter(&ledger, request).await?;
                    self.work(ledger, id).await
                }
                Err(storage::Error::InUse { .. }) => {
                    let ledger = root.open_ledger().await?;
                    let id = self.enter(&ledger, request).await?;
                    self.follow(&ledger, id).await
                }
                Err(error) => Err(error.into()),
            };
        }
        // Room for the ledger and the lock beside what the job makes.
        request.folder = Some(folder.join("work"));
        root::make_folder(&folder)?;
        let lock = FolderLock::acquire(&folder)?;
        let result = self.in_folder(&folder, request).await;
        drop(lock);
        remove_if_finished(&folder, &result);
        result
    }

    /// Works on a job whose ledger lies in a folder of its own.
    async fn in_folder(&self, folder: &Path, request: Request) -> anyhow::Result<Ending> {
        let ledger = whole_ledger(folder).await?;
        let id = self.enter(&ledger, request).await?;
        for other in ledger.list().await?.into_iter().filter(|record| record.id != id) {
            if !other.job.status.is_final() && other.job.frames_done() > 0 {
                output::say(
                    "the unfinished work in the job folder is of other settings or another source: it is thrown away",
                );
            }
            ledger.remove(other.id).await?;
        }
        self.work(ledger, id).await
    }

    /// Takes the job in; one that failed before gets another try.
    async fn enter(&self, ledger: &Ledger, request: Request) -> anyhow::Result<JobId> {
        let again = request.clone();
        let submission = submit(ledger, request, now()).await?;
        let Some(record) = ledger.get(submission.id).await? else {
            bail!("the job vanished from the ledger: another program removed it");
        };
        match record.job.status {
            Status::Failed { .. } | Status::Canceled => {
                ledger.apply(submission.id, Event::Retry, now()).await?;
            }
            Status::Done if !self.up.overwrite && has_result(&record) => output::say("this was done already"),
            // Done before, and whoever asks again wants it made again.
            Status::Done => {
                ledger.remove(submission.id).await?;
                return Ok(submit(ledger, again, now()).await?.id);
            }
            Status::Paused => {
                ledger.apply(submission.id, Event::Resume, now()).await?;
                output::say("the job was paused: it goes on");
            }
            _ if !submission.is_new => output::say("going on with the unfinished job"),
            _ => {}
        }
        Ok(submission.id)
    }

    /// Works on a job here and shows its progress.
    async fn work(&self, ledger: Ledger, id: JobId) -> anyhow::Result<Ending> {
        let (updates, received) = mpsc::unbounded_channel();
        let view = if self.up.json { View::Json } else { View::Bar };
        let showing = tokio::spawn(progress::show(received, view));
        let mut scheduler = Scheduler::new(SchedulerOptions {
            ledger: ledger.clone(),
            worker: worker_executable()?,
            engine_threads: self.engine_threads,
            max_disk: self.max_disk,
            existing: if self.up.overwrite { Existing::Replace } else { Existing::Refuse },
            keep_time: self.keep_time,
            updates,
        });
        let ended = scheduler.work_to_end(id, &self.shutdown).await;
        drop(scheduler);
        let shown = showing.await;
        let record = ledger.get(id).await?;
        ledger.close().await;
        ended?;
        let is_told = shown??;
        record.map_or(Ok(Ending::Failed), |record| self.tell(&record, is_told))
    }

    /// Shows the progress of a job that a server works on.
    async fn follow(&self, ledger: &Ledger, id: JobId) -> anyhow::Result<Ending> {
        output::say(&format!(
            "a server works here: it takes job {id} in its turn; Ctrl-C stops watching, not the job"
        ));
        let (updates, received) = mpsc::unbounded_channel();
        let view = if self.up.json { View::Json } else { View::Bar };
        let showing = tokio::spawn(progress::show(received, view));
        let record = loop {
            let Some(record) = ledger.get(id).await? else {
                bail!("job {id} was removed by somebody else");
            };
            let _ = updates.send(Update::Job(Box::new(JobReport::of(&record))));
            if record.job.status.is_final() || self.shutdown.is_requested() {
                break record;
            }
            self.shutdown.sleep(FOLLOW).await;
        };
        drop(updates);
        let is_told = showing.await??;
        if record.job.status.is_final() { self.tell(&record, is_told) } else { Ok(Ending::Stopped) }
    }

    /// Says how the job ended; `is_told` where that was a line of JSON already.
    fn tell(&self, record: &Record, is_told: bool) -> anyhow::Result<Ending> {
        if self.up.json && !is_told {
            output::json(&JobReport::of(record))?;
        }
        Ok(match &record.job.status {
            Status::Done => {
                if let Some(saving) = JobReport::of(record).reuse.in_words() {
                    output::say(&saving);
                }
                if let Some(result) = &record.request.result
                    && !self.up.json
                {
                    output::data(&output::path(result))?;
                }
                Ending::Done
            }
            Status::Failed { reason } => {
                output::error(&format!("{}: {reason}", output::path(&record.request.source)));
                Ending::Failed
            }
            Status::Canceled => {
                output::error("the job was canceled");
                Ending::Failed
            }
            Status::Queued | Status::Running | Status::WaitingForSpace { .. } | Status::Paused => {
                let kept = match &record.job.facts {
                    Some(facts) => format!(
                        "{} of {} frames are finished and kept in `{}`",
                        record.job.frames_done(),
                        facts.frames,
                        output::path(&record.request.folder)
                    ),
                    None => "nothing was finished yet".to_owned(),
                };
                output::say(&format!("stopped: {kept}; run the same command again to go on"));
                Ending::Stopped
            }
        })
    }

    /// Where the result of a file goes.
    fn place(&self, source: &Path) -> anyhow::Result<Place> {
        let beside = source.parent().unwrap_or(Path::new("/")).to_owned();
        let Some(wanted) = &self.up.output else {
            return Ok(Place { folder: beside, file: None, container: None });
        };
        let says_folder = wanted.as_os_str().to_string_lossy().ends_with('/');
        if says_folder || wanted.is_dir() {
            root::make_folder(wanted)?;
            return Ok(Place { folder: wanted.canonicalize()?, file: None, container: None });
        }
        if self.up.files.len() > 1 {
            return Err(wrong(format!(
                "`{}` is one name for several results: name a folder, with a slash at its end",
                output::path(wanted)
            )));
        }
        let extension = wanted.extension().map(|extension| extension.to_string_lossy().to_lowercase());
        let container = match extension.as_deref() {
            Some("mp4" | "m4v" | "mov") => Container::Mp4,
            Some("mkv") => Container::Matroska,
            _ => {
                return Err(wrong(format!(
                    "`{}` is neither .mp4 nor .mkv: choose one of them, or a folder with a slash at its end",
                    output::path(wanted)
                )));
            }
        };
        if let Some(ContainerName(chosen)) = self.up.choices.container
            && chosen != container
        {
            return Err(wrong(format!(
                "--container {} and the name `{}` contradict each other: leave --container out, or choose another name",
                chosen.extension(),
                output::path(wanted)
            )));
        }
        let name = wanted.file_name().context("the name of the result is missing")?;
        let folder = match wanted.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        if !folder.is_dir() {
            return Err(wrong(format!(
                "the folder `{}` is not there: make it, or name another; a name that ends with a slash is a folder that is made",
                output::path(folder)
            )));
        }
        let folder = folder.canonicalize()?;
        let file = folder.join(name);
        if file == source {
            return Err(wrong("the result would replace its source: choose another name"));
        }
        Ok(Place { file: Some(file), folder, container: Some(container) })
    }
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

/// The absolute path of a file that can be read.
pub(super) fn readable(file: &Path) -> anyhow::Result<PathBuf> {
    let shown = output::path(file);
    let source = file.canonicalize().with_context(|| format!("`{shown}` cannot be found; check the name"))?;
    anyhow::ensure!(
        !source.is_dir(),
        "`{shown}` is a folder: name the files in it, or watch it with `upscaled serve`"
    );
    anyhow::ensure!(source.is_file(), "`{shown}` is not a regular file: copy it to a disk first");
    if let Some(first) = storage::first_part(&source) {
        let first = output::path(first.file_name().unwrap_or_default().as_ref());
        anyhow::bail!(
            "`{shown}` is a later part of the film that begins in `{first}` beside it: name that file"
        );
    }
    let opened = std::fs::File::open(&source);
    opened.with_context(|| format!("`{shown}` cannot be read; check its permissions"))?;
    anyhow::ensure!(source.metadata()?.len() > 0, "`{shown}` is empty (zero bytes): copy it again");
    Ok(source)
}

/// Removes the job folder unless it holds work that can go on.
fn remove_if_finished(folder: &Path, result: &anyhow::Result<Ending>) {
    let has_work = std::fs::read_dir(folder.join("work")).is_ok_and(|entries| {
        entries.flatten().any(|entry| entry.file_name().to_string_lossy().ends_with(".pkt"))
    });
    let is_worthless =
        matches!(result, Ok(Ending::Done)) || (matches!(result, Ok(Ending::Failed)) && !has_work);
    if is_worthless && let Err(error) = remove_job_folder(folder) {
        output::error(&format!("the folder `{}` cannot be removed: {error}", output::path(folder)));
    }
}

/// Removes the folder and its ledger last: until then, whoever starts again after a crash finds that the job is done.
fn remove_job_folder(folder: &Path) -> std::io::Result<()> {
    let ledger = root::ledger_file(folder);
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            std::fs::remove_dir_all(entry.path())?;
        } else if entry.path() != ledger {
            std::fs::remove_file(entry.path())?;
        }
    }
    std::fs::remove_dir_all(folder)
}
