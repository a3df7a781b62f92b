//! `up --dry-run`: what it says comes true, and it makes nothing.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{ffmpeg, interrupt, make_clip, run, run_well, size, upscaled, wait_for};
use serde_json::Value;

/// All files below a folder, with their bytes.
fn everything(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                found.push((path.display().to_string(), Vec::new()));
                folders.push(path);
            } else {
                found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// The program, with a folder of its own for what it needs meanwhile.
fn dry(folder: &Path, temporary: &Path, arguments: &[&str]) -> Command {
    let mut command = upscaled(folder);
    command.args(["up", "--dry-run"]).args(arguments).env("TMPDIR", temporary);
    command
}

/// What it says of each file; nothing may be left behind.
fn look(folder: &Path, arguments: &[&str]) -> Vec<Value> {
    let temporary = tempfile::tempdir().unwrap();
    let before = everything(folder);
    let output = dry(folder, temporary.path(), arguments).arg("--json").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(everything(folder) == before, "it wrote something");
    assert_eq!(everything(temporary.path()), []);
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn what_it_says_comes_true() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let noise = "testsrc2=size=192x108:rate=25,noise=alls=12:allf=t,pad=192:144:0:18";
    // Without a loss: what an encoder leaves in the bars differs from processor to processor.
    let ends = ["-frames:v", "100", "-c:v", "libx264", "-qp", "0", "-pix_fmt", "yuv420p", "-g", "25"];
    let sound = ["-f", "lavfi", "-i", "sine=duration=4", "-c:a", "pcm_s16le"];
    let to = at("a.mkv");
    ffmpeg(&[&["-f", "lavfi", "-i", noise][..], &sound, &ends, &[to.to_str().unwrap()]].concat());
    for model in ["none", "realesr-animevideov3"] {
        let settings = ["a.mkv", "--model", model, "--crop", "auto", "--scale", "2", "-o", "out/"];
        let said = &look(folder.path(), &settings)[0];
        assert!(!at("out").exists(), "the folder was made");
        let begin = Instant::now();
        let printed = run_well(folder.path(), &[&["up"][..], &settings, &["--json"]].concat());
        let seconds = begin.elapsed().as_secs_f64();
        let made: Value = serde_json::from_str(printed.lines().last().unwrap()).unwrap();
        for same in ["result", "source_size", "result_size", "frames", "crop"] {
            assert_eq!(said[same], made[same], "{same}");
        }
        assert_eq!((&said["status"], &said["codec"]), (&"to_do".into(), &"h264".into()), "{said}");
        assert_eq!((&said["encoder"], &said["crop"]), (&"libx264".into(), &"192:108:0:18".into()), "{said}");
        assert_eq!(size(&at("out/a_upscaled.mkv")), "384,216");
        let bytes = at("out/a_upscaled.mkv").metadata().unwrap().len() as f64;
        let share = said["bytes"].as_f64().unwrap() / bytes;
        assert!((0.5..2.0).contains(&share), "{model}: {share} times {bytes} bytes");
        // Other tests run meanwhile, and starting takes a moment.
        let share = (said["seconds"].as_f64().unwrap() + 1.0) / seconds;
        assert!((0.25..4.0).contains(&share), "{model}: {share} times {seconds} s");
        assert!(said["measured"]["frames"].as_u64().unwrap() >= 2, "{said}");
        assert!(said["measured"]["places"].as_u64().unwrap() >= 2, "{said}");
        // Once it is there, there is nothing to do.
        let said = &look(folder.path(), &settings)[0];
        assert_eq!((&said["status"], &said["result"]), (&"done".into(), &made["result"]), "{said}");
        std::fs::remove_dir_all(at("out")).unwrap();
    }
}

#[test]
fn it_refuses_what_up_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    make_clip(&at("a.mp4"), "64x48", 10, false);
    std::fs::write(at("text.mkv"), "no video at all").unwrap();
    std::fs::write(at("a_upscaled.mp4"), "something else").unwrap();
    for arguments in [
        &["missing.mkv"][..],
        &["text.mkv"],
        &["a.mp4"],
        &["a.mp4", "-o", "b.avi"],
        &["a.mp4", "-o", "b.mp4", "--crop", "100:10:0:0"],
        &["a.mp4", "-o", "b.mp4", "--encoder-option", "nonsense=1"],
        &["a.mp4", "-o", "b.mp4", "--codec", "ffv1"],
        &["a.mp4", "-o", "b.mkv", "--scale", "9"],
        &["a.mp4", "-o", "b.mkv", "--deinterlace", "telecine", "--crop", "16:16:0:0"],
    ] {
        let refused = |dry: &[&str]| {
            let output = run(folder.path(), &[&["up", "--model", "none"][..], arguments, dry].concat());
            let errors = String::from_utf8_lossy(&output.stderr);
            let error: Vec<String> =
                errors.lines().filter(|line| line.contains("error:")).map(str::to_owned).collect();
            (output.status.code(), error)
        };
        let real = refused(&[]);
        assert!(real.0 != Some(0) && !real.1.is_empty(), "{arguments:?}: {real:?}");
        assert_eq!(refused(&["--dry-run"]), real, "{arguments:?}");
    }
}

