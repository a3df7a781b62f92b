//! `library`: the videos that have few rows and no upscaled twin, and what making them would come to.

mod told;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use coordinator::commands::{Reply, Request, Submit, TakenIn};
use coordinator::{
    Film, Library, LibraryOptions, LibraryProgress, NameTemplate, Output, ServerFolders, WatchFolder, library,
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::worker_program;
use crate::cli::{Choices, LibraryArguments};
use crate::config;
use crate::exit::Ending;
use crate::output;
use crate::reach::answer;
use crate::root::Root;
use crate::signals::shutdown_on_signal;
use crate::wrap;

/// Time between two pictures of the spinner.
const TICK: Duration = Duration::from_millis(200);

pub(super) async fn run(arguments: LibraryArguments) -> anyhow::Result<Ending> {
    let shutdown = shutdown_on_signal()?;
    let root = Root::new(&arguments.root.root)?;
    let file = root.settings_file();
    let mut folders = config::watch_folders(&Choices::default(), &root)?;
    let shelves = shelves(&arguments, &root, &mut folders)?;
    let options = LibraryOptions {
        shelves,
        folders,
        rules: config::watching(&Choices::default(), &file)?.rules,
        ledger: root.ledger_if_any().await?,
        worker: worker_program(config::with_file(Choices::default(), &file)?.unconfined.is_on())?,
        below: arguments.below,
    };
    options.worker.check().await?;
    let bar = bar();
    let tell = |LibraryProgress { done, of }| bar.set_message(format!("looking into {done} of {of} files"));
    let found = library(&options, tell, &shutdown).await;
    bar.finish_and_clear();
    let Some(library) = found? else { return Ok(Ending::Stopped) };
    if arguments.json {
        for film in &library.films {
            output::json(&told::Line::of(film))?;
        }
    } else {
        told::films(&library)?;
    }
    told::summary(&library, arguments.below);
    if !arguments.start {
        return Ok(Ending::Done);
    }
    start(&root, &library, &shutdown).await
}

/// The folders that are looked through. One that no server would watch gets the settings of all, and results in the folder of all
/// results.
fn shelves(
    arguments: &LibraryArguments,
    root: &Root,
    folders: &mut Vec<WatchFolder>,
) -> anyhow::Result<Vec<PathBuf>> {
    if arguments.folders.is_empty() {
        return Ok(watched(root, folders));
    }
    let mut shelves = Vec::new();
    for name in &arguments.folders {
        let shown = output::path(name);
        let shelf = name.canonicalize().with_context(|| format!("the folder `{shown}` cannot be read"))?;
        anyhow::ensure!(shelf.is_dir(), "`{shown}` is no folder: name one, or use `upscaled up` for a file");
        // By the name that the server has for it.
        let watched = folders.iter().find_map(|folder| {
            let inside = shelf.strip_prefix(storage::real_place(&folder.input)).ok()?;
            Some(folder.input.join(inside))
        });
        let own = folders.first().filter(|_| watched.is_none()).cloned();
        if let Some(own) = own {
            folders.push(WatchFolder { input: shelf.clone(), output: Output::Into(root.output()), ..own });
        }
        shelves.push(watched.unwrap_or(shelf));
    }
    Ok(shelves)
}

/// Those of the folders that a server watches which are there; says which are not.
fn watched(root: &Root, folders: &[WatchFolder]) -> Vec<PathBuf> {
    let folders =
        ServerFolders::new(folders.to_vec(), &root.output(), NameTemplate::default(), &root.state());
    let mut shelves = Vec::new();
    for watched in folders.watched() {
        match watched.trouble() {
            Some(trouble) => wrap::say(&output::one_line(&format!("not looked through: {trouble}"))),
            None => shelves.push(watched.folder.input.clone()),
        }
    }
    shelves
}

/// Makes jobs of the videos.
async fn start(root: &Root, library: &Library, shutdown: &coordinator::Shutdown) -> anyhow::Result<Ending> {
    let (mut begun, mut has_server) = (0, false);
    for Film { source, settings, output, .. } in &library.films {
        if shutdown.is_requested() {
            output::say(&format!("stopped: {begun} of {} are jobs now", library.films.len()));
            return Ok(Ending::Stopped);
        }
        let submit = Submit {
            source: source.clone().into(),
            settings: settings.clone(),
            output: output.clone().into(),
            result: None,
            overwrite: false,
        };
        let answer = answer(root, Request::Submit(Box::new(submit))).await?;
        has_server = answer.is_of_server;
        if let Reply::Submitted(submitted) = answer.reply {
            begun += usize::from(submitted.taken == TakenIn::New);
        }
    }
    wrap::say(&match begun {
        0 if library.films.is_empty() => "there is nothing to begin".to_owned(),
        0 => "no job was begun: all of them are jobs already".to_owned(),
        _ => {
            let jobs = if begun == 1 { "1 job was".to_owned() } else { format!("{begun} jobs were") };
            let next = if has_server {
                "the server works on them"
            } else {
                "start `upscaled serve` to work on them"
            };
            format!("{jobs} added: `upscaled list` shows all, and {next}")
        }
    });
    Ok(Ending::Done)
}

/// What a person sees meanwhile.
pub(super) fn bar() -> ProgressBar {
    let is_terminal = std::io::stderr().is_terminal();
    let target = if is_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(None, target).with_message("looking for files");
    let style = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.enable_steady_tick(TICK);
    bar
}
