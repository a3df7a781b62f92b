//! `cancel`, `retry`, `remove`, `pause`, `resume`, `priority`, `move`: what a person changes in the ledger, whether a server
//! runs or not.

use anyhow::ensure;
use coordinator::{Request, describe_for, discard_work, enter, make_again, now, replaced_by};
use job::JobId;
use job::state::{Effect, Event, Status};
use ledger::{Ledger, Place, Record};
use storage::FolderLock;

use crate::cli::{Choices, Chosen, ChosenOrFailed, Move, Retry, RootArgument, Urgency};
use crate::config;
use crate::exit::{Ending, wrong};
use crate::output;
use crate::root::Root;
use crate::selector::{Selector, select, select_exactly, select_one};

/// Which jobs of the list a command is about.
enum Which {
    Named(Vec<Selector>),
    /// All that have failed.
    Failed,
    /// All of which it can be asked.
    All,
}

impl From<Chosen> for (Which, RootArgument) {
    fn from(chosen: Chosen) -> Self {
        (if chosen.all { Which::All } else { Which::Named(chosen.jobs) }, chosen.root)
    }
}

impl From<ChosenOrFailed> for (Which, RootArgument) {
    fn from(chosen: ChosenOrFailed) -> Self {
        let which = match (chosen.all, chosen.failed) {
            (true, _) => Which::All,
            (_, true) => Which::Failed,
            _ => Which::Named(chosen.jobs),
        };
        (which, chosen.root)
    }
}

/// How names are taken: [`select`] or [`select_exactly`].
type Choose = fn(&[Record], &[Selector]) -> anyhow::Result<Vec<Record>>;

/// The jobs that a command is about; `can` tells of which it can be asked.
async fn jobs(
    ledger: &Ledger,
    which: Which,
    choose: Choose,
    can: impl Fn(&Status) -> bool,
) -> anyhow::Result<Vec<Record>> {
    let mut records = ledger.list().await?;
    match which {
        Which::Named(selectors) => return choose(&records, &selectors),
        Which::Failed => {
            records.retain(|record| has_failed(&record.job.status) && !record.is_removed);
        }
        Which::All => records.retain(|record| can(&record.job.status) && !record.is_removed),
    }
    if records.is_empty() {
        output::say("there are no such jobs");
    }
    Ok(records)
}

const fn has_failed(status: &Status) -> bool {
    matches!(status, Status::Failed { .. })
}

const fn is_open(status: &Status) -> bool {
    !status.is_final()
}

pub(super) async fn cancel(chosen: ChosenOrFailed) -> anyhow::Result<Ending> {
    let (which, root) = chosen.into();
    let root = Root::new(&root.root)?;
    let ledger = root.open_existing_ledger().await?;
    let mut ending = Ending::Done;
    for record in jobs(&ledger, which, select_exactly, is_open).await? {
        if change(&ledger, record.id, Event::Cancel, "canceled", "has come to its end already").await?
            == Ending::Failed
        {
            ending = Ending::Failed;
            continue;
        }
        // The server that works on it frees its disk as soon as it has let go of it.
        let is_alone = FolderLock::acquire(&root.state()).is_ok();
        if is_alone || !record.job.is_worked_on() {
            discard_work(&record);
        }
    }
    Ok(ending)
}

