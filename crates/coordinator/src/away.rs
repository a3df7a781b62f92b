//! Folders that are away for a while: a network share that is not mounted, a disk that was pulled, rights that were taken.
//!
//! A job that needs such a folder waits for it. Its absence is not the job's fault, and what it made lies there. So is it with a
//! source that may not be read.

use std::io::{ErrorKind, Result};
use std::path::{Path, PathBuf};

use ledger::Record;
use serde::{Deserialize, Serialize};
use storage::Stamp;

use crate::folders::{ServerFolders, Watched};
use crate::source::forbidden;

/// A folder that a server needs: that of the videos, or that of all results.
#[derive(Debug, Clone)]
pub struct ServerFolder {
    folder: PathBuf,
    /// Something else than the disk of the server's state is mounted there, or was when it was last seen.
    is_mounted: bool,
    /// Where that is noted.
    note: PathBuf,
}

/// What is noted of the folder for the next start.
#[derive(Serialize, Deserialize)]
struct Note {
    is_mounted: bool,
}

impl ServerFolder {
    /// The folder, with what was noted of it under its name in the folder `state` when the server last ran. Where something was
    /// mounted there and is not now, the folder is away: what lies below the place must not be mistaken for it.
    pub fn new(folder: PathBuf, state: &Path) -> Self {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self::noted(folder, state, &name)
    }

