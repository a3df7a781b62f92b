//! `cancel`, `retry`, `pause`, `resume`, `priority`, `move`: what a person changes in the ledger, whether a server runs or
//! not.

use anyhow::ensure;
use coordinator::{make_again, now};
use job::JobId;
use job::state::{Effect, Event, Status};
use ledger::{Place, Record};

use crate::cli::{Chosen, Move, Urgency};
use crate::exit::Ending;
use crate::output;
use crate::root::Root;

pub(super) async fn cancel(chosen: Chosen) -> anyhow::Result<Ending> {
    change(chosen, &Event::Cancel, "canceled", "has come to its end already").await
}

pub(super) async fn retry(chosen: Chosen) -> anyhow::Result<Ending> {
    let ledger = Root::new(&chosen.root.root)?.open_existing_ledger().await?;
    let mut ending = Ending::Done;
    let mut others = Vec::new();
    for id in chosen.ids {
        match ledger.get(JobId(id)).await? {
            Some(record) if record.job.status == Status::Done && !has_result(&record) => {
                match make_again(&ledger, &record, now()).await {
                    Ok(new) if new == record.id => {
                        output::say(&format!("job {new} is queued again: its result is gone"));
                    }
                    Ok(new) => {
                        output::say(&format!("the source has other content by now: that is job {new}"));
                    }
                    Err(error) => {
                        output::error(&error.to_string());
                        ending = Ending::Failed;
                    }
                }
            }
            _ => others.push(id),
        }
    }
    ledger.close().await;
    let others = Chosen { ids: others, ..chosen };
    let refused = "has not failed, was not canceled, and its result is not gone";
    let changed = change(others, &Event::Retry, "queued again", refused).await?;
    Ok(if changed == Ending::Done { ending } else { changed })
}

/// True when something has the name of a job's result.
fn has_result(record: &Record) -> bool {
    record.request.result.as_ref().is_some_and(|result| result.symlink_metadata().is_ok())
}

pub(super) async fn pause(chosen: Chosen) -> anyhow::Result<Ending> {
    change(chosen, &Event::Pause, "paused", "cannot be paused").await
}

pub(super) async fn resume(chosen: Chosen) -> anyhow::Result<Ending> {
    change(chosen, &Event::Resume, "let go on", "is not paused").await
}

pub(super) async fn prioritize(urgency: Urgency) -> anyhow::Result<Ending> {
    let done = format!("of {} priority now", urgency.to.name());
    let event = Event::Prioritize(urgency.to);
    change(urgency.chosen, &event, &done, "has come to its end already").await
}

pub(super) async fn set_place(moving: Move) -> anyhow::Result<Ending> {
    let ledger = Root::new(&moving.root.root)?.open_existing_ledger().await?;
    let get = async |id: i64| {
        let id = JobId(id);
        let record = ledger.get(id).await?.ok_or(ledger::Error::NoJob(id))?;
        let status = &record.job.status;
        ensure!(!status.is_final(), "job {id} has come to its end already: it is {}", status.name());
        Ok(record)
    };
    let record = get(moving.id).await?;
    let (id, priority) = (record.id, record.job.priority.name());
    let place = if let Some(other) = moving.to.before {
        let other = get(other).await?;
        ensure!(
            other.job.priority == record.job.priority,
            "job {id} is of {priority} priority and job {} of {}: make them the same with `upscaled priority` first",
            other.id,
            other.job.priority.name()
        );
        Place::Before(other.id)
    } else if moving.to.first {
        Place::First
    } else {
        Place::Last
    };
    ledger.set_place(id, place).await?;
    let place = match place {
        Place::First => "first".to_owned(),
        Place::Before(other) => format!("before job {other}"),
        Place::Last => "last".to_owned(),
    };
    output::say(&format!("job {id} comes {place} among the jobs of {priority} priority"));
    Ok(Ending::Done)
}

async fn change(chosen: Chosen, event: &Event, done: &str, refused: &str) -> anyhow::Result<Ending> {
    let ledger = Root::new(&chosen.root.root)?.open_existing_ledger().await?;
    let mut ending = Ending::Done;
    for id in chosen.ids.into_iter().map(JobId) {
        match ledger.apply(id, event.clone(), now()).await {
            Ok(applied) if matches!(applied.effects.as_slice(), [Effect::Refused(_)]) => {
                output::error(&format!("job {id} {refused}: it is {}", applied.record.job.status.name()));
                ending = Ending::Failed;
            }
            Ok(_) => output::say(&format!("job {id} is {done}")),
            Err(error) => {
                output::error(&error.to_string());
                ending = Ending::Failed;
            }
        }
    }
    Ok(ending)
}