#[test]
fn unfinished_work_is_told_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    make_clip(&folder.path().join("clip.mp4"), "320x240", 96, true);
    if !interrupt(folder.path(), 3) {
        return;
    }
    let same = &common::SMALL_JOB[1..];
    let said = &look(folder.path(), same)[0];
    let done = said["frames_done"].as_u64().unwrap();
    assert!((24..96).contains(&done) && said["status"] == "to_do", "{said}");
    // Other settings would have to discard it.
    let other = run(folder.path(), &["up", "--dry-run", "clip.mp4", "--model", "none"]);
    let errors = String::from_utf8_lossy(&other.stderr);
    assert!(other.status.code() == Some(1) && errors.contains("--restart"), "{errors}");
    let said = &look(folder.path(), &["clip.mp4", "--model", "none", "--restart"])[0];
    assert_eq!(said["frames_done"], 0, "{said}");
}

#[test]
fn several_files_have_a_total() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.mp4", "b.mp4"] {
        make_clip(&folder.path().join(name), "64x48", 10, false);
    }
    let both = ["a.mp4", "b.mp4", "missing.mp4", "--model", "none"];
    let output = run(folder.path(), &[&["up", "--dry-run"][..], &both].concat());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text.matches("source  ").count(), 2, "{text}");
    assert!(text.lines().last().unwrap().starts_with("all         2 files to make: about "), "{text}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("missing.mp4"));
    let said = look(folder.path(), &["a.mp4", "b.mp4", "--model", "none", "--skip-above", "40"]);
    assert!(said.len() == 2 && said.iter().all(|said| said["status"] == "skipped"), "{said:?}");
}

#[test]
fn interlaced_and_untold_films_are_estimated_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    // Longer than what is looked at as a whole.
    let moving =
        "testsrc2=size=64x64:rate=50,scroll=horizontal=0.01,interlace=scan=tff:lowpass=off,setfield=tff";
    let mpeg2 = ["-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-q:v", "4", "-g", "12", "-t", "20"];
    for name in ["a.mkv", "a.vob"] {
        let to = at(name);
        ffmpeg(&[&["-f", "lavfi", "-i", moving][..], &mpeg2, &[to.to_str().unwrap()]].concat());
    }
    for (name, is_whole) in [("a.mkv", false), ("a.vob", true)] {
        let said = &look(folder.path(), &[name, "--model", "none", "--deinterlace", "field"])[0];
        assert_eq!(said["measured"]["is_whole"], is_whole, "{said}");
        assert_eq!(said["not_looked_at"].as_array().unwrap().is_empty(), is_whole, "{said}");
        assert!(said["notes"].to_string().contains("deinterlaced"), "{said}");
        let frames = said["frames"].as_u64().unwrap();
        assert!((998..=1002).contains(&frames), "{frames}");
    }
}

#[test]
fn ctrl_c_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let temporary = tempfile::tempdir().unwrap();
    make_clip(&folder.path().join("a.mp4"), "320x240", 100, false);
    let before = everything(folder.path());
    let mut child = dry(folder.path(), temporary.path(), &["a.mp4"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for("the folder of the worker", Duration::from_mins(1), || {
        std::fs::read_dir(temporary.path()).unwrap().next().is_some()
    });
    let stopped = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(stopped.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(everything(folder.path()) == before);
    assert_eq!(everything(temporary.path()), []);
}
