//! Subtitle files beside a source go along with its result.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that cannot go on has failed")]

mod common;
#[path = "common/server.rs"]
mod server;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{can_trace, make_clip, run, run_well, upscaled};
use serde_json::{Value, json};
use server::Server;

const QUICK: [&str; 6] = ["--model", "none", "--preset", "ultrafast", "--scale", "2"];

/// The names of all files in a folder that begin so, in order.
fn beginning(folder: &Path, with: &str) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().flatten();
    let names = names.map(|entry| entry.file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.starts_with(with)).collect();
    names.sort();
    names
}

fn report(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn they_are_copied_under_the_name_of_the_result() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    make_clip(&at("film.mkv"), "32x32", 5, false);
    make_clip(&at("film.2.mkv"), "32x32", 5, false);
    for name in ["film.srt", "film.en.forced.SRT", "film.2.srt", "film 2.srt", "film.txt", "other.srt"] {
        fs::write(at(name), format!("1\n{name}\n")).unwrap();
    }
    fs::write(at("film.de.ass"), "new").unwrap();
    fs::write(at("film_upscaled.de.ass"), "of a person").unwrap();
    symlink("nowhere", at("film.fr.srt")).unwrap();
    fs::create_dir(at("film.it.srt")).unwrap();
    fs::File::create(at("film.sup")).unwrap().set_len(50_000_001).unwrap();
    let output = run(folder.path(), &[&["up", "film.mkv"][..], &QUICK].concat());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let wanted = [
        "film_upscaled.de.ass",
        "film_upscaled.en.forced.SRT",
        "film_upscaled.mkv",
        "film_upscaled.mkv.json",
        "film_upscaled.srt",
    ];
    assert_eq!(beginning(folder.path(), "film_upscaled"), wanted);
    assert_eq!(fs::read_to_string(at("film_upscaled.srt")).unwrap(), "1\nfilm.srt\n");
    assert_eq!(fs::read_to_string(at("film_upscaled.de.ass")).unwrap(), "of a person");
    let along = &report(&at("film_upscaled.mkv.json"))["subtitle_files"];
    assert_eq!(along["taken"], json!(["film_upscaled.en.forced.SRT", "film_upscaled.srt"]));
    let notes: Vec<&str> = along["notes"].as_array().unwrap().iter().map(|n| n.as_str().unwrap()).collect();
    for (note, (name, reason)) in notes.iter().zip([
        ("film.de.ass", "is there already"),
        ("film.fr.srt", "not there"),
        ("film.it.srt", "no file"),
        ("film.sup", "larger than 50.0 MB"),
    ]) {
        assert!(note.contains(name) && note.contains(reason) && said.contains(note), "{note} in {said}");
    }
    assert_eq!(notes.len(), 4, "{notes:?}");
    // The source of the longer name has the file of that name; a second time there is nothing to do.
    for _ in 0..2 {
        run_well(folder.path(), &[&["up", "film.2.mkv", "--overwrite"][..], &QUICK].concat());
        let wanted = ["film.2_upscaled.mkv", "film.2_upscaled.mkv.json", "film.2_upscaled.srt"];
        assert_eq!(beginning(folder.path(), "film.2_"), wanted);
        let along = &report(&at("film.2_upscaled.mkv.json"))["subtitle_files"];
        assert_eq!(*along, json!({ "taken": ["film.2_upscaled.srt"], "notes": [] }));
    }
}

#[test]
fn they_stay_where_they_are_on_request() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    make_clip(&at("film.mkv"), "32x32", 5, false);
    fs::write(at("film.srt"), "text").unwrap();
    fs::create_dir(at("root")).unwrap();
    fs::write(at("root/upscaled.toml"), "subtitle_files = false\n").unwrap();
    let up = |more: &[&str]| run_well(folder.path(), &[&["up", "film.mkv"][..], more, &QUICK].concat());
    up(&["--no-subtitle-files", "-o", "a.mkv"]);
    up(&["--root", "root", "-o", "b.mkv"]);
    assert_eq!(beginning(folder.path(), "a."), ["a.mkv", "a.mkv.json"]);
    assert_eq!(beginning(folder.path(), "b."), ["b.mkv", "b.mkv.json"]);
    assert!(report(&at("a.mkv.json")).get("subtitle_files").is_none());
    up(&["-o", "c.mkv"]);
    assert_eq!(beginning(folder.path(), "c."), ["c.mkv", "c.mkv.json", "c.srt"]);
}

