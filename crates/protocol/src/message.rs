//! The messages between coordinator and worker: what they say and how they are framed.
//!
//! The worker says [`Response::Hello`] first. Then the coordinator writes [`Request`]s to the worker's standard input, one
//! at a time and [`Request::Confine`] before all others; the worker answers on its standard output with any number of
//! [`Response::Progress`] and one other response. Where it has found out what it needs for a segment, it says
//! [`Response::AsksForMemory`], reads [`Request::PromisedMemory`], and says [`Response::Admitted`] or gives up. A message is a `u32` length, little endian, and so many bytes of JSON.

mod arrival;
mod estimate;
mod frame;
mod framing;
mod look;
mod piece;
mod preview;
mod validate;

use job::state::{IndexMethod, SegmentDigest};
use job::{
    Carry, Container, Encoding, Failure, FilePath, Model, Notice, SegmentRange, Settings, Shape, SourceFacts,
};

use serde::{Deserialize, Serialize};

use crate::Made;
use crate::report::Verified;

pub use arrival::understand;
pub use estimate::{Estimate, EstimateRequest};
pub use frame::{FrameOf, FrameRequest};
pub use framing::{LARGEST_MESSAGE, MessageError, decode, decode_length, encode};
pub use look::{EncoderFacts, SampleRequest, Sampled, VideoFacts};
pub use piece::{PieceRequest, PieceTimesRequest};
pub use preview::{PreviewKind, PreviewPicture, PreviewRequest};

/// Work for a worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Give up all rights but these, for good.
    Confine(Access),
    /// Say whether this file is a video.
    Probe {
        /// The file.
        source: FilePath,
    },
    /// Say what the head of a video says.
    Look {
        /// The file.
        source: FilePath,
        /// The video stream, where one was chosen.
        stream: Option<u32>,
    },
    /// Say what would be made of this file, as far as its head tells.
    Foresee {
        /// The file.
        source: FilePath,
        /// What was chosen.
        settings: Box<Settings>,
    },
    /// Make the frame list of a source.
    Index(IndexRequest),
    /// Upscale one segment.
    Segment(SegmentRequest),
    /// What the other workers may still take of the memory that is free. No answer to it is the last one of a request.
    PromisedMemory {
        /// Bytes that they were promised and do not hold yet.
        bytes: u64,
    },
    /// Make the result out of finished segments and the source's other streams, and verify it.
    Join(JoinRequest),
    /// Say what this machine can do.
    Doctor,
    /// Measure how fast a network runs.
    Bench(BenchRequest),
    /// Show what networks make of single frames.
    Preview(PreviewRequest),
    /// Show a single frame of a job.
    Frame(FrameRequest),
    /// Show a frame of a video that is no job, as it is or as settings make it.
    Sample(SampleRequest),
    /// Make a file that browsers play of a finished segment.
    Piece(Box<PieceRequest>),
    /// Say when the frames of segments are shown.
    PieceTimes(PieceTimesRequest),
    /// Measure how long a job would take and how large its result would be.
    Estimate(EstimateRequest),
    /// Try all encoders.
    Encoders,
    /// Open the encoder of these settings with its options.
    TryEncoder(Box<Settings>),
    /// Read a model and say what it is.
    Model(Model),
}

/// What a worker may touch of the files of this machine; the system's libraries and the like come on top.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Access {
    /// Files and folders that it may read.
    pub read: Vec<FilePath>,
    /// Folders of which it may read all files, also those that come later.
    #[serde(default)]
    pub read_below: Vec<FilePath>,
    /// Folders that it may also write to.
    pub write: Vec<FilePath>,
}

/// See [`Request::Index`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IndexRequest {
    /// The source.
    pub source: FilePath,
    /// What the user chose: the model decides the cost.
    pub settings: Settings,
    /// How to make the list.
    pub method: IndexMethod,
    /// Where to write the list.
    pub frame_list: FilePath,
}

