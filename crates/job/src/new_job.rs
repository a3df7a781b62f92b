//! What is asked for.

use serde::{Deserialize, Serialize};

use crate::{FilePath, Settings};

/// A job to take in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewJob {
    /// The source.
    pub source: FilePath,
    /// Fingerprint of its content.
    pub fingerprint: String,
    /// Size, time and place of the source now, in a form that the caller compares.
    pub stamp: String,
    /// What the user chose.
    pub settings: Settings,
    /// The folder that the result goes to.
    pub output: FilePath,
    /// The folder of the unfinished work.
    pub folder: FilePath,
    /// The name of the result, where the user chose it.
    pub result: Option<FilePath>,
}
