//! Sound that is decoded and written anew: that of DVDs, which no container of ours holds, and sound that changes its channels
//! or its rate in mid-film.

use frame::Rational;

use crate::frame_list::JUMP_SECONDS;
use crate::raw::codec::{Decoder, Output, Threads};
use crate::raw::ffi::AVCodecID;
use crate::raw::frame::RawFrame;
use crate::raw::packet::RawPacket;
use crate::raw::sound::{self, AacEncoder, SoundGraph};
use crate::raw::stream::Stream;
use crate::{Container, Error, SoundFormat, raw};

/// What converted sound becomes.
#[derive(Debug)]
pub(super) enum Target {
    /// Plain samples of a codec.
    Samples(AVCodecID),
    /// AAC, since MPEG-4 has no place for plain samples here.
    Aac(AacEncoder),
}

/// Brings a stream of sound to one format. Where it has that format already, the samples stay what the decoder gives, bit for
/// bit.
#[derive(Debug)]
pub(super) struct Converter {
    decoder: Decoder,
    pub(super) target: Target,
    /// What all samples are brought to.
    pub(super) format: SoundFormat,
    /// From the format that the sound has now, and whether its channels lie one after the other.
    graph: Option<(SoundFormat, bool, SoundGraph)>,
    decoded: RawFrame,
    converted: RawFrame,
    /// Seconds a tick of the source.
    source: Rational,
    /// Where a frame without a time belongs, in samples.
    next: i64,
}

