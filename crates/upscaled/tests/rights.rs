//! What a user may not read or write.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that cannot go on has failed")]

mod common;
#[path = "common/place.rs"]
mod place;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::{make_clip, run_well};

/// The number of a user who has no rights, on every usual system.
const NOBODY: &str = "65534";

/// The executables where every user can reach them; `None`, with the reason, where no other user can be taken on.
fn for_all_users(folder: &Path) -> Option<PathBuf> {
    let output = Command::new("setpriv").args(["--reuid", NOBODY, "--clear-groups", "true"]).output();
    if !matches!(&output, Ok(output) if output.status.success()) {
        println!("skipped: another user can be taken on by root alone, with setpriv: {output:?}");
        return None;
    }
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    let programs = folder.join("bin");
    fs::create_dir(&programs).unwrap();
    let upscaled = Path::new(env!("CARGO_BIN_EXE_upscaled"));
    for program in [upscaled, &common::worker()] {
        fs::copy(program, programs.join(program.file_name().unwrap())).unwrap();
    }
    Some(programs)
}

/// The program as the user who has no rights.
fn of_nobody(programs: &Path, root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(programs.join("upscaled"));
    command.args(arguments).current_dir(root).env_remove("UPSCALED_ROOT");
    place::wrapped(&command, "setpriv", &["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"])
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
        fs::set_permissions(root.join("state"), fs::Permissions::from_mode(mode)).unwrap();
        for arguments in
            [&["list"][..], &["show", "1"], &["cancel", "1"], &["serve", "--model", "none"], &["reload"]]
        {
            let output = of_nobody(&programs, &root, arguments).output().unwrap();
            let errors = errors(&output);
            assert_eq!(output.status.code(), Some(1), "{arguments:?}: {errors}");
            assert!(errors.contains("`sudo -u root upscaled ...`"), "{arguments:?}: {errors}");
            assert_eq!(errors.lines().count(), 1, "{arguments:?}: {errors}");
        }
    }
    // A ledger of another user in a folder that all may write.
    fs::set_permissions(root.join("state"), fs::Permissions::from_mode(0o777)).unwrap();
    let output = of_nobody(&programs, &root, &["list"]).output().unwrap();
    assert!(errors(&output).contains("ledger.db` is of the user root"), "{}", errors(&output));
    run_well(&root, &["list"]);
}
