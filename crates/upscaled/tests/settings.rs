//! What settings hold, which models there are, and what is wrong with them, before any job needs them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod common;
#[path = "common/server.rs"]
mod server;

use std::fs;
use std::process::Command;

use common::{make_clip, run, run_well, wait_for};
use serde_json::Value;
use server::Server;

fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn options_that_no_encoder_takes_are_said_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make_clip(&root.join("clip.mp4"), "32x32", 3, false);
    let wrong = run(root, &["up", "clip.mp4", "--model", "none", "--encoder-option", "foo=bar"]);
    let errors = String::from_utf8_lossy(&wrong.stderr);
    assert_eq!(wrong.status.code(), Some(2), "{errors}");
    assert!(errors.starts_with("error: libx264 has no option `foo`: ") && errors.len() < 200, "{errors}");
    assert_eq!(fs::read_dir(root).unwrap().count(), 1, "nothing is made");
    fs::write(root.join("upscaled.toml"), "encoder_options = { tune = \"loud\" }").unwrap();
    let wrong = run(root, &["serve"]);
    let errors = String::from_utf8_lossy(&wrong.stderr);
    assert!(wrong.status.code() == Some(2) && errors.contains("does not take tune=loud"), "{errors}");
    run_well(root, &["up", "clip.mp4", "--model", "none", "--encoder-option", "tune=film"]);
}

#[test]
fn models_are_listed_and_broken_ones_are_in_nobody_s_way() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir(root.join("models")).unwrap();
    fs::write(root.join("models/broken.safetensors"), b"no weights").unwrap();
    fs::write(root.join("models/half.param"), b"7767517\n").unwrap();
    let models = json_lines(&run_well(root, &["models", "--json"]));
    let names: Vec<&str> = models.iter().map(|model| model["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["realesr-general-x4v3", "realesr-animevideov3", "broken", "half"]);
    for model in &models[..2] {
        assert!(
            model["architecture"] == "SRVGGNetCompact" && model["scale"] == 4 && model["error"].is_null()
        );
        assert!(
            model["checksum"].as_str().unwrap().starts_with("sha256:")
                && model["bytes"].as_u64() > Some(1 << 20)
        );
    }
    for model in &models[2..] {
        assert!(
            model["error"].is_string() && model["path"].is_string() && model["scale"].is_null(),
            "{model}"
        );
    }
    let table = run_well(root, &["models"]);
    assert_eq!(table.lines().count(), 5, "{table}");
    fs::write(root.join("upscaled.toml"), "model = \"missing\"").unwrap();
    let doctor = run_well(root, &["doctor"]);
    for finding in ["broken: ", "half: ", "there is no model `missing`"] {
        assert!(
            doctor.lines().any(|line| line.starts_with("--") && line.contains(finding)),
            "{finding}: {doctor}"
        );
    }
    make_clip(&root.join("clip.mp4"), "32x32", 3, false);
    run_well(root, &["up", "clip.mp4", "--root", ".", "--model", "none"]);
    assert!(run_well(root, &["list"]).contains("done"));
}

#[test]
fn settings_are_shown_with_where_they_are_from() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::write(root.join("upscaled.toml"), "model = \"none\"\ncrf = 20\n").unwrap();
    let settings = json_lines(&run_well(root, &["config", "--crf", "18", "--json"]));
    let of = |key: &str| settings.iter().find(|setting| setting["key"] == key).unwrap();
    assert_eq!((&of("crf")["value"], &of("crf")["origin"]), (&"18".into(), &"command line".into()));
    assert_eq!((&of("model")["origin"], &of("model")["line"]), (&"upscaled.toml, line 1".into(), &1.into()));
    assert_eq!((&of("scale")["value"], &of("scale")["origin"]), (&"4".into(), &"default".into()));
    assert_eq!(of("root")["origin"], "default");
    let text = run_well(root, &["config"]);
    assert!(
        text.lines().any(|line| line.starts_with("crf") && line.ends_with("upscaled.toml, line 2")),
        "{text}"
    );
    fs::write(root.join("upscaled.toml"), "scale = 9").unwrap();
    assert_eq!(run(root, &["config"]).status.code(), Some(2));
}