pub(super) async fn retry(retry: Retry) -> anyhow::Result<Ending> {
    let Retry { chosen, part, choices } = retry;
    let is_again = choices.again;
    let is_of_server = choices.threads.is_some() || choices.max_disk.is_some() || choices.name.is_some();
    if is_of_server || choices.keep_time || choices.no_subtitle_files || choices.unconfined {
        return Err(wrong(
            "--threads, --max-disk, --name, --keep-time, --no-subtitle-files and --unconfined are the server's and not of one job: leave them out",
        ));
    }
    let (which, root) = chosen.into();
    let root = Root::new(&root.root)?;
    let ledger = root.open_existing_ledger().await?;
    let mut ending = Ending::Done;
    let can = |status: &Status| matches!(status, Status::Failed { .. } | Status::Canceled);
    for record in jobs(&ledger, which, select, can).await? {
        // What failed since it is a result already is made all the same.
        let choices = Choices { again: is_again && has_failed(&record.job.status), ..choices.clone() };
        let mut settings = record.request.settings.clone();
        settings.part = part.over(settings.part);
        let settings = config::changed(settings, &choices, &[root.models()])?;
        let is_changed = settings != record.request.settings;
        if is_changed && !is_again {
            return Err(wrong("other settings make other frames: add --again to begin the jobs anew"));
        }
        let is_unfinished = matches!(record.job.status, Status::Failed { .. } | Status::Canceled);
        if is_unfinished && let Some(replaced) = replaced(&ledger, &record).await? {
            output::error(&replaced);
            ending = Ending::Failed;
            continue;
        }
        let tried = match record.job.status {
            Status::Done if is_changed => begin_other(&ledger, &record, settings).await,
            Status::Failed { .. } | Status::Canceled if is_changed => {
                begin_other(&ledger, &record, settings).await
            }
            Status::Done if is_again || !has_result(&record) => begin_again(&ledger, &record).await,
            Status::Done => {
                output::error(&format!("job {} is done: add --again to make its result again", record.id));
                Ok(Ending::Failed)
            }
            _ => {
                let refused = "has not failed and was not canceled";
                change(&ledger, record.id, Event::Retry, "queued again", refused).await
            }
        };
        match tried {
            Ok(Ending::Done) => ledger.set_removed(&[record.id], false).await?,
            Ok(_) => ending = Ending::Failed,
            Err(error) => {
                output::error(&format!("job {}: {error:#}", record.id));
                ending = Ending::Failed;
            }
        }
    }
    Ok(ending)
}

/// What is said of a job whose source has another content now; `None` where it has not, or cannot be read.
async fn replaced(ledger: &Ledger, record: &Record) -> anyhow::Result<Option<String>> {
    let (id, source) = (record.id, &record.request.source);
    let Some(fingerprint) = replaced_by(record) else { return Ok(None) };
    let others = ledger.of_source(source).await?;
    let new = others.iter().rev().find(|other| other.request.fingerprint == fingerprint);
    let new = match new {
        Some(new) => format!("the file that is there now is job {}", new.id),
        None => "a server takes the file that is there now in as a new job".to_owned(),
    };
    let kept = match record.job.frames_done() {
        0 => String::new(),
        frames => format!(
            "; to go on with its {frames} finished frames, put the earlier file back under this name, or free their disk with `upscaled cancel {id}`"
        ),
    };
    let source = output::path(source);
    Ok(Some(format!("job {id} is of a file `{source}` that was replaced by another one: {new}{kept}")))
}

/// Makes a finished job again.
async fn begin_again(ledger: &Ledger, record: &Record) -> anyhow::Result<Ending> {
    let new = make_again(ledger, record, now()).await?;
    if new == record.id {
        output::say(&format!("job {new} is queued again from its beginning"));
    } else {
        output::say(&format!("the source has other content by now: that is job {new}"));
    }
    Ok(Ending::Done)
}

/// Takes the source of a job in with other settings.
async fn begin_other(ledger: &Ledger, record: &Record, settings: job::Settings) -> anyhow::Result<Ending> {
    let request = Request {
        source: record.request.source.0.clone(),
        settings,
        output: record.request.output.0.clone(),
        result: None,
        folder: None,
    };
    let submission = enter(ledger, &describe_for(ledger, request).await?, now()).await?;
    if submission.is_new {
        output::say(&format!("job {} is job {} with other settings", submission.id, record.id));
        return Ok(Ending::Done);
    }
    output::error(&format!("with these settings, that is job {}, which is there already", submission.id));
    Ok(Ending::Failed)
}

/// True when something has the name of a job's result.
fn has_result(record: &Record) -> bool {
    record.request.result.as_ref().is_some_and(|result| result.symlink_metadata().is_ok())
}

