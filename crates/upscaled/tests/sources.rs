//! Sources that are replaced, touched or gone for a while: a result is of one source as a whole, nothing is
//! done twice, and nothing is forgotten.
//!
//! `UPSCALED_REPLACEMENTS` sets how often a source is replaced under a running job (5 by default; a release needs 50).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

mod common;
#[path = "common/server.rs"]
mod server;

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::{
    Random, SMALL_JOB, ffmpeg, frame_checksums, make_telling_clip, number, run_well, segments, upscaled,
    wait_for,
};
use server::{PATIENCE, Server};

const QUICK: [&str; 4] = ["--model", "none", "--preset", "ultrafast"];
const SLOW: [&str; 4] = ["--model", "realesr-animevideov3", "--segment-frames", "30"];
/// Longer than the server takes to look at its folder and to believe that a file is complete.
const LOOKS: Duration = Duration::from_secs(10);

#[test]
fn a_source_that_is_replaced_gives_no_mixed_result() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    // Alike in all but the pictures, so that only looking at the file tells them apart.
    make_telling_clip(&at("clip.mp4"), 60, true);
    let (old, new) = (at("old.mp4"), at("new.mp4"));
    fs::rename(at("clip.mp4"), &old).unwrap();
    let input = old.to_str().unwrap().to_owned();
    let mirrored = ["-vf", "hflip", "-c:v", "libx264", "-preset", "veryfast", "-c:a", "copy"];
    ffmpeg(&[&["-i", &input], &mirrored[..], &[new.to_str().unwrap()]].concat());
    let mut wanted = Vec::new();
    let mut time = Duration::ZERO;
    for source in [&old, &new] {
        fs::copy(source, at("clip.mp4")).unwrap();
        let start = Instant::now();
        run_well(folder.path(), &SMALL_JOB);
        time = start.elapsed();
        wanted.push(frame_checksums(&at("clip_upscaled.mp4")));
        fs::remove_file(at("clip_upscaled.mp4")).unwrap();
    }
    assert_ne!(wanted[0], wanted[1]);

    let mut random = Random(8);
    let (mut refused, mut too_late) = (0, 0);
    for round in 0..number("UPSCALED_REPLACEMENTS", 5) {
        fs::copy(&old, at("clip.mp4")).unwrap();
        fs::copy(&new, at("next.mp4")).unwrap();
        let mut command = upscaled(folder.path());
        let child = command.args(SMALL_JOB).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        wait_for("the job", PATIENCE, || at("clip.mp4.job/ledger.db").exists());
        std::thread::sleep(Duration::from_millis(random.below(time.as_millis() as u64)));
        // Under the same name at once, or byte for byte.
        if round % 2 == 0 {
            fs::rename(at("next.mp4"), at("clip.mp4")).unwrap();
        } else {
            fs::copy(at("next.mp4"), at("clip.mp4")).unwrap();
        }
        let output = child.wait_with_output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        if output.status.success() {
            too_late += 1;
            let frames = frame_checksums(&at("clip_upscaled.mp4"));
            assert!(wanted.contains(&frames), "round {round}: a mixed result");
        } else {
            refused += 1;
            assert!(!at("clip_upscaled.mp4").exists(), "{errors}");
            // What was finished of the earlier file is kept until a person says otherwise.
            run_well(folder.path(), &[&SMALL_JOB[..], &["--restart"]].concat());
            assert_eq!(frame_checksums(&at("clip_upscaled.mp4")), wanted[1], "round {round}");
        }
        fs::remove_file(at("clip_upscaled.mp4")).unwrap();
    }
    println!(
        "{refused} replaced sources were noticed, {too_late} came before or after the job; 0 mixed results"
    );
}

fn input(root: &Path, name: &str) -> std::path::PathBuf {
    fs::create_dir_all(root.join("input")).unwrap();
    root.join("input").join(name)
}

