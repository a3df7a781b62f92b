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
use std::path::Path;

use common::{executable, frame_checksums, library, make_clip, run_well, upscaled, wait_for, worker};
use serde_json::Value;
use server::{PATIENCE, Server};

/// Errors by which the system denies, or does not know what is asked.
const EPERM: i32 = 1;
const ENOMEM: i32 = 12;
const EACCES: i32 = 13;
const ENOSYS: i32 = 38;

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
    assert!(detail.starts_with("40 of 40"), "{detail}");
    assert_eq!(sandbox["ok"], true);
}

#[test]
fn the_worker_of_a_job_is_in_its_sandbox() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir_all(root.join("input")).unwrap();
    make_clip(&root.join("input/clip.mp4"), "160x90", 50, false);
    let server = Server::start(root, &["--model", "realesr-animevideov3"]);
    let opened = |worker: u32, wanted: &Path| {
        let files = fs::read_dir(format!("/proc/{worker}/fd")).into_iter().flatten().flatten();
        files.filter_map(|file| fs::read_link(file.path()).ok()).any(|file| file == wanted)
    };
    let clip = root.join("input/clip.mp4");
    let (mut worker, mut status) = (0, String::new());
    wait_for("a worker to read the video", PATIENCE, || {
        worker = server.workers().into_iter().find(|&worker| opened(worker, &clip)).unwrap_or_default();
        status = fs::read_to_string(format!("/proc/{worker}/status")).unwrap_or_default();
        !status.is_empty()
    });
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().to_owned()
    };
    // Two filters that the process cannot take off again (mode 2 is a filter).
    assert_eq!([field("NoNewPrivs:"), field("Seccomp:"), field("Seccomp_filters:")], ["1", "2", "2"]);
    // All threads were started behind them.
    for thread in fs::read_dir(format!("/proc/{worker}/task")).into_iter().flatten().flatten() {
        let status = fs::read_to_string(thread.path().join("status")).unwrap_or_default();
        assert!(status.is_empty() || status.contains("Seccomp:\t2"), "{status}");
    }
}

/// Names of attacks that a worker made, with their errors.
fn attacks(report: &Path) -> Vec<(String, i32)> {
    let text = fs::read_to_string(report).unwrap();
    let line = |line: &str| {
        let (name, error) = line.split_once(' ').unwrap();
        (name.to_owned(), error.parse().unwrap())
    };
    text.lines().map(line).collect()
}

#[test]
fn a_decoder_that_is_taken_over_can_do_nothing_in_a_real_worker() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let Some(library) = library("attacks.c", &path("attacks.so")) else { return };
    make_clip(&path("clip.mp4"), "64x36", 30, true);
    fs::write(path("attacked"), "").unwrap();
    run_well(folder.path(), &["up", "clip.mp4", "-m", "none", "-o", "wanted.mp4"]);
    let mut command = upscaled(folder.path());
    let script = format!(
        "#!/bin/sh\nexec 9>>'{report}'\nexport LD_PRELOAD='{library}' ATTACKED='{attacked}'\nexec '{worker}' \"$@\"\n",
        report = path("report").display(),
        library = library.display(),
        attacked = path("attacked").display(),
        worker = worker().display(),
    );
    executable(&path("worker.sh"), &script);
    command.env("UPSCALED_WORKER", path("worker.sh")).env("SECRET_OF_THE_SERVER", "x");
    let output = command.args(["up", "clip.mp4", "-m", "none"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let errors = String::from_utf8_lossy(&output.stderr);
    if errors.contains("not fully confined") {
        println!("skipped: {errors}");
        return;
    }
    let attacks = attacks(&path("report"));
    println!("{} attacks", attacks.len());
    assert!(attacks.len() >= 55, "{attacks:?}");
    let known = [EPERM, EACCES, ENOSYS, ENOMEM];
    let came_through: Vec<_> = attacks.iter().filter(|(_, error)| !known.contains(error)).collect();
    assert!(came_through.is_empty(), "{came_through:?}");
    assert_eq!(frame_checksums(&path("clip_upscaled.mp4")), frame_checksums(&path("wanted.mp4")));
}

/// A worker whose system refuses a call; `None`, with the reason, where calls cannot be made to fail.
fn worker_without(folder: &Path, call: &str, error: &str) -> Option<std::path::PathBuf> {
    let traced = std::process::Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).output();
    if !traced.as_ref().is_ok_and(|output| output.status.success()) {
        println!("skipped: no call can be made to fail here, which needs strace: {traced:?}");
        return None;
    }
    let script = format!(
        "#!/bin/sh\nexec strace -f -o /dev/null -e trace={call} -e inject={call}:error={error} '{}' \"$@\"\n",
        worker().display()
    );
    let path = folder.join(format!("without-{call}.sh"));
    executable(&path, &script);
    Some(path)
}

