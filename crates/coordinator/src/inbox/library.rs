//! Which videos of a library have no upscaled twin yet: nothing is taken in or changed.

mod earlier;
mod twins;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use job::{Settings, Shape};
use ledger::{Forecast, Ledger};
use tokio::task::JoinSet;

use self::earlier::Earlier;
use self::twins::Twins;
use super::ground::Ground;
use super::kinds::{self, Kind, NameRules};
use super::opening::{Probed, probe};
use super::order;
use super::scan::{Known, Standing, list_grounds};
use super::walk::Found;
use crate::blocking::blocking;
use crate::error::Error;
use crate::folders::WatchFolder;
use crate::outlook::{self, Speeds};
use crate::process::WorkerProgram;
use crate::shutdown::Shutdown;

/// Files that are looked into at once.
const AT_ONCE: usize = 2;
/// Most files that are looked into; the others are counted.
const MOST: usize = 100_000;

/// What a look through a library needs.
#[derive(Debug, Clone)]
pub struct LibraryOptions {
    /// The folders that are looked through.
    pub shelves: Vec<PathBuf>,
    /// Whose settings and results a video has: the first folder that it lies in. Each shelf lies in one.
    pub folders: Vec<WatchFolder>,
    /// Which names are passed over beyond the usual ones.
    pub rules: NameRules,
    /// The ledger, where there is one.
    pub ledger: Option<Ledger>,
    /// What workers run, which look into the files.
    pub worker: WorkerProgram,
    /// Videos with so many rows, as they are stored, or more are left alone.
    pub below: u32,
}

/// A video without a twin.
#[derive(Debug, Clone, PartialEq)]
pub struct Film {
    /// Where it lies.
    pub source: PathBuf,
    /// Width and rows of its picture as it is stored.
    pub size: (u32, u32),
    /// How long it takes to play, by its own word.
    pub seconds: Option<f64>,
    /// Its size in bytes.
    pub bytes: u64,
    /// With which settings it would be made.
    pub settings: Settings,
    /// The folder that its result would go to.
    pub output: PathBuf,
    /// Width and rows of the result, before bars are cut off; `None` where it would be too large.
    pub makes: Option<(u32, u32)>,
    /// How long making it would take, in seconds, where jobs of its model tell.
    pub work_seconds: Option<f64>,
    /// Bytes of its result, where jobs of its settings tell.
    pub result_bytes: Option<f64>,
}

/// What was found in a library.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Library {
    /// The videos without a twin, by their names.
    pub films: Vec<Film>,
    /// Videos that are jobs, whatever became of these.
    pub jobs: usize,
    /// Videos that have a result.
    pub twins: usize,
    /// Results of this program.
    pub results: usize,
    /// Videos with as many rows or more.
    pub large: usize,
    /// Files that say that they are videos and cannot be opened, each with the reason.
    pub unreadable: Vec<(PathBuf, String)>,
    /// Folders and files that cannot be looked at, each with the reason.
    pub closed: Vec<(PathBuf, String)>,
    /// Files and folders that the settings exclude.
    pub excluded: usize,
    /// Files that are too many to be looked into.
    pub left_out: usize,
}

/// How far a look through a library is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LibraryProgress {
    /// Files that were looked into.
    pub done: usize,
    /// Those that are to be.
    pub of: usize,
}

/// Looks through a library; `None` where the shutdown was requested before the end.
///
/// # Errors
/// When the ledger fails.
pub async fn library(
    options: &LibraryOptions,
    mut tell: impl FnMut(LibraryProgress),
    shutdown: &Shutdown,
) -> Result<Option<Library>, Error> {
    let mut library = Library::default();
    let (found, known) = tokio::select! {
        there = there(options, &mut library) => there?,
        () = shutdown.requested() => return Ok(None),
    };
    let mut open = Vec::new();
    for found in found {
        match known.standing(&found) {
            Standing::Job { .. } => library.jobs += 1,
            _ => open.push(found),
        }
    }
    let mut waiting = open.into_iter();
    library.left_out = waiting.len().saturating_sub(MOST);
    let of = waiting.len().min(MOST);
    let mut waiting = waiting.by_ref().take(MOST);
    let mut looking: JoinSet<(Found, Result<Probed, String>)> = JoinSet::new();
    let (mut done, mut videos, mut twins) = (0, Vec::new(), Twins::default());
    loop {
        while looking.len() < AT_ONCE
            && let Some(found) = waiting.next()
        {
            let worker = options.worker.clone();
            looking.spawn(async move {
                let probed = probe(&worker, storage::parts(&found.path)).await;
                (found, probed)
            });
        }
        tell(LibraryProgress { done, of });
        let answer = tokio::select! {
            answer = looking.join_next() => answer,
            () = shutdown.requested() => return Ok(None),
        };
        match answer {
            None => break,
            // A task that was broken off has no answer.
            Some(Err(_)) => {}
            Some(Ok((found, Ok(probed)))) => match &probed.made_by {
                Some(_) => {
                    library.results += 1;
                    twins.note_result(&found.path);
                }
                None if probed.size.1 >= options.below => library.large += 1,
                None => videos.push((found, probed)),
            },
            Some(Ok((found, Err(why)))) => {
                if kinds::of(&found.path) == Kind::Video {
                    library.unreadable.push((found.path, why));
                }
            }
        }
        done += 1;
    }
    order::sort_by_name(&mut videos, |(found, _)| &found.path);
    library.unreadable.sort();
    tokio::select! {
        chosen = choose(options, library, videos, twins) => chosen.map(Some),
        () = shutdown.requested() => Ok(None),
    }
}

