//! Whatever dies, the result is the same bits: the program is killed at random moments and started again.
//!
//! `UPSCALED_KILLS` sets the number of kills (5 by default; a release needs 50 or more), `UPSCALED_WORKER_KILLS` that of the
//! workers alone (2; 30), `UPSCALED_PAUSES` how many workers are stopped and woken when others have their work (2; 50),
//! `UPSCALED_HANGS` how often a worker is made to hang, which takes half a minute each (0; 4).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

mod common;
#[path = "common/server.rs"]
mod server;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use job::state::Phase;
use ledger::{JobEvent, What};

use common::{
    Random, frame_checksums, make_clip, make_telling_clip, number, pts, run_well, segments, upscaled,
    wait_for,
};
use server::{PATIENCE, Server, signal};

const FRAMES: u32 = 600;
const SETTINGS: [&str; 4] = ["--model", "realesr-animevideov3", "--segment-frames", "60"];

fn kills() -> u32 {
    number("UPSCALED_KILLS", 5) as u32
}

/// What an unbroken run makes of a clip, and how long that takes.
fn unbroken(folder: &Path, clip: &Path, settings: &[&str]) -> (Vec<String>, Duration) {
    let start = Instant::now();
    let mut arguments = vec!["up", clip.to_str().unwrap(), "-o", "unbroken.mp4"];
    arguments.extend(settings);
    run_well(folder, &arguments);
    (frame_checksums(&folder.join("unbroken.mp4")), start.elapsed())
}

#[test]
fn a_server_that_is_killed_goes_on_and_makes_the_same_frames() {
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("clip.mp4");
    make_telling_clip(&clip, FRAMES, true);
    let (wanted, time) = unbroken(folder.path(), &clip, &SETTINGS);
    assert_eq!(wanted.len(), FRAMES as usize);

    let root = folder.path().join("root");
    std::fs::create_dir_all(root.join("input")).unwrap();
    std::fs::copy(&clip, root.join("input/clip.mp4")).unwrap();
    let mut server = Server::start(&root, &SETTINGS);
    wait_for("the job", PATIENCE, || !server.jobs().is_empty());
    let kills = kills();
    let pause = time.as_millis() as u64 * 2 / u64::from(kills) + 200;
    let mut random = Random(1);
    let mut killed = 0;
    for _ in 0..kills {
        std::thread::sleep(Duration::from_millis(random.below(pause)));
        if root.join("output/clip_upscaled.mp4").exists() {
            break;
        }
        let finished = segments(&root.join("output/clip.mp4.job"));
        server.kill();
        killed += 1;
        server.restart();
        // What was finished before the kill is still there and is not made again.
        let again = segments(&root.join("output/clip.mp4.job"));
        assert!(finished.iter().all(|segment| again.contains(segment)), "{finished:?} {again:?}");
    }
    println!("the server was killed {killed} times");
    assert!(killed > 0);
    let jobs = server.wait_for_jobs(1);
    assert_eq!(jobs[0]["status"], "done", "{jobs:#?}");
    let result = root.join("output/clip_upscaled.mp4");
    assert_eq!(frame_checksums(&result), wanted);
    assert_eq!(pts(&result), pts(&clip));
    let again = worked_again(&root);
    println!("{again} segments were worked again");
    assert!(again <= killed, "{again} segments were worked again after {killed} kills");
}

/// How many times a segment was claimed beyond the first, by the events in the ledger.
fn worked_again(root: &Path) -> u32 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let events = runtime.block_on(async {
        let ledger = ledger::Ledger::open(&root.join("state/ledger.db")).await.unwrap();
        ledger.events(0, u32::MAX).await.unwrap()
    });
    assert_eq!(events.missed, 0);
    let segments = |event: &JobEvent| match &event.what {
        What::Changed { status, phase: Phase::Segments, segments, .. } => Some((status.clone(), *segments)),
        _ => None,
    };
    let states: Vec<_> = events.events.iter().filter_map(segments).collect();
    // A claim makes the job run, and finishes no segment.
    let claims = states.windows(2).filter(|pair| pair[1].0 == "running" && pair[0].1 == pair[1].1).count();
    let finished = states.iter().map(|(_, segments)| *segments).max().unwrap() + 1;
    claims as u32 - finished
}

