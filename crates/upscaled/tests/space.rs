//! A full disk is a state with a message, and the job goes on by itself.
//!
//! `UPSCALED_DISK_SIZES` says how many sizes of a disk a job is tried on (10 by default; a release needs 200).

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

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{frame_checksums, make_clip, number, run, run_well, segments, upscaled, wait_for};
use place::{SmallDisk, wrapped};
use server::{PATIENCE, Server};

/// Time in which a job goes on once there is room.
const SOON: Duration = Duration::from_secs(10);
/// No network, and some megabytes of result.
const SETTINGS: [&str; 8] =
    ["--model", "none", "--preset", "ultrafast", "--crf", "5", "--segment-frames", "30"];

/// `up` of the clip with these arguments more.
fn up<'a>(more: &[&'a str]) -> Vec<&'a str> {
    ["up", "clip.mp4"].iter().chain(&SETTINGS).chain(more).copied().collect()
}

/// A folder with a clip, the frames of its result, and the size of that.
struct Stage {
    folder: tempfile::TempDir,
    wanted: Vec<String>,
    bytes: u64,
}

impl Stage {
    fn set(sound: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        make_clip(&folder.path().join("clip.mp4"), "160x90", 100, sound);
        run_well(folder.path(), &up(&["-o", "wanted.mp4"]));
        let result = folder.path().join("wanted.mp4");
        Self { wanted: frame_checksums(&result), bytes: result.metadata().unwrap().len(), folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

#[test]
fn a_full_disk_makes_a_job_wait_until_there_is_room_and_others_go_on() {
    let stage = Stage::set(false);
    let (root, bytes) = (stage.folder.path(), stage.bytes);
    fs::create_dir_all(root.join("input")).unwrap();
    // Room for the result and the segments only once the ballast is gone.
    let size = bytes * 4 + (8 << 20);
    let Some(_disk) = SmallDisk::mount(&root.join("output"), size) else { return };
    let ballast = root.join("output/ballast");
    fs::write(&ballast, vec![0; (size - bytes / 2 - (3 << 19)) as usize]).unwrap();
    fs::rename(root.join("clip.mp4"), root.join("input/clip.mp4")).unwrap();
    let server = Server::start(root, &SETTINGS);
    let waits = |server: &Server| {
        let mut jobs = server.jobs().into_iter();
        jobs.find(|job| job["status"] == "waiting for space")
    };
    wait_for("the job to wait", PATIENCE, || waits(&server).is_some());
    let job = waits(&server).unwrap();
    let needed = job["bytes_needed"].as_u64().unwrap();
    println!("{} ({needed} bytes)", job["reason"]);
    assert!(job["reason"].as_str().unwrap().contains("must be free on the disk"), "{job:#?}");
    // What a segment or the result takes, and no more than both with all margins.
    assert!((1 << 20..bytes * 2 + (2 << 20)).contains(&needed), "{needed}");

    // Another job has room enough.
    make_clip(&root.join("small.mp4"), "32x18", 5, false);
    fs::rename(root.join("small.mp4"), root.join("input/small.mp4")).unwrap();
    wait_for("the small job", PATIENCE, || {
        server
            .jobs()
            .iter()
            .any(|job| job["source"].as_str().unwrap().ends_with("small.mp4") && job["status"] == "done")
    });
    assert!(waits(&server).is_some(), "{:#?}", server.jobs());

    fs::remove_file(&ballast).unwrap();
    let start = Instant::now();
    wait_for("the job to go on", SOON, || waits(&server).is_none());
    println!("it went on after {:?}", start.elapsed());
    let jobs = server.wait_for_jobs(2);
    assert!(jobs.iter().all(|job| job["status"] == "done"), "{jobs:#?}");
    assert_eq!(frame_checksums(&root.join("output/clip_upscaled.mp4")), stage.wanted);
}

#[test]
fn a_job_that_cannot_keep_its_limit_ends_early_and_goes_on_with_a_higher_one() {
    let stage = Stage::set(true);
    let folder = stage.folder.path();
    let work = stage.path("clip.mp4.job/work");
    let limit = format!("{} bytes", stage.bytes);
    let output = run(folder, &up(&["--max-disk", &limit]));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("are allowed: allow more with --max-disk"), "{errors}");
    assert!(!stage.path("clip_upscaled.mp4").exists());
    let kept = segments(&work);
    assert_eq!(kept.len(), 1, "the first of the segments tells: {kept:?}");

    // As much as it is said to take.
    let source = stage.path("clip.mp4").metadata().unwrap().len();
    let limit = stage.bytes * 2 + source + (2 << 20);
    let mut child = spawn(folder, &up(&["--max-disk", &format!("{limit} bytes")]));
    let mut most = 0;
    let mut has_kept = true;
    while child.try_wait().unwrap().is_none() {
        let size = |entry: fs::DirEntry| entry.metadata().map_or(0, |metadata| metadata.len());
        most = fs::read_dir(&work).map_or(0, |entries| entries.flatten().map(size).sum::<u64>()).max(most);
        let found = segments(&work);
        // The last look may fall into the clearing up.
        has_kept &= found.is_empty() || kept.iter().all(|segment| found.contains(segment)) || found.len() < 4;
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(child.wait().unwrap().success());
    println!("at most {most} bytes of {limit}; the result has {}", stage.bytes);
    assert!(most > stage.bytes && most <= limit, "{most} of {limit}");
    assert!(has_kept);
    assert_eq!(frame_checksums(&stage.path("clip_upscaled.mp4")), stage.wanted);
}

/// Starts the program; what it says goes to a file.
fn spawn(folder: &Path, arguments: &[&str]) -> Child {
    let log = fs::File::create(folder.join("log")).unwrap();
    upscaled(folder).args(arguments).stdout(Stdio::null()).stderr(log).spawn().unwrap()
}

/// Where a job on a disk of some size ran into its end.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    /// It did not.
    Whole,
    /// It said why and ended.
    Refused,
    /// It said what it waits for, with so many frames finished.
    Waited(String),
}

/// Runs the job on a small disk, gives it room when it has come to a halt, and checks what becomes of it.
fn on_disk(stage: &Stage, disk: &SmallDisk, folder: &Path, wrap: Wrap) -> Result<Outcome, String> {
    let result = folder.join("clip_upscaled.mp4");
    let said_in = folder.with_extension("log");
    let said = || fs::read_to_string(&said_in).unwrap();
    let log = fs::File::create(&said_in).unwrap();
    let to = format!("{}/", folder.display());
    let arguments = up(&["-o", &to]);
    let mut command = wrap(upscaled(stage.folder.path()).args(&arguments));
    let mut child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
    let start = Instant::now();
    let outcome = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break if status.success() { Outcome::Whole } else { Outcome::Refused };
        }
        if let Some(line) = said().lines().find(|line| line.contains("waiting for space: ")) {
            break Outcome::Waited(line.split("waiting").next().unwrap().to_owned() + ledger_or_work(line));
        }
        if start.elapsed() > PATIENCE {
            let _ = child.kill();
            return Err(format!("it neither ends nor waits: {}", said()));
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    if outcome != Outcome::Whole && result.exists() {
        let _ = child.kill();
        return Err(format!("a result is there: {}", said()));
    }
    if outcome == Outcome::Refused && !said().contains("error: ") {
        return Err(format!("no reason: {}", said()));
    }
    disk.resize(64 << 20);
    if matches!(outcome, Outcome::Waited(_)) {
        let (resized, before) = (Instant::now(), said().len());
        while said().len() == before && child.try_wait().unwrap().is_none() {
            if resized.elapsed() > SOON {
                let _ = child.kill();
                return Err(format!("it does not go on: {}", said()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let status = child.wait().unwrap();
        if !status.success() {
            return Err(format!("{status:?}: {}", said()));
        }
    }
    if outcome == Outcome::Refused {
        let output = run(stage.folder.path(), &arguments);
        if !output.status.success() {
            return Err(format!("the next start: {}", String::from_utf8_lossy(&output.stderr)));
        }
    }
    if said().contains("panicked") {
        return Err(said());
    }
    if frame_checksums(&result) != stage.wanted {
        return Err(format!("the frames differ: {}", said()));
    }
    if folder.join("clip.mp4.job").exists() {
        return Err(format!("something of the job is left: {}", said()));
    }
    Ok(outcome)
}

fn ledger_or_work(line: &str) -> &'static str {
    if line.contains("the ledger") { "ledger" } else { "work" }
}

/// Jobs that run at once: most of the time they wait.
const AT_ONCE: usize = 5;

/// How a command is begun.
type Wrap = fn(&Command) -> Command;

#[test]
fn on_a_disk_of_any_size_a_job_ends_whole_or_halts_with_a_reason_and_goes_on() {
    sweep(number("UPSCALED_DISK_SIZES", 10), |command| wrapped(command, "env", &[]));
}

#[test]
fn the_same_holds_where_working_files_are_on_the_disk_as_well() {
    let wrap: Wrap = |command| wrapped(command, "env", &["UPSCALED_SCRATCH_MEMORY=4096"]);
    sweep(number("UPSCALED_DISK_SIZES", 10) / 2, wrap);
}

/// Runs a job on disks of so many sizes.
fn sweep(count: usize, wrap: Wrap) {
    let stage = Stage::set(true);
    // Segments and result at once, the ledger, and all margins.
    let whole = stage.bytes * 3 + (8 << 20);
    let mut tried: Vec<(u64, Outcome)> = Vec::new();
    let mut sizes: Vec<u64> = (0..AT_ONCE as u64).map(|n| whole * n / (AT_ONCE as u64 - 1)).collect();
    while tried.len() < count && !sizes.is_empty() {
        let run = |size: u64| -> Option<(u64, Result<Outcome, String>)> {
            let folder = stage.path(&format!("disk-{size}"));
            let disk = SmallDisk::mount(&folder, size)?;
            Some((size, on_disk(&stage, &disk, &folder, wrap)))
        };
        let ended: Vec<_> = std::thread::scope(|scope| {
            let runs: Vec<_> = sizes.iter().map(|&size| scope.spawn(move || run(size))).collect();
            runs.into_iter().map(|run| run.join().unwrap()).collect()
        });
        for end in ended {
            let Some((size, end)) = end else { return };
            println!("{size:>9} {end:?}");
            tried.push((size, end.unwrap()));
        }
        tried.sort_by_key(|(size, _)| *size);
        // Next come the middles between sizes that end differently, and then the widest gaps, down to a page.
        let mut gaps: Vec<_> = tried
            .windows(2)
            .map(|pair| (pair[0].1 != pair[1].1, pair[1].0 - pair[0].0, pair[0].0))
            .filter(|(_, gap, _)| *gap > 4096)
            .collect();
        gaps.sort_unstable();
        sizes = gaps
            .iter()
            .rev()
            .take(AT_ONCE.min(count - tried.len().min(count)))
            .map(|(_, gap, from)| from + gap / 2)
            .collect();
    }
    let of = |kind: fn(&Outcome) -> bool| tried.iter().filter(|(_, outcome)| kind(outcome)).count();
    println!(
        "{} sizes from 0 to {whole} bytes: {} whole, {} waited, {} refused",
        tried.len(),
        of(|outcome| *outcome == Outcome::Whole),
        of(|outcome| matches!(outcome, Outcome::Waited(_))),
        of(|outcome| *outcome == Outcome::Refused)
    );
    assert_eq!(tried.first().unwrap().1, Outcome::Refused);
    assert_eq!(tried.last().unwrap().1, Outcome::Whole);
}
