//! Little memory moves work to the disk or costs a worker; it never costs a frame or a finished segment.
//!
//! `UPSCALED_OOM_KILLS` says how often the system ends a worker because there is no memory left (2 by default; a release
//! needs 20).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

mod common;
#[path = "common/place.rs"]
mod place;
#[path = "common/server.rs"]
mod server;

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use common::{Random, ffmpeg, frame_checksums, make_clip, number, run_well, upscaled, wait_for};
use place::MemoryGroup;
use server::{PATIENCE, Server};

const SETTINGS: [&str; 4] = ["--model", "realesr-animevideov3", "--segment-frames", "15"];
/// More than anything here needs.
const PLENTY: u64 = 8 << 30;
/// Time for a worker to run out of memory. It may crawl instead, reading itself from the disk all the time.
const ROUND: Duration = Duration::from_secs(20);

fn well(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{:?}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    output
}

fn up(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = upscaled(folder);
    command.args(["up", "clip.mp4"]).args(arguments);
    command
}

#[test]
fn segments_that_do_not_fit_into_memory_go_to_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("clip.mp4");
    let noise = "testsrc2=size=640x360:rate=25,noise=alls=60:allf=t";
    ffmpeg(&[
        "-f",
        "lavfi",
        "-i",
        noise,
        "-frames:v",
        "90",
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-crf",
        "12",
        "-pix_fmt",
        "yuv420p",
        clip.to_str().unwrap(),
    ]);
    let lossless =
        ["--model", "none", "--scale", "2", "--preset", "ultrafast", "--crf", "0", "--segment-frames", "60"];
    well(up(folder.path(), &lossless).args(["-o", "wanted.mp4"]));
    let wanted = folder.path().join("wanted.mp4");
    let segment = wanted.metadata().unwrap().len() * 60 / 90;
    assert!(segment > 64 << 20, "a segment of {segment} bytes fits into 64 MiB");

    well(up(folder.path(), &lossless).env("UPSCALED_SCRATCH_MEMORY", (64 << 20).to_string()));
    println!("a segment of {segment} bytes with 64 MiB of memory");
    assert_eq!(frame_checksums(&folder.path().join("clip_upscaled.mp4")), frame_checksums(&wanted));
}

/// Bytes of memory that working files may take, as `doctor` says.
fn scratch(doctor: &Output) -> f64 {
    let text = String::from_utf8_lossy(&doctor.stdout);
    let line = text.lines().find(|line| line.contains("\"scratch\"")).unwrap();
    let (_, rest) = line.split_once("up to ").expect(line);
    rest.split(" GB").next().unwrap().parse::<f64>().unwrap() * 1e9
}

#[test]
fn in_half_a_gigabyte_a_job_ends_well_and_working_files_take_a_quarter() {
    let Some(group) = MemoryGroup::new("small") else { return };
    assert!(group.set_limit(512 << 20));
    let folder = tempfile::tempdir().unwrap();
    make_clip(&folder.path().join("clip.mp4"), "160x90", 90, true);
    let doctor = well(&mut group.command(upscaled(folder.path()).args(["doctor", "--json"])));
    println!("working files take up to {} MB in 512 MiB", scratch(&doctor) / 1e6);
    assert!((1e6..0.14e9).contains(&scratch(&doctor)));
    well(up(folder.path(), &SETTINGS).args(["-o", "wanted.mp4"]));
    well(&mut group.command(&up(folder.path(), &SETTINGS)));
    assert_eq!(group.kills(), 0);
    let frames = |name: &str| frame_checksums(&folder.path().join(name));
    assert_eq!(frames("clip_upscaled.mp4"), frames("wanted.mp4"));
}

/// Segments of the first job that are finished by the ledger.
fn done(server: &Server) -> u64 {
    server.jobs().first().map_or(0, |job| job["segments_done"].as_u64().unwrap())
}

