//! Results are named by a template.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;
#[path = "common/server.rs"]
mod server;

use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};

use common::{SMALL_JOB, ffmpeg, make_clip, names, run, run_well, segments, size, upscaled, wait_for};
use serde_json::Value;
use server::{PATIENCE, Server};

const QUICK: [&str; 6] = ["--model", "none", "--preset", "ultrafast", "--scale", "2"];

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[track_caller]
fn refuses(code: i32, folder: &Path, arguments: &[&str], wanted: &str) {
    let output = run(folder, arguments);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(wanted), "`{wanted}` in: {said}");
}

/// What is in a folder but reports.
fn list(folder: &Path) -> Vec<String> {
    names(folder).into_iter().map(|name| name.into_string().unwrap()).collect()
}

#[test]
fn a_template_says_what_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make_clip(&root.join("clip.mp4"), "64x36", 5, false);
    fs::write(root.join("clip.en.srt"), "text").unwrap();
    let name = "{stem} {width}x{height} {scale}x {model}.{codec}";
    let up = [&["up", "clip.mp4", "--name", name][..], &QUICK].concat();
    let result = run_well(root, &up);
    assert!(result.trim_end().ends_with("/clip 128x72 2x none.h264.mp4"), "{result}");
    let wanted =
        ["clip 128x72 2x none.h264.en.srt", "clip 128x72 2x none.h264.mp4", "clip.en.srt", "clip.mp4"];
    assert_eq!(list(root), wanted);
    // It is known again under this name, and another result is refused before it is made.
    let again = run(root, &up);
    assert!(again.status.success() && said(&again).contains("done already"), "{}", said(&again));
    refuses(1, root, &[&up[..], &["--crf", "30"]].concat(), "none.h264.mp4` is there already");
    let dry = run_well(root, &[&up[..], &["--crf", "30", "--overwrite", "--dry-run"]].concat());
    assert!(dry.contains("none.h264.mp4"), "{dry}");
    run_well(root, &[&up[..], &["--crf", "30", "--overwrite"]].concat());
    assert_eq!(list(root), wanted);
    // Where a size was asked for, the scale is what comes of it.
    let rows = ["up", "clip.mp4", "--model", "none", "--height", "100", "--name", "{scale}"];
    assert!(run_well(root, &rows).trim_end().ends_with("/2.78.mp4"));
}

#[test]
fn templates_that_cannot_be_are_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make_clip(&root.join("clip.mp4"), "32x32", 5, false);
    for (name, wanted) in [
        ("", "empty"),
        ("../{stem}", "`/`"),
        ("a/b", "`/`"),
        ("..", "hidden"),
        (".{stem}", "hidden"),
        ("{stem}\n", "control"),
        ("{size}", "there is no placeholder {size}"),
        ("{stem", "brace"),
    ] {
        refuses(2, root, &["up", "clip.mp4", "--name", name], wanted);
        refuses(2, root, &["serve", "--name", name], wanted);
        let line = format!("name = {}\n", serde_json::to_string(name).unwrap());
        fs::write(root.join("upscaled.toml"), line).unwrap();
        for command in [&["serve"][..], &["config"], &["reload"], &["up", "clip.mp4", "--root", "."]] {
            refuses(2, root, command, wanted);
        }
        fs::remove_file(root.join("upscaled.toml")).unwrap();
    }
    refuses(2, root, &["up", "clip.mp4", "--name", "a", "-o", "b.mp4"], "-o names the result already");
    // Nothing was begun.
    assert_eq!(list(root), ["clip.mp4"]);
    fs::write(root.join("upscaled.toml"), "name = \"{stem}-{scale}\"\n").unwrap();
    let shown = run_well(root, &["config"]);
    assert!(shown.lines().any(|line| line.contains("name") && line.contains("{stem}-{scale}")), "{shown}");
}

