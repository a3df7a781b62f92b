//! How busy the engine is while a server works a queue off: the share of the time, from the first segment to the last, in which
//! its workers make segments. What is between two films or two segments is not.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use crate::fidelity::options::{number, text};
use crate::fidelity::upscale::Program;
use crate::tool;

/// How the command is called.
pub(crate) const USAGE: &str = "cargo run -p xtask -- lanes [--films 10] [--seconds 60] [--size 64x48] [--workers 1] \
[--model realesr-animevideov3] [--limit SECONDS] [--upscaled PROGRAM]";

/// Longest that making a clip may take.
const PATIENCE: Duration = Duration::from_mins(5);
/// Time between two looks whether the server is done.
const LOOK: Duration = Duration::from_secs(1);
/// What the server logs for this: when workers begin and end.
const LOGGED: &str = "info,coordinator::local=debug";

struct Options {
    program: Program,
    films: usize,
    seconds: u32,
    size: String,
    workers: usize,
    model: String,
    limit: Duration,
}

impl Options {
    fn parse(arguments: &[OsString]) -> anyhow::Result<Self> {
        let (mut upscaled, mut size, mut model) =
            (None, "64x48".to_owned(), "realesr-animevideov3".to_owned());
        let (mut films, mut seconds, mut workers, mut limit) = (10, 60, 1, Duration::from_hours(1));
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let Some(value) = rest.next() else { bail!("{} needs a value", argument.display()) };
            match argument.to_str() {
                Some("--upscaled") => upscaled = Some(PathBuf::from(value)),
                Some("--films") => films = number("--films", value)?,
                Some("--seconds") => seconds = number("--seconds", value)?,
                Some("--workers") => workers = number("--workers", value)?,
                Some("--size") => size = text(value)?,
                Some("--model") => model = text(value)?,
                Some("--limit") => limit = Duration::from_secs(number("--limit", value)?),
                _ => bail!("`{}` is no option; usage: {USAGE}", argument.display()),
            }
        }
        ensure!(films > 0 && seconds > 0 && workers > 0, "nothing would be measured; usage: {USAGE}");
        let program = Program::find(upscaled, "", limit)?;
        Ok(Self { program, films, seconds, size, workers, model, limit })
    }
}

/// A server that is stopped at the end.
pub(crate) struct Server(pub(crate) Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Makes films, lets a server work them off, and says how busy the engine was.
#[expect(clippy::print_stdout, reason = "the figures are what the command is run for")]
pub(crate) fn run(arguments: &[OsString]) -> anyhow::Result<ExitCode> {
    let options = Options::parse(arguments)?;
    let folder = tempfile::tempdir().context("making a folder for the films")?;
    let input = folder.path().join("input");
    fs::create_dir(&input).with_context(|| format!("making {}", input.display()))?;
    for film in 0..options.films {
        make_film(&options, film, &input.join(format!("film{film:02}.mp4")))?;
    }
    let mut server = Command::new(&options.program.path);
    server.args(["serve", "--no-http"]).arg("--root").arg(folder.path()).args(["--model", &options.model]);
    server.args(["--workers", &options.workers.to_string()]).env("UPSCALED_LOG", LOGGED);
    server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let server = Server(server.spawn().context("the server cannot be started")?);
    let start = Instant::now();
    let log = loop {
        thread::sleep(LOOK);
        let log = read_logs(&folder.path().join("logs"))?;
        ensure!(!log.contains(": failed"), "a job failed:\n{log}");
        if (1..=options.films).all(|id| log.contains(&format!("job {id}: done"))) {
            break log;
        }
        ensure!(start.elapsed() < options.limit, "the server was not done after {:?}:\n{log}", options.limit);
    };
    drop(server);
    let spans = spans(&log)?;
    let Usage { busy, all } = usage(&spans).context("no segment was made")?;
    println!("{:>8} {:>10} {:>10} {:>7}", "workers", "seconds", "busy", "share");
    let share = busy / (all * options.workers as f64) * 100.0;
    println!("{:>8} {all:>10.2} {busy:>10.2} {share:>6.1}%", options.workers);
    println!("{}", gaps(&spans));
    Ok(ExitCode::SUCCESS)
}

/// Makes a film of which no two frames are the same, so that none is passed on without the engine.
fn make_film(options: &Options, film: usize, path: &Path) -> anyhow::Result<()> {
    let video = format!("testsrc2=size={}:rate=25,noise=alls=10:allf=t:all_seed={film}", options.size);
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", &video, "-pix_fmt", "yuv420p"]);
    ffmpeg.args(["-t", &options.seconds.to_string(), "-c:v", "libx264", "-preset", "veryfast"]);
    tool::output(ffmpeg.arg(tool::url(path)), PATIENCE).map(drop)
}

/// All that a server logged.
pub(crate) fn read_logs(folder: &Path) -> anyhow::Result<String> {
    let mut log = String::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry?.path();
        log += &fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    }
    Ok(log)
}

