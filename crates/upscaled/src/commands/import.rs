//! `import`: the queue, the jobs and the results of the Python server that upscaled replaces. Nothing of its folder is changed.

mod gather;
mod place;
mod plan;
mod queue;
mod results;
mod status;
mod told;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use coordinator::commands::{Reply, Request, TakenIn};
use coordinator::{KnownFiles, Shutdown, list_videos};
use futures_util::StreamExt as _;
use indicatif::ProgressBar;
use job::JobId;

use self::gather::{Gathered, gather};
use self::place::OldFolder;
use self::plan::{Entry, Fate, Planner};
use self::results::Outputs;
use super::{library, worker_program};
use crate::cli::{Choices, Import};
use crate::config;
use crate::exit::{Ending, wrong};
use crate::output;
use crate::reach::{Answer, answer};
use crate::root::Root;
use crate::signals::shutdown_on_signal;
use crate::wrap;

/// Files that are looked into at once.
const AT_ONCE: usize = 2;
/// Failures that are told.
const MOST_FAILURES: usize = 20;
/// What is said where the Python server left unfinished work.
const PARTIAL: &str = "Frames and clips of unfinished work lie there: whether they are those of the video cannot be told, so their frames are made again.";

pub(super) async fn run(arguments: Import) -> anyhow::Result<Ending> {
    let shutdown = shutdown_on_signal()?;
    let root = Root::new(&arguments.root.root)?;
    let old = old_folder(&arguments.folder)?;
    let file = root.settings_file();
    let folders = Planner::folders(config::watch_folders(&Choices::default(), &root)?, &old, &root);
    let worker = worker_program(config::with_file(Choices::default(), &file)?.unconfined.is_on())?;
    worker.check().await?;
    let ledger = root.ledger_if_any().await?;
    let known = KnownFiles::of(ledger.as_ref()).await?;
    if let Some(ledger) = ledger {
        ledger.close().await;
    }
    let rules = config::watching(&Choices::default(), &file)?.rules;
    let input = folders
        .iter()
        .find(|folder| storage::real_place(&folder.input) == old.input())
        .map_or_else(|| old.input(), |folder| folder.input.clone());
    let inputs = list_videos(input, folders.clone(), rules).await;
    let planner =
        Arc::new(Planner { old, root: root.clone(), folders, known, worker, outputs: Outputs::default() });
    let of = Arc::clone(&planner);
    let gathered = tokio::task::spawn_blocking(move || gather(&of.old, &inputs)).await?;
    let bar = library::bar();
    let entries = plan(&planner, &gathered, &bar, &shutdown).await;
    bar.finish_and_clear();
    let Some(entries) = entries else { return Ok(Ending::Stopped) };
    tell(&arguments, &entries, &gathered)?;
    let whole = if gathered.is_incomplete { Ending::Failed } else { Ending::Done };
    if arguments.dry_run {
        let command = shlex::try_join([
            "upscaled",
            "import",
            &arguments.folder.to_string_lossy(),
            "--root",
            &root.folder().to_string_lossy(),
        ]);
        output::say(&format!("next: {}", command.unwrap_or_default()));
        return Ok(whole);
    }
    let ended = begin(&arguments, &root, &entries, &shutdown).await?;
    Ok(if ended == Ending::Done { whole } else { ended })
}

/// The folder of the Python server, by its real place.
fn old_folder(folder: &Path) -> anyhow::Result<OldFolder> {
    let shown = output::path(folder);
    let place = folder.canonicalize().with_context(|| format!("the folder `{shown}` cannot be read"))?;
    let has = |name: &str| place.join(name).symlink_metadata().is_ok();
    if !place.is_dir() || !["queue.txt", "status.json", "input"].into_iter().any(has) {
        return Err(wrong(format!(
            "`{shown}` has no queue.txt, no status.json and no input/: name the folder that the Python server ran in"
        )));
    }
    Ok(OldFolder::new(place))
}

/// What becomes of each video, and what was not understood; `None` where the shutdown was requested.
async fn plan(
    planner: &Arc<Planner>,
    gathered: &Gathered,
    bar: &ProgressBar,
    shutdown: &Shutdown,
) -> Option<Vec<Entry>> {
    let of = gathered.mentions.len();
    let entries = futures_util::stream::iter(&gathered.mentions).map(|mention| planner.entry(mention));
    let mut entries = std::pin::pin!(entries.buffered(AT_ONCE));
    let mut planned = Vec::new();
    for done in 0.. {
        bar.set_message(format!("looking into {done} of {of} videos"));
        let entry = tokio::select! {
            entry = entries.next() => entry,
            () = shutdown.requested() => return None,
        };
        let Some(entry) = entry else { break };
        planned.extend(entry);
    }
    planned.extend(gathered.unclear.iter().cloned().map(Entry::from));
    Some(planned)
}

/// Says what becomes of what, in the same words before and when it is done; for programs only before, since then the jobs have no numbers.
fn tell(arguments: &Import, entries: &[Entry], gathered: &Gathered) -> anyhow::Result<()> {
    if arguments.json && arguments.dry_run {
        for entry in entries {
            output::json(&told::Line::of(entry, None))?;
        }
    } else if !arguments.json {
        output::lines(told::table(entries, told::columns()))?;
        for entry in entries {
            if let Fate::Left(command) = &entry.fate {
                output::data(&format!("to make it: {command}"))?;
            }
        }
    }
    wrap::say(&told::totals(entries, gathered.repeated));
    if gathered.has_partial_work {
        wrap::say(PARTIAL);
    }
    Ok(())
}

/// Notes what was done, and makes jobs of what waits, in their order.
async fn begin(
    arguments: &Import,
    root: &Root,
    entries: &[Entry],
    shutdown: &Shutdown,
) -> anyhow::Result<Ending> {
    let (mut jobs, mut noted, mut failed, mut has_server) = (0, 0, VecDeque::new(), false);
    let tell = |entry: &Entry, job: Option<JobId>| {
        if arguments.json { output::json(&told::Line::of(entry, job)) } else { Ok(()) }
    };
    for entry in entries {
        let (request, count) = match &entry.fate {
            Fate::Job(submit) => (Request::Submit(submit.clone()), &mut jobs),
            Fate::Done(adopt) => (Request::Adopt(adopt.clone()), &mut noted),
            _ => {
                tell(entry, None)?;
                continue;
            }
        };
        if shutdown.is_requested() {
            output::say("stopped: do the same again to go on; what was taken in stays");
            return Ok(Ending::Stopped);
        }
        match answer(root, request).await {
            Ok(Answer { reply: Reply::Submitted(submitted), is_of_server }) => {
                *count += usize::from(submitted.taken == TakenIn::New);
                has_server = is_of_server;
                tell(entry, Some(submitted.id))?;
            }
            Ok(_) => return Err(super::unexpected()),
            Err(error) => {
                failed.push_back(format!("{} is not taken in: {error:#}", entry.name));
                tell(entry, None)?;
            }
        }
    }
    for failure in failed.iter().take(MOST_FAILURES) {
        wrap::say(&output::one_line(failure));
    }
    if failed.len() > MOST_FAILURES {
        wrap::say(&format!("and {} more", failed.len() - MOST_FAILURES));
    }
    let added = if jobs == 1 { "1 job was added".to_owned() } else { format!("{jobs} jobs were added") };
    wrap::say(&format!("{added}, and {noted} noted as done; the old folder is as it was"));
    let next = if has_server { "list" } else { "serve" };
    output::say(&format!("next: upscaled {next} --root {}", output::path(root.folder())));
    Ok(if failed.is_empty() { Ending::Done } else { Ending::Failed })
}