impl Converter {
    /// `format` is what the film needs, `None` what the stream itself says. Gives `None` for sound that cannot be decoded here.
    pub(super) fn open(
        stream: Stream<'_>,
        container: Container,
        format: Option<&SoundFormat>,
    ) -> Result<Option<Self>, Error> {
        let Some(format) =
            format.cloned().map_or_else(|| stream.sound_format(), |format| Ok(Some(format)))?
        else {
            return Ok(None);
        };
        let (target, format) = match container {
            Container::Matroska => match sound::samples_codec(&format.sample) {
                Some(codec) => (Target::Samples(codec), format),
                None => return Ok(None),
            },
            Container::Mp4 => {
                let format = sound::aac_format(&format);
                (Target::Aac(AacEncoder::open(&format)?), format)
            }
        };
        let source = stream.time_base();
        match Decoder::open(stream.parameters(), source, Threads::One) {
            Ok(decoder) => Ok(Some(Self {
                decoder,
                target,
                format,
                graph: None,
                decoded: RawFrame::new()?,
                converted: RawFrame::new()?,
                source,
                next: 0,
            })),
            Err(Error::UndecodableCodec { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What is done, for notes of a stream whose sound is of one kind.
    pub(super) fn in_words(&self) -> &'static str {
        match self.target {
            Target::Samples(_) => "sound was converted to PCM, without loss",
            Target::Aac(_) => "sound was converted to AAC, since MP4 files have no place for it as it is",
        }
    }

    /// Seconds a tick of the packets that are made.
    pub(super) fn time_base(&self) -> Rational {
        Rational::new(1, self.format.rate as i32)
    }

    /// The packets that a packet becomes; `None` says that there are no more.
    pub(super) fn convert(&mut self, packet: Option<&mut RawPacket>) -> Result<Vec<RawPacket>, Error> {
        let is_end = packet.is_none();
        let mut made = Vec::new();
        self.decoder.send(packet)?;
        while self.decoder.receive(&mut self.decoded)? == Output::Some {
            let Some(format) = sound::format_of(&mut self.decoded)? else { continue };
            let is_planar = sound::is_planar(&mut self.decoded);
            if self.graph.as_ref().is_none_or(|(of, planar, _)| (of, *planar) != (&format, is_planar)) {
                self.drain(&mut made)?;
                let size = match &self.target {
                    Target::Samples(_) => 0,
                    Target::Aac(encoder) => encoder.frame_size(),
                };
                let graph = SoundGraph::new(&format, is_planar, self.source, &self.format, size)?;
                self.graph = Some((format, is_planar, graph));
            }
            if let Some((_, _, graph)) = &mut self.graph {
                graph.send(Some(&mut self.decoded))?;
            }
            self.take(&mut made)?;
        }
        if is_end {
            self.drain(&mut made)?;
            if let Target::Aac(encoder) = &mut self.target {
                encoder.send(None)?;
                packets_of(encoder, &mut made)?;
            }
        }
        Ok(made)
    }

    /// Takes out what the graph still holds.
    fn drain(&mut self, made: &mut Vec<RawPacket>) -> Result<(), Error> {
        if let Some((_, _, graph)) = &mut self.graph {
            graph.send(None)?;
            self.take(made)?;
        }
        self.graph = None;
        Ok(())
    }

    fn take(&mut self, made: &mut Vec<RawPacket>) -> Result<(), Error> {
        let time_base = self.time_base();
        let Some((_, _, graph)) = &mut self.graph else { return Ok(()) };
        while graph.receive(&mut self.converted, time_base)? {
            let time = self.converted.pts().unwrap_or(self.next);
            let Some((samples, count)) = self.converted.interleaved() else { continue };
            match &mut self.target {
                Target::Samples(_) => {
                    let mut packet = RawPacket::new()?;
                    packet.set_data(&samples)?;
                    packet.set_times(time, time);
                    packet.set_duration(count);
                    packet.set_keyframe(true);
                    made.push(packet);
                }
                Target::Aac(encoder) => {
                    // Encoders need times that rise.
                    self.converted.set_pts(time.max(self.next));
                    encoder.send(Some(&mut self.converted))?;
                    packets_of(encoder, made)?;
                }
            }
            self.next = time.max(self.next).saturating_add(count);
        }
        Ok(())
    }
}

fn packets_of(encoder: &mut AacEncoder, made: &mut Vec<RawPacket>) -> Result<(), Error> {
    let mut packet = RawPacket::new()?;
    while encoder.receive(&mut packet)? == Output::Some {
        made.push(std::mem::replace(&mut packet, RawPacket::new()?));
    }
    Ok(())
}

/// The formats that a stream of sound has, with the times at which they begin, in ticks of the stream.
pub(crate) type Formats = Vec<(i64, SoundFormat)>;

/// Notes the formats of decoded sound as they change.
#[derive(Debug)]
pub(crate) struct Listener {
    decoder: Decoder,
    frame: RawFrame,
    time_base: Rational,
    /// What is added to times since the clock went back, and where the next packet belongs.
    offset: i64,
    next: Option<i64>,
    pub(crate) formats: Formats,
}

impl Listener {
    /// `None` for sound that cannot be decoded here.
    pub(crate) fn open(stream: Stream<'_>) -> Result<Option<Self>, Error> {
        match Decoder::open(stream.parameters(), stream.time_base(), Threads::One) {
            Ok(decoder) => Ok(Some(Self {
                decoder,
                frame: RawFrame::new()?,
                time_base: stream.time_base(),
                offset: 0,
                next: None,
                formats: Vec::new(),
            })),
            Err(Error::UndecodableCodec { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Listens to a packet; `None` says that there are no more.
    pub(crate) fn hear(&mut self, packet: Option<&mut RawPacket>) -> Result<(), Error> {
        if let Some(packet) = &packet
            && let Some(time) = packet.dts().or(packet.pts())
        {
            let jump = raw::rescale(JUMP_SECONDS, Rational::new(1, 1), self.time_base);
            if let Some(next) =
                self.next.filter(|next| time.saturating_add(self.offset) < next.saturating_sub(jump))
            {
                self.offset = next.saturating_sub(time);
            }
            self.next = Some(time.saturating_add(self.offset).saturating_add(packet.duration()));
        }
        self.decoder.send(packet)?;
        while self.decoder.receive(&mut self.frame)? == Output::Some {
            let Some(format) = sound::format_of(&mut self.frame)? else { continue };
            if self.formats.last().is_none_or(|(_, last)| *last != format) {
                let time = self.frame.best_effort_time().map(|time| time.saturating_add(self.offset));
                self.formats.push((time.or(self.next).unwrap_or_default(), format));
            }
        }
        Ok(())
    }
}

/// The format that holds all of them: the most channels, the highest rate, the finest samples.
pub(crate) fn widest(formats: &Formats) -> Option<SoundFormat> {
    const SAMPLES: [&str; 5] = ["u8", "s16", "s32", "flt", "dbl"];
    let fineness = |format: &SoundFormat| SAMPLES.iter().position(|sample| *sample == format.sample);
    let mut formats = formats.iter().map(|(_, format)| format);
    let first = formats.next()?.clone();
    Some(formats.fold(first, |mut widest, format| {
        if format.channels > widest.channels {
            (widest.channels, widest.layout) = (format.channels, format.layout.clone());
        }
        widest.rate = widest.rate.max(format.rate);
        if fineness(format) > fineness(&widest) {
            widest.sample.clone_from(&format.sample);
        }
        widest
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widest_format_holds_all_that_occur() {
        let format = |rate, channels, layout: &str, sample: &str| SoundFormat {
            rate,
            channels,
            layout: layout.to_owned(),
            sample: sample.to_owned(),
        };
        let formats = vec![
            (0, format(48000, 2, "stereo", "flt")),
            (9, format(44100, 6, "5.1", "s16")),
            (20, format(44100, 1, "mono", "u8")),
        ];
        assert_eq!(widest(&formats), Some(format(48000, 6, "5.1", "flt")));
        assert_eq!(widest(&Vec::new()), None);
    }
}
