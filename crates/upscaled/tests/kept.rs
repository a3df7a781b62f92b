//! What is finished is kept until a person says otherwise, and what was made is known again.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;
#[path = "common/server.rs"]
mod server;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;

use common::{SMALL_JOB, frame_checksums, interrupt, make_clip, names, run, run_well, segments, wait_for};
use server::{PATIENCE, Server};

const QUICK: [&str; 6] = ["--model", "none", "--preset", "ultrafast", "--scale", "2"];

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[track_caller]
fn refuses(folder: &Path, arguments: &[&str], wanted: &[&str]) -> String {
    refuses_with(1, folder, arguments, wanted)
}

#[track_caller]
fn refuses_with(code: i32, folder: &Path, arguments: &[&str], wanted: &[&str]) -> String {
    let output = run(folder, arguments);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    for wanted in wanted {
        assert!(said.contains(wanted), "`{wanted}` in: {said}");
    }
    said
}

/// All files below a folder with their sizes and times.
fn files(folder: &Path) -> BTreeMap<String, (u64, std::time::SystemTime)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let metadata = entry.metadata().unwrap();
        if metadata.is_dir() {
            found.extend(files(&entry.path()));
        } else {
            let path = entry.path().display().to_string();
            found.insert(path, (metadata.len(), metadata.modified().unwrap()));
        }
    }
    found
}

#[test]
fn a_changed_setting_throws_no_finished_frames_away() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make_clip(&root.join("clip.mp4"), "64x36", 120, false);
    assert!(interrupt(root, 3));
    let work = root.join("clip.mp4.job/work");
    let before = segments(&work);
    let other = [&SMALL_JOB[..], &["--crf", "30"]].concat();
    let said = refuses(root, &other, &["of 120 frames", "--segment-frames 12", "--restart"]);
    // A model that is not there is refused as early.
    refuses_with(2, root, &[&SMALL_JOB[..], &["--encoder", "no_such_encoder"]].concat(), &["no encoder"]);
    assert_eq!(segments(&work), before);
    // The command of the message goes on.
    let command = said.split('`').find(|part| part.starts_with("upscaled up ")).unwrap();
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    let output = run(root, &words);
    assert!(output.status.success(), "{}", self::said(&output));
    assert!(self::said(&output).contains("going on"), "{}", self::said(&output));
    // Begun anew on demand.
    fs::remove_file(root.join("clip_upscaled.mp4")).unwrap();
    assert!(interrupt(root, 2));
    run_well(root, &[&other[..], &["--restart"]].concat());
    run_well(root, &[&other[..], &["-o", "unbroken.mp4"]].concat());
    let sums = |name: &str| frame_checksums(&root.join(name));
    assert!(sums("clip_upscaled.mp4") == sums("unbroken.mp4"), "the frames are of other settings");
    assert!(!root.join("clip.mp4.job").exists());
}

#[test]
fn a_source_that_changed_is_said_and_no_database_speaks() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make_clip(&root.join("clip.mp4"), "64x36", 120, false);
    assert!(interrupt(root, 2));
    fs::rename(root.join("clip.mp4"), root.join("earlier.mp4")).unwrap();
    make_clip(&root.join("clip.mp4"), "64x36", 60, false);
    refuses(root, &SMALL_JOB, &["held before", "--restart"]);
    run_well(root, &[&SMALL_JOB[..], &["--restart"]].concat());
    assert_eq!(frame_checksums(&root.join("clip_upscaled.mp4")).len(), 60);
    // With a name that was chosen, in a server's ledger.
    fs::create_dir(root.join("root")).unwrap();
    let named = [&["up", "clip.mp4", "-o", "r.mp4", "--root", "root"], &QUICK[..]].concat();
    run_well(root, &named);
    make_clip(&root.join("clip.mp4"), "64x36", 70, false);
    let said = refuses(root, &named, &["is there already"]);
    assert!(!said.contains("UNIQUE"), "{said}");
    fs::rename(root.join("r.mp4"), root.join("moved.mp4")).unwrap();
    let said = refuses(root, &named, &["is the result of job 1"]);
    assert!(!said.contains("UNIQUE"), "{said}");
    run_well(root, &[&named[..], &["--overwrite"]].concat());
    assert_eq!(frame_checksums(&root.join("r.mp4")).len(), 70);
}

