//! What a user may not read or write.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that cannot go on has failed")]

mod common;
#[path = "common/place.rs"]
mod place;
#[path = "common/server.rs"]
mod server;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::{make_clip, run_well, segments, wait_for};
use server::{PATIENCE, Server};

/// The number of a user who has no rights, on every usual system.
const OTHER_USER: &str = "65534";

/// The executables where every user can reach them; `None`, with the reason, where no other user can be taken on.
fn for_all_users(folder: &Path) -> Option<PathBuf> {
    let output = Command::new("setpriv").args(["--reuid", OTHER_USER, "--clear-groups", "true"]).output();
    if !matches!(&output, Ok(output) if output.status.success()) {
        println!("skipped: another user can be taken on by root alone, with setpriv: {output:?}");
        return None;
    }
    set_mode(folder, 0o755);
    let programs = folder.join("bin");
    fs::create_dir(&programs).unwrap();
    let upscaled = Path::new(env!("CARGO_BIN_EXE_upscaled"));
    for program in [upscaled, &common::worker()] {
        fs::copy(program, programs.join(program.file_name().unwrap())).unwrap();
    }
    Some(programs)
}

/// The program as the user who has no rights.
fn by_other_user(programs: &Path, root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(programs.join("upscaled"));
    command.args(arguments).current_dir(root).env_remove("UPSCALED_ROOT");
    place::wrapped(&command, "setpriv", &["--reuid", OTHER_USER, "--regid", OTHER_USER, "--clear-groups"])
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn another_user_is_told_whose_server_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let Some(programs) = for_all_users(folder.path()) else { return };
    let root = folder.path().join("root");
    fs::create_dir(&root).unwrap();
    make_clip(&root.join("clip.mp4"), "32x32", 3, false);
    run_well(&root, &["up", "clip.mp4", "--root", ".", "--model", "none"]);
    for mode in [0o755, 0o700] {
        set_mode(&root.join("state"), mode);
        for arguments in
            [&["list"][..], &["show", "1"], &["cancel", "1"], &["serve", "--model", "none"], &["reload"]]
        {
            let output = by_other_user(&programs, &root, arguments).output().unwrap();
            let errors = errors(&output);
            assert_eq!(output.status.code(), Some(1), "{arguments:?}: {errors}");
            assert!(errors.contains("`sudo -u root upscaled ...`"), "{arguments:?}: {errors}");
            assert_eq!(errors.lines().count(), 1, "{arguments:?}: {errors}");
        }
    }
    // A ledger of another user in a folder that all may write.
    set_mode(&root.join("state"), 0o777);
    let output = by_other_user(&programs, &root, &["list"]).output().unwrap();
    assert!(errors(&output).contains("ledger.db` is of the user root"), "{}", errors(&output));
    run_well(&root, &["list"]);
}

#[test]
fn a_running_server_answers_no_other_user() {
    let folder = tempfile::tempdir().unwrap();
    let Some(programs) = for_all_users(folder.path()) else { return };
    let root = folder.path().join("root");
    fs::create_dir_all(root.join("input")).unwrap();
    make_clip(&root.join("input/clip.mp4"), "32x32", 3, false);
    let server = Server::start(&root, &["--model", "none"]);
    server.wait_for_jobs(1);
    let refused = |arguments: &[&str]| {
        let output = by_other_user(&programs, &root, arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", errors(&output));
        errors(&output)
    };
    let state = root.join("state");
    // The rights of the socket keep others away, and the server itself does.
    for mode in [0o600, 0o666] {
        set_mode(&state.join("upscaled.sock"), mode);
        for arguments in [&["list"][..], &["cancel", "1"], &["reload"]] {
            let said = refused(arguments);
            assert!(said.contains("`sudo -u root upscaled ...`") && said.lines().count() == 1, "{said}");
        }
    }
    set_mode(&state, 0o777);
    for entry in fs::read_dir(&state).unwrap().flatten() {
        set_mode(&entry.path(), 0o666);
    }
    let said = refused(&["remove", "1"]);
    assert!(said.contains("answers its own user alone") && said.lines().count() == 1, "{said}");
    assert_eq!(server.jobs().len(), 1);
}

#[test]
fn a_file_that_may_not_be_read_is_taken_up_as_soon_as_it_may() {
    let folder = tempfile::tempdir().unwrap();
    let Some(programs) = for_all_users(folder.path()) else { return };
    let root = folder.path().join("root");
    fs::create_dir_all(root.join("input")).unwrap();
    set_mode(&root, 0o777);
    let [first, second] = ["first.mp4", "second.mp4"].map(|name| root.join("input").join(name));
    make_clip(&first, "64x36", 600, false);
    set_mode(&first, 0o600);
    let settings = ["--model", "realesr-animevideov3", "--segment-frames", "25"];
    let server = Server::start_wrapped(&root, &settings, |serve| {
        let arguments: Vec<&str> = serve.get_args().map(|argument| argument.to_str().unwrap()).collect();
        by_other_user(&programs, &root, &arguments)
    });
    let reason = |line: &serde_json::Value| line["reason"].as_str().unwrap_or_default().to_owned();
    wait_for("the file to wait", PATIENCE, || {
        server
            .seen()
            .first()
            .is_some_and(|file| reason(file).contains("may not be read by the server's user"))
    });
    set_mode(&first, 0o644);
    let work = root.join("output/first.mp4.job");
    wait_for("two segments", PATIENCE, || segments(&work).len() >= 2);
    // In the middle of the work, and before a job begins.
    make_clip(&second, "64x40", 25, false);
    wait_for("the second job", PATIENCE, || server.jobs().len() == 2);
    for file in [&first, &second] {
        set_mode(file, 0o600);
    }
    wait_for("both to wait", PATIENCE, || {
        server
            .jobs()
            .iter()
            .all(|job| job["status"] == "waiting for folder" && reason(job).contains("may not be read"))
    });
    for file in [&first, &second] {
        set_mode(file, 0o644);
    }
    let jobs = server.wait_for_jobs(2);
    assert!(jobs.iter().all(|job| job["status"] == "done"), "{jobs:#?}");
}
