//! Files and folders that a person renames within the folder that is watched: nothing is made again for a name, and no result
//! is taken for another's.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;
#[path = "common/server.rs"]
mod server;

use std::fs;
use std::path::{Path, PathBuf};

use common::{frame_checksums, make_clip, names, run, run_well, segments, wait_for};
use serde_json::Value;
use server::{PATIENCE, Server};

const QUICK: [&str; 6] = ["--model", "none", "--preset", "ultrafast", "--scale", "2"];
/// Segments that take a moment.
const SLOW: [&str; 4] = ["--model", "realesr-animevideov3", "--segment-frames", "25"];

/// A root with clips of 25 frames, each of its own content, in its input folder.
fn root(clips: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("input")).unwrap();
    for (number, name) in clips.iter().enumerate() {
        let path = folder.path().join("input").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        make_clip(&path, &format!("64x{}", 36 + 4 * number), 25, false);
    }
    folder
}

/// The numbers of all jobs with the names of their sources below the input folder, in the order of the numbers.
fn sources(server: &Server) -> Vec<(u64, String)> {
    let input = server.root.join("input");
    let source = |job: &Value| {
        let path = PathBuf::from(job["source"].as_str().unwrap());
        path.strip_prefix(&input).unwrap().to_str().unwrap().to_owned()
    };
    let mut sources: Vec<_> =
        server.jobs().iter().map(|job| (job["id"].as_u64().unwrap(), source(job))).collect();
    sources.sort();
    sources
}

/// Waits until the sources of all jobs have these names.
fn wait_for_sources(server: &Server, wanted: &[&str]) -> Vec<(u64, String)> {
    let mut found = Vec::new();
    wait_for("the new names", PATIENCE, || {
        found = sources(server);
        let mut names: Vec<&str> = found.iter().map(|(_, name)| name.as_str()).collect();
        names.sort_unstable();
        names == wanted
    });
    found
}

fn log(root: &Path) -> String {
    let logs = fs::read_dir(root.join("logs")).unwrap().flatten();
    logs.map(|entry| fs::read_to_string(entry.path()).unwrap()).collect()
}

#[test]
fn what_is_done_stays_done_under_a_new_name_and_a_copy_is_a_job_of_its_own() {
    let folder = root(&["a.mp4", "show/1.mp4", "show/2.mp4", "show/3.mp4"]);
    let (root, input) = (folder.path(), folder.path().join("input"));
    let mut server = Server::start(root, &QUICK);
    server.wait_for_jobs(4);
    let before = sources(&server);
    let number = |name: &str| before.iter().find(|(_, source)| source == name).unwrap().0;
    let (film, first) = (number("a.mp4"), number("show/1.mp4"));
    fs::rename(input.join("a.mp4"), input.join("b.mp4")).unwrap();
    fs::rename(input.join("show"), input.join("series")).unwrap();
    let wanted = ["b.mp4", "series/1.mp4", "series/2.mp4", "series/3.mp4"];
    let after = wait_for_sources(&server, &wanted);
    assert!(
        after.contains(&(film, "b.mp4".to_owned())) && after.contains(&(first, "series/1.mp4".to_owned()))
    );
    let jobs = server.wait_for_jobs(4);
    assert!(jobs.iter().all(|job| job["status"] == "done"), "{jobs:#?}");
    assert_eq!(names(&root.join("output")), ["a_upscaled.mp4", "show"]);
    assert_eq!(log(root).matches(" now; its result stays `").count(), 4);

    // While the server is off, and with other settings than before: a name asks for nothing.
    server.stop();
    fs::rename(input.join("b.mp4"), input.join("c.mp4")).unwrap();
    fs::rename(input.join("series/2.mp4"), input.join("2.mp4")).unwrap();
    drop(server);
    let server = Server::start(root, &[&QUICK[..], &["--crf", "40"]].concat());
    let wanted = ["2.mp4", "c.mp4", "series/1.mp4", "series/3.mp4"];
    let after = wait_for_sources(&server, &wanted);
    assert!(after.contains(&(film, "c.mp4".to_owned())), "{after:?}");

    // A copy is another file.
    fs::copy(input.join("c.mp4"), input.join("copy.mp4")).unwrap();
    let jobs = server.wait_for_jobs(5);
    assert!(jobs.iter().all(|job| job["status"] == "done"), "{jobs:#?}");
    assert!(root.join("output/copy_upscaled.mp4").is_file());
}

#[test]
fn files_that_swapped_their_names_keep_their_own_results() {
    let folder = root(&["a.mp4", "b.mp4"]);
    let (root, input) = (folder.path(), folder.path().join("input"));
    let server = Server::start(root, &QUICK);
    server.wait_for_jobs(2);
    let swapped: Vec<(u64, String)> = sources(&server)
        .into_iter()
        .map(|(id, name)| (id, if name == "a.mp4" { "b.mp4" } else { "a.mp4" }.to_owned()))
        .collect();
    let result = root.join("output/a_upscaled.mp4");
    let frames = frame_checksums(&result);
    fs::rename(input.join("a.mp4"), input.join("between")).unwrap();
    fs::rename(input.join("b.mp4"), input.join("a.mp4")).unwrap();
    fs::rename(input.join("between"), input.join("b.mp4")).unwrap();
    wait_for("the new names", PATIENCE, || sources(&server) == swapped);
    assert_eq!(server.wait_for_jobs(2).len(), 2);
    // The job that made `a_upscaled.mp4` makes the same again.
    let id = swapped.iter().find(|(_, name)| name == "b.mp4").unwrap().0.to_string();
    fs::remove_file(&result).unwrap();
    run_well(root, &["retry", &id]);
    wait_for("the result", PATIENCE, || result.is_file());
    server.wait_for_jobs(2);
    assert_eq!(frame_checksums(&result), frames);
    assert_eq!(names(&root.join("output")), ["a_upscaled.mp4", "b_upscaled.mp4"]);
}

