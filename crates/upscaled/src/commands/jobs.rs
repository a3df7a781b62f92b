//! `cancel`, `retry`, `remove`, `pause`, `resume`, `priority`, `move`: what a person changes, whether a server runs or not.

use coordinator::commands::{JobList, ListFilter, Moved, NewPosition, Reply, Request, Selector, Which};
use job::Settings;

use super::unexpected;
use crate::cli::{
    Choices, Chosen, ChosenOrFailed, Move, PartChoice, Pause, Resume, Retry, RootArgument, Urgency,
};
use crate::config;
use crate::exit::{Ending, wrong};
use crate::output;
use crate::reach::ask;
use crate::root::Root;
use crate::words::{Called, tell};

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

pub(super) async fn cancel(chosen: ChosenOrFailed) -> anyhow::Result<Ending> {
    let called = Called { done: "canceled", refused: "has come to its end already" };
    change(chosen, Request::Cancel, called).await
}

pub(super) async fn remove(chosen: ChosenOrFailed) -> anyhow::Result<Ending> {
    let called = Called { done: "off the list", refused: "cannot be taken off the list" };
    change(chosen, Request::Remove, called).await
}

pub(super) async fn pause(Pause { jobs, all, outside_hours, root }: Pause) -> anyhow::Result<Ending> {
    if jobs.is_empty() && !all && !outside_hours {
        return Err(wrong(
            "name the jobs that are to wait, or all with --all; --outside-hours lets a server keep to its schedule again",
        ));
    }
    if outside_hours {
        let Reply::Held(hold) = ask(&Root::new(&root.root)?, Request::CloseAgain).await? else {
            return Err(unexpected());
        };
        output::say(&match hold {
            Some(hold) => format!("the server is {hold}; what has begun is finished"),
            None => "nothing keeps the server from its work now; it keeps to its schedule".to_owned(),
        });
        if jobs.is_empty() && !all {
            return Ok(Ending::Done);
        }
    }
    let chosen = Chosen { jobs, all, root };
    change(chosen, Request::Pause, Called { done: "paused", refused: "cannot be paused" }).await
}

pub(super) async fn resume(Resume { jobs, all, now, root }: Resume) -> anyhow::Result<Ending> {
    if jobs.is_empty() && !all && !now {
        return Err(wrong(
            "name the jobs that are to go on, or all that are paused with --all; --now lets a server go on that waits by its schedule",
        ));
    }
    if now {
        let Reply::Opened(hold) = ask(&Root::new(&root.root)?, Request::OpenNow).await? else {
            return Err(unexpected());
        };
        output::say(&match hold {
            Some(hold) => {
                format!(
                    "segments begin now, although the server was {hold}; once that is over, the schedule holds again"
                )
            }
            None => "nothing keeps the server from its work".to_owned(),
        });
        if jobs.is_empty() && !all {
            return Ok(Ending::Done);
        }
    }
    let folder = Root::new(&root.root)?;
    let chosen = Chosen { jobs, all, root };
    let ending =
        change(chosen, Request::Resume, Called { done: "let go on", refused: "is not paused" }).await?;
    let few = ListFilter { limit: Some(0), ..ListFilter::default() };
    if let Reply::Listed(JobList { hold: Some(hold), .. }) = ask(&folder, Request::List(few)).await? {
        output::say(&format!("the server is {hold}: `upscaled resume --now` goes on at once"));
    }
    Ok(ending)
}

pub(super) async fn prioritize(Urgency { chosen, to }: Urgency) -> anyhow::Result<Ending> {
    let done = format!("of {} priority now", to.name());
    let called = Called { done: &done, refused: "has come to its end already" };
    change(chosen, |jobs| Request::Prioritize { jobs, priority: to }, called).await
}

/// Asks for a change of jobs, and says what became of each.
async fn change(
    chosen: impl Into<(Which, RootArgument)>,
    request: impl FnOnce(Which) -> Request,
    called: Called<'_>,
) -> anyhow::Result<Ending> {
    let (which, root) = chosen.into();
    changed(&Root::new(&root.root)?, request(which), called).await
}

async fn changed(root: &Root, request: Request, called: Called<'_>) -> anyhow::Result<Ending> {
    match ask(root, request).await? {
        Reply::Changed(outcomes) => Ok(tell(&outcomes, called)),
        _ => Err(unexpected()),
    }
}

pub(super) async fn retry(Retry { chosen, part, choices }: Retry) -> anyhow::Result<Ending> {
    let is_of_server = choices.threads.is_some() || choices.max_disk.is_some() || choices.name.is_some();
    let is_of_server = is_of_server || choices.workers.is_some();
    let switches = [
        choices.keep_time.chosen(),
        choices.subtitle_files.chosen(),
        choices.skip_samples.chosen(),
        choices.unconfined.chosen(),
    ];
    if is_of_server || switches.iter().any(Option::is_some) {
        return Err(wrong(
            "--threads, --workers, --max-disk, --name, --keep-time, --subtitle-files, --skip-samples and --unconfined, and each with no- before it, are the server's and not of one job: leave them out",
        ));
    }
    let again = choices.again;
    let choices = Choices { again: false, ..choices };
    let called = Called { done: "queued again", refused: "has not failed and was not canceled" };
    let (which, root) = chosen.into();
    let root = Root::new(&root.root)?;
    if choices == Choices::default() && part == PartChoice::default() {
        return changed(&root, Request::Retry { jobs: which, again, settings: None }, called).await;
    }
    let mut ending = Ending::Done;
    let jobs = settings_of(&root, which).await?;
    if jobs.is_empty() {
        return Ok(tell(&[], called));
    }
    for (job, mut settings) in jobs {
        settings.part = part.over(settings.part);
        let settings = Some(Box::new(config::changed(settings, &choices, &[root.models()])?));
        let request = Request::Retry { jobs: Which::Named(vec![job]), again, settings };
        if changed(&root, request, called).await? == Ending::Failed {
            ending = Ending::Failed;
        }
    }
    Ok(ending)
}

/// The settings of jobs that are to be tried again with others.
async fn settings_of(root: &Root, which: Which) -> anyhow::Result<Vec<(Selector, Settings)>> {
    // Of all, those that can be tried again.
    let is_all = which == Which::All;
    let Reply::Shown(mut jobs) = ask(root, Request::Show(which)).await? else { return Err(unexpected()) };
    jobs.retain(|job| !is_all || ["failed", "canceled"].contains(&&*job.view.report.status));
    Ok(jobs.into_iter().map(|job| (Selector::number(job.view.report.id), job.settings)).collect())
}

pub(super) async fn set_position(Move { jobs, to, root }: Move) -> anyhow::Result<Ending> {
    let to = match to.before {
        Some(other) => NewPosition::Before(other),
        None if to.first => NewPosition::First,
        None => NewPosition::Last,
    };
    let words = if to == NewPosition::First { "first" } else { "last" };
    let reply = ask(&Root::new(&root.root)?, Request::Move { jobs, to }).await?;
    let Reply::Moved(Moved { jobs, before }) = reply else { return Err(unexpected()) };
    let words = before.map_or_else(|| words.to_owned(), |other| format!("before job {other}"));
    for (id, priority) in jobs {
        output::say(&format!("job {id} comes {words} among the jobs of {} priority", priority.name()));
    }
    Ok(Ending::Done)
}
