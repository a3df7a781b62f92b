//! What of a library has no upscaled twin, and jobs of all that is listed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;
#[path = "common/server.rs"]
mod server;

use std::fs;
use std::path::Path;
use std::process::Stdio;

use common::{make_clip, names, run, run_well, upscaled, wait_for};
use serde_json::Value;
use server::{PATIENCE, Server, signal};

const SETTINGS: &str = "model = \"none\"\nscale = 2\npreset = \"ultrafast\"\n\
    [[folders]]\npath = \"shelf\"\noutput = \"results\"\nread_only = true\nexclude = [\"Extras/\"]\n";

/// The names of the videos that are listed, in order.
fn listed(root: &Path, arguments: &[&str]) -> Vec<String> {
    let lines = run_well(root, &[&["library", "--json"], arguments].concat());
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.map(|line| line["path"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()).collect()
}

/// Looks whether what a command says, this word included, fits a terminal of 50 columns.
fn assert_fits(root: &Path, command: &str, word: &str) {
    let Some(shown) = common::on_terminal(root, 50, command) else { return };
    let shown = common::without_escapes(&shown);
    // What moves is written over.
    let is_short = |line: &str| line.trim_end().rsplit('\r').next().unwrap().chars().count() <= 50;
    assert!(shown.contains(word) && shown.lines().all(is_short), "{shown}");
}

#[test]
fn what_is_small_and_has_no_twin_is_listed_and_begun_on_request() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for name in ["shelf/Show", "shelf/Extras", "elsewhere", "input"] {
        fs::create_dir_all(root.join(name)).unwrap();
    }
    for (name, size) in [
        ("shelf/Show/e10.mp4", "64x48"),
        ("shelf/Show/e2.mp4", "64x48"),
        ("shelf/tall.mp4", "64x96"),
        ("shelf/Extras/extra.mp4", "64x48"),
        ("elsewhere/other.mp4", "64x48"),
        ("input/own.mp4", "64x48"),
    ] {
        make_clip(&root.join(name), size, 5, false);
    }
    fs::write(root.join("shelf/notes.txt"), "no video").unwrap();
    fs::write(root.join("shelf/torn.mkv"), "no video").unwrap();
    fs::write(root.join("upscaled.toml"), SETTINGS).unwrap();
    // Results that no server knows: beside one by its report, and in another folder without one.
    run_well(root, &["up", "shelf/Show/e2.mp4", "--model", "none", "--scale", "3", "-o", "results/Show/"]);
    assert_eq!(listed(root, &["--below", "90"]), ["own.mp4", "e10.mp4"]);
    assert_eq!(listed(root, &["--below", "720"]), ["own.mp4", "e10.mp4", "tall.mp4"]);
    fs::remove_file(root.join("results/Show/e2_upscaled.mp4.json")).unwrap();
    assert_eq!(listed(root, &["--below", "90", "shelf/Show"]), ["e10.mp4"]);
    run_well(root, &["up", "elsewhere/other.mp4", "--model", "none", "--scale", "2"]);
    assert!(listed(root, &["elsewhere"]).is_empty());
    fs::remove_file(root.join("elsewhere/other_upscaled.mp4.json")).unwrap();
    assert!(listed(root, &["elsewhere"]).is_empty(), "its metadata and its name tell");
    let told = run(root, &["library", "--below", "90"]);
    let words = String::from_utf8_lossy(&[told.stdout, told.stderr].concat()).into_owned();
    for wanted in [
        "64x48 -> 128x96",
        "2 videos below 90 rows without an upscaled twin",
        "1 with 90 rows or more",
        "1 with a result",
        "1 that the settings exclude",
        "torn.mkv",
    ] {
        assert!(words.contains(wanted), "{words}");
    }
    assert_fits(root, "library --below 90", "twin");
    assert!(!root.join("state").exists(), "looking makes nothing");
    // Without a server, then by one.
    let start = || {
        let told = run(root, &["library", "shelf", "--below", "90", "--start"]);
        String::from_utf8_lossy(&told.stderr).into_owned()
    };
    let words = start();
    assert!(words.contains("1 job was added") && words.contains("start `upscaled serve`"), "{words}");
    let words = start();
    assert!(words.contains("there is nothing to begin"), "{words}");
    let server = Server::start(root, &[]);
    assert_fits(root, "reload", "sound");
    wait_for("the job that was begun", PATIENCE, || {
        server
            .jobs()
            .iter()
            .any(|job| job["source"].as_str().unwrap().ends_with("e10.mp4") && job["status"] == "done")
    });
    let results = ["e10_upscaled.mp4", "e2_upscaled.mp4"];
    wait_for("its folder to go", PATIENCE, || names(&root.join("results/Show")) == results);
    wait_for("those of the server itself", PATIENCE, || listed(root, &[]).is_empty());
    make_clip(&root.join("elsewhere/new.mp4"), "64x48", 5, false);
    let told = run(root, &["library", "elsewhere", "--start"]);
    let words = String::from_utf8_lossy(&[told.stdout, told.stderr].concat()).into_owned();
    assert!(
        words.contains("by earlier jobs, making them is about")
            && words.contains("1 job was added")
            && words.contains("the server works on them"),
        "{words}"
    );
    wait_for("the result", PATIENCE, || root.join("output/new_upscaled.mp4").exists());
    // A folder that is away is named, and the others are looked through.
    fs::rename(root.join("shelf"), root.join("away")).unwrap();
    make_clip(&root.join("input/more.mp4"), "64x48", 5, false);
    drop(server);
    fs::remove_dir_all(root.join("state")).unwrap();
    let told = run(root, &["library"]);
    let words = String::from_utf8_lossy(&[told.stdout, told.stderr].concat()).into_owned();
    assert!(words.contains("not looked through: the folder `") && words.contains("/shelf`"), "{words}");
    assert!(words.contains("more.mp4"), "{words}");
}

#[test]
fn a_look_through_a_library_can_be_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir_all(root.join("shelf")).unwrap();
    make_clip(&root.join("shelf/a.mp4"), "64x48", 5, false);
    for number in 0..2000 {
        fs::hard_link(root.join("shelf/a.mp4"), root.join(format!("shelf/{number}.mp4"))).unwrap();
    }
    let mut child = upscaled(root).args(["library", "shelf"]).stdout(Stdio::null()).spawn().unwrap();
    let id = child.id();
    wait_for("a worker", PATIENCE, || !server::children(id).is_empty());
    signal("INT", id);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}
