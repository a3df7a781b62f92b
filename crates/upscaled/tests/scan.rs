//! Nothing in the watch folder is passed over in silence: it is taken in, or `scan` and `doctor` say why not.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;
#[path = "common/server.rs"]
mod server;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use common::{make_clip, run, run_well, wait_for};
use serde_json::Value;
use server::{PATIENCE, Server};

const QUICK: [&str; 6] = ["--model", "none", "--preset", "ultrafast", "--scale", "2"];

/// What `scan --json` says, by names below the input folder: the status, and the rule or the reason.
fn scanned(root: &Path) -> BTreeMap<String, (String, String)> {
    let input = root.join("input");
    let lines = run_well(root, &["scan", "--json"]);
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    lines
        .map(|line| {
            let path = text(&line["path"]);
            let name = Path::new(&path).strip_prefix(&input).unwrap().to_str().unwrap().to_owned();
            let why = if line["rule"].is_null() { text(&line["reason"]) } else { text(&line["rule"]) };
            (name, (text(&line["status"]), why))
        })
        .collect()
}

/// A root in which lies something of every kind.
fn root() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (root, input) = (folder.path(), folder.path().join("input"));
    let clip = root.join("clip.mkv");
    make_clip(&clip, "32x32", 5, false);
    for name in [
        "input/plain.mkv",
        "input/of others_upscaled.mkv",
        "input/Film.2019.German.Sub/a.mkv",
        "input/Concert.Part/b.mkv",
        "input/Backup.zip/c.mkv",
        "input/Show_upscaled/d.mkv",
        "input/no extension",
        "input/loading.mkv",
        "input/loading.mkv.aria2",
        "input/a.trailer.mkv",
        "input/@eaDir/e.mkv",
        "elsewhere/f.mkv",
    ] {
        fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
        fs::copy(&clip, root.join(name)).unwrap();
    }
    fs::write(input.join("readme"), "no video").unwrap();
    fs::write(input.join("plain.srt"), "").unwrap();
    fs::write(root.join("upscaled.toml"), "ignore = [\"*.trailer.mkv\"]").unwrap();
    symlink("../elsewhere", input.join("series")).unwrap();
    symlink("../elsewhere", input.join("zz series")).unwrap();
    symlink("..", input.join("circle")).unwrap();
    let made = ["up", "clip.mkv", "--model", "none", "--scale", "2", "-o", "input/mine_upscaled.mkv"];
    run_well(root, &made);
    folder
}

const TAKEN: [&str; 8] = [
    "Backup.zip/c.mkv",
    "Concert.Part/b.mkv",
    "Film.2019.German.Sub/a.mkv",
    "Show_upscaled/d.mkv",
    "no extension",
    "of others_upscaled.mkv",
    "plain.mkv",
    "series/f.mkv",
];

const PASSED: [(&str, &str); 10] = [
    ("@eaDir", "system"),
    ("a.trailer.mkv", "ignore"),
    ("circle", "holds_input"),
    ("loading.mkv.aria2", "unfinished"),
    ("mine_upscaled.mkv", "result"),
    ("mine_upscaled.mkv.json", "ending"),
    ("plain.srt", "ending"),
    ("readme", "no_video"),
    ("zz series", "same_folder"),
    ("loading.mkv", "being downloaded: `loading.mkv.aria2` lies beside it"),
];

/// Fails unless `scan` says this of everything; the one that waits is `loading.mkv`.
fn check(root: &Path, taken: &str, waits: &str, why: impl Fn(&str) -> String) {
    let found = scanned(root);
    let passed = PASSED.map(|(name, rule)| {
        let status = if name == "loading.mkv" { waits } else { "passed over" };
        (name.to_owned(), (status.to_owned(), rule.to_owned()))
    });
    let taken = TAKEN.map(|name| (name.to_owned(), (taken.to_owned(), why(name))));
    let wanted: BTreeMap<_, _> = passed.into_iter().chain(taken).collect();
    assert_eq!(found, wanted);
}

#[test]
fn everything_is_taken_in_or_listed_with_its_rule() {
    let folder = root();
    let root = folder.path();
    check(root, "new", "waits", |_| String::new());
    // It only looked.
    assert!(!root.join("state").exists() && !root.join("output").exists() && !root.join("logs").exists());
    let found = run(root, &["scan"]);
    let listed = String::from_utf8(found.stdout).unwrap();
    assert!(listed.lines().any(|line| line == "new          plain.mkv"), "{listed}");
    assert!(listed.lines().any(|line| line.starts_with("passed over  @eaDir/ ")), "{listed}");
    let said = String::from_utf8(found.stderr).unwrap();
    assert_eq!(said, "8 new, 1 waiting; passed over: 6 files and 3 folders\n");
    let doctor = run_well(root, &["doctor"]);
    assert!(doctor.contains("4 files and 3 folders are passed over; `upscaled scan` lists them"), "{doctor}");

    let server = Server::start(root, &QUICK);
    let jobs = server.wait_for_jobs(TAKEN.len());
    assert!(jobs.iter().all(|job| job["status"] == "done"), "{jobs:#?}");
    wait_for("all to be looked into", PATIENCE, || server.seen().len() == 1);
    let id = |name: &str| {
        let job = jobs.iter().find(|job| job["source"].as_str().unwrap().ends_with(&format!("/{name}")));
        format!("job {}", job.unwrap()["id"])
    };
    check(root, "job", "seen", id);
    assert!(root.join("output/series/f_upscaled.mkv").is_file());
}

#[test]
fn every_state_has_its_word_and_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let (root, input) = (folder.path(), folder.path().join("input"));
    fs::create_dir(&input).unwrap();
    make_clip(&input.join("done.mp4"), "32x32", 5, false);
    fs::write(input.join("failed.mp4"), "no video").unwrap();
    fs::write(root.join("upscaled.toml"), "settle = \"0s\"").unwrap();
    let server = Server::start(root, &["--model", "none", "--preset", "ultrafast", "--segment-frames", "25"]);
    server.wait_for_jobs(2);
    // What it works on, and what waits behind that.
    for (name, size) in [("1.mp4", "64x36"), ("2.mp4", "64x40")] {
        make_clip(&input.join(name), size, 3000, false);
    }
    make_clip(&input.join("copied.mp4"), "32x36", 5, false);
    let find = |name: &str| {
        let listed = String::from_utf8(run(root, &["scan"]).stdout).unwrap();
        listed.lines().find(|line| line.contains(name)).unwrap_or_default().to_owned()
    };
    wait_for("the waiting file", PATIENCE, || find("copied.mp4").starts_with("waiting"));
    assert!(find("done.mp4").starts_with("done  ") && find("done.mp4").contains("  job "));
    let failed = find("failed.mp4");
    assert!(failed.starts_with("failed") && failed.contains(": "), "{failed}");
    wait_for("both states of jobs", PATIENCE, || {
        let both = [find("1.mp4"), find("2.mp4")];
        both.iter().any(|line| line.starts_with("running"))
            && both.iter().any(|line| line.starts_with("waiting") && line.ends_with("waits for its turn"))
    });
}

#[test]
fn without_an_input_folder_it_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let refused = run(folder.path(), &["scan"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(said.contains("start `upscaled serve` there") && said.lines().count() == 1, "{said}");
    let doctor = run_well(folder.path(), &["doctor"]);
    assert!(!doctor.contains("input"), "{doctor}");
}
