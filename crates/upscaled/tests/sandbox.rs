//! The worker can do nothing but its work, whatever its decoders are made to do.

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

use common::{make_clip, run_well, wait_for};
use serde_json::Value;
use server::{PATIENCE, Server};

#[test]
fn what_an_attacker_would_try_is_denied() {
    let folder = tempfile::tempdir().unwrap();
    let findings = run_well(folder.path(), &["doctor", "--json"]);
    let mut findings = findings.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let sandbox = findings.find(|finding| finding["subject"] == "sandbox").unwrap();
    let detail = sandbox["detail"].as_str().unwrap();
    println!("{detail}");
    if detail.contains("Landlock (") {
        println!("skipped: the files are not walled off on this kernel");
        assert_eq!(sandbox["ok"], false);
        return;
    }
    assert!(detail.starts_with("12 of 12"), "{detail}");
    assert_eq!(sandbox["ok"], true);
}

#[test]
fn the_worker_of_a_job_is_behind_the_walls() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir_all(root.join("input")).unwrap();
    make_clip(&root.join("input/clip.mp4"), "160x90", 50, false);
    let server = Server::start(root, &["--model", "realesr-animevideov3"]);
    let jobs = || server.jobs();
    wait_for("the upscaling", PATIENCE, || {
        server.worker().is_some() && jobs().first().is_some_and(|job| job["segments"].as_u64() > Some(0))
    });
    let status = fs::read_to_string(format!("/proc/{}/status", server.worker().unwrap())).unwrap();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().to_owned()
    };
    // Two filters that the process cannot take off again (mode 2 is a filter).
    assert_eq!([field("NoNewPrivs:"), field("Seccomp:"), field("Seccomp_filters:")], ["1", "2", "2"]);
    // All threads were started behind them.
    for thread in fs::read_dir(format!("/proc/{}/task", server.worker().unwrap())).unwrap().flatten() {
        let status = fs::read_to_string(thread.path().join("status")).unwrap_or_default();
        assert!(status.is_empty() || status.contains("Seccomp:\t2"), "{status}");
    }
}