#[test]
fn nothing_that_a_person_made_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let at = |name: &str| root.join(name);
    for (name, frames) in [("a.mkv", 5), ("b.avi", 6), ("b.mkv", 7), ("c.avi", 8)] {
        make_clip(&at(name), "32x32", frames, false);
    }
    fs::write(at("c.mkv"), "of a person").unwrap();
    let films = || ["a.mkv", "b.avi", "b.mkv", "c.mkv"].map(|name| fs::read(at(name)).unwrap());
    let before = films();
    let up = |files: &[&str], more: &[&str]| -> Vec<String> {
        let base = ["--name", "{stem}", "--overwrite"];
        [&["up"][..], files, &base, &QUICK, more].concat().iter().map(|&word| word.to_owned()).collect()
    };
    let run = |words: &[String]| run(root, &words.iter().map(String::as_str).collect::<Vec<_>>());
    let refused = run(&up(&["a.mkv"], &[]));
    assert!(
        said(&refused).contains("as the video itself") && !refused.status.success(),
        "{}",
        said(&refused)
    );
    let refused = run(&up(&["c.avi"], &[]));
    assert!(
        said(&refused).contains("no result of upscaled") && !refused.status.success(),
        "{}",
        said(&refused)
    );
    // Wrong for one of them is wrong for all, before anything is made.
    let both = run(&up(&["b.avi", "b.mkv"], &[]));
    assert!(both.status.code() == Some(2) && said(&both).contains("as the video itself"), "{}", said(&both));
    assert_eq!(list(root), ["a.mkv", "b.avi", "b.mkv", "c.avi", "c.mkv"]);
    // The result goes out of the way of a film of the same command.
    make_clip(&at("b_2.mkv"), "32x32", 9, false);
    run_well(root, &[&["up", "b.avi", "b_2.mkv", "--name", "{stem}_2", "--overwrite"][..], &QUICK].concat());
    let wanted = ["a.mkv", "b.avi", "b.avi_2.mkv", "b.mkv", "b_2.mkv", "b_2_2.mkv", "c.avi", "c.mkv"];
    assert_eq!(list(root), wanted);
    assert_eq!(size(&at("b_2.mkv")), "32,32");
    assert!(films() == before, "a film was changed");
    // A result is replaced.
    assert!(run(&up(&["b.avi", "b.mkv"], &["--crf", "30", "-o", "out/"])).status.success());
    assert!(run(&up(&["b.avi", "b.mkv"], &["--crf", "20", "-o", "out/"])).status.success());
    assert_eq!(list(&at("out")), ["b.mkv", "b.mkv.mkv"]);
    let frames = |name: &str| common::frame_checksums(&at("out").join(name)).len();
    assert_eq!((frames("b.mkv"), frames("b.mkv.mkv")), (6, 7));
}

#[test]
fn files_of_one_command_get_names_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for (name, frames) in [("a.mkv", 5), ("b.avi", 6), ("b.mkv", 7)] {
        make_clip(&root.join(name), "32x32", frames, false);
    }
    let up =
        [&["up", "a.mkv", "b.avi", "b.mkv", "--name", "film {height}", "-o", "out/"][..], &QUICK].concat();
    for _ in 0..2 {
        run_well(root, &up);
        assert_eq!(list(&root.join("out")), ["film 64.mkv", "film 64_2.mkv", "film 64_3.mkv"]);
    }
    // Results beside their videos are none to enlarge.
    let all = [&["up", "-r", "shelf", "--name", "{stem} {codec}"][..], &QUICK].concat();
    fs::create_dir(root.join("shelf")).unwrap();
    fs::copy(root.join("a.mkv"), root.join("shelf/a.mkv")).unwrap();
    for _ in 0..2 {
        run_well(root, &all);
        assert_eq!(list(&root.join("shelf")), ["a h264.mkv", "a.mkv"]);
    }
    fs::write(root.join("text.mkv"), "no video").unwrap();
    refuses(1, root, &["up", "text.mkv", "--name", "{height}"], "text.mkv");
    // What is known late: bars that are cut off. The names say what was made, and no result takes the place of another.
    let bars = "testsrc2=size=64x40:rate=25,pad=64:64:0:12";
    for name in ["x.mkv", "y.mkv"] {
        let to = root.join(name);
        ffmpeg(&["-f", "lavfi", "-i", bars, "-frames:v", "50", "-c:v", "libx264", to.to_str().unwrap()]);
    }
    let up = |more: &[&str]| {
        let base = ["--name", "cut {height}", "--crop", "auto", "--overwrite", "-o", "cut/"];
        run_well(root, &[&["up", "x.mkv", "y.mkv"][..], &base, &QUICK, more].concat())
    };
    assert!(up(&["--dry-run"]).contains("cut 80.mkv"));
    up(&[]);
    assert_eq!(list(&root.join("cut")), ["cut 80.mkv", "cut 80_2.mkv"]);
    assert_eq!(size(&root.join("cut/cut 80_2.mkv")), "128,80");
}

