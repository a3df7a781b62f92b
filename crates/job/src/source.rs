//! What is known of a source once it has been indexed.

use serde::{Deserialize, Serialize};

use crate::{Carry, Changes, Cropped, Encoding, Notice, SegmentRange, Shape};

/// The kind of file that a result is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Container {
    /// MPEG-4.
    Mp4,
    /// Matroska.
    Matroska,
}

impl Container {
    /// The extension of its files, without the dot.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Mp4 => "mp4",
            Self::Matroska => "mkv",
        }
    }
}

/// What indexing found out: all that the plan and people need to know of a source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceFacts {
    /// Name of the video codec.
    pub codec: String,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Frames in the frame list.
    pub frames: u32,
    /// Numbers of the frames at which decoding can start, ascending.
    pub keyframes: Vec<u32>,
    /// From the first frame to the end of the last, in seconds; for display and estimates.
    pub seconds: f64,
    /// The kind of file that the result will be.
    pub container: Container,
    /// How the result is encoded: the first holds, the others take over when it fails.
    pub encodings: Vec<Encoding>,
    /// Encoders that failed while the job ran, and were replaced.
    #[serde(default)]
    pub replaced: Vec<Encoding>,
    /// Encoders that were tried before and do not work here, each with the reason.
    #[serde(default)]
    pub refused: Vec<String>,
    /// Work of the network for one source pixel, in floating-point operations; 0 without a network.
    pub operations_per_pixel: u64,
    /// What the network enlarges by; 1 without a network.
    pub network_scale: u32,
    /// BLAKE3 of the frame list file, in hex.
    pub frame_list_blake3: String,
    /// Frames that are missing in the source and are filled with the picture before, ascending.
    #[serde(default)]
    #[serde(rename = "gaps")]
    pub missing: Vec<SegmentRange>,
    /// What people should know: guesses made, streams that the result cannot hold.
    pub notes: Vec<Notice>,
    /// Width and height of a pixel in relation to each other; 0 where they are not known.
    #[serde(default)]
    pub pixel: (u32, u32),
    /// Players turn the picture by a quarter.
    #[serde(default)]
    pub is_turned: bool,
    /// What the join does with the other streams.
    #[serde(default)]
    pub carry: Carry,
    /// The file states more than it holds, as one that is still being copied does: what it states and what is there, in words.
    #[serde(default)]
    pub cut_off: Option<String>,
    /// What was cut off of the pictures; their width and height are those of what is left.
    #[serde(default)]
    pub crop: Option<Cropped>,
    /// All that was read; `None` where an earlier version read it.
    #[serde(default)]
    pub content: Option<Content>,
    /// How much changes from picture to picture, for estimates; empty where that was not seen.
    #[serde(default)]
    pub changes: Changes,
}

/// What a source was when it was read, to the last byte.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// A checksum over all its bytes, in hex.
    pub blake3: String,
    /// What the file system said of the file that had these bytes last. The coordinator knows it, and no worker.
    #[serde(default)]
    pub stamp: String,
}

#[cfg(any(test, feature = "examples"))]
impl SourceFacts {
    /// Facts for tests: of a video in H.264 with square pixels, 25 frames a second and one keyframe, whose result is a Matroska file
    /// that a network enlarged by 4.
    pub fn example((width, height): (u32, u32), frames: u32) -> Self {
        Self {
            codec: "h264".to_owned(),
            width,
            height,
            frames,
            keyframes: vec![0],
            seconds: f64::from(frames) / 25.0,
            container: Container::Matroska,
            encodings: Vec::new(),
            replaced: Vec::new(),
            refused: Vec::new(),
            operations_per_pixel: 1,
            network_scale: 4,
            frame_list_blake3: "b".repeat(64),
            missing: Vec::new(),
            notes: Vec::new(),
            pixel: (1, 1),
            is_turned: false,
            carry: Carry::default(),
            cut_off: None,
            crop: None,
            content: None,
            changes: Changes::default(),
        }
    }
}

impl SourceFacts {
    /// The size of the pictures and how players show them.
    pub const fn shape(&self) -> Shape {
        Shape { width: self.width, height: self.height, pixel: self.pixel, is_turned: self.is_turned }
    }
}
