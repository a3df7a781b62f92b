//! What was decided for the streams beside the video when the join was rehearsed.

use serde::{Deserialize, Serialize};

/// What the join does with the streams beside the video where the usual rules do not hold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Carry {
    /// Ticks that are added to all times.
    #[serde(default)]
    pub shift: i64,
    /// Seconds a tick of them, as a fraction; unused where nothing is added.
    #[serde(default)]
    pub time_base: (i32, i32),
    /// Streams that are converted or left out.
    #[serde(default)]
    pub streams: Vec<CarriedStream>,
}

/// A stream that is not taken as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarriedStream {
    /// Its number in the source.
    pub stream: u32,
    /// What its sound is converted to; `None` for a stream that is left out.
    pub convert: Option<SoundFormat>,
}

/// What the samples of sound are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoundFormat {
    /// Samples a second.
    pub rate: u32,
    /// Number of channels.
    pub channels: u32,
    /// FFmpeg's name of the arrangement of channels.
    pub layout: String,
    /// FFmpeg's name of the kind of samples.
    pub sample: String,
}
