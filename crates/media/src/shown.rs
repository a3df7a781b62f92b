//! Single pictures of a segment's packets.

use frame::{Rational, RgbF32};

use crate::convert::ToRgb;
use crate::raw::codec::{Decoder, Output, Parameters, Threads};
use crate::raw::frame::RawFrame;
use crate::raw::packet::RawPacket;
use crate::{CodecParameters, Error};

/// Seconds a tick, as the decoder is told: it passes times on as they are.
const TICK: Rational = Rational { num: 1, den: 1000 };
/// Threads of the decoder.
const THREADS: usize = 2;

/// Decodes packets until the picture of one time is there.
#[derive(Debug)]
pub struct PictureDecoder {
    decoder: Decoder,
    packet: RawPacket,
    frame: RawFrame,
    to_rgb: ToRgb,
    /// Packets so far.
    packets: i64,
    /// When the picture is shown.
    wanted: i64,
}

impl PictureDecoder {
    /// Opens a decoder for the picture that is shown at `wanted`.
    ///
    /// # Errors
    /// When the parameters are not those of a video that can be decoded.
    pub fn open(parameters: &CodecParameters, wanted: i64) -> Result<Self, Error> {
        let parameters = Parameters::from_plain(parameters)?;
        let decoder = Decoder::open(parameters.get(), TICK, Threads::UpTo(THREADS))?;
        let mut to_rgb = ToRgb::default();
        to_rgb.tonemap();
        Ok(Self { decoder, packet: RawPacket::new()?, frame: RawFrame::new()?, to_rgb, packets: 0, wanted })
    }

    /// Decodes the next packet, which is shown at `pts`, the first of them a keyframe. True when the picture is there: `into` is it,
    /// in the film's own transfer curve, or brought to the range of usual screens where it is HDR.
    ///
    /// # Errors
    /// When the memory is not enough, or the picture cannot be converted.
    pub fn push(&mut self, pts: i64, keyframe: bool, data: &[u8], into: &mut RgbF32) -> Result<bool, Error> {
        self.packet.set_data(data)?;
        // The decoder needs rising decoding times, whatever they are.
        self.packet.set_times(pts, self.packets);
        self.packet.set_keyframe(keyframe);
        self.packets += 1;
        self.decoder.send(Some(&mut self.packet))?;
        self.find(into)
    }

    /// Takes out what the decoder still holds, after the last packet. True when the picture is there.
    ///
    /// # Errors
    /// As for [`push`](Self::push).
    pub fn finish(mut self, into: &mut RgbF32) -> Result<bool, Error> {
        self.decoder.send(None)?;
        self.find(into)
    }

    fn find(&mut self, into: &mut RgbF32) -> Result<bool, Error> {
        while self.decoder.receive(&mut self.frame)? == Output::Some {
            if self.frame.pts() == Some(self.wanted) {
                self.to_rgb.convert(&mut self.frame, into)?;
                return Ok(true);
            }
        }
        Ok(false)
    }
}