#[test]
fn when_memory_runs_out_the_worker_dies_and_nothing_finished_is_lost() {
    let Some(group) = MemoryGroup::new("oom") else { return };
    let wanted_kills = number("UPSCALED_OOM_KILLS", 2) as u64;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    std::fs::create_dir_all(root.join("input")).unwrap();
    // Segments enough for a few between two deaths.
    let frames = (wanted_kills as u32 + 1) * 8 * 15;
    let clip = folder.path().join("clip.mp4");
    make_clip(&clip, "64x36", frames, false);
    well(up(folder.path(), &SETTINGS).args(["-o", "wanted.mp4"]));
    std::fs::copy(&clip, root.join("input/clip.mp4")).unwrap();

    let start_server = || Server::start_wrapped(&root, &SETTINGS, |command| group.command(command));
    let mut server = start_server();
    let mut servers = 0;
    let result = root.join("output/clip_upscaled.mp4");
    let mut random = Random(1);
    let (mut lost, mut others) = (0, 0);
    while group.kills() < wanted_kills && !result.exists() {
        // A third death over the same segment would rightly end the job: another one has to be finished first.
        let begun = done(&server);
        wait_for("a segment", PATIENCE, || done(&server) > begun || result.exists());
        let Some(worker) = server.worker() else { continue };
        let (kills, finished) = (group.kills(), done(&server));
        let score = std::fs::read_to_string(format!("/proc/{worker}/oom_score_adj")).unwrap_or_default();
        assert!(score.is_empty() || score.trim() == "500", "{score}");
        // What was free when it began is taken by another program while it works.
        let limit = group.usage() + (1 << 20) + random.below(8 << 20);
        let start = Instant::now();
        while !group.set_limit(limit) && start.elapsed() < ROUND {}
        let mut other = group.command(Command::new("tail").arg("/dev/zero")).spawn().unwrap();
        while group.kills() == kills && start.elapsed() < ROUND {
            std::thread::sleep(Duration::from_millis(1));
        }
        others += u64::from(other.try_wait().unwrap().is_some());
        let _ = other.kill();
        other.wait().unwrap();
        println!("{} MiB: {} deaths after {:?}", limit >> 20, group.kills() - kills, start.elapsed());
        assert!(group.set_limit(PLENTY));
        wait_for("a worker", PATIENCE, || {
            // The kernel may look for another victim before it has got the memory of the first back. Then it takes the
            // server, and whatever starts services starts it again.
            if server.has_ended() {
                servers += 1;
                server = start_server();
            }
            // While a segment waits for its next attempt, the worker dies over those after it, in every round. A third
            // death over any of them ends the job, and a higher limit lets it go on.
            if server.jobs()[0]["status"] == "failed" {
                println!("{}", server.jobs()[0]["reason"]);
                run_well(&root, &["retry", "1"]);
            }
            server.worker().is_some() || result.exists()
        });
        lost += finished.saturating_sub(done(&server));
    }
    let workers = group.kills() - servers - others;
    let jobs = server.wait_for_jobs(1);
    println!(
        "{workers} workers and {servers} servers were killed for want of memory; {lost} finished segments were lost"
    );
    assert_eq!(jobs[0]["status"], "done", "{jobs:#?}");
    assert!(workers + servers >= wanted_kills && workers >= servers, "{workers} {servers}");
    assert_eq!(lost, 0);
    assert_eq!(frame_checksums(&result), frame_checksums(&folder.path().join("wanted.mp4")));
    // Those that it started must be out of the group before that can go.
    assert_eq!(server.stop(), Some(0));
}

/// What a refusal says: bytes that are needed, and bytes that there are.
fn refused(output: &Output) -> (u64, u64) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let bytes = said.split('(').filter_map(|part| part.split_once(" bytes)")?.0.parse().ok());
    let [needed, there] = bytes.collect::<Vec<_>>().try_into().expect(&said);
    assert!(!said.contains("trying again"), "{said}");
    (needed, there)
}

