//! Rounds through all folders that are watched, each on threads of its own: a disk that does not answer holds its own folder up alone.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, timeout_at};

use super::ground::{Ground, RealPlaces, real_place};
use super::kinds::NameRules;
use super::walk::Found;
use super::watch::Walker;
use crate::folders::{ServerFolders, Watched};

/// A folder that was not gone through after so long is no longer waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// What finds where a folder really is.
type Real = Arc<dyn Fn(&Path) -> PathBuf + Send + Sync>;

/// Goes through all folders again and again.
pub(super) struct Rounds {
    scans: Vec<FolderScan>,
    rules: NameRules,
    wake: Arc<Notify>,
    real: Real,
    patience: Duration,
}

/// A folder, and what goes through it.
struct FolderScan {
    watched: Watched,
    /// Where it was when that was last asked.
    places: RealPlaces,
    asking: Option<JoinHandle<RealPlaces>>,
    /// `None` while it walks.
    walker: Option<Walker>,
    walking: Option<JoinHandle<(Walker, Vec<Found>)>>,
    /// What was found last.
    found: Arc<Vec<Found>>,
    /// Going through it takes longer than is waited for.
    is_late: bool,
}

impl std::fmt::Debug for Rounds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rounds").field("folders", &self.scans.len()).finish_non_exhaustive()
    }
}

impl Rounds {
    /// Rounds through these folders, which wake the scanner when something changes there.
    pub(super) fn new(folders: &ServerFolders, rules: NameRules, wake: Arc<Notify>) -> Self {
        Self::with(folders, rules, wake, Arc::new(real_place), PATIENCE)
    }

    fn with(
        folders: &ServerFolders,
        rules: NameRules,
        wake: Arc<Notify>,
        real: Real,
        patience: Duration,
    ) -> Self {
        let scan = |watched: &Watched| FolderScan {
            watched: watched.clone(),
            places: RealPlaces::of(&watched.folder, Path::to_owned),
            asking: None,
            walker: None,
            walking: None,
            found: Arc::default(),
            is_late: false,
        };
        Self { scans: folders.watched().iter().map(scan).collect(), rules, wake, real, patience }
    }

    /// Goes through all folders once; gives what lies in each: where one does not answer, what was there when it last did.
    pub(super) async fn go(&mut self) -> Vec<Arc<Vec<Found>>> {
        let until = Instant::now() + self.patience;
        for scan in &mut self.scans {
            scan.ask(&self.real);
        }
        for scan in &mut self.scans {
            scan.asked(until).await;
        }
        let places: Vec<_> =
            self.scans.iter().map(|scan| (&scan.watched.folder, scan.places.clone())).collect();
        let grounds = Ground::of_places(&places);
        for (scan, ground) in self.scans.iter_mut().zip(grounds) {
            scan.walk(ground, || Walker::new(self.rules.clone(), Arc::clone(&self.wake)));
        }
        let until = Instant::now() + self.patience;
        for scan in &mut self.scans {
            scan.walked(until).await;
            scan.note(self.patience);
        }
        self.scans.iter().map(|scan| Arc::clone(&scan.found)).collect()
    }

    /// True for a folder that was not gone through in the last round: what lies there is not known.
    pub(super) fn is_unseen(&self, folder: &Path) -> bool {
        let scan = self.scans.iter().find(|scan| scan.watched.folder.input == folder);
        scan.is_some_and(|scan| scan.asking.is_some() || scan.walking.is_some())
    }
}

impl FolderScan {
    /// Begins to ask where the folder is.
    fn ask(&mut self, real: &Real) {
        if self.asking.is_none() {
            let (folder, real) = (self.watched.folder.clone(), Arc::clone(real));
            self.asking = Some(tokio::task::spawn_blocking(move || RealPlaces::of(&folder, &*real)));
        }
    }

    async fn asked(&mut self, until: Instant) {
        if let Some(Ok(places)) = ended(&mut self.asking, self.watched.is_silent(), until).await {
            self.places = places;
        }
    }

    /// Begins to go through the folder.
    fn walk(&mut self, ground: Ground, walker: impl FnOnce() -> Walker) {
        if self.asking.is_none() && self.walking.is_none() {
            let mut walker = self.walker.take().unwrap_or_else(walker);
            self.walking = Some(tokio::task::spawn_blocking(move || {
                let found = walker.walk(std::slice::from_ref(&ground));
                (walker, found)
            }));
        }
    }