/// The time in which a worker made a segment, in seconds of the day that the log began.
#[derive(Debug, Clone, PartialEq)]
struct Span {
    worker: String,
    job: String,
    from: f64,
    to: f64,
}

/// The segments that the log tells of, in the order of their ends.
fn spans(log: &str) -> anyhow::Result<Vec<Span>> {
    let mut begun: HashMap<String, f64> = HashMap::new();
    let (mut spans, mut last, mut days) = (Vec::new(), 0.0, 0.0);
    for line in log.lines().filter(|line| line.contains("coordinator::local: ")) {
        let Some((stamp, said)) = line.split_once("coordinator::local: ") else { continue };
        let mut time = seconds_of_day(stamp).with_context(|| format!("no time in `{line}`"))? + days;
        if time < last {
            days += 86_400.0;
            time += 86_400.0;
        }
        last = time;
        let words: Vec<&str> = said.split_whitespace().collect();
        // `local-1 begins segment 3 of job 2`
        let [worker, what, "segment", _, "of", "job", job] = words.as_slice() else { continue };
        match *what {
            "begins" => drop(begun.insert((*worker).to_owned(), time)),
            _ => {
                if let Some(from) = begun.remove(*worker) {
                    spans.push(Span { worker: (*worker).to_owned(), job: (*job).to_owned(), from, to: time });
                }
            }
        }
    }
    Ok(spans)
}

/// The time of day in a stamp such as `2026-11-28T14:05:12.123456Z`.
fn seconds_of_day(stamp: &str) -> Option<f64> {
    let time = stamp.split_once('T')?.1.split_once('Z')?.0;
    let mut parts = time.splitn(3, ':').map(str::parse::<f64>);
    let mut next = || parts.next()?.ok();
    Some(next()? * 3600.0 + next()? * 60.0 + next()?)
}

/// Seconds in which workers made segments, all of them together, and seconds from the first to the last.
struct Usage {
    busy: f64,
    all: f64,
}

fn usage(spans: &[Span]) -> Option<Usage> {
    let first = spans.iter().map(|span| span.from).reduce(f64::min)?;
    let last = spans.iter().map(|span| span.to).reduce(f64::max)?;
    Some(Usage { busy: spans.iter().map(|span| span.to - span.from).sum(), all: last - first })
}

/// How long workers waited between two segments, in words.
fn gaps(spans: &[Span]) -> String {
    let (mut within, mut between) = (Vec::new(), Vec::new());
    let mut last: HashMap<&str, &Span> = HashMap::new();
    for span in spans {
        if let Some(before) = last.insert(&span.worker, span) {
            let gap = (span.from - before.to) * 1000.0;
            if before.job == span.job { within.push(gap) } else { between.push(gap) }
        }
    }
    let described = |gaps: &mut Vec<f64>| {
        gaps.sort_by(f64::total_cmp);
        match gaps.as_slice() {
            [] => "none".to_owned(),
            [.., last] => format!("{:.0} ms, at most {last:.0} ms", gaps[gaps.len() / 2]),
        }
    };
    format!("between segments {}; between films {}", described(&mut within), described(&mut between))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
2026-11-28T23:59:50.000000Z DEBUG coordinator::local: local-light begins the index of job 1
2026-11-28T23:59:52.000000Z DEBUG coordinator::local: local-1 begins segment 0 of job 1
2026-11-28T23:59:58.000000Z DEBUG coordinator::local: local-1 ends segment 0 of job 1
2026-11-28T23:59:58.500000Z DEBUG coordinator::local: local-1 begins segment 1 of job 1
2026-11-29T00:00:01.500000Z DEBUG coordinator::local: local-1 ends segment 1 of job 1
2026-11-29T00:00:02.000000Z  INFO upscaled: job 1: running
2026-11-29T00:00:02.000000Z DEBUG coordinator::local: local-1 begins segment 0 of job 2
";

    #[test]
    fn the_busy_share_is_read_from_the_log_across_midnight() {
        let spans = spans(LOG).unwrap();
        let Usage { busy, all } = usage(&spans).unwrap();
        assert!((busy - 9.0).abs() < 1e-6 && (all - 9.5).abs() < 1e-6, "{busy} of {all}");
        assert_eq!(gaps(&spans), "between segments 500 ms, at most 500 ms; between films none");
        assert!(usage(&[]).is_none());
    }
}