#[test]
fn files_that_are_touched_or_whose_folder_is_gone_for_a_while_are_not_done_again() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make_telling_clip(&input(root, "clip.mp4"), 10, false);
    let mut server = Server::start(root, &QUICK);
    assert_eq!(server.wait_for_jobs(1)[0]["status"], "done");
    let result = root.join("output/clip_upscaled.mp4");
    let made = result.metadata().unwrap().modified().unwrap();

    // Another time, the same content.
    fs::File::open(input(root, "clip.mp4")).unwrap().set_modified(std::time::SystemTime::now()).unwrap();
    std::thread::sleep(LOOKS);
    server.wait_for_jobs(1);

    // A mount that is not there: while the server runs, and when it starts.
    fs::rename(root.join("input"), root.join("elsewhere")).unwrap();
    std::thread::sleep(LOOKS);
    assert_eq!(server.wait_for_jobs(1)[0]["status"], "done");
    assert_eq!(server.stop(), Some(0));
    server.restart();
    std::thread::sleep(LOOKS);
    assert_eq!(server.wait_for_jobs(1)[0]["status"], "done");
    assert_eq!(server.stop(), Some(0));
    // And back.
    fs::remove_dir(root.join("input")).unwrap();
    fs::rename(root.join("elsewhere"), root.join("input")).unwrap();
    server.restart();
    std::thread::sleep(LOOKS);
    assert_eq!(server.wait_for_jobs(1)[0]["status"], "done");
    assert_eq!(result.metadata().unwrap().modified().unwrap(), made);
}

#[test]
fn an_unfinished_job_whose_folder_is_gone_keeps_its_work_and_goes_on_by_a_retry() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make_telling_clip(&input(root, "clip.mp4"), 600, false);
    let mut server = Server::start(root, &SLOW);
    let work = root.join("output/clip.mp4.job");
    wait_for("two segments", PATIENCE, || segments(&work).len() >= 2);
    assert_eq!(server.stop(), Some(0));
    let kept = segments(&work);
    fs::rename(root.join("input"), root.join("elsewhere")).unwrap();
    server.restart();
    let jobs = server.wait_for_jobs(1);
    assert!(jobs[0]["reason"].as_str().unwrap().contains("the source is gone"), "{jobs:?}");
    assert_eq!(segments(&work), kept);

    fs::remove_dir(root.join("input")).unwrap();
    fs::rename(root.join("elsewhere"), root.join("input")).unwrap();
    run_well(root, &["retry", "1"]);
    assert_eq!(server.wait_for_jobs(1)[0]["status"], "done");
    assert_eq!(frame_checksums(&root.join("output/clip_upscaled.mp4")).len(), 600);
}

/// A job of a film of some MiB, most of it sound, that is stopped after its first segments; with the source.
fn begun_with_much_sound(root: &Path) -> (Server, std::path::PathBuf) {
    let source = input(root, "clip.mkv");
    let video = "testsrc2=size=52x36:rate=25,noise=alls=40:allf=t";
    let sound = "anoisesrc=duration=30:sample_rate=48000:seed=1";
    let inputs = ["-f", "lavfi", "-i", video, "-f", "lavfi", "-i", sound, "-shortest"];
    let coded = ["-c:v", "libx264", "-preset", "veryfast", "-g", "25", "-c:a", "pcm_s16le", "-ac", "2"];
    ffmpeg(&[&inputs[..], &coded, &["-pix_fmt", "yuv420p", source.to_str().unwrap()]].concat());
    assert!(source.metadata().unwrap().len() > 5 << 20, "only samples of it are looked at");
    let mut server = Server::start(root, &SLOW);
    wait_for("two segments", PATIENCE, || segments(&root.join("output/clip.mkv.job")).len() >= 2);
    assert_eq!(server.stop(), Some(0));
    (server, source)
}

#[test]
fn sound_that_is_changed_in_the_middle_of_a_job_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let (mut server, source) = begun_with_much_sound(root);
    let mut bytes = fs::read(&source).unwrap();
    // Between the head and the middle, of which samples are compared at once.
    let at = bytes.len() / 4;
    bytes[at..at + 400].iter_mut().for_each(|byte| *byte ^= 1);
    fs::write(&source, &bytes).unwrap();
    server.restart();
    let jobs = server.wait_for_jobs(1);
    assert_eq!(jobs[0]["status"], "failed", "{jobs:?}");
    assert!(jobs[0]["reason"].as_str().unwrap().contains("was changed"), "{jobs:?}");
    // The old content is back, under another time.
    bytes[at..at + 400].iter_mut().for_each(|byte| *byte ^= 1);
    fs::write(&source, &bytes).unwrap();
    run_well(root, &["retry", "1"]);
    assert_eq!(server.wait_for_jobs(1)[0]["status"], "done");
}

#[test]
fn a_source_that_is_copied_over_itself_in_the_middle_of_a_job_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let (mut server, source) = begun_with_much_sound(root);
    fs::copy(&source, input(root, "copy.tmp")).unwrap();
    fs::rename(input(root, "copy.tmp"), &source).unwrap();
    server.restart();
    assert_eq!(server.wait_for_jobs(1)[0]["status"], "done");
    let log = fs::read_to_string(root.join("terminal.log")).unwrap();
    assert!(log.contains("whole content is compared"), "{log}");
}
