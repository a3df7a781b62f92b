//! Sound that no container of ours holds, such as that of DVDs, as plain samples.

use frame::Rational;

use crate::raw::codec::{Decoder, Output, Threads};
use crate::raw::frame::RawFrame;
use crate::raw::packet::RawPacket;
use crate::raw::stream::Stream;
use crate::{Error, raw};

/// Decodes a stream of sound to packets of samples, bit for bit what the decoder gives.
#[derive(Debug)]
pub(super) struct ToSamples {
    decoder: Decoder,
    frame: RawFrame,
    /// Seconds a tick of the source.
    time_base: Rational,
    sample_rate: i32,
}

impl ToSamples {
    /// `None` for sound that cannot be decoded here.
    pub(super) fn open(stream: Stream<'_>) -> Result<Option<Self>, Error> {
        let Some(sample_rate) = stream.sample_rate() else { return Ok(None) };
        let time_base = stream.time_base();
        match Decoder::open(stream.parameters(), time_base, Threads::One) {
            Ok(decoder) => Ok(Some(Self { decoder, frame: RawFrame::new()?, time_base, sample_rate })),
            Err(Error::UndecodableCodec { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The packets that a packet becomes; `None` says that there are no more.
    pub(super) fn convert(&mut self, packet: Option<&mut RawPacket>) -> Result<Vec<RawPacket>, Error> {
        self.decoder.send(packet)?;
        let mut made = Vec::new();
        while self.decoder.receive(&mut self.frame)? == Output::Some {
            let Some((samples, count)) = self.frame.interleaved() else { continue };
            let mut packet = RawPacket::new()?;
            packet.set_data(&samples)?;
            if let Some(time) = self.frame.best_effort_time() {
                packet.set_times(time, time);
            }
            packet.set_duration(raw::rescale(count, Rational::new(1, self.sample_rate), self.time_base));
            packet.set_keyframe(true);
            made.push(packet);
        }
        Ok(made)
    }
}