#[test]
fn files_of_one_command_get_names_of_their_own_and_are_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for name in ["x", "y", "res"] {
        fs::create_dir(root.join(name)).unwrap();
    }
    for (name, frames) in [("x/e.mp4", 10), ("y/e.mp4", 20), ("ep.avi", 30), ("ep.mkv", 40)] {
        make_clip(&root.join(name), "64x36", frames, false);
    }
    let counts = |names: &[&str]| -> Vec<usize> {
        names.iter().map(|name| frame_checksums(&root.join(name)).len()).collect()
    };
    let into = [&["up", "--overwrite", "-o", "res/", "x/e.mp4", "y/e.mp4"], &QUICK[..]].concat();
    run_well(root, &into);
    assert_eq!(counts(&["res/e_upscaled.mp4", "res/e.mp4_upscaled.mp4"]), [10, 20]);
    run_well(root, &[&["up", "--overwrite", "ep.avi", "ep.mkv"], &QUICK[..]].concat());
    assert_eq!(counts(&["ep_upscaled.mkv", "ep.mkv_upscaled.mkv"]), [30, 40]);
    // The same command once more has nothing to do, and one with other settings would replace results.
    let before = files(&root.join("res"));
    let again = [&["up", "-o", "res/", "x/e.mp4", "y/e.mp4"], &QUICK[..]].concat();
    let output = run(root, &again);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(said(&output).matches("done already").count(), 2, "{}", said(&output));
    assert_eq!(files(&root.join("res")), before);
    // A kill in the last moment leaves an empty folder of the job, and the next command takes it away.
    fs::create_dir(root.join("res/e.mp4.job")).unwrap();
    run_well(root, &again);
    assert_eq!(files(&root.join("res")), before);
    assert!(!root.join("res/e.mp4.job").exists());
    refuses(root, &[&again[..], &["--crf", "33"]].concat(), &["is there already"]);
    assert_eq!(files(&root.join("res")), before);
    // Alone, a file knows its own result, and --overwrite replaces no other's.
    let alone = [&["up", "-o", "res/", "y/e.mp4", "--overwrite", "--crf", "33"], &QUICK[..]].concat();
    run_well(root, &alone);
    assert_eq!(counts(&["res/e_upscaled.mp4", "res/e.mp4_upscaled.mp4"]), [10, 20]);
    let after = files(&root.join("res"));
    let first = root.join("res/e_upscaled.mp4").display().to_string();
    assert_eq!((after.len(), &after[&first]), (before.len(), &before[&first]));
    // A file that is named twice is made once.
    let twice =
        run(root, &[&["up", "-o", "res/", "y/e.mp4", "y/../y/e.mp4", "--crf", "33"], &QUICK[..]].concat());
    assert!(twice.status.success() && said(&twice).matches("done already").count() == 1, "{}", said(&twice));
}

#[test]
fn a_report_takes_the_place_of_no_other_file() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for name in ["a.mp4", "b.mp4", "c.mkv"] {
        make_clip(&root.join(name), "64x36", 10, false);
    }
    fs::write(root.join("a_upscaled.mp4.json"), "mine").unwrap();
    fs::create_dir(root.join("b_upscaled.mp4.json")).unwrap();
    let output = run(root, &[&["up", "a.mp4", "b.mp4"], &QUICK[..]].concat());
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(said(&output).matches("is no report and is left as it is").count(), 2, "{}", said(&output));
    assert_eq!(fs::read(root.join("a_upscaled.mp4.json")).unwrap(), b"mine");
    fs::create_dir(root.join("c_upscaled.mkv")).unwrap();
    refuses(root, &[&["up", "c.mkv", "--overwrite"], &QUICK[..]].concat(), &["is a folder"]);
}

