//! What a job was asked for, noted in its folder, so that it can be taken in again when the ledger is lost.
//!
//! Workers write into that folder, too. A manifest is sealed with a key beside the ledger, which they cannot read.

use std::path::{Path, PathBuf};

use job::state::{Event, Status};
use job::{JobId, NewJob};
use ledger::{Base, Ledger, Record, Submission};
use protocol::{Manifest, ManifestError};
use storage::{Key, read_keyed, sync_folder, write_keyed};

use crate::clock::now;
use crate::error::Error;
use crate::owner::Owner;
use crate::trust::Places;

/// Name of the manifest in a job's folder.
const NAME: &str = "job.json";
/// Folders inside each other that are looked into.
const DEEPEST: usize = 32;
/// How the names of job folders end.
const JOB_FOLDER: &str = "job";

/// True when another server works in the folder that the manifest lies in. A copy of such a folder has another inode, but on
/// another file system it may have the same by chance.
fn is_of_another(manifest: &Manifest, folder: &Path, owner: &Owner) -> bool {
    manifest.owner != *owner.id() && storage::inode(folder).is_ok_and(|inode| inode == manifest.inode)
}

/// Writes the manifest of a job, unless it is there. When this returns, it is on the disk. False where the folder is that of
/// another server's job: nothing is written then.
pub(crate) fn write(ledger: &Ledger, record: &Record, owner: &Owner) -> Result<bool, storage::Error> {
    let folder = &record.request.folder;
    let path = folder.join(NAME);
    let job = ledger.base().kept_request(&record.request);
    let manifest = Manifest::new(job, owner.id().clone(), storage::inode(folder)?);
    let key = Key::of(ledger.folder())?;
    // One that is damaged is replaced like one of another job.
    match read_keyed::<Manifest>(&path, &key) {
        Ok(Some((there, _))) if is_of_another(&there, folder, owner) => return Ok(false),
        Ok(Some((there, true))) if there == manifest => return Ok(true),
        _ => put_aside(&path)?,
    }
    write_keyed(&path, &manifest, &key)?;
    folder.parent().map_or(Ok(()), sync_folder)?;
    Ok(true)
}

/// Gives a folder that has the name of a manifest another name: no file can take its place.
fn put_aside(path: &Path) -> Result<(), storage::Error> {
    if !path.symlink_metadata().is_ok_and(|found| found.is_dir()) {
        return Ok(());
    }
    let mut names = (1..).map(|number| path.with_file_name(format!("{NAME}.aside-{number}")));
    let free = names.find(|name| name.symlink_metadata().is_err());
    let Some(aside) = free else { return Ok(()) };
    tracing::warn!(
        "the folder `{}` is in the way of a file and is `{}` now",
        path.display(),
        aside.display()
    );
    let renamed = std::fs::rename(path, &aside);
    renamed.map_err(|source| storage::Error::Io { action: "rename", path: path.to_owned(), source })
}

/// The source of the job whose folder this is, as far as its manifest tells. The job is in the ledger of that file. A manifest
/// that is not sealed where others are says nothing.
pub fn source_of(ledger: &Path, folder: &Path) -> Option<PathBuf> {
    let path = folder.join(NAME);
    let manifest: Manifest = match Key::existing(ledger.parent()?).ok()? {
        Some(key) => read_keyed(&path, &key).ok().flatten().filter(|(_, is_sealed)| *is_sealed)?.0,
        // Of an earlier version.
        None => storage::read_sealed(&path).ok().flatten()?,
    };
    Some(Base::of(ledger).found_request(manifest.job).source.0)
}

/// True for a job that this server began under an earlier name: its folder lies in the server's own one.
fn is_of_earlier_name(manifest: &Manifest, folder: &Path, base: &Base, owner: &Owner) -> bool {
    let canonical = folder.canonicalize().ok().zip(base.folder().canonicalize().ok());
    owner.may_have_been(&manifest.owner) && canonical.is_some_and(|(folder, base)| folder.starts_with(base))
}

