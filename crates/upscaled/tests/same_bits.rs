//! Same in, same out: a result has the same packets whatever lay in memory before, however busy the machine is, and
//! wherever the program was killed.
//!
//! `UPSCALED_SAME_BITS` sets the runs of each case (4 by default, of which one in two is on a busy machine and one in four
//! is killed on its way; a release needs 12). `cargo run -p xtask -- same-bits` tries more sizes and encoders.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

mod common;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use common::{Random, ffmpeg, number, packets, segments, upscaled};

/// What new memory holds, a run each: glibc fills it by this variable. Without it, it is what the program makes it.
const HISTORIES: [Option<&str>; 4] = [None, Some("1"), Some("170"), Some("85")];
const FRAMES: &str = "40";
const SETTINGS: [&str; 4] = ["--model", "none", "--segment-frames", "10"];

/// Keeps all cores busy until it is dropped.
struct Busy(Arc<AtomicBool>, Vec<JoinHandle<()>>);

impl Busy {
    fn begin() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let cores = thread::available_parallelism().map_or(2, usize::from);
        let spin = |stop: Arc<AtomicBool>| move || while !stop.load(Ordering::Relaxed) {};
        let loops = (0..cores).map(|_| thread::spawn(spin(Arc::clone(&stop)))).collect();
        Self(stop, loops)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        self.1.drain(..).for_each(|spinning| spinning.join().unwrap());
    }
}

/// `up clip.mkv` with these arguments, in memory with a history.
fn command(folder: &Path, arguments: &[&str], history: Option<&str>) -> Command {
    let mut command = upscaled(folder);
    command.args(["up", "clip.mkv"]).args(SETTINGS).args(arguments).stdout(Stdio::null());
    match history {
        Some(byte) => command.env("MALLOC_PERTURB_", byte),
        None => command.env_remove("MALLOC_PERTURB_"),
    };
    command
}

/// Begins the job and kills it when it has finished more segments than there are, or at some other moment; gives whether
/// it was killed.
fn interrupt(folder: &Path, arguments: &[&str], history: Option<&str>, random: &mut Random) -> bool {
    let work = folder.join("clip.mkv.job/work");
    let finished = segments(&work).len();
    let mut child = command(folder, arguments, history).stderr(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    let later = Duration::from_millis(random.below(40));
    while segments(&work).len() == finished && start.elapsed() < Duration::from_mins(1) {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        thread::sleep(Duration::from_millis(1));
    }
    thread::sleep(later);
    child.kill().unwrap();
    child.wait().unwrap().code().is_none()
}

/// The packets of all runs of a case must be the same.
fn try_case(size: &str, arguments: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("clip.mkv");
    let video = format!("testsrc2=size={size}:rate=25,noise=alls=60:allf=t");
    ffmpeg(&["-f", "lavfi", "-i", &video, "-frames:v", FRAMES, "-c:v", "ffv1", clip.to_str().unwrap()]);
    let result = folder.path().join("clip_upscaled.mkv");
    let mut random = Random(7);
    let mut kills = 0;
    let mut first = None;
    for run in 0..number("UPSCALED_SAME_BITS", 4) {
        let history = HISTORIES[run % HISTORIES.len()];
        let _busy = (run % 2 == 1).then(Busy::begin);
        if run % 4 == 3 {
            // Each time the memory is another.
            for other in [history, None] {
                kills += usize::from(interrupt(folder.path(), arguments, other, &mut random));
            }
        }
        if !result.is_file() {
            let output = command(folder.path(), arguments, history).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        let found = packets(&result);
        std::fs::remove_file(&result).unwrap();
        let wanted = first.get_or_insert_with(|| found.clone());
        assert!(found == *wanted, "{size} {arguments:?}: run {run} in memory of {history:?} gave other bits");
    }
    println!("{size} {arguments:?}: the same bits, {kills} kills");
    assert!(kills > 0, "{size}: the job was over before each kill");
}

// The rows of these results are of 20, 22, 13 and 33 macroblocks. What libx264 reads beyond them shows where their number
// is no multiple of 8.

#[test]
fn a_height_gives_the_same_bits() {
    try_case("160x120", &["--height", "240"]);
}

#[test]
fn the_size_of_the_source_gives_the_same_bits() {
    try_case("352x288", &["--scale", "1"]);
}

#[test]
fn odd_sizes_give_the_same_bits() {
    try_case("97x63", &["--scale", "2"]);
}

#[test]
fn a_slower_preset_gives_the_same_bits() {
    try_case("130x74", &["--scale", "4", "--preset", "faster"]);
}

#[test]
fn hevc_gives_the_same_bits() {
    try_case("97x63", &["--scale", "2", "--codec", "hevc", "--preset", "ultrafast"]);
}