#[test]
fn shells_and_manuals_get_what_they_need() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("completions");
    fs::write(&script, run_well(folder.path(), &["generate", "completions", "bash"])).unwrap();
    assert!(Command::new("bash").arg("-n").arg(&script).status().unwrap().success());
    for shell in ["zsh", "fish", "elvish", "powershell"] {
        assert!(run_well(folder.path(), &["generate", "completions", shell]).contains("preview"), "{shell}");
    }
    run_well(folder.path(), &["generate", "man", "man1"]);
    for page in ["upscaled.1", "upscaled-up.1", "upscaled-list.1"] {
        let text = fs::read_to_string(folder.path().join("man1").join(page)).unwrap();
        assert!(text.contains(".TH") && text.contains(".SH SYNOPSIS"), "{page}");
    }
}

#[test]
fn a_server_says_what_it_does() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir(root.join("input")).unwrap();
    let mut server = Server::start(root, &["--model", "none"]);
    let status = || {
        fs::read(root.join("state/status.json"))
            .ok()
            .map(|bytes| serde_json::from_slice::<Value>(&bytes).unwrap())
    };
    let is = |state: &str| status().is_some_and(|status| status["state"] == state);
    wait_for("an idle server", server::PATIENCE, || is("idle"));
    make_clip(&root.join("input/clip.mp4"), "32x32", 3, false);
    server.wait_for_jobs(1);
    wait_for("the job to be counted", server::PATIENCE, || {
        status().is_some_and(|status| status["jobs"]["done"] == 1)
    });
    assert_eq!(server.stop(), Some(0));
    let log: String = fs::read_dir(root.join("logs"))
        .unwrap()
        .flatten()
        .map(|file| fs::read_to_string(file.path()).unwrap())
        .collect();
    assert_eq!(log.lines().filter(|line| line.ends_with("job 1: running")).count(), 1, "{log}");
    let last = status().unwrap();
    assert_eq!((&last["waiting"], &last["seen"]), (&0.into(), &0.into()));
    assert_eq!((&last["state"], &last["version"]), (&"stopped".into(), &env!("CARGO_PKG_VERSION").into()));
}

#[test]
fn a_list_that_is_watched_leaves_a_clean_screen() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make_clip(&root.join("clip.mp4"), "32x32", 3, false);
    run_well(root, &["up", "clip.mp4", "--root", ".", "--model", "none"]);
    assert_eq!(run(root, &["list", "--watch"]).status.code(), Some(2), "it is no terminal");
    // A shell of its own, so that the terminal is told of the program alone.
    let line = "list --watch & sleep 2.5; kill -INT $!; wait $!; echo ended with $?";
    let Some(shown) = common::on_terminal(root, 60, line) else { return };
    let (drawn, after) = shown.split_once("\u{1b}[?25h\u{1b}[?1049l").expect("the usual screen comes back");
    assert!(drawn.contains("\u{1b}[?1049h") && drawn.matches("JOB  STATUS").count() >= 2, "{shown:?}");
    assert!(drawn.contains("clip.mp4") && after.trim() == "ended with 130", "{shown:?}");
}

