//! What is kept for estimates: how fast jobs went, and what is left of those that wait.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use job::state::Event;
use job::{JobId, Millis, NewJob, Settings, Speed, Work};
use ledger::{Forecast, Ledger, Waiting};

fn new_job(number: i64) -> NewJob {
    NewJob {
        source: format!("/videos/{number}.mp4").as_str().into(),
        fingerprint: format!("fingerprint {number}"),
        stamp: "s".to_owned(),
        settings: Settings::default(),
        output: "/out".into(),
        folder: format!("/out/{number}.job").as_str().into(),
        result: None,
    }
}

fn work(computed: f64) -> Work {
    Work { read: 1.0, computed, encoded: 2.0, joined: 3.0 }
}

fn forecast(pixels: f64, computed: f64) -> Forecast {
    Forecast { pixels, frames: 10.0, work: work(computed) }
}

fn speed(seconds: f64) -> Speed {
    let mut speed = Speed::usual(1000);
    speed.add(work(100.0), seconds);
    speed
}

fn is_of(speed: &Speed, seconds: f64) -> bool {
    (speed.seconds(Work { read: 0.0, joined: 0.0, ..work(100.0) }).unwrap() - seconds).abs() < 1e-6
}

#[tokio::test]
async fn the_jobs_that_wait_are_added_up_by_what_they_are_like() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(&folder.path().join("ledger.db")).await.unwrap();
    for id in 1..=6 {
        ledger.submit(&new_job(id), Millis(1)).await.unwrap();
    }
    for (id, pixels) in [(1, 64.0), (2, 64.0), (3, 128.0), (4, 64.0)] {
        ledger.note_forecast(JobId(id), "m", &forecast(pixels, 5.0)).await.unwrap();
    }
    // Of a job that is not there, nothing is noted.
    ledger.note_forecast(JobId(99), "m", &forecast(64.0, 5.0)).await.unwrap();
    // The latest word counts.
    ledger.note_forecast(JobId(2), "m", &forecast(64.0, 2.0)).await.unwrap();
    ledger.apply(JobId(4), Event::Pause, Millis(2)).await.unwrap();
    ledger.apply(JobId(6), Event::Cancel, Millis(2)).await.unwrap();
    let mut waiting = ledger.waiting().await.unwrap();
    waiting.sort_by_key(|waiting| waiting.jobs);
    let kind = |pixels| Some(("m".to_owned(), pixels));
    let both = Work { read: 2.0, computed: 7.0, encoded: 4.0, joined: 6.0 };
    assert!(waiting.contains(&Waiting { kind: kind(64.0), jobs: 2, work: both }), "{waiting:?}");
    assert!(waiting.contains(&Waiting { kind: kind(128.0), jobs: 1, work: work(5.0) }), "{waiting:?}");
    assert!(waiting.contains(&Waiting { kind: None, jobs: 1, work: Work::default() }), "{waiting:?}");
    let known = ledger.forecasts(&[JobId(2), JobId(5)]).await.unwrap();
    assert_eq!((known.len(), known[&JobId(2)]), (1, forecast(64.0, 2.0)));
    // A job that is forgotten takes what was foreseen of it along.
    ledger.remove(JobId(2), Millis(3)).await.unwrap();
    assert!(ledger.forecasts(&[JobId(2)]).await.unwrap().is_empty());
}

#[tokio::test]
async fn of_the_jobs_of_a_model_the_latest_with_such_pictures_says_how_fast_they_go() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = Ledger::open(&path).await.unwrap();
    ledger.submit(&new_job(1), Millis(1)).await.unwrap();
    for (id, model, pixels, seconds) in
        [(1, "m", 100.0, 1.0), (2, "m", 110.0, 2.0), (3, "m", 1000.0, 3.0), (4, "n", 100.0, 4.0)]
    {
        ledger
            .note_speed(JobId(id), model, (&speed(seconds), &forecast(pixels, 1.0)), Millis(id))
            .await
            .unwrap();
    }
    ledger.close().await;
    let ledger = Ledger::open(&path).await.unwrap();
    let like = async |model: &str, pixels| ledger.speed_like(model, pixels).await.unwrap();
    assert!(is_of(&like("m", Some(100.0)).await.unwrap(), 2.0));
    assert!(is_of(&like("m", Some(5000.0)).await.unwrap(), 3.0));
    assert!(is_of(&like("m", None).await.unwrap(), 3.0));
    assert_eq!(like("x", Some(100.0)).await, None);
    assert!(is_of(&ledger.speed_of(JobId(1)).await.unwrap().unwrap(), 1.0));
    assert_eq!(ledger.speed_of(JobId(7)).await.unwrap(), None);
    // Those of long ago are not kept.
    ledger.note_speed(JobId(1002), "m", (&speed(9.0), &forecast(1.0, 1.0)), Millis(9)).await.unwrap();
    assert_eq!(ledger.speed_of(JobId(2)).await.unwrap(), None);
    assert!(ledger.speed_of(JobId(3)).await.unwrap().is_some());
}
