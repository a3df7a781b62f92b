//! What is said about jobs that are not made.

use job::{FilePath, Plan, Settings, SourceFacts};
use serde::{Deserialize, Serialize};

/// See [`Request::Estimate`](super::Request::Estimate).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EstimateRequest {
    /// The source.
    pub source: FilePath,
    /// What the user chose.
    pub settings: Settings,
    /// Threads of the engine.
    pub engine_threads: u32,
    /// About how long frames are made, in seconds; `None` takes as long as a good estimate takes.
    pub seconds: Option<f64>,
    /// A folder for what is needed meanwhile; nothing stays in it.
    pub folder: FilePath,
}

/// What a job would be, by frames that were really made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// What is known of the source, as a job would have it where `is_whole`, else by its packets and some of its frames.
    pub facts: SourceFacts,
    /// What the job would do.
    pub plan: Plan,
    /// All of the source was decoded.
    pub is_whole: bool,
    /// The engine, in words.
    pub engine: String,
    /// Frames that were made with the settings.
    pub frames: u32,
    /// Places of the film that they are from.
    pub places: u32,
    /// Seconds that a frame takes, from the source to its packet.
    pub seconds_per_frame: f64,
    /// The share of all its processors that this process had while frames were made, 0 to 1 or a little more.
    pub share: f64,
    /// Seconds for all that is done beside: reading the source, joining and checking.
    pub seconds_beside: f64,
    /// Bytes of the result's video, for all frames.
    pub video_bytes: u64,
    /// Bytes of what goes with it.
    pub other_bytes: u64,
}
