//! What a person does with jobs: cancel them, clear the list, make them again.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;
#[path = "common/server.rs"]
mod server;

use std::fs;
use std::path::Path;

use common::{frame_checksums, make_clip, names, run, run_well, segments, wait_for};
use serde_json::Value;
use server::{PATIENCE, Server};

const QUICK: [&str; 8] =
    ["--model", "none", "--preset", "ultrafast", "--scale", "2", "--segment-frames", "25"];
/// Segments that take a moment.
const SLOW: [&str; 4] = ["--model", "realesr-animevideov3", "--segment-frames", "25"];

fn root() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("input")).unwrap();
    folder
}

fn job(server: &Server, id: u64) -> Value {
    server.jobs().into_iter().find(|job| job["id"] == id).unwrap_or_default()
}

fn said(root: &Path, arguments: &[&str], code: i32) -> String {
    let output = run(root, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    said
}

fn is_gone(root: &Path, name: &str) {
    let folder = root.join(format!("output/{name}.job"));
    wait_for("the folder to go", PATIENCE, || !folder.exists());
}

#[test]
fn cancel_frees_the_disk_in_every_state() {
    let folder = root();
    let root = folder.path();
    make_clip(&root.join("input/a.mp4"), "64x36", 600, false);
    let mut server = Server::start(root, &SLOW);
    let begin = |server: &Server, name: &str, id: u64| {
        let work = root.join(format!("output/{name}.job"));
        wait_for("finished segments", PATIENCE, || segments(&work).len() >= 2);
        assert_eq!(job(server, id)["status"], "running");
    };
    begin(&server, "a.mp4", 1);
    run_well(root, &["cancel", "1"]);
    is_gone(root, "a.mp4");
    // Paused, while the server goes on with others; named by its video.
    make_clip(&root.join("input/b.mp4"), "64x40", 600, false);
    begin(&server, "b.mp4", 2);
    run_well(root, &["pause", "b.mp4"]);
    wait_for("the pause", PATIENCE, || job(&server, 2)["status"] == "paused");
    make_clip(&root.join("input/c.mp4"), "64x44", 600, false);
    begin(&server, "c.mp4", 3);
    run_well(root, &["cancel", "2"]);
    assert!(!root.join("output/b.mp4.job").exists());
    // Without a server, whatever it was doing when it was killed.
    server.kill();
    run_well(root, &["cancel", "--all"]);
    assert!(!root.join("output/c.mp4.job").exists());
    // One that has failed keeps its work until it is cancelled.
    server.restart();
    make_clip(&root.join("input/d.mp4"), "64x48", 600, false);
    begin(&server, "d.mp4", 4);
    fs::remove_file(root.join("input/d.mp4")).unwrap();
    wait_for("the failure", PATIENCE, || job(&server, 4)["status"] == "failed");
    assert!(root.join("output/d.mp4.job").exists());
    let refused = said(root, &["remove", "4"], 1);
    assert!(refused.contains("finished frames") && refused.contains("upscaled cancel 4"), "{refused}");
    run_well(root, &["cancel", "--failed"]);
    is_gone(root, "d.mp4");
    assert_eq!(job(&server, 4)["status"], "canceled");
    assert!(said(root, &["cancel", "1-4"], 1).contains("has come to its end already"));
    assert!(names(&root.join("output")).is_empty());
}

#[test]
fn a_list_says_that_no_server_runs_and_that_nothing_is_worked_on() {
    let folder = root();
    let root = folder.path();
    make_clip(&root.join("input/a.mp4"), "64x36", 600, false);
    let mut server = Server::start(root, &SLOW);
    wait_for("finished segments", PATIENCE, || segments(&root.join("output/a.mp4.job")).len() >= 2);
    wait_for("work under way", PATIENCE, || job(&server, 1)["doing"] == "upscaling");
    assert!(!run_well(root, &["list"]).contains("no server"));
    server.kill();
    // Its lease has not ended yet.
    let list = run_well(root, &["list"]);
    let mut lines = list.lines();
    assert!(lines.next().is_some_and(|header| header.ends_with("SOURCE  (no server runs)")), "{list}");
    assert!(lines.next().is_some_and(|line| line.contains("interrupted")), "{list}");
    assert_eq!(job(&server, 1)["frames_per_second"], Value::Null);
    assert!(run_well(root, &["show", "1"]).contains("interrupted"));
    run_well(root, &["cancel", "1"]);
    assert!(said(root, &["list", "--running"], 0).contains("no such jobs; no server runs"));
}

#[test]
fn many_jobs_are_tried_again_and_cleared_at_once() {
    let folder = root();
    let root = folder.path();
    for number in 1..=4 {
        fs::write(root.join(format!("input/e{number}.mkv")), format!("no film {number}")).unwrap();
    }
    let mut server = Server::start(root, &[&QUICK[..], &[]].concat());
    make_clip(&root.join("input/good.mp4"), "64x36", 25, false);
    wait_for("the good one", PATIENCE, || server.jobs().iter().any(|job| job["status"] == "done"));
    fs::write(root.join("upscaled.toml"), "settle = \"0s\"\n").unwrap();
    server.stop();
    server.restart();
    let jobs = server.wait_for_jobs(5);
    let failed: Vec<u64> =
        jobs.iter().filter(|job| job["status"] == "failed").map(|job| job["id"].as_u64().unwrap()).collect();
    assert_eq!(failed.len(), 4, "{jobs:?}");
    assert_eq!(said(root, &["retry", "--failed"], 0).matches("queued again").count(), 4);
    server.wait_for_jobs(5);
    let range = format!("{}-{}", failed[0], failed[1]);
    assert_eq!(said(root, &["retry", &range, "e4"], 0).matches("queued again").count(), 3);
    server.wait_for_jobs(5);
    assert!(said(root, &["retry", "77"], 1).contains("no job 77"));
    assert!(said(root, &["retry", "nothing.mkv"], 1).contains("nothing.mkv"));
    assert!(said(root, &["retry"], 2).contains("JOB"));
    // What is off the list stays so, and is not made again.
    assert_eq!(said(root, &["remove", "--all"], 0).matches("off the list").count(), 5);
    assert!(server.jobs().is_empty());
    server.stop();
    server.restart();
    make_clip(&root.join("input/next.mp4"), "64x40", 25, false);
    let jobs = server.wait_for_jobs(1);
    assert!(jobs[0]["source"].as_str().unwrap().ends_with("next.mp4"), "{jobs:?}");
    assert!(root.join("output/good_upscaled.mp4").exists() && root.join("input/good.mp4").exists());
}

#[test]
fn a_result_is_made_again_with_the_same_or_other_settings() {
    let folder = root();
    let root = folder.path();
    make_clip(&root.join("input/a.mp4"), "64x36", 50, false);
    let server = Server::start(root, &QUICK);
    server.wait_for_jobs(1);
    let result = root.join("output/a_upscaled.mp4");
    let sums = frame_checksums(&result);
    assert!(said(root, &["retry", "1"], 1).contains("--again"));
    assert!(said(root, &["retry", "1", "--crf", "40"], 2).contains("--again"));
    run_well(root, &["retry", "1", "--again"]);
    wait_for("the job", PATIENCE, || job(&server, 1)["status"] != "done");
    server.wait_for_jobs(1);
    assert!(frame_checksums(&result) == sums && names(&root.join("output")).len() == 1);
    run_well(root, &["retry", "a", "--again", "--crf", "40"]);
    server.wait_for_jobs(2);
    let other = frame_checksums(&root.join("output/a.mp4_upscaled.mp4"));
    assert!(other.len() == 50 && other != sums && frame_checksums(&result) == sums);
    assert!(said(root, &["retry", "1", "--again", "--crf", "40"], 1).contains("that is job 2"));
    // Its result taken away and the file dropped again.
    fs::remove_file(&result).unwrap();
    run_well(root, &["retry", "1"]);
    wait_for("the result", PATIENCE, || result.exists());
    server.wait_for_jobs(2);
    assert!(frame_checksums(&result) == sums);
}

#[test]
fn a_name_of_several_videos_ends_none_of_them() {
    let folder = root();
    let root = folder.path();
    for (place, size) in [("a", "64x36"), ("b", "64x40")] {
        fs::create_dir(root.join("input").join(place)).unwrap();
        make_clip(&root.join(format!("input/{place}/film.mp4")), size, 25, false);
    }
    let server = Server::start(root, &QUICK);
    server.wait_for_jobs(2);
    for command in ["cancel", "remove"] {
        let refused = said(root, &[command, "film.mp4"], 1);
        assert!(refused.contains("job 1 (`") && refused.contains("job 2 (`"), "{refused}");
        assert!(refused.contains("a/film.mp4") && refused.contains("b/film.mp4"), "{refused}");
    }
    assert_eq!(server.jobs().len(), 2);
    let both = run_well(root, &["show", "film"]);
    assert!(both.contains("a/film.mp4") && both.contains("b/film.mp4"), "{both}");
    let one = run_well(root, &["show", "b/film.mp4", "--json"]);
    let one: Value = serde_json::from_str(&one).unwrap();
    assert!(said(root, &["remove", "b/film.mp4"], 0).contains("off the list"));
    let left = server.jobs();
    assert!(left.len() == 1 && left[0]["id"] != one["id"], "{left:?}");
}

#[test]
fn a_job_whose_file_was_replaced_says_which_job_is_of_the_new_one() {
    let folder = root();
    let root = folder.path();
    let (source, shelf) = (root.join("input/a.mp4"), root.join("shelf.mp4"));
    make_clip(&shelf, "64x36", 300, false);
    fs::copy(&shelf, &source).unwrap();
    let server = Server::start(root, &SLOW);
    wait_for("two segments", PATIENCE, || segments(&root.join("output/a.mp4.job")).len() >= 2);
    make_clip(&root.join("other.mp4"), "64x40", 25, false);
    fs::rename(root.join("other.mp4"), &source).unwrap();
    wait_for("the new file", PATIENCE, || job(&server, 2)["status"] == "done");
    assert_eq!(job(&server, 1)["status"], "failed");
    let refused = said(root, &["retry", "1"], 1);
    assert!(
        refused.contains("was replaced by another one: the file that is there now is job 2"),
        "{refused}"
    );
    assert!(
        refused.contains("put the earlier file back") && refused.contains("`upscaled cancel 1`"),
        "{refused}"
    );
    assert_eq!(job(&server, 1)["status"], "failed");
    fs::rename(&shelf, &source).unwrap();
    run_well(root, &["retry", "1"]);
    let jobs = server.wait_for_jobs(2);
    assert!(jobs.iter().all(|job| job["status"] == "done"), "{jobs:?}");
    assert_eq!(frame_checksums(Path::new(jobs[0]["result"].as_str().unwrap())).len(), 300);
}
