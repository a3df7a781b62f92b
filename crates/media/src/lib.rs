//! FFmpeg behind safe types: what a file holds, when its frames appear, their pixels, encoding, joining, checking.
//!
//! Goals: exact timestamps from the first to the last packet; files that are broken or hostile give an [`Error`], never
//! a crash of ours; all FFI of the project is here, in `raw`.
//! Non-goals: deciding what to make (the worker does), storing segments (`storage` does), networks (`engine` does).
//!
//! Only the worker executable links this crate: a decoder that is attacked must not live in the server.

mod container;
mod convert;
mod decode;
mod doctor;
mod encode;
mod error;
mod index;
mod join;
mod probe;
mod raw;
mod resize;
mod verify;

use frame::{ColorDescription, Rational, Size};
use serde::{Deserialize, Serialize};

pub use container::Container;
pub use decode::{NextFrame, RangeDecoder};
pub use doctor::{EncoderStatus, doctor};
pub use encode::{EncodeSettings, Packet, SegmentEncoder, output_color, output_pixel_format};
pub use error::Error;
pub use index::{Index, IndexMethod, index};
pub use join::{Join, JoinReport, OwnedPacket, join};
pub use probe::{Probe, StreamInfo, StreamKind, VideoInfo, probe};
pub use resize::Resizer;
pub use verify::{SegmentDecoder, VerifyReport, verify};

/// Largest picture that is decoded, in pixels: 16,384 × 8,192. A file may claim any size, and memory follows it.
pub const MAX_PIXELS: u64 = 1 << 27;

/// Most frames of a video: 46 hours at 60 a second. Memory follows their number, which a file can claim cheaply.
pub const MAX_FRAMES: usize = 10_000_000;

/// What is known of an encoded stream: all that a join in another process must know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodecParameters {
    /// FFmpeg's name of the codec, such as `h264`.
    pub codec: String,
    /// FFmpeg's name of the encoder, such as `libx264`.
    pub encoder: String,
    /// Parameter sets, as containers store them.
    pub extradata: Vec<u8>,
    /// Size of the pictures.
    pub size: Size,
    /// FFmpeg's name of the pixel format.
    pub pixel_format: String,
    /// Profile, as a number of the codec.
    pub profile: i32,
    /// Level, as a number of the codec.
    pub level: i32,
    /// Frames that a decoder holds back to bring them into order.
    pub reorder_depth: u32,
    /// What the samples stand for.
    pub color: ColorDescription,
    /// Width of a pixel, as a multiple of its height.
    pub sample_aspect_ratio: Rational,
}

/// Has to be called once before anything else: FFmpeg's messages go to `tracing` from then on.
pub fn init() {
    raw::log::init();
}

/// Name and version of the FFmpeg that is linked.
pub fn version() -> String {
    raw::version()
}
