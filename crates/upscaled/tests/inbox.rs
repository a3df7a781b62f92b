//! The manners of the watch folder: what waits, what is passed over, what is made again.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;
#[path = "common/server.rs"]
mod server;

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use common::{ffmpeg, ffprobe, frame_checksums, make_clip, names, run, run_well, wait_for};
use serde_json::Value;
use server::{PATIENCE, Server};

const QUICK: [&str; 6] = ["--model", "none", "--preset", "ultrafast", "--scale", "2"];

/// A root with an input folder and settings.
fn root(settings: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("input")).unwrap();
    fs::write(folder.path().join("upscaled.toml"), settings).unwrap();
    folder
}

/// What a file that is no job yet waits for.
fn reason(server: &Server, name: &str) -> String {
    let seen = server.seen();
    let file = seen.iter().find(|file| file["source"].as_str().unwrap().ends_with(name));
    file.map_or_else(String::new, |file| file["reason"].as_str().unwrap().to_owned())
}

fn wait_for_reason(server: &Server, name: &str, wanted: &str) {
    wait_for(wanted, PATIENCE, || reason(server, name).contains(wanted));
}

fn text<'a>(job: &'a Value, key: &str) -> &'a str {
    job[key].as_str().unwrap_or_default()
}

/// What the server wrote into its log.
fn log(root: &Path) -> String {
    let logs = fs::read_dir(root.join("logs")).unwrap().flatten();
    logs.map(|entry| fs::read_to_string(entry.path()).unwrap()).collect()
}

/// Drops a clip into the folder and waits until it is done: what came before it has been seen by then.
fn pass_by(server: &Server, name: &str, jobs: usize) -> Vec<Value> {
    make_clip(&server.root.join("input").join(name), "32x32", 5, false);
    wait_for(name, PATIENCE, || {
        server.jobs().iter().any(|job| text(job, "source").ends_with(name) && job["status"] == "done")
    });
    server.wait_for_jobs(jobs)
}

#[test]
fn what_others_still_write_waits_and_what_is_no_film_is_passed_over() {
    let folder = root("ignore = [\"*.trailer.mkv\", \"Extras/\"]\nskip_samples = true\n");
    let (root, input) = (folder.path(), folder.path().join("input"));
    let clip = root.join("clip.mkv");
    make_clip(&clip, "32x32", 5, false);
    for name in [
        "a.mkv.part",
        "b.mkv.!qB",
        "c.mkv~",
        "._d.mkv",
        "~$e.mkv",
        "a.trailer.mkv",
        "f-sample.mkv",
        "@eaDir/g.mkv",
        "#recycle/h.mkv",
        "_UNPACK_i/i.mkv",
        "extras/j.mkv",
        ".stversions/k.mkv",
        "Sample/l.mkv",
        "held.mkv",
        "loading.mkv",
    ] {
        fs::create_dir_all(input.join(name).parent().unwrap()).unwrap();
        fs::copy(&clip, input.join(name)).unwrap();
    }
    let control = input.join("loading.mkv.aria2");
    File::create(&control).unwrap();
    let holder = OpenOptions::new().append(true).open(input.join("held.mkv")).unwrap();
    let server = Server::start(root, &QUICK);
    wait_for_reason(&server, "held.mkv", "held open by another program");
    wait_for_reason(&server, "loading.mkv", "`loading.mkv.aria2` lies beside it");
    // People see the same.
    let listed = run_well(root, &["list"]);
    assert!(listed.contains("seen") && listed.contains("(held open by another program)"), "{listed}");
    let jobs = pass_by(&server, "free.mkv", 1);
    assert_eq!(server.seen().len(), 2, "{:?}", server.seen());
    assert!(text(&jobs[0], "source").ends_with("free.mkv"));
    drop(holder);
    fs::remove_file(control).unwrap();
    let jobs = server.wait_for_jobs(3);
    assert!(jobs.iter().all(|job| job["status"] == "done"), "{jobs:#?}");
    wait_for("nothing to wait", PATIENCE, || server.seen().is_empty());
    assert_eq!(log(root).matches("held open by another program").count(), 1);
}