    async fn walked(&mut self, until: Instant) {
        if let Some(Ok((walker, found))) = ended(&mut self.walking, self.is_late, until).await {
            (self.walker, self.found) = (Some(walker), Arc::new(found));
        }
    }

    /// Notes whether the folder answers, and says what is new. One that is large is none that does not answer.
    fn note(&mut self, patience: Duration) {
        let (is_silent, was_silent) = (self.asking.is_some(), self.watched.is_silent());
        let is_late = self.walking.is_some();
        let folder = self.watched.folder.input.display();
        if is_silent && !was_silent {
            tracing::warn!(
                "`{folder}` has not answered for {} s: it is looked at again once it does, and the other folders meanwhile",
                patience.as_secs()
            );
        } else if was_silent && !is_silent {
            tracing::info!("`{folder}` answers again");
        } else if is_late && !self.is_late && !is_silent {
            tracing::info!("going through `{folder}` takes long: the other folders are looked at meanwhile");
        }
        self.is_late = is_late;
        self.watched.set_silent(is_silent);
    }
}

/// What a task gave that has ended, or does so within the time; one that was late before is not waited for.
async fn ended<T>(
    task: &mut Option<JoinHandle<T>>,
    was_late: bool,
    until: Instant,
) -> Option<Result<T, JoinError>> {
    let under_way = task.as_mut().filter(|task| !was_late || task.is_finished())?;
    let done = timeout_at(until, under_way).await.ok()?;
    *task = None;
    Some(done)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::folders::{Output, WatchFolder};
    use crate::template::NameTemplate;

    #[tokio::test]
    async fn a_folder_that_does_not_answer_holds_no_other_up() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        for name in ["silent", "other"] {
            std::fs::create_dir(at(name)).unwrap();
            std::fs::write(at(name).join("a.mkv"), "x").unwrap();
        }
        let folder = |name: &str| WatchFolder::new(at(name), Output::Into(at("output")));
        let folders = ServerFolders::new(
            vec![folder("silent"), folder("other")],
            &at("output"),
            NameTemplate::default(),
            place.path(),
        );
        // Each look at the folder hangs until it is told to go on.
        let (go_on, told) = mpsc::channel::<()>();
        let (silent, told) = (at("silent"), std::sync::Mutex::new(told));
        let real: Real = Arc::new(move |folder: &Path| {
            if folder == silent {
                let _ = told.lock().unwrap().recv();
            }
            folder.to_owned()
        });
        let patience = Duration::from_millis(200);
        let mut rounds = Rounds::with(&folders, NameRules::default(), Arc::default(), real, patience);
        let names = |found: &[Arc<Vec<Found>>]| -> Vec<Vec<PathBuf>> {
            found.iter().map(|all| all.iter().map(|found| found.path.clone()).collect()).collect()
        };
        go_on.send(()).unwrap();
        let all = vec![vec![at("silent/a.mkv")], vec![at("other/a.mkv")]];
        assert_eq!((names(&rounds.go().await), folders.silent()), (all, Vec::<&Path>::new()));
        std::fs::write(at("other/b.mkv"), "x").unwrap();
        let mut found = names(&rounds.go().await);
        found[1].sort();
        // What is in it is not gone.
        assert_eq!(found, [vec![at("silent/a.mkv")], vec![at("other/a.mkv"), at("other/b.mkv")]]);
        assert_eq!(folders.silent(), [at("silent")]);
        assert!(folders.watched()[0].trouble().unwrap().contains("does not answer"));
        // It is not waited for again.
        let begun = Instant::now();
        rounds.go().await;
        assert!(begun.elapsed() < patience, "{:?}", begun.elapsed());
        std::fs::write(at("silent/c.mkv"), "x").unwrap();
        drop(go_on);
        let begun = Instant::now();
        while !folders.silent().is_empty() && begun.elapsed() < Duration::from_secs(20) {
            rounds.go().await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(folders.silent().is_empty());
        assert_eq!(names(&rounds.go().await)[0].len(), 2);
    }
}