/// A server with so many copies of a clip to do.
fn server_with(folder: &Path, clip: &Path, copies: usize, settings: &[&str]) -> Server {
    let root = folder.join("root");
    std::fs::create_dir_all(root.join("input")).unwrap();
    for copy in 0..copies {
        std::fs::copy(clip, root.join(format!("input/clip{copy}.mp4"))).unwrap();
    }
    Server::start(&root, settings)
}

#[test]
fn a_worker_that_is_killed_is_replaced_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("clip.mp4");
    make_telling_clip(&clip, 240, false);
    let (wanted, _) = unbroken(folder.path(), &clip, &SETTINGS);
    // Two kills for each job, and as many jobs again for those that end too early.
    let kills = number("UPSCALED_WORKER_KILLS", 2);
    let server = server_with(folder.path(), &clip, kills, &SETTINGS);
    let (mut killed, mut longest) = (0, Duration::ZERO);
    while killed < kills {
        wait_for("a job that bears a death", PATIENCE, || bear_a_death(&server.jobs()));
        let Some(worker) = server.worker() else { continue };
        signal("KILL", worker);
        let start = Instant::now();
        wait_for("another worker", PATIENCE, || server.worker().is_some_and(|other| other != worker));
        killed += 1;
        longest = longest.max(start.elapsed());
    }
    println!("{killed} workers were killed; another one was there after {longest:?} at most");
    assert!(killed > 0 && longest < Duration::from_secs(2), "{killed} kills, {longest:?}");
    for job in server.wait_for_jobs(kills) {
        assert_eq!(job["status"], "done", "{job:#?}");
        assert_eq!(frame_checksums(Path::new(job["result"].as_str().unwrap())), wanted);
    }
}

/// True while a job makes segments and none that has lost two workers goes on. A segment that lost one is the first to be made again
/// after a pause, so the next kill may well meet it, whichever job it seems to be for, and a third death over one segment rightly ends
/// the job.
fn bear_a_death(jobs: &[serde_json::Value]) -> bool {
    let deaths = |job: &serde_json::Value| job["failed_attempts"].as_array().map_or(0, Vec::len);
    let is_over = |job: &serde_json::Value| job["status"] == "done" || job["status"] == "failed";
    jobs.iter().all(|job| deaths(job) < 2 || is_over(job))
        && jobs.iter().any(|job| job["status"] == "running" && job["segments_done"].as_u64() > Some(0))
}

#[test]
fn a_worker_that_wakes_up_when_its_work_is_somebody_elses_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("clip.mp4");
    make_telling_clip(&clip, 240, true);
    let (wanted, _) = unbroken(folder.path(), &clip, &SETTINGS);
    let pauses = number("UPSCALED_PAUSES", 2);
    let copies = pauses.div_ceil(2);
    let mut server = server_with(folder.path(), &clip, copies, &SETTINGS);
    let mut random = Random(9);
    let mut stopped = Stopped(Vec::new());
    while stopped.0.len() < pauses {
        let unfinished = |job: &serde_json::Value| job["status"] == "running" && job["phase"] == "segments";
        wait_for("a segment", PATIENCE, || server.jobs().iter().any(unfinished));
        std::thread::sleep(Duration::from_millis(random.below(150)));
        let Some(worker) = server.worker() else { continue };
        signal("STOP", worker);
        // No server is left that could tell it that its work is given out again.
        server.kill();
        server.restart();
        stopped.0.push(worker);
        let is_another = |other: u32| !stopped.0.contains(&other);
        wait_for("another worker", PATIENCE, || server.worker().is_some_and(is_another));
        if random.below(2) == 0 {
            // While the other is at the same segment; those that still sleep wake at the end.
            signal("CONT", worker);
        }
    }
    let jobs = server.wait_for_jobs(copies);
    stopped.wake();
    for &worker in &stopped.0 {
        wait_for("the woken worker to end", PATIENCE, || !is_alive(worker));
    }
    for job in jobs {
        assert_eq!(job["status"], "done", "{job:#?}");
        let result = Path::new(job["result"].as_str().unwrap());
        assert_eq!(frame_checksums(result), wanted);
        assert_eq!(pts(result), pts(&clip));
    }
    // Nothing that a late worker wrote is left.
    let left = common::names(&folder.path().join("root/output"));
    println!("{pauses} workers woke up late and changed nothing");
    assert_eq!(left.len(), copies, "{left:?}");
}

