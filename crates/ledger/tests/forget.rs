//! Jobs that have ended are forgotten, by time and by number, and no others.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use job::state::Event;
use job::{JobId, Millis, NewJob, Settings};
use ledger::{Kept, Ledger, What};

fn new_job(number: i64) -> NewJob {
    NewJob {
        source: format!("/{number}").into(),
        fingerprint: "f".to_owned(),
        stamp: "s".to_owned(),
        settings: Settings::default(),
        output: "/out".into(),
        folder: format!("/out/{number}.job").into(),
        result: None,
    }
}

fn result(number: i64) -> job::FilePath {
    format!("/out/{number}.mkv").into()
}

/// A ledger with jobs 1 to 10: 4 and 8 wait, the others ended at ten times their number.
async fn ten() -> (tempfile::TempDir, Ledger) {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(&folder.path().join("ledger.db")).await.unwrap();
    for number in 1..=10 {
        let id = ledger.submit(&new_job(number), Millis(0)).await.unwrap().id;
        if number % 4 != 0 {
            ledger.apply(id, Event::Cancel, Millis(10 * number)).await.unwrap();
        }
    }
    (folder, ledger)
}

fn ids(records: &[ledger::Record]) -> Vec<i64> {
    records.iter().map(|record| record.id.0).collect()
}

#[tokio::test]
async fn what_is_too_old_or_too_much_is_found_the_earliest_first() {
    let (_folder, ledger) = ten().await;
    let not_kept = async |since, jobs| {
        ids(&ledger.not_kept(Kept { since: Millis(since), jobs }, None, 99).await.unwrap())
    };
    assert_eq!(not_kept(0, 8).await, [] as [i64; 0]);
    assert_eq!(not_kept(50, 8).await, [1, 2, 3]);
    assert_eq!(not_kept(51, u32::MAX).await, [1, 2, 3, 5]);
    assert_eq!(not_kept(0, 3).await, [1, 2, 3, 5, 6]);
    assert_eq!(not_kept(70, 6).await, [1, 2, 3, 5, 6]);
    assert_eq!(not_kept(0, 0).await, [1, 2, 3, 5, 6, 7, 9, 10]);
    // What is off the list counts, too.
    ledger.set_removed(&[JobId(1), JobId(10)], true, Millis(0)).await.unwrap();
    assert_eq!(not_kept(0, 6).await, [1, 2]);
    for limit in [1, 2, 5] {
        let (mut after, mut found) = (None, Vec::new());
        loop {
            let page = ledger.not_kept(Kept { since: Millis(0), jobs: 1 }, after, limit).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some((last.changed, last.id));
            found.extend(ids(&page));
        }
        assert_eq!(found, [1, 2, 3, 5, 6, 7, 9], "{limit} at once");
    }
}

#[tokio::test]
async fn ended_jobs_are_forgotten_and_readers_are_told() {
    let (_folder, ledger) = ten().await;
    let before = ledger.last_event().await.unwrap();
    let wanted = [1, 4, 10, 77].map(JobId);
    assert_eq!(ledger.forget(&wanted, Millis(500)).await.unwrap(), [1, 10].map(JobId));
    assert_eq!(ids(&ledger.list().await.unwrap()), [2, 3, 4, 5, 6, 7, 8, 9]);
    let told = ledger.events(before, 9).await.unwrap().events;
    let told: Vec<_> = told.into_iter().map(|event| (event.job.0, event.at.0, event.what)).collect();
    assert_eq!(told, [(1, 500, What::Forgotten), (10, 500, What::Forgotten)]);
    ledger.read_all().await.unwrap();
}

#[tokio::test]
async fn the_number_of_a_forgotten_job_is_not_given_again() {
    let (folder, ledger) = ten().await;
    let ended = [1, 2, 3, 5, 6, 7, 9, 10].map(JobId);
    assert_eq!(ledger.forget(&ended, Millis(500)).await.unwrap(), ended);
    ledger.close().await;
    let ledger = Ledger::open(&folder.path().join("ledger.db")).await.unwrap();
    // The video of a job that is forgotten is new.
    let again = ledger.submit(&new_job(10), Millis(600)).await.unwrap();
    assert_eq!((again.id, again.is_new), (JobId(11), true));
}

#[tokio::test]
async fn a_result_that_is_to_be_replaced_is_known_until_then() {
    let (_folder, ledger) = ten().await;
    let (old, new) = (JobId(1), JobId(4));
    ledger.reserve_result(old, &result(1)).await.unwrap();
    assert!(ledger.inherit_result(old, new, &result(1), Some(old)).await.unwrap());
    assert_eq!(ledger.forget(&[old], Millis(500)).await.unwrap(), []);
    ledger.apply(new, Event::Cancel, Millis(500)).await.unwrap();
    assert_eq!(ledger.forget(&[old], Millis(500)).await.unwrap(), [old]);
}
