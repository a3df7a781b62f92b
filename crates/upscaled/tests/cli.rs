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
    for word in [
        "up",
        "preview",
        "serve",
        "list",
        "show",
        "cancel",
        "retry",
        "forget",
        "pause",
        "resume",
        "priority",
        "move",
        "doctor",
        "bench",
        "Exit codes",
    ] {
        assert!(help.contains(word), "{word} is missing in:\n{help}");
    }
}

#[test]
fn wrong_usage_has_an_exit_code_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        &["up"][..],
        &["nonsense"],
        &["up", "a", "--scale", "2", "--height", "100"],
        &["up", "a", "--width", "2", "--fit", "9x9"],
        &["show"],
    ] {
        assert_eq!(run(folder.path(), arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn values_out_of_range_are_wrong_usage_and_said_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, words) in [
        (&["--scale", "9"][..], "1 to 8"),
        (&["--scale", "0"], "1 to 8"),
        (&["--scale", "-2"], "1 to 8"),
        (&["--crf", "52"], "0 (best) to 51"),
        (&["--crf", "-1"], "0 (best) to 51"),
        (&["--preset", "best"], "veryslow"),
        (&["--denoise", "2"], "0 to 1"),
        (&["--strength", "2"], "from 0 (no network) to 1"),
        (&["--strength", "-0.5"], "from 0 (no network) to 1"),
        (&["--grain", "2"], "from 0 (none) to 1"),
        (&["--width", "1"], "2 to 16384"),
        (&["--fit", "1x1"], "2 to 16384"),
        (&["--model", "other"], "realesr-animevideov3"),
        (&["--encoder", "libx266"], "libx265"),
        (&["--max-disk", "200"], "did you mean \"200GB\"?"),
        (&["--max-disk", "0"], "on no disk"),
        (&["--max-disk", "0GB"], "on no disk"),
        (&["--denoise", "0.5", "--model", "none"], "works with model"),
        (&["--strength", "0.5", "--model", "none"], "model none has no network"),
        (&["--anchor", "--model", "none"], "model none has no network"),
    ] {
        let output = run(folder.path(), &[&["up", "a.mp4"], arguments].concat());
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && errors.contains(words), "{arguments:?}: {errors}");
        assert!(!errors.contains("tip: to pass"), "{arguments:?}: {errors}");
    }
}

#[test]
fn a_place_that_no_result_can_have_is_wrong_usage() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.mp4"), b"no video").unwrap();
    std::fs::write(folder.path().join("b.mp4"), b"no video").unwrap();
    for (arguments, words) in [
        (&["a.mp4", "-o", "nope/x.mp4"][..], "the folder `nope` is not there"),
        (&["a.mp4", "-o", "x.mkv", "--container", "mp4"], "contradict each other"),
        (&["a.mp4", "-o", "x.avi"], "neither .mp4 nor .mkv"),
        (&["a.mp4", "-o", "a.mp4"], "would replace its source"),
        (&["a.mp4", "b.mp4", "-o", "x.mp4"], "one name for several results"),
    ] {
        let output = run(folder.path(), &[&["up", "--model", "none"], arguments].concat());
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && errors.contains(words), "{arguments:?}: {errors}");
        assert_eq!(errors.matches("error:").count(), 1, "{errors}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "{arguments:?}: nothing is made");
    }
}

#[test]
fn mistakes_in_the_settings_are_wrong_usage_with_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("upscaled.toml");
    for (text, words) in [
        ("scale = 2\nmodel = none", "line 2: write it in quotes: model = \"none\""),
        ("max_disk = 200", "did you mean \"200GB\"?"),
        ("modle = \"none\"", "did you mean `model`?"),
        ("crf = 52", "from 0 (best) to 51"),
        ("\nmodel = \"other\"", "line 2: model: there is no model `other`"),
        ("scale = 2\npreset = \"best\"", "line 2: preset: the encoder libx264 has no preset `best`"),
        ("codec = \"av1\"\ncrf = 0", "line 2: crf: the quality 0 is out of range"),
        ("codec = \"av1\"\nencoder = \"libx264\"", "line 2: encoder: the encoder libx264 does not make"),
        ("encoder_options = { tune = \"loud\" }", "line 1: encoder_options: libx264 does not take tune=loud"),
        ("max_disk = 0", "line 1: max_disk = 0 cannot be: no job could make anything on no disk"),
        ("max_disk = \"0GB\"", "line 1: max_disk = \"0GB\" cannot be: no job could make anything on no disk"),
        ("model = \"none\"\nstrength = 0.5", "line 2: strength: model none has no network"),
        ("anchor = true\nmodel = \"none\"", "line 1: anchor: model none has no network"),
    ] {
        std::fs::write(&file, text).unwrap();
        for command in ["config", "serve"] {
            let output = run(folder.path(), &[command]);
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.code() == Some(2) && errors.contains(words), "{command}: {text}: {errors}");
        }
    }
    // What the command line goes over is not to blame.
    std::fs::write(&file, "model = \"other\"\nstrength = 0.5\nanchor = true").unwrap();
    run_well(folder.path(), &["config", "--model", "none"]);
    let output = run(folder.path(), &["config", "--model", "third"]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && errors.starts_with("error: there is no model"), "{errors}");
}

#[test]
fn an_output_that_cannot_be_written_is_an_error_and_one_that_nobody_reads_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let doctor = || {
        let mut command = common::upscaled(folder.path());
        command.args(["doctor", "--json"]);
        command
    };
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = doctor().stdout(full).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.code() == Some(1) && errors.contains("standard output cannot be written"),
        "{errors}"
    );
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = doctor().stdout(writer).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
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
