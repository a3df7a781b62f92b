//! `upscaled serve`: files that appear become results.

mod common;
#[path = "common/server.rs"]
mod server;

use std::io::Write as _;
use std::time::Duration;

use common::{make_clip, run, run_well, size, wait_for};
use server::Server;

const QUICK: [&str; 4] = ["--model", "none", "--preset", "ultrafast"];

#[test]
fn whatever_way_a_file_comes_it_is_done_once() {
    let folder = tempfile::tempdir().unwrap();
    let (root, shelf) = (folder.path().join("root"), folder.path().join("shelf"));
    std::fs::create_dir_all(root.join("input")).unwrap();
    std::fs::create_dir(&shelf).unwrap();
    for (name, size) in
        [("slow.mp4", "64x36"), ("moved.mkv", "64x36"), ("one.mp4", "32x32"), ("two.mkv", "32x32")]
    {
        make_clip(&shelf.join(name), size, 10, false);
    }
    make_clip(&shelf.join("three.mp4"), "48x48", 10, false);
    let server = Server::start(&root, &QUICK);
    wait_for("the ledger", server::PATIENCE, || root.join("state/ledger.db").is_file());

    // A copy that takes ten seconds.
    let bytes = std::fs::read(shelf.join("slow.mp4")).unwrap();
    let target = root.join("input/slow.mp4");
    let copy = std::thread::spawn(move || {
        let mut file = std::fs::File::create(target).unwrap();
        for part in bytes.chunks(bytes.len().div_ceil(10)) {
            file.write_all(part).unwrap();
            std::thread::sleep(Duration::from_secs(1));
        }
    });
    // A file that is moved in, and one with a name that trips shells.
    let odd_name = "-odd 'name' \"x\"\n ü.mp4";
    std::fs::copy(shelf.join("one.mp4"), root.join("input").join(odd_name)).unwrap();
    std::fs::rename(shelf.join("moved.mkv"), root.join("input/moved.mkv")).unwrap();
    // A folder with three files, two of them with the same stem, and things that are no videos.
    let deep = root.join("input/shelf/deep");
    std::fs::create_dir_all(&deep).unwrap();
    std::fs::copy(shelf.join("one.mp4"), deep.join("same.mp4")).unwrap();
    std::fs::copy(shelf.join("two.mkv"), deep.join("same.mkv")).unwrap();
    std::fs::copy(shelf.join("three.mp4"), deep.join("three.mp4")).unwrap();
    std::fs::write(deep.join("same.srt"), "1\n00:00:00,200 --> 00:00:00,900\nHola\n").unwrap();
    std::fs::write(deep.join(".hidden.mp4"), b"x").unwrap();
    std::fs::write(deep.join("readme"), b"not a video").unwrap();
    copy.join().unwrap();

    let jobs = server.wait_for_jobs(6);
    assert!(jobs.iter().all(|job| job["status"] == "done"), "{jobs:#?}");
    let output = root.join("output");
    for (name, wanted) in [
        ("slow_upscaled.mp4", "256,144"),
        ("moved_upscaled.mkv", "256,144"),
        ("-odd 'name' \"x\"\n ü_upscaled.mp4", "128,128"),
        ("shelf/deep/same_upscaled.mp4", "128,128"),
        ("shelf/deep/same_upscaled.mkv", "128,128"),
        ("shelf/deep/three_upscaled.mp4", "192,192"),
    ] {
        assert_eq!(size(&output.join(name)), wanted, "{name}");
    }
    // Nothing is done twice, also not by another server.
    drop(server);
    let mut server = Server::start(&root, &QUICK);
    std::thread::sleep(Duration::from_secs(8));
    server.wait_for_jobs(6);
    assert_eq!(server.stop(), Some(0));
    assert!(std::fs::read_dir(root.join("logs")).unwrap().count() > 0);
}

#[test]
fn results_of_the_same_name_lie_beside_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::create_dir(root.join("input")).unwrap();
    // Both become Matroska files.
    make_clip(&root.join("input/same.mkv"), "32x32", 5, false);
    make_clip(&root.join("input/same.avi"), "48x48", 5, false);
    let server = Server::start(root, &QUICK);
    let jobs = server.wait_for_jobs(2);
    let results: Vec<&str> = jobs.iter().map(|job| job["result"].as_str().unwrap()).collect();
    assert_eq!(
        results.iter().filter(|result| result.ends_with("/same_upscaled.mkv")).count(),
        1,
        "{results:?}"
    );
    for job in &jobs {
        let wanted = if job["source"].as_str().unwrap().ends_with("avi") { "192,192" } else { "128,128" };
        assert_eq!(size(job["result"].as_str().unwrap().as_ref()), wanted);
    }
}