#[test]
fn what_can_be_refused_is_refused_before_the_film_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make_clip(&root.join("clip.mp4"), "64x36", 50, false);
    fs::write(root.join("broken.pth"), "no model").unwrap();
    fs::write(root.join("clip_upscaled.mp4"), "mine").unwrap();
    let before = names(root);
    refuses(root, &["up", "clip.mp4", "-m", "none"], &["is there already"]);
    for (code, options, wanted) in [
        (1, ["--model", "broken.pth"], "broken"),
        (2, ["--codec", "prores"], "MP4 files have no place"),
        (2, ["--encoder-option", "profile=nonsense"], "profile"),
    ] {
        let mut arguments = vec!["up", "clip.mp4", "-o", "other.mp4", "-s", "2"];
        arguments.extend(options);
        let said = refuses_with(code, root, &arguments, &[wanted]);
        assert!(!said.contains("frames so far") && !said.contains("of 50 frames"), "{said}");
        assert_eq!(names(root), before, "{said}");
    }
}

/// A root with two clips in its input folder.
fn clips(root: &Path) {
    fs::create_dir_all(root.join("input/show")).unwrap();
    make_clip(&root.join("input/a.mp4"), "64x36", 50, false);
    make_clip(&root.join("input/show/b.mp4"), "80x48", 50, false);
}

fn wait_until_known(server: &Server, jobs: usize) {
    wait_for("all files to be known", PATIENCE, || server.jobs().len() == jobs && server.seen().is_empty());
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert_eq!(server.jobs().len(), jobs);
}

#[test]
fn a_root_that_moved_or_lost_its_state_makes_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (folder.path().join("here"), folder.path().join("there"));
    clips(&here);
    let mut server = Server::start(&here, &QUICK);
    server.wait_for_jobs(2);
    server.stop();
    fs::rename(&here, &there).unwrap();
    let results = files(&there.join("output"));
    let mut server = Server::start(&there, &QUICK);
    wait_until_known(&server, 2);
    let jobs = server.jobs();
    assert!(jobs.iter().all(|job| job["status"] == "done"), "{jobs:?}");
    let source = there.canonicalize().unwrap().join("input/show/b.mp4");
    assert!(jobs.iter().any(|job| job["source"] == source.to_str().unwrap()), "{jobs:?}");
    server.stop();
    assert_eq!(files(&there.join("output")), results);
    // The reports beside the results are all that is left.
    fs::remove_dir_all(there.join("state")).unwrap();
    let mut server = Server::start(&there, &QUICK);
    let jobs = server.wait_for_jobs(2);
    assert!(jobs.iter().all(|job| job["status"] == "done" && job["result"].is_string()), "{jobs:?}");
    server.stop();
    assert_eq!(files(&there.join("output")), results);
    // Other settings are other jobs.
    fs::remove_dir_all(there.join("state")).unwrap();
    let server = Server::start(&there, &[&QUICK[..], &["--crf", "30"]].concat());
    server.wait_for_jobs(2);
    assert_eq!(names(&there.join("output")).len(), 3, "{:?}", names(&there.join("output")));
}

#[test]
fn unfinished_work_goes_on_after_the_loss_of_the_state() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir(root.join("input")).unwrap();
    make_clip(&root.join("input/a.mp4"), "64x36", 3000, false);
    let mut server = Server::start(root, &[&QUICK[..], &["--segment-frames", "100"]].concat());
    let work = root.join("output/a.mp4.job");
    wait_for("some segments", PATIENCE, || segments(&work).len() >= 3);
    server.kill();
    fs::remove_dir_all(root.join("state")).unwrap();
    server.restart();
    let jobs = server.wait_for_jobs(1);
    assert_eq!(jobs[0]["status"], "done", "{jobs:?}");
    let logs = fs::read_dir(root.join("logs")).unwrap().flatten();
    let log: String = logs.map(|entry| fs::read_to_string(entry.path()).unwrap()).collect();
    assert!(log.contains("finished frames were found") && !log.contains("another server"), "{log}");
    wait_for("the folder to go", PATIENCE, || !work.exists());
}

