//! What was found of a finished result, for the report that every job leaves.

use serde::{Deserialize, Serialize};

/// A stream of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamReport {
    /// Its number in the file.
    pub index: usize,
    /// Video, audio, subtitle, attachment or data; cover for pictures that are no video.
    pub kind: String,
    /// FFmpeg's name of the codec.
    pub codec: String,
    /// Its language, by the word of the file.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub language: Option<String>,
    /// Its title.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub title: Option<String>,
}

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileReport {
    /// FFmpeg's name of its format.
    pub format: String,
    /// Its streams, in order.
    pub streams: Vec<StreamReport>,
}

/// What the verification of a result found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checks {
    /// Frames of the result that were decoded, which are those of the frame list.
    pub frames_decoded: u32,
    /// Largest difference between the time of a frame and that of its source, in milliseconds.
    pub largest_time_error_milliseconds: f64,
    /// Packets of each stream of the result.
    pub packets: Vec<u64>,
}

/// A result that was put together and verified.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verified {
    /// The source.
    pub source: FileReport,
    /// The result.
    pub result: FileReport,
    /// Checksum of the model's weights, with the name of the algorithm; `None` without a model.
    pub model: Option<String>,
    /// What was checked.
    pub checks: Checks,
}
