//! Taking a job in for a person who asks for its result, whatever became of it before.

use job::state::{Event, Status};
use job::{JobId, NewJob};
use ledger::{Ledger, Record};

use super::message::{Refusal, Submitted, TakenIn};
use crate::clock::now;
use crate::error::Error;
use crate::submit::enter;

/// Takes a job in, so that it is worked on; one that failed before gets another try. With `overwrite`, a result that is there
/// is made again, and the name of one of another job that has ended may be taken.
///
/// # Errors
/// When another job has the name that was chosen for the result, or the ledger fails.
pub async fn take_in(ledger: &Ledger, new: &NewJob, overwrite: bool) -> Result<Submitted, Refusal> {
    let submission = match enter(ledger, new, now()).await {
        Err(Error::Ledger(ledger::Error::ResultTaken { by, .. }))
            if overwrite && has_ended(ledger, by).await? =>
        {
            ledger.release_result(by).await?;
            enter(ledger, new, now()).await?
        }
        other => other?,
    };
    let id = submission.id;
    let record = ledger.get(id).await?.ok_or(Refusal::NoJob(id))?;
    let taken = match record.job.status {
        Status::Failed { .. } | Status::Canceled => {
            ledger.apply(id, Event::Retry, now()).await?;
            TakenIn::TriedAgain
        }
        Status::Done if !overwrite && has_result(&record).await => TakenIn::DoneAlready,
        // Done before, and a user who asks again wants it made again.
        Status::Done => {
            ledger.begin_again(id, new, now()).await?;
            TakenIn::BegunAgain
        }
        Status::Paused => {
            ledger.apply(id, Event::Resume, now()).await?;
            TakenIn::Resumed
        }
        _ if submission.is_new => TakenIn::New,
        _ => TakenIn::GoesOn,
    };
    Ok(Submitted { id, taken })
}

async fn has_ended(ledger: &Ledger, id: JobId) -> Result<bool, ledger::Error> {
    Ok(ledger.get(id).await?.is_none_or(|record| record.job.status.is_final()))
}

/// True when the result of a finished job is where it was put, as far as its size tells.
async fn has_result(record: &Record) -> bool {
    let (result, bytes) = (record.request.result.clone(), record.job.result_bytes);
    let look = move || {
        let found = result.and_then(|result| result.metadata().ok());
        found.is_some_and(|metadata| Some(metadata.len()) == bytes)
    };
    tokio::task::spawn_blocking(look).await.unwrap_or(false)
}
