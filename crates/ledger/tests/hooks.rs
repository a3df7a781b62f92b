//! How far webhooks are, and what happened to a job before an event.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use job::state::Event;
use job::{JobId, Millis, NewJob, Settings};
use ledger::{HookCursor, Ledger, What};

async fn submit(ledger: &Ledger, name: &str) -> JobId {
    let new = NewJob {
        source: name.into(),
        fingerprint: name.to_owned(),
        stamp: String::new(),
        settings: Settings::default(),
        output: "/out".into(),
        folder: format!("{name}.job").as_str().into(),
        result: None,
    };
    ledger.submit(&new, Millis(1)).await.unwrap().id
}

#[tokio::test]
async fn a_hook_goes_on_where_it_was_and_a_new_one_begins_now() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = Ledger::open(&path).await.unwrap();
    let (one, two) = ([1; 32], [2; 32]);
    assert_eq!(ledger.hook_cursor(&one).await.unwrap(), HookCursor { after: 0, failing: None });
    let id = submit(&ledger, "/a.mkv").await;
    ledger.apply(id, Event::Pause, Millis(2)).await.unwrap();
    assert_eq!(ledger.hook_cursor(&one).await.unwrap().after, 0);
    assert_eq!(ledger.hook_cursor(&two).await.unwrap().after, 2);
    let cursor = HookCursor { after: 1, failing: Some(Millis(7)) };
    ledger.note_hook(&one, &cursor).await.unwrap();
    ledger.close().await;
    let ledger = Ledger::open(&path).await.unwrap();
    ledger.read_all().await.unwrap();
    assert_eq!(ledger.hook_cursor(&one).await.unwrap(), cursor);
    // No event has that number: the ledger was restored.
    ledger.note_hook(&two, &HookCursor { after: 99, failing: None }).await.unwrap();
    assert_eq!(ledger.hook_cursor(&two).await.unwrap().after, 2);
    ledger.keep_hooks(&[two]).await.unwrap();
    assert_eq!(ledger.hook_cursor(&one).await.unwrap(), HookCursor { after: 2, failing: None });
}

#[tokio::test]
async fn what_happened_before_is_told_without_places_in_the_order() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(&folder.path().join("ledger.db")).await.unwrap();
    let id = submit(&ledger, "/a.mkv").await;
    submit(&ledger, "/b.mkv").await;
    ledger.set_removed(&[id], true, Millis(2)).await.unwrap();
    ledger.apply(id, Event::Pause, Millis(3)).await.unwrap();
    let events = ledger.events(0, 10).await.unwrap().events;
    let of = |number: usize| ledger.event_before(&events[number]);
    assert_eq!(of(0).await.unwrap(), None);
    assert_eq!(of(1).await.unwrap(), None, "it is of another job");
    assert_eq!(of(3).await.unwrap(), Some(What::Added));
}

#[tokio::test]
async fn a_cursor_that_was_damaged_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = Ledger::open(&path).await.unwrap();
    ledger.hook_cursor(&[1; 32]).await.unwrap();
    let connection = sqlx::sqlite::SqlitePool::connect(path.to_str().unwrap()).await.unwrap();
    sqlx::query("UPDATE hook SET after = 5").execute(&connection).await.unwrap();
    assert!(ledger.read_all().await.is_err());
}
