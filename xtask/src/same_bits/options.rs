//! The command's arguments.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{bail, ensure};

use super::case::{CASES, Case};
use crate::fidelity::options::{number, text};
use crate::fidelity::upscale::Program;

/// How the command is called.
pub(crate) const USAGE: &str = "cargo run -p xtask -- same-bits [--runs 8] [--frames 40] \
[--only PART-OF-A-CASE]... [--limit SECONDS] [--upscaled PROGRAM]";

/// Runs of a case.
const RUNS: usize = 8;
/// Frames of a clip, of which four segments are made. As many as libx264 looks ahead, and some for its frames to come
/// around.
const FRAMES: u32 = 40;
/// Longest that the program may take for a run.
const LIMIT: Duration = Duration::from_mins(10);

/// The command's arguments.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) program: Program,
    /// Runs of each case.
    pub(super) runs: usize,
    /// Frames of each clip.
    pub(super) frames: u32,
    /// Parts of the names of the cases to try; all when there are none.
    only: Vec<String>,
}

impl Options {
    pub(super) fn parse(arguments: &[OsString]) -> anyhow::Result<Self> {
        let (mut upscaled, mut only) = (None, Vec::new());
        let (mut runs, mut frames, mut limit) = (RUNS, FRAMES, LIMIT);
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let Some(value) = rest.next() else { bail!("{} needs a value", argument.display()) };
            match argument.to_str() {
                Some("--upscaled") => upscaled = Some(PathBuf::from(value)),
                Some("--runs") => runs = number("--runs", value)?,
                Some("--frames") => frames = number("--frames", value)?,
                Some("--limit") => limit = Duration::from_secs(number("--limit", value)?),
                Some("--only") => only.push(text(value)?),
                _ => bail!("`{}` is no option; usage: {USAGE}", argument.display()),
            }
        }
        ensure!(runs > 1, "one run cannot be compared; usage: {USAGE}");
        ensure!(frames > 0, "a clip without frames cannot be made; usage: {USAGE}");
        Ok(Self { program: Program::find(upscaled, "", limit)?, runs, frames, only })
    }

    /// Whether a case is to be tried. The whole name of one means that one alone.
    pub(super) fn takes(&self, case: &Case) -> bool {
        let name = case.name();
        let is_whole = |part: &String| CASES.iter().any(|case| case.name() == *part);
        let takes = |part: &String| if is_whole(part) { name == *part } else { name.contains(part) };
        self.only.is_empty() || self.only.iter().any(takes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> anyhow::Result<Options> {
        let program = std::env::current_exe().unwrap();
        let mut all: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        all.extend([OsString::from("--upscaled"), program.into_os_string()]);
        Options::parse(&all)
    }

    #[test]
    fn cases_are_chosen_by_parts_of_their_names() {
        let names = |options: &Options| CASES.iter().filter(|case| options.takes(case)).count();
        let options =
            parse(&["--only", "97x63 --model none --scale 2", "--only", "hevc", "--runs", "3"]).unwrap();
        assert_eq!((options.runs, options.frames, names(&options)), (3, FRAMES, 4));
        assert_eq!(names(&parse(&[]).unwrap()), CASES.len());
        assert_eq!(names(&parse(&["--only", "720x540 --model none --scale 2"]).unwrap()), 1);
        assert_eq!(names(&parse(&["--only", "720x540 --model none"]).unwrap()), 6);
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        assert!(parse(&["--runs", "1"]).is_err());
        assert!(parse(&["--frames", "0"]).is_err());
        assert!(parse(&["--no-such-option", "1"]).is_err());
        assert!(Options::parse(&[OsString::from("--runs")]).is_err());
    }
}
