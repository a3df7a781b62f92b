//! A full disk is a state with a message, and the job goes on by itself.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

mod common;
#[path = "common/server.rs"]
mod server;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{frame_checksums, make_clip, run_well, wait_for};
use server::{PATIENCE, Server};

/// A small file system in memory, gone at the end of the test.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts one; `None`, with the reason, where that is not allowed.
    fn mount(folder: &Path, bytes: u64) -> Option<Self> {
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"])
            .arg(folder)
            .output();
        match mount {
            Ok(output) if output.status.success() => Some(Self(folder.to_owned())),
            other => {
                println!("skipped: no small disk can be mounted here, which needs root: {other:?}");
                None
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_makes_the_job_wait_until_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let clip = root.join("clip.mp4");
    make_clip(&clip, "160x90", 100, false);
    let settings = ["--model", "none", "--preset", "ultrafast", "--crf", "5", "--segment-frames", "30"];
    let mut arguments = vec!["up", "clip.mp4", "-o", "wanted.mp4"];
    arguments.extend(settings);
    run_well(root, &arguments);
    let wanted = frame_checksums(&root.join("wanted.mp4"));
    let bytes = root.join("wanted.mp4").metadata().unwrap().len();

    std::fs::create_dir_all(root.join("input")).unwrap();
    std::fs::create_dir_all(root.join("output")).unwrap();
    // Room for the result and the segments only once the ballast is gone.
    let Some(_disk) = SmallDisk::mount(&root.join("output"), bytes * 4) else { return };
    let ballast = root.join("output/ballast");
    std::fs::write(&ballast, vec![0; (bytes * 4 - bytes / 2) as usize]).unwrap();
    std::fs::rename(&clip, root.join("input/clip.mp4")).unwrap();
    let server = Server::start(root, &settings);
    let mut reason = String::new();
    wait_for("the job to wait", PATIENCE, || {
        let jobs = server.jobs();
        let waiting = jobs.iter().find(|job| job["status"] == "waiting for space");
        reason = waiting.map_or_else(String::new, |job| job["reason"].as_str().unwrap().to_owned());
        !reason.is_empty()
    });
    println!("{reason}");
    assert!(reason.contains("bytes must be free"), "{reason}");
    std::fs::remove_file(&ballast).unwrap();
    let jobs = server.wait_for_jobs(1);
    assert_eq!(jobs[0]["status"], "done", "{jobs:#?}");
    assert_eq!(frame_checksums(&root.join("output/clip_upscaled.mp4")), wanted);
}
