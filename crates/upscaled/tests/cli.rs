//! The program as such: its commands, its help, its exit codes, what it is linked with.

mod common;

use std::process::Command;

use common::{run, run_well};

#[test]
fn the_program_does_not_link_ffmpeg() {
    let output = Command::new("ldd").arg(env!("CARGO_BIN_EXE_upscaled")).output().unwrap();
    let libraries = String::from_utf8_lossy(&output.stdout);
    assert!(libraries.contains("libc.so"), "{libraries}");
    for library in ["libav", "libsw", "libx264"] {
        assert!(!libraries.contains(library), "{libraries}");
    }
}

#[test]
fn help_lists_the_commands_and_the_exit_codes() {
    let folder = tempfile::tempdir().unwrap();
    let help = run_well(folder.path(), &["--help"]);
    let commands = ["up", "serve", "list", "show", "cancel", "retry", "pause", "resume", "priority", "move"];
    for word in commands.iter().chain(&["doctor", "bench", "Exit codes"]) {
        assert!(help.contains(word), "{word} is missing in:\n{help}");
    }
}

#[test]
fn wrong_usage_has_an_exit_code_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in
        [&["up"][..], &["nonsense"], &["up", "a", "--scale", "2", "--height", "100"], &["show", "x"]]
    {
        assert_eq!(run(folder.path(), arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn values_out_of_range_are_said_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, words) in [
        (["--scale", "9"], "1 to 8"),
        (["--crf", "52"], "0 (best) to 51"),
        (["--preset", "best"], "veryslow"),
        (["--denoise", "2"], "0 to 1"),
        (["--model", "other"], "realesr-animevideov3"),
    ] {
        let output = run(folder.path(), &["up", "a.mp4", arguments[0], arguments[1]]);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && errors.contains(words), "{arguments:?}: {errors}");
    }
}

#[test]
fn there_are_no_jobs_where_no_server_was() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["list"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("upscaled serve"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "looking must not make anything");
}

#[test]
fn the_doctor_finds_what_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    let report = run_well(folder.path(), &["doctor"]);
    for words in ["FFmpeg", "engine", "cpu", "libx264", "sandbox", "disk", "memory", "scratch"] {
        assert!(report.contains(words), "{words} is missing in:\n{report}");
    }
    let works = |line: &str| line.starts_with("ok") && line.contains("libx264");
    assert!(report.lines().any(works), "{report}");
}
