//! How true the time left is: films of ten kinds go through a server, and what it shows at some points of each is compared with how
//! long the rest then took.

mod films;
mod load;
mod table;

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

use crate::fidelity::options::{number, text};
use crate::fidelity::upscale::Program;
use crate::lanes::{Server, read_logs};

use films::Film;
use load::Load;
use table::{Line, Sample};

/// How the command is called.
pub(crate) const USAGE: &str = "cargo run -p xtask -- eta [--seconds 60] [--size 64x48] [--workers 1] [--alone yes|no] \
[--only NAME] [--model realesr-animevideov3] [--limit SECONDS] [--upscaled PROGRAM]";

/// Time between two looks at what the server says.
const LOOK: Duration = Duration::from_millis(200);
/// Shares of a film's frames at which the time left is taken down.
const SHARES: [f64; 4] = [0.1, 0.25, 0.5, 0.75];

struct Options {
    program: Program,
    seconds: u32,
    size: (u32, u32),
    workers: usize,
    /// Each film gets a server that knows nothing yet.
    alone: bool,
    only: Option<String>,
    model: String,
    limit: Duration,
}

impl Options {
    fn parse(arguments: &[OsString]) -> anyhow::Result<Self> {
        let (mut upscaled, mut size, mut only) = (None, (64, 48), None);
        let (mut seconds, mut workers, mut alone) = (60, 1, false);
        let (mut model, mut limit) = ("realesr-animevideov3".to_owned(), Duration::from_mins(15));
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let Some(value) = rest.next() else { bail!("{} needs a value", argument.display()) };
            match argument.to_str() {
                Some("--upscaled") => upscaled = Some(PathBuf::from(value)),
                Some("--seconds") => seconds = number("--seconds", value)?,
                Some("--workers") => workers = number("--workers", value)?,
                Some("--size") => {
                    let text = text(value)?;
                    let (width, height) = text.split_once('x').context("--size needs WIDTHxHEIGHT")?;
                    size = (width.parse()?, height.parse()?);
                }
                Some("--alone") => alone = text(value)? == "yes",
                Some("--only") => only = Some(text(value)?),
                Some("--model") => model = text(value)?,
                Some("--limit") => limit = Duration::from_secs(number("--limit", value)?),
                _ => bail!("`{}` is no option; usage: {USAGE}", argument.display()),
            }
        }
        ensure!(seconds > 0 && workers > 0, "nothing would be measured; usage: {USAGE}");
        let program = Program::find(upscaled, "", limit)?;
        Ok(Self { program, seconds, size, workers, alone, only, model, limit })
    }
}

/// What the server says of a job in the job's folder.
#[derive(Debug, Deserialize)]
struct Said {
    id: usize,
    source: String,
    status: String,
    phase: String,
    frames: Option<u32>,
    frames_done: u64,
    seconds_left: Option<f64>,
    stalled_seconds: Option<f64>,
}

/// Makes films, lets a server work them off, and says how true the time left was.
#[expect(clippy::print_stdout, reason = "the figures are what the command is run for")]
pub(crate) fn run(arguments: &[OsString]) -> anyhow::Result<ExitCode> {
    let options = Options::parse(arguments)?;
    let films: Vec<Film> = films::all()
        .into_iter()
        .filter(|film| options.only.as_ref().is_none_or(|only| film.name.contains(only.as_str())))
        .collect();
    ensure!(!films.is_empty(), "no film has that name");
    let store = tempfile::tempdir().context("making a folder for the films")?;
    let mut paths = Vec::new();
    for film in &films {
        paths.push(film.make(options.size, options.seconds, store.path())?);
    }
    println!("{}", load::machine());
    println!("{}", table::header());
    let together = if options.alone { 1 } else { films.len() };
    let mut lines = Vec::new();
    for (films, paths) in films.chunks(together).zip(paths.chunks(together)) {
        let names: Vec<&str> = films.iter().map(|film| film.name).collect();
        for mut line in watch(&options, paths)? {
            names.get(line.film).copied().unwrap_or_default().clone_into(&mut line.name);
            println!("{line}");
            lines.push(line);
        }
    }
    println!("{}", table::medians(&lines));
    println!("{}", table::even_medians(&lines));
    println!("{}", load::machine());
    Ok(ExitCode::SUCCESS)
}