#[test]
fn without_its_sandbox_a_worker_gets_no_video_unless_the_user_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    fs::create_dir(&root).unwrap();
    make_clip(&folder.path().join("clip.mp4"), "64x36", 10, false);
    for (call, error, layer) in
        [("landlock_create_ruleset", "ENOSYS", "no Landlock"), ("seccomp", "EINVAL", "no seccomp")]
    {
        let Some(worker) = worker_without(folder.path(), call, error) else { return };
        let run = |arguments: &[&str]| {
            let mut command = upscaled(folder.path());
            let output = command.env("UPSCALED_WORKER", &worker).args(arguments).output().unwrap();
            (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
        };
        let up = ["up", "clip.mp4", "-m", "none", "--overwrite"];
        for arguments in [&up[..], &["serve", "--root", "root"], &["preview", "clip.mp4", "--at", "0"]] {
            let (code, said) = run(arguments);
            assert_eq!(code, Some(1), "{said}");
            assert!(said.contains(layer) && said.contains("cannot be confined on this system"), "{said}");
        }
        assert!(!folder.path().join("clip_upscaled.mp4").exists());
        let (code, said) = run(&[&up[..], &["--unconfined"]].concat());
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(said.matches("the worker is not confined, as was allowed").count(), 1, "{said}");
        fs::write(root.join("upscaled.toml"), "unconfined = true\n").unwrap();
        let (code, said) = run(&[&up[..], &["--root", "root"]].concat());
        assert_eq!(code, Some(0), "{said}");
        for path in ["root/upscaled.toml", "clip_upscaled.mp4", "clip_upscaled.mp4.json"] {
            fs::remove_file(folder.path().join(path)).unwrap();
        }
        fs::remove_dir_all(root.join("state")).unwrap();
    }
}

#[test]
fn a_server_gives_up_what_it_does_not_need() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &["--model", "none"]);
    wait_for("the server", PATIENCE, || folder.path().join("state/id.json").exists());
    let of = |file: &str| fs::read_to_string(format!("/proc/{}/{file}", server.id())).unwrap();
    let (status, limits) = (of("status"), of("limits"));
    assert!(status.contains("NoNewPrivs:\t1"), "{status}");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"], "{core}");
    let permitted = status.lines().find_map(|line| line.strip_prefix("CapPrm:")).unwrap();
    let permitted = u64::from_str_radix(permitted.trim(), 16).unwrap();
    // Owners, rights to read and write, times, flags of files, and seeing who has a file open.
    assert_eq!(permitted & !(0b1_1111 | 1 << 19), 0, "{permitted:x}");
}

#[test]
fn results_have_the_rights_that_the_user_gives_new_files_and_the_key_is_secret() {
    use std::os::unix::fs::MetadataExt as _;
    let folder = tempfile::tempdir().unwrap();
    make_clip(&folder.path().join("clip.mp4"), "64x36", 10, false);
    for (mask, file) in [("022", 0o644), ("027", 0o640), ("002", 0o664)] {
        let program = upscaled(folder.path());
        let script = format!("umask {mask} && exec \"$@\"");
        let mut command = std::process::Command::new("sh");
        command.args(["-c", &script, "sh"]).arg(program.get_program()).current_dir(folder.path());
        let root = format!("root-{mask}");
        fs::create_dir(folder.path().join(&root)).unwrap();
        let output =
            command.args(["up", "clip.mp4", "-m", "none", "--overwrite", "--root", &root]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let found = |name: &str| fs::metadata(folder.path().join(name)).unwrap();
        for name in ["clip_upscaled.mp4", "clip_upscaled.mp4.json"] {
            assert_eq!(found(name).mode() & 0o777, file, "{name} with umask {mask}");
            assert_eq!((found(name).uid(), found(name).gid()), (found(&root).uid(), found(&root).gid()));
        }
        assert_eq!(found(&format!("{root}/state/key")).mode() & 0o777, 0o600);
        fs::remove_file(folder.path().join("clip_upscaled.mp4")).unwrap();
        fs::remove_file(folder.path().join("clip_upscaled.mp4.json")).unwrap();
    }
}
