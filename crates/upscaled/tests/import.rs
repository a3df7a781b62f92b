//! What the Python server left is taken over: its queue, its jobs and its results.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;
#[path = "common/server.rs"]
mod server;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use common::{make_clip, run, run_well, wait_for};
use serde_json::{Value, json};
use server::{PATIENCE, Server};

/// A folder of the Python server, and one of this.
struct Fixture {
    temporary: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let fixture = Self { temporary: tempfile::tempdir().unwrap() };
        for name in ["old/input/show", "old/output", "old/work/frames", "new"] {
            fs::create_dir_all(fixture.at(name)).unwrap();
        }
        fs::write(fixture.at("new/upscaled.toml"), "model = \"none\"\nscale = 2\npreset = \"ultrafast\"\n")
            .unwrap();
        fixture
    }

    fn at(&self, name: &str) -> PathBuf {
        self.temporary.path().canonicalize().unwrap().join(name)
    }

    fn clip(&self, name: &str, size: &str, frames: u32) {
        make_clip(&self.at("old").join(name), size, frames, false);
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.at("old").join(name), bytes).unwrap();
    }

    /// Names, contents and times of all in the old folder.
    fn picture(&self) -> BTreeMap<PathBuf, (Vec<u8>, std::time::SystemTime)> {
        let mut all = BTreeMap::new();
        let mut folders = vec![self.at("old")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().flatten() {
                let metadata = entry.path().symlink_metadata().unwrap();
                let bytes = if metadata.is_file() { fs::read(entry.path()).unwrap() } else { Vec::new() };
                all.insert(entry.path(), (bytes, metadata.modified().unwrap()));
                if metadata.is_dir() {
                    folders.push(entry.path());
                }
            }
        }
        all
    }

    fn import(&self, more: &[&str]) -> (Option<i32>, String, String) {
        let output = run(&self.at("new"), &[&["import", "../old"], more].concat());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }

    /// What becomes of each, by the last part of its path or by what was not understood.
    fn plan(&self) -> BTreeMap<String, String> {
        let (_, lines, errors) = self.import(&["--dry-run", "--json"]);
        let line = |line: &str| {
            let line: Value = serde_json::from_str(line).unwrap();
            let name = line["path"].as_str().or(line["given"].as_str()).unwrap();
            let reason = line["reason"].as_str().unwrap_or_default();
            (
                name.rsplit('/').next().unwrap().to_owned(),
                format!("{} {reason}", line["becomes"].as_str().unwrap()),
            )
        };
        let plan: BTreeMap<String, String> = lines.lines().map(line).collect();
        assert!(!plan.is_empty(), "{errors}");
        plan
    }
}

