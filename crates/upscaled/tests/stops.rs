//! Ctrl-C and `SIGTERM`: at any moment the program ends within seconds and loses nothing that was finished.
//!
//! `UPSCALED_STOPS` sets how often the server and `up` are stopped each (3 by default; a release needs 50).

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

use common::{
    Random, executable, frame_checksums, make_clip, make_telling_clip, number, run_well, segments, upscaled,
    wait_for,
};
use server::{Held, PATIENCE, Server, signal};

/// Docker kills ten seconds after it asked.
const LIMIT: Duration = Duration::from_secs(8);
const SETTINGS: [&str; 4] = ["--model", "realesr-animevideov3", "--segment-frames", "30"];

fn stops() -> usize {
    number("UPSCALED_STOPS", 3)
}

/// A clip that takes longer than all stops together.
fn clip(path: &Path) {
    make_telling_clip(path, 150 + 15 * stops() as u32, false);
}

/// What an unbroken run makes of the clip.
fn unbroken(folder: &Path, clip: &str) -> Vec<String> {
    let mut arguments = vec!["up", clip, "-o", "unbroken.mp4"];
    arguments.extend(SETTINGS);
    run_well(folder, &arguments);
    frame_checksums(&folder.join("unbroken.mp4"))
}

#[test]
fn a_server_that_is_asked_to_stop_does_so_within_seconds_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::create_dir(root.join("input")).unwrap();
    clip(&root.join("input/clip.mp4"));
    let work = root.join("output/clip.mp4.job");
    let mut server = Server::start(root, &SETTINGS);
    wait_for("a segment", PATIENCE, || !segments(&work).is_empty());
    let mut random = Random(4);
    let (mut longest, mut stopped, mut early) = (Duration::ZERO, 0, 0);
    for _ in 0..stops() {
        std::thread::sleep(Duration::from_millis(random.below(800)));
        let finished = segments(&work);
        let start = Instant::now();
        // Before the program begins to listen the signal ends it, which is as good.
        match server.stop() {
            Some(code) => assert_eq!(code, 0),
            None => early += 1,
        }
        longest = longest.max(start.elapsed());
        stopped += 1;
        if root.join("output/clip_upscaled.mp4").exists() {
            break;
        }
        let kept = segments(&work);
        assert!(finished.iter().all(|segment| kept.contains(segment)), "{finished:?} {kept:?}");
        server.restart();
    }
    println!(
        "the server was stopped {stopped} times, {early} of them before it listened; the longest took {longest:?}"
    );
    assert!(longest < LIMIT, "{longest:?}");
    if server.has_ended() {
        server.restart();
    }
    // The clip grows with the stops, and a busy machine takes its time.
    let limit = PATIENCE * (1 + stops() as u32 / 10);
    wait_for("the job to end", limit, || server.jobs().iter().all(|job| job["status"] == "done"));
    assert_eq!(frame_checksums(&root.join("output/clip_upscaled.mp4")), unbroken(root, "input/clip.mp4"));
}

#[test]
fn up_that_was_started_by_nohup_goes_on_without_its_terminal() {
    let folder = tempfile::tempdir().unwrap();
    clip(&folder.path().join("clip.mp4"));
    let plain = upscaled(folder.path());
    let mut command = Command::new("nohup");
    command.arg(plain.get_program()).args(["up", "clip.mp4"]).args(SETTINGS);
    command.envs(plain.get_envs().filter_map(|(key, value)| Some((key, value?)))).current_dir(folder.path());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut up = command.spawn().unwrap();
    let work = folder.path().join("clip.mp4.job/work");
    wait_for("a finished segment", PATIENCE, || !segments(&work).is_empty());
    signal("HUP", up.id());
    assert_eq!(up.wait().unwrap().code(), Some(0));
    assert!(folder.path().join("clip_upscaled.mp4").is_file());
}

