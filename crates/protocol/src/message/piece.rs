//! What is said about finished segments that browsers play while the rest is made.

use job::{Carry, Container, FilePath, SegmentRange};
use serde::{Deserialize, Serialize};

use super::FrameListFile;

/// See [`Request::Piece`](super::Request::Piece).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PieceRequest {
    /// The frame list of the job.
    pub frame_list: FrameListFile,
    /// What was decided for the result, whose times the piece has.
    pub carry: Carry,
    /// The packet log.
    pub log: FilePath,
    /// The frames of the segment.
    pub range: SegmentRange,
    /// The source, by which it is known how the pictures lie.
    pub source: FilePath,
    /// The video stream, where one was chosen.
    pub stream: Option<u32>,
    /// The kind of file that the result will be.
    pub container: Container,
    /// The file to write.
    pub file: FilePath,
}

/// See [`Request::PieceTimes`](super::Request::PieceTimes).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PieceTimesRequest {
    /// The frame list of the job.
    pub frame_list: FrameListFile,
    /// What was decided for the result.
    pub carry: Carry,
    /// The frames of the segments.
    pub ranges: Vec<SegmentRange>,
}
