//! A storm of damaged files: each must come out whole, or be refused in one sentence.
//!
//! What is done to which file follows from a seed and a number alone, so that each mutant can be made again.

mod bytes;
mod headers;
mod judge;
mod kind;
mod options;
mod random;
mod remux;
mod table;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, ensure};

use crate::{files, tool};
use judge::Ended;
use kind::Kind;
use options::Options;

pub(crate) use options::USAGE;

/// Of so many mutants, one is tried twice.
const TWICE: u64 = 20;
/// Largest file that is taken, in bytes: each mutant holds all of it.
const LARGEST: u64 = 64 << 20;

/// A file to change.
#[derive(Debug, Clone)]
pub(super) struct Source {
    path: PathBuf,
    /// The codec of its video.
    codec: String,
    /// The size of its pictures.
    size: (u32, u32),
}

/// What became of a mutant.
#[derive(Debug)]
struct Row {
    number: u64,
    kind: Kind,
    file: String,
    /// It was tried twice.
    twice: bool,
    ended: Ended,
}

/// Runs the command; the exit code is 1 when anything is bad.
pub(crate) fn run(arguments: &[std::ffi::OsString]) -> anyhow::Result<ExitCode> {
    let options = Options::parse(arguments)?;
    let sources = sources(&files::find(&options.inputs)?)?;
    fs::create_dir_all(&options.out).with_context(|| format!("making {}", options.out.display()))?;
    let out = options.out.canonicalize()?;
    let (first, end) = options.only.map_or((0, options.count), |number| (number, number + 1));
    let next = AtomicU64::new(first);
    let rows = Mutex::new(Vec::new());
    let work = || -> anyhow::Result<()> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= end {
                return Ok(());
            }
            let row = one(&options, &sources, number, &out)?;
            table::bad(&row);
            rows.lock().map_err(|_| anyhow::anyhow!("another thread died"))?.push(row);
        }
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..options.jobs).map(|_| scope.spawn(work)).collect();
        let died = |_| anyhow::anyhow!("a thread died");
        threads.into_iter().try_for_each(|thread| thread.join().map_err(died)?)
    })?;
    let mut rows = rows.into_inner().map_err(|_| anyhow::anyhow!("a thread died"))?;
    rows.sort_by_key(|row| row.number);
    table::sum(&rows);
    if let Some(path) = &options.json {
        let text = serde_json::to_string_pretty(&table::json(&rows))?;
        fs::write(path, text).with_context(|| format!("writing {}", path.display()))?;
    }
    let is_bad = rows.iter().any(|row| matches!(row.ended, Ended::Bad(_)));
    Ok(if is_bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The files that have a video, which are those that are worth changing.
fn sources(files: &[PathBuf]) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    for path in files {
        if fs::metadata(path)?.len() > LARGEST {
            continue;
        }
        let mut probe = Command::new("ffprobe");
        probe.args([
            "-v",
            "quiet",
            "-select_streams",
            "v:0",
            "-show_entries",
            "stream=codec_name,width,height",
        ]);
        probe.args(["-of", "csv=p=0", "-i"]).arg(tool::url(path));
        let ran = tool::run(&mut probe, Duration::from_mins(1))?;
        let said = String::from_utf8_lossy(&ran.output).into_owned();
        let mut words = said.lines().next().unwrap_or_default().split(',');
        let (Some(codec), Some(width), Some(height)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        if let (Ok(width), Ok(height)) = (width.parse(), height.parse()) {
            sources.push(Source { path: path.clone(), codec: codec.to_owned(), size: (width, height) });
        }
    }
    ensure!(!sources.is_empty(), "there are no videos among the files");
    Ok(sources)
}

/// The ending of a file's name.
fn extension(path: &Path) -> &str {
    path.extension().and_then(|extension| extension.to_str()).unwrap_or("mkv")
}

/// Makes a mutant, and gives it to the program.
fn one(options: &Options, sources: &[Source], number: u64, out: &Path) -> anyhow::Result<Row> {
    let folder = out.join(format!("{number}.work"));
    let _ = fs::remove_dir_all(&folder);
    let parts = folder.join("parts");
    fs::create_dir_all(&parts).with_context(|| format!("making {}", parts.display()))?;
    let mutant = kind::make(sources, options.seed, number, &parts)?;
    let path = folder.join(format!("mutant-{number}.{}", mutant.ending));
    fs::write(&path, &mutant.bytes).with_context(|| format!("writing {}", path.display()))?;
    // What is damaged is taken on request only: every second one asks for it.
    let more: &[&str] = if number % 2 == 1 { &["--fill-gaps"] } else { &[] };
    let twice = number.is_multiple_of(TWICE);
    let ended = judge::judge(&options.program, &path, &folder, more, twice);
    if matches!(ended, Ended::Bad(_)) || options.only.is_some() {
        fs::rename(&path, out.join(format!("mutant-{}-{number}.{}", options.seed, mutant.ending)))?;
    }
    fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
    let file = sources[mutant.source].path.file_name().unwrap_or_default();
    let file = file.to_string_lossy().escape_debug().to_string();
    Ok(Row { number, kind: mutant.kind, file, twice, ended })
}
