//! Killed at a system call or failed by it, whichever it is: the same frames come out in the end.
//!
//! `strace` kills the program or its worker, or makes a call fail, when one of its threads makes a call that changes
//! something for the nth time. All calls and all n of a job are points; `UPSCALED_KILL_POINTS` and
//! `UPSCALED_FAILURES` say how many of them are tried (200 and 50 by default; a release needs 2000 and 500), spread evenly.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use common::{SMALL_JOB, can_trace, frame_checksums, make_telling_clip, number, run, run_well, upscaled};

const FRAMES: u32 = 36;
/// Calls that change files, and `write`, which also carries the messages between server and worker.
const CALLS: &str =
    "write,pwrite64,fsync,fdatasync,rename,renameat2,link,linkat,unlink,unlinkat,rmdir,mkdir,ftruncate";
/// Times that a job is started again after its last kill: a worker's death counts as an attempt, and three end a job.
const RESTARTS: usize = 2;

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Server,
    Worker,
}

/// What happens there, in the words of `strace`.
const KILL: &str = "signal=KILL";
const ERRORS: [&str; 2] = ["error=EIO", "error=ENOSPC"];

/// The nth time that a thread makes a call.
#[derive(Debug, Clone)]
struct Point {
    victim: Victim,
    call: String,
    number: usize,
}

/// A folder with a clip and a worker that may be traced.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new(clip: &Path) -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        fs::copy(clip, place.path("clip.mp4")).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the job under `strace`, with these options for the server or the first worker.
    fn traced(&self, victim: Victim, options: &[&str]) -> Output {
        let mut program = upscaled(self.folder.path());
        let get = |name: &str| program.get_envs().find(|(key, _)| *key == name).and_then(|(_, value)| value);
        let worker = get("UPSCALED_WORKER").unwrap().to_owned();
        let mut strace = vec!["-f", "-qq"];
        strace.extend(options);
        if victim == Victim::Worker {
            let script = format!(
                "#!/bin/sh\nmkdir '{flag}' 2>/dev/null && exec strace {strace} '{worker}' \"$@\"\nexec '{worker}' \"$@\"\n",
                flag = self.path("traced").display(),
                strace = strace.join(" "),
                worker = worker.display(),
            );
            let wrapper = self.path("worker.sh");
            fs::write(&wrapper, script).unwrap();
            fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755)).unwrap();
            let _ = fs::remove_dir(self.path("traced"));
            return program.env("UPSCALED_WORKER", wrapper).args(SMALL_JOB).output().unwrap();
        }
        // The worker is let go when it begins.
        let mut command = Command::new("strace");
        command.args(strace).args(["-b", "execve"]).arg(program.get_program()).args(SMALL_JOB);
        command.current_dir(self.folder.path()).env("UPSCALED_WORKER", worker).env_remove("UPSCALED_ROOT");
        command.stdin(Stdio::null()).output().unwrap()
    }

    /// The points of one job.
    fn points(&self, victim: Victim) -> Vec<Point> {
        let log = self.path("calls.log");
        let trace = format!("trace={CALLS}");
        let output = self.traced(victim, &["-o", log.to_str().unwrap(), "-e", &trace]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
        for line in fs::read_to_string(log).unwrap().lines() {
            let Some((thread, rest)) = line.split_once(char::is_whitespace) else { continue };
            // A call that was interrupted by another thread's has a second line, which begins otherwise.
            let Some((call, _)) = rest.trim_start().split_once('(') else { continue };
            if call.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                *counts.entry((call.to_owned(), thread.to_owned())).or_default() += 1;
            }
        }
        let mut most: BTreeMap<String, usize> = BTreeMap::new();
        for ((call, _), count) in counts {
            let most = most.entry(call).or_default();
            *most = count.max(*most);
        }
        println!("{victim:?}: {most:?}");
        most.into_iter()
            .flat_map(|(call, most)| {
                (1..=most).map(move |number| Point { victim, call: call.clone(), number })
            })
            .collect()
    }

    /// Runs the job, with a fault at a point. True when the job came there.
    fn run_with(&self, fault: &str, Point { victim, call, number }: &Point) -> (Output, bool) {
        let log = self.path("fault.log");
        let (trace, inject) = (format!("trace={call}"), format!("inject={call}:{fault}:when={number}"));
        let output = self.traced(*victim, &["-o", log.to_str().unwrap(), "-e", &trace, "-e", &inject]);
        let happened = if fault == KILL {
            match victim {
                Victim::Server => output.status.signal() == Some(9),
                // Told by the server, which kills a worker itself in the end.
                Victim::Worker => String::from_utf8_lossy(&output.stderr).contains("signal 9"),
            }
        } else {
            // No log where nothing was left to do.
            fs::read_to_string(log).is_ok_and(|log| log.contains("(INJECTED)"))
        };
        (output, happened)
    }

    /// Runs the job until it is killed at a point. False when it never came there.
    fn kill_at(&self, point: &Point) -> bool {
        // The instant after the ledger of a finished job is gone: the next start finds a result without a job.
        let is_forgotten =
            self.path("clip_upscaled.mp4").exists() && !self.path("clip.mp4.job/ledger.db").exists();
        let (output, killed) = self.run_with(KILL, point);
        let errors = String::from_utf8_lossy(&output.stderr);
        let refused = is_forgotten && errors.contains("is there already");
        assert!(killed || refused || output.status.success(), "{point:?}: {:?}: {errors}", output.status);
        killed
    }

    /// Starts the job again until it is done.
    fn finish(&self) -> Result<(), String> {
        let mut errors = String::new();
        for _ in 0..RESTARTS {
            if self.path("clip_upscaled.mp4").exists() && !self.path("clip.mp4.job").exists() {
                return Ok(());
            }
            let output = run(self.folder.path(), &SMALL_JOB);
            errors = String::from_utf8_lossy(&output.stderr).into_owned();
            if output.status.success() {
                return Ok(());
            }
        }
        Err(errors)
    }
}

