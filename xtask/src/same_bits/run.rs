//! Runs of one case, each in other memory and on a machine that is quiet or busy.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Context;

use super::case::Case;
use crate::fidelity::upscale::Program;
use crate::tool;

/// What new memory holds, a run each: glibc fills it by `MALLOC_PERTURB_`. Without it, it is what the program makes it.
const HISTORIES: [Option<&str>; 4] = [None, Some("1"), Some("170"), Some("85")];
/// Times a run is killed before it is left alone.
const KILLS: usize = 2;
/// Time between looks at what is finished.
const LOOK: Duration = Duration::from_millis(1);

/// Keeps all cores busy until it is dropped.
pub(super) struct Busy(Arc<AtomicBool>, Vec<JoinHandle<()>>);

impl Busy {
    pub(super) fn begin() -> Self {
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
        for spinning in self.1.drain(..) {
            // It does nothing that can fail.
            let _ = spinning.join();
        }
    }
}

/// The runs of a case, in a folder with its clip.
pub(super) struct Session<'a> {
    program: &'a Program,
    folder: &'a Path,
    arguments: Vec<String>,
}

impl<'a> Session<'a> {
    pub(super) fn new(program: &'a Program, folder: &'a Path, case: &Case, frames: u32) -> Self {
        let segment = (frames / 4).max(1).to_string();
        let arguments = ["up", "clip.mkv", "--output", "result.mkv", "--segment-frames", &segment];
        let asked = case.arguments.split_whitespace();
        Self { program, folder, arguments: arguments.into_iter().chain(asked).map(str::to_owned).collect() }
    }

    /// The program, in the memory of a run.
    fn command(&self, number: usize) -> Command {
        let mut command = Command::new(&self.program.path);
        command.args(&self.arguments).current_dir(self.folder).env_remove("UPSCALED_ROOT");
        match HISTORIES[number % HISTORIES.len()] {
            Some(byte) => command.env("MALLOC_PERTURB_", byte),
            None => command.env_remove("MALLOC_PERTURB_"),
        };
        command
    }

    /// Begins a run some times, and kills it as soon as another segment is finished; gives how often it was killed.
    pub(super) fn interrupt(&self, number: usize) -> anyhow::Result<usize> {
        let mut kills = 0;
        for again in 0..KILLS {
            if self.result().is_file() {
                break;
            }
            let finished = self.segments()?;
            let mut command = self.command(number + again);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let mut child = command.spawn().context("starting `upscaled`")?;
            let start = Instant::now();
            while self.segments()? <= finished
                && child.try_wait()?.is_none()
                && start.elapsed() < self.program.limit
            {
                thread::sleep(LOOK);
            }
            child.kill()?;
            kills += usize::from(child.wait()?.code().is_none());
        }
        Ok(kills)
    }

    /// Runs the program to its end; gives the result, or what it said when it failed.
    pub(super) fn finish(&self, number: usize) -> anyhow::Result<Result<PathBuf, String>> {
        let result = self.result();
        // It may have been quicker than its killer.
        if result.is_file() {
            return Ok(Ok(result));
        }
        let ran = tool::run(&mut self.command(number), self.program.limit)?;
        Ok(match ran.status {
            Some(status) if status.success() => Ok(result),
            Some(_) => Err(ran.messages.lines().last().unwrap_or("it failed").to_owned()),
            None => Err(format!("it took longer than {:?}", self.program.limit)),
        })
    }

    fn result(&self) -> PathBuf {
        self.folder.join("result.mkv")
    }

    /// How many segments are finished.
    fn segments(&self) -> anyhow::Result<usize> {
        // The folder is named after the result, and there is none before the program made it.
        let mut count = 0;
        for entry in fs::read_dir(self.folder)?.flatten() {
            let work = entry.path().join("work");
            let files = fs::read_dir(work).into_iter().flatten().flatten();
            count +=
                files.filter(|file| file.path().extension().is_some_and(|ending| ending == "pkt")).count();
        }
        Ok(count)
    }
}