#[test]
fn a_job_that_was_interrupted_keeps_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make_clip(&root.join("clip.mp4"), "64x36", 120, false);
    let named = [&SMALL_JOB[..], &["--name", "{stem}.{height}"]].concat();
    let mut child = upscaled(root).args(&named).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for("some segments", PATIENCE, || segments(&root.join("clip.mp4.job/work")).len() > 1);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!root.join("clip.72.mp4").exists(), "it was done too soon");
    // Other settings are refused, with a command that goes on.
    let other = run(root, &[&named[..], &["--crf", "30"]].concat());
    let said = said(&other);
    let command = said.split('`').find(|part| part.starts_with("upscaled up ")).unwrap();
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    let output = run(root, &words);
    assert!(output.status.success() && self::said(&output).contains("going on"), "{}", self::said(&output));
    assert_eq!(list(root), ["clip.72.mp4", "clip.mp4"]);
}

#[test]
fn a_server_names_results_and_does_not_take_them_in() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir_all(root.join("input/series")).unwrap();
    fs::write(root.join("upscaled.toml"), "name = \"{stem} {height}p\"\n").unwrap();
    make_clip(&root.join("input/series/film.mkv"), "32x32", 5, false);
    make_clip(&root.join("input/series/film.avi"), "32x32", 6, false);
    let mut server = Server::start(root, &QUICK);
    server.wait_for_jobs(2);
    let output = root.join("output/series");
    wait_for("the job folders to go", PATIENCE, || list(&output).len() == 2);
    assert!(list(&output).contains(&"film 64p.mkv".to_owned()), "{:?}", list(&output));
    // Results that come into the input folder, in both kinds of files and with and without their reports.
    fs::copy(output.join("film 64p.mkv"), root.join("input/film 64p.mkv")).unwrap();
    fs::copy(output.join("film 64p.mkv.json"), root.join("input/film 64p.mkv.json")).unwrap();
    fs::copy(output.join("film 64p.mkv"), root.join("input/bare.mkv")).unwrap();
    let as_mp4 = ["--container", "mp4", "-o", "input/other.mp4"];
    run_well(root, &[&["up", "input/series/film.mkv"][..], &QUICK, &as_mp4].concat());
    // What comes after them is done, and they are no jobs.
    make_clip(&root.join("input/last 64p.mkv"), "32x32", 5, false);
    let jobs = server.wait_for_jobs(3);
    assert!(jobs[2]["source"].as_str().unwrap().ends_with("last 64p.mkv"), "{jobs:#?}");
    wait_for("all files to be looked into", PATIENCE, || server.seen().is_empty());
    let scanned = run_well(root, &["scan", "--json"]);
    let of_result = scanned.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let of_result: Vec<Value> = of_result.filter(|line| line["rule"] == "result").collect();
    assert!(
        of_result.iter().any(|line| line["path"].as_str().unwrap().ends_with("/film 64p.mkv")),
        "{scanned}"
    );
    assert_eq!(server.jobs().len(), 3);
    // A template with a mistake changes nothing.
    fs::write(root.join("upscaled.toml"), "name = \"{stem}/x\"\n").unwrap();
    refuses(2, root, &["reload"], "line 1");
    refuses(2, root, &["retry", "1", "--name", "x"], "--name");
    fs::write(root.join("upscaled.toml"), "name = \"{stem} {height}p\"\n").unwrap();
    refuses(2, root, &["up", "input/last 64p.mkv", "--root", ".", "--name", "x"], "leave --name out");
    // Without its ledger, the server knows what it made.
    server.stop();
    let made = |name: &str| output.join(name).metadata().unwrap().modified().unwrap();
    let (before, time) = (list(&output), made("film 64p.mkv"));
    fs::remove_dir_all(root.join("state")).unwrap();
    server.restart();
    let jobs = server.wait_for_jobs(3);
    assert!(jobs.iter().all(|job| job["status"] == "done"), "{jobs:#?}");
    assert_eq!((list(&output), made("film 64p.mkv")), (before, time));
}
