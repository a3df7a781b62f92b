//! What the ledger costs by the number of jobs and of segments: `cargo bench --package ledger`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement that cannot go on has failed"
)]

use std::time::{Duration, Instant};

use job::state::{Effect, Event, Reused, SegmentDigest, Task};
use job::{JobId, Millis, NewJob, Settings, SourceFacts};
use ledger::{Ended, Ledger};

/// Segments of a job that are claimed and finished to see what one costs.
const WORKED: u32 = 50;
/// Jobs of a page.
const PAGE: u32 = 50;

fn new_job(number: usize) -> NewJob {
    NewJob {
        source: format!("/videos/a film with a name {number}.mkv").into(),
        fingerprint: format!("{number:064}"),
        stamp: "123456 1795874712999 12 34".to_owned(),
        settings: Settings { segment_frames: Some(30), ..Settings::default() },
        output: "/out".into(),
        folder: format!("/out/a film with a name {number}.mkv.job").into(),
        result: None,
    }
}

fn facts(frames: u32) -> SourceFacts {
    SourceFacts {
        keyframes: (0..frames).step_by(250).collect(),
        pixel: (16, 15),
        ..SourceFacts::example((720, 576), frames)
    }
}

async fn claim(ledger: &Ledger, id: JobId) -> Task {
    let event = Event::Claim { worker: "w".to_owned(), lease_milliseconds: 15_000 };
    match ledger.apply(id, event, Millis(0)).await.unwrap().effects.as_slice() {
        [Effect::Granted(task)] => task.clone(),
        other => panic!("{other:?}"),
    }
}

/// Milliseconds of the median of several runs.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1000.0
}

/// What a film of so many segments costs.
async fn film(segments: u32) {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(&folder.path().join("ledger.db")).await.unwrap();
    let id = ledger.submit(&new_job(0), Millis(0)).await.unwrap().id;
    let task = claim(&ledger, id).await.key();
    let facts = facts(segments * 30);
    let (plan, planned) = job::plan(&facts, &new_job(0).settings).unwrap();
    let count = plan.segments;
    let begin = Instant::now();
    let indexed = Event::Indexed { task, facts: Box::new(facts), plan, segments: planned };
    ledger.apply(id, indexed, Millis(1)).await.unwrap();
    let planning = begin.elapsed().as_secs_f64();
    let mut times = Vec::new();
    for _ in 0..WORKED.min(count) {
        let begin = Instant::now();
        let task = claim(&ledger, id).await.key();
        let reused = Reused { frames: 0, pixels: 0 };
        let digest =
            SegmentDigest { file: format!("seg-{task:?}"), bytes: 3, blake3: "b".repeat(64), reused };
        ledger.apply(id, Event::SegmentDone { task, digest }, Millis(2)).await.unwrap();
        times.push(begin.elapsed());
    }
    let begin = Instant::now();
    let (mut next, mut read) = (0, 0);
    loop {
        let page = ledger.segments(id, next, 1000).await.unwrap();
        let Some(last) = page.last() else { break };
        (next, read) = (last.index + 1, read + page.len());
    }
    let reading = begin.elapsed().as_secs_f64();
    println!(
        "{read:>8} segments: plan written in {planning:>6.2} s, a segment claimed and finished in {:>6.2} ms, all read in {reading:>5.2} s",
        median(times)
    );
}

/// What lists and new jobs cost among so many finished jobs.
async fn finished(jobs: usize) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = Ledger::open(&path).await.unwrap();
    for number in 0..jobs {
        let result = format!("/out/{number}_upscaled.mkv").into();
        ledger.submit_done(&new_job(number), &result, 1, Millis(number as i64)).await.unwrap().unwrap();
    }
    ledger.close().await;
    let begin = Instant::now();
    let ledger = Ledger::open(&path).await.unwrap();
    let opening = begin.elapsed().as_secs_f64() * 1000.0;
    let mut pages = Vec::new();
    let mut ended = Ended::default();
    for _ in 0..20 {
        let begin = Instant::now();
        let page = ledger.ended(&ended, PAGE).await.unwrap();
        pages.push(begin.elapsed());
        ended.before = page.last().map(|record| (record.changed, record.id));
    }
    let (mut counts, mut unfinished, mut submits) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..20 {
        let begin = Instant::now();
        ledger.counts().await.unwrap();
        counts.push(begin.elapsed());
        let begin = Instant::now();
        ledger.submit(&new_job(jobs + number), Millis(0)).await.unwrap();
        submits.push(begin.elapsed());
        let begin = Instant::now();
        ledger.unfinished().await.unwrap();
        unfinished.push(begin.elapsed());
    }
    println!(
        "{jobs:>8} finished jobs: opened in {opening:.0} ms, a page of {PAGE} in {:.2} ms, counted in {:.2} ms, those to do in {:.2} ms, a new one in {:.2} ms",
        median(pages),
        median(counts),
        median(unfinished),
        median(submits)
    );
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for segments in [100, 1000, 10_000, 100_000] {
            film(segments).await;
        }
        for jobs in [100, 10_000] {
            finished(jobs).await;
        }
    });
}
