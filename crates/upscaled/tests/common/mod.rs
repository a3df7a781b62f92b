//! What the end-to-end tests share: the real executables, clips made with FFmpeg, and looks at results.

#![allow(dead_code, unreachable_pub, reason = "every test file uses some of it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The program, ready for arguments, in a folder and without the environment of the test run.
pub fn upscaled(folder: &Path) -> Command {
    let worker = worker();
    assert!(
        worker.is_file(),
        "`{}` is missing: run `cargo build --workspace --bins` first",
        worker.display()
    );
    let mut command = Command::new(env!("CARGO_BIN_EXE_upscaled"));
    command
        .current_dir(folder)
        .env_remove("UPSCALED_ROOT")
        .env("UPSCALED_WORKER", worker)
        // Servers of several tests run at once.
        .env("UPSCALED_LISTEN", "127.0.0.1:0")
        .stdin(Stdio::null());
    command
}

/// Runs the program to its end.
pub fn run(folder: &Path, arguments: &[&str]) -> Output {
    upscaled(folder).args(arguments).output().unwrap()
}

/// Runs the program, which must succeed; gives its standard output.
pub fn run_well(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {:?}\n{errors}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// What the program, with arguments that a shell splits, shows on a terminal of so many columns; `None` where there is no
/// program that makes one.
pub fn on_terminal(folder: &Path, columns: u32, arguments: &str) -> Option<String> {
    on_terminal_of(folder, columns, 24, arguments)
}

/// As [`on_terminal`], with so many rows.
pub fn on_terminal_of(folder: &Path, columns: u32, rows: u32, arguments: &str) -> Option<String> {
    let program = env!("CARGO_BIN_EXE_upscaled");
    let line = format!("stty cols {columns} rows {rows}; '{program}' {arguments}");
    let output = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .current_dir(folder)
        .env_remove("UPSCALED_ROOT")
        .env("UPSCALED_WORKER", worker())
        .env("TERM", "xterm")
        .stdin(Stdio::null())
        .output();
    match output {
        Ok(output) => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(error) => {
            println!("skipped: script does not work here: {error}");
            None
        }
    }
}

/// A text of a terminal without what moves its cursor or sets its colours.
pub fn without_escapes(text: &str) -> String {
    let mut kept = String::new();
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        if c == '\u{1b}' {
            // `ESC [`, numbers, and a letter that ends it.
            let _ = characters.by_ref().skip(1).find(char::is_ascii_alphabetic);
        } else {
            kept.push(c);
        }
    }
    kept
}