#[test]
fn a_job_that_runs_goes_on_when_its_file_or_folder_is_renamed() {
    let folder = root(&[]);
    let (root, input) = (folder.path(), folder.path().join("input"));
    fs::create_dir(input.join("one")).unwrap();
    make_clip(&input.join("one/film.mp4"), "64x36", 600, false);
    let mut server = Server::start(root, &SLOW);
    let work = root.join("output/one/film.mp4.job");
    wait_for("two segments", PATIENCE, || segments(&work).len() >= 2);
    let kept = segments(&work)[0];
    let goes_on = |server: &Server, source: &str| {
        let before = segments(&work).len();
        wait_for(source, PATIENCE, || sources(server) == [(1, source.to_owned())]);
        wait_for("another segment", PATIENCE, || segments(&work).len() > before);
        assert_eq!(segments(&work)[0], kept, "what was finished is not made again");
    };
    fs::rename(input.join("one/film.mp4"), input.join("one/other.mp4")).unwrap();
    goes_on(&server, "one/other.mp4");
    fs::rename(input.join("one"), input.join("two")).unwrap();
    goes_on(&server, "two/other.mp4");
    server.stop();
    fs::rename(input.join("two/other.mp4"), input.join("last.mp4")).unwrap();
    server.restart();
    goes_on(&server, "last.mp4");
    let jobs = server.wait_for_jobs(1);
    assert_eq!(jobs[0]["status"], "done", "{jobs:#?}");
    let result = PathBuf::from(jobs[0]["result"].as_str().unwrap());
    assert_eq!(frame_checksums(&result).len(), 600);
}

#[test]
fn a_file_that_waits_takes_its_result_to_where_it_is_now() {
    let folder = root(&["one/a.mp4"]);
    let (root, input) = (folder.path(), folder.path().join("input"));
    // Something that keeps the server busy.
    make_clip(&input.join("z.mp4"), "64x36", 1500, false);
    let server = Server::start(root, &SLOW);
    wait_for("both jobs", PATIENCE, || server.jobs().len() == 2);
    let jobs = server.jobs();
    let waiting = jobs.iter().find(|job| job["status"] == "queued").unwrap();
    let is_film = waiting["source"].as_str().unwrap().ends_with("a.mp4");
    let id = waiting["id"].to_string();
    run_well(root, &["pause", &id]);
    let (old, new) = if is_film { ("one/a.mp4", "two/b.mp4") } else { ("z.mp4", "two/b.mp4") };
    fs::create_dir(input.join("two")).unwrap();
    fs::rename(input.join(old), input.join(new)).unwrap();
    wait_for("the new name", PATIENCE, || {
        sources(&server).iter().any(|(job, source)| job.to_string() == id && source == new)
    });
    let shown: Value = serde_json::from_str(&run_well(root, &["show", &id, "--json"])).unwrap();
    assert_eq!(shown["status"], "paused");
    let other = sources(&server).into_iter().find(|(job, _)| job.to_string() != id).unwrap().0.to_string();
    // A short one may be done by now.
    run(root, &["cancel", &other]);
    run_well(root, &["resume", &id]);
    let result = root.join("output/two/b_upscaled.mp4");
    wait_for("the result", PATIENCE, || result.is_file());
}

#[test]
fn a_film_that_comes_back_is_made_though_its_job_had_failed() {
    let folder = root(&["other.mp4"]);
    let (root, input) = (folder.path(), folder.path().join("input"));
    fs::rename(input.join("other.mp4"), root.join("other.mp4")).unwrap();
    make_clip(&input.join("film.mp4"), "64x36", 600, false);
    let server = Server::start(root, &SLOW);
    let status = |id: u64| {
        let job = server.jobs().into_iter().find(|job| job["id"] == id);
        job.map(|job| job["status"].as_str().unwrap().to_owned()).unwrap_or_default()
    };
    let wait_for_status = |id: u64, wanted: &str| wait_for(wanted, PATIENCE, || status(id) == wanted);
    wait_for("a segment", PATIENCE, || !segments(&root.join("output/film.mp4.job")).is_empty());
    // It is away for so long that the job fails, and comes back as it was.
    fs::rename(input.join("film.mp4"), root.join("film.mp4")).unwrap();
    wait_for_status(1, "failed");
    fs::rename(root.join("film.mp4"), input.join("film.mp4")).unwrap();
    wait_for("the job to go on", PATIENCE, || matches!(&*status(1), "running" | "queued"));
    // Another film has its name for a while, and is made.
    fs::rename(input.join("film.mp4"), root.join("film.mp4")).unwrap();
    fs::rename(root.join("other.mp4"), input.join("film.mp4")).unwrap();
    wait_for_status(1, "failed");
    wait_for_status(2, "done");
    fs::rename(root.join("film.mp4"), input.join("film.mp4")).unwrap();
    wait_for_status(1, "done");
    let results: Vec<usize> = names(&root.join("output"))
        .iter()
        // The folder of the job is removed a moment later.
        .filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "mp4"))
        .map(|name| frame_checksums(&root.join("output").join(name)).len())
        .collect();
    assert_eq!(results.iter().sum::<usize>(), 625, "{results:?}");
}
