//! What is said about single frames of a job, for people who look at it.

use job::{Container, FilePath, SegmentRange, Settings};
use serde::{Deserialize, Serialize};

use super::FrameListFile;

/// See [`Request::Frame`](super::Request::Frame).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrameRequest {
    /// Which frame.
    pub of: FrameOf,
    /// Most pixels in a row: a larger picture is made smaller, with square pixels. `None` leaves it as it is.
    pub most_width: Option<u32>,
    /// The JPEG file to write.
    pub picture: FilePath,
}

/// Which frame is wanted, and what it is taken from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FrameOf {
    /// What a job's network gets to see as a frame.
    Source {
        /// Its number.
        number: u32,
        /// The source.
        source: FilePath,
        /// The video stream, where one was chosen.
        stream: Option<u32>,
        /// The frame list of the job.
        frame_list: FrameListFile,
    },
    /// The same for a job whose frame list is gone: it is made again, by the packets where they tell the truth.
    SourceOfEnded {
        /// Its number.
        number: u32,
        /// The source.
        source: FilePath,
        /// What the job had; what is cut off is what it found.
        settings: Box<Settings>,
        /// Frames of the list that is gone.
        frames: u32,
    },
    /// A frame about a tenth into a source of which nothing is known.
    Glance {
        /// The source.
        source: FilePath,
        /// The video stream, where one was chosen.
        stream: Option<u32>,
    },
    /// The frame that is shown at a time of a source of which nothing is known.
    Moment {
        /// The source.
        source: FilePath,
        /// The video stream, where one was chosen.
        stream: Option<u32>,
        /// The time, in seconds from the beginning.
        seconds: f64,
    },
    /// A frame of a finished segment.
    Segment {
        /// Its number in the film.
        number: u32,
        /// The packet log.
        file: FilePath,
        /// The frames of the segment.
        range: SegmentRange,
        /// The source, by which it is known how the pictures lie.
        source: FilePath,
        /// The video stream, where one was chosen.
        stream: Option<u32>,
        /// The kind of file that the result will be.
        container: Container,
    },
    /// A frame of a finished result.
    Result {
        /// Its number.
        number: u32,
        /// The result.
        file: FilePath,
        /// Frames that it has.
        frames: u32,
    },
}
