//! What is said about videos that are no jobs yet, for people who choose what is to be made of them.

use job::{FilePath, Notice, Settings};
use serde::{Deserialize, Serialize};

/// Answer to [`Request::Look`](super::Request::Look): what the head of a video says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VideoFacts {
    /// FFmpeg's name of the codec.
    pub codec: String,
    /// Pixels in a row, as stored.
    pub width: u32,
    /// Rows, as stored.
    pub height: u32,
    /// It is shown turned by a quarter.
    pub is_turned: bool,
    /// Width and height of a pixel; 0 where they are not known.
    pub pixel: (u32, u32),
    /// How long it says it lasts.
    pub seconds: Option<f64>,
    /// Frames a second, as far as it says; it may be wrong.
    pub frames_per_second: Option<f64>,
    /// It says that its frames consist of two fields.
    pub is_interlaced: bool,
    /// It has a larger range of brightness than usual screens show.
    pub is_hdr: bool,
    /// Sound tracks.
    pub sound: u32,
    /// Subtitle tracks.
    pub subtitles: u32,
    /// It states more than it holds: what it states and what is there, in words.
    pub unfinished: Option<String>,
    /// It is a result, and says how it was made.
    pub made_by: Option<String>,
}

/// See [`Request::Sample`](super::Request::Sample).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SampleRequest {
    /// The source.
    pub source: FilePath,
    /// What a job would have; the part that it would make is left out of account.
    pub settings: Box<Settings>,
    /// When the frame is shown, in seconds from the first frame on; that of a later time is the last one.
    pub seconds: f64,
    /// It is shown as the settings make it; else as the network gets it, in its own size.
    pub is_enlarged: bool,
    /// Threads of the engine.
    pub engine_threads: u32,
    /// The JPEG file to write.
    pub picture: FilePath,
}

/// Answer to [`Request::Sample`](super::Request::Sample): the file is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sampled {
    /// Number of the frame, from 0 on.
    pub frame: u32,
    /// When it is shown, in seconds from the first frame on.
    pub seconds: f64,
    /// Frames that a job would make.
    pub frames: u32,
    /// How long all of them last, in seconds.
    pub length: f64,
    /// Pixels in a row of the picture, upright.
    pub width: u32,
    /// Rows of the picture, upright.
    pub height: u32,
    /// What people should know.
    pub notes: Vec<Notice>,
}

/// An encoder that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncoderFacts {
    /// FFmpeg's name of it.
    pub name: String,
    /// Why it does not work here; `None` for one that does.
    pub fault: Option<String>,
}