/// A clip of 100 frames as a whole and the bytes of its first half. Both are Matroska files, which state their lengths.
fn clip_and_half(root: &Path) -> (Vec<u8>, usize) {
    let path = root.join("film.mkv");
    make_clip(&path, "64x36", 100, false);
    let whole = fs::read(&path).unwrap();
    let half = whole.len() / 2;
    (whole, half)
}

fn append(path: &Path, bytes: &[u8]) {
    OpenOptions::new().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

#[test]
fn half_a_file_waits_for_the_rest_of_its_copy() {
    let folder = root("");
    let (root, path) = (folder.path(), folder.path().join("input/film.mkv"));
    let (whole, half) = clip_and_half(root);
    fs::write(&path, &whole[..half]).unwrap();
    let server = Server::start(root, &QUICK);
    wait_for_reason(&server, "film.mkv", "not finished yet: the file says");
    assert_eq!(server.jobs().len(), 0);
    append(&path, &whole[half..]);
    let jobs = server.wait_for_jobs(1);
    assert_eq!((&jobs[0]["status"], &jobs[0]["frames"]), (&"done".into(), &100.into()), "{jobs:#?}");
    assert_eq!(log(root).matches("waits: not finished yet").count(), 1);
}

#[test]
fn the_result_of_half_a_file_is_replaced_once_the_whole_one_is_done() {
    let folder = root("settle = \"1s\"\n");
    let (root, path) = (folder.path(), folder.path().join("input/film.mkv"));
    let (whole, half) = clip_and_half(root);
    fs::write(&path, &whole[..half]).unwrap();
    let server = Server::start(root, &QUICK);
    let jobs = server.wait_for_jobs(1);
    assert_eq!(jobs[0]["status"], "done", "{jobs:#?}");
    let result = root.join("output/film_upscaled.mkv");
    let of_half = frame_checksums(&result);
    assert!((1..100).contains(&of_half.len()), "{}", of_half.len());
    append(&path, &whole[half..]);
    let jobs = server.wait_for_jobs(2);
    assert_eq!(jobs[1]["status"], "done", "{jobs:#?}");
    assert_eq!(text(&jobs[1], "result"), result.to_str().unwrap());
    wait_for("the job folder to go", PATIENCE, || names(&root.join("output")) == ["film_upscaled.mkv"]);
    assert_eq!(frame_checksums(&result).len(), 100);
    let report: Value =
        serde_json::from_slice(&fs::read(root.join("output/film_upscaled.mkv.json")).unwrap()).unwrap();
    assert_eq!(report["frames"], 100);
}

#[test]
fn a_half_file_that_was_begun_gives_way_to_the_whole_one() {
    let folder = root("settle = \"1s\"\n");
    let (root, path) = (folder.path(), folder.path().join("input/film.mkv"));
    make_clip(&root.join("film.mkv"), "64x36", 3000, false);
    let whole = fs::read(root.join("film.mkv")).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let server =
        Server::start(root, &["--model", "realesr-animevideov3", "--scale", "2", "--segment-frames", "30"]);
    let has_begun =
        |number: usize| server.jobs().get(number).is_some_and(|job| job["segments_done"].as_u64() > Some(0));
    wait_for("the half file to be begun", PATIENCE, || has_begun(0));
    // The rest of the copy comes after all.
    append(&path, &whole[whole.len() / 2..]);
    wait_for("the whole file to be begun", PATIENCE, || has_begun(1));
    let jobs = server.jobs();
    assert_eq!((jobs.len(), &jobs[0]["status"]), (2, &Value::from("failed")), "{jobs:#?}");
    assert!(text(&jobs[0], "reason").contains("was changed since the job was added"), "{:?}", jobs[0]);
    assert_eq!(jobs[1]["frames"], 3000);
    assert!(text(&jobs[1], "result").ends_with("/film_upscaled.mkv"), "{:?}", jobs[1]);
}

#[test]
fn a_result_is_made_again_when_its_source_comes_back_or_somebody_asks() {
    let folder = root("");
    let (root, source) = (folder.path(), folder.path().join("input/film.mp4"));
    let result = root.join("output/film_upscaled.mp4");
    let shelf = root.join("shelf.mp4");
    make_clip(&shelf, "64x36", 5, false);
    fs::copy(&shelf, &source).unwrap();
    let mut server = Server::start(root, &QUICK);
    server.wait_for_jobs(1);
    // People take results away: that asks for nothing, whether the server is started anew or not.
    fs::remove_file(&result).unwrap();
    pass_by(&server, "one.mp4", 2);
    server.stop();
    server.restart();
    pass_by(&server, "two.mp4", 3);
    assert!(!result.exists());
    // A person can ask for it.
    run_well(root, &["retry", "1"]);
    wait_for("the result", PATIENCE, || result.is_file() && server.jobs()[0]["status"] == "done");
    let refused = run(root, &["retry", "1"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(1) && said.contains("is done: add --again"), "{said}");
    // The file goes and comes back while its result is there.
    for is_there in [true, false] {
        fs::remove_file(&source).unwrap();
        pass_by(&server, if is_there { "three.mp4" } else { "four.mp4" }, if is_there { 4 } else { 5 });
        if !is_there {
            fs::remove_file(&result).unwrap();
        }
        fs::copy(&shelf, &source).unwrap();
        let wanted = if is_there { "is back; its result is" } else { "is back and its result is gone" };
        wait_for(wanted, PATIENCE, || log(root).contains(wanted));
    }
    wait_for("the result", PATIENCE, || result.is_file());
    server.wait_for_jobs(5);
}

#[test]
fn the_files_of_a_dvd_are_one_film() {
    let folder = root("");
    let (root, dvd) = (folder.path(), folder.path().join("input/Film/VIDEO_TS"));
    fs::create_dir_all(&dvd).unwrap();
    let film = root.join("film.vob");
    let arguments =
        ["-f", "lavfi", "-i", "testsrc2=size=352x288:rate=25", "-frames:v", "50", "-c:v", "mpeg2video"];
    ffmpeg(&[&arguments[..], &["-b:v", "2M", "-f", "vob", film.to_str().unwrap()]].concat());
    let bytes = fs::read(&film).unwrap();
    // Packs of 2048 bytes are never cut.
    let middle = bytes.len() / 2 / 2048 * 2048;
    for (name, content) in [
        ("VIDEO_TS.VOB", &bytes[..2048]),
        ("VIDEO_TS.IFO", b"DVDVIDEO-VMG"),
        ("VTS_01_0.VOB", &bytes[..2048]),
        ("VTS_01_0.BUP", b"DVDVIDEO-VTS"),
        ("VTS_01_1.VOB", &bytes[..middle]),
        ("VTS_01_2.VOB", &bytes[middle..]),
    ] {
        fs::write(dvd.join(name), content).unwrap();
    }
    let server = Server::start(root, &QUICK);
    let jobs = server.wait_for_jobs(1);
    assert!(text(&jobs[0], "source").ends_with("VIDEO_TS/VTS_01_1.VOB"), "{jobs:#?}");
    assert_eq!(jobs[0]["status"], "done", "{jobs:#?}");
    assert_eq!(log(root).matches("the menus of the DVD").count(), 1);
    // A part that changes makes another film.
    append(&dvd.join("VTS_01_2.VOB"), &bytes[..2048]);
    server.wait_for_jobs(2);
    let refused = run(root, &["up", "input/Film/VIDEO_TS/VTS_01_2.VOB"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1));
    assert!(said.contains("a later part of the film that begins in `VTS_01_1.VOB`"), "{said}");
    assert!(said.lines().count() == 1 && names(&dvd).len() == 6, "{said}");
}

#[test]
fn many_files_are_seen_at_once_and_opened_the_newest_first() {
    let folder = root("");
    let (root, input) = (folder.path(), folder.path().join("input"));
    let clip = root.join("clip.mkv");
    make_clip(&clip, "32x32", 3, false);
    let bytes = fs::read(&clip).unwrap();
    let path = |number: u64| input.join(format!("{number:03}.mkv"));
    let now = SystemTime::now();
    for number in 0..100 {
        // Something that players pass over, and that is other content.
        let void = [b"\xec\x81".as_slice(), &[number as u8]].concat();
        fs::write(path(number), [bytes.as_slice(), &void].concat()).unwrap();
        let file = File::options().append(true).open(path(number)).unwrap();
        file.set_modified(now - Duration::from_secs(3600 + 100 * number)).unwrap();
    }
    let server = Server::start(root, &QUICK);
    wait_for("all to be seen", PATIENCE, || server.seen().len() == 100);
    let seen: Vec<PathBuf> = server.seen().iter().map(|file| text(file, "source").into()).collect();
    assert!(seen.iter().enumerate().all(|(number, seen)| *seen == path(number as u64)), "{seen:?}");
    let listed = run_well(root, &["list"]);
    assert!(listed.contains("000.mkv") && listed.contains("and 95 more, 100 in all"), "{listed}");
    wait_for("the first jobs", PATIENCE, || server.jobs().len() >= 6);
    let jobs = server.jobs();
    let newest = |job: &Value| text(job, "source") < path(10).to_str().unwrap();
    assert!(jobs.iter().take(6).all(newest), "{jobs:#?}");
    // Each is a job or is still to be opened.
    wait_for("a sum that fits", PATIENCE, || server.jobs().len() + server.seen().len() == 100);
}

#[test]
fn a_copied_folder_is_taken_in_by_name() {
    let folder = root("");
    let (root, input) = (folder.path(), folder.path().join("input"));
    let clip = root.join("clip.mkv");
    make_clip(&clip, "32x32", 3, false);
    let sorted = ["Show/S1/e1.mkv", "Show/S1/e2.mkv", "Show/S1/E10.mkv", "Show/S10/e1.mkv"];
    for (number, name) in [3, 1, 0, 2].map(|place| sorted[place]).iter().enumerate() {
        fs::create_dir_all(input.join(name).parent().unwrap()).unwrap();
        fs::copy(&clip, input.join(name)).unwrap();
        let file = File::options().append(true).open(input.join(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(3600 - 30 * number as u64)).unwrap();
    }
    let server = Server::start(root, &QUICK);
    let jobs = server.wait_for_jobs(4);
    let mut taken: Vec<(i64, PathBuf)> =
        jobs.iter().map(|job| (job["id"].as_i64().unwrap(), text(job, "source").into())).collect();
    taken.sort();
    let taken: Vec<PathBuf> = taken.into_iter().map(|(_, path)| path).collect();
    assert_eq!(taken, sorted.map(|name| input.join(name)));
}

#[test]
fn a_name_cannot_steer_the_terminal_or_forge_a_line_of_the_log() {
    let folder = root("");
    let root = folder.path();
    let name = "film\n2026-01-01 INFO forged \u{1b}[2J\u{7}\u{9b}.mkv";
    make_clip(&root.join("clip.mkv"), "32x32", 5, false);
    fs::copy(root.join("clip.mkv"), root.join("input").join(name)).unwrap();
    let mut server = Server::start(root, &QUICK);
    server.wait_for_jobs(1);
    server.stop();
    let shown = r"film\n2026-01-01 INFO forged ";
    let log = log(root);
    assert!(log.contains(shown) && !log.contains(|c: char| c.is_control() && c != '\n'), "{log:?}");
    let terminal = fs::read_to_string(root.join("terminal.log")).unwrap();
    // It is a file, so that there are no colours either.
    let is_raw = |c: char| c.is_control() && c != '\n';
    assert!(terminal.contains(shown) && !terminal.contains(is_raw), "{terminal:?}");
    assert!(!terminal.contains("film\n"), "{terminal:?}");
    assert_eq!(ffprobe(&root.join("clip.mkv"), &["-show_entries", "stream=width"]), ["32"]);
}
