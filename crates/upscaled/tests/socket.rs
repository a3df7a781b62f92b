//! Commands and the server that they talk to.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that cannot go on has failed")]

mod common;
#[path = "common/place.rs"]
mod place;
#[path = "common/server.rs"]
mod server;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use common::{make_clip, number, run, run_well, segments, upscaled, wait_for};
use serde_json::Value;
use server::{PATIENCE, Server};

const QUICK: [&str; 6] = ["--model", "none", "--preset", "ultrafast", "--scale", "2"];
/// Segments that take a moment.
const SLOW: [&str; 4] = ["--model", "realesr-animevideov3", "--segment-frames", "25"];
/// Where the socket is in a root.
const SOCKET: &str = "state/upscaled.sock";

fn root() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("input")).unwrap();
    folder
}

#[track_caller]
fn said(root: &Path, arguments: &[&str], code: i32) -> String {
    let output = run(root, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    said
}

fn jobs(root: &Path) -> BTreeMap<u64, Value> {
    let lines = run_well(root, &["list", "--json"]);
    let jobs = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    jobs.filter_map(|job| Some((job["id"].as_u64()?, job))).collect()
}

fn wait_for_socket(root: &Path) {
    wait_for("the socket", PATIENCE, || UnixStream::connect(root.join(SOCKET)).is_ok());
}

/// A folder in which there is nothing but the way to the server of another one.
fn elsewhere(root: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("state")).unwrap();
    std::os::unix::fs::symlink(root.join(SOCKET), folder.path().join(SOCKET)).unwrap();
    folder
}

