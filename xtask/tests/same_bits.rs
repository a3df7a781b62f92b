//! The command `same-bits` with the real program, and with one that makes something else each time.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

/// Runs the command on the cases of one size; gives whether all was well, and what it printed.
fn same_bits(program: &Path, only: &str) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(["same-bits", "--runs", "4", "--frames", "24", "--limit", "120", "--only", only]);
    let output = command.arg("--upscaled").arg(program).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[test]
fn the_program_gives_the_same_bits_by_each_encoder() {
    let program = Path::new(env!("CARGO_BIN_EXE_xtask")).with_file_name("upscaled");
    assert!(program.is_file(), "run `cargo build --workspace --bins` first");
    let (is_good, printed) = same_bits(&program, "97x63");
    assert!(is_good, "{printed}");
    let lines: Vec<&str> = printed.lines().filter(|line| line.starts_with("97x63")).collect();
    assert_eq!(lines.len(), 6, "{printed}");
    let good = lines.iter().filter(|line| line.ends_with(" 1"));
    let skipped = lines.iter().filter(|line| line.contains("skipped: ")).count();
    assert!(good.count() + skipped == 6 && skipped < 2, "{printed}");
}

#[test]
fn results_that_differ_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("upscaled");
    // As many widths as there are values of the variable that the runs differ in.
    let make = "exec ffmpeg -nostdin -v error -f lavfi -i color=size=$((64 + 2 * ${MALLOC_PERTURB_:-0}))x64:rate=25 \
        -frames:v 2 -c:v ffv1 -y result.mkv";
    fs::write(&program, format!("#!/bin/sh\n{make}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let (is_good, printed) = same_bits(&program, "176x144");
    assert!(!is_good, "{printed}");
    assert!(printed.lines().any(|line| line.starts_with("176x144") && line.ends_with(" 4")), "{printed}");
}
