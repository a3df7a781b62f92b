//! What the inbox makes of everything in the folders that are watched, for people who ask: nothing is taken in or changed.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use job::JobId;
use job::state::Status;
use ledger::{KnownSource, Ledger};
use storage::Stamp;

use super::ground::Ground;
use super::kinds::{self, Kind, NameRules};
use super::opening::probe;
use super::order;
use super::rule::Rule;
use super::walk::{Companion, Found, walk};
use crate::error::Error;
use crate::folders::WatchFolder;
use crate::known::is_known_as_result;
use crate::process::WorkerProgram;
use crate::source::stamp_text;

/// What a scan needs.
#[derive(Debug, Clone)]
pub struct ScanOptions {
    /// The folders that are watched.
    pub folders: Vec<WatchFolder>,
    /// Which names are passed over beyond the usual ones.
    pub rules: NameRules,
    /// The ledger, where there is one.
    pub ledger: Option<Ledger>,
    /// What workers run, one of which says whether a file is a video or a result where its name does not.
    pub worker: WorkerProgram,
}

/// What the inbox makes of a file or folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It would be taken in.
    Wanted,
    /// It is taken in when another program is done with it.
    Waits {
        /// The file beside it that says so.
        control: String,
    },
    /// A server has seen it; this is what it waits for.
    Seen {
        /// In words.
        reason: String,
    },
    /// It is a job.
    Job {
        /// Its number.
        id: JobId,
        /// How far it is.
        status: Status,
    },
    /// It is passed over.
    PassedOver(Rule),
}

/// A file or folder in a folder that is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scanned {
    /// Where it lies.
    pub path: PathBuf,
    /// It is a folder.
    pub is_folder: bool,
    /// What the inbox makes of it.
    pub standing: Standing,
}

/// What is passed over by rules for names and folders, in the order of the names. No file is looked into.
pub fn passed_over(folders: &[WatchFolder], rules: &NameRules) -> Vec<Scanned> {
    list(folders, rules).passed
}

/// Everything in the folders that are watched but for folders that are gone into: what would be taken in, in that order, and then
/// the rest in the order of the names.
///
/// # Errors
/// When the ledger fails.
pub async fn scan(options: &ScanOptions) -> Result<Vec<Scanned>, Error> {
    let (folders, rules) = (options.folders.clone(), options.rules.clone());
    let listing = tokio::task::spawn_blocking(move || list(&folders, &rules));
    let Listing { mut found, passed: mut others } = listing.await.unwrap_or_default();
    let known = Known::of(options.ledger.as_ref()).await?;
    order::sort(&mut found, |found| (found.stamp.mtime_ns, &found.path));
    let mut wanted = Vec::new();
    for found in found {
        let standing = match known.standing(&found) {
            Standing::Wanted => match rule_of_content(&options.worker, &found.path).await {
                Some(rule) => Standing::PassedOver(rule),
                None => Standing::Wanted,
            },
            standing => standing,
        };
        let place = if standing == Standing::Wanted { &mut wanted } else { &mut others };
        place.push(Scanned { path: found.path, is_folder: false, standing });
    }
    others.sort_by(|one, other| order::by_name(&one.path, &other.path));
    wanted.extend(others);
    Ok(wanted)
}

/// The rule by which a file is passed over for what is in it, where its name calls for a look.
async fn rule_of_content(worker: &WorkerProgram, path: &Path) -> Option<Rule> {
    let is_unknown = kinds::of(path) == Kind::Unknown;
    if !is_unknown && !is_known_as_result(path) {
        return None;
    }
    match probe(worker, storage::parts(path)).await {
        Ok(looked) => looked.made_by.map(Rule::Result),
        Err(why) => is_unknown.then_some(Rule::NoVideo(why)),
    }
}

/// What the ledger knows of files.
#[derive(Default)]
pub(super) struct Known {
    jobs: HashMap<PathBuf, Vec<KnownSource>>,
    seen: HashMap<PathBuf, String>,
}

impl Known {
    pub(super) async fn of(ledger: Option<&Ledger>) -> Result<Self, Error> {
        let mut known = Self::default();
        let Some(ledger) = ledger else { return Ok(known) };
        // One whose source went and came back is looked into again.
        for job in ledger.known_sources().await?.into_iter().filter(|job| !job.is_gone) {
            known.jobs.entry(job.source.0.clone()).or_default().push(job);
        }
        known.seen = ledger.seen().await?.into_iter().map(|file| (file.path.0, file.reason)).collect();
        Ok(known)
    }

    /// The latest job of a file as it is now.
    pub(super) fn job_of(&self, path: &Path, stamp: &Stamp) -> Option<&KnownSource> {
        let stamp = stamp_text(stamp);
        self.jobs.get(path).and_then(|jobs| jobs.iter().rev().find(|job| job.stamp == stamp))
    }

    pub(super) fn standing(&self, found: &Found) -> Standing {
        match (self.job_of(&found.path, &found.stamp), self.seen.get(&found.path), &found.control) {
            (Some(job), _, _) => Standing::Job { id: job.id, status: job.status.clone() },
            (None, Some(reason), _) => Standing::Seen { reason: reason.clone() },
            (None, None, Some(control)) => Standing::Waits { control: control.clone() },
            (None, None, None) => Standing::Wanted,
        }
    }
}

/// What one walk comes through.
#[derive(Default)]
pub(super) struct Listing {
    pub(super) found: Vec<Found>,
    passed: Vec<Scanned>,
}

impl Listing {
    /// What cannot be looked at, each with the reason.
    pub(super) fn closed(&self) -> Vec<(PathBuf, String)> {
        let closed = self.passed.iter().filter_map(|found| match &found.standing {
            Standing::PassedOver(Rule::Unreadable(why)) => Some((found.path.clone(), why.clone())),
            _ => None,
        });
        closed.collect()
    }

    /// How many files and folders the settings exclude.
    pub(super) fn excluded(&self) -> usize {
        let is_excluded = |found: &&Scanned| match &found.standing {
            Standing::PassedOver(rule) => rule.is_of_settings(),
            _ => false,
        };
        self.passed.iter().filter(is_excluded).count()
    }
}

fn list(folders: &[WatchFolder], rules: &NameRules) -> Listing {
    list_grounds(&Ground::of_all(folders.iter()), rules)
}

pub(super) fn list_grounds(grounds: &[Ground], rules: &NameRules) -> Listing {
    let mut listing = Listing::default();
    for ground in grounds {
        walk(rules, ground, &mut listing);
    }
    listing.passed.sort_by(|one, other| order::by_name(&one.path, &other.path));
    listing
}

impl Companion for Listing {
    fn enter(&mut self, _: &Path) {}

    fn listed(&mut self, folder: &Path, error: Option<&io::Error>) {
        if let Some(error) = error {
            self.passed(folder.to_owned(), true, Rule::Unreadable(error.to_string()));
        }
    }

    fn found(&mut self, found: Found) {
        self.found.push(found);
    }

    fn passed(&mut self, path: PathBuf, is_folder: bool, rule: Rule) {
        self.passed.push(Scanned { path, is_folder, standing: Standing::PassedOver(rule) });
    }
}
