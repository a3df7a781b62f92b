//! The command's arguments.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail, ensure};

use crate::fidelity::options::{ARGUMENTS, number, text};
use crate::fidelity::upscale::Program;

/// How the command is called.
pub(crate) const USAGE: &str = "cargo run -p xtask -- mutate FOLDER|FILE... [--count 2000] [--seed 1] \
[--only NUMBER] [--jobs 2] [--limit SECONDS] [--out FOLDER] [--json FILE] [--upscaled PROGRAM] \
[--arguments 'ARGUMENTS OF upscaled up']";

/// Longest that the program may take for a mutant, in seconds.
const LIMIT: u64 = 60;

/// The command's arguments.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) inputs: Vec<PathBuf>,
    pub(super) program: Program,
    pub(super) count: u64,
    pub(super) seed: u64,
    /// The one mutant to make.
    pub(super) only: Option<u64>,
    pub(super) jobs: usize,
    /// Where the mutants stay that ended in a way that they may not.
    pub(super) out: PathBuf,
    pub(super) json: Option<PathBuf>,
}

impl Options {
    pub(super) fn parse(arguments: &[OsString]) -> anyhow::Result<Self> {
        let (mut inputs, mut upscaled, mut out, mut json) = (Vec::new(), None, None, None);
        let (mut asked, mut limit, mut only) = (ARGUMENTS.to_owned(), LIMIT, None);
        let (mut count, mut seed, mut jobs) = (2000, 1, 2);
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let mut value = || rest.next().with_context(|| format!("{} needs a value", argument.display()));
            match argument.to_str() {
                Some("--count") => count = number("--count", value()?)?,
                Some("--seed") => seed = number("--seed", value()?)?,
                Some("--only") => only = Some(number("--only", value()?)?),
                Some("--jobs") => jobs = number("--jobs", value()?)?,
                Some("--limit") => limit = number("--limit", value()?)?,
                Some("--out") => out = Some(PathBuf::from(value()?)),
                Some("--json") => json = Some(PathBuf::from(value()?)),
                Some("--upscaled") => upscaled = Some(PathBuf::from(value()?)),
                Some("--arguments") => asked = text(value()?)?,
                Some("--") => inputs.extend(rest.by_ref().map(PathBuf::from)),
                Some(unknown) if unknown.starts_with("--") => {
                    bail!("`{unknown}` is no option (write `--` before names like it); usage: {USAGE}")
                }
                _ => inputs.push(PathBuf::from(argument)),
            }
        }
        ensure!(!inputs.is_empty(), "no files are named; usage: {USAGE}");
        let program = Program::find(upscaled, &asked, Duration::from_secs(limit))?;
        let out = out.unwrap_or_else(|| std::env::temp_dir().join(format!("upscaled-mutants-{seed}")));
        Ok(Self { inputs, program, count, seed, only, jobs: jobs.max(1), out, json })
    }
}