#[test]
fn what_does_not_fit_is_made_in_tiles_and_what_fits_in_no_way_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    make_clip(&folder.path().join("clip.mp4"), "640x64", 4, false);
    let model = ["--model", "realesr-general-x4v3", "--threads", "1"];
    let traces = folder.path().join("traces");
    std::fs::create_dir(&traces).unwrap();
    let planned = || {
        let trace = std::fs::read_dir(&traces).unwrap().next().unwrap().unwrap().path();
        let trace: serde_json::Value = serde_json::from_slice(&std::fs::read(&trace).unwrap()).unwrap();
        ["memory_planned", "memory_peak"].map(|key| trace["otherData"][key].as_u64().unwrap())
    };
    well(up(folder.path(), &model).env("UPSCALED_TRACE", &traces).args(["-o", "wanted.mp4"]));
    let [whole, peak] = planned();
    println!("planned {whole} bytes, at most {peak} were taken");
    assert!(peak <= whole);
    // The least that would do is said by a limit under which nothing fits.
    let tight = |bytes: u64| {
        let mut command = up(folder.path(), &model);
        command.env("UPSCALED_MEMORY", bytes.to_string()).env("UPSCALED_TRACE", &traces);
        command
    };
    let (least, there) = refused(&tight(1 << 20).output().unwrap());
    assert_eq!(there, 1 << 20);
    assert!(least < whole, "{least} of {whole}");
    assert_eq!(refused(&tight(least - 1).output().unwrap()), (least, least - 1));
    well(&mut tight(least));
    let [tiled, peak] = planned();
    println!("in tiles planned {tiled} bytes, at most {peak} were taken");
    assert!(tiled == least && peak <= tiled);
    let packets = |name: &str| frame_checksums(&folder.path().join(name));
    assert_eq!(packets("clip_upscaled.mp4"), packets("wanted.mp4"));

    let Some(group) = MemoryGroup::new("admission") else { return };
    assert!(group.set_limit(least / 2));
    let command = up(folder.path(), &model);
    let mut command = group.command(&command);
    let (needed, there) = refused(&command.args(["-o", "other.mp4"]).output().unwrap());
    println!("a group of {} bytes leaves {there} of {needed}", least / 2);
    assert!(needed == least && there < least);
    assert_eq!(group.kills(), 0);
}

/// Bytes of memory that the segments of a folder of traces were planned with.
fn planned(traces: &Path) -> Vec<u64> {
    let of = |entry: std::io::Result<std::fs::DirEntry>| {
        let trace = std::fs::read(entry.unwrap().path()).unwrap();
        let trace: serde_json::Value = serde_json::from_slice(&trace).unwrap();
        trace["otherData"]["memory_planned"].as_u64().unwrap()
    };
    std::fs::read_dir(traces).unwrap().map(of).collect()
}

#[test]
fn two_workers_that_begin_together_are_not_promised_the_same_memory() {
    let Some(group) = MemoryGroup::new("together") else { return };
    let folder = tempfile::tempdir().unwrap();
    make_clip(&folder.path().join("clip.mp4"), "640x360", 4, false);
    let work = |name: &str, workers: &str| {
        let traces = folder.path().join(format!("{name}.traces"));
        std::fs::create_dir(&traces).unwrap();
        let (result, threads) = (format!("{name}.mp4"), ["--threads", workers, "--workers", workers]);
        let mut command = up(folder.path(), &SETTINGS[..2]);
        command.args(["--segment-frames", "2", "-o", &result]).args(threads).env("UPSCALED_TRACE", &traces);
        (command, traces)
    };
    let (mut alone, traces) = work("wanted", "1");
    well(&mut alone);
    let whole = *planned(&traces).iter().max().unwrap();

    // Enough for one of them, and for a half of the other.
    let limit = whole / 2 * 3;
    assert!(group.set_limit(limit));
    let (together, traces) = work("together", "2");
    let said = well(&mut group.command(&together));
    let said = String::from_utf8_lossy(&said.stderr);
    let planned = planned(&traces);
    let has_waited = said.contains("memory does not do for all workers at once");
    println!("{limit} bytes for segments of {planned:?} bytes; one has waited: {has_waited}");
    assert_eq!(planned.len(), 2);
    assert!(has_waited || planned.iter().sum::<u64>() <= limit, "{said}");
    assert_eq!(group.kills(), 0);
    let frames = |name: &str| frame_checksums(&folder.path().join(name));
    assert_eq!(frames("together.mp4"), frames("wanted.mp4"));
}
