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
/// When the name that was chosen for the result is that of another job's result or source, or the ledger fails.
pub async fn take_in(ledger: &Ledger, new: &NewJob, overwrite: bool) -> Result<Submitted, Refusal> {
    if let Some(result) = &new.result {
        let of_result = ledger.of_source(result).await?;
        if let Some(other) = of_result.iter().find(|other| !other.is_removed) {
            return Err(Refusal::IsSource { result: result.clone(), of: other.id });
        }
    }
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

#[cfg(test)]
mod tests {
    use job::Settings;

    use super::*;

    #[tokio::test]
    async fn no_result_takes_the_name_of_a_source() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("ledger.db")).await.unwrap();
        let job = |source: &str, result: Option<&str>| NewJob {
            source: source.into(),
            fingerprint: source.to_owned(),
            stamp: String::new(),
            settings: Settings::default(),
            output: "/out".into(),
            folder: format!("{source}.job").as_str().into(),
            result: result.map(Into::into),
        };
        let first = take_in(&ledger, &job("/in/a.mkv", None), false).await.unwrap();
        for overwrite in [false, true] {
            let refused = take_in(&ledger, &job("/in/b.mkv", Some("/in/a.mkv")), overwrite).await;
            let wanted = Refusal::IsSource { result: "/in/a.mkv".into(), of: first.id };
            assert_eq!(refused, Err(wanted));
        }
        take_in(&ledger, &job("/in/b.mkv", Some("/in/c.mkv")), true).await.unwrap();
    }
}
