//! Folders that are away for a while: jobs wait for them, and go on by themselves.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that cannot go on has failed")]

mod common;
#[path = "common/server.rs"]
mod server;

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use common::{frame_checksums, make_clip, number, run_well, upscaled, wait_for};
use server::{PATIENCE, Server};

const QUICK: [&str; 8] =
    ["--model", "none", "--preset", "ultrafast", "--scale", "2", "--segment-frames", "25"];
/// Jobs of a queue.
const JOBS: usize = 10;

/// A root with a queue of clips, each with a picture of its own.
fn queue(root: &Path, frames: u32) {
    fs::create_dir_all(root.join("input/show")).unwrap();
    for number in 0..JOBS {
        let folder = if number % 2 == 0 { "input" } else { "input/show" };
        let width = 64 + 4 * number;
        make_clip(&root.join(folder).join(format!("e{number}.mp4")), &format!("{width}x48"), frames, false);
    }
}

fn waits_for(server: &Server, wanted: &str) {
    wait_for(wanted, PATIENCE, || {
        server.jobs().iter().any(|job| {
            job["status"] == "waiting for folder" && job["reason"].as_str().unwrap().contains(wanted)
        })
    });
}

/// Every job is done, and its result is what an unbroken run makes.
fn all_are_done(server: &Server) {
    let jobs = server.wait_for_jobs(JOBS);
    for job in &jobs {
        assert_eq!(job["status"], "done", "{job}");
    }
    let root = &server.root;
    for (name, folder) in [("e0", ""), ("e9", "show/")] {
        let source = format!("input/{folder}{name}.mp4");
        let mut arguments = vec!["up", &source, "-o", "unbroken.mp4", "--overwrite"];
        arguments.extend(QUICK);
        run_well(root, &arguments);
        let result = root.join(format!("output/{folder}{name}_upscaled.mp4"));
        assert_eq!(frame_checksums(&result), frame_checksums(&root.join("unbroken.mp4")), "{name}");
    }
}

#[test]
fn folders_that_come_and_go_cost_no_job() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let rounds = number("UPSCALED_OUTAGES", 4);
    queue(root, 60 * rounds as u32);
    let server = Server::start(root, &QUICK);
    let away = root.join("away");
    for round in 0..rounds {
        let name = ["output", "input", "input/show"][round % 3];
        std::thread::sleep(Duration::from_millis(700));
        // At another moment of the work each time.
        std::thread::sleep(Duration::from_millis(round as u64 * 37 % 300));
        fs::rename(root.join(name), &away).unwrap();
        std::thread::sleep(Duration::from_secs(1));
        assert!(!root.join(name).exists(), "`{name}` was made again while it was away");
        fs::rename(&away, root.join(name)).unwrap();
    }
    all_are_done(&server);
    let jobs = server.jobs();
    let attempts: usize = jobs.iter().map(|job| job["failed_attempts"].as_array().unwrap().len()).sum();
    println!("{rounds} outages, {attempts} attempts that count");
}

#[test]
fn a_queue_waits_for_its_folders_and_says_for_which() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    queue(root, 100);
    fs::create_dir(root.join("share")).unwrap();
    symlink("share/results", root.join("output")).unwrap();
    // The share is not mounted when the server starts.
    let server = Server::start(root, &QUICK);
    waits_for(&server, "output` cannot be used");
    // One job says so, and the others wait behind it.
    wait_for("all jobs", PATIENCE, || server.jobs().len() == JOBS);
    std::thread::sleep(Duration::from_secs(3));
    let waiting = server.jobs().iter().filter(|job| job["status"] == "waiting for folder").count();
    assert_eq!(waiting, 1);
    fs::create_dir(root.join("share/results")).unwrap();
    wait_for("a job that goes on", PATIENCE, || server.jobs().iter().any(|job| job["segments_done"] != 0));
    fs::rename(root.join("input"), root.join("away")).unwrap();
    waits_for(&server, "input` cannot be used");
    fs::rename(root.join("away"), root.join("input")).unwrap();
    all_are_done(&server);
}

#[test]
fn an_empty_mount_point_is_waited_for_and_nothing_is_made_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    queue(root, 250);
    for name in ["disk-in", "disk-out", "output"] {
        fs::create_dir(root.join(name)).unwrap();
    }
    // What is mounted is another folder of the same disk.
    let mount = |from: &str, to: &str| {
        let bound = Command::new("mount").arg("--bind").args([root.join(from), root.join(to)]).status();
        bound.is_ok_and(|status| status.success())
    };
    let unmount = |name: &str| {
        assert!(Command::new("umount").arg("-l").arg(root.join(name)).status().unwrap().success());
    };
    fs::rename(root.join("input"), root.join("disk-in")).unwrap();
    fs::create_dir(root.join("input")).unwrap();
    if !mount("disk-in", "input") || !mount("disk-out", "output") {
        println!("skipped: nothing can be mounted here");
        return;
    }
    let server = Server::start(root, &QUICK);
    wait_for("a job", PATIENCE, || server.jobs().iter().any(|job| job["status"] == "done"));
    for name in ["output", "input"] {
        unmount(name);
        waits_for(&server, "usually mounted");
        assert_eq!(fs::read_dir(root.join(name)).unwrap().count(), 0, "something was made in `{name}`");
        assert!(mount(if name == "input" { "disk-in" } else { "disk-out" }, name));
    }
    let jobs = server.wait_for_jobs(JOBS);
    assert!(jobs.iter().all(|job| job["status"] == "done"), "{jobs:?}");
    unmount("input");
    unmount("output");
}

#[test]
fn a_folder_without_rights_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    if fs::metadata("/proc/self").is_ok_and(|found| std::os::unix::fs::MetadataExt::uid(&found) == 0) {
        println!("skipped: this runs as root, whom no rights bind");
        return;
    }
    queue(root, 50);
    fs::create_dir(root.join("output")).unwrap();
    fs::set_permissions(root.join("output"), fs::Permissions::from_mode(0o555)).unwrap();
    let server = Server::start(root, &QUICK);
    waits_for(&server, "output` cannot be written");
    fs::set_permissions(root.join("output"), fs::Permissions::from_mode(0o755)).unwrap();
    all_are_done(&server);
}

#[test]
fn a_command_waits_too_and_a_missing_file_is_no_outage() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir(root.join("films")).unwrap();
    make_clip(&root.join("films/clip.mp4"), "64x48", 1500, false);
    make_clip(&root.join("films/gone.mp4"), "64x48", 1500, false);
    fs::create_dir(root.join("results")).unwrap();
    let start = |name: &str| {
        let mut command = upscaled(root);
        command.args(["up", name, "-o", "results/"]).args(QUICK);
        command.stderr(std::process::Stdio::piped()).spawn().unwrap()
    };
    let begun = |name: &str| {
        let folder = root.join(format!("results/{name}.job/work"));
        wait_for("a finished segment", PATIENCE, || {
            fs::read_dir(&folder).is_ok_and(|entries| {
                entries.flatten().any(|entry| entry.file_name().to_string_lossy().ends_with(".pkt"))
            })
        });
    };
    let mut child = start("films/clip.mp4");
    begun("clip.mp4");
    fs::rename(root.join("films"), root.join("away")).unwrap();
    std::thread::sleep(Duration::from_secs(1));
    assert!(child.try_wait().unwrap().is_none());
    fs::rename(root.join("away"), root.join("films")).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let child = start("films/gone.mp4");
    begun("gone.mp4");
    fs::remove_file(root.join("films/gone.mp4")).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("the source is gone"), "{said}");
}