#[test]
fn a_copied_root_works_in_folders_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    fs::create_dir_all(one.join("input")).unwrap();
    fs::create_dir(folder.path().join("results")).unwrap();
    std::os::unix::fs::symlink("../results", one.join("output")).unwrap();
    make_clip(&one.join("input/a.mp4"), "64x36", 3000, false);
    let settings = [&QUICK[..], &["--segment-frames", "100"]].concat();
    let mut server = Server::start(&one, &settings);
    let work = folder.path().join("results/a.mp4.job");
    wait_for("some segments", PATIENCE, || segments(&work).len() >= 3);
    server.kill();
    let copied = std::process::Command::new("cp").arg("-a").args([&one, &two]).status().unwrap();
    assert!(copied.success());
    let before = segments(&work);
    let other = Server::start(&two, &settings);
    let jobs = other.wait_for_jobs(1);
    assert_eq!(jobs[0]["status"], "done", "{jobs:?}");
    assert_eq!(segments(&work), before, "the copy has touched the work of the other");
    server.restart();
    let jobs = server.wait_for_jobs(1);
    assert_eq!(jobs[0]["status"], "done", "{jobs:?}");
    wait_for("the folder to go", PATIENCE, || !work.exists());
    let mut sums = fs::read_dir(folder.path().join("results")).unwrap().flatten().filter_map(|entry| {
        let path = entry.path();
        path.extension().is_some_and(|extension| extension == "mp4").then(|| frame_checksums(&path))
    });
    let first = sums.next().unwrap();
    assert!(first.len() == 3000 && sums.all(|other| other == first));
}

#[test]
fn a_folder_is_taken_with_all_below_but_for_what_is_large_or_made() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir_all(root.join("shelf/show/extras")).unwrap();
    for (name, size) in [
        ("a.mkv", "64x36"),
        ("show/e1.mp4", "64x36"),
        ("show/e2.mp4", "64x80"),
        ("show/extras/e1.mp4", "80x48"),
    ] {
        make_clip(&root.join("shelf").join(name), size, 10, false);
    }
    fs::write(root.join("shelf/show/notes.txt"), "no video").unwrap();
    let up = [&["up", "-r", "shelf", "--skip-above", "48", "-o", "shelf/out/"], &QUICK[..]].concat();
    let output = run(root, &up);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("80 rows, more than 48"), "{}", said(&output));
    let results = |root: &Path| -> Vec<String> {
        let found = files(&root.join("shelf/out")).into_keys();
        let found = found.filter(|path| Path::new(path).extension().is_some_and(|ending| ending != "json"));
        found.map(|path| path.split_once("/shelf/out/").unwrap().1.to_owned()).collect()
    };
    let wanted = ["a_upscaled.mkv", "show/e1_upscaled.mp4", "show/extras/e1_upscaled.mp4"];
    assert_eq!(results(root), wanted);
    // Once more: all is done, and results are no videos to enlarge.
    let output = run(root, &up);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(
        (said(&output).matches("done already").count(), results(root).len()),
        (3, 3),
        "{}",
        said(&output)
    );
    run_well(root, &[&["up", "-r", "shelf/show/extras"], &QUICK[..]].concat());
    let output = run(root, &[&["up", "-r", "shelf/show/extras"], &QUICK[..]].concat());
    assert!(output.status.success() && said(&output).contains("done already"), "{}", said(&output));
    assert!(root.join("shelf/show/extras/e1_upscaled.mp4").is_file());
    refuses(root, &["up", "shelf"], &["add -r"]);
}