/// Keeps the videos without a twin, and adds what earlier jobs tell of the work on them.
async fn choose(
    options: &LibraryOptions,
    mut library: Library,
    videos: Vec<(Found, Probed)>,
    mut twins: Twins,
) -> Result<Library, Error> {
    let earlier = Earlier::of(options.ledger.as_ref()).await?;
    let folders = options.folders.clone();
    let choosing = move || {
        let mut forecasts = Vec::new();
        for (found, probed) in videos {
            let Some(folder) = folders.iter().find(|folder| found.path.starts_with(&folder.input)) else {
                continue;
            };
            if twins.has(&found.path, &folder.output_of(&found.path)) {
                library.twins += 1;
            } else {
                let head = probed.head.as_ref();
                forecasts.push(
                    head.and_then(|head| outlook::foreseen(&folder.settings, head.shape, head.frames.into())),
                );
                library.films.push(film(found, &probed, folder, &earlier));
            }
        }
        (library, forecasts)
    };
    let (mut library, forecasts) = blocking(choosing).await;
    if let Some(ledger) = &options.ledger {
        let mut speeds = Speeds::default();
        for (film, forecast) in library.films.iter_mut().zip(forecasts) {
            let Some(Forecast { pixels, work, .. }) = forecast else { continue };
            film.work_seconds = speeds.seconds(ledger, (film.settings.model.name(), pixels), work).await?;
        }
    }
    Ok(library)
}

/// The files that may be videos, by their names, and what the ledger knows.
async fn there(options: &LibraryOptions, library: &mut Library) -> Result<(Vec<Found>, Known), Error> {
    let (shelves, folders, rules) = (options.shelves.clone(), options.folders.clone(), options.rules.clone());
    let listing = blocking(move || list_grounds(&grounds(&shelves, &folders), &rules)).await;
    library.closed = listing.closed();
    library.excluded = listing.excluded();
    let mut found = listing.found;
    // Shelves may lie in each other.
    let mut seen = HashSet::new();
    found.retain(|found| seen.insert(found.path.clone()));
    order::sort_by_name(&mut found, |found| &found.path);
    let known = Known::of(options.ledger.as_ref()).await?;
    Ok((found, known))
}

/// What is walked through: a shelf in a folder that is watched with the patterns of that.
fn grounds(shelves: &[PathBuf], folders: &[WatchFolder]) -> Vec<Ground> {
    let all: HashMap<PathBuf, Ground> =
        Ground::of_all(folders.iter()).into_iter().map(|ground| (ground.input.clone(), ground)).collect();
    let ground = |shelf: &PathBuf| {
        let folder = folders.iter().find(|folder| shelf.starts_with(&folder.input))?;
        all.get(&folder.input).map(|ground| ground.from(shelf))
    };
    shelves.iter().filter_map(ground).collect()
}

fn film(found: Found, probed: &Probed, folder: &WatchFolder, earlier: &Earlier) -> Film {
    let (size, seconds) = (probed.size, probed.seconds);
    let makes = folder.settings.target.size(Shape::upright(size.0, size.1)).ok();
    Film {
        size,
        seconds,
        bytes: found.stamp.size,
        output: folder.output_of(&found.path),
        makes,
        work_seconds: None,
        result_bytes: seconds
            .zip(makes)
            .and_then(|(seconds, makes)| earlier.result_bytes(&folder.settings, makes, seconds)),
        settings: folder.settings.clone(),
        source: found.path,
    }
}
