//! How the program ends.

use std::process::ExitCode;

/// How a command ended, when it did not break off with an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// All that was asked for is done.
    Done,
    /// Something that was asked for failed, and it was said.
    Failed,
    /// Somebody stopped it; it can go on another time.
    Stopped,
}

/// The exit code: 0 done, 1 failed, 130 stopped by a signal. (Wrong usage is 2, by `clap`.)
pub(crate) fn code(result: anyhow::Result<Ending>) -> ExitCode {
    match result {
        Ok(Ending::Done) => ExitCode::SUCCESS,
        Ok(Ending::Failed) => ExitCode::FAILURE,
        Ok(Ending::Stopped) => ExitCode::from(130),
        Err(error) => {
            crate::output::error(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
