//! A job that a person makes of a video, with settings that were chosen for it.
//!
//! A video may have several jobs, as one with each of two models. But what the watch folder takes in by itself begins with the usual
//! settings, and who chooses others for it wants one job and not two: a job of the same video that has not come to its end is named,
//! and it is asked what is to become of it.

use std::path::PathBuf;

use job::state::Event;
use job::{JobId, NewJob, Priority, Settings};
use ledger::{Ledger, Record};

use super::change::{Change, apply, change};
use super::message::Refusal;
use super::select::{Selector, Which};
use crate::clock::now;
use crate::error::Error;
use crate::known::finished_result;
use crate::submit::{Request, describe_for, enter_in_free_folder};
use crate::template::NameTemplate;

/// A job that is asked for.
#[derive(Debug, Clone)]
pub struct Add {
    /// The video, as an absolute path.
    pub source: PathBuf,
    /// What was chosen.
    pub settings: Settings,
    /// The folder that the result goes to, as an absolute path.
    pub output: PathBuf,
    /// How urgent it is, where that was chosen.
    pub priority: Option<Priority>,
    /// It waits until a person lets it go on.
    pub is_paused: bool,
    /// What becomes of unfinished jobs of the same video.
    pub others: Others,
}

/// What becomes of unfinished jobs of the same video with other settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// Nothing: where there is one, no job is made.
    Refuse,
    /// They end, as far as nothing of them is finished.
    Replace,
    /// They stay, and the new one is another.
    Keep,
}

/// A job that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Added {
    /// Its number.
    pub id: JobId,
    /// False where it was there: then it is as it was.
    pub is_new: bool,
}

/// Why no job was made.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// The ledger fails, or the video is gone.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// An unfinished job of the video has other settings.
    #[error("job {id} is of this video, with other settings, and is {status}")]
    HasOther {
        /// The job.
        id: JobId,
        /// The name of its status.
        status: &'static str,
    },
    /// A job that was to be replaced has finished frames.
    #[error("job {id} has {frames} finished frames, which stay until a person gives them up")]
    HasWork {
        /// The job.
        id: JobId,
        /// How many.
        frames: u64,
    },
}

impl From<Error> for AddError {
    fn from(error: Error) -> Self {
        Self::Refused(error.into())
    }
}

impl From<ledger::Error> for AddError {
    fn from(error: ledger::Error) -> Self {
        Self::Refused(error.into())
    }
}

/// Describes the job that is asked for, and finds the one that is equal, where there is one. Reads some of the video.
pub(crate) async fn describe(ledger: &Ledger, wanted: &Add) -> Result<(NewJob, Option<JobId>), AddError> {
    let request = Request {
        source: wanted.source.clone(),
        settings: wanted.settings.clone(),
        output: wanted.output.clone(),
        result: None,
        folder: None,
    };
    let new = describe_for(ledger, request).await?;
    let equal = jobs_of(ledger, &new).await?.into_iter().find(|job| is_equal(job, &new));
    Ok((new, equal.map(|job| job.id)))
}

/// Makes the job, unless one is equal, or its result is there under a name of this template. No other change is made meanwhile.
pub(crate) async fn add(
    ledger: &Ledger,
    new: NewJob,
    wanted: &Add,
    name: NameTemplate,
) -> Result<Added, AddError> {
    let jobs = jobs_of(ledger, &new).await?;
    if let Some(equal) = jobs.iter().find(|job| is_equal(job, &new)) {
        return Ok(Added { id: equal.id, is_new: false });
    }
    let known = new.clone();
    let made = tokio::task::spawn_blocking(move || finished_result(&known, &name, None)).await;
    if let Ok(Some((result, bytes))) = made
        && let Some(id) = ledger.submit_done(&new, &result, bytes, now()).await?
    {
        tracing::info!("job {id}: `{}` was made before: `{}`", new.source.display(), result.display());
        return Ok(Added { id, is_new: false });
    }
    // A part of a video is a job beside that of all of it.
    let part = new.settings.part;
    let others = jobs
        .iter()
        .filter(|job| !job.job.status.is_final() && job.request.settings.part == part)
        .filter(|_| wanted.others != Others::Keep);
    let others: Vec<&Record> = others.collect();
    for other in &others {
        let (id, frames) = (other.id, other.job.frames_done());
        match wanted.others {
            Others::Replace if frames > 0 => return Err(AddError::HasWork { id, frames }),
            Others::Refuse => return Err(AddError::HasOther { id, status: other.job.status.name() }),
            Others::Replace | Others::Keep => {}
        }
    }
    // Before the others end, which leave their folders then.
    let submission = enter_in_free_folder(ledger, new, now()).await?;
    let id = submission.id;
    tracing::info!("job {id}: `{}` is added", wanted.source.display());
    if wanted.is_paused {
        apply(ledger, id, Event::Pause).await?;
    }
    if let Some(priority) = wanted.priority {
        apply(ledger, id, Event::Prioritize(priority)).await?;
    }
    for other in others {
        let which = Which::Named(vec![Selector::number(other.id)]);
        change(ledger, &which, Change::Cancel, false).await?;
        ledger.set_removed(&[other.id], true, now()).await?;
        tracing::info!("job {}: job {id}, of the same video with other settings, replaces it", other.id);
    }
    Ok(Added { id, is_new: submission.is_new })
}