pub(super) async fn remove(chosen: ChosenOrFailed) -> anyhow::Result<Ending> {
    let (which, root) = chosen.into();
    let ledger = Root::new(&root.root)?.open_existing_ledger().await?;
    let mut ending = Ending::Done;
    for record in jobs(&ledger, which, select_exactly, Status::is_final).await? {
        let (id, status) = (record.id, record.job.status.name());
        let frames = record.job.frames_done();
        if !record.job.status.is_final() {
            output::error(&format!("job {id} is {status}: end it with `upscaled cancel {id}` first"));
            ending = Ending::Failed;
        } else if has_failed(&record.job.status) && frames > 0 {
            output::error(&format!(
                "job {id} has {frames} finished frames: go on with `upscaled retry {id}`, or discard them with `upscaled cancel {id}` first"
            ));
            ending = Ending::Failed;
        } else {
            ledger.set_removed(&[id], true).await?;
            output::say(&format!("job {id} is off the list"));
        }
    }
    Ok(ending)
}

pub(super) async fn pause(chosen: Chosen) -> anyhow::Result<Ending> {
    let can = |status: &Status| is_open(status) && *status != Status::Paused;
    change_all(chosen, can, &Event::Pause, "paused", "cannot be paused").await
}

pub(super) async fn resume(chosen: Chosen) -> anyhow::Result<Ending> {
    let can = |status: &Status| *status == Status::Paused;
    change_all(chosen, can, &Event::Resume, "let go on", "is not paused").await
}

pub(super) async fn prioritize(urgency: Urgency) -> anyhow::Result<Ending> {
    let done = format!("of {} priority now", urgency.to.name());
    let event = Event::Prioritize(urgency.to);
    change_all(urgency.chosen, is_open, &event, &done, "has come to its end already").await
}

pub(super) async fn set_place(moving: Move) -> anyhow::Result<Ending> {
    let ledger = Root::new(&moving.root.root)?.open_existing_ledger().await?;
    let records = ledger.list().await?;
    let mut chosen = select_exactly(&records, &moving.jobs)?;
    let before = moving.to.before.map(|other| select_one(&records, &other)).transpose()?;
    // Nothing is moved where one of them cannot be.
    for record in chosen.iter().chain(&before) {
        let (id, status) = (record.id, &record.job.status);
        ensure!(!status.is_final(), "job {id} has come to its end already: it is {}", status.name());
    }
    if let Some(other) = &before {
        for record in &chosen {
            let (id, priority) = (record.id, record.job.priority.name());
            ensure!(id != other.id, "job {id} cannot come before itself: name another job with --before");
            ensure!(
                other.job.priority == record.job.priority,
                "job {id} is of {priority} priority and job {} of {}: make them the same with `upscaled priority` first",
                other.id,
                other.job.priority.name()
            );
        }
    }
    let (place, words) = match &before {
        Some(other) => (Place::Before(other.id), format!("before job {}", other.id)),
        None if moving.to.first => (Place::First, "first".to_owned()),
        None => (Place::Last, "last".to_owned()),
    };
    chosen.sort_by_key(|record| record.place);
    if place == Place::First {
        // Each goes before the one that was moved last: so they stay in their order.
        chosen.reverse();
    }
    for record in &chosen {
        ledger.set_place(record.id, place).await?;
    }
    for record in &chosen {
        let (id, priority) = (record.id, record.job.priority.name());
        output::say(&format!("job {id} comes {words} among the jobs of {priority} priority"));
    }
    Ok(Ending::Done)
}

/// Tells the ledger of each job what a person wants of it.
async fn change_all(
    chosen: Chosen,
    can: impl Fn(&Status) -> bool,
    event: &Event,
    done: &str,
    refused: &str,
) -> anyhow::Result<Ending> {
    let (which, root) = chosen.into();
    let ledger = Root::new(&root.root)?.open_existing_ledger().await?;
    let mut ending = Ending::Done;
    for record in jobs(&ledger, which, select, can).await? {
        if change(&ledger, record.id, event.clone(), done, refused).await? == Ending::Failed {
            ending = Ending::Failed;
        }
    }
    Ok(ending)
}

async fn change(
    ledger: &Ledger,
    id: JobId,
    event: Event,
    done: &str,
    refused: &str,
) -> anyhow::Result<Ending> {
    let applied = ledger.apply(id, event, now()).await?;
    if matches!(applied.effects.as_slice(), [Effect::Refused(_)]) {
        output::error(&format!("job {id} {refused}: it is {}", applied.record.job.status.name()));
        return Ok(Ending::Failed);
    }
    output::say(&format!("job {id} is {done}"));
    Ok(Ending::Done)
}
