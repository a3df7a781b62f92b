//! Several workers at once, and the work beside the engine's: the frames are the same, and no film waits for what can be done
//! ahead.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;
#[path = "common/server.rs"]
mod server;

use std::fs;
use std::path::Path;

use common::{frame_checksums, make_clip, make_telling_clip, names, packets, run_well, segments, wait_for};
use serde_json::Value;
use server::{PATIENCE, Server, signal};

/// Segments that take a moment.
const SLOW: [&str; 4] = ["--model", "realesr-animevideov3", "--segment-frames", "30"];
const TWO: [&str; 6] = ["--model", "realesr-animevideov3", "--segment-frames", "30", "--workers", "2"];

fn root() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("input")).unwrap();
    folder
}

fn job(server: &Server, id: u64) -> Value {
    server.jobs().into_iter().find(|job| job["id"] == id).unwrap_or_default()
}

/// What an unbroken run with one worker makes of a clip.
fn unbroken(folder: &Path, clip: &str) -> std::path::PathBuf {
    let mut arguments = vec!["up", clip, "-o", "unbroken.mp4"];
    arguments.extend(SLOW);
    run_well(folder, &arguments);
    folder.join("unbroken.mp4")
}

/// Waits until the segments of a job are made by two workers.
fn wait_for_two(server: &Server, id: u64) {
    wait_for("two workers at once", PATIENCE, || {
        job(server, id)["phase"] == "segments" && server.workers().len() == 2
    });
}

#[test]
fn two_workers_make_the_same_bytes_as_one() {
    let folder = tempfile::tempdir().unwrap();
    make_telling_clip(&folder.path().join("clip.mp4"), 240, true);
    let wanted = unbroken(folder.path(), "clip.mp4");
    let mut arguments = vec!["up", "clip.mp4", "-o", "two.mp4"];
    arguments.extend(TWO);
    run_well(folder.path(), &arguments);
    let two = folder.path().join("two.mp4");
    assert_eq!(packets(&two), packets(&wanted));
    assert!(fs::read(&two).unwrap() == fs::read(&wanted).unwrap(), "the files differ beside their packets");
}

#[test]
fn a_job_that_is_cancelled_loses_all_its_workers_and_the_next_one_goes_on() {
    let folder = root();
    let root = folder.path();
    make_clip(&root.join("input/long.mp4"), "64x36", 3000, false);
    let server = Server::start(root, &TWO);
    wait_for_two(&server, 1);
    let work = root.join("output/long.mp4.job");
    wait_for("finished segments", PATIENCE, || segments(&work).len() >= 2);
    let workers = server.workers();
    run_well(root, &["cancel", "1"]);
    wait_for("the folder to go", PATIENCE, || !work.exists());
    assert!(server.workers().iter().all(|worker| !workers.contains(worker)), "a worker of the job is left");
    make_clip(&root.join("input/next.mp4"), "64x40", 90, false);
    wait_for("the next job", PATIENCE, || job(&server, 2)["status"] == "done");
    let cancelled = job(&server, 1);
    assert_eq!(cancelled["status"], "canceled");
    assert_eq!(cancelled["failed_attempts"].as_array().unwrap().len(), 0, "{cancelled}");
    assert_eq!(names(&root.join("output")), ["next_upscaled.mp4"]);
}

#[test]
fn one_of_two_workers_is_killed_and_the_frames_are_the_same() {
    let folder = root();
    let root = folder.path();
    make_telling_clip(&root.join("input/clip.mp4"), 600, false);
    let mut server = Server::start(root, &TWO);
    for round in 1..=2 {
        wait_for("a segment", PATIENCE, || job(&server, 1)["segments_done"].as_u64() >= Some(round * 3));
        wait_for_two(&server, 1);
        let workers = server.workers();
        signal("KILL", workers[0]);
        // The other one goes on with what it does.
        wait_for("another worker", PATIENCE, || {
            let now = server.workers();
            now.len() == 2 && !now.contains(&workers[0])
        });
    }
    let jobs = server.wait_for_jobs(1);
    assert_eq!(jobs[0]["status"], "done", "{jobs:?}");
    server.stop();
    let result = root.join("output/clip_upscaled.mp4");
    assert_eq!(frame_checksums(&result), frame_checksums(&unbroken(root, "input/clip.mp4")));
}

#[test]
fn what_comes_next_is_indexed_while_the_engine_works_and_what_comes_later_is_not() {
    let folder = root();
    let root = folder.path();
    for (name, size, frames) in
        [("a", "64x36", 3000), ("b", "52x36", 60), ("c", "48x36", 60), ("d", "44x36", 60), ("e", "40x36", 60)]
    {
        make_clip(&root.join(format!("input/{name}.mp4")), size, frames, false);
    }
    let server = Server::start(root, &SLOW);
    let of = |name: &str| -> Value {
        let source = format!("/{name}.mp4");
        let mut jobs = server.jobs().into_iter();
        jobs.find(|job| job["source"].as_str().unwrap().ends_with(&source)).unwrap_or_default()
    };
    let is_made = || of("a")["phase"] == "segments" && of("a")["status"] == "running";
    for name in ["b", "c"] {
        wait_for("a job that is indexed ahead", PATIENCE, || of(name)["frames"] == 60);
        wait_for("its turn to be waited for", PATIENCE, || of(name)["status"] == "queued");
    }
    let done = of("a")["segments_done"].as_u64().unwrap();
    wait_for("more segments", PATIENCE, || of("a")["segments_done"].as_u64() >= Some(done + 2));
    assert!(is_made(), "{}", of("a"));
    for name in ["d", "e"] {
        let job = of(name);
        assert!(job["frames"].is_null() && job["status"] == "queued", "{job}");
    }
    let listed = run_well(root, &["list"]);
    assert!(listed.matches("queued").count() >= 4 && !listed.contains("failed"), "{listed}");
    // The turn of the others.
    let id = of("a")["id"].to_string();
    run_well(root, &["cancel", &id]);
    let jobs = server.wait_for_jobs(5);
    assert_eq!(jobs.iter().filter(|job| job["status"] == "done").count(), 4, "{jobs:?}");
}

#[test]
fn the_number_of_workers_is_checked_and_taken_up_while_the_server_runs() {
    let folder = root();
    let root = folder.path();
    for arguments in [&["up", "x.mp4", "--workers", "0"], &["up", "x.mp4", "--workers", "17"]] {
        let output = common::run(root, arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains("from 1 to 16"), "{said}");
    }
    fs::write(root.join("upscaled.toml"), "workers = 1\n").unwrap();
    make_clip(&root.join("input/long.mp4"), "64x36", 3000, false);
    let server = Server::start(root, &SLOW);
    wait_for("a segment", PATIENCE, || job(&server, 1)["segments_done"].as_u64() >= Some(1));
    assert_eq!(server.workers().len(), 1);
    fs::write(root.join("upscaled.toml"), "workers = 2\n").unwrap();
    run_well(root, &["reload"]);
    wait_for_two(&server, 1);
    fs::write(root.join("upscaled.toml"), "workers = 1\n").unwrap();
    run_well(root, &["reload"]);
    wait_for("one worker", PATIENCE, || server.workers().len() == 1);
    run_well(root, &["cancel", "1"]);
}
