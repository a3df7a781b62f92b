//! How the program ends.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// How a command ended, when it did not break off with an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// All that was asked for is done.
    Done,
    /// Something that was asked for failed, and it was said.
    Failed,
    /// It was stopped and can go on another time.
    Stopped,
}

/// Something was asked for that cannot be, whatever the files and the machine are: on the command line or in
/// `upscaled.toml`.
#[derive(Debug)]
struct Usage(String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Usage {}

/// An error that ends the program as wrong usage does.
pub(crate) fn wrong(sentence: impl Into<String>) -> anyhow::Error {
    anyhow::Error::new(Usage(sentence.into()))
}

/// Something in a settings file that cannot be, which is wrong usage too.
#[derive(Debug)]
pub(crate) struct InFile {
    file: PathBuf,
    /// The line, where it is one that is wrong.
    pub(crate) line: Option<usize>,
    pub(crate) words: String,
}

impl fmt::Display for InFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, words } = self;
        let file = file.display();
        match line {
            Some(line) => write!(f, "`{file}`, line {line}: {words}"),
            None => write!(f, "`{file}`: {words}"),
        }
    }
}

impl std::error::Error for InFile {}

/// As [`wrong`], of a settings file.
pub(crate) fn wrong_in_file(file: &Path, line: Option<usize>, words: impl Into<String>) -> anyhow::Error {
    anyhow::Error::new(InFile { file: file.to_owned(), line, words: words.into() })
}

/// True for an error that comes of wrong usage.
pub(crate) fn is_usage(error: &anyhow::Error) -> bool {
    error.is::<Usage>() || error.is::<InFile>()
}

/// The exit code: 0 done, 1 failed, 2 wrong usage, which `clap` gives too, 130 stopped by a signal.
pub(crate) fn code(result: anyhow::Result<Ending>) -> ExitCode {
    match result {
        Ok(Ending::Done) => ExitCode::SUCCESS,
        Ok(Ending::Failed) => ExitCode::FAILURE,
        Ok(Ending::Stopped) => ExitCode::from(130),
        Err(error) => {
            crate::output::error(&format!("{error:#}"));
            if is_usage(&error) { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn wrong_usage_stays_that_with_more_words() {
        let error = Err::<(), _>(wrong("no")).context("`a.mp4`").unwrap_err();
        assert!(is_usage(&error));
        assert_eq!(format!("{error:#}"), "`a.mp4`: no");
        assert!(!is_usage(&anyhow::anyhow!("no")));
    }
}