/// Takes the jobs in again whose folders lie below one of `outputs` and which the ledger does not know. When the ledger was
/// `rescued`, it may also be too old to know that a job was tried again: a job whose folder is there was not over.
///
/// Not taken in are those that name what this server would not give a worker to read: a worker may have written them.
///
/// To be called before anything else is done to the ledger.
///
/// # Errors
/// When the ledger or the key of its folder fails.
pub async fn bring_back(
    ledger: &Ledger,
    outputs: &[PathBuf],
    places: Places,
    owner: &Owner,
    rescued: bool,
) -> Result<(), Error> {
    let (base, outputs) = (ledger.base().clone(), outputs.to_owned());
    let (owner, owner_of_all) = (owner.clone(), owner.clone());
    let key = Key::of(ledger.folder())?;
    let looking = tokio::task::spawn_blocking(move || {
        let mut found = Vec::new();
        let mut note = |folder: &Path, mut manifest: Manifest, is_sealed| {
            let is_of_another = is_of_another(&manifest, folder, &owner)
                && !is_of_earlier_name(&manifest, folder, &base, &owner);
            let has_other_name = manifest.owner != *owner.id();
            manifest.job = base.found_request(manifest.job);
            let fault = is_of_another.then_some(ManifestError::Elsewhere);
            if let Some(fault) = fault.or_else(|| manifest.validate(folder).err()) {
                tracing::warn!("the job of `{}` is left alone: {fault}", folder.display());
            } else if let Err(why) = places.check(&manifest.job, is_sealed) {
                tracing::warn!(
                    "the job of `{}` is not taken in again by itself: {why}; start it again with `upscaled up`, or remove the folder",
                    folder.display()
                );
            } else {
                found.push((manifest.job, has_other_name));
            }
        };
        for output in &outputs {
            find(output, &key, DEEPEST, &mut note);
        }
        found
    });
    for (new, has_other_name) in looking.await.unwrap_or_default() {
        let submission = match renamed(ledger, &new).await? {
            Some(id) => Submission { id, is_new: false },
            None => ledger.submit(&NewJob { result: None, ..new.clone() }, now()).await?,
        };
        let id = submission.id;
        if has_other_name {
            take_over(ledger, &new, &owner_of_all);
        }
        if submission.is_new {
            // Where the name went to another job meanwhile, this one gets its own later.
            if let Some(result) = &new.result {
                ledger.reserve_result(id, result).await?;
            }
            tracing::warn!("job {id}: `{}` is taken in again from its folder", new.source.display());
        } else if rescued
            && let Some(record) = ledger.get(id).await?
            && matches!(record.job.status, Status::Failed { .. } | Status::Canceled)
        {
            tracing::warn!("job {id}: `{}` goes on", new.source.display());
            ledger.apply(id, Event::Retry, now()).await?;
        }
    }
    Ok(())
}

/// The job of a folder whose source has another name in the ledger than in the manifest, which is written anew with the next
/// piece of work.
async fn renamed(ledger: &Ledger, new: &NewJob) -> Result<Option<JobId>, Error> {
    let jobs = ledger.of_fingerprint(&new.fingerprint).await?;
    let is_it = |job: &&Record| {
        let known = &job.request;
        known.folder == new.folder
            && known.settings.hash() == new.settings.hash()
            && !matches!(job.job.status, Status::Done)
    };
    Ok(jobs.iter().find(is_it).map(|job| job.id))
}

/// Writes the server's present name into the manifest of one of its jobs.
fn take_over(ledger: &Ledger, job: &NewJob, owner: &Owner) {
    let written = storage::inode(&job.folder).and_then(|inode| {
        let manifest = Manifest::new(ledger.base().kept_request(job), owner.id().clone(), inode);
        write_keyed(&job.folder.join(NAME), &manifest, &Key::of(ledger.folder())?)
    });
    if let Err(error) = written {
        tracing::warn!("{error}");
    }
}

