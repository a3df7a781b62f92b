//! Several folders that a server watches, each with its own settings, results and outages.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;
#[path = "common/server.rs"]
mod server;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use common::{make_clip, names, run, run_well, size, wait_for};
use serde_json::Value;
use server::{PATIENCE, Server};

/// Settings with which a job takes a moment.
const QUICK: &str = "model = \"none\"\nscale = 2\npreset = \"ultrafast\"\nsegment_frames = 25\n";

fn settings(root: &Path, tables: &str) {
    fs::write(root.join("upscaled.toml"), format!("{QUICK}{tables}")).unwrap();
}

/// A clip of a few frames, in a folder that is made for it.
fn clip(path: &Path, size: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    make_clip(path, size, 5, false);
}

/// All files and folders below a folder, with their inodes, sizes and times.
fn everything(folder: &Path) -> BTreeMap<PathBuf, (u64, u64, i64, i64)> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        let of = path.symlink_metadata().unwrap();
        found.insert(path.clone(), (of.ino(), of.size(), of.mtime_nsec(), of.ctime_nsec()));
        if of.is_dir() {
            open.extend(fs::read_dir(path).unwrap().flatten().map(|entry| entry.path()));
        }
    }
    found
}

fn said(root: &Path, arguments: &[&str]) -> (bool, String) {
    let output = run(root, arguments);
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

fn source_of(job: &Value) -> &str {
    job["source"].as_str().unwrap()
}

#[test]
fn each_folder_has_its_settings_its_place_for_results_and_its_patterns() {
    let folder = tempfile::tempdir().unwrap();
    let root = &folder.path().join("root");
    let films = &folder.path().join("films");
    let shows = &folder.path().join("shows");
    clip(&root.join("input/own.mp4"), "64x48");
    clip(&films.join("A film/a.mp4"), "64x48");
    clip(&films.join("A film/a.trailer.mp4"), "64x48");
    clip(&films.join("Extras/b.mp4"), "64x48");
    clip(&films.join("c.mkv"), "64x48");
    clip(&shows.join("Show/Season 1/e1.mp4"), "64x48");
    settings(
        root,
        &format!(
            "[presets.tall]\nheight = 144\n[presets.three]\nscale = 3\n\
             [[folders]]\npath = \"{}\"\npreset = \"tall\"\nread_only = true\noutput = \"results\"\n\
             name = \"{{stem}} {{height}}\"\ninclude = [\"*.mp4\"]\nexclude = [\"*.trailer.mp4\", \"Extras/\"]\n\
             [[folders]]\npath = \"../shows\"\npreset = \"three\"\noutput = \"beside\"\n",
            films.display()
        ),
    );
    let before = everything(films);
    let server = Server::start(root, &[]);
    let jobs = server.wait_for_jobs(3);
    assert!(jobs.iter().all(|job| job["status"] == "done"), "{jobs:#?}");
    assert_eq!(size(&root.join("output/own_upscaled.mp4")), "128,96");
    assert_eq!(size(&root.join("results/A film/a 144.mp4")), "192,144");
    assert_eq!(size(&shows.join("Show/Season 1/e1_upscaled.mp4")), "192,144");
    assert_eq!(names(&root.join("results")), ["A film"]);
    assert_eq!(names(&shows.join("Show/Season 1")), ["e1.mp4", "e1_upscaled.mp4"]);
    assert_eq!(everything(films), before, "nothing below it was written, renamed or touched");
    wait_for("a look into the result", PATIENCE, || server.seen().is_empty());
    // What `scan` says of all of them; a result beside its source is none to enlarge.
    let scanned = run_well(root, &["scan", "--json"]);
    let scanned: Vec<Value> = scanned.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let rule = |end: &str| {
        let found = scanned.iter().find(|line| line["path"].as_str().unwrap().ends_with(end));
        found.and_then(|line| line["rule"].as_str().or(line["status"].as_str())).unwrap_or("-").to_owned()
    };
    assert_eq!(rule("a.trailer.mp4"), "exclude");
    assert_eq!(rule("films/Extras"), "exclude");
    assert_eq!(rule("c.mkv"), "include");
    assert_eq!(rule("e1_upscaled.mp4"), "result");
    assert_eq!(
        (rule("/a.mp4"), rule("/own.mp4"), rule("/e1.mp4")),
        ("job".into(), "job".into(), "job".into())
    );
    // No result goes below a folder that is read_only, through the server or without one.
    let source = films.join("A film/a.mp4");
    let up = ["up", source.to_str().unwrap(), "--root", root.to_str().unwrap(), "--scale", "2"];
    let (is_done, words) = said(folder.path(), &up);
    assert!(!is_done && words.contains("which is read_only"), "{words}");
    let mut server = server;
    server.stop();
    let (is_done, words) = said(folder.path(), &up);
    assert!(!is_done && words.contains("which is read_only"), "{words}");
    assert_eq!(everything(films), before);
    let config = run_well(root, &["config"]);
    let path = format!("folders.\"{}\".path", films.display());
    for shown in ["presets.tall.height", &*path, "folders.\"../shows\".output"] {
        assert!(config.contains(shown), "{config}");
    }
    // Nothing is made twice by a server that starts again.
    server.restart();
    wait_for("a look", PATIENCE, || run(root, &["list"]).status.success());
    assert_eq!(server.wait_for_jobs(3).len(), 3);
    assert_eq!(names(&shows.join("Show/Season 1")), ["e1.mp4", "e1_upscaled.mp4"]);
}

#[test]
fn each_folder_has_outages_of_its_own_and_the_root_may_be_moved() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    let away = folder.path().join("away");
    for (name, frames) in [("films/deep/a.mp4", 4000), ("shows/b.mp4", 100)] {
        fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
        make_clip(&root.join(name), "64x48", frames, false);
    }
    settings(
        &root,
        "[[folders]]\npath = \"films\"\noutput = \"large\"\n[[folders]]\npath = \"shows\"\noutput = \"beside\"\n",
    );
    let mut server = Server::start(&root, &[]);
    wait_for("both jobs", PATIENCE, || server.jobs().len() == 2);
    fs::rename(root.join("films"), &away).unwrap();
    let job = |server: &Server, end: &str| {
        server.jobs().into_iter().find(|job| source_of(job).ends_with(end)).unwrap()
    };
    wait_for("the folder is named", PATIENCE, || {
        let job = job(&server, "a.mp4");
        job["status"] == "waiting for folder" && job["reason"].as_str().unwrap().contains("films`")
    });
    wait_for("the other folder's job", PATIENCE, || job(&server, "b.mp4")["status"] == "done");
    assert!(root.join("shows/b_upscaled.mp4").exists());
    let (_, words) = said(&root, &["doctor"]);
    assert!(words.contains("films: cannot be read"), "{words}");
    server.stop();
    // The folder of the server is moved, and the one that was away comes back in it.
    let moved = folder.path().join("moved");
    fs::rename(&root, &moved).unwrap();
    fs::rename(&away, moved.join("films")).unwrap();
    let server = Server::start(&moved, &[]);
    let jobs = server.wait_for_jobs(2);
    assert!(jobs.iter().all(|job| job["status"] == "done"), "{jobs:#?}");
    wait_for("its folder to go", PATIENCE, || names(&moved.join("large/deep")) == ["a_upscaled.mp4"]);
    assert_eq!(names(&moved.join("shows")), ["b.mp4", "b_upscaled.mp4"]);
}