#[test]
fn a_bad_file_fails_with_its_reason_and_the_queue_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::create_dir(root.join("input")).unwrap();
    std::fs::write(root.join("input/a.mp4"), "not a video\n".repeat(50)).unwrap();
    make_clip(&root.join("input/b.mp4"), "32x32", 5, false);
    let server = Server::start(root, &QUICK);
    let jobs = server.wait_for_jobs(2);
    let of = |name: &str| jobs.iter().find(|job| job["source"].as_str().unwrap().ends_with(name)).unwrap();
    assert_eq!(of("b.mp4")["status"], "done");
    assert_eq!(of("a.mp4")["status"], "failed");
    assert!(of("a.mp4")["reason"].as_str().unwrap().contains("not a video"), "{:?}", of("a.mp4"));
    // The job folders go right after the ledger says that the jobs have ended.
    wait_for("the job folders to go", Duration::from_secs(10), || {
        common::names(&root.join("output")) == ["b_upscaled.mp4"]
    });
}

#[test]
fn jobs_are_listed_shown_canceled_and_retried_while_the_server_runs() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::create_dir(root.join("input")).unwrap();
    make_clip(&root.join("input/long.mp4"), "64x36", 3000, false);
    let server = Server::start(root, &["--model", "realesr-animevideov3", "--segment-frames", "30"]);
    let is_running = || server.jobs().first().is_some_and(|job| job["segments_done"].as_u64() > Some(0));
    wait_for("the first segment", server::PATIENCE, is_running);
    // How fast it goes is in the job's folder only.
    let is_told = || run_well(root, &["list"]).contains(" fps");
    wait_for("the speed", server::PATIENCE, is_told);
    let listed = run_well(root, &["list", "--running"]);
    assert!(
        listed.starts_with("JOB") && listed.contains("upscaling") && listed.contains("long.mp4"),
        "{listed}"
    );
    let shown = run_well(root, &["show", "1"]);
    assert!(
        ["speed ", "started ", "engine ", "disk held "].iter().all(|fact| shown.contains(fact)),
        "{shown}"
    );
    assert!(run_well(root, &["show", "1"]).contains("realesr-animevideov3"));
    assert!(root.join("output/long.mp4.job/status.json").is_file());
    run_well(root, &["cancel", "1"]);
    wait_for("the job folder to go", Duration::from_secs(10), || !root.join("output/long.mp4.job").exists());
    assert_eq!(server.jobs()[0]["status"], "canceled");
    assert_eq!(run(root, &["cancel", "1"]).status.code(), Some(1));
    run_well(root, &["retry", "1"]);
    wait_for("the job to go on", server::PATIENCE, is_running);
    run_well(root, &["cancel", "1"]);
}

#[test]
fn a_source_that_changes_or_goes_away_fails_its_job() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::create_dir(root.join("input")).unwrap();
    make_clip(&root.join("input/gone.mp4"), "64x36", 3000, false);
    let server = Server::start(root, &["--model", "realesr-animevideov3", "--segment-frames", "30"]);
    let has_begun = |server: &Server, index: usize| {
        server.jobs().get(index).is_some_and(|job| job["segments_done"].as_u64() > Some(0))
    };
    wait_for("the first job", server::PATIENCE, || has_begun(&server, 0));
    std::fs::copy(root.join("input/gone.mp4"), root.join("input/other.mp4")).unwrap();
    wait_for("the other file", server::PATIENCE, || server.jobs().len() == 2);
    std::fs::remove_file(root.join("input/gone.mp4")).unwrap();
    wait_for("the second job", server::PATIENCE, || has_begun(&server, 1));
    make_clip(&root.join("input/other.mp4"), "32x32", 5, false);
    wait_for("the new content", server::PATIENCE, || server.jobs().len() == 3);
    let jobs = server.wait_for_jobs(3);
    let reason = |index: usize| jobs[index]["reason"].as_str().unwrap_or_default().to_owned();
    assert!(reason(0).contains("the source is gone"), "{}", reason(0));
    assert!(reason(1).contains("was changed since the job was added"), "{}", reason(1));
    assert_eq!(jobs[2]["status"], "done");
}

#[test]
fn one_root_has_one_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &QUICK);
    wait_for("the ledger", server::PATIENCE, || server.root.join("state/ledger.db").is_file());
    let output = run(folder.path(), &["serve"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("another server runs here"));
}