/// Gives the manifests of all job folders below a folder, in the order of their names.
fn find(folder: &Path, key: &Key, depth: usize, found: &mut impl FnMut(&Path, Manifest, bool)) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut folders: Vec<PathBuf> = folders.map(|entry| entry.path()).collect();
    folders.sort();
    for folder in folders {
        // What a worker made inside a job's folder is none.
        let is_of_job = folder.extension().is_some_and(|extension| extension == JOB_FOLDER);
        match read_keyed::<Manifest>(&folder.join(NAME), key) {
            Ok(Some((manifest, is_sealed))) => found(&folder, manifest, is_sealed),
            Ok(None) if depth > 0 && !is_of_job => find(&folder, key, depth - 1, found),
            Ok(None) => {}
            Err(error) => tracing::warn!("{error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use job::state::Effect;
    use job::{FilePath, Settings};
    use protocol::ServerId;

    use super::*;

    fn new_job(output: &Path, name: &str) -> NewJob {
        NewJob {
            source: format!("/in/{name}").into(),
            fingerprint: "f".to_owned(),
            stamp: "s".to_owned(),
            settings: Settings::default(),
            output: output.into(),
            folder: output.join(format!("{name}.job")).into(),
            result: Some(output.join(format!("{name}_upscaled.mp4")).into()),
        }
    }

    fn note(ledger: &Ledger, job: &NewJob) {
        std::fs::create_dir_all(&*job.folder).unwrap();
        let inode = storage::inode(&job.folder).unwrap();
        let manifest = Manifest::new(ledger.base().kept_request(job), ServerId::default(), inode);
        write_keyed(&job.folder.join(NAME), &manifest, &Key::of(ledger.folder()).unwrap()).unwrap();
    }

    fn places(root: &Path) -> Places {
        Places { inputs: vec![root.join("input")], models: root.join("models") }
    }

    #[tokio::test]
    async fn what_another_server_has_begun_is_left_alone_and_a_copy_of_it_is_not() {
        let root = tempfile::tempdir().unwrap();
        let state = |name: &str| {
            let state = root.path().join(name);
            std::fs::create_dir(&state).unwrap();
            Owner::of(&state).unwrap()
        };
        let (mine, other) = (state("a"), state("b"));
        let ledger = Ledger::open(&root.path().join("a/ledger.db")).await.unwrap();
        let job = new_job(&root.path().join("output"), "a.mp4");
        let id = ledger.submit(&job, now()).await.unwrap().id;
        let record = ledger.get(id).await.unwrap().unwrap();
        std::fs::create_dir_all(&*job.folder).unwrap();
        for _ in 0..2 {
            assert!(write(&ledger, &record, &mine).unwrap());
            assert!(!write(&ledger, &record, &other).unwrap());
        }
        assert_eq!(source_of(&root.path().join("a/ledger.db"), &job.folder).unwrap(), *job.source);
        let copy = root.path().join("copy");
        std::fs::create_dir(&copy).unwrap();
        std::fs::copy(job.folder.join(NAME), copy.join(NAME)).unwrap();
        let copied = Record { request: NewJob { folder: copy.into(), ..job }, ..record };
        assert!(write(&ledger, &copied, &other).unwrap());
    }

    #[tokio::test]
    async fn a_server_whose_state_was_restored_from_a_copy_knows_the_jobs_in_its_own_folder() {
        let root = tempfile::tempdir().unwrap();
        let state = root.path().join("state");
        std::fs::create_dir(&state).unwrap();
        let before = Owner::of(&state).unwrap();
        let ledger = Ledger::open(&state.join("ledger.db")).await.unwrap();
        let job = new_job(&root.path().join("output"), "a.mp4");
        let id = ledger.submit(&job, now()).await.unwrap().id;
        let record = ledger.get(id).await.unwrap().unwrap();
        std::fs::create_dir_all(&*job.folder).unwrap();
        assert!(write(&ledger, &record, &before).unwrap());
        drop(ledger);
        let restored = root.path().join("restored");
        std::fs::create_dir(&restored).unwrap();
        for entry in std::fs::read_dir(&state).unwrap() {
            let file = entry.unwrap();
            std::fs::copy(file.path(), restored.join(file.file_name())).unwrap();
        }
        let owner = Owner::of(&restored).unwrap();
        assert!(owner.id() != before.id());
        let ledger = Ledger::open(&restored.join("ledger.db")).await.unwrap();
        bring_back(&ledger, &[root.path().join("output")], places(root.path()), &owner, false).await.unwrap();
        let renamed: Manifest =
            read_keyed(&job.folder.join(NAME), &Key::of(ledger.folder()).unwrap()).unwrap().unwrap().0;
        assert!(renamed.owner == *owner.id() && write(&ledger, &record, &owner).unwrap());
    }

    #[tokio::test]
    async fn a_folder_in_the_place_of_a_manifest_is_put_aside() {
        let root = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&root.path().join("ledger.db")).await.unwrap();
        let job = new_job(root.path(), "a.mp4");
        let id = ledger.submit(&job, now()).await.unwrap().id;
        let record = ledger.get(id).await.unwrap().unwrap();
        for number in 1..=2 {
            let _ = std::fs::remove_file(job.folder.join(NAME));
            std::fs::create_dir_all(job.folder.join(NAME)).unwrap();
            std::fs::write(job.folder.join(NAME).join("kept"), "").unwrap();
            assert!(write(&ledger, &record, &Owner::default()).unwrap());
            let key = Key::of(ledger.folder()).unwrap();
            assert!(read_keyed::<Manifest>(&job.folder.join(NAME), &key).unwrap().is_some());
            assert!(job.folder.join(format!("{NAME}.aside-{number}/kept")).exists());
        }
    }

    #[tokio::test]
    async fn jobs_come_back_from_their_folders_once() {
        let root = tempfile::tempdir().unwrap();
        let output = root.path().join("output");
        let ledger = Ledger::open(&root.path().join("ledger.db")).await.unwrap();
        bring_back(&ledger, std::slice::from_ref(&output), places(root.path()), &Owner::default(), false)
            .await
            .unwrap();
        let (one, two) = (new_job(&output, "a.mp4"), new_job(&output.join("deep"), "b.mp4"));
        note(&ledger, &one);
        note(&ledger, &two);
        std::fs::create_dir_all(output.join("c.mp4.job")).unwrap();
        for _ in 0..2 {
            bring_back(&ledger, std::slice::from_ref(&output), places(root.path()), &Owner::default(), true)
                .await
                .unwrap();
            let requests: Vec<NewJob> =
                ledger.list().await.unwrap().into_iter().map(|record| record.request).collect();
            assert_eq!(requests, [one.clone(), two.clone()]);
        }
    }

    #[tokio::test]
    async fn a_job_whose_source_was_renamed_is_known_by_its_folder() {
        let root = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&root.path().join("ledger.db")).await.unwrap();
        let job = new_job(root.path(), "a.mp4");
        note(&ledger, &job);
        let id = ledger.submit(&job, now()).await.unwrap().id;
        ledger.rename_source(&[id], &NewJob { source: "/in/b.mp4".into(), ..job }).await.unwrap();
        bring_back(&ledger, &[root.path().to_owned()], places(root.path()), &Owner::default(), false)
            .await
            .unwrap();
        let sources: Vec<FilePath> =
            ledger.list().await.unwrap().into_iter().map(|record| record.request.source).collect();
        assert_eq!(sources, ["/in/b.mp4".into()]);
    }

    #[tokio::test]
    async fn only_an_old_ledger_is_wrong_about_the_end_of_a_job() {
        let root = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&root.path().join("ledger.db")).await.unwrap();
        let job = new_job(root.path(), "a.mp4");
        note(&ledger, &job);
        let id = ledger.submit(&job, now()).await.unwrap().id;
        assert_eq!(ledger.apply(id, Event::Cancel, now()).await.unwrap().effects, [Effect::Ended]);
        for (rescued, status) in [(false, Status::Canceled), (true, Status::Queued)] {
            bring_back(&ledger, &[root.path().to_owned()], places(root.path()), &Owner::default(), rescued)
                .await
                .unwrap();
            assert_eq!(ledger.get(id).await.unwrap().unwrap().job.status, status);
        }
    }

    #[tokio::test]
    async fn a_forged_manifest_does_not_come_back() {
        let root = tempfile::tempdir().unwrap();
        let output = root.path().join("output");
        let ledger = Ledger::open(&root.path().join("ledger.db")).await.unwrap();
        let in_input = NewJob { source: root.path().join("input/a.mp4").into(), ..new_job(&output, "a.mp4") };
        let elsewhere = NewJob { source: "/home/me/b.mp4".into(), ..new_job(&output, "b.mp4") };
        for job in [&in_input, &elsewhere] {
            note(&ledger, job);
            let path = job.folder.join(NAME);
            let text = std::fs::read_to_string(&path).unwrap();
            // As an earlier version wrote it, or a worker.
            std::fs::write(&path, text.lines().take(2).collect::<Vec<_>>().join("\n")).unwrap();
        }
        bring_back(&ledger, std::slice::from_ref(&output), places(root.path()), &Owner::default(), true)
            .await
            .unwrap();
        let found: Vec<_> = ledger.list().await.unwrap().into_iter().map(|record| record.request).collect();
        assert_eq!(found, [in_input]);
        // Inside a job's folder there are no jobs.
        note(&ledger, &new_job(&output.join("c.job/deep"), "c.mp4"));
        bring_back(&ledger, std::slice::from_ref(&output), places(root.path()), &Owner::default(), true)
            .await
            .unwrap();
        assert_eq!(ledger.list().await.unwrap().len(), 1);
        note(&ledger, &elsewhere);
        bring_back(&ledger, std::slice::from_ref(&output), places(root.path()), &Owner::default(), true)
            .await
            .unwrap();
        assert_eq!(ledger.list().await.unwrap().len(), 2);
    }
}
