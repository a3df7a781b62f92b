//! Attempts that failed, kept so that a person can see why a job was given up.

use serde::{Deserialize, Serialize};

use crate::{Millis, SegmentRange};

/// Failed attempts of a job that are kept: the latest ones.
pub const MOST_FAILED_ATTEMPTS: usize = 100;

/// How a worker came to its end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Death {
    /// The code that it exited with.
    pub exit_code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// The last lines that it wrote.
    pub last_lines: Vec<String>,
}

/// An attempt that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedAttempt {
    /// When.
    pub at: Millis,
    /// The segment; `None` for the work of the other phases.
    pub segment: Option<u32>,
    /// Its frames.
    pub frames: Option<SegmentRange>,
    /// Fencing token.
    pub epoch: u32,
    /// Why, in a sentence for people.
    pub message: String,
    /// How its worker died, if it did.
    pub death: Option<Death>,
}
