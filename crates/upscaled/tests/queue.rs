//! The order of the jobs: urgent ones, paused ones, and those that kill their worker.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that cannot go on has failed")]

mod common;
#[path = "common/server.rs"]
mod server;

use std::path::Path;
use std::time::Duration;

use common::{executable, frame_checksums, make_clip, make_telling_clip, run, run_well, wait_for};
use serde_json::Value;
use server::{PATIENCE, Server};

/// Segments that take about half a second.
const SLOW: [&str; 4] = ["--model", "realesr-animevideov3", "--segment-frames", "30"];
const QUICK: [&str; 6] = ["--model", "none", "--preset", "ultrafast", "--segment-frames", "30"];

/// What an unbroken run makes of a clip.
fn unbroken(folder: &Path, clip: &str, settings: &[&str]) -> Vec<String> {
    let mut arguments = vec!["up", clip, "-o", "unbroken.mp4", "--overwrite"];
    arguments.extend(settings);
    run_well(folder, &arguments);
    frame_checksums(&folder.join("unbroken.mp4"))
}

/// A job of a server by its number.
fn job(server: &Server, id: u64) -> Value {
    server.jobs().into_iter().find(|job| job["id"] == id).unwrap_or_default()
}

fn segments_done(server: &Server, id: u64) -> u64 {
    job(server, id)["segments_done"].as_u64().unwrap_or(0)
}

#[test]
fn an_urgent_job_starts_within_a_segment_and_the_other_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::create_dir(root.join("input")).unwrap();
    make_telling_clip(&root.join("input/a.mp4"), 600, false);
    make_telling_clip(&root.join("b.mp4"), 120, false);
    let server = Server::start(root, &SLOW);
    wait_for("the first file", PATIENCE, || job(&server, 1)["id"] == 1);
    std::fs::rename(root.join("b.mp4"), root.join("input/b.mp4")).unwrap();
    wait_for("the first job", PATIENCE, || segments_done(&server, 1) >= 2 && job(&server, 2)["id"] == 2);
    assert_eq!((segments_done(&server, 2), job(&server, 2)["priority"].as_str()), (0, Some("normal")));
    run_well(root, &["priority", "2", "--to", "high"]);
    let before = segments_done(&server, 1);
    wait_for("the urgent job", PATIENCE, || job(&server, 2)["status"] == "running");
    let after = segments_done(&server, 1);
    println!("the urgent job waited for {} segments", after - before);
    assert!(after - before <= 1, "{before} {after}");
    let lines = run_well(root, &["list"]);
    let first = lines.lines().nth(1).unwrap();
    assert!(first.contains("b.mp4") && first.contains("high"), "{lines}");
    wait_for("the urgent job to end", PATIENCE, || job(&server, 2)["status"] == "done");
    assert_ne!(job(&server, 1)["status"], "done");
    assert_eq!(run(root, &["priority", "2", "--to", "low"]).status.code(), Some(1));
    server.wait_for_jobs(2);
    assert_eq!(frame_checksums(&root.join("output/a_upscaled.mp4")), unbroken(root, "input/a.mp4", &SLOW));
}

#[test]
fn a_job_of_low_priority_gets_a_twentieth_of_the_segments() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for name in ["input", "shelf"] {
        std::fs::create_dir(root.join(name)).unwrap();
    }
    make_clip(&root.join("input/low.mp4"), "32x32", 1800, false);
    make_clip(&root.join("shelf/high.mp4"), "32x32", 1800, false);
    let server = Server::start(root, &QUICK);
    wait_for("the first job", PATIENCE, || segments_done(&server, 1) >= 1);
    run_well(root, &["priority", "1", "--to", "low"]);
    run_well(root, &["pause", "1"]);
    std::fs::rename(root.join("shelf/high.mp4"), root.join("input/high.mp4")).unwrap();
    wait_for("the other job", PATIENCE, || job(&server, 2)["id"] == 2);
    run_well(root, &["resume", "1"]);
    let (before, given) = (segments_done(&server, 1), segments_done(&server, 2));
    wait_for("the other job to end", PATIENCE, || job(&server, 2)["status"] == "done");
    let (low, other) = (segments_done(&server, 1) - before, segments_done(&server, 2) - given);
    println!("{low} segments of low priority beside {other} of normal priority");
    assert!(low >= (low + other) / 20 && other > low, "{low} {other}");
}

#[test]
fn a_paused_job_waits_across_starts_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::create_dir(root.join("input")).unwrap();
    make_telling_clip(&root.join("input/a.mp4"), 300, false);
    let mut server = Server::start(root, &SLOW);
    wait_for("a segment", PATIENCE, || segments_done(&server, 1) >= 1);
    run_well(root, &["pause", "1"]);
    assert_eq!(job(&server, 1)["status"], "paused");
    wait_for("the worker to go", PATIENCE, || server.worker().is_none());
    let done = segments_done(&server, 1);
    assert_eq!(server.stop(), Some(0));
    server.restart();
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!((segments_done(&server, 1), job(&server, 1)["status"].as_str()), (done, Some("paused")));
    assert!(run_well(root, &["show", "1"]).contains("paused"));
    assert_eq!(run(root, &["pause", "1"]).status.code(), Some(1));
    run_well(root, &["resume", "1"]);
    assert_eq!(run(root, &["resume", "1"]).status.code(), Some(1));
    let unnamed = run(root, &["resume"]);
    let said = String::from_utf8_lossy(&unnamed.stderr).into_owned();
    assert!(unnamed.status.code() == Some(2) && said.contains("--all") && said.contains("--now"), "{said}");
    let jobs = server.wait_for_jobs(1);
    assert_eq!(jobs[0]["status"], "done", "{jobs:#?}");
    assert_eq!(frame_checksums(&root.join("output/a_upscaled.mp4")), unbroken(root, "input/a.mp4", &SLOW));
}