/// Runs an `ffmpeg` command, which must succeed.
pub fn ffmpeg(arguments: &[&str]) {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-hide_banner", "-v", "error", "-y"])
        .args(arguments)
        .output()
        .expect("ffmpeg is needed for the tests: ./test installs it");
    assert!(output.status.success(), "ffmpeg {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Makes a clip with moving pictures and, on request, sound.
pub fn make_clip(path: &Path, size: &str, frames: u32, sound: bool) {
    make_video(path, &format!("testsrc2=size={size}:rate=25"), frames, sound);
}

/// Makes a clip whose result, of two or four times the size, tells when an encoder takes in what it should not: noise leaves
/// it much to choose, and no row has as many macroblocks as fit the registers of processors.
pub fn make_telling_clip(path: &Path, frames: u32, sound: bool) {
    make_video(path, "testsrc2=size=52x36:rate=25,noise=alls=40:allf=t", frames, sound);
}

fn make_video(path: &Path, video: &str, frames: u32, sound: bool) {
    let seconds = f64::from(frames) / 25.0;
    let sine = format!("sine=frequency=440:sample_rate=48000:duration={seconds}");
    let frames = frames.to_string();
    let path = path.to_str().unwrap();
    let encoder = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-frames:v", &frames];
    let mut arguments = vec!["-f", "lavfi", "-i", video];
    if sound {
        arguments.extend(["-f", "lavfi", "-i", &sine, "-c:a", "aac"]);
    }
    arguments.extend(encoder);
    arguments.push(path);
    ffmpeg(&arguments);
}

/// What `ffprobe` says, a line an entry.
pub fn ffprobe(path: &Path, arguments: &[&str]) -> Vec<String> {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-of", "csv=p=0"])
        .args(arguments)
        .arg(path)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| line.trim_end_matches(',').to_owned()).filter(|line| !line.is_empty()).collect()
}

/// Width and height of a video.
pub fn size(path: &Path) -> String {
    ffprobe(path, &["-select_streams", "v:0", "-show_entries", "stream=width,height"]).join(" ")
}

/// PTS of all frames, in ticks.
pub fn pts(path: &Path) -> Vec<i64> {
    let lines = ffprobe(path, &["-select_streams", "v:0", "-show_entries", "packet=pts"]);
    let mut pts: Vec<i64> = lines.iter().map(|line| line.parse().unwrap()).collect();
    pts.sort_unstable();
    pts
}

/// A checksum of every decoded frame.
pub fn frame_checksums(path: &Path) -> Vec<String> {
    checksums(path, "0:v:0")
}

/// The encoded pictures, as times and checksums.
pub fn packets(path: &Path) -> Vec<String> {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i", path.to_str().unwrap()])
        .args(["-map", "0:v:0", "-c", "copy", "-f", "framemd5", "-"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    // The bytes before the packets stand at the head.
    text.lines().filter(|line| !line.starts_with("#software")).map(str::to_owned).collect()
}

/// A checksum of every decoded frame of a stream, which is named as for `ffmpeg -map`.
pub fn checksums(path: &Path, stream: &str) -> Vec<String> {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i", path.to_str().unwrap()])
        .args(["-map", stream, "-fps_mode", "passthrough", "-f", "framemd5", "-"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.rsplit(',').next().unwrap().to_owned())
        .collect()
}

/// The names of what lies in a folder, but for the reports of results, in order.
pub fn names(folder: &Path) -> Vec<std::ffi::OsString> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name()).collect();
    names.retain(|name| Path::new(name).extension().is_none_or(|extension| extension != "json"));
    names.sort();
    names
}

/// Waits until something is true.
pub fn wait_for(what: &str, limit: Duration, mut is_true: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_true() {
        assert!(start.elapsed() < limit, "waited {limit:?} in vain for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The real clips that tests use when they are there: in `$UPSCALED_TEST_DATA`, else beside the project.
pub fn clip(name: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = std::env::var_os("UPSCALED_TEST_DATA").map_or(beside, PathBuf::from);
    let path = folder.join("clips/public").join(name);
    if path.is_file() {
        return Some(path);
    }
    println!("skipped: the clip {name} is not in `{}`", folder.display());
    None
}

/// A job that takes a moment: no network, segments of 12 frames, and the preset that is the default.
pub const SMALL_JOB: [&str; 10] =
    ["up", "clip.mp4", "--model", "none", "--scale", "2", "--preset", "veryfast", "--segment-frames", "12"];

/// Leaves a small job in `clip.mp4.job` that was killed when so many of its segments were finished; some are still to be
/// made. False when it always ended too early.
pub fn interrupt(folder: &Path, finished: usize) -> bool {
    for _ in 0..20 {
        let _ = std::fs::remove_dir_all(folder.join("clip.mp4.job"));
        let _ = std::fs::remove_file(folder.join("clip_upscaled.mp4"));
        let mut child =
            upscaled(folder).args(SMALL_JOB).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let start = Instant::now();
        let made = || segments(&folder.join("clip.mp4.job/work")).len();
        while made() < finished && start.elapsed() < Duration::from_mins(1) {
            std::thread::sleep(Duration::from_millis(1));
        }
        // Time for the row; making the next segment takes longer.
        std::thread::sleep(Duration::from_millis(5));
        child.kill().unwrap();
        child.wait().unwrap();
        if made() >= finished {
            return true;
        }
    }
    false
}

/// The number in a variable of the environment, which says how often something is tried.
pub fn number(variable: &str, usual: usize) -> usize {
    std::env::var(variable).map_or(usual, |text| text.parse().expect("the variable is a number"))
}

/// True where processes can be traced; else says why a test is skipped.
pub fn can_trace() -> bool {
    let output = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).output();
    let works = matches!(&output, Ok(output) if output.status.success());
    if !works {
        println!("skipped: strace does not work here: {output:?}");
    }
    works
}

/// Compiles a library of C that lies here; `None`, with a word, where there is no compiler.
pub fn library(source: &str, library: &Path) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/common").join(source);
    let mut compiler = Command::new("cc");
    match compiler.args(["-shared", "-fPIC", "-o"]).arg(library).arg(source).arg("-ldl").output() {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Some(library.to_owned())
        }
        Err(error) => {
            println!("skipped: no C compiler ({error})");
            None
        }
    }
}

/// Writes a program that tests put in the place of the worker.
pub fn executable(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// The worker itself.
pub fn worker() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_upscaled")).with_file_name("upscaled-worker")
}

/// Numbers that look random and repeat.
pub struct Random(pub u64);

impl Random {
    /// A number below the limit.
    pub fn below(&mut self, limit: u64) -> u64 {
        // Knuth's MMIX generator; the high bits are the better ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Attempts of all segments so far, by the epochs in the names of the files.
pub fn segments(folder: &Path) -> Vec<(u32, u32)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<(u32, u32)> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let (index, epoch) = name.strip_prefix("seg-")?.strip_suffix(".pkt")?.split_once(".e")?;
            Some((index.parse().ok()?, epoch.parse().ok()?))
        })
        .collect();
    found.sort_unstable();
    found
}
