//! Ledgers of earlier versions keep all that they hold, and a root that moves takes its ledger along.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use std::fs;
use std::path::Path;

use job::state::{Effect, Event, Phase, Reused, SegmentDigest, Status, TaskKey, Totals};
use job::{FilePath, JobId, Millis, NewJob, Plan, Settings, SourceFacts};
use ledger::Ledger;

fn new_job(number: i64) -> NewJob {
    NewJob {
        source: FilePath::from_bytes(format!("/videos/{number}.mp4").into_bytes()),
        fingerprint: format!("fingerprint {number}"),
        stamp: "s".to_owned(),
        settings: Settings { segment_frames: Some(30), denoise: 0.35, ..Settings::default() },
        output: "/out".into(),
        folder: format!("/out/{number}.job").into(),
        result: None,
    }
}

/// Makes tables as they were before version 9.
const OLDER_THAN_9: [&str; 21] = [
    "ALTER TABLE job DROP COLUMN made_with",
    "ALTER TABLE job DROP COLUMN worked",
    "ALTER TABLE job DROP COLUMN working_since",
    "DROP TABLE hook",
    "DROP TABLE request",
    "DROP TABLE forecast",
    "DROP TABLE speed",
    "DROP TABLE owner",
    "DROP TABLE session",
    "DROP TABLE token",
    "DROP TABLE forgotten",
    "DROP TABLE event",
    "DROP INDEX segment_pending",
    "DROP INDEX segment_running",
    "DROP INDEX job_ended",
    "ALTER TABLE job DROP COLUMN totals",
    "ALTER TABLE job DROP COLUMN highest_epoch",
    "ALTER TABLE job DROP COLUMN lease_until",
    "ALTER TABLE job DROP COLUMN state",
    "ALTER TABLE job DROP COLUMN ended",
    "ALTER TABLE segment DROP COLUMN lead_in",
];

/// A job of which everything lies in a root.
fn inside(root: &Path) -> NewJob {
    let path = |name: &str| FilePath(root.join(name));
    let model = job::Model::File { name: "m".to_owned(), path: path("models/m.pth"), blake3: "b".to_owned() };
    NewJob {
        source: path("input/a.mp4"),
        settings: Settings { model, ..new_job(1).settings },
        output: path("output"),
        folder: path("output/a.mp4.job"),
        result: Some(path("output/a_upscaled.mp4")),
        ..new_job(1)
    }
}

#[tokio::test]
async fn a_root_that_moves_takes_its_jobs_along() {
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (folder.path().join("here"), folder.path().join("there"));
    fs::create_dir_all(here.join("state")).unwrap();
    let ledger = Ledger::open(&here.join("state/ledger.db")).await.unwrap();
    let id = ledger.submit(&inside(&here), Millis(0)).await.unwrap().id;
    assert_eq!(ledger.get(id).await.unwrap().unwrap().request, inside(&here));
    ledger.close().await;
    fs::rename(&here, &there).unwrap();
    let ledger = Ledger::open(&there.join("state/ledger.db")).await.unwrap();
    assert_eq!(ledger.get(id).await.unwrap().unwrap().request, inside(&there));
    assert!(!ledger.submit(&inside(&there), Millis(0)).await.unwrap().is_new);
    assert_eq!(ledger.of_source(&inside(&there).source).await.unwrap().len(), 1);
    assert!(ledger.is_folder_used(&inside(&there).folder).await.unwrap());
}

#[tokio::test]
async fn paths_of_earlier_versions_become_relative() {
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (folder.path().join("here"), folder.path().join("there"));
    fs::create_dir_all(here.join("state")).unwrap();
    let path = here.join("state/ledger.db");
    let ledger = Ledger::open(&path).await.unwrap();
    let id = ledger.submit(&inside(&here), Millis(0)).await.unwrap().id;
    ledger.close().await;
    let pool = sqlx::SqlitePool::connect(path.to_str().unwrap()).await.unwrap();
    let root = here.to_str().unwrap();
    for statement in [
        format!("UPDATE job SET source = CAST('{root}/' || CAST(source AS TEXT) AS BLOB)"),
        format!("UPDATE job SET output = CAST('{root}/' || CAST(output AS TEXT) AS BLOB)"),
        format!("UPDATE job SET folder = CAST('{root}/' || CAST(folder AS TEXT) AS BLOB)"),
        format!("UPDATE job SET result = CAST('{root}/' || CAST(result AS TEXT) AS BLOB)"),
        format!("UPDATE job SET settings = replace(settings, 'models/m.pth', '{root}/models/m.pth')"),
        "UPDATE job SET settings_hash = 'of an earlier version', seal = NULL".to_owned(),
    ]
    .into_iter()
    .chain(OLDER_THAN_9.map(str::to_owned))
    .chain([
        "DROP INDEX job_fingerprint".to_owned(),
        "ALTER TABLE job DROP COLUMN removed".to_owned(),
        "DELETE FROM _sqlx_migrations WHERE version >= 7".to_owned(),
        "PRAGMA user_version = 0".to_owned(),
    ]) {
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&pool).await.unwrap();
    }
    pool.close().await;
    Ledger::open(&path).await.unwrap().close().await;
    fs::rename(&here, &there).unwrap();
    let ledger = Ledger::open(&there.join("state/ledger.db")).await.unwrap();
    assert_eq!(ledger.get(id).await.unwrap().unwrap().request, inside(&there));
    assert!(!ledger.submit(&inside(&there), Millis(0)).await.unwrap().is_new);
}

