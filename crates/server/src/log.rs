//! The server's log, which the program keeps that the server is a part of.

use std::fmt::Debug;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Gives the last lines of the log.
pub trait Log: Debug + Send + Sync {
    /// The lines of this level and of more severe ones: the first behind a number, or the last ones; as many as `limit` at most.
    fn page(&self, after: Option<u64>, level: LogLevel, limit: usize) -> LogPage;
}

/// How severe a line is, the most severe first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Something failed.
    Error,
    /// Something is to be looked at.
    Warn,
    /// Something happened.
    Info,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LogLine {
    /// Its number: later lines have larger ones, also after a restart.
    pub number: u64,
    /// When it was written.
    #[schema(format = DateTime)]
    pub at: String,
    /// How severe it is.
    pub level: LogLevel,
    /// Its text, without control characters.
    pub text: String,
}

/// Lines of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LogPage {
    /// The lines, the oldest first.
    pub lines: Vec<LogLine>,
    /// What `after` has for the lines behind them.
    pub next: u64,
    /// Lines between `after` and the first of these are kept no more; they are in the files in `logs/`.
    pub missed: bool,
}
