//! What lies in the folder that is watched, and waking up when that changes.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::DirEntry;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use storage::Stamp;
use tokio::sync::Notify;

use super::kinds::{NameRules, Verdict, control_file, lower};

/// Folders inside each other that are looked into.
const DEEPEST: usize = 32;
/// What is said of folders that can be read and not watched.
const NO_EVENTS: &str = "gives no events";

/// A file that may be a video.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) stamp: Stamp,
    /// The file beside it that says that it is not whole yet.
    pub(super) control: Option<String>,
}

/// Lists the files below a folder, and watches each folder that it comes through. A folder that cannot be watched or read
/// costs nothing but itself, and is said once until that changes.
#[derive(Debug)]
pub(super) struct Walker {
    rules: NameRules,
    watcher: Option<RecommendedWatcher>,
    watched: HashSet<PathBuf>,
    /// Folders that were removed or renamed: one that comes back under the name is another one.
    moved: Arc<Mutex<Vec<PathBuf>>>,
    /// What is wrong with folders.
    troubles: HashMap<PathBuf, String>,
    /// Folders whose menus were said to be passed over.
    told_menus: HashSet<PathBuf>,
}

impl Walker {
    /// A walker that wakes somebody when something changes in the folders that it has been to.
    pub(super) fn new(rules: NameRules, wake: Arc<Notify>) -> Self {
        let moved = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&moved);
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if let Ok(event) = event {
                // Our own looking opens folders and files.
                if is_only_looking(event.kind) {
                    return;
                }
                if is_moving(event.kind) {
                    noted.lock().unwrap_or_else(PoisonError::into_inner).extend(event.paths);
                }
            }
            wake.notify_one();
        });
        let watcher = watcher
            .inspect_err(|error| tracing::warn!("this machine gives no events of folders: {error}"))
            .ok();
        Self {
            rules,
            watcher,
            watched: HashSet::new(),
            moved,
            troubles: HashMap::new(),
            told_menus: HashSet::new(),
        }
    }

    /// All files below a folder that may be videos.
    pub(super) fn walk(&mut self, folder: &Path) -> Vec<Found> {
        for path in self.moved.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            if self.watched.remove(&path)
                && let Some(watcher) = &mut self.watcher
            {
                // Where the folder is gone, so is the watch.
                let _ = watcher.unwatch(&path);
            }
        }
        let (mut found, mut passed) = (Vec::new(), HashSet::new());
        self.enter(folder, DEEPEST, &mut found, &mut passed);
        self.troubles.retain(|folder, _| passed.contains(folder));
        found
    }

    /// Adds the files of a folder and those below it. Links to folders are not followed: they could lead in a circle.
    fn enter(&mut self, folder: &Path, depth: usize, found: &mut Vec<Found>, passed: &mut HashSet<PathBuf>) {
        passed.insert(folder.to_owned());
        // Before it is read, so that nothing comes between.
        let watched = self.watch(folder);
        let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<std::io::Result<Vec<DirEntry>>>);
        let trouble = match (&entries, watched) {
            (Err(error), _) => Some(format!("cannot be read: {error}")),
            (Ok(_), Err(error)) => Some(format!("{NO_EVENTS}, and is looked at from time to time: {error}")),
            (Ok(_), Ok(())) => None,
        };
        self.tell(folder, trouble);
        let entries = entries.unwrap_or_default();
        let names: HashSet<String> = entries.iter().map(|entry| lower(&entry.file_name())).collect();
        for entry in entries {
            let Ok(kind) = entry.file_type() else { continue };
            let (path, name) = (entry.path(), entry.file_name());
            let is_file = kind.is_file() || (kind.is_symlink() && path.is_file());
            match self.rules.judge(&name, kind.is_dir()) {
                Verdict::Wanted => {}
                Verdict::Ignored => continue,
                Verdict::Menu => {
                    self.tell_menus(folder);
                    continue;
                }
            }
            if kind.is_dir() && depth > 0 {
                self.enter(&path, depth - 1, found, passed);
            } else if is_file && storage::first_part(&path).is_none() {
                // Gone since the folder was listed: the next look will see.
                let Ok(stamp) = Stamp::of(&path) else { continue };
                found.push(Found { control: control_of(&path, &names), path, stamp });
            }
        }
    }

    fn watch(&mut self, folder: &Path) -> notify::Result<()> {
        let Some(watcher) = &mut self.watcher else { return Ok(()) };
        if !self.watched.contains(folder) {
            // The folder is said anyway.
            let watched = watcher.watch(folder, RecursiveMode::NonRecursive);
            watched.map_err(|error| notify::Error::new(error.kind))?;
            self.watched.insert(folder.to_owned());
        }
        Ok(())
    }

    /// Says what is wrong with a folder, once.
    fn tell(&mut self, folder: &Path, trouble: Option<String>) {
        let Some(trouble) = trouble else {
            if self.troubles.remove(folder).is_some() {
                tracing::info!("the folder `{}` can be read and watched again", folder.display());
            }
            return;
        };
        if self.troubles.get(folder) == Some(&trouble) {
            return;
        }
        // Where the system watches no more folders, that is so for all that follow.
        if !trouble.starts_with(NO_EVENTS) || self.troubles.values().all(|other| *other != trouble) {
            tracing::warn!("the folder `{}` {trouble}", folder.display());
        }
        self.troubles.insert(folder.to_owned(), trouble);
    }

    fn tell_menus(&mut self, folder: &Path) {
        if self.told_menus.insert(folder.to_owned()) {
            tracing::info!("the menus of the DVD in `{}` are left alone", folder.display());
        }
    }
}

