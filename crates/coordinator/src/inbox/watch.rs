//! Looking into the folders again and again, and waking up when something changes in them.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;

use super::ground::Ground;
use super::kinds::NameRules;
use super::rule::Rule;
use super::walk::{Companion, Found, walk};

/// What is said of folders that can be read and not watched.
const NO_EVENTS: &str = "gives no events";

/// Lists the files below a folder, and watches each folder that it comes through. A folder that cannot be watched or read
/// costs nothing but itself, and is said once until that changes.
#[derive(Debug)]
pub(super) struct Walker {
    rules: NameRules,
    watcher: Option<RecommendedWatcher>,
    watched: HashSet<PathBuf>,
    /// Folders that were removed or renamed: one that comes back under the name is another one.
    moved: Arc<Mutex<Vec<PathBuf>>>,
    /// What is wrong with folders and files.
    troubles: HashMap<PathBuf, String>,
    /// Folders whose menus were said to be passed over.
    told_menus: HashSet<PathBuf>,
}

impl Walker {
    /// A walker that wakes the scanner when something changes in the folders that it has been to.
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

    /// All files below folders that may be videos.
    pub(super) fn walk(&mut self, grounds: &[Ground]) -> Vec<Found> {
        for path in self.moved.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            if self.watched.remove(&path)
                && let Some(watcher) = &mut self.watcher
            {
                // Where the folder is gone, so is the watch.
                let _ = watcher.unwatch(&path);
            }
        }
        let rules = std::mem::take(&mut self.rules);
        let mut round =
            Round { walker: self, found: Vec::new(), not_watched: None, troubled: HashSet::new() };
        for ground in grounds {
            walk(&rules, ground, &mut round);
        }
        let Round { found, troubled, .. } = round;
        self.rules = rules;
        self.forget_troubles(&troubled);
        found
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

    /// Says what is wrong with a folder or file, once.
    fn tell(&mut self, path: &Path, trouble: String) {
        if self.troubles.get(path) == Some(&trouble) {
            return;
        }
        // Where the system watches no more folders, that is so for all that follow.
        if !trouble.starts_with(NO_EVENTS) || self.troubles.values().all(|other| *other != trouble) {
            tracing::warn!("`{}` {trouble}", path.display());
        }
        self.troubles.insert(path.to_owned(), trouble);
    }

    /// Forgets the troubles that are over.
    fn forget_troubles(&mut self, troubled: &HashSet<PathBuf>) {
        self.troubles.retain(|path, _| {
            let is_kept = troubled.contains(path);
            if !is_kept && path.exists() {
                tracing::info!("`{}` is looked at again", path.display());
            }
            is_kept
        });
    }

    fn tell_menus(&mut self, folder: &Path) {
        if self.told_menus.insert(folder.to_owned()) {
            tracing::info!("the menus of the DVD in `{}` are left alone", folder.display());
        }
    }
}

/// What comes of one walk.
struct Round<'a> {
    walker: &'a mut Walker,
    found: Vec<Found>,
    /// Why the folder that is about to be listed gives no events.
    not_watched: Option<String>,
    /// The folders and files with which something is wrong.
    troubled: HashSet<PathBuf>,
}

impl Round<'_> {
    fn tell(&mut self, path: &Path, trouble: String) {
        self.walker.tell(path, trouble);
        self.troubled.insert(path.to_owned());
    }
}

impl Companion for Round<'_> {
    fn enter(&mut self, folder: &Path) {
        let watched = self.walker.watch(folder);
        self.not_watched = watched.err().map(|error| error.to_string());
    }

    fn listed(&mut self, folder: &Path, error: Option<&io::Error>) {
        let not_watched = self.not_watched.take();
        if let Some(error) = error {
            self.tell(folder, format!("cannot be read: {error}"));
        } else if let Some(error) = not_watched {
            self.tell(folder, format!("{NO_EVENTS}, and is looked at from time to time: {error}"));
        }
    }

    fn found(&mut self, found: Found) {
        self.found.push(found);
    }

    fn passed(&mut self, path: PathBuf, _: bool, rule: Rule) {
        match rule {
            Rule::Menu => self.walker.tell_menus(path.parent().unwrap_or(&path)),
            Rule::TooDeep(_)
            | Rule::Same(_)
            | Rule::HoldsInput
            | Rule::Watched(_)
            | Rule::Results
            | Rule::Special
            | Rule::Unreadable(_) => self.tell(&path, format!("is passed over: {rule}")),
            // Its name says it, and `upscaled scan` lists it.
            _ => {}
        }
    }
}