#[test]
fn every_command_is_done_by_the_server_that_runs() {
    let folder = root();
    let root = folder.path();
    make_clip(&root.join("input/a.mp4"), "64x36", 1500, false);
    let mut server = Server::start(root, &SLOW);
    wait_for("a segment", PATIENCE, || segments(&root.join("output/a.mp4.job")).len() > 1);
    for name in ["b", "c"] {
        make_clip(&root.join(format!("input/{name}.mp4")), "64x40", 50, false);
    }
    wait_for("all jobs", PATIENCE, || server.jobs().len() == 3);
    assert_eq!(root.join(SOCKET).metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let folder = elsewhere(root);
    let there = folder.path();
    let of = |id: u64| jobs(there).remove(&id).unwrap();
    assert!(run_well(there, &["list"]).contains("a.mp4"));
    let shown = run_well(there, &["show", "b.mp4", "c"]);
    assert!(shown.contains("b.mp4") && shown.contains("c.mp4"), "{shown}");
    assert!(said(there, &["pause", "--all"], 0).matches("is paused").count() == 3);
    assert_eq!(of(1)["status"], "paused");
    wait_for("the worker to go", PATIENCE, || server.worker().is_none());
    assert!(said(there, &["pause", "1"], 1).contains("cannot be paused: it is paused"));
    assert!(said(there, &["priority", "3", "--to", "high"], 0).contains("of high priority now"));
    assert!(said(there, &["move", "3", "--before", "2"], 1).contains("`upscaled priority` first"));
    run_well(there, &["priority", "3", "--to", "normal"]);
    assert!(said(there, &["move", "3", "--before", "2"], 0).contains("before job 2"));
    let listed = run_well(there, &["list"]);
    let at = |name: &str| listed.find(name).unwrap();
    assert!(at("a.mp4") < at("c.mp4") && at("c.mp4") < at("b.mp4"), "{listed}");
    assert!(said(there, &["cancel", "1"], 0).contains("job 1 is canceled"));
    wait_for("the disk to be freed", PATIENCE, || !root.join("output/a.mp4.job").exists());
    assert!(said(there, &["remove", "2"], 1).contains("end it with `upscaled cancel 2` first"));
    assert!(said(there, &["remove", "1"], 0).contains("off the list"));
    assert!(!jobs(there).contains_key(&1));
    assert!(said(there, &["resume", "2-3"], 0).contains("job 2 is let go on"));
    wait_for("the results", PATIENCE, || (2..4).all(|id| of(id)["status"] == "done"));
    assert!(said(there, &["retry", "b.mp4"], 1).contains("add --again"));
    assert!(said(there, &["retry", "2", "--crf", "40"], 2).contains("add --again"));
    assert!(said(there, &["retry", "2", "--again", "--crf", "40"], 0).contains("job 4 is job 2 with other"));
    assert!(said(there, &["retry", "3", "--again"], 0).contains("job 3 is queued again from its beginning"));
    wait_for("the results", PATIENCE, || (2..5).all(|id| of(id)["status"] == "done"));
    for (arguments, words) in [
        (&["show", "77"][..], "there is no job 77: `upscaled list` shows all jobs"),
        (&["cancel", "50-60"], "there are no jobs 50-60"),
        (&["pause", "nothing.mkv"], "no job is of a video named `nothing.mkv`"),
    ] {
        assert!(said(there, arguments, 1).contains(words), "{arguments:?}");
    }
    assert!(said(there, &["reload"], 0).contains("taken up"));
    // A file from elsewhere, made by the server.
    make_clip(&there.join("d.mp4"), "64x36", 5, false);
    let up = said(there, &[&["up", "d.mp4", "--root", "."], &QUICK[..]].concat(), 0);
    assert!(up.contains("a server works here") && there.join("d_upscaled.mp4").is_file(), "{up}");
    assert!(!there.join("state/ledger.db").exists(), "{up}");
    assert_eq!(server.stop(), Some(0));
    assert!(!root.join(SOCKET).exists());
    assert_eq!(jobs(root).len(), 4);
}

#[test]
fn the_same_is_done_without_a_server_also_where_one_was_killed() {
    let folder = root();
    let root = folder.path();
    for (name, frames) in [("a", 600), ("b", 50)] {
        make_clip(&root.join(format!("input/{name}.mp4")), "64x36", frames, false);
    }
    let mut server = Server::start(root, &SLOW);
    wait_for("a segment", PATIENCE, || {
        server.jobs().len() == 2 && !segments(&root.join("output/a.mp4.job")).is_empty()
    });
    server.kill();
    assert!(root.join(SOCKET).exists(), "a server that was killed clears nothing away");
    assert!(run_well(root, &["list"]).contains("a.mp4"));
    run_well(root, &["show", "1"]);
    for (arguments, words) in [
        (&["pause", "--all"][..], "job 2 is paused"),
        (&["priority", "--all", "--to", "high"], "job 1 is of high priority now"),
        (&["move", "2", "--first"], "job 2 comes first among the jobs of high priority"),
        (&["resume", "2"], "job 2 is let go on"),
        (&["cancel", "1"], "job 1 is canceled"),
        (&["retry", "1"], "job 1 is queued again"),
        (&["cancel", "a.mp4"], "job 1 is canceled"),
        (&["remove", "1"], "job 1 is off the list"),
        (&["reload"], "no server runs here"),
    ] {
        let said = said(root, arguments, 0);
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
    assert!(!root.join("output/a.mp4.job").exists());
    assert_eq!(jobs(root).keys().copied().collect::<Vec<_>>(), [2]);
    // The next one takes the place of the socket.
    server.restart();
    wait_for_socket(root);
    assert!(run_well(root, &["show", "2"]).contains("high"));
    let listed = server.wait_for_jobs(1);
    assert_eq!(listed[0]["status"], "done");
}

#[test]
fn a_folder_may_lie_deeper_than_paths_of_sockets_reach() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("d".repeat(120)).join("e".repeat(120));
    fs::create_dir_all(root.join("input")).unwrap();
    make_clip(&root.join("input/a.mp4"), "64x36", 1500, false);
    let mut server = Server::start(&root, &SLOW);
    wait_for("the job", PATIENCE, || server.jobs().len() == 1);
    assert!(root.join(SOCKET).exists());
    assert!(said(&root, &["pause", "1"], 0).contains("job 1 is paused"));
    assert!(said(&root, &["serve"], 1).contains("another server runs here: process"));
    assert_eq!(server.stop(), Some(0));
    assert!(!root.join(SOCKET).exists());
}

#[test]
fn whoever_talks_nonsense_or_not_at_all_harms_nobody() {
    let folder = root();
    let root = folder.path();
    let server = Server::start(root, &QUICK);
    wait_for_socket(root);
    let connect = || UnixStream::connect(root.join(SOCKET)).unwrap();
    let idle: Vec<UnixStream> = (0..200).map(|_| connect()).collect();
    for garbage in [&b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"[..], b"\x05\0\0\0hello", &[0xff; 4096]] {
        let mut stream = connect();
        // It may have ended the connection by then.
        let _ = stream.write_all(garbage);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(String::from_utf8_lossy(&answer).contains("refused"), "{}", String::from_utf8_lossy(&answer));
        let begun = Instant::now();
        run_well(root, &["list"]);
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }
    make_clip(&root.join("input/a.mp4"), "64x36", 5, false);
    let jobs = server.wait_for_jobs(1);
    assert_eq!(jobs[0]["status"], "done");
    drop(idle);
}

#[test]
fn a_server_that_does_not_answer_is_named() {
    let folder = root();
    let root = folder.path();
    make_clip(&root.join("input/a.mp4"), "64x36", 5, false);
    let server = Server::start(root, &QUICK);
    server.wait_for_jobs(1);
    let second = said(root, &["serve"], 1);
    let process = second.split_once("another server runs here: process ").unwrap().1;
    let process = process.split(',').next().unwrap();
    assert!(second.contains(&format!("of version {}, since 20", env!("CARGO_PKG_VERSION"))), "{second}");
    assert!(Path::new("/proc").join(process).exists(), "{second}");
    server.signal("STOP");
    for arguments in [&["list"][..], &["pause", "1"], &["serve"]] {
        let said = said(root, arguments, 1);
        assert!(said.contains(&format!("process {process} (upscaled ")), "{arguments:?}: {said}");
        assert!(said.contains("does not answer") && said.lines().count() == 1, "{arguments:?}: {said}");
    }
    server.signal("CONT");
    run_well(root, &["list"]);
}

#[test]
fn a_socket_that_is_gone_is_made_anew() {
    let folder = root();
    let root = folder.path();
    let _server = Server::start(root, &QUICK);
    wait_for_socket(root);
    let socket = root.join(SOCKET);
    let changes: [fn(&Path); 2] = [
        |socket| fs::remove_file(socket).unwrap(),
        |socket| {
            fs::remove_file(socket).unwrap();
            fs::write(socket, "no socket").unwrap();
        },
    ];
    for change in changes {
        change(&socket);
        wait_for_socket(root);
        assert_eq!(socket.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        said(root, &["list"], 0);
    }
}

#[test]
fn a_server_of_another_version_is_named() {
    let folder = root();
    let root = folder.path();
    make_clip(&root.join("clip.mp4"), "32x32", 3, false);
    run_well(root, &[&["up", "clip.mp4", "--root", "."], &QUICK[..]].concat());
    let _lock = storage::FolderLock::acquire(&root.join("state")).unwrap();
    let listener = UnixListener::bind(root.join(SOCKET)).unwrap();
    let saying = std::thread::spawn(move || {
        for _ in 0..3 {
            let (mut stream, _) = listener.accept().unwrap();
            let hello = br#"{"version":"77.1.0","process":4711,"new":true}"#;
            stream.write_all(&(hello.len() as u32).to_le_bytes()).unwrap();
            stream.write_all(hello).unwrap();
            let _ = stream.read(&mut [0]);
        }
    });
    for arguments in [&["list"][..], &["cancel", "1"], &["serve"]] {
        let said = said(root, arguments, 1);
        assert!(said.contains("the server is of version 77.1.0"), "{arguments:?}: {said}");
        assert!(said.contains("restart") && said.lines().count() == 1, "{arguments:?}: {said}");
    }
    saying.join().unwrap();
}

#[test]
fn a_command_that_works_on_a_file_answers_others() {
    let folder = root();
    let root = folder.path();
    make_clip(&root.join("clip.mp4"), "64x36", 1500, false);
    let mut up = upscaled(root);
    up.args(["up", "clip.mp4", "--root", "."]).args(SLOW);
    let mut up = up.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for("a segment", PATIENCE, || !segments(&root.join("clip.mp4.job")).is_empty());
    // Between two segments it is queued.
    wait_for("a segment under way", PATIENCE, || run_well(root, &["list"]).contains("upscaling"));
    assert!(said(root, &["serve"], 1).contains("`upscaled up` works here: process"));
    let other = said(root, &["up", "clip.mp4", "--root", ".", "-o", "other.mp4"], 1);
    assert!(other.contains("`upscaled up` works in") && other.contains("upscaled serve"), "{other}");
    assert!(said(root, &["pause", "1"], 0).contains("is paused"));
    assert!(said(root, &["reload"], 0).contains("no server runs here"));
    assert!(said(root, &["cancel", "1"], 0).contains("is canceled"));
    assert_eq!(up.wait().unwrap().code(), Some(1));
    assert!(!root.join(SOCKET).exists() && jobs(root)[&1]["status"] == "canceled");
}

#[test]
fn jobs_are_looked_at_where_nothing_can_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("disk");
    let Some(_disk) = place::SmallDisk::mount(&root, 64 << 20) else { return };
    make_clip(&root.join("clip.mp4"), "32x32", 3, false);
    run_well(&root, &[&["up", "clip.mp4", "--root", "."], &QUICK[..]].concat());
    wait_for("the last worker to let go of the disk", PATIENCE, || {
        Command::new("mount").args(["-o", "remount,ro"]).arg(&root).output().unwrap().status.success()
    });
    assert!(run_well(&root, &["list"]).contains("done"));
    assert!(run_well(&root, &["show", "1"]).contains("clip.mp4"));
    let refused = said(&root, &["remove", "1"], 1);
    assert!(refused.contains("Read-only file system") && refused.lines().count() == 1, "{refused}");
}

/// Takes copies of a clip in as jobs that wait.
fn fill(root: &Path, count: u64) {
    let clip = root.join("clip.mp4");
    make_clip(&clip, "64x36", 300, false);
    fs::create_dir(root.join("state")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let ledger = ledger::Ledger::open(&root.join("state/ledger.db")).await.unwrap();
        for number in 1..=count {
            let source: PathBuf = root.join(format!("input/{number}.mp4"));
            fs::copy(&clip, &source).unwrap();
            let model = job::Model::BuiltIn { name: "realesr-animevideov3".to_owned() };
            let request = coordinator::Request {
                source,
                settings: job::Settings { model, ..job::Settings::default() },
                output: root.join("output"),
                result: None,
                folder: None,
            };
            let taken = coordinator::submit(&ledger, request, coordinator::now()).await.unwrap();
            assert_eq!(taken.id.0, number as i64);
        }
        ledger.close().await;
    });
}

