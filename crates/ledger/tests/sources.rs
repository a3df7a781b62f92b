//! What the ledger says of the sources of jobs, and of files that are no jobs yet.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use job::state::{Event, Status};
use job::{FilePath, JobId, Millis, NewJob, Settings};
use ledger::{Error, Ledger, SeenFile};

fn new_job(source: &str, fingerprint: &str) -> NewJob {
    NewJob {
        source: format!("/{source}").into(),
        fingerprint: fingerprint.to_owned(),
        stamp: format!("stamp of {fingerprint}"),
        settings: Settings::default(),
        output: "/out".into(),
        folder: format!("/out/{source}.{fingerprint}.job").into(),
        result: None,
    }
}

fn seen(name: &str, modified: i64, reason: &str) -> SeenFile {
    let path = FilePath::from_bytes(format!("/{name}").into_bytes());
    SeenFile { path, size: 7, modified: Millis(modified), since: Millis(1), reason: reason.to_owned() }
}

async fn open() -> (tempfile::TempDir, Ledger) {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(&folder.path().join("ledger.db")).await.unwrap();
    (folder, ledger)
}

#[tokio::test]
async fn files_are_seen_until_they_are_gone_the_newest_first() {
    let (_folder, ledger) = open().await;
    // More than one statement takes.
    let many: Vec<SeenFile> =
        (0..2500).map(|number| seen(&format!("{number}\n.mp4"), number, "being copied")).collect();
    ledger.note_seen(&many, &[], false).await.unwrap();
    let newest_first: Vec<SeenFile> = many.iter().rev().cloned().collect();
    assert_eq!(ledger.seen().await.unwrap(), newest_first);
    let gone: Vec<FilePath> = many[..2499].iter().map(|file| file.path.clone()).collect();
    let changed = seen("2499\n.mp4", 9000, "held open");
    ledger.note_seen(std::slice::from_ref(&changed), &gone, false).await.unwrap();
    assert_eq!(ledger.seen().await.unwrap(), [changed]);
    ledger.note_seen(&many[..1], &[], true).await.unwrap();
    assert_eq!(ledger.seen().await.unwrap(), many[..1]);
}

#[tokio::test]
async fn sources_are_known_by_their_stamps_and_marked_when_they_are_gone() {
    let (_folder, ledger) = open().await;
    let one = ledger.submit(&new_job("a.mp4", "f"), Millis(0)).await.unwrap().id;
    let two = ledger.submit(&new_job("a.mp4", "g"), Millis(0)).await.unwrap().id;
    ledger.set_gone(&[two], true).await.unwrap();
    let known = ledger.known_sources().await.unwrap();
    let told: Vec<_> = known.iter().map(|known| (known.id, &*known.stamp, known.is_gone)).collect();
    assert_eq!(told, [(one, "stamp of f", false), (two, "stamp of g", true)]);
    assert!(known.iter().all(|known| known.status == Status::Queued && *known.source == *"/a.mp4"));
    assert!(ledger.is_gone(two).await.unwrap() && !ledger.is_gone(one).await.unwrap());
    // The mark is no part of what the seal of a row covers.
    ledger.get(two).await.unwrap().unwrap();
    ledger.set_gone(&[two], false).await.unwrap();
    assert!(!ledger.is_gone(two).await.unwrap());
}

#[tokio::test]
async fn a_part_of_a_film_does_not_stand_for_the_film() {
    let (_folder, ledger) = open().await;
    let whole = new_job("a.mp4", "f");
    let part = job::Part::of(Some(job::FilmTime(1)), None);
    let settings = Settings { part, ..whole.settings.clone() };
    let try_out = NewJob { settings, folder: "/out/part.job".into(), ..whole.clone() };
    let try_out = ledger.submit(&try_out, Millis(0)).await.unwrap();
    assert_eq!(ledger.known_sources().await.unwrap(), []);
    let film = ledger.submit(&whole, Millis(0)).await.unwrap();
    assert!(try_out.is_new && film.is_new);
    let known = ledger.known_sources().await.unwrap();
    assert_eq!(known.iter().map(|known| known.id).collect::<Vec<_>>(), [film.id]);
}

#[tokio::test]
async fn a_folder_is_used_until_its_job_is_done_or_canceled() {
    let (_folder, ledger) = open().await;
    let id = ledger.submit(&new_job("a.mp4", "f"), Millis(0)).await.unwrap().id;
    let folder = FilePath::from("/out/a.mp4.f.job");
    assert!(ledger.is_folder_used(&folder).await.unwrap());
    assert!(!ledger.is_folder_used(&"/out/b.mp4.f.job".into()).await.unwrap());
    ledger.apply(id, Event::Cancel, Millis(1)).await.unwrap();
    assert!(!ledger.is_folder_used(&folder).await.unwrap());
}

#[tokio::test]
async fn a_job_begins_again_under_its_number() {
    let (_folder, ledger) = open().await;
    let new = new_job("a.mp4", "f");
    let id = ledger.submit(&new, Millis(0)).await.unwrap().id;
    ledger.submit(&new_job("b.mp4", "f"), Millis(0)).await.unwrap();
    ledger.apply(id, Event::Cancel, Millis(1)).await.unwrap();
    ledger.begin_again(id, &NewJob { stamp: "new".to_owned(), ..new.clone() }, Millis(2)).await.unwrap();
    let record = ledger.get(id).await.unwrap().unwrap();
    assert_eq!(
        (record.job.status, &*record.request.stamp, record.created),
        (Status::Queued, "new", Millis(2))
    );
    let queue: Vec<JobId> = ledger.queue().await.unwrap().iter().map(|queued| queued.id).collect();
    assert_eq!(queue, [JobId(2), id]);
    // Nothing is removed for a job that is of another source.
    let error = ledger.begin_again(JobId(2), &new, Millis(3)).await.unwrap_err();
    assert!(matches!(error, Error::NoJob(JobId(2))), "{error}");
    assert!(ledger.get(JobId(2)).await.unwrap().is_some());
}

#[tokio::test]
async fn a_name_is_handed_on_to_one_job() {
    let (_folder, ledger) = open().await;
    let half = ledger.submit(&new_job("a.mp4", "half"), Millis(0)).await.unwrap().id;
    let whole = ledger.submit(&new_job("a.mp4", "whole"), Millis(0)).await.unwrap().id;
    let name = FilePath::from("/out/a_upscaled.mp4");
    assert!(ledger.reserve_result(half, &name).await.unwrap());
    assert!(ledger.inherit_result(half, whole, &name, Some(half)).await.unwrap());
    let of = async |id| ledger.get(id).await.unwrap().unwrap();
    assert_eq!((of(half).await.request.result, of(half).await.replaces), (None, None));
    assert_eq!((of(whole).await.request.result, of(whole).await.replaces), (Some(name.clone()), Some(half)));
    assert!(!ledger.inherit_result(half, whole, &name, None).await.unwrap());
    assert_eq!(of(whole).await.replaces, Some(half));
}
