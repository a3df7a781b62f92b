//! Same in, same out, for the record: many runs at many sizes, by every encoder, each in other memory, half of them on a
//! busy machine, some of them killed on their way. All runs of a case must give the same packets.

mod case;
mod options;
mod run;

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::tool;
use case::{CASES, Case};
use options::Options;
use run::{Busy, Session};

pub(crate) use options::USAGE;

/// Longest that making a clip or reading a result may take.
const PATIENCE: Duration = Duration::from_mins(5);

/// Runs the command; the exit code is 1 when a case had more than one result.
#[expect(clippy::print_stdout, reason = "the table is what the command is run for")]
pub(crate) fn run(arguments: &[std::ffi::OsString]) -> anyhow::Result<ExitCode> {
    let options = Options::parse(arguments)?;
    println!("{:44} {:>5} {:>5} {:>6} {:>8}  results", "case", "runs", "kills", "busy", "seconds");
    let mut is_good = true;
    for case in CASES.iter().filter(|case| options.takes(case)) {
        let start = Instant::now();
        let name = case.name();
        match try_case(&options, case)? {
            Tried::Lacking(what) => println!("{name:44} {what}"),
            Tried::Ran { results, kills, busy } => {
                let seconds = start.elapsed().as_secs_f64();
                let runs = options.runs;
                println!("{name:44} {runs:>5} {kills:>5} {busy:>6} {seconds:>8.1}  {results}");
                is_good &= results == 1;
            }
        }
    }
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What became of a case.
enum Tried {
    /// The machine lacks something that it needs.
    Lacking(String),
    /// It ran, so often killed, so often on a busy machine, and gave so many distinct results.
    Ran { results: usize, kills: usize, busy: usize },
}

fn try_case(options: &Options, case: &Case) -> anyhow::Result<Tried> {
    let folder = tempfile::tempdir().context("making a folder for the runs")?;
    let clip = folder.path().join("clip.mkv");
    make_clip(case, options.frames, &clip)?;
    let session = Session::new(&options.program, folder.path(), case, options.frames);
    let mut results = BTreeSet::new();
    let (mut kills, mut busy) = (0, 0);
    for number in 0..options.runs {
        let is_busy = number % 2 == 1;
        let _busy = is_busy.then(Busy::begin);
        busy += usize::from(is_busy);
        // Of both the quiet and the busy ones, every second.
        if number % 4 >= 2 {
            kills += session.interrupt(number)?;
        }
        match session.finish(number)? {
            Ok(result) => {
                results.insert(packets(&result)?);
                fs::remove_file(&result).with_context(|| format!("removing {}", result.display()))?;
            }
            Err(said) if number == 0 && said.contains("does not work here") => {
                return Ok(Tried::Lacking(format!("skipped: {said}")));
            }
            Err(said) => anyhow::bail!("{}: {said}", case.name()),
        }
    }
    Ok(Tried::Ran { results: results.len(), kills, busy })
}

/// Makes pictures full of noise that move, of which an encoder has to choose much.
fn make_clip(case: &Case, frames: u32, clip: &std::path::Path) -> anyhow::Result<()> {
    // A network that takes all noise away gives a picture that the program does not believe.
    let noise = if case.arguments.contains("--model none") { 60 } else { 10 };
    let video = format!("testsrc2=size={}:rate=25,noise=alls={noise}:allf=t", case.source);
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", &video, "-pix_fmt", "yuv420p"]);
    ffmpeg.args(["-frames:v", &frames.to_string(), "-c:v", "ffv1"]).arg(tool::url(clip));
    tool::output(&mut ffmpeg, PATIENCE).map(drop)
}

/// All that a result holds of its video: what describes it, and the bytes and times of its packets.
fn packets(result: &std::path::Path) -> anyhow::Result<Vec<u8>> {
    let mut ffmpeg = tool::ffmpeg(&[], result);
    ffmpeg.args(["-map", "0:v:0", "-c", "copy", "-f", "framemd5", "-"]);
    tool::output(&mut ffmpeg, PATIENCE)
}
