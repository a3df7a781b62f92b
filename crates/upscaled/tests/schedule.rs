//! When segments may begin: by the clock, by what other programs do, and when a person says so.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;
#[path = "common/http.rs"]
mod http;
#[path = "common/server.rs"]
mod server;

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use common::{make_clip, run, run_well, upscaled, wait_for};
use serde_json::Value;
use server::{PATIENCE, Server};

const QUICK: &str = "model = \"none\"\nscale = 2\npreset = \"ultrafast\"\nsegment_frames = 25\n";

fn settings(root: &Path, schedule: &str) {
    fs::write(root.join("upscaled.toml"), format!("{QUICK}[schedule]\n{schedule}\n")).unwrap();
}

/// A window of an hour that begins some hours from now, in UTC.
fn window_in(hours: i64) -> String {
    let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64;
    let hour = |more: i64| (time / 3600 + more).rem_euclid(24);
    format!("{:02}:00-{:02}:00", hour(hours), hour(hours + 1))
}

fn status(root: &Path) -> Value {
    let bytes = fs::read(root.join("state/status.json")).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

/// Waits until the only job is read and nothing else is done for it, for this reason.
fn waits(server: &Server, reason: &str) {
    wait_for(reason, PATIENCE, || {
        let jobs = server.jobs();
        jobs.len() == 1 && jobs[0]["frames"].as_u64() == Some(50) && jobs[0]["status"] == "queued"
    });
    wait_for("the list to say so", PATIENCE, || run_well(&server.root, &["list"]).contains(reason));
    wait_for("status.json", PATIENCE, || {
        status(&server.root)["paused"].as_str().is_some_and(|words| words.contains(reason))
    });
    assert_eq!(server.jobs()[0]["segments_done"], 0);
    assert!(server.workers().is_empty() || server.jobs()[0]["status"] == "queued");
}

#[test]
fn no_segment_begins_outside_the_windows_until_a_person_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir(root.join("input")).unwrap();
    make_clip(&root.join("input/a.mp4"), "64x48", 50, false);
    let window = window_in(3);
    settings(root, &format!("windows = [\"{window}\"]"));
    let server = Server::start_in(root, &[], &[("TZ", OsStr::new("UTC"))]);
    waits(&server, "paused by schedule until ");
    let refused = |schedule: &str| {
        settings(root, schedule);
        let output = run(root, &["reload"]);
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(refused("windows = [\"22-7\"]").contains("schedule.windows = [\"22-7\"] cannot be"));
    assert_eq!(server.jobs()[0]["segments_done"], 0);
    run_well(root, &["resume", "--now"]);
    let jobs = server.wait_for_jobs(1);
    assert_eq!(jobs[0]["status"], "done", "{jobs:?}");
    // A schedule that lets all begin holds from a reload on.
    settings(root, &format!("windows = [\"{}\"]", window_in(0)));
    run_well(root, &["reload"]);
    wait_for("nothing keeps it", PATIENCE, || status(root)["paused"].is_null());
}

#[test]
fn one_who_waits_for_a_file_is_told_why_once() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let clip = root.join("a.mp4");
    make_clip(&clip, "64x48", 50, false);
    settings(root, &format!("windows = [\"{}\"]", window_in(3)));
    let _server = Server::start_in(root, &[], &[("TZ", OsStr::new("UTC"))]);
    wait_for("the server", PATIENCE, || status(root)["paused"].is_string());
    let said = root.join("said");
    let mut up = upscaled(root);
    up.args(["up", "--root"]).arg(root).arg(&clip).stderr(fs::File::create(&said).unwrap());
    let mut up = Program(up.spawn().unwrap());
    let told = || fs::read_to_string(&said).unwrap();
    wait_for("the reason", PATIENCE, || told().contains("resume --now"));
    // Longer than what passes between two lines.
    std::thread::sleep(Duration::from_secs(11));
    let lines = told();
    let hints: Vec<&str> =
        lines.lines().filter(|line| line.contains("upscaled resume --now --root ")).collect();
    assert!(matches!(hints[..], [hint] if hint.contains("paused by schedule until ")), "{lines}");
    // In the hint, and in what it does, as which it is not said again either.
    assert!(lines.matches("paused by schedule until ").count() <= 2, "{lines}");
    run_well(root, &["resume", "--now"]);
    assert!(up.0.wait().unwrap().success(), "{}", told());
}

#[test]
fn a_program_lets_them_begin_over_http() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir(root.join("input")).unwrap();
    make_clip(&root.join("input/a.mp4"), "64x48", 50, false);
    settings(root, &format!("windows = [\"{}\"]", window_in(3)));
    let address = http::free_address();
    let server = Server::start_in(root, &["--listen", &address], &[("TZ", OsStr::new("UTC"))]);
    http::wait_for_server(&address);
    waits(&server, "paused by schedule until ");
    let paused = || http::get_json(&address, "/api/v1/system")["paused"].clone();
    let reason = paused();
    assert!(reason.as_str().unwrap().starts_with("paused by schedule until "), "{reason}");
    let go_on =
        || http::send(&address, "POST", "/api/v1/system/go-on", &serde_json::json!({})).json()["was"].clone();
    let ignored = || http::get_json(&address, "/api/v1/system")["ignored"].clone();
    assert_eq!(ignored(), Value::Null);
    assert_eq!((go_on(), paused(), ignored()), (reason.clone(), Value::Null, reason.clone()));
    // What was asked for is taken back, by a program and on the command line.
    let back = http::request(&address, "DELETE", "/api/v1/system/go-on", &[], "").json();
    assert_eq!((&back["paused"], paused(), ignored()), (&reason, reason.clone(), Value::Null));
    assert_eq!((go_on(), ignored()), (reason.clone(), reason.clone()));
    let said = run(root, &["pause", "--outside-hours"]).stderr;
    assert!(String::from_utf8_lossy(&said).contains("the server is paused by schedule until "), "{said:?}");
    assert_eq!(paused(), reason);
    go_on();
    assert_eq!(server.wait_for_jobs(1)[0]["status"], "done");
    // A window that is open keeps nothing back.
    settings(root, &format!("windows = [\"{}\"]", window_in(0)));
    run_well(root, &["reload"]);
    wait_for("the schedule", PATIENCE, || go_on().is_null());
}

/// Ends a program with the test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn no_segment_begins_while_a_program_runs() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir(root.join("input")).unwrap();
    make_clip(&root.join("input/a.mp4"), "64x48", 50, false);
    let name = format!("transcoder of test {}", std::process::id());
    fs::copy("/bin/sleep", root.join(&name)).unwrap();
    let program = Program(Command::new(root.join(&name)).arg("600").spawn().unwrap());
    settings(root, &format!("pause_while = [\"no such program\", \"{}\"]", name.to_uppercase()));
    let server = Server::start(root, &[]);
    waits(&server, &format!("paused while {} runs", name.to_uppercase()));
    drop(program);
    let jobs = server.wait_for_jobs(1);
    assert_eq!(jobs[0]["status"], "done", "{jobs:?}");
    assert!(status(root)["paused"].is_null());
}