/// What was said to be done to jobs: their status, where that has to stay, and their priority.
#[derive(Default)]
struct Promised(BTreeMap<u64, (Option<&'static str>, Option<String>)>);

impl Promised {
    /// Takes in what a command said; what it refused must be for the state of a job.
    fn note(&mut self, said: &str) {
        for line in said.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["job", id, "is", "canceled"] => {
                    self.0.entry(id.parse().unwrap()).or_default().0 = Some("canceled");
                }
                ["job", id, "is", "of", priority, "priority", "now"] => {
                    self.0.entry(id.parse().unwrap()).or_default().1 = Some(priority.to_owned());
                }
                ["job", _, "is" | "comes", ..] => {}
                _ => assert!(line.starts_with("error: job ") && line.contains(": it is "), "{line}"),
            }
        }
    }
}

#[test]
fn in_a_storm_of_commands_none_is_lost() {
    const JOBS: u64 = 200;
    const CLIENTS: u64 = 8;
    let folder = root();
    let root = folder.path();
    fill(root, JOBS);
    let _server = Server::start(root, &SLOW);
    wait_for_socket(root);
    let rounds = number("UPSCALED_STORMS", 1);
    let is_over = AtomicBool::new(false);
    let (mut reads, mut promises) = (0, Vec::new());
    std::thread::scope(|scope| {
        let change = |client: u64| {
            let mut promised = Promised::default();
            let own: Vec<u64> = (1..=JOBS).filter(|id| id % CLIENTS == client).collect();
            for round in 0..rounds {
                for group in own.chunks(5) {
                    let ids: Vec<String> = group.iter().map(u64::to_string).collect();
                    let jobs: Vec<&str> = ids.iter().map(String::as_str).collect();
                    let priority = ["low", "high", "normal"][(client as usize + round) % 3];
                    for arguments in [
                        [&["pause"], &jobs[..]].concat(),
                        [&["priority", "--to", priority], &jobs[..]].concat(),
                        [&["move", "--first"], &jobs[..1]].concat(),
                        [&["resume"], &jobs[1..]].concat(),
                        [&["cancel"], &jobs[4..]].concat(),
                    ] {
                        let output = run(root, &arguments);
                        let said = String::from_utf8_lossy(&output.stderr);
                        assert!(matches!(output.status.code(), Some(0 | 1)), "{arguments:?}: {said}");
                        promised.note(&said);
                    }
                }
            }
            promised
        };
        let read = |client: u64| {
            let mut reads = 0;
            while !is_over.load(Relaxed) {
                assert_eq!(jobs(root).len() as u64, JOBS);
                run_well(root, &["show", &(client + 1).to_string()]);
                reads += 2;
            }
            reads
        };
        let readers: Vec<_> = (0..CLIENTS).map(|client| scope.spawn(move || read(client))).collect();
        let writers: Vec<_> = (0..CLIENTS).map(|client| scope.spawn(move || change(client))).collect();
        let ended: Vec<_> = writers.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        is_over.store(true, Relaxed);
        reads = readers.into_iter().map(|reader| reader.join().unwrap()).sum();
        promises.extend(ended.into_iter().map(|ended| ended.unwrap()));
    });
    let jobs = jobs(root);
    let mut changes = 0;
    for (id, (status, priority)) in promises.iter().flat_map(|promised| &promised.0) {
        let job = &jobs[id];
        for (promised, found) in [(*status, &job["status"]), (priority.as_deref(), &job["priority"])] {
            if let Some(promised) = promised {
                assert_eq!(found, promised, "job {id}");
                changes += 1;
            }
        }
    }
    println!("{changes} changes are there, beside {reads} reads");
    assert!(changes as u64 >= JOBS);
}