/// See [`Request::Segment`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentRequest {
    /// The source.
    pub source: FilePath,
    /// Fingerprint of its content, noted beside the segment.
    pub fingerprint: String,
    /// What the user chose.
    pub settings: Settings,
    /// The frame list.
    pub frame_list: FrameListFile,
    /// Number of the segment.
    pub index: u32,
    /// Fencing token, part of the file's name.
    pub epoch: u32,
    /// The frames to make.
    pub range: SegmentRange,
    /// Width of the result.
    pub width: u32,
    /// Height of the result.
    pub height: u32,
    /// The kind of file that the result will be.
    pub container: Container,
    /// How to encode.
    pub encoding: Encoding,
    /// Number of the parameter sets: how many encoders failed before.
    pub parameter_set: u8,
    /// Threads of the encoder.
    pub encoder_threads: u32,
    /// Threads of the engine.
    pub engine_threads: u32,
    /// The folder that the segment file goes to.
    pub folder: FilePath,
    /// Bytes that the segment may take on the disk, its working file included; `None` where there is no limit.
    pub most_bytes: Option<u64>,
}

/// See [`Request::Join`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JoinRequest {
    /// The source.
    pub source: FilePath,
    /// The video stream that was enlarged, where one was chosen.
    pub stream: Option<u32>,
    /// The frame list.
    pub frame_list: FrameListFile,
    /// The folder with the segment files.
    pub folder: FilePath,
    /// The segments, in order.
    pub segments: SegmentListFile,
    /// Width of the result.
    pub width: u32,
    /// Height of the result.
    pub height: u32,
    /// The kind of file to make.
    pub container: Container,
    /// What is done with the other streams.
    #[serde(default)]
    pub carry: Carry,
    /// What people know already, so that it is not said twice.
    #[serde(default)]
    pub told: Vec<Notice>,
    /// What the result says of how it was made.
    pub provenance: String,
    /// The model, for its checksum.
    pub model: Model,
    /// Where to write it.
    pub result: FilePath,
}

/// A file that lists the segments of a film: there may be too many for a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentListFile {
    /// Where it is.
    pub path: FilePath,
    /// BLAKE3 of its bytes, in hex.
    pub blake3: String,
    /// Segments that it lists.
    pub count: u32,
    /// Bytes of their files.
    pub bytes: u64,
}

/// See [`Request::Bench`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BenchRequest {
    /// The network.
    pub model: Model,
    /// The kind of engine, one of [`ENGINES`](job::ENGINES).
    pub engine: String,
    /// Threads of the engine.
    pub threads: u32,
    /// Width of the pictures that are upscaled.
    pub width: u32,
    /// Height of the pictures that are upscaled.
    pub height: u32,
    /// How long to measure at least.
    pub seconds: f64,
}

/// A frame list on disk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrameListFile {
    /// The file.
    pub path: FilePath,
    /// BLAKE3 of its bytes, in hex.
    pub blake3: String,
    /// Frames of the list that are missing in the source: see [`SourceFacts::missing`].
    pub missing: Vec<SegmentRange>,
}

