//! The command's arguments.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, bail, ensure};

use super::upscale::Program;

/// How the command is called.
pub(crate) const USAGE: &str = "cargo run -p xtask -- fidelity FOLDER|FILE... [--upscaled PROGRAM] \
[--arguments 'ARGUMENTS OF upscaled up, --segment-frames 20 for one'] [--frames COMPARED] [--out FOLDER] [--json FILE] \
[--limit SECONDS]";

/// What the program is asked for: the shortest way through all of it, without a network.
pub(crate) const ARGUMENTS: &str = "--model none --scale 2";
/// Longest that the program or a tool may take for one file.
const LIMIT: Duration = Duration::from_mins(10);

/// The command's arguments.
#[derive(Debug)]
pub(crate) struct Options {
    /// Files and folders.
    pub(crate) inputs: Vec<PathBuf>,
    /// The program, and what it is asked for.
    pub(crate) program: Program,
    /// Frames of each film whose pictures are compared; all when it is not said.
    pub(crate) frames: usize,
    /// Where results go; among the temporary files when it is not named.
    pub(crate) out: Option<PathBuf>,
    /// Results stay.
    pub(crate) keep: bool,
    /// Where the table goes as JSON.
    pub(crate) json: Option<PathBuf>,
    /// Longest that the program or a tool may take for one file.
    pub(crate) limit: Duration,
}

impl Options {
    pub(crate) fn parse(arguments: &[OsString]) -> anyhow::Result<Self> {
        let (mut inputs, mut upscaled, mut out, mut json) = (Vec::new(), None, None, None);
        let (mut asked, mut limit, mut frames) = (ARGUMENTS.to_owned(), LIMIT, usize::MAX);
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let mut value = || rest.next().with_context(|| format!("{} needs a value", argument.display()));
            match argument.to_str() {
                Some("--upscaled") => upscaled = Some(PathBuf::from(value()?)),
                Some("--out") => out = Some(PathBuf::from(value()?)),
                Some("--json") => json = Some(PathBuf::from(value()?)),
                Some("--arguments") => asked = text(value()?)?,
                Some("--frames") => frames = number("--frames", value()?)?,
                Some("--limit") => limit = Duration::from_secs(number("--limit", value()?)?),
                Some("--") => inputs.extend(rest.by_ref().map(PathBuf::from)),
                Some(unknown) if unknown.starts_with("--") => {
                    bail!("`{unknown}` is no option (write `--` before names like it); usage: {USAGE}")
                }
                _ => inputs.push(PathBuf::from(argument)),
            }
        }
        ensure!(!inputs.is_empty(), "no files are named; usage: {USAGE}");
        let program = Program::find(upscaled, &asked, limit)?;
        Ok(Self { inputs, program, frames, keep: out.is_some(), out, json, limit })
    }
}

pub(crate) fn text(value: &OsStr) -> anyhow::Result<String> {
    value.to_str().map(str::to_owned).with_context(|| format!("`{}` is no UTF-8", value.display()))
}

/// The number that an option needs.
pub(crate) fn number<T: FromStr>(option: &str, value: &OsStr) -> anyhow::Result<T> {
    let number = text(value)?.parse();
    number.ok().with_context(|| format!("{option} needs a number, not `{}`", value.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read() {
        let program = std::env::current_exe().unwrap();
        let arguments = [
            OsStr::new("a folder"),
            OsStr::new("--upscaled"),
            program.as_os_str(),
            OsStr::new("--arguments"),
            OsStr::new("--scale 3"),
            OsStr::new("--frames"),
            OsStr::new("12"),
            OsStr::new("--limit"),
            OsStr::new("7"),
            OsStr::new("--"),
            OsStr::new("--odd.mp4"),
        ];
        let options = Options::parse(&arguments.map(OsStr::to_owned)).unwrap();
        assert_eq!(options.inputs, ["a folder", "--odd.mp4"].map(PathBuf::from));
        assert_eq!(options.program.arguments, ["--scale", "3"]);
        assert_eq!((options.limit.as_secs(), options.frames, options.keep), (7, 12, false));
        assert!(Options::parse(&[OsString::from("--no-such-option")]).is_err());
        assert!(Options::parse(&[]).is_err());
    }
}
