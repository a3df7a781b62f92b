//! What a walk through one folder keeps away from: other folders, and what the patterns of the folder leave out.

use std::path::{Path, PathBuf};

use super::rule::Rule;
use crate::folders::{Output, WatchFolder};
use crate::pattern::{Against, PathPatterns};

/// A folder that is gone through, and what links in it may not lead to.
#[derive(Debug, Clone)]
pub(super) struct Ground {
    pub(super) input: PathBuf,
    /// From where the patterns count.
    top: PathBuf,
    patterns: PathPatterns,
    /// The others that are watched.
    watched: Vec<PathBuf>,
    /// Where results go, but for those that go beside their sources.
    results: Vec<PathBuf>,
}

/// Where a folder and that of its results really are.
#[derive(Debug, Clone)]
pub(super) struct RealPlaces {
    input: PathBuf,
    /// `None` where results go beside their sources.
    results: Option<PathBuf>,
}

impl RealPlaces {
    /// Those of a folder, as `real` tells them.
    pub(super) fn of(folder: &WatchFolder, real: impl Fn(&Path) -> PathBuf) -> Self {
        let results = match &folder.output {
            Output::Into(output) => Some(real(output)),
            Output::Beside => None,
        };
        Self { input: real(&folder.input), results }
    }
}

/// Where a folder really is; the same where that cannot be told.
pub(super) fn real_place(folder: &Path) -> PathBuf {
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
}

impl Ground {
    /// The grounds of all folders that are watched.
    pub(super) fn of_all<'a>(folders: impl Iterator<Item = &'a WatchFolder>) -> Vec<Self> {
        let folders: Vec<_> = folders.map(|folder| (folder, RealPlaces::of(folder, real_place))).collect();
        Self::of_places(&folders)
    }

    /// The same for folders whose real places are known.
    pub(super) fn of_places(folders: &[(&WatchFolder, RealPlaces)]) -> Vec<Self> {
        let results: Vec<PathBuf> = folders.iter().filter_map(|(_, real)| real.results.clone()).collect();
        let ground = |(folder, _): &(&WatchFolder, RealPlaces)| Self {
            input: folder.input.clone(),
            top: folder.input.clone(),
            patterns: folder.patterns.clone(),
            watched: folders
                .iter()
                .filter(|(other, _)| other.input != folder.input)
                .map(|(_, real)| real.input.clone())
                .collect(),
            results: results.clone(),
        };
        folders.iter().map(ground).collect()
    }

    /// The same from a folder in it on.
    pub(super) fn from(&self, folder: &Path) -> Self {
        Self { input: folder.to_owned(), ..self.clone() }
    }

    /// By what a link is passed over that leads to this folder; `input` is the real place of this one.
    pub(super) fn against_link(&self, target: &Path, input: &Path) -> Option<Rule> {
        let touches = |other: &PathBuf| target.starts_with(other) || other.starts_with(target);
        if input.starts_with(target) {
            return Some(Rule::HoldsInput);
        }
        if self.results.iter().any(touches) {
            return Some(Rule::Results);
        }
        self.watched.iter().find(|other| touches(other)).cloned().map(Rule::Watched)
    }

    /// By what a file or folder below the folder is passed over for its path.
    pub(super) fn against(&self, path: &Path, is_folder: bool) -> Option<Rule> {
        let inside = path.strip_prefix(&self.top).ok()?;
        self.patterns.against(inside, is_folder).map(|against| match against {
            Against::Excluded(pattern) => Rule::Excluded(pattern),
            Against::NotIncluded => Rule::NotIncluded,
        })
    }
}

#[cfg(test)]
impl Ground {
    /// A ground for tests.
    pub(super) fn new(
        input: PathBuf,
        patterns: PathPatterns,
        watched: Vec<PathBuf>,
        results: Vec<PathBuf>,
    ) -> Self {
        Self { top: input.clone(), input, patterns, watched, results }
    }
}