/// What a worker answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// The first message of every worker.
    Hello {
        /// Version of the program, which must be the coordinator's.
        version: String,
    },
    /// Answer to [`Request::Confine`].
    Confined(Sandbox),
    /// The work goes on.
    Progress {
        /// Frames done in this request.
        frames: u32,
        /// Bytes of video made in this request.
        bytes: u64,
    },
    /// It is ready to look how much memory there is for a segment.
    AsksForMemory,
    /// Answer to [`Request::PromisedMemory`]: the segment begins.
    Admitted {
        /// Bytes that the worker process holds at most while it makes the segment.
        bytes: u64,
    },
    /// Answer to [`Request::Probe`] for a video.
    Probed {
        /// The video in a few words.
        description: String,
        /// Width of its picture as it is stored.
        columns: u32,
        /// Rows of its picture as it is stored.
        rows: u32,
        /// How long it plays, by its own word.
        seconds: Option<f64>,
        /// The file states more than it holds: what it states and what is there, in words.
        unfinished: Option<String>,
        /// The file is a result, and says how it was made.
        made_by: Option<String>,
        /// What the head says of its frames; `None` where that is not how many there are.
        head: Option<Head>,
    },
    /// Answer to [`Request::Look`].
    Looked(Box<VideoFacts>),
    /// Answer to [`Request::Foresee`].
    Foreseen(Made),
    /// Answer to [`Request::Index`].
    Indexed(Box<SourceFacts>),
    /// Answer to [`Request::Segment`]: the file is verified, in its place and synced.
    SegmentDone {
        /// What proves it.
        digest: SegmentDigest,
        /// The engine that was used, in words.
        engine: String,
    },
    /// Answer to [`Request::Join`]: the result is complete, verified and synced, under its temporary name.
    Joined {
        /// Its size.
        bytes: u64,
        /// What people should know: streams left out or converted.
        notes: Vec<Notice>,
        /// What was found of it.
        verified: Box<Verified>,
    },
    /// Answer to [`Request::Doctor`].
    Doctor(Vec<Finding>),
    /// Answer to [`Request::Bench`].
    Bench(BenchReport),
    /// Answer to [`Request::Preview`]. Its progress counts pictures, the sheets aside.
    Previewed {
        /// The pictures that were made, those of a frame one after the other and its sheet last.
        pictures: Vec<PreviewPicture>,
        /// What people should know.
        notes: Vec<Notice>,
        /// Why some of the networks have no pictures.
        failures: Vec<Notice>,
    },
    /// Answer to [`Request::Frame`]: the file is written.
    Framed {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// Answer to [`Request::Sample`].
    Sampled(Sampled),
    /// Answer to [`Request::Piece`]: the file is written.
    PieceDone {
        /// What browsers are told of its codec, as RFC 6381 has it.
        codecs: String,
    },
    /// Answer to [`Request::PieceTimes`]: when the first frame of each segment is shown, and when its last one ends, in seconds of the
    /// result.
    PieceTimes(Vec<(f64, f64)>),
    /// Answer to [`Request::Estimate`]. Its progress counts the frames that were made.
    Estimated(Box<Estimate>),
    /// Answer to [`Request::Encoders`], in the order in which they are known.
    Encoders(Vec<EncoderFacts>),
    /// Answer to [`Request::TryEncoder`]: one takes the options, or none works here at all, which is no fault of theirs.
    EncoderTried,
    /// Answer to [`Request::Model`].
    Model(ModelFacts),
    /// The request could not be done.
    Failed(Failure),
}

/// What the head of a file says of its frames: it may be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// What its pictures are like.
    pub shape: Shape,
    /// About how many there are.
    pub frames: u32,
}

/// What a model is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelFacts {
    /// Its architecture, by the name of the field.
    pub architecture: String,
    /// How many times larger it makes pictures.
    pub scale: u32,
    /// Its weights.
    pub parameters: u64,
    /// Checksum of the file of its weights, with its kind.
    pub checksum: String,
    /// Bytes of that file.
    pub bytes: u64,
    /// Its licence and owner; `None` where they are not known.
    pub licence: Option<String>,
}

/// How far a worker is confined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sandbox {
    /// What a worker must not open files of others without and does not stand, in words; `None` where it is confined.
    pub lacks: Option<String>,
    /// All layers of the sandbox are in force, with all that newer kernels have.
    pub is_complete: bool,
    /// Which layers of the sandbox are in force and which are not, in words.
    pub detail: String,
}

/// One line of a doctor's report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What was looked at.
    pub subject: String,
    /// True when all is well.
    pub ok: bool,
    /// What was found.
    pub detail: String,
    /// What to do about it, where something can be done.
    pub remedy: Option<String>,
}

/// How fast a network ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BenchReport {
    /// The engine, its kernels and its device, in words.
    pub description: String,
    /// Frames that were measured, without the first.
    pub frames: u32,
    /// Seconds from the end of the first frame, which warms up, to the end of the last.
    pub seconds: f64,
    /// Floating-point operations that a frame takes: two for each multiply-add of the convolutions as written.
    pub flops_per_frame: f64,
    /// The most memory that the worker process had, in bytes: weights, session, pictures and the program itself.
    pub peak_rss_bytes: u64,
}