/// True for events of looking. That a file was closed by the program that wrote it is news.
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
    use crate::folders::{Output, WatchFolder};

    fn walker(wake: &Arc<Notify>) -> Walker {
        Walker::new(NameRules::default(), Arc::clone(wake))
    }

    fn look(walker: &mut Walker, input: &Path) -> Vec<PathBuf> {
        let folder = WatchFolder::new(input.to_owned(), Output::Into(input.with_file_name("output")));
        let found = walker.walk(&Ground::of_all(std::iter::once(&folder)));
        found.into_iter().map(|found| found.path).collect()
    }

    /// True when the scanner is woken within the time.
    async fn is_woken(wake: &Notify, limit: Duration) -> bool {
        tokio::time::timeout(limit, wake.notified()).await.is_ok()
    }

    #[tokio::test]
    async fn looking_wakes_nobody_and_writing_does() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("input");
        let other = folder.path().join("other");
        std::fs::create_dir_all(input.join("deep")).unwrap();
        std::fs::create_dir(&other).unwrap();
        std::os::unix::fs::symlink(&other, input.join("link")).unwrap();
        std::fs::write(input.join("deep/a.mkv"), "x").unwrap();
        let wake = Arc::new(Notify::new());
        let mut walker = walker(&wake);
        for _ in 0..3 {
            look(&mut walker, &input);
            std::fs::read(input.join("deep/a.mkv")).unwrap();
        }
        assert!(!is_woken(&wake, Duration::from_millis(300)).await);
        for name in ["input/deep/b.mkv", "other/b.mkv"] {
            std::fs::write(folder.path().join(name), "x").unwrap();
            assert!(is_woken(&wake, Duration::from_secs(20)).await, "{name}");
            while is_woken(&wake, Duration::from_millis(100)).await {}
        }
        // A folder of the same name is another one, which is not watched before the next walk.
        std::fs::remove_dir_all(input.join("deep")).unwrap();
        std::fs::create_dir(input.join("deep")).unwrap();
        assert!(is_woken(&wake, Duration::from_secs(20)).await);
        tokio::time::sleep(Duration::from_millis(100)).await;
        look(&mut walker, &input);
        while is_woken(&wake, Duration::from_millis(100)).await {}
        std::fs::write(input.join("deep/c.mkv"), "x").unwrap();
        assert!(is_woken(&wake, Duration::from_secs(20)).await);
    }

    #[test]
    fn what_cannot_be_read_is_said_once_until_that_changes() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("input");
        let mut walker = walker(&Arc::default());
        assert!(look(&mut walker, &input).is_empty());
        let said = walker.troubles.clone();
        assert!(said.get(&input).unwrap().contains("cannot be read"), "{said:?}");
        look(&mut walker, &input);
        assert_eq!(walker.troubles, said);
        std::fs::create_dir(&input).unwrap();
        std::fs::write(input.join("a.mkv"), "x").unwrap();
        std::os::unix::fs::symlink("nowhere", input.join("b.mkv")).unwrap();
        assert_eq!(look(&mut walker, &input), [input.join("a.mkv")]);
        assert_eq!(walker.troubles.keys().collect::<Vec<_>>(), [&input.join("b.mkv")]);
        std::fs::write(input.join("nowhere"), "x").unwrap();
        assert_eq!(look(&mut walker, &input).len(), 3);
        assert!(walker.troubles.is_empty() && walker.watched.contains(&input));
    }
}
