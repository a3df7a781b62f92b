//! A ledger that is damaged, cut or gone costs nothing: the next start puts it aside, keeps the finished segments and makes
//! the same frames.
//!
//! `UPSCALED_LEDGER_DAMAGES` says how often a ledger is damaged (20 by default; a release needs 200).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

mod common;
#[path = "common/server.rs"]
mod server;

use std::fs;
use std::path::Path;
use std::process::Command;

use common::{
    Random, SMALL_JOB, can_trace, frame_checksums, interrupt, make_telling_clip, number, run, run_well,
    segments, upscaled, wait_for,
};
use server::{PATIENCE, Server};

const SEGMENTS: usize = 10;
/// Segments that are finished when the job is killed.
const FINISHED: usize = 7;
/// Starting a server takes longer: it has a share of the damages.
const SERVERS: usize = 4;
/// A page of the database.
const PAGE: usize = 4096;

/// Damages the ledger in a folder in one of many ways; says how.
fn damage(folder: &Path, random: &mut Random) -> String {
    let name = ["ledger.db", "ledger.db-wal"][random.below(2) as usize];
    let path = folder.join(name);
    let mut bytes = fs::read(&path).unwrap();
    let at = random.below(bytes.len() as u64) as usize;
    let how = match random.below(8) {
        0 => {
            fs::remove_file(path).unwrap();
            return format!("{name} is gone");
        }
        1 => {
            bytes.truncate(at);
            format!("cut at {at}")
        }
        2 => {
            let begin = at / PAGE * PAGE;
            let end = bytes.len().min(begin + PAGE);
            bytes[begin..end].fill(0);
            format!("a page of zeros at {begin}")
        }
        3 => {
            for byte in &mut bytes {
                *byte = random.below(256) as u8;
            }
            "garbage".to_owned()
        }
        _ => {
            let bit = random.below(8);
            bytes[at] ^= 1 << bit;
            format!("bit {bit} of byte {at}")
        }
    };
    fs::write(path, bytes).unwrap();
    format!("{name}: {how}")
}

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    assert!(Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
}

/// What became of the finished segments over all damages.
#[derive(Default)]
struct Count {
    finished: usize,
    kept: usize,
}

impl Count {
    /// Counts the segments that were finished before, but for those of which the worker left a trace since.
    fn add(&mut self, finished: &[(u32, u32)], traces: &Path) {
        let made: Vec<String> = fs::read_dir(traces)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert!(!made.is_empty(), "the job was finished before");
        let again = |index: u32| made.iter().any(|name| name.starts_with(&format!("segment-{index:06}.")));
        self.finished += finished.len();
        self.kept += finished.iter().filter(|(index, _)| !again(*index)).count();
    }

    fn check(&self, what: &str, damages: usize) {
        println!("{what}: {damages} damages, {} of {} finished segments were kept", self.kept, self.finished);
        assert!(self.kept * 100 >= self.finished * 99);
    }
}

/// An empty folder for the traces of segments.
fn empty(folder: &Path) {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir(folder).unwrap();
}

#[test]
fn up_goes_on_whatever_happens_to_its_ledger() {
    let damages = number("UPSCALED_LEDGER_DAMAGES", 20);
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    make_telling_clip(&path("clip.mp4"), 12 * SEGMENTS as u32, true);
    run_well(folder.path(), &SMALL_JOB);
    let wanted = frame_checksums(&path("clip_upscaled.mp4"));
    assert!(interrupt(folder.path(), FINISHED), "the job was never stopped in time");
    copy(&path("clip.mp4.job"), &path("kept"));
    let finished = segments(&path("kept/work"));
    let mut random = Random(4);
    let mut count = Count::default();
    for _ in 0..damages {
        let _ = fs::remove_file(path("clip_upscaled.mp4"));
        copy(&path("kept"), &path("clip.mp4.job"));
        empty(&path("traces"));
        let what = damage(&path("clip.mp4.job"), &mut random);
        let mut program = upscaled(folder.path());
        let output = program.args(SMALL_JOB).env("UPSCALED_TRACE", path("traces")).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{what}: {errors}");
        assert_eq!(frame_checksums(&path("clip_upscaled.mp4")), wanted, "{what}");
        assert!(!path("clip.mp4.job").exists(), "{what}");
        count.add(&finished, &path("traces"));
    }
    count.check("up", damages);
}

/// A disk or a share that fails for a moment proves nothing about what lies on it.
#[test]
fn what_cannot_be_read_while_the_ledger_is_rebuilt_is_not_deleted() {
    if !can_trace() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    make_telling_clip(&path("clip.mp4"), 12 * SEGMENTS as u32, true);
    run_well(folder.path(), &SMALL_JOB);
    let wanted = frame_checksums(&path("clip_upscaled.mp4"));
    fs::remove_file(path("clip_upscaled.mp4")).unwrap();
    assert!(interrupt(folder.path(), FINISHED), "the job was never stopped in time");
    for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db.backup"] {
        let _ = fs::remove_file(path("clip.mp4.job").join(name));
    }
    let finished = segments(&path("clip.mp4.job/work"));
    let name = |(index, epoch): (u32, u32), ending: &str| {
        path(&format!("clip.mp4.job/work/seg-{index:06}.e{epoch}.{ending}"))
    };
    // A segment, and the sidecar of another one.
    let unread = [name(finished[1], "pkt"), name(finished[3], "json")];
    let (log, program) = (path("log"), upscaled(folder.path()));
    let mut strace = Command::new("strace");
    strace.args([
        "-f",
        "-qq",
        "-e",
        "trace=read,pread64,unlink,unlinkat",
        "-e",
        "inject=read,pread64:error=EIO",
    ]);
    strace.arg("-o").arg(&log);
    for file in &unread {
        strace.arg("-P").arg(file);
    }
    strace.arg(program.get_program()).args(SMALL_JOB).env_remove("UPSCALED_ROOT").current_dir(folder.path());
    strace.envs(program.get_envs().filter_map(|(key, value)| Some((key, value?))));
    let output = strace.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let log = fs::read_to_string(log).unwrap();
    for file in unread {
        let file = file.to_str().unwrap();
        assert!(log.contains("EIO"), "nothing was refused: {log}");
        // The folder's own end removes what is in it by names in the folder.
        let is_removed = |line: &str| line.contains("unlink(") && line.contains(file);
        assert!(!log.lines().any(is_removed), "{log}");
    }
    assert_eq!(frame_checksums(&path("clip_upscaled.mp4")), wanted);
}