#[test]
fn a_job_is_moved_among_those_of_its_priority() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::create_dir(root.join("input")).unwrap();
    make_telling_clip(&root.join("input/a.mp4"), 3000, false);
    let server = Server::start(root, &SLOW);
    wait_for("the first file", PATIENCE, || server.jobs().len() == 1);
    for name in ["b.mp4", "c.mp4"] {
        make_clip(&root.join("input").join(name), "32x32", 5, false);
    }
    // Work is found for the engine: among jobs of which some are not read yet, one that is read goes first.
    let are_read = || server.jobs().iter().filter(|job| job["frames"].is_u64()).count() == 3;
    wait_for("all jobs", PATIENCE, || are_read() && segments_done(&server, 1) >= 1);
    run_well(root, &["pause", "1", "2", "3"]);
    let order = || server.jobs().iter().map(|job| job["id"].as_u64().unwrap()).collect::<Vec<u64>>();
    run_well(root, &["move", "2-3", "--first"]);
    assert_eq!(order(), [2, 3, 1]);
    run_well(root, &["move", "c.mp4", "--before", "input/b.mp4"]);
    run_well(root, &["priority", "1", "--to", "low"]);
    assert_eq!(order(), [3, 2, 1]);
    let itself = run(root, &["move", "2", "--before", "2"]);
    let errors = String::from_utf8_lossy(&itself.stderr).into_owned();
    assert!(itself.status.code() == Some(2) && errors.contains("cannot come before itself"), "{errors}");
    assert_eq!(order(), [3, 2, 1]);
    let output = run(root, &["move", "1", "--before", "2"]);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && errors.contains("upscaled priority"), "{errors}");
    assert_eq!(run(root, &["move", "1", "--first", "--last"]).status.code(), Some(2));
    run_well(root, &["cancel", "1"]);
    let output = run(root, &["move", "1", "--first"]);
    assert!(output.status.code() == Some(1), "{output:?}");
    run_well(root, &["resume", "3", "2"]);
    server.wait_for_jobs(3);
    let log = std::fs::read_to_string(root.join("terminal.log")).unwrap();
    let end = |id: u64| log.find(&format!("job {id}: done")).unwrap();
    assert!(end(3) < end(2), "{log}");
}

/// Stands between `upscaled` and its worker, and dies as a bug in a decoder would make it die.
const DYING_WORKER: &str = r#"#!/usr/bin/perl
use strict;
use IO::Handle;
open(my $worker, '|-', 'REAL_WORKER', @ARGV) or die;
$worker->autoflush;
while (read(STDIN, my $length, 4) == 4) {
    read(STDIN, my $request, unpack('V', $length));
    if ($request =~ /bad\.mp4/ && $request =~ /"range":\{"first":60,/ && !-e 'MENDED') {
        print STDERR "decoding frame 76\nno picture at frame 77\n";
        kill 'SEGV', $$;
    }
    print $worker $length, $request;
}
"#;

#[test]
fn a_file_that_kills_its_worker_is_given_up_with_evidence_and_the_queue_goes_on() {
    if !Path::new("/usr/bin/perl").is_file() {
        println!("skipped: perl is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::create_dir(root.join("input")).unwrap();
    for name in ["a.mp4", "bad.mp4", "c.mp4"] {
        make_telling_clip(&root.join("input").join(name), 150, false);
    }
    let (wrapper, mended, worker) = (root.join("worker"), root.join("mended"), common::worker());
    let script = DYING_WORKER
        .replace("REAL_WORKER", worker.to_str().unwrap())
        .replace("MENDED", mended.to_str().unwrap());
    executable(&wrapper, &script);
    let environment = [("UPSCALED_WORKER", wrapper.as_os_str())];
    let server = Server::start_in(root, &QUICK, &environment);
    let jobs = server.wait_for_jobs(3);
    let of = |name: &str| jobs.iter().find(|job| job["source"].as_str().unwrap().ends_with(name)).unwrap();
    assert_eq!((&of("/a.mp4")["status"], &of("/c.mp4")["status"]), (&"done".into(), &"done".into()));
    let bad = of("/bad.mp4");
    assert_eq!(bad["status"], "failed");
    let reason = bad["reason"].as_str().unwrap();
    println!("{reason}");
    assert!(reason.contains("gave up after 3 attempts at frames 60-89"), "{reason}");
    // All that the bad frame does not touch is finished.
    assert_eq!((&bad["segments_done"], &bad["segments"]), (&4.into(), &5.into()));

    let id = bad["id"].to_string();
    let shown: Value = serde_json::from_str(&run_well(root, &["show", &id, "--json"])).unwrap();
    let attempts = shown["failed_attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 3, "{attempts:#?}");
    for attempt in attempts {
        assert_eq!(attempt["frames"], serde_json::json!({ "first": 60, "end": 90 }));
        assert_eq!((&attempt["death"]["signal"], &attempt["death"]["exit_code"]), (&11.into(), &Value::Null));
        let lines = serde_json::json!(["decoding frame 76", "no picture at frame 77"]);
        assert_eq!(attempt["death"]["last_lines"], lines);
    }
    let text = run_well(root, &["show", &id]);
    assert!(text.contains("attempt 3") && text.contains("decoding frame 76"), "{text}");

    std::fs::write(&mended, b"").unwrap();
    run_well(root, &["retry", &id]);
    wait_for("the mended job", PATIENCE, || server.jobs().iter().all(|job| job["status"] == "done"));
    assert_eq!(
        frame_checksums(&root.join("output/bad_upscaled.mp4")),
        unbroken(root, "input/bad.mp4", &QUICK)
    );
    assert!(!run_well(root, &["show", &id]).contains("attempt"));
}