/// Lets a server work films off, in their order, and takes down what it shows.
fn watch(options: &Options, films: &[PathBuf]) -> anyhow::Result<Vec<Line>> {
    let folder = tempfile::tempdir().context("making a folder for the server")?;
    let root = folder.path();
    fs::create_dir(root.join("input")).context("making the folder of the input")?;
    for (number, film) in films.iter().enumerate() {
        let extension = film.extension().unwrap_or_default().display().to_string();
        let to = root.join("input").join(format!("film{number:02}.{extension}"));
        fs::copy(film, &to).with_context(|| format!("copying {}", film.display()))?;
    }
    let mut server = Command::new(&options.program.path);
    server.args(["serve", "--no-http"]).arg("--root").arg(root).args(["--model", &options.model]);
    server.args(["--workers", &options.workers.to_string()]).env_remove("UPSCALED_ROOT");
    server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let server = Server(server.spawn().context("the server cannot be started")?);
    let start = Instant::now();
    let mut load = Load::begin(server.0.id());
    let mut jobs: HashMap<usize, Line> = HashMap::new();
    let mut done = 0;
    while done < films.len() {
        thread::sleep(LOOK);
        ensure!(start.elapsed() < options.limit, "the server was not done after {:?}", options.limit);
        load.look();
        let now = start.elapsed().as_secs_f64();
        let all_left = queue_left(root);
        for (said, age) in said(&root.join("output")) {
            let line = jobs.entry(said.id).or_default();
            line.film = number_of(&said.source);
            line.note(&said, age, now, all_left, load.so_far());
        }
        let log = read_logs(&root.join("logs"))?;
        ensure!(!log.contains(": failed"), "a job failed:\n{log}");
        for (id, line) in &mut jobs {
            if line.done.is_none() && log.contains(&format!("job {id}: done")) {
                line.end(now, load.so_far());
                done += 1;
            }
        }
    }
    let all = start.elapsed().as_secs_f64();
    let mut lines: Vec<(usize, Line)> = jobs.into_iter().collect();
    lines.sort_by_key(|(id, _)| *id);
    Ok(lines.into_iter().map(|(_, line)| line.until(all)).collect())
}

/// What the server says of the jobs that it works on, and how many seconds ago.
fn said(output: &Path) -> Vec<(Said, f64)> {
    let files =
        fs::read_dir(output).into_iter().flatten().flatten().map(|entry| entry.path().join("status.json"));
    // A file that is written anew just now is read the next time.
    files.filter_map(|file| read(&file)).collect()
}

fn read<T: for<'a> Deserialize<'a>>(file: &Path) -> Option<(T, f64)> {
    let age = file.metadata().ok()?.modified().ok()?.elapsed().unwrap_or_default();
    Some((serde_json::from_slice(&fs::read(file).ok()?).ok()?, age.as_secs_f64()))
}

/// The number of a film, which is in its name.
fn number_of(source: &str) -> usize {
    let digits = Path::new(source).file_stem().and_then(|stem| stem.to_str()?.strip_prefix("film"));
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// Seconds that the server says all jobs take, where it knows all.
fn queue_left(root: &Path) -> Option<f64> {
    #[derive(Deserialize)]
    struct Status {
        outlook: Outlook,
    }
    #[derive(Deserialize)]
    struct Outlook {
        unknown: u64,
        seconds: Option<f64>,
    }
    let (Status { outlook }, age) = read(&root.join("state/status.json"))?;
    outlook.seconds.filter(|_| outlook.unknown == 0).map(|seconds| (seconds - age).max(0.0))
}

impl Line {
    /// Takes down what is said of a job at a time.
    fn note(&mut self, said: &Said, age: f64, now: f64, all_left: Option<f64>, load: (f64, f64)) {
        let Some(frames) = said.frames.filter(|_| said.phase == "segments" && said.status == "running")
        else {
            return;
        };
        self.begin(now, load);
        let share = said.frames_done as f64 / f64::from(frames.max(1));
        let next = SHARES.get(self.samples.len()).copied();
        if next.is_some_and(|next| share >= next) {
            let shown = said.seconds_left.map(|left| (left - age).max(0.0));
            let stalled = said.stalled_seconds.is_some();
            self.samples.push(Sample { at: now, shown, stalled, all_left, load });
        }
    }
}