/// A text in one line.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The names of the videos of all jobs, in the order of their numbers, with their statuses.
fn sources(root: &Path) -> Vec<(String, String)> {
    let lines = run_well(root, &["list", "--json"]);
    let mut jobs: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    jobs.sort_by_key(|job| job["id"].as_i64());
    let name = |job: &Value| job["source"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    jobs.iter().map(|job| (name(job), job["status"].as_str().unwrap().to_owned())).collect()
}

#[test]
fn the_queue_goes_on_and_what_was_done_is_not_made_again() {
    let fixture = Fixture::new();
    for name in ["waits", "next", "running", "made", "short", "lost", "broken", "dropped", "show/deep"] {
        fixture.clip(&format!("input/{name}.mp4"), "64x48", 25);
    }
    fixture.clip("output/made_x4.mp4", "256x192", 25);
    fixture.clip("output/short_x4.mp4", "256x192", 5);
    fixture.write("work/frames/000001.png", "picture");
    fixture.write(
        "queue.txt",
        "\u{feff}# the queue\r\nnext.mp4\r\ninput\\waits.mp4\r\nnext.mp4\r\ngone\u{7}.mp4\r\n",
    );
    let jobs = json!({ "version": 3, "jobs": [
        { "file": "made.mp4", "status": "done", "output": "output/made_x4.mp4", "model": "RealESRGAN_x4plus.pth" },
        { "file": "short.mp4", "status": "completed" },
        { "file": "lost.mp4", "status": "done" },
        { "file": "broken.mp4", "status": "failed", "error": "CUDA out of memory" },
        { "file": fixture.at("old/input/show/deep.mp4"), "status": "queued", "model": "animevideov3", "scale": 4 },
        { "file": "running.mp4", "status": "encoding", "frame": 12 },
    ]});
    fixture.write("status.json", jobs.to_string());
    let before = fixture.picture();
    let plan = fixture.plan();
    for (name, wanted) in [
        ("running.mp4", "job interrupted there"),
        ("next.mp4", "job "),
        ("waits.mp4", "job "),
        ("deep.mp4", "job "),
        ("dropped.mp4", "job "),
        ("made.mp4", "done its result is output/made_x4.mp4"),
        ("short.mp4", "job output/short_x4.mp4 is not its whole result: it plays 0.2 s and the video 1.0 s"),
        ("lost.mp4", "left done there, and its result is not there any more"),
        ("broken.mp4", "left failed there: CUDA out of memory"),
        ("gone\\u{7}.mp4", "unclear no such file is there"),
    ] {
        assert!(plan[name].starts_with(wanted), "{name}: {}", plan[name]);
    }
    assert_eq!(plan.len(), 10, "{plan:#?}");
    let (code, dry, said) = fixture.import(&["--dry-run"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(words(&said).contains("so their frames are made again"), "{said}");
    assert!(said.contains("next: upscaled import ../old --root"), "{said}");
    assert!(!fixture.at("new/state").exists(), "looking makes nothing");
    // What is redirected is not broken.
    assert!(
        dry.lines()
            .any(|line| line
                .contains("short_x4.mp4 is not its whole result: it plays 0.2 s and the video 1.0 s")),
        "{dry}"
    );
    let command = dry.lines().find(|line| line.contains("broken.mp4 -o")).unwrap();
    assert!(command.contains("to make it: upscaled up "), "{dry}");

    let (code, table, said) = fixture.import(&[]);
    assert_eq!((code, &table), (Some(0), &dry), "{said}");
    assert!(words(&said).contains("6 jobs were added, and 1 noted as done"), "{said}");
    let wanted = [
        ("running.mp4", "queued"),
        ("next.mp4", "queued"),
        ("waits.mp4", "queued"),
        ("deep.mp4", "queued"),
        ("dropped.mp4", "queued"),
        ("made.mp4", "done"),
        ("short.mp4", "queued"),
    ];
    assert_eq!(
        sources(&fixture.at("new")),
        wanted.map(|(name, status)| (name.to_owned(), status.to_owned()))
    );
    let shown = run_well(&fixture.at("new"), &["show", "deep.mp4", "--json"]);
    assert!(shown.contains("realesr-animevideov3"), "{shown}");
    // Whatever the settings of this server are.
    let made: Value =
        serde_json::from_str(&run_well(&fixture.at("new"), &["show", "made.mp4", "--json"])).unwrap();
    assert_eq!(made["model"], "RealESRGAN_x4plus");

    let (_, again, said) = fixture.import(&[]);
    assert!(words(&said).contains("0 jobs were added, and 0 noted as done"), "{said}");
    assert_eq!(again.matches("known ").count(), 7, "{again}");
    assert_eq!(sources(&fixture.at("new")).len(), 7);
    assert_eq!(fixture.picture(), before, "the old folder is as it was");
}

#[test]
fn a_server_that_runs_works_on_what_is_taken_over_and_makes_nothing_twice() {
    let fixture = Fixture::new();
    for name in ["a", "b"] {
        fixture.clip(&format!("input/{name}.mp4"), "64x48", 5);
    }
    fixture.clip("output/a.mp4", "256x192", 5);
    fixture.write("status.json", json!({ "a.mp4": "done", "b.mp4": "waiting" }).to_string());
    // The server watches the old input folder, too.
    let settings = fs::read_to_string(fixture.at("new/upscaled.toml")).unwrap();
    let folder = format!(
        "{settings}[[folders]]\npath = \"{}\"\noutput = \"results\"\n",
        fixture.at("old/input").display()
    );
    let (_, lines, said) = fixture.import(&["--json"]);
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let line = |name: &str| lines.iter().find(|line| line["path"].as_str().unwrap().ends_with(name)).unwrap();
    let told = |name: &str| json!([line(name)["becomes"], line(name)["model"], line(name)["job"].is_u64()]);
    assert_eq!(told("a.mp4"), json!(["done", "unknown", true]), "{said}");
    assert_eq!(told("b.mp4"), json!(["job", "none", true]), "{said}");
    fs::write(fixture.at("new/upscaled.toml"), folder).unwrap();
    let server = Server::start(&fixture.at("new"), &[]);
    let jobs = server.wait_for_jobs(2);
    assert!(jobs.iter().all(|job| job["status"] == "done"), "{jobs:#?}");
    assert!(fixture.at("new/output/b_upscaled.mp4").exists());
    assert!(!fixture.at("new/results/a_upscaled.mp4").exists(), "it was made there");
    // With the server at work.
    fixture.clip("more.mp4", "64x48", 5);
    fixture.write("queue.txt", "more.mp4\n");
    let (code, _, said) = fixture.import(&[]);
    assert!(code == Some(0) && words(&said).contains("1 job was added"), "{said}");
    wait_for("the job", PATIENCE, || fixture.at("new/output/more_upscaled.mp4").exists());
}

#[test]
fn hostile_files_are_one_sentence_each() {
    let fixture = Fixture::new();
    fixture.clip("input/a.mp4", "64x48", 5);
    fixture.clip("../outside.mp4", "64x48", 5);
    std::os::unix::fs::symlink("../../outside.mp4", fixture.at("old/input/link.mp4")).unwrap();
    fixture.write("input/torn.mp4", "no video");
    let garbage: Vec<u8> = (0..100_000u32).flat_map(|number| format!("x{number}\n").into_bytes()).collect();
    fixture.write("queue.txt", garbage);
    fixture.write("status.json", "[".repeat(100_000));
    let before = fixture.picture();
    let (code, table, said) = fixture.import(&["--dry-run"]);
    assert_eq!(code, Some(1), "{said}");
    for wanted in ["100002 not understood", "1 to make"] {
        assert!(words(&said).contains(wanted), "{said}");
    }
    assert!(table.contains("and 99002 more"), "{}", &table[table.len() - 500..]);
    let plan = fixture.plan();
    assert!(plan["torn.mp4"].starts_with("left it cannot be opened as a video"), "{}", plan["torn.mp4"]);
    assert!(plan["link.mp4"].contains("leads out of the folder"), "{}", plan["link.mp4"]);
    assert!(plan["the whole file"].contains("recursion limit"), "{}", plan["the whole file"]);
    fs::remove_file(fixture.at("old/queue.txt")).unwrap();
    assert!(
        std::process::Command::new("mkfifo").arg(fixture.at("old/queue.txt")).status().unwrap().success()
    );
    fixture.write("status.json", [0xff, 0x00, 0x1b]);
    let (code, table, _) = fixture.import(&["--dry-run"]);
    assert_eq!(code, Some(1));
    assert!(table.contains("queue.txt: it is no file") && table.contains("it is no JSON"), "{table}");
    fs::remove_file(fixture.at("old/queue.txt")).unwrap();
    fixture.write("status.json", "[".repeat(100_000));
    let mut now = fixture.picture();
    let is_file =
        |name: &Path| name.ends_with("queue.txt") || name.ends_with("status.json") || name.ends_with("old");
    now.retain(|name, _| !is_file(name));
    assert!(now.iter().all(|(name, there)| before[name] == *there));
    let output = run(&fixture.at("new"), &["import", "."]);
    let (code, said) = (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned());
    assert!(code == Some(2) && said.contains("name the folder that the Python server ran in"), "{said}");
}
