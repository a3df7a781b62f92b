//! FFmpeg behind safe types: what a file holds, when its frames appear, their pixels, encoding, joining, checking.
//!
//! Goals: exact timestamps from the first to the last packet; files that are broken or hostile give an [`Error`], never
//! a crash of ours; all FFI of the project is here, in `raw`.
//! Non-goals: deciding what to make (the worker does), storing segments (`storage` does), networks (`engine` does).
//!
//! Only the worker executable links this crate: a decoder that is attacked must not live in the server.

mod bars;
mod captions;
mod carry;
mod changes;
mod color;
mod container;
mod convert;
mod crop;
mod decode;
mod dolby_vision;
mod encode;
mod error;
mod fields;
mod fit;
mod frame_list;
mod glance;
mod hdr;
mod index;
mod join;
mod jpeg;
mod parameters;
mod piece;
mod probe;
mod range;
mod raw;
mod rehearse;
mod resize;
mod shown;
mod sound_format;
mod source;
mod survey;
mod verify;
mod whole;

pub use carry::{Carry, Shift, StreamChange};
pub use color::is_hdr;
pub use container::Container;
pub use crop::{Crop, crop, look_for_bars};
pub use dolby_vision::DolbyVision;
pub use encode::{
    EncodeSettings, OutputFormat, Packet, SegmentEncoder, StandIn, checking_memory, decoder_memory,
    encoder_memory, output_color, output_format, picture_bytes, stand_in, try_encoder,
};
pub use error::Error;
pub use fields::{Deinterlace, deinterlace, deinterlace_by_samples};
pub use frame_list::{FieldOrder, Fields, Index, Made, Part, Quirks, Stretch, Whole, Window};
pub use glance::{glance, glance_at};
pub use hdr::{Hdr, dynamic_metadata, hdr};
pub use index::{IndexMethod, IndexOptions, index, index_with};
pub use join::{Join, JoinReport, OwnedPacket, join};
pub use jpeg::{JpegQuality, jpeg};
pub use parameters::CodecParameters;
pub use piece::{Piece, PieceTimes, write_piece};
pub use probe::{Probe, StreamInfo, StreamKind, VideoInfo, probe};
pub use range::{NextFrame, RangeDecoder};
pub use rehearse::{Rehearsal, Rehearsed, rehearse};
pub use resize::Resizer;
pub use shown::PictureDecoder;
pub use sound_format::SoundFormat;
pub use source::Source;
pub use verify::{SegmentDecoder, VerifyReport, verify};
pub use whole::unfinished;

/// Largest picture that is decoded, in pixels: 16,384 × 8,192. A file may claim any size, and memory follows it.
pub const MAX_PIXELS: u64 = 1 << 27;

/// Most frames of a video: 46 hours at 60 a second. Memory follows their number, which a file can claim cheaply.
pub const MAX_FRAMES: usize = 10_000_000;

/// Has to be called once before anything else: from then on, FFmpeg's messages go to `tracing`, and new memory has one
/// content.
pub fn init() {
    raw::memory::clear_new();
    raw::log::init();
}

/// Name and version of the FFmpeg that is linked.
pub fn version() -> String {
    raw::version()
}

/// Bits of a sample of the pixel format with FFmpeg's name `name`; 8 for an unknown one.
pub(crate) fn bit_depth(name: &str) -> u8 {
    raw::pixel::PixelFormat::named(name).map_or(8, raw::pixel::PixelFormat::bit_depth)
}