/// The file beside any part of a film that says that it is not whole yet.
fn control_of(path: &Path, names: &HashSet<String>) -> Option<String> {
    let parts = storage::parts(path);
    let of_part = |part: &PathBuf| {
        let name: &OsStr = part.file_name()?;
        control_file(name, |wanted| names.contains(wanted))
    };
    parts.iter().find_map(of_part)
}

/// True for events of looking. That a file was closed by somebody who wrote it is news.
fn is_only_looking(kind: EventKind) -> bool {
    matches!(kind, EventKind::Access(access) if access != AccessKind::Close(AccessMode::Write))
}

/// True for events after which a name may stand for another folder.
fn is_moving(kind: EventKind) -> bool {
    matches!(kind, EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn walker(wake: &Arc<Notify>) -> Walker {
        Walker::new(NameRules::default(), Arc::clone(wake))
    }

    fn names(found: &[Found]) -> Vec<String> {
        let names = found.iter().map(|found| found.path.file_name().unwrap().to_str().unwrap().to_owned());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    /// True when somebody is woken within the time.
    async fn is_woken(wake: &Notify, limit: Duration) -> bool {
        tokio::time::timeout(limit, wake.notified()).await.is_ok()
    }

    #[test]
    fn files_are_found_but_for_what_belongs_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path();
        for name in ["VIDEO_TS", "@eaDir", "films"] {
            std::fs::create_dir(input.join(name)).unwrap();
        }
        for name in [
            "VIDEO_TS/VIDEO_TS.VOB",
            "VIDEO_TS/VTS_01_0.VOB",
            "VIDEO_TS/VTS_01_0.IFO",
            "VIDEO_TS/VTS_01_1.VOB",
            "VIDEO_TS/VTS_01_2.VOB",
            "VIDEO_TS/VTS_02_2.VOB",
            "@eaDir/a.mkv",
            "films/b.mkv",
            "films/B.mkv.aria2",
            "films/c.mkv",
        ] {
            std::fs::write(input.join(name), "four").unwrap();
        }
        let mut walker = walker(&Arc::default());
        let found = walker.walk(input);
        assert_eq!(names(&found), ["VTS_01_1.VOB", "VTS_02_2.VOB", "b.mkv", "c.mkv"]);
        let of = |name: &str| found.iter().find(|found| found.path.ends_with(name)).unwrap();
        assert_eq!(of("VTS_01_1.VOB").stamp.size, 8);
        assert_eq!(of("b.mkv").control.as_deref(), Some("b.mkv.aria2"));
        assert_eq!(of("c.mkv").control, None);
        assert_eq!(walker.told_menus.len(), 1);
    }

    #[tokio::test]
    async fn looking_wakes_nobody_and_writing_does() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().to_owned();
        std::fs::create_dir(input.join("deep")).unwrap();
        std::fs::write(input.join("deep/a.mkv"), "x").unwrap();
        let wake = Arc::new(Notify::new());
        let mut walker = walker(&wake);
        for _ in 0..3 {
            walker.walk(&input);
            std::fs::read(input.join("deep/a.mkv")).unwrap();
        }
        assert!(!is_woken(&wake, Duration::from_millis(300)).await);
        std::fs::write(input.join("deep/b.mkv"), "x").unwrap();
        assert!(is_woken(&wake, Duration::from_secs(20)).await);
        // A folder of the same name is another one, which nobody watches before the next walk.
        std::fs::remove_dir_all(input.join("deep")).unwrap();
        std::fs::create_dir(input.join("deep")).unwrap();
        assert!(is_woken(&wake, Duration::from_secs(20)).await);
        tokio::time::sleep(Duration::from_millis(100)).await;
        walker.walk(&input);
        while is_woken(&wake, Duration::from_millis(100)).await {}
        std::fs::write(input.join("deep/c.mkv"), "x").unwrap();
        assert!(is_woken(&wake, Duration::from_secs(20)).await);
    }

    #[test]
    fn a_folder_that_cannot_be_read_is_said_once_until_that_changes() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("input");
        let mut walker = walker(&Arc::default());
        assert!(walker.walk(&input).is_empty());
        let said = walker.troubles.clone();
        assert!(said.get(&input).unwrap().contains("cannot be read"), "{said:?}");
        walker.walk(&input);
        assert_eq!(walker.troubles, said);
        std::fs::create_dir(&input).unwrap();
        std::fs::write(input.join("a.mkv"), "x").unwrap();
        assert_eq!(names(&walker.walk(&input)), ["a.mkv"]);
        assert!(walker.troubles.is_empty() && walker.watched.contains(&input));
    }
}
