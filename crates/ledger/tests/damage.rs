//! Whatever is damaged in a ledger, it is found: what is read is what was written at some time, or the ledger was put aside.
//!
//! `UPSCALED_LEDGER_FLIPS` says how often something is damaged (300 by default).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

use std::fs;
use std::path::{Path, PathBuf};

use job::state::{Effect, Event, Reused, SegmentDigest, TaskKey};
use job::{FilePath, JobId, Millis, NewJob, Settings, SourceFacts};
use ledger::{Ledger, Record, Rescue};

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

async fn claim(ledger: &Ledger, id: JobId) -> TaskKey {
    let event = Event::Claim { worker: "w".to_owned(), lease_milliseconds: 15_000 };
    match ledger.apply(id, event, Millis(0)).await.unwrap().effects.as_slice() {
        [Effect::Granted(task)] => task.key(),
        other => panic!("{other:?}"),
    }
}

/// Four jobs of five segments; what the ledger says after each change of some weight.
async fn fill(ledger: &Ledger) -> Vec<Vec<Record>> {
    let mut history = vec![ledger.list().await.unwrap()];
    for number in 0..4 {
        let id = ledger.submit(&new_job(number), Millis(number)).await.unwrap().id;
        history.push(ledger.list().await.unwrap());
        let facts =
            SourceFacts { keyframes: (0..150).step_by(10).collect(), ..SourceFacts::example((64, 36), 150) };
        let (plan, segments) = job::plan(&facts, &new_job(number).settings).unwrap();
        let task = claim(ledger, id).await;
        history.push(ledger.list().await.unwrap());
        let indexed = Event::Indexed { task, facts: Box::new(facts), plan, segments };
        ledger.apply(id, indexed, Millis(1)).await.unwrap();
        history.push(ledger.list().await.unwrap());
        for _ in 0..number {
            let task = claim(ledger, id).await;
            history.push(ledger.list().await.unwrap());
            let reused = Reused { frames: 7, pixels: 1 << 32 };
            let digest = SegmentDigest { file: "seg".to_owned(), bytes: 3, blake3: "x".to_owned(), reused };
            ledger.apply(id, Event::SegmentDone { task, digest }, Millis(7)).await.unwrap();
            history.push(ledger.list().await.unwrap());
        }
    }
    history
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Damages a file in one of many ways; says how.
fn damage(path: &Path, random: &mut Random) -> String {
    let mut bytes = fs::read(path).unwrap();
    let at = random.below(bytes.len() as u64) as usize;
    let name = path.file_name().unwrap().display().to_string();
    match random.below(10) {
        0 => {
            bytes.truncate(at);
            fs::write(path, bytes).unwrap();
            format!("{name} is cut at {at}")
        }
        1 => {
            let page = at / 4096 * 4096;
            let end = bytes.len().min(page + 4096);
            bytes[page..end].fill(0);
            fs::write(path, bytes).unwrap();
            format!("{name} has zeros at {page}")
        }
        2 => {
            for byte in &mut bytes {
                *byte = random.below(256) as u8;
            }
            fs::write(path, bytes).unwrap();
            format!("{name} is garbage")
        }
        3 => {
            fs::remove_file(path).unwrap();
            format!("{name} is gone")
        }
        _ => {
            let bit = random.below(8);
            bytes[at] ^= 1 << bit;
            fs::write(path, bytes).unwrap();
            format!("{name} has another bit {bit} at {at}")
        }
    }
}

fn copy(from: &Path, to: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(from).unwrap().map(|entry| entry.unwrap());
    let copied = entries.map(|entry| {
        let path = to.join(entry.file_name());
        fs::copy(entry.path(), &path).unwrap();
        path
    });
    let mut copied: Vec<_> = copied.collect();
    copied.sort();
    copied
}

#[tokio::test]
async fn damage_is_found_whatever_it_is() {
    let rounds = std::env::var("UPSCALED_LEDGER_FLIPS").map_or(300, |text| text.parse().unwrap());
    // A ledger that was closed, and one as a kill leaves it, with a backup from the middle of its life.
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [closed, killed] = [folders[0].path(), folders[1].path()];
    let ledger = Ledger::open(&closed.join("ledger.db")).await.unwrap();
    let closed_history = fill(&ledger).await;
    ledger.close().await;
    let living = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(&living.path().join("ledger.db")).await.unwrap();
    let mut killed_history = fill(&ledger).await;
    ledger.back_up().await.unwrap();
    let backed_up = ledger.list().await.unwrap();
    ledger.submit(&new_job(9), Millis(9)).await.unwrap();
    killed_history.push(ledger.list().await.unwrap());
    copy(living.path(), killed);
    fs::remove_file(killed.join("ledger.db-shm")).unwrap();

    let mut random = Random(1);
    let (mut rescued, mut from_backup, mut older) = (0, 0, 0);
    for round in 0..rounds {
        let place = tempfile::tempdir().unwrap();
        let (template, history) =
            if round % 2 == 0 { (closed, &closed_history) } else { (killed, &killed_history) };
        let mut files = copy(template, place.path());
        files.retain(|file| !file.ends_with("ledger.db.backup"));
        let victim = &files[random.below(files.len() as u64) as usize];
        let what = damage(victim, &mut random);
        let path = place.path().join("ledger.db");
        let opened = Ledger::open_or_rescue(&path).await;
        let (ledger, rescue) = opened.unwrap_or_else(|error| panic!("{what}: {error}"));
        let records = ledger.list().await.unwrap();
        match rescue {
            None => {
                let known = history.iter().position(|state| *state == records);
                let known = known.unwrap_or_else(|| panic!("{what}: no test wrote {records:#?}"));
                // Only without a part of its log, or all of it, can it be older.
                let is_latest = known + 1 == history.len();
                let is_gone = template == closed && what.ends_with("is gone") || what.ends_with("cut at 0");
                assert!(is_latest || is_gone || victim.ends_with("ledger.db-wal"), "{what}: {known}");
                older += usize::from(!is_latest);
            }
            Some(Rescue { aside, from_backup: is_from_backup, .. }) => {
                rescued += 1;
                from_backup += usize::from(is_from_backup);
                assert_eq!(is_from_backup, template == killed, "{what}");
                assert!(aside.is_some_and(|aside| aside.is_file()) || what.ends_with("is gone"), "{what}");
                assert_eq!(records, if is_from_backup { backed_up.clone() } else { Vec::new() }, "{what}");
            }
        }
        // It can be worked with, and the next start finds nothing wrong.
        ledger.submit(&new_job(77), Millis(0)).await.unwrap();
        ledger.close().await;
        let (ledger, rescue) = Ledger::open_or_rescue(&path).await.unwrap();
        assert_eq!((rescue, ledger.list().await.unwrap().len()), (None, records.len() + 1), "{what}");
        ledger.close().await;
    }
    println!(
        "{rounds} damages: {rescued} ledgers were put aside, {from_backup} of them with a backup; {older} were older"
    );
}

#[tokio::test]
async fn a_changed_row_is_found_when_it_is_read() {
    for change in [
        "UPDATE job SET settings = replace(settings, '\"denoise\":0.', '\"denoise\":1.')",
        "UPDATE job SET runnable = 0",
        "UPDATE job SET source = x'2f61'",
        "UPDATE segment SET end_frame = end_frame + 1 WHERE number = 0",
        "UPDATE segment SET epoch = 65 WHERE number = 1",
        "DELETE FROM segment WHERE number = 4",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let ledger = Ledger::open(&path).await.unwrap();
        fill(&ledger).await;
        let pool = sqlx::SqlitePool::connect(path.to_str().unwrap()).await.unwrap();
        assert!(sqlx::query(change).execute(&pool).await.unwrap().rows_affected() > 0);
        let error = ledger.read_all().await.unwrap_err();
        assert!(error.is_damage() && error.to_string().contains("start the program again"), "{error}");
        pool.close().await;
        ledger.close().await;
        let (ledger, rescue) = Ledger::open_or_rescue(&path).await.unwrap();
        assert!(rescue.is_some() && ledger.list().await.unwrap().is_empty(), "{change}");
    }
}

#[tokio::test]
async fn a_damaged_backup_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = Ledger::open(&path).await.unwrap();
    ledger.submit(&new_job(1), Millis(0)).await.unwrap();
    ledger.back_up().await.unwrap();
    ledger.close().await;
    for file in [path.clone(), folder.path().join("ledger.db.backup")] {
        fs::write(file, "garbage".repeat(999)).unwrap();
    }
    let (ledger, rescue) = Ledger::open_or_rescue(&path).await.unwrap();
    assert!(!rescue.unwrap().from_backup);
    assert!(ledger.list().await.unwrap().is_empty());
    let aside = fs::read_dir(folder.path()).unwrap().flatten();
    let aside = aside.filter(|entry| entry.file_name().to_string_lossy().starts_with("ledger.db.damaged-"));
    assert_eq!(aside.count(), 2, "nothing is deleted");
}