/// The jobs of the source, with the content that it has now.
async fn jobs_of(ledger: &Ledger, new: &NewJob) -> Result<Vec<Record>, ledger::Error> {
    let jobs = ledger.of_source(&new.source).await?;
    Ok(jobs.into_iter().filter(|job| job.request.fingerprint == new.fingerprint).collect())
}

fn is_equal(job: &Record, new: &NewJob) -> bool {
    job.request.settings.hash() == new.settings.hash()
}

#[cfg(test)]
mod tests {
    use job::Part;
    use job::state::Status;

    use super::*;

    struct Fixture {
        folder: tempfile::TempDir,
        ledger: Ledger,
    }

    impl Fixture {
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("a.mkv"), "film").unwrap();
            let ledger = Ledger::open(&folder.path().join("ledger.db")).await.unwrap();
            Self { folder, ledger }
        }

        fn wanted(&self, crf: u8, others: Others) -> Add {
            Add {
                source: self.folder.path().join("a.mkv"),
                settings: Settings { crf: Some(crf), ..Settings::default() },
                output: self.folder.path().join("out"),
                priority: None,
                is_paused: false,
                others,
            }
        }

        async fn add(&self, wanted: &Add) -> Result<Added, AddError> {
            let (new, _) = describe(&self.ledger, wanted).await.unwrap();
            add(&self.ledger, new, wanted, NameTemplate::default()).await
        }

        async fn record(&self, id: JobId) -> Record {
            self.ledger.get(id).await.unwrap().unwrap()
        }
    }

    #[tokio::test]
    async fn an_equal_job_is_found_and_stays_as_it_is() {
        let fixture = Fixture::new().await;
        let mut wanted = fixture.wanted(20, Others::Refuse);
        (wanted.priority, wanted.is_paused) = (Some(Priority::High), true);
        let first = fixture.add(&wanted).await.unwrap();
        assert!(first.is_new);
        let record = fixture.record(first.id).await;
        assert_eq!((record.job.status.clone(), record.job.priority), (Status::Paused, Priority::High));
        (wanted.priority, wanted.is_paused) = (None, false);
        assert_eq!(describe(&fixture.ledger, &wanted).await.unwrap().1, Some(first.id));
        let again = fixture.add(&wanted).await.unwrap();
        assert_eq!(again, Added { id: first.id, is_new: false });
        assert_eq!(fixture.record(first.id).await.job.status, Status::Paused);
    }

    #[tokio::test]
    async fn an_unfinished_job_with_other_settings_is_asked_about() {
        let fixture = Fixture::new().await;
        let usual = fixture.add(&fixture.wanted(16, Others::Refuse)).await.unwrap();
        let refused = fixture.add(&fixture.wanted(20, Others::Refuse)).await.unwrap_err();
        assert!(matches!(refused, AddError::HasOther { id, status: "queued" } if id == usual.id));
        // A part of the video is no other version of it.
        let mut part = fixture.wanted(20, Others::Refuse);
        part.settings.part = Part::of(None, Some(job::FilmTime(5_000_000)));
        assert!(fixture.add(&part).await.unwrap().is_new);
        let replaced = fixture.add(&fixture.wanted(20, Others::Replace)).await.unwrap();
        assert!(replaced.is_new);
        let before = fixture.record(usual.id).await;
        assert_eq!((before.job.status, before.is_removed), (Status::Canceled, true));
        let beside = fixture.add(&fixture.wanted(22, Others::Keep)).await.unwrap();
        assert!(beside.is_new);
        let folders = [fixture.record(replaced.id).await, fixture.record(beside.id).await];
        assert_ne!(folders[0].request.folder, folders[1].request.folder);
        assert_eq!(folders[0].job.status, Status::Queued);
    }
}