/// Processes that were stopped, and do not sleep for ever where the test ends early.
struct Stopped(Vec<u32>);

impl Stopped {
    fn wake(&self) {
        for worker in self.0.iter().filter(|&&worker| is_alive(worker)) {
            let _ = Command::new("kill").args(["-CONT", &worker.to_string()]).stderr(Stdio::null()).status();
        }
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        self.wake();
    }
}

/// True while a process is there and not only waits to be reaped.
fn is_alive(process: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    status.rsplit(')').next().is_some_and(|rest| !rest.trim().is_empty() && !rest.trim().starts_with('Z'))
}

#[test]
fn a_worker_that_sleeps_is_waited_for_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("clip.mp4");
    make_telling_clip(&clip, 240, false);
    let (wanted, _) = unbroken(folder.path(), &clip, &SETTINGS);
    let server = server_with(folder.path(), &clip, 1, &SETTINGS);
    wait_for("a segment", PATIENCE, || {
        server.jobs().first().is_some_and(|job| job["segments_done"].as_u64() > Some(0))
    });
    let worker = server.worker().unwrap();
    signal("STOP", worker);
    // Longer than a lease: it is the local server that renews it, which sees a death at once.
    std::thread::sleep(Duration::from_secs(17));
    signal("CONT", worker);
    let jobs = server.wait_for_jobs(1);
    assert_eq!(jobs[0]["status"], "done", "{jobs:#?}");
    assert_eq!(worked_again(&server.root), 0);
    assert_eq!(frame_checksums(Path::new(jobs[0]["result"].as_str().unwrap())), wanted);
}

