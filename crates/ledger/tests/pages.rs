//! Lists of jobs by pages, and events for readers that follow.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use job::state::{Effect, Event};
use job::{Failure, FailureKind, JobId, Millis, NewJob, Settings};
use ledger::{End, Ended, Events, KEPT_EVENTS, Ledger, What};

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

async fn open(folder: &tempfile::TempDir) -> Ledger {
    Ledger::open(&folder.path().join("ledger.db")).await.unwrap()
}

async fn fail(ledger: &Ledger, id: JobId, now: i64) {
    let claim = Event::Claim { worker: "w".to_owned(), lease_milliseconds: 15_000 };
    let applied = ledger.apply(id, claim, Millis(now)).await.unwrap();
    let [Effect::Granted(task)] = applied.effects.as_slice() else { panic!("{applied:?}") };
    let failure = Failure { kind: FailureKind::Final, message: "because".into() };
    ledger.apply(id, Event::Failed { task: task.key(), failure }, Millis(now)).await.unwrap();
}

/// Jobs 1 to 12: three by three done, failed, canceled and queued, ended at their number.
async fn fill(ledger: &Ledger) {
    for number in 1..=12 {
        let new = new_job(number);
        if number % 4 == 1 {
            let result = format!("/out/{number}.mkv").into();
            ledger.submit_done(&new, &result, 9, Millis(number)).await.unwrap().unwrap();
            continue;
        }
        let id = ledger.submit(&new, Millis(0)).await.unwrap().id;
        match number % 4 {
            2 => fail(ledger, id, number).await,
            3 => drop(ledger.apply(id, Event::Cancel, Millis(number)).await.unwrap()),
            _ => {}
        }
    }
}

fn ids(records: &[ledger::Record]) -> Vec<i64> {
    records.iter().map(|record| record.id.0).collect()
}

#[tokio::test]
async fn pages_follow_each_other_without_gaps_or_repeats() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(&folder).await;
    fill(&ledger).await;
    assert_eq!(ids(&ledger.unfinished().await.unwrap()), [4, 8, 12]);
    for limit in [1, 2, 4, 100] {
        let (mut wanted, mut found) = (Ended::default(), Vec::new());
        loop {
            let page = ledger.ended(&wanted, limit).await.unwrap();
            let Some(last) = page.last() else { break };
            wanted.before = Some((last.changed, last.id));
            found.extend(ids(&page));
        }
        assert_eq!(found, [11, 10, 9, 7, 6, 5, 3, 2, 1], "{limit} at once");
    }
    let failed = Ended { how: vec![End::Failed], ..Ended::default() };
    let only = async |wanted: Ended| ids(&ledger.ended(&wanted, 100).await.unwrap());
    assert_eq!(only(failed.clone()).await, [10, 6, 2]);
    let either = Ended { how: vec![End::Done, End::Canceled], ..Ended::default() };
    assert_eq!(only(either).await, [11, 9, 7, 5, 3, 1]);
    assert_eq!(only(Ended { since: Some(Millis(9)), ..Ended::default() }).await, [11, 10, 9]);
    ledger.set_removed(&[JobId(10)], true, Millis(0)).await.unwrap();
    assert_eq!(only(failed.clone()).await, [6, 2]);
    assert_eq!(only(Ended { removed: true, ..failed }).await, [10, 6, 2]);
}

#[tokio::test]
async fn a_reader_that_falls_behind_is_told_how_much_it_missed() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(&folder).await;
    assert_eq!(ledger.events(0, 9).await.unwrap(), Events::default());
    let id = ledger.submit(&new_job(1), Millis(5)).await.unwrap().id;
    let added = ledger.events(0, 9).await.unwrap();
    assert_eq!((added.events.len(), added.missed, &added.events[0].what), (1, 0, &What::Added));
    // As so many changes leave it, the next of which removes the oldest rows.
    let pool = sqlx::SqlitePool::connect(folder.path().join("ledger.db").to_str().unwrap()).await.unwrap();
    let later = KEPT_EVENTS.div_euclid(256) * 256 + 255;
    sqlx::query("UPDATE sqlite_sequence SET seq = $1 WHERE name = 'event'")
        .bind(later)
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
    ledger.apply(id, Event::Pause, Millis(6)).await.unwrap();
    let Events { events, missed } = ledger.events(1, 9).await.unwrap();
    assert_eq!((events.len(), events[0].number), (1, later + 1));
    assert_eq!(missed, later.cast_unsigned() - 1);
    assert_eq!(ledger.last_event().await.unwrap(), later + 1);
}

#[tokio::test]
async fn a_reader_that_waits_hears_of_what_comes_and_of_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(&folder).await;
    let id = ledger.submit(&new_job(1), Millis(5)).await.unwrap().id;
    assert_eq!(ledger.next_events(0, 9).await.unwrap().events.len(), 1);
    let waiting = tokio::spawn({
        let ledger = ledger.clone();
        async move { ledger.next_events(1, 9).await.unwrap() }
    });
    // What changes nothing is no event, and what is undone is none.
    assert!(!ledger.submit(&new_job(1), Millis(6)).await.unwrap().is_new);
    let other = NewJob { folder: new_job(1).folder, ..new_job(2) };
    assert!(ledger.submit(&other, Millis(6)).await.is_err());
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    ledger.apply(id, Event::Pause, Millis(7)).await.unwrap();
    let Events { events, missed } = waiting.await.unwrap();
    assert_eq!((events.len(), events[0].number, events[0].at, missed), (1, 2, Millis(7), 0));
}
