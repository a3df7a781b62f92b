//! The command's arguments.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail, ensure};

/// How the command is called.
pub(crate) const USAGE: &str = "cargo run -p xtask -- fidelity FOLDER|FILE... [--upscaled PROGRAM] \
[--arguments 'ARGUMENTS OF upscaled up'] [--out FOLDER] [--json FILE] [--limit SECONDS]";

/// What the program is asked for: the shortest way through all of it, without a network.
const ARGUMENTS: &str = "--model none --scale 2";
/// Longest that the program or a tool may take for one file.
const LIMIT: Duration = Duration::from_mins(10);

/// The command's arguments.
#[derive(Debug)]
pub(crate) struct Options {
    /// Files and folders.
    pub(crate) inputs: Vec<PathBuf>,
    /// The program.
    pub(crate) upscaled: PathBuf,
    /// What it is asked for.
    pub(crate) arguments: Vec<String>,
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
        let (mut asked, mut limit) = (ARGUMENTS.to_owned(), LIMIT);
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let mut value = || rest.next().with_context(|| format!("{} needs a value", argument.display()));
            match argument.to_str() {
                Some("--upscaled") => upscaled = Some(PathBuf::from(value()?)),
                Some("--out") => out = Some(PathBuf::from(value()?)),
                Some("--json") => json = Some(PathBuf::from(value()?)),
                Some("--arguments") => asked = text(value()?)?,
                Some("--limit") => {
                    let seconds = text(value()?)?.parse().context("--limit is a number of seconds")?;
                    limit = Duration::from_secs(seconds);
                }
                Some("--") => inputs.extend(rest.by_ref().map(PathBuf::from)),
                Some(unknown) if unknown.starts_with("--") => {
                    bail!("`{unknown}` is no option (write `--` before names like it); usage: {USAGE}")
                }
                _ => inputs.push(PathBuf::from(argument)),
            }
        }
        ensure!(!inputs.is_empty(), "no files are named; usage: {USAGE}");
        let upscaled = upscaled.map_or_else(beside, Ok)?;
        let upscaled = upscaled.canonicalize().with_context(|| {
            format!("`{}` is not there: build it, or name it with --upscaled", upscaled.display())
        })?;
        let arguments = asked.split_whitespace().map(str::to_owned).collect();
        Ok(Self { inputs, upscaled, arguments, keep: out.is_some(), out, json, limit })
    }
}

fn text(value: &OsStr) -> anyhow::Result<String> {
    value.to_str().map(str::to_owned).with_context(|| format!("`{}` is no UTF-8", value.display()))
}

/// The program that was built together with this one.
fn beside() -> anyhow::Result<PathBuf> {
    Ok(std::env::current_exe().context("finding the folder of this program")?.with_file_name("upscaled"))
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
            OsStr::new("--limit"),
            OsStr::new("7"),
            OsStr::new("--"),
            OsStr::new("--odd.mp4"),
        ];
        let options = Options::parse(&arguments.map(OsStr::to_owned)).unwrap();
        assert_eq!(options.inputs, ["a folder", "--odd.mp4"].map(PathBuf::from));
        assert_eq!(options.arguments, ["--scale", "3"]);
        assert_eq!((options.limit.as_secs(), options.keep), (7, false));
        assert!(Options::parse(&[OsString::from("--no-such-option")]).is_err());
        assert!(Options::parse(&[]).is_err());
    }
}