#[test]
fn up_that_is_asked_to_stop_does_so_within_seconds_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    clip(&folder.path().join("clip.mp4"));
    let work = folder.path().join("clip.mp4.job/work");
    let mut arguments = vec!["up", "clip.mp4"];
    arguments.extend(SETTINGS);
    let mut random = Random(5);
    let (mut longest, mut stopped, mut early) = (Duration::ZERO, 0, 0);
    // What the tests were started by may have them ignore SIGHUP, as `nohup` does.
    let mask = std::fs::read_to_string("/proc/self/status").unwrap();
    let mask = mask.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap().trim().to_owned();
    let ignores_hang_up = u64::from_str_radix(&mask, 16).unwrap() & 1 == 1;
    let names = if ignores_hang_up { &["INT", "TERM"][..] } else { &["INT", "TERM", "HUP"] };
    for name in names.iter().cycle().take(stops()) {
        let mut command = upscaled(folder.path());
        let child = command.args(&arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = child.unwrap();
        std::thread::sleep(Duration::from_millis(random.below(800)));
        if child.try_wait().unwrap().is_some() {
            break;
        }
        let finished = segments(&work);
        let start = Instant::now();
        signal(name, child.id());
        let output = child.wait_with_output().unwrap();
        longest = longest.max(start.elapsed());
        stopped += 1;
        let errors = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(130) => assert!(errors.contains("run the same command again to go on"), "{errors}"),
            Some(code) => assert_eq!(code, 0, "{errors}"),
            None => early += 1,
        }
        if folder.path().join("clip_upscaled.mp4").exists() {
            break;
        }
        let kept = segments(&work);
        assert!(finished.iter().all(|segment| kept.contains(segment)), "{finished:?} {kept:?}");
    }
    println!(
        "up was stopped {stopped} times, {early} of them before it listened; the longest took {longest:?}"
    );
    assert!(stopped > 0 && longest < LIMIT, "{longest:?}");
    if work.exists() || stopped == early {
        run_well(folder.path(), &arguments);
    }
    assert_eq!(
        frame_checksums(&folder.path().join("clip_upscaled.mp4")),
        unbroken(folder.path(), "clip.mp4")
    );
}

#[test]
fn a_worker_that_never_answers_does_not_hold_a_stop_up() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::create_dir(root.join("input")).unwrap();
    make_clip(&root.join("input/a.mp4"), "32x32", 5, false);
    let mute = root.join("mute");
    executable(&mute, "#!/bin/sh\nexec sleep 1000\n");
    // The server asks it whether the file is a video.
    let mut server = Server::start_in(root, &[], &[("UPSCALED_WORKER", mute.as_os_str())]);
    std::thread::sleep(Duration::from_secs(5));
    let start = Instant::now();
    assert_eq!(server.stop(), Some(0));
    println!("the server stopped after {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    // `up` asks it to make the frame list.
    let mut command = upscaled(root);
    command.args(["up", "input/a.mp4"]).env("UPSCALED_WORKER", &mute).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    std::thread::sleep(Duration::from_secs(1));
    let start = Instant::now();
    signal("INT", child.id());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    println!("up stopped after {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[test]
fn a_second_signal_ends_a_stop_that_is_held_up_and_time_does_too() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::create_dir(root.join("input")).unwrap();
    make_telling_clip(&root.join("input/a.mp4"), 1500, false);
    let mut server = Server::start(root, &SETTINGS);
    wait_for("a segment", PATIENCE, || !segments(&root.join("output/a.mp4.job")).is_empty());
    let held = Held::ledger(root);
    server.signal("TERM");
    std::thread::sleep(Duration::from_secs(1));
    assert!(!server.has_ended(), "the ledger does not hold it up");
    let start = Instant::now();
    assert_eq!(server.stop(), Some(130));
    println!("the second signal took {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    drop(held);

    server.restart();
    let before = segments(&root.join("output/a.mp4.job")).len();
    wait_for("another segment", PATIENCE, || segments(&root.join("output/a.mp4.job")).len() > before);
    let _held = Held::ledger(root);
    let start = Instant::now();
    assert_eq!(server.stop(), Some(130));
    println!("without a second signal it took {:?}", start.elapsed());
    assert!(start.elapsed() < LIMIT, "{:?}", start.elapsed());
}
