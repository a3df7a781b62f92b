//! Changes of jobs, one after the other: cancel, pause, resume, priority, and off the list.

use job::state::{Effect, Event, Status};
use job::{JobId, Priority};
use ledger::{Ledger, Record};

use super::load::chosen;
use super::message::{Became, Outcome, Refusal};
use super::select::Which;
use crate::clock::now;
use crate::leftovers::discard_work;

/// A change that an event of the rules makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Cancel,
    Pause,
    Resume,
    Prioritize(Priority),
}

impl Change {
    /// True for a job of which it can be asked.
    const fn is_for(self, status: &Status) -> bool {
        match self {
            Self::Cancel | Self::Prioritize(_) => !status.is_final(),
            Self::Pause => !status.is_final() && !matches!(status, Status::Paused),
            Self::Resume => matches!(status, Status::Paused),
        }
    }

    const fn event(self) -> Event {
        match self {
            Self::Cancel => Event::Cancel,
            Self::Pause => Event::Pause,
            Self::Resume => Event::Resume,
            Self::Prioritize(priority) => Event::Prioritize(priority),
        }
    }
}

/// Makes a change. `is_alone`: no service works on the jobs of this ledger.
pub(crate) async fn change(
    ledger: &Ledger,
    which: &Which,
    change: Change,
    is_alone: bool,
) -> Result<Vec<Outcome>, Refusal> {
    let is_cancel = change == Change::Cancel;
    let records = chosen(ledger, which, is_cancel, |status| change.is_for(status)).await?;
    let mut outcomes = Vec::with_capacity(records.len());
    for record in records {
        let changed = if is_cancel {
            cancel(ledger, &record, is_alone).await
        } else {
            apply(ledger, record.id, change.event()).await
        };
        if !add(&mut outcomes, record.id, changed) {
            break;
        }
    }
    Ok(outcomes)
}

/// Notes what became of a job. False where it is of no use to go on with others.
fn add(outcomes: &mut Vec<Outcome>, id: JobId, changed: Result<Became, Refusal>) -> bool {
    let goes_on = changed.is_ok();
    let became = changed.unwrap_or_else(|refusal| Became::Failed { message: refusal.to_string() });
    outcomes.push(Outcome { id, became });
    goes_on
}

/// Ends a job and discards its work. What works on it lets go of it, and frees its disk then.
async fn cancel(ledger: &Ledger, record: &Record, is_alone: bool) -> Result<Became, Refusal> {
    // The list may be old by now, where many jobs were chosen.
    let before = ledger.get(record.id).await?.ok_or(Refusal::NoJob(record.id))?;
    let became = apply(ledger, record.id, Event::Cancel).await?;
    if became == Became::Done && (is_alone || !before.job.is_worked_on()) {
        // What it could not remove it says in the log.
        let _ = tokio::task::spawn_blocking(move || discard_work(&before)).await;
    }
    Ok(became)
}

/// Tells the ledger what a person wants of a job.
pub(super) async fn apply(ledger: &Ledger, id: JobId, event: Event) -> Result<Became, Refusal> {
    let applied = ledger.apply(id, event, now()).await?;
    Ok(match applied.effects.as_slice() {
        [Effect::Refused(_)] => Became::Refused { status: applied.record.job.status.name().to_owned() },
        _ => Became::Done,
    })
}

/// Takes jobs that have come to their end off the list.
pub(crate) async fn set_removed(ledger: &Ledger, which: &Which) -> Result<Vec<Outcome>, Refusal> {
    let records = chosen(ledger, which, true, Status::is_final).await?;
    let mut outcomes = Vec::with_capacity(records.len());
    for record in records {
        let (status, frames) = (&record.job.status, record.job.frames_done());
        let removed = if !status.is_final() {
            Ok(Became::NotEnded { status: status.name().to_owned() })
        } else if matches!(status, Status::Failed { .. }) && frames > 0 {
            Ok(Became::KeepsWork { frames })
        } else {
            ledger.set_removed(&[record.id], true, now()).await.map(|()| Became::Done).map_err(Refusal::from)
        };
        if !add(&mut outcomes, record.id, removed) {
            break;
        }
    }
    Ok(outcomes)
}
