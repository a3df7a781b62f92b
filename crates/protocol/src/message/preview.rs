//! What is said about previews.

use job::{Crop, FilePath, Settings, Target};
use serde::{Deserialize, Serialize};

/// See [`Request::Preview`](super::Request::Preview).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PreviewRequest {
    /// The source.
    pub source: FilePath,
    /// The video stream, where one was chosen.
    pub stream: Option<u32>,
    /// When the frames are shown, in seconds from the first frame of the source on.
    pub times: Vec<f64>,
    /// The size of all pictures.
    pub target: Target,
    /// What is cut off of the frames.
    pub crop: Crop,
    /// What is shown beside the classic enlargement, in this order.
    pub settings: Vec<Settings>,
    /// Threads of the engine.
    pub engine_threads: u32,
    /// The folder that the pictures go to.
    pub folder: FilePath,
    /// How the names of their files begin.
    pub prefix: FilePath,
}

/// A picture of a preview: a PNG file of 8 bits, RGB, in the source's own transfer curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PreviewPicture {
    /// The file.
    pub path: FilePath,
    /// Number of the frame, from 0 on.
    pub frame: u32,
    /// When it is shown, in seconds from the first frame on.
    pub seconds: f64,
    /// What made the picture.
    pub kind: PreviewKind,
    /// Name of the network, where one did.
    pub model: Option<String>,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// What a picture of a preview shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PreviewKind {
    /// The source, enlarged by a classic resampler.
    Classic,
    /// What a network makes of it.
    Network,
    /// All of these side by side, in the order of the files.
    Sheet,
}
