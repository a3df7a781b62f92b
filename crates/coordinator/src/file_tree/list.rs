//! What lies in a folder of the tree: folders and videos, a page at a time.

use std::cmp::Ordering;
use std::fs::{self, DirEntry};
use std::path::Path;

use job::Millis;
use storage::Stamp;

use super::name::parts;
use super::{FileTree, NotNamed};
use crate::inbox::NameRules;
use crate::inbox::kinds::{self, Kind};
use crate::inbox::order::by_name;

/// Entries of a folder that are looked at; what lies beyond is not told.
const MOST_ENTRIES: usize = 100_000;

/// A page of what lies in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Folders, then videos, by their names.
    pub entries: Vec<Entry>,
    /// The name of the last one where there are more.
    pub next: Option<String>,
    /// How many there are on all pages.
    pub total: usize,
}

/// A folder or a video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name below the root.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
}

/// See [`Entry`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A folder.
    Folder,
    /// A file that its name says to be a video.
    Video {
        /// Its bytes.
        size: u64,
        /// When its content last changed.
        modified: Millis,
    },
}

impl FileTree {
    /// What lies in the folder of a name, behind the entry `after`, so many at most. Links, hidden files, and what the watch folder
    /// passes over by its name are left out, and so is what has no name in UTF-8. Looks at the disk.
    ///
    /// # Errors
    /// When the name leads elsewhere, or there is no such folder, or it cannot be read.
    pub fn list(&self, folder: &str, after: Option<&str>, limit: usize) -> Result<Listing, NotNamed> {
        let path = self.folder(folder)?;
        let unreadable =
            |error: std::io::Error| NotNamed::Unreadable { name: folder.to_owned(), why: error.to_string() };
        let mut found: Vec<(bool, String)> = Vec::new();
        for entry in fs::read_dir(&path).map_err(unreadable)?.take(MOST_ENTRIES) {
            found.extend(self.shown(folder, &entry.map_err(unreadable)?));
        }
        found.sort_by(compare);
        let total = found.len();
        let after = after.map(|name| {
            let is_file = !self.is_folder(name);
            (is_file, name.to_owned())
        });
        let from = after.map_or(0, |after| found.partition_point(|one| compare(one, &after).is_le()));
        let page: Vec<(bool, String)> = found.drain(from..).take(limit + 1).collect();
        let has_more = page.len() > limit;
        let entries: Vec<Entry> = page.into_iter().take(limit).filter_map(|one| self.entry(one)).collect();
        let next = entries.last().filter(|_| has_more).map(|entry| entry.name.clone());
        Ok(Listing { entries, next, total })
    }

    /// Whether an entry is a file, and its name, where it is shown.
    fn shown(&self, folder: &str, entry: &DirEntry) -> Option<(bool, String)> {
        let (kind, file_name) = (entry.file_type().ok()?, entry.file_name());
        let name = match folder {
            "" => file_name.to_str()?.to_owned(),
            folder => format!("{folder}/{}", file_name.to_str()?),
        };
        parts(&name).ok()?;
        let path = entry.path();
        let rules = NameRules::default();
        // The folder for videos may be a link that the owner made.
        if kind.is_dir() || (path == self.input && path.is_dir()) {
            let holds = |wanted: &str| path.join(wanted).symlink_metadata().is_ok();
            let is_shown = !self.is_closed(&path) && rules.against_folder(&file_name, holds).is_none();
            return is_shown.then_some((false, name));
        }
        let is_shown = kind.is_file()
            && kinds::of(&path) == Kind::Video
            && rules.against_file(&file_name).is_none()
            && storage::first_part(&path).is_none();
        is_shown.then_some((true, name))
    }

    fn is_folder(&self, name: &str) -> bool {
        self.folder(name).is_ok()
    }

    /// An entry with what is told of it; `None` where it has gone.
    fn entry(&self, (is_file, name): (bool, String)) -> Option<Entry> {
        if !is_file {
            return Some(Entry { name, kind: EntryKind::Folder });
        }
        let stamp = Stamp::of(&self.root.join(&name)).ok()?;
        let kind = EntryKind::Video { size: stamp.size, modified: Millis(stamp.mtime_ns / 1_000_000) };
        Some(Entry { name, kind })
    }
}

/// Folders before files, each by their names.
fn compare((is_file, name): &(bool, String), (other_is_file, other): &(bool, String)) -> Ordering {
    is_file.cmp(other_is_file).then_with(|| by_name(Path::new(name), Path::new(other)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_folder_is_told_in_pages_without_what_cannot_be_named() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_owned();
        for place in ["input/b", "input/A", "input/a.mkv.job", "state", "output", "input/.hidden"] {
            fs::create_dir_all(root.join(place)).unwrap();
        }
        for file in
            ["film 10.mkv", "film 2.mkv", ".x.mkv", "a.srt", "half.mkv.part", "odd.xyz", "a.mkv.job/job.json"]
        {
            fs::write(root.join("input").join(file), "1234").unwrap();
        }
        symlink("film 2.mkv", root.join("input/link.mkv")).unwrap();
        let tree =
            FileTree::new(root.clone(), root.join("input"), root.join("output"), vec![root.join("state")]);
        let names =
            |listing: &Listing| listing.entries.iter().map(|entry| entry.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&tree.list("", None, 10).unwrap()), ["input"]);
        let all = tree.list("input", None, 10).unwrap();
        assert_eq!(names(&all), ["input/A", "input/b", "input/film 2.mkv", "input/film 10.mkv"]);
        assert_eq!((all.total, &all.next), (4, &None));
        assert!(matches!(all.entries[2].kind, EntryKind::Video { size: 4, .. }));
        let first = tree.list("input", None, 3).unwrap();
        assert_eq!(first.next.as_deref(), Some("input/film 2.mkv"));
        let rest = tree.list("input", first.next.as_deref(), 3).unwrap();
        assert_eq!((names(&rest), rest.next), (vec!["input/film 10.mkv".to_owned()], None));
        // One that has gone is a place all the same.
        let behind = tree.list("input", Some("input/film 3.mkv"), 3).unwrap();
        assert_eq!(names(&behind), ["input/film 10.mkv"]);
        assert!(tree.list("input/link.mkv", None, 3).is_err());
        assert!(tree.list("nowhere", None, 3).is_err());
    }
}
