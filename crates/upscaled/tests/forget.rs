//! Jobs that have come to their end are forgotten, by a person's wish and by the server itself, and no video is made twice for it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;
#[path = "common/server.rs"]
mod server;

use std::fs;
use std::path::Path;

use common::{make_clip, names, run, wait_for};
use server::{PATIENCE, Server};

const QUICK: [&str; 6] = ["--model", "none", "--preset", "ultrafast", "--scale", "2"];

fn said(root: &Path, arguments: &[&str], code: i32) -> String {
    let output = run(root, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    said
}

fn ids(server: &Server) -> Vec<u64> {
    server.jobs().iter().map(|job| job["id"].as_u64().unwrap()).collect()
}

/// A server that has made these videos, each of which is another.
fn served(root: &Path, videos: &[&str]) -> Server {
    fs::create_dir(root.join("input")).unwrap();
    for (number, name) in (1..).zip(videos) {
        make_clip(&root.join("input").join(name), &format!("32x{}", 32 + 4 * number), 5, false);
    }
    let server = Server::start(root, &QUICK);
    server.wait_for_jobs(videos.len());
    server
}

#[test]
fn jobs_are_forgotten_with_and_without_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let mut server = served(root, &["a.mp4", "b.mp4", "c.mp4", "d.mp4"]);
    for wrong in [&["forget"][..], &["forget", "1", "--all"], &["forget", "--all", "--older-than", "1"]] {
        assert!(said(root, wrong, 2).contains("--"), "{wrong:?}");
    }
    assert!(said(root, &["forget", "77"], 1).contains("no job 77"));
    // `a` and `b` would be made again, the one under another name; of `c` and `d` the videos are gone.
    fs::rename(root.join("input/a.mp4"), root.join("input/renamed.mp4")).unwrap();
    fs::remove_file(root.join("output/b_upscaled.mp4")).unwrap();
    fs::remove_file(root.join("input/c.mp4")).unwrap();
    fs::remove_file(root.join("input/d.mp4")).unwrap();
    let refused = said(root, &["forget", "2"], 1);
    assert!(refused.contains("b.mp4` is still there") && refused.contains("upscaled remove 2"), "{refused}");
    let source = || server.jobs()[0]["source"].as_str().unwrap().to_owned();
    wait_for("the new name to be seen", PATIENCE, || source().ends_with("renamed.mp4"));
    assert!(said(root, &["forget", "renamed.mp4"], 1).contains("renamed.mp4` is still there"));
    assert!(said(root, &["forget", "--older-than", "1"], 0).contains("there are no such jobs"));
    // What has just ended may still be worked on.
    wait_for("a job to be forgotten", PATIENCE, || run(root, &["forget", "c.mp4"]).status.success());
    assert_eq!(ids(&server), [1, 2, 4]);
    wait_for("the last one", PATIENCE, || {
        said(root, &["forget", "--all", "--dry-run"], 0).contains("job 4 is ready to be forgotten")
    });
    assert_eq!(ids(&server), [1, 2, 4]);
    server.stop();
    let all = said(root, &["forget", "--all"], 0);
    assert!(all.contains("job 4 is forgotten") && all.contains("2 jobs stay"), "{all}");
    assert_eq!(ids(&server), [1, 2]);
    // Nothing is made twice, and new jobs have new numbers.
    let before = names(&root.join("output"));
    server.restart();
    make_clip(&root.join("input/e.mp4"), "32x64", 5, false);
    let jobs = server.wait_for_jobs(3);
    assert_eq!(ids(&server), [1, 2, 5], "{jobs:#?}");
    let mut new = names(&root.join("output"));
    new.retain(|name| !before.contains(name));
    assert_eq!(new, ["e_upscaled.mp4"]);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_server_forgets_by_itself_what_its_settings_do_not_keep() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let mut server = served(root, &["a.mp4", "b.mp4"]);
    fs::remove_file(root.join("input/b.mp4")).unwrap();
    server.stop();
    fs::write(root.join("upscaled.toml"), "keep_jobs_days = 0\n").unwrap();
    // A server that looks too early looks again when its settings are read again.
    server.restart();
    wait_for("the job to be forgotten", PATIENCE, || {
        run(root, &["reload"]);
        ids(&server) == [1]
    });
    assert!(root.join("output/b_upscaled.mp4").exists());
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_job_that_waits_is_not_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let mut server = served(root, &["a.mp4"]);
    server.stop();
    said(root, &["retry", "1", "--again", "--crf", "30"], 0);
    assert!(said(root, &["forget", "2"], 1).contains("upscaled cancel 2"));
    fs::remove_file(root.join("input/a.mp4")).unwrap();
    assert!(said(root, &["forget", "1-2"], 1).contains("job 1 is forgotten"));
    said(root, &["forget", "--all"], 0);
    assert_eq!(ids(&server), [2]);
}
