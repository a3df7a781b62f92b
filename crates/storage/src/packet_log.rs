//! The packet log: the format of segment files, and of nothing else.
//!
//! It keeps what containers lose: exact presentation and decoding times, durations, and the bytes of each packet as
//! the encoder gave them. It is written once from front to back, read once from front to back, and never repaired: a
//! segment whose log is not whole is made again.
//!
//! All numbers are little endian. A file is a head, any number of packets, a trailer, and nothing after it.
//!
//! Head:
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 8 | magic: `89 55 50 4C 0D 0A 1A 0A` (`\x89UPL\r\n\x1a\n`) |
//! | 8 | 4 | format version, 1 |
//! | 12 | 4 | length H of the header, at most 16 MiB |
//! | 16 | 4 | CRC32 of the 16 bytes before |
//! | 20 | H | header: the codec parameters, as `media` writes them |
//! | 20 + H | 4 | CRC32 of the header |
//!
//! Packet:
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 1 | `50` (`P`) |
//! | 1 | 1 | flags: bit 0 = keyframe; the others are 0 |
//! | 2 | 2 | 0 |
//! | 4 | 4 | length L of the data, at most 512 MiB |
//! | 8 | 8 | presentation time (signed) |
//! | 16 | 8 | decoding time (signed) |
//! | 24 | 8 | duration (signed) |
//! | 32 | 4 | CRC32 of the 32 bytes before |
//! | 36 | L | data |
//! | 36 + L | 4 | CRC32 of the first 32 bytes of the packet and the data |
//!
//! Trailer:
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 1 | `45` (`E`) |
//! | 1 | 3 | 0 |
//! | 4 | 8 | number of packets |
//! | 12 | 8 | bytes of data in them |
//! | 20 | 4 | CRC32 of all bytes of the file before this field, the other checksums left out |
//!
//! Lengths have a checksum of their own, so that a damaged one is not believed; the last checksum covers the whole
//! file, so that packets left out, doubled or exchanged are noticed, and its absence tells a short file. It leaves the
//! other checksums out because a CRC over bytes and their own CRC is the same whatever the bytes are.

mod reader;
#[cfg(test)]
mod tests;
mod writer;

use std::io;

pub use reader::PacketLogReader;
pub use writer::PacketLogWriter;

const MAGIC: [u8; 8] = *b"\x89UPL\r\n\x1a\n";
const VERSION: u32 = 1;
const PACKET: u8 = b'P';
const TRAILER: u8 = b'E';
const KEYFRAME: u8 = 1;

/// The largest header.
pub const MAX_HEADER: usize = 16 << 20;
/// The largest packet; an uncompressed frame of 16,384 × 8,192 pixels has 384 MiB.
pub const MAX_PACKET: usize = 512 << 20;

/// A packet of the encoder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Packet {
    /// When its frame is shown, in the time base that the header gives.
    pub pts: i64,
    /// Its place in decoding order.
    pub dts: i64,
    /// How long its frame is shown.
    pub duration: i64,
    /// Whether decoding can start here.
    pub keyframe: bool,
    /// The encoded bytes.
    pub data: Vec<u8>,
}

/// What a whole log holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Number of packets.
    pub packets: u64,
    /// Bytes of data in them.
    pub bytes: u64,
}

/// Why a packet log cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PacketLogError {
    /// It ends too early.
    #[error("the packet log ends at byte {offset}, before its trailer; make the segment again")]
    Truncated {
        /// Where the bytes end, or where those begin that cannot be there.
        offset: u64,
    },
    /// Its bytes are not those that were written.
    #[error("the packet log is damaged at byte {offset}: {reason}; make the segment again")]
    Corrupt {
        /// Where the damaged part begins.
        offset: u64,
        /// What does not fit.
        reason: &'static str,
    },
    /// It comes from another version of the program.
    #[error(
        "the packet log has format version {found} and this program reads version 1; make the segment again"
    )]
    Version {
        /// The version that it says.
        found: u32,
    },
    /// A packet or header is larger than the format allows.
    #[error("a packet or header of {bytes} bytes is more than a packet log can hold; use a smaller picture")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// A part of the log could not be written before, so that it can no longer become whole.
    #[error("the packet log was given up after a failed write; make the segment again")]
    Broken,
    /// The bytes could not be read or written.
    #[error("cannot read or write the packet log: {0}")]
    Io(#[from] io::Error),
}

impl PacketLogError {
    /// Whether waiting for space on the disk is the remedy.
    pub fn is_no_space(&self) -> bool {
        matches!(self, Self::Io(error) if crate::is_no_space(error))
    }
}

/// The fields of a packet before its data.
struct Fields {
    pts: i64,
    dts: i64,
    duration: i64,
    keyframe: bool,
    length: u32,
}