#[test]
fn a_server_goes_on_whatever_happens_to_its_ledger() {
    let damages = number("UPSCALED_LEDGER_DAMAGES", 20).div_ceil(SERVERS);
    let folder = tempfile::tempdir().unwrap();
    let (root, kept, traces) =
        (folder.path().join("root"), folder.path().join("kept"), folder.path().join("traces"));
    let result = root.join("output/clip_upscaled.mp4");
    fs::create_dir_all(root.join("input")).unwrap();
    make_telling_clip(&folder.path().join("clip.mp4"), 12 * SEGMENTS as u32, true);
    run_well(folder.path(), &SMALL_JOB);
    let wanted = frame_checksums(&folder.path().join("clip_upscaled.mp4"));
    fs::rename(folder.path().join("clip.mp4"), root.join("input/clip.mp4")).unwrap();
    let mut server = Server::start(&root, &SMALL_JOB[2..]);
    let made = || segments(&root.join("output/clip.mp4.job"));
    wait_for("segments", PATIENCE, || made().len() >= FINISHED);
    server.kill();
    fs::create_dir(&kept).unwrap();
    let parts = ["state", "output"];
    for part in parts {
        copy(&root.join(part), &kept.join(part));
    }
    let finished = segments(&kept.join("output/clip.mp4.job"));
    assert!(finished.len() < SEGMENTS && !result.exists(), "the server was never stopped in time");

    let mut random = Random(5);
    let mut count = Count::default();
    for round in 0..damages {
        for part in parts {
            copy(&kept.join(part), &root.join(part));
        }
        empty(&traces);
        let mut what = damage(&root.join("state"), &mut random);
        if round % 2 == 0 {
            fs::remove_file(root.join("state/ledger.db.backup")).unwrap();
            what += ", without a backup";
        }
        let mut server = Server::start_in(&root, &SMALL_JOB[2..], &[("UPSCALED_TRACE", traces.as_os_str())]);
        wait_for(&format!("the result after {what}"), PATIENCE, || {
            result.exists() && !root.join("output/clip.mp4.job").exists()
        });
        assert_eq!(frame_checksums(&result), wanted, "{what}");
        let jobs = server.wait_for_jobs(1);
        assert_eq!(jobs[0]["status"], "done", "{what}: {jobs:#?}");
        assert_eq!(server.stop(), Some(0), "{what}");
        assert_eq!(common::names(&root.join("output")).len(), 1, "{what}");
        count.add(&finished, &traces);
    }
    count.check("serve", damages);

    // All that is known of the job is gone, but for its folder, and its result was published: that is found to be the same.
    fs::remove_dir_all(root.join("state")).unwrap();
    copy(&kept.join("output/clip.mp4.job"), &root.join("output/clip.mp4.job"));
    let server = Server::start(&root, &SMALL_JOB[2..]);
    wait_for("the job folder to go", PATIENCE, || !root.join("output/clip.mp4.job").exists());
    assert_eq!(server.wait_for_jobs(1)[0]["status"], "done");
    assert_eq!(frame_checksums(&result), wanted);
    assert_eq!(common::names(&root.join("output")).len(), 1, "published twice");
}

#[test]
fn a_ledger_that_is_removed_under_a_server_is_kept_and_the_server_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir_all(root.join("input")).unwrap();
    fs::write(root.join("upscaled.toml"), "model = \"none\"\nscale = 2\npreset = \"ultrafast\"\n").unwrap();
    make_telling_clip(&root.join("input/a.mkv"), 10, false);
    let mut ended = Vec::new();
    for damage in [Some("gone"), Some("replaced"), None] {
        let mut server = Server::start(root, &[]);
        // Before it has the folder, a command opens the ledger by itself, and finds the damage.
        wait_for("the server", PATIENCE, || run(root, &["list"]).status.success());
        wait_for("the job", PATIENCE, || server.jobs().iter().any(|job| job["status"] == "done"));
        ended.extend(server.jobs().iter().map(|job| job["ended"].to_string()));
        let Some(damage) = damage else { break };
        for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db.backup"] {
            let _ = fs::remove_file(root.join("state").join(name));
        }
        if damage == "replaced" {
            fs::write(root.join("state/ledger.db"), "garbage").unwrap();
        }
        wait_for("the server to end", PATIENCE, || server.has_ended());
    }
    // Each server knew the job, and none made it again.
    assert_eq!(ended.len(), 3);
    assert!(ended.iter().all(|time| *time == ended[0]), "{ended:?}");
    assert_eq!(common::names(&root.join("output")), ["a_upscaled.mkv"]);
}
