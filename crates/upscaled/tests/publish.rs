//! The name of a result shows nothing, what was there before, or the whole verified result, whatever happens on the way.

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
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use common::{
    SMALL_JOB, can_trace, frame_checksums, make_telling_clip, run_well, segments, upscaled, wait_for,
};
use server::{PATIENCE, Server};

/// A mount, gone at the end of the test.
struct Mount(PathBuf);

impl Mount {
    /// Mounts something; `None`, with the reason, where that is not allowed.
    fn new(arguments: &[&str], folder: &Path) -> Option<Self> {
        let mount = Command::new("mount").args(arguments).arg(folder).output();
        match mount {
            Ok(output) if output.status.success() => Some(Self(folder.to_owned())),
            other => {
                println!("skipped: nothing can be mounted here, which needs root: {other:?}");
                None
            }
        }
    }

    /// A file system of its own.
    fn disk(folder: &Path) -> Option<Self> {
        fs::create_dir_all(folder).unwrap();
        Self::new(&["-t", "tmpfs", "tmpfs"], folder)
    }

    /// The folder itself once more, for reading only; what is mounted in it stays as it is.
    fn read_only(folder: &Path) -> Option<Self> {
        let name = folder.to_str().unwrap();
        let mount = Self::new(&["--rbind", name], folder)?;
        let again = Command::new("mount").args(["-o", "remount,bind,ro"]).arg(folder).status().unwrap();
        assert!(again.success());
        Some(mount)
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").args(["--lazy", "--recursive"]).arg(&self.0).status();
    }
}

fn up(folder: &Path, more: &[&str]) -> Output {
    upscaled(folder).args(SMALL_JOB).args(more).output().unwrap()
}

/// Copies that killed programs left.
fn leftovers(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).unwrap().flatten();
    entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(".upscaled-copy-")).count()
}

#[test]
fn a_result_on_another_file_system_than_its_work_is_whole_or_not_there() {
    if !can_trace() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    make_telling_clip(&at("clip.mp4"), 36, true);
    run_well(folder.path(), &SMALL_JOB);
    let wanted = fs::read(at("clip_upscaled.mp4")).unwrap();
    let work = at("clip.mp4.job/work");
    let Some(_disk) = Mount::disk(&work) else { return };
    let mut kills = 0;
    // The calls that put a file from one file system onto another; the nth of each, until a job has no such call.
    for call in ["renameat2", "rename", "openat", "copy_file_range", "sendfile", "write", "fsync", "unlink"] {
        for number in (1..).step_by(if ["openat", "write"].contains(&call) { 7 } else { 1 }) {
            let _ = fs::remove_file(at("clip_upscaled.mp4"));
            clear(&work);
            let _ = fs::remove_file(at("clip.mp4.job/ledger.db"));
            let inject = format!("inject={call}:signal=KILL:when={number}");
            let program = upscaled(folder.path());
            let mut command = Command::new("strace");
            command.args(["-f", "-qq", "-o", "/dev/null", "-b", "execve", "-e", &format!("trace={call}")]);
            command.args(["-e", &inject]).arg(program.get_program()).args(SMALL_JOB).stdin(Stdio::null());
            let environment = program.get_envs().filter_map(|(name, value)| Some((name, value?)));
            command.envs(environment).env_remove("UPSCALED_ROOT").current_dir(folder.path());
            let output = command.output().unwrap();
            if let Ok(found) = fs::read(at("clip_upscaled.mp4")) {
                assert!(found == wanted, "a part of a result after kill {number} at {call}");
            }
            if output.status.success() {
                break;
            }
            kills += 1;
            let again = up(folder.path(), &[]);
            let errors = String::from_utf8_lossy(&again.stderr);
            assert!(again.status.success(), "kill {number} at {call}: {errors}");
            assert!(fs::read(at("clip_upscaled.mp4")).unwrap() == wanted, "kill {number} at {call}");
            assert_eq!(leftovers(folder.path()), 0, "kill {number} at {call}");
        }
    }
    println!("killed {kills} times while the work lay on another file system: 0 partial results");
    assert!(kills > 20);
}

fn clear(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let _ = fs::remove_file(entry.path());
    }
}

#[test]
fn a_target_that_is_read_only_is_refused_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    make_telling_clip(&at("clip.mp4"), 36, true);
    fs::create_dir(at("out")).unwrap();
    {
        let Some(_read_only) = Mount::read_only(&at("out")) else { return };
        let output = up(folder.path(), &["-o", "out/"]);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{errors}");
        assert!(errors.to_lowercase().contains("read-only"), "{errors}");
        assert_eq!(fs::read_dir(at("out")).unwrap().count(), 0);
    }
    run_well(folder.path(), &[&SMALL_JOB[..], &["-o", "out/"]].concat());
}

#[test]
fn a_file_that_takes_the_name_while_the_job_runs_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    make_telling_clip(&at("clip.mp4"), 60, false);
    let mut command = upscaled(folder.path());
    let child = command.args(SMALL_JOB).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for("a segment", PATIENCE, || !segments(&at("clip.mp4.job/work")).is_empty());
    fs::write(at("clip_upscaled.mp4"), b"mine").unwrap();
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("is there already"), "{errors}");
    assert_eq!(fs::read(at("clip_upscaled.mp4")).unwrap(), b"mine");
    // The work is kept, should the user want the file replaced.
    run_well(folder.path(), &[&SMALL_JOB[..], &["--overwrite"]].concat());
    assert_eq!(frame_checksums(&at("clip_upscaled.mp4")).len(), 60);
}

#[test]
fn an_output_folder_that_is_removed_is_waited_for_and_costs_the_work_alone() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir(root.join("input")).unwrap();
    make_telling_clip(&root.join("input/clip.mp4"), 300, true);
    let settings = ["--model", "realesr-animevideov3", "--segment-frames", "30"];
    let source = root.join("input/clip.mp4");
    let arguments = [&["up", source.to_str().unwrap(), "-o", "wanted.mp4"], &settings[..]].concat();
    run_well(root, &arguments);
    let server = Server::start(root, &settings);
    wait_for("two segments", PATIENCE, || segments(&root.join("output/clip.mp4.job")).len() >= 2);
    fs::remove_dir_all(root.join("output")).unwrap();
    wait_for("the job to wait", PATIENCE, || {
        server.jobs().iter().any(|job| job["status"] == "waiting for folder")
    });
    assert!(!root.join("output").exists());
    fs::create_dir(root.join("output")).unwrap();
    let jobs = server.wait_for_jobs(1);
    assert_eq!(jobs[0]["status"], "done", "{jobs:#?}");
    assert_eq!(
        frame_checksums(&root.join("output/clip_upscaled.mp4")),
        frame_checksums(&root.join("wanted.mp4"))
    );
}
