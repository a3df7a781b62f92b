//! What was answered to requests is kept for a while, and a source that no person chose settings for becomes one job.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use job::{JobId, Millis, NewJob, Settings};
use ledger::{AnsweredRequest, Ledger};

fn answered(key: &str, created: i64) -> AnsweredRequest {
    AnsweredRequest {
        key: key.to_owned(),
        asked: [7; 32],
        job: JobId(3),
        status: 201,
        answer: "{\"id\":3}".to_owned(),
        created: Millis(created),
    }
}

#[tokio::test]
async fn what_was_answered_outlives_the_server_until_it_is_old() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = Ledger::open(&path).await.unwrap();
    assert_eq!(ledger.answered_request("a", Millis(0)).await.unwrap(), None);
    ledger.note_request(&answered("a", 10), Millis(0)).await.unwrap();
    ledger.note_request(&answered("b", 20), Millis(0)).await.unwrap();
    ledger.close().await;

    let ledger = Ledger::open(&path).await.unwrap();
    ledger.read_all().await.unwrap();
    assert_eq!(ledger.answered_request("a", Millis(10)).await.unwrap(), Some(answered("a", 10)));
    assert_eq!(ledger.answered_request("a", Millis(11)).await.unwrap(), None);
    // The next one lets go of those that are too old, and an old one may be answered anew.
    ledger.note_request(&answered("c", 30), Millis(15)).await.unwrap();
    assert_eq!(ledger.answered_request("a", Millis(0)).await.unwrap(), None);
    ledger.note_request(&answered("b", 40), Millis(0)).await.unwrap();
    assert_eq!(ledger.answered_request("b", Millis(35)).await.unwrap(), Some(answered("b", 40)));
}

#[tokio::test]
async fn a_source_has_one_job_unless_a_person_wants_another() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(&folder.path().join("ledger.db")).await.unwrap();
    let job = |number: u32, stamp: &str, crf| NewJob {
        source: "/in/a.mkv".into(),
        fingerprint: "content".to_owned(),
        stamp: stamp.to_owned(),
        settings: Settings { crf, ..Settings::default() },
        output: "/out".into(),
        folder: format!("/out/{number}.job").as_str().into(),
        result: None,
    };
    let chosen = ledger.submit(&job(1, "first", Some(20)), Millis(1)).await.unwrap();
    let found = ledger.submit_source(&job(2, "first", None), Millis(2)).await.unwrap();
    assert_eq!((found.id, found.is_new), (chosen.id, false));
    // A person may have both.
    let other = ledger.submit(&job(2, "first", None), Millis(3)).await.unwrap();
    assert!(other.is_new);
    let found = ledger.submit_source(&job(3, "first", None), Millis(4)).await.unwrap();
    assert_eq!((found.id, found.is_new), (other.id, false), "that with the very settings comes first");
    // What was touched, or was away, is asked for anew.
    let touched = ledger.submit_source(&job(3, "second", Some(9)), Millis(5)).await.unwrap();
    assert!(touched.is_new);
    ledger.set_gone(&[chosen.id, other.id], true).await.unwrap();
    let back = ledger.submit_source(&job(4, "first", Some(8)), Millis(6)).await.unwrap();
    assert!(back.is_new);
}
