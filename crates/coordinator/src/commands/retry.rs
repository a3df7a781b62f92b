//! Trying jobs again, and making results again, with the same settings or others.

use job::state::{Event, Status};
use job::{FilePath, Settings};
use ledger::{Ledger, Record};
use tokio::sync::Mutex;

use super::change::apply;
use super::load::chosen;
use super::message::{Became, Outcome, Refusal};
use super::select::Which;
use crate::clock::now;
use crate::error::Error;
use crate::source::replaced_by;
use crate::submit::{Request, describe_for, enter, look_at, make_again};

/// What is wanted of jobs that are tried again.
#[derive(Debug)]
pub(crate) struct Retry<'a> {
    /// Results that are there are made again.
    pub(crate) again: bool,
    /// The settings of what is made, where they may be others than the jobs have.
    pub(crate) settings: Option<&'a Settings>,
}

/// Tries jobs again; `changing` is held while one of them changes.
///
/// # Errors
/// When none is meant, or when settings are others and nothing was to be made again; then nothing has changed.
pub(crate) async fn retry(
    ledger: &Ledger,
    which: &Which,
    wanted: Retry<'_>,
    changing: &Mutex<()>,
) -> Result<Vec<Outcome>, Refusal> {
    let records = chosen(ledger, which, false, is_unfinished).await?;
    let is_other =
        |record: &Record| wanted.settings.is_some_and(|settings| *settings != record.request.settings);
    if !wanted.again && records.iter().any(is_other) {
        return Err(Refusal::OtherSettings);
    }
    let mut outcomes = Vec::with_capacity(records.len());
    for record in records {
        let id = record.id;
        let tried = one(ledger, record, &wanted, changing).await;
        let became = tried.unwrap_or_else(|refusal| Became::Failed { message: refusal.to_string() });
        outcomes.push(Outcome { id, became });
    }
    Ok(outcomes)
}

/// Those that have an end without a result.
const fn is_unfinished(status: &Status) -> bool {
    matches!(status, Status::Failed { .. } | Status::Canceled)
}

async fn one(
    ledger: &Ledger,
    record: Record,
    wanted: &Retry<'_>,
    changing: &Mutex<()>,
) -> Result<Became, Refusal> {
    let mut settings = wanted.settings.unwrap_or(&record.request.settings).clone();
    // What failed since it is a result already is made all the same.
    settings.again |= wanted.again && matches!(record.job.status, Status::Failed { .. });
    let is_changed = settings != record.request.settings;
    if is_unfinished(&record.job.status)
        && let Some(replaced) = replaced(ledger, &record).await?
    {
        return Ok(replaced);
    }
    let is_there = has_result(&record).await;
    // A disk that does not answer holds this up alone, and not the changes of others.
    look_at(&record.request.source).await;
    let _turn = changing.lock().await;
    let became = match record.job.status {
        Status::Done | Status::Failed { .. } | Status::Canceled if is_changed => {
            begin_other(ledger, &record, settings).await?
        }
        Status::Done if wanted.again || !is_there => begin_again(ledger, &record).await?,
        Status::Done => Became::IsDone,
        _ => match apply(ledger, record.id, Event::Retry).await? {
            Became::Done => Became::QueuedAgain,
            refused => refused,
        },
    };
    if is_made(&became) {
        ledger.set_removed(&[record.id], false, now()).await?;
    }
    Ok(became)
}

/// True when something is to be made.
const fn is_made(became: &Became) -> bool {
    matches!(
        became,
        Became::QueuedAgain | Became::BegunAgain | Became::NewContent { .. } | Became::OtherJob { .. }
    )
}

/// What is said of a job whose source has another content now; `None` where it has not, or cannot be read.
async fn replaced(ledger: &Ledger, record: &Record) -> Result<Option<Became>, Refusal> {
    let looked = record.clone();
    let found = tokio::task::spawn_blocking(move || replaced_by(&looked)).await;
    let Ok(Some(fingerprint)) = found else { return Ok(None) };
    let source: &FilePath = &record.request.source;
    let others = ledger.of_source(source).await?;
    let new = others.iter().rev().find(|other| other.request.fingerprint == fingerprint);
    Ok(Some(Became::Replaced {
        source: source.clone(),
        by: new.map(|new| new.id),
        frames: record.job.frames_done(),
    }))
}

/// Makes a finished job again.
async fn begin_again(ledger: &Ledger, record: &Record) -> Result<Became, Error> {
    let new = make_again(ledger, record, now()).await?;
    Ok(if new == record.id { Became::BegunAgain } else { Became::NewContent { job: new } })
}

/// Takes the source of a job in with other settings.
async fn begin_other(ledger: &Ledger, record: &Record, settings: Settings) -> Result<Became, Error> {
    let request = Request {
        source: record.request.source.0.clone(),
        settings,
        output: record.request.output.0.clone(),
        result: None,
        folder: None,
    };
    let submission = enter(ledger, &describe_for(ledger, request).await?, now()).await?;
    let job = submission.id;
    Ok(if submission.is_new { Became::OtherJob { job } } else { Became::ThereAlready { job } })
}

/// True when something has the name of a job's result.
async fn has_result(record: &Record) -> bool {
    let Some(result) = record.request.result.clone() else { return false };
    tokio::task::spawn_blocking(move || result.symlink_metadata().is_ok()).await.unwrap_or(false)
}