    /// As [`ServerFolder::new`], with the name of what is noted of it.
    pub(crate) fn noted(folder: PathBuf, state: &Path, name: &str) -> Self {
        let note = state.join(format!("{name}.json"));
        let noted = storage::read_sealed::<Note>(&note).ok().flatten();
        let was_mounted = noted.is_some_and(|noted| noted.is_mounted);
        let is_mounted = is_elsewhere(&folder, state).unwrap_or(false);
        if is_mounted
            && !was_mounted
            && let Err(error) = storage::write_sealed(&note, &Note { is_mounted })
        {
            tracing::warn!("{error}");
        }
        Self { folder, is_mounted: is_mounted || was_mounted, note }
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// True where what lies there belongs to another disk than the server's state, as far as is known.
    pub(crate) const fn is_usually_mounted(&self) -> bool {
        self.is_mounted
    }

    /// What is wrong with it; `None` where it is there.
    pub fn trouble(&self) -> Option<String> {
        if let Err(error) = is_folder(&self.folder) {
            return Some(format!("the folder `{}` cannot be used: {error}", self.folder.display()));
        }
        let state = self.note.parent()?;
        (self.is_mounted && !is_elsewhere(&self.folder, state).unwrap_or(true)).then(|| {
            format!(
                "what is usually mounted at `{}` is not: mount it, or remove `{}` and start the server again where the folder is to be on this disk from now on",
                self.folder.display(),
                self.note.display()
            )
        })
    }
}

/// What keeps a job from its source or from the folder of its result; `None` where both are there.
pub(crate) fn reason(record: &Record, folders: &ServerFolders) -> Option<String> {
    let job::NewJob { source, output, .. } = &record.request;
    of_source(record, folders.of_source(source)).or_else(|| of_result(output, folders.of_result(output)))
}

/// A source that is missing in a folder that is there is not away but gone.
fn of_source(record: &Record, watched: Option<&Watched>) -> Option<String> {
    let source = &record.request.source;
    let folder = source.parent()?;
    let Err(error) = source.metadata() else { return forbidden(source) };
    if error.kind() != ErrorKind::NotFound {
        return Some(format!("the source `{}` cannot be reached: {error}", source.display()));
    }
    let of_watched = watched.and_then(Watched::trouble);
    if of_watched.is_some() {
        return of_watched;
    }
    if let Err(error) = is_folder(folder).and_then(|()| std::fs::read_dir(folder)) {
        return Some(format!("the folder `{}` of the source cannot be used: {error}", folder.display()));
    }
    let stamp = serde_json::from_str::<Stamp>(&record.request.stamp).ok()?;
    let is_other_disk = storage::device(folder).is_ok_and(|device| device != stamp.device);
    is_other_disk.then(|| format!("the disk with `{}` is not mounted", source.display()))
}

fn of_result(folder: &Path, output: Option<&ServerFolder>) -> Option<String> {
    // Folders below that of the server are made when they are needed.
    let lasting = match output {
        Some(output) => {
            if let Some(trouble) = output.trouble() {
                return Some(trouble);
            }
            &output.folder
        }
        None => folder,
    };
    let mut nearest = folder.ancestors().take_while(|above| above.starts_with(lasting));
    let nearest = nearest.find(|above| above.exists()).unwrap_or(lasting);
    let error = is_folder(nearest).and_then(|()| storage::check_writable(nearest)).err()?;
    Some(format!("the folder `{}` cannot be written: {error}", nearest.display()))
}

fn is_folder(path: &Path) -> Result<()> {
    if path.metadata()?.is_dir() { Ok(()) } else { Err(ErrorKind::NotADirectory.into()) }
}

/// True when two folders are on different mounts.
fn is_elsewhere(folder: &Path, other: &Path) -> Result<bool> {
    let mounts = storage::mount(folder).zip(storage::mount(other));
    Ok(storage::device(folder)? != storage::device(other)? || mounts.is_some_and(|(one, two)| one != two))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use job::{JobId, Millis, NewJob, Settings};
    use ledger::Ledger;

    use super::*;
    use crate::folders::{Output, WatchFolder};
    use crate::template::NameTemplate;

    struct Fixture {
        root: tempfile::TempDir,
        record: Record,
    }

    impl Fixture {
        /// A job whose source is in `input/show` and whose result goes to `output/show`, which is not there yet.
        async fn new() -> Self {
            let root = tempfile::tempdir().unwrap();
            let (input, output) = (root.path().join("input/show"), root.path().join("output/show"));
            for folder in [&input, &root.path().join("output"), &root.path().join("state")] {
                fs::create_dir_all(folder).unwrap();
            }
            let source = input.join("a.mkv");
            fs::write(&source, "film").unwrap();
            let new = NewJob {
                stamp: serde_json::to_string(&Stamp::of(&source).unwrap()).unwrap(),
                source: source.into(),
                fingerprint: "f".to_owned(),
                settings: Settings::default(),
                folder: output.join("a.mkv.job").into(),
                output: output.into(),
                result: None,
            };
            let ledger = Ledger::open(&root.path().join("ledger.db")).await.unwrap();
            let id: JobId = ledger.submit(&new, Millis(0)).await.unwrap().id;
            let record = ledger.get(id).await.unwrap().unwrap();
            Self { root, record }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.root.path().join(name)
        }

        fn reason(&self) -> Option<String> {
            let input = WatchFolder::new(self.path("input"), Output::Into(self.path("output")));
            let name = NameTemplate::default();
            let folders = ServerFolders::new(vec![input], &self.path("output"), name, &self.path("state"));
            reason(&self.record, &folders)
        }

        #[track_caller]
        fn waits_for(&self, wanted: &str) {
            let reason = self.reason().unwrap_or_default();
            assert!(reason.contains(wanted), "{reason:?}");
        }
    }

    #[tokio::test]
    async fn a_job_waits_for_folders_and_not_for_files() {
        let fixture = Fixture::new().await;
        assert_eq!(fixture.reason(), None);
        let (input, output, away) = (fixture.path("input"), fixture.path("output"), fixture.path("away"));
        fs::rename(&input, &away).unwrap();
        fixture.waits_for("input` cannot be used");
        // A file in the place of the folder is no folder.
        fs::write(&input, "").unwrap();
        fixture.waits_for("cannot be reached");
        fs::remove_file(&input).unwrap();
        fs::rename(&away, &input).unwrap();
        assert_eq!(fixture.reason(), None);
        fs::rename(&output, &away).unwrap();
        fixture.waits_for("output` cannot be used");
        fs::rename(&away, &output).unwrap();
        fs::remove_file(&*fixture.record.request.source).unwrap();
        assert_eq!(fixture.reason(), None, "the source alone is gone");
    }

    #[tokio::test]
    async fn an_empty_mount_point_is_not_the_disk() {
        let mut fixture = Fixture::new().await;
        let source = fixture.record.request.source.clone();
        let stamp = Stamp::of(&source).unwrap();
        fs::remove_file(&*source).unwrap();
        let elsewhere = Stamp { device: stamp.device + 1, ..stamp };
        fixture.record.request.stamp = serde_json::to_string(&elsewhere).unwrap();
        fixture.waits_for("is not mounted");
        fixture.record.request.stamp = serde_json::to_string(&stamp).unwrap();
        for name in ["state/output.json", "state/input.json"] {
            let note = fixture.path(name);
            storage::write_sealed(&note, &Note { is_mounted: true }).unwrap();
            fixture.waits_for("usually mounted");
            fs::remove_file(&note).unwrap();
            assert_eq!(fixture.reason(), None);
        }
    }

    #[tokio::test]
    async fn a_job_of_its_own_waits_for_the_folder_that_it_was_given() {
        let fixture = Fixture::new().await;
        assert!(
            reason(&fixture.record, &ServerFolders::default())
                .unwrap()
                .contains("output/show` cannot be written")
        );
        fs::create_dir(fixture.path("output/show")).unwrap();
        assert_eq!(reason(&fixture.record, &ServerFolders::default()), None);
    }
}