/// The result is whole, the source is as it was, and nothing of the job is left.
fn check_end(place: &Place, clip: &Path, wanted: &[String]) -> Result<(), String> {
    if frame_checksums(&place.path("clip_upscaled.mp4")) != wanted {
        return Err("the frames differ".to_owned());
    }
    if place.path("clip.mp4.job").exists() {
        return Err("something of the job is left".to_owned());
    }
    if fs::read(place.path("clip.mp4")).unwrap() != fs::read(clip).unwrap() {
        return Err("the source has changed".to_owned());
    }
    Ok(())
}

/// Kills a job at two points, if it comes there, and looks at what the next starts make of it. Gives the kills.
fn killed(clip: &Path, wanted: &[String], points: [&Point; 2]) -> Result<usize, String> {
    let place = Place::new(clip);
    let result = place.path("clip_upscaled.mp4");
    let mut kills = 0;
    for point in points {
        kills += usize::from(place.kill_at(point));
        // A result that has its name is whole.
        if result.exists() && frame_checksums(&result) != wanted {
            return Err("a result was published that is not whole".to_owned());
        }
        if result.exists() && !place.path("clip.mp4.job").exists() {
            break;
        }
    }
    place.finish()?;
    check_end(&place, clip, wanted).map(|()| kills)
}

/// Makes one call of a job fail. The job goes on or ends with a reason, and then goes on with the next start. False
/// when the job never made that call.
fn failed(clip: &Path, wanted: &[String], fault: &str, point: &Point) -> Result<bool, String> {
    let place = Place::new(clip);
    let (output, happened) = place.run_with(fault, point);
    let errors = String::from_utf8_lossy(&output.stderr);
    if errors.contains("panicked") {
        return Err(format!("a panic: {errors}"));
    }
    if !output.status.success() && !errors.contains("error: ") {
        return Err(format!("no reason: {:?}: {errors}", output.status));
    }
    place.finish()?;
    check_end(&place, clip, wanted).map(|()| happened)
}

/// What all stories begin with; `None` where processes cannot be traced.
struct Stage {
    _folder: tempfile::TempDir,
    clip: PathBuf,
    wanted: Vec<String>,
    points: Vec<Point>,
}

impl Stage {
    fn set() -> Option<Self> {
        if !can_trace() {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let clip = folder.path().join("clip.mp4");
        make_telling_clip(&clip, FRAMES, true);
        run_well(folder.path(), &SMALL_JOB);
        let wanted = frame_checksums(&folder.path().join("clip_upscaled.mp4"));
        assert_eq!(wanted.len(), FRAMES as usize);
        let victims = [Victim::Server, Victim::Worker].into_iter();
        let points = victims.flat_map(|victim| Place::new(&clip).points(victim)).collect();
        Some(Self { _folder: folder, clip, wanted, points })
    }
}

/// Point `number` of so many that are spread evenly.
fn spread(points: &[Point], number: usize, of: usize) -> &Point {
    &points[number * points.len() / of % points.len()]
}

/// Calls `story` with 0, 1, 2 … on two threads until it gives `None`; collects what went wrong.
fn tell(story: impl Fn(usize) -> Option<Result<(), String>> + Sync) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut failures = Vec::new();
        while let Some(end) = story(next.fetch_add(1, Relaxed)) {
            failures.extend(end.err());
        }
        failures
    };
    std::thread::scope(|scope| {
        let threads = [scope.spawn(work), scope.spawn(work)];
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn killed_at_any_system_call_the_same_frames_come_out() {
    let Some(stage) = Stage::set() else { return };
    let wanted = number("UPSCALED_KILL_POINTS", 200);
    let kills = AtomicUsize::new(0);
    let failures = tell(|number| {
        if kills.load(Relaxed) >= wanted {
            return None;
        }
        // Two kills a job. The second falls on some other point of the way back: 7919 is a prime, so the pairs repeat late.
        let first = spread(&stage.points, number, wanted.div_ceil(2));
        let pair = [first, &stage.points[number * 7919 % stage.points.len()]];
        Some(match killed(&stage.clip, &stage.wanted, pair) {
            Ok(happened) => {
                kills.fetch_add(happened, Relaxed);
                Ok(())
            }
            Err(error) => Err(format!("{pair:?}: {error}")),
        })
    });
    println!(
        "{} kills at {} points: {} jobs went wrong",
        kills.into_inner(),
        stage.points.len(),
        failures.len()
    );
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn whatever_call_fails_the_same_frames_come_out() {
    let Some(stage) = Stage::set() else { return };
    let wanted = number("UPSCALED_FAILURES", 50);
    // The server's writes wake its own threads, which cannot fail; of files it writes `status.json` only in this way.
    let can_fail = |point: &Point| point.victim == Victim::Worker || point.call != "write";
    let points: Vec<Point> = stage.points.iter().filter(|point| can_fail(point)).cloned().collect();
    let happened = AtomicUsize::new(0);
    let failures = tell(|number| {
        let point = (number < wanted).then(|| spread(&points, number, wanted))?;
        let fault = ERRORS[number % ERRORS.len()];
        Some(match failed(&stage.clip, &stage.wanted, fault, point) {
            Ok(one) => {
                happened.fetch_add(usize::from(one), Relaxed);
                Ok(())
            }
            Err(error) => Err(format!("{fault} {point:?}: {error}")),
        })
    });
    println!(
        "{} failed calls at {} points: {} jobs went wrong",
        happened.into_inner(),
        points.len(),
        failures.len()
    );
    assert!(failures.is_empty(), "{failures:#?}");
}
