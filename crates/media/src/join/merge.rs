//! Packets that a container wants in other pieces than the source has them.

use frame::Rational;

use crate::raw::bitstream::BitstreamFilter;
use crate::raw::ffi::AVCodecID;
use crate::raw::packet::RawPacket;
use crate::raw::stream::Stream;
use crate::{Container, Error};

/// Blocks of sound in a packet of E-AC-3 in MPEG-4.
const BLOCKS: u64 = 6;

/// Joins packets as the muxer would, so that what is counted is what is written.
#[derive(Debug)]
pub(super) struct Merge(BitstreamFilter);

impl Merge {
    /// `None` for streams whose packets are written as they are.
    pub(super) fn of(stream: Stream<'_>, container: Container) -> Result<Option<Self>, Error> {
        let filter = if stream.codec_is(AVCodecID::HDMV_PGS_SUBTITLE) && container == Container::Matroska {
            // Blu-rays have a packet for each piece of a picture, Matroska has one for all of them.
            "pgs_frame_merge"
        } else if stream.codec_is(AVCodecID::VP9) {
            // A frame that is not shown goes with the next one.
            "vp9_superframe"
        } else {
            return Ok(None);
        };
        Ok(BitstreamFilter::open(filter, stream)?.map(Self))
    }

    /// Seconds a tick of the packets that come out.
    pub(super) fn time_base(&self) -> Rational {
        self.0.time_base()
    }

    /// The packets that are complete with this one; `None` says that there are no more.
    pub(super) fn push(&mut self, packet: Option<&mut RawPacket>) -> Result<Vec<RawPacket>, Error> {
        self.0.send(packet)?;
        let mut merged = Vec::new();
        while let Some(packet) = self.0.receive()? {
            merged.push(packet);
        }
        Ok(merged)
    }
}

/// Counts packets of E-AC-3, of which the muxer of MPEG-4 makes ones of six blocks each, and its demuxer again others.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    blocks: u64,
}

impl Blocks {
    /// `None` for all other streams.
    pub(crate) fn of(stream: Stream<'_>, container: Container) -> Option<Self> {
        (container == Container::Mp4 && stream.codec_is(AVCodecID::EAC3)).then(Self::default)
    }

    /// Adds a packet; gives the number of packets so far that the muxer makes.
    pub(crate) fn add(&mut self, data: &[u8]) -> u64 {
        self.blocks += blocks(data);
        self.blocks / BLOCKS
    }

    /// Blocks at the end that fill no packet.
    pub(super) fn rest(&self) -> u64 {
        self.blocks % BLOCKS
    }
}

/// Blocks of the first independent substream in frames of E-AC-3 (ETSI TS 102 366, E.1.2).
fn blocks(mut data: &[u8]) -> u64 {
    let mut blocks = 0;
    while let [0x0b, 0x77, kind, size, code, ..] = *data {
        let (stream_type, substream) = (kind >> 6, kind >> 3 & 7);
        let length = 2 * ((usize::from(kind & 7) << 8 | usize::from(size)) + 1);
        // Half rates have another field in that place, and always all blocks.
        let count = if code >> 6 == 3 { 6 } else { [1, 2, 3, 6][usize::from(code >> 4 & 3)] };
        if stream_type != 1 && substream == 0 {
            blocks += count;
        }
        data = data.get(length..).unwrap_or_default();
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_dependent_and_of_further_streams_do_not_count() {
        let frame = |stream_type: u8, substream: u8, code: u8| {
            let mut frame = vec![0x0b, 0x77, stream_type << 6 | substream << 3, 3, code];
            frame.resize(8, 0);
            frame
        };
        assert_eq!(blocks(&frame(0, 0, 0x30)), 6);
        assert_eq!(blocks(&[frame(0, 0, 0x00), frame(1, 0, 0x00), frame(0, 1, 0x30)].concat()), 1);
        assert_eq!(blocks(&[frame(0, 0, 0x20), frame(0, 0, 0xc0)].concat()), 9);
        assert_eq!(blocks(&[]), 0);
        assert_eq!(blocks(&[0x0b, 0x77, 0]), 0);
    }

    #[test]
    fn packets_are_complete_with_six_blocks() {
        let two = [0x0b, 0x77, 0, 2, 0x10, 0];
        let mut counted = Blocks::default();
        let packets: Vec<u64> = (0..7).map(|_| counted.add(&two)).collect();
        assert_eq!((packets, counted.rest()), (vec![0, 0, 1, 1, 1, 2, 2], 2));
    }
}