#[test]
fn reload_adds_a_folder_and_a_mistake_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    clip(&root.join("films/a.mp4"), "64x48");
    settings(root, "");
    let server = Server::start(root, &[]);
    wait_for("the server", PATIENCE, || said(root, &["list"]).0);
    let refused = |tables: &str, wanted: &str| {
        settings(root, tables);
        let (is_done, words) = said(root, &["reload"]);
        assert!(!is_done && words.contains(wanted) && words.contains("line "), "{tables}: {words}");
    };
    refused("[[folders]]\npath = \"films\"\npreset = \"none\"\n", "folders.preset = \"none\" cannot be");
    refused("[[folders]]\npath = \"output/films\"\n", "folders.path = \"output/films\" cannot be");
    refused("[[folders]]\npath = \"films\"\n[[folders]]\npath = \"films/x\"\n", "folders.path = \"films/x\"");
    refused("[presets.a]\nscal = 2\n", "did you mean `presets.a.scale`?");
    assert!(server.jobs().is_empty());
    settings(root, "[[folders]]\npath = \"films\"\nscale = 3\nname = \"{stem} x\"\n");
    assert!(said(root, &["reload"]).0);
    let jobs = server.wait_for_jobs(1);
    assert_eq!(jobs[0]["status"], "done", "{jobs:?}");
    assert_eq!(size(&root.join("output/a x.mp4")), "192,144");
    // A file with a mistake starts no server.
    settings(root, "[[folders]]\npath = \"films\"\noutput = \"films/out\"\n");
    let mut server = server;
    server.stop();
    let (is_done, words) = said(root, &["serve"]);
    assert!(!is_done && words.contains("folders.output = \"films/out\" cannot be"), "{words}");
}

#[test]
fn work_beside_a_video_comes_back_when_the_ledger_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir_all(root.join("films/deep")).unwrap();
    make_clip(&root.join("films/deep/a.mp4"), "64x48", 3000, false);
    settings(root, "[[folders]]\npath = \"films\"\noutput = \"beside\"\n");
    let mut server = Server::start(root, &[]);
    wait_for("a segment", PATIENCE, || {
        server.jobs().iter().any(|job| job["segments_done"].as_u64().is_some_and(|done| done > 0))
    });
    server.kill();
    for name in ["ledger.db", "ledger.db.backup", "ledger.db-wal", "ledger.db-shm"] {
        let _ = fs::remove_file(root.join("state").join(name));
    }
    server.restart();
    let jobs = server.wait_for_jobs(1);
    assert_eq!(jobs[0]["status"], "done", "{jobs:?}");
    wait_for("its folder to go", PATIENCE, || names(&root.join("films/deep")) == ["a.mp4", "a_upscaled.mp4"]);
    let log = fs::read_to_string(root.join("terminal.log")).unwrap();
    assert!(log.contains("taken in again from its folder"), "{log}");
}