#[test]
fn a_worker_that_hangs_is_replaced_after_half_a_minute() {
    let hangs = number("UPSCALED_HANGS", 0);
    if hangs == 0 {
        println!("skipped: UPSCALED_HANGS is not set");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("clip.mp4");
    make_clip(&clip, "100x54", 630, false);
    let settings = ["--model", "realesr-animevideov3", "--segment-frames", "300"];
    let (wanted, _) = unbroken(folder.path(), &clip, &settings);
    let root = folder.path().join("root");
    let server = server_with(folder.path(), &clip, 0, &settings);
    let mut longest = Duration::ZERO;
    // A hang for each job: a third one over the same segment rightly ends it.
    for hang in 0..hangs {
        std::fs::copy(&clip, root.join(format!("input/clip{hang}.mp4"))).unwrap();
        let status = root.join(format!("output/clip{hang}.mp4.job/status.json"));
        let frames_done = || {
            let text = std::fs::read(&status).unwrap_or_default();
            serde_json::from_slice::<serde_json::Value>(&text).unwrap_or_default()["frames_done"].as_u64()
        };
        // In the middle of a segment: at its ends a worker is waited for longer.
        wait_for("the middle of a segment", PATIENCE, || frames_done() >= Some(105));
        let worker = server.worker().unwrap();
        signal("STOP", worker);
        let start = Instant::now();
        wait_for("another worker", PATIENCE, || server.worker().is_some_and(|other| other != worker));
        longest = longest.max(start.elapsed());
        println!("a new worker after {:?}", start.elapsed());
        server.wait_for_jobs(hang + 1);
    }
    assert!(longest > Duration::from_secs(29) && longest < Duration::from_secs(35), "{longest:?}");
    for job in server.wait_for_jobs(hangs) {
        assert_eq!(job["status"], "done", "{job:#?}");
        assert_eq!(frame_checksums(Path::new(job["result"].as_str().unwrap())), wanted);
    }
}

#[test]
fn up_goes_on_after_ctrl_c_and_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("clip.mp4");
    make_telling_clip(&clip, FRAMES, false);
    let (wanted, time) = unbroken(folder.path(), &clip, &SETTINGS);
    let work = folder.path().join("clip.mp4.job/work");
    let mut random = Random(2);
    let pause = time.as_millis() as u64 * 2 / u64::from(kills()) + 400;
    let mut stopped = 0;
    for name in ["INT", "KILL", "TERM", "KILL"].into_iter().cycle().take(kills() as usize) {
        let mut command = upscaled(folder.path());
        command.args(["up", "clip.mp4"]).args(SETTINGS).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(200 + random.below(pause)));
        if child.try_wait().unwrap().is_some() {
            break;
        }
        stopped += 1;
        let kept = segments(&work).len();
        let start = Instant::now();
        signal(name, child.id());
        let output = child.wait_with_output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
        if name != "KILL" {
            // The signal may come when all is done.
            let done = output.status.code() == Some(0);
            assert!(done || output.status.code() == Some(130), "{:?}: {errors}", output.status);
            assert!(done || errors.contains("run the same command again to go on"), "{errors}");
        }
        // A job that has just come to its end has no segments any more.
        assert!(segments(&work).len() >= kept || folder.path().join("clip_upscaled.mp4").exists());
    }
    println!("up was stopped {stopped} times");
    assert!(stopped > 0);
    if !folder.path().join("clip_upscaled.mp4").exists() || work.exists() {
        let mut arguments = vec!["up", "clip.mp4"];
        arguments.extend(SETTINGS);
        run_well(folder.path(), &arguments);
    }
    assert_eq!(frame_checksums(&folder.path().join("clip_upscaled.mp4")), wanted);
    assert!(!folder.path().join("clip.mp4.job").exists());
}

#[test]
fn a_frame_list_that_is_gone_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("clip.mp4");
    make_telling_clip(&clip, FRAMES, false);
    let work = folder.path().join("clip.mp4.job/work");
    let mut command = upscaled(folder.path());
    let mut child = command.args(["up", "clip.mp4"]).args(SETTINGS).stderr(Stdio::null()).spawn().unwrap();
    wait_for("a segment", PATIENCE, || !segments(&work).is_empty());
    child.kill().unwrap();
    child.wait().unwrap();
    std::fs::remove_file(work.join("frames.index")).unwrap();
    let mut arguments = vec!["up", "clip.mp4"];
    arguments.extend(SETTINGS);
    run_well(folder.path(), &arguments);
    assert_eq!(pts(&folder.path().join("clip_upscaled.mp4")), pts(&clip));
}

#[test]
fn a_damaged_segment_is_found_and_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("clip.mp4");
    make_telling_clip(&clip, FRAMES, false);
    let (wanted, _) = unbroken(folder.path(), &clip, &SETTINGS);
    let work = folder.path().join("clip.mp4.job/work");
    let mut command = upscaled(folder.path());
    let mut child = command.args(["up", "clip.mp4"]).args(SETTINGS).stderr(Stdio::null()).spawn().unwrap();
    wait_for("three segments", PATIENCE, || segments(&work).len() >= 3);
    child.kill().unwrap();
    child.wait().unwrap();
    let (index, epoch) = segments(&work)[1];
    let file = work.join(format!("seg-{index:06}.e{epoch}.pkt"));
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();

    let mut arguments = vec!["up", "clip.mp4"];
    arguments.extend(SETTINGS);
    let output = upscaled(folder.path()).args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert_eq!(frame_checksums(&folder.path().join("clip_upscaled.mp4")), wanted);
}