#[test]
fn a_terminal_that_does_not_know_its_size_gets_lines_of_the_usual_one() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let name = format!("{}.mp4", "long name ".repeat(12));
    make_clip(&root.join(&name), "32x32", 3, false);
    run_well(root, &["up", &name, "--root", ".", "--model", "none"]);
    for (columns, rows, widest) in [(60, 0, 60), (0, 24, 80), (0, 0, 80)] {
        let Some(shown) = common::on_terminal_of(root, columns, rows, "list") else { return };
        let lines: Vec<&str> = shown.lines().map(str::trim_end).collect();
        assert!(lines.len() == 2 && lines[1].contains("…"), "{columns} {rows}: {lines:?}");
        assert!(lines.iter().all(|line| line.chars().count() <= widest), "{columns} {rows}: {lines:?}");
    }
    let line = "list --watch & sleep 1.5; kill -INT $!; wait $!";
    let Some(shown) = common::on_terminal_of(root, 60, 0, line) else { return };
    assert!(shown.contains("JOB  STATUS") && shown.contains("done"), "{shown:?}");
}

#[test]
fn new_settings_are_taken_up_for_new_jobs_and_mistakes_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let settings = root.join("upscaled.toml");
    fs::create_dir(root.join("input")).unwrap();
    fs::write(&settings, "model = \"none\"\nscale = 2").unwrap();
    assert_eq!(run(root, &["reload"]).status.code(), Some(0), "no server has to run");
    let mut server = Server::start(root, &[]);
    let size = |name: &str, jobs: usize| {
        make_clip(&root.join("input").join(name), "32x32", 3, false);
        let jobs = server.wait_for_jobs(jobs);
        let job = jobs.iter().find(|job| job["source"].as_str().unwrap().ends_with(name)).unwrap();
        job["result_size"].as_str().unwrap().to_owned()
    };
    assert_eq!(size("a.mp4", 1), "64x64");
    fs::write(&settings, "model = none").unwrap();
    let refused = run(root, &["reload"]);
    let errors = String::from_utf8_lossy(&refused.stderr);
    assert!(refused.status.code() == Some(2) && errors.contains("write it in quotes"), "{errors}");
    // The server refuses it too.
    server.signal("HUP");
    let log = || {
        fs::read_dir(root.join("logs"))
            .unwrap()
            .flatten()
            .map(|file| fs::read_to_string(file.path()).unwrap())
            .collect::<String>()
    };
    wait_for("the refusal", server::PATIENCE, || log().contains("the settings stay as they are"));
    fs::write(&settings, "model = \"none\"\nscale = 3").unwrap();
    run_well(root, &["reload"]);
    wait_for("the new settings", server::PATIENCE, || log().contains("the settings were read again"));
    assert_eq!(size("b.mp4", 2), "96x96");
    fs::write(&settings, "model = \"none\"\nscale = 4").unwrap();
    server.signal("HUP");
    wait_for("the new settings", server::PATIENCE, || {
        log().matches("the settings were read again").count() == 2
    });
    assert_eq!(size("c.mp4", 3), "128x128");
    // What is not of single jobs is taken up as well.
    fs::write(&settings, "model = \"none\"\nscale = 4\nkeep_time = true\nmax_disk = \"1 bytes\"").unwrap();
    run_well(root, &["reload"]);
    let changes = "changed: max_disk: what is free -> \"1 bytes\", keep_time: false -> true";
    wait_for("the changes", server::PATIENCE, || log().contains(changes));
    make_clip(&root.join("input/d.mp4"), "32x36", 3, false);
    let jobs = server.wait_for_jobs(4);
    let refused = jobs.iter().find(|job| job["status"] == "failed").unwrap();
    assert!(refused["reason"].as_str().unwrap().contains("max_disk in upscaled.toml"), "{refused}");
    fs::write(&settings, "model = \"none\"\nscale = 4\nkeep_time = true").unwrap();
    run_well(root, &["reload"]);
    run_well(root, &["retry", "d.mp4"]);
    let jobs = server.wait_for_jobs(4);
    assert!(jobs.iter().all(|job| job["status"] == "done"), "{jobs:#?}");
    let time = |path: &str| root.join(path).metadata().unwrap().modified().unwrap();
    assert_eq!(time("output/d_upscaled.mp4"), time("input/d.mp4"));
    assert_eq!(server.stop(), Some(0));
}
