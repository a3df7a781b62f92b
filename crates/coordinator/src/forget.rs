//! Which jobs may be forgotten, and how that is done.

use std::path::Path;
use std::time::Duration;

use job::state::Status;
use job::{JobId, Millis};
use ledger::{Ledger, Record};

use crate::blocking::blocking;
use crate::clock::now;
use crate::commands::Became;
use crate::inbox::vanished;
use crate::leftovers::discard_work;

/// Time after the end of a job in which what worked on it may still be at it: longer than a lane takes to let go.
const LETTING_GO: Duration = Duration::from_secs(15);

/// Where a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Something lies where it lay.
    There,
    /// That cannot be told: what lies where it lay is on another disk, or may not be looked at.
    Away,
    /// It was taken away.
    Gone,
}

impl Place {
    fn of(record: &Record) -> Self {
        let source: &Path = &record.request.source;
        match source.symlink_metadata() {
            Ok(_) => Self::There,
            Err(_) if vanished::is_gone(source, &record.request.stamp, Path::new("/")) => Self::Gone,
            Err(_) => Self::Away,
        }
    }
}

/// What keeps a job from being forgotten when a person asks for it; `None` where nothing does. `is_alone`: nothing works on the
/// jobs. Looks at files.
pub(crate) fn obstacle(record: &Record, now: Millis, is_alone: bool) -> Option<Became> {
    let lasting = unready(record).or_else(|| source_in_the_way(record));
    lasting.or_else(|| (!is_alone && has_just_ended(record, now)).then_some(Became::StillNeeded))
}

/// True for a job that may be forgotten without a person who asks for it: its source is gone, and nothing could go on. Looks at
/// files.
pub(crate) fn is_done_with(record: &Record, now: Millis) -> bool {
    unready(record).is_none() && !has_just_ended(record, now) && Place::of(record) == Place::Gone
}

/// What keeps a job from being forgotten whatever became of its source.
fn unready(record: &Record) -> Option<Became> {
    let (status, frames) = (&record.job.status, record.job.frames_done());
    match status {
        Status::Failed { .. } if frames > 0 => Some(Became::KeepsWork { frames }),
        status if !status.is_final() => Some(Became::NotEnded { status: status.name().to_owned() }),
        _ => None,
    }
}

/// That the source of a job would be made again: under another name, with other settings or without its result, nothing but
/// the job tells that it was made.
fn source_in_the_way(record: &Record) -> Option<Became> {
    // A job of a part keeps no film from being taken in.
    if record.request.settings.part.is_some() {
        return None;
    }
    let source = || record.request.source.clone();
    match Place::of(record) {
        Place::Gone => None,
        Place::There => Some(Became::SourceThere { source: source() }),
        Place::Away => Some(Became::SourceAway { source: source() }),
    }
}

fn has_just_ended(record: &Record, now: Millis) -> bool {
    u128::from(now.0.abs_diff(record.changed.0)) < LETTING_GO.as_millis()
}

/// Forgets jobs, and removes what is left in their folders. Gives those that were forgotten: one that is to be worked on again
/// stays.
///
/// # Errors
/// When the ledger fails.
pub(crate) async fn forget(ledger: &Ledger, jobs: Vec<Record>) -> Result<Vec<JobId>, ledger::Error> {
    let ids: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
    let forgotten = ledger.forget(&ids, now()).await?;
    for job in jobs.into_iter().filter(|job| forgotten.contains(&job.id)) {
        if ledger.other_in_folder(&job.request.folder, job.id).await?.is_none() {
            blocking(move || discard_work(&job)).await;
        }
    }
    Ok(forgotten)
}