#[tokio::test]
async fn tables_of_an_earlier_version_are_backed_up_before_they_change() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = Ledger::open(&path).await.unwrap();
    ledger.submit(&new_job(1), Millis(0)).await.unwrap();
    let before = ledger.list().await.unwrap();
    ledger.close().await;
    let pool = sqlx::SqlitePool::connect(path.to_str().unwrap()).await.unwrap();
    let statements = [
        "UPDATE segment SET seal = NULL",
        "DROP TABLE seen",
        "DROP INDEX job_folder",
        "DROP INDEX job_place",
        "DROP INDEX job_fingerprint",
        "ALTER TABLE job DROP COLUMN started",
        "ALTER TABLE job DROP COLUMN gone",
        "ALTER TABLE job DROP COLUMN removed",
        "ALTER TABLE job DROP COLUMN replaces",
        "ALTER TABLE job DROP COLUMN seal",
        "ALTER TABLE segment DROP COLUMN seal",
        "DELETE FROM _sqlx_migrations WHERE version >= 4",
        "PRAGMA user_version = 0",
    ];
    for statement in OLDER_THAN_9.into_iter().chain(statements) {
        sqlx::query(statement).execute(&pool).await.unwrap();
    }
    pool.close().await;
    let backup = folder.path().join("ledger.db.backup");
    assert!(!backup.exists());
    let (ledger, rescue) = Ledger::open_or_rescue(&path).await.unwrap();
    assert_eq!((rescue, ledger.list().await.unwrap()), (None, before));
    assert!(backup.exists());
}

async fn claim(ledger: &Ledger, id: JobId) -> TaskKey {
    let event = Event::Claim { worker: "w".to_owned(), lease_milliseconds: 15_000 };
    match ledger.apply(id, event, Millis(0)).await.unwrap().effects.as_slice() {
        [Effect::Granted(task)] => task.key(),
        other => panic!("{other:?}"),
    }
}

/// A job of four segments, of which so many are finished.
async fn begun(ledger: &Ledger, number: i64, finished: u32) -> JobId {
    let id = ledger.submit(&new_job(number), Millis(number)).await.unwrap().id;
    let facts = SourceFacts { keyframes: vec![0, 50], seconds: 6.0, ..SourceFacts::example((64, 36), 110) };
    let task = claim(ledger, id).await;
    let (plan, segments) = job::plan(&facts, &new_job(number).settings).unwrap();
    assert_eq!(segments.iter().map(|segment| segment.lead_in).collect::<Vec<_>>(), [0, 30, 0, 30]);
    let indexed = Event::Indexed { task, facts: Box::new(facts), plan, segments };
    ledger.apply(id, indexed, Millis(1)).await.unwrap();
    for _ in 0..finished {
        let task = claim(ledger, id).await;
        let digest = SegmentDigest {
            file: format!("seg-{task:?}"),
            bytes: 1000,
            blake3: "x".to_owned(),
            reused: Reused { frames: 7, pixels: 64 },
        };
        ledger.apply(id, Event::SegmentDone { task, digest }, Millis(2)).await.unwrap();
    }
    id
}

#[tokio::test]
async fn plans_that_list_their_segments_are_brought_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = Ledger::open(&path).await.unwrap();
    let (running, done) = (begun(&ledger, 1, 2).await, begun(&ledger, 2, 4).await);
    claim(&ledger, running).await;
    let task = claim(&ledger, done).await;
    ledger.apply(done, Event::Joined { task, bytes: 9 }, Millis(3)).await.unwrap();
    let before = ledger.get(running).await.unwrap().unwrap();
    let segments = ledger.segments(running, 0, 9).await.unwrap();
    ledger.close().await;

    let pool = sqlx::SqlitePool::connect(path.to_str().unwrap()).await.unwrap();
    let ranges =
        r#"[{"first":0,"end":30},{"first":30,"end":50},{"first":50,"end":80},{"first":80,"end":110}]"#;
    let statements = [
        format!("UPDATE job SET plan = json_set(plan, '$.segments', json('{ranges}')), seal = NULL"),
        "UPDATE job SET facts = json_set(facts, '$.keyframes', json('[0,50]'))".to_owned(),
        format!("UPDATE job SET status = '\"done\"' WHERE id = {done}"),
        "UPDATE segment SET seal = NULL".to_owned(),
    ];
    let version = ["DELETE FROM _sqlx_migrations WHERE version >= 9", "PRAGMA user_version = 0"];
    let older = OLDER_THAN_9.into_iter().chain(version).map(str::to_owned);
    for statement in statements.into_iter().chain(older) {
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&pool).await.unwrap();
    }
    pool.close().await;

    let (ledger, rescue) = Ledger::open_or_rescue(&path).await.unwrap();
    assert_eq!(rescue, None);
    // For how long it was worked on was not noted.
    let before = ledger::Record { work_time: ledger::WorkTime::default(), ..before };
    assert_eq!(ledger.get(running).await.unwrap().unwrap(), before);
    assert_eq!(ledger.segments(running, 0, 9).await.unwrap(), segments);
    let record = ledger.get(done).await.unwrap().unwrap();
    assert_eq!((&record.job.status, record.job.phase), (&Status::Done, Phase::Publish));
    let plan = Plan { width: 256, height: 144, encoder_threads: 2, segments: 4 };
    let totals =
        Totals { running: 0, finished: 4, frames: 110, bytes: 4000, frames_reused: 28, pixels_reused: 256 };
    assert_eq!((record.job.plan, record.job.totals), (Some(plan), totals));
    assert!(ledger.segments(done, 0, 9).await.unwrap().is_empty());
    // The work goes on where it was.
    ledger.apply(running, Event::Release { worker: None }, Millis(4)).await.unwrap();
    assert_eq!(claim(&ledger, running).await.segment, Some(2));
}