#[test]
fn a_server_takes_them_into_its_output_folder() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir_all(root.join("input/series")).unwrap();
    for (name, text) in [("film.en.srt", "en"), ("film.smi", "smi"), ("film.de.srt", "de")] {
        fs::write(root.join("input/series").join(name), text).unwrap();
    }
    make_clip(&root.join("input/series/film.mkv"), "32x32", 5, false);
    // Nothing can be written under this name.
    fs::create_dir_all(root.join("output/series/film_upscaled.de.srt")).unwrap();
    let server = Server::start(root, &QUICK);
    let jobs = server.wait_for_jobs(1);
    assert_eq!(jobs[0]["status"], "done", "{jobs:#?}");
    let output = root.join("output/series");
    assert_eq!(fs::read_to_string(output.join("film_upscaled.en.srt")).unwrap(), "en");
    assert_eq!(fs::read_to_string(output.join("film_upscaled.smi")).unwrap(), "smi");
    let shown = run_well(root, &["show", "1"]);
    for wanted in
        ["subtitles   film_upscaled.en.srt", "subtitles   film_upscaled.smi", "`film.de.srt` is not taken"]
    {
        assert!(shown.contains(wanted), "`{wanted}` in {shown}");
    }
    let shown: Value = serde_json::from_str(&run_well(root, &["show", "1", "--json"])).unwrap();
    assert_eq!(shown["subtitle_files"]["taken"], json!(["film_upscaled.en.srt", "film_upscaled.smi"]));
}

#[test]
fn whatever_dies_on_the_way_they_are_whole_and_there_once() {
    if !can_trace() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    make_clip(&at("film.mkv"), "32x32", 5, false);
    let long = "1\n00:00:01,000 --> 00:00:02,000\ntext\n\n".repeat(20_000);
    for language in ["de", "en", "fr"] {
        fs::write(at(&format!("film.{language}.srt")), &long).unwrap();
    }
    let wanted = [
        "film_upscaled.de.srt",
        "film_upscaled.en.srt",
        "film_upscaled.fr.srt",
        "film_upscaled.mkv",
        "film_upscaled.mkv.json",
    ];
    let arguments = [&["up", "film.mkv"][..], &QUICK].concat();
    let mut kills = 0;
    for call in ["renameat2", "copy_file_range", "sendfile"] {
        for number in 1.. {
            for name in beginning(folder.path(), "film_upscaled") {
                fs::remove_file(at(&name)).unwrap();
            }
            let program = upscaled(folder.path());
            let inject = format!("inject={call}:signal=KILL:when={number}");
            let mut command = Command::new("strace");
            command.args(["-f", "-qq", "-o", "/dev/null", "-b", "execve", "-e", &format!("trace={call}")]);
            command.args(["-e", &inject]).arg(program.get_program()).args(&arguments).stdin(Stdio::null());
            command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
            let output = command.env_remove("UPSCALED_ROOT").current_dir(folder.path()).output().unwrap();
            for name in &wanted[..3] {
                let is_whole = fs::read_to_string(at(name)).map_or(true, |text| text == long);
                assert!(is_whole, "a part of {name} after kill {number} at {call}");
            }
            if output.status.success() {
                break;
            }
            kills += 1;
            run_well(folder.path(), &arguments);
            assert_eq!(beginning(folder.path(), "film_upscaled"), wanted, "kill {number} at {call}");
            assert!(beginning(folder.path(), ".upscaled").is_empty(), "kill {number} at {call}");
            let along = &report(&at("film_upscaled.mkv.json"))["subtitle_files"];
            assert_eq!(*along, json!({ "taken": wanted[..3], "notes": [] }), "kill {number} at {call}");
        }
    }
    println!("killed {kills} times: no part of a subtitle file, none twice");
    assert!(kills > 6);
}
