//! What the program keeps of any video file: each file goes through the real program, and FFmpeg's own tools say what
//! source and result hold.
//!
//! Every difference that is allowed is a rule about what was said or what a file is, never the name of a file: the
//! command is made for files that were never seen before.

mod allowed;
mod compare;
mod levels;
mod media;
mod merge;
pub(crate) mod options;
mod pictures;
mod table;
pub(crate) mod upscale;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use crate::files;
use compare::{Compared, Effort, Pair};
use media::Media;
use options::Options;
use upscale::Outcome;

pub(crate) use options::USAGE;

/// What became of a file.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// All is there; what was converted or left out was said.
    Good(Vec<String>),
    /// The program did not take the file, and clearly said why.
    Refused(String),
    /// What is wrong.
    Bad(Vec<String>),
}

/// A line of the table.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) file: PathBuf,
    /// What was compared; `None` without a result.
    pub(crate) compared: Option<Compared>,
    /// What the program said beside its progress.
    pub(crate) notes: Vec<String>,
    pub(crate) seconds: f64,
    pub(crate) verdict: Verdict,
}

/// Runs the command; the exit code is 1 when anything is bad.
pub(crate) fn run(arguments: &[std::ffi::OsString]) -> anyhow::Result<ExitCode> {
    let options = Options::parse(arguments)?;
    let files = files::find(&options.inputs)?;
    let folder = Folder::new(options.out.as_deref())?;
    let mut rows = Vec::new();
    table::head();
    for (number, file) in files.iter().enumerate() {
        let row = one(&options, file, &folder.0.join(format!("{number:04}")))?;
        table::line(&row);
        rows.push(row);
    }
    table::sum(&rows);
    if let Some(path) = &options.json {
        let text = serde_json::to_string_pretty(&table::json(&rows))?;
        fs::write(path, text).with_context(|| format!("writing {}", path.display()))?;
    }
    folder.remove_unless_named(options.out.is_some());
    let is_bad = rows.iter().any(|row| matches!(row.verdict, Verdict::Bad(_)));
    Ok(if is_bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The folder that results are written to.
struct Folder(PathBuf);

impl Folder {
    fn new(named: Option<&Path>) -> anyhow::Result<Self> {
        let folder = named.map_or_else(
            || std::env::temp_dir().join(format!("upscaled-fidelity-{}", std::process::id())),
            Path::to_owned,
        );
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        Ok(Self(folder.canonicalize()?))
    }

    fn remove_unless_named(self, is_named: bool) {
        if !is_named {
            // It lies among the temporary files, which the system removes one day.
            let _ = fs::remove_dir_all(self.0);
        }
    }
}

/// Upscales a file into a folder of its own, and compares.
fn one(options: &Options, file: &Path, folder: &Path) -> anyhow::Result<Row> {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    let mut run = upscale::run(&options.program, file, folder, &[], &[])?;
    let mut refusal = None;
    // Files that are known to be damaged are taken on request only.
    if let Outcome::Refused(reason) = &run.outcome
        && reason.contains("--fill-gaps")
    {
        refusal = Some(reason.clone());
        run = upscale::run(&options.program, file, folder, &["--fill-gaps"], &[])?;
    }
    let mut notes = run.notes;
    if let Some(reason) = refusal {
        notes.insert(0, format!("refused at first: {reason}"));
    }
    let (compared, verdict) = match run.outcome {
        Outcome::Refused(reason) => (None, Verdict::Refused(reason)),
        Outcome::Bad(what) => (None, Verdict::Bad(vec![what])),
        Outcome::Result(result) => compare_files(options, file, &result, &notes),
    };
    if !options.keep {
        // What stays costs room, and is written over by the next run.
        let _ = fs::remove_dir_all(folder);
    }
    Ok(Row { file: file.to_owned(), compared, notes, seconds: run.seconds, verdict })
}

fn compare_files(
    options: &Options,
    file: &Path,
    result: &Path,
    notes: &[String],
) -> (Option<Compared>, Verdict) {
    let probed = || -> anyhow::Result<(Media, Media)> {
        let mut source = media::probe(file, options.limit, |source| allowed::chosen(notes, source))?;
        let made = media::probe(result, options.limit, |made| media::made_of(made, &source))?;
        merge::as_the_muxer_does(&mut source, file, &made, options.limit)?;
        Ok((source, made))
    };
    let (source, made) = match probed() {
        Ok(both) => both,
        Err(error) => return (None, Verdict::Bad(vec![format!("{error:#}")])),
    };
    let pair = Pair { source: &source, result: &made, paths: Some((file, result)), notes };
    let compared = compare::compare(&pair, Effort { frames: options.frames, limit: options.limit });
    let verdict = match &compared.faults[..] {
        [] => Verdict::Good(compared.changes.clone()),
        faults => Verdict::Bad(faults.to_vec()),
    };
    (Some(compared), verdict)
}
