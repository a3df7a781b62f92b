//! The streams that are carried over.

use frame::Rational;

use super::has_packets;
use super::sound::ToSamples;
use crate::index::JUMP_SECONDS;
use crate::raw::ffi::AVCodecID;
use crate::raw::output::Output;
use crate::raw::packet::RawPacket;
use crate::raw::stream::{Kind, Stream};
use crate::{Container, Error, raw};

/// A stream of the source that is in the result too.
#[derive(Debug)]
pub(super) struct Copied {
    /// Its number in the result.
    pub(super) stream: usize,
    /// Its sound is turned into plain samples.
    to_samples: Option<ToSamples>,
    /// Its subtitles are turned into plain text.
    to_text: bool,
    is_subtitle: bool,
    /// Of a video, how many frames its decoder holds back to bring them into order.
    reorder_depth: Option<i64>,
    /// It is a cover.
    pub(super) is_picture: bool,
    /// Samples, and their rate, that are added to all times.
    delay: (i64, i32),
    /// What is added, in ticks of the source, since its clock went back.
    offset: i64,
    /// Where a packet without a time belongs: at the end of the one before, in ticks of the source.
    next: Option<i64>,
    /// Decoding time of the packet before, in ticks of the result.
    last: Option<i64>,
}

/// Gives a stream a place in the result; `None` where there is none for it, with a note unless what it holds is elsewhere.
pub(super) fn add(
    output: &mut Output,
    container: Container,
    index: usize,
    stream: Stream<'_>,
    is_elsewhere: bool,
    notes: &mut Vec<String>,
) -> Result<Option<Copied>, Error> {
    let is_opus = stream.codec_is(AVCodecID::OPUS);
    let delay = if container == Container::Matroska && is_opus && raw::matroska_forgets_codec_delay() {
        stream.initial_padding()
    } else {
        (0, 1)
    };
    let (is_subtitle, is_picture) = (stream.kind() == Kind::Subtitle, stream.is_picture());
    let reorder_depth = (stream.kind() == Kind::Video).then(|| stream.reorder_depth());
    let copied = |stream, to_text| {
        Ok(Some(Copied {
            stream,
            to_samples: None,
            to_text,
            is_subtitle,
            reorder_depth,
            is_picture,
            delay,
            offset: 0,
            next: None,
            last: None,
        }))
    };
    // Matroska has covers as attached files.
    if stream.is_picture() && container == Container::Matroska {
        if stream.attached_picture().is_empty() {
            return Ok(None);
        }
        let (name, kind) = if stream.codec_is(AVCodecID::PNG) {
            ("cover.png", "image/png")
        } else {
            ("cover.jpg", "image/jpeg")
        };
        output.attach_cover(stream, name, kind)?;
        return Ok(None);
    }
    if container == Container::Matroska && stream.codec_is(AVCodecID::MOV_TEXT) {
        let copy = output.copy_stream(stream)?;
        output.make_subrip(copy);
        notes.push(format!("stream {index}: subtitles were converted from mov_text to SubRip"));
        return copied(copy, true);
    }
    if !container.holds(stream)
        && container == Container::Matroska
        && let Some(to_samples) = ToSamples::open(stream)?
        && let Some(codec) = stream.samples_codec()
    {
        let copy = output.copy_stream(stream)?;
        output.make_samples(copy, codec);
        notes.push(format!(
            "stream {index}: sound was converted from {} to PCM, without loss",
            stream.codec()
        ));
        return Ok(copied(copy, false)?.map(|copied| Copied { to_samples: Some(to_samples), ..copied }));
    }
    if !container.holds(stream) {
        if !is_elsewhere {
            notes.push(format!(
                "stream {index} ({}) was left out: the result has no place for it",
                stream.codec()
            ));
        }
        return Ok(None);
    }
    let copy = output.copy_stream(stream)?;
    if has_packets(stream.kind()) { copied(copy, false) } else { Ok(None) }
}

impl Copied {
    /// The packets of samples that a packet becomes, of which `None` is the end; `None` for what is copied.
    pub(super) fn samples_of(
        &mut self,
        packet: Option<&mut RawPacket>,
    ) -> Result<Option<Vec<RawPacket>>, Error> {
        self.to_samples.as_mut().map(|sound| sound.convert(packet)).transpose()
    }

    /// Makes a packet of the source one of the result. False when it is to be left out.
    pub(super) fn prepare(
        &mut self,
        packet: &mut RawPacket,
        from: Rational,
        to: Rational,
        is_strict: bool,
    ) -> Result<bool, Error> {
        if self.to_text && !plain_text(packet)? {
            return Ok(false);
        }
        packet.set_stream(self.stream);
        let said = packet.dts().or_else(|| self.without_decoding_time(packet)).unwrap_or_default();
        // Where recordings were glued together, the clock goes back: for the video too, which goes on like this.
        let jump = raw::rescale(JUMP_SECONDS, Rational::new(1, 1), from);
        if let Some(next) = self.next.filter(|_| !self.is_subtitle)
            && said.saturating_add(self.offset) < next.saturating_sub(jump)
        {
            self.offset = next.saturating_sub(said);
        }
        let shift = |time: i64| time.saturating_add(self.offset);
        let (pts, dts) = (shift(packet.pts().unwrap_or(said)), shift(said));
        self.next = Some(dts.saturating_add(packet.duration()));

        packet.set_times(pts, dts);
        packet.rescale(from, to);
        let delay = raw::rescale(self.delay.0, Rational::new(1, self.delay.1), to);
        let moved = |time: Option<i64>| time.unwrap_or_default().saturating_add(delay);
        let (pts, mut dts) = (moved(packet.pts()), moved(packet.dts()));
        if self.reorder_depth.is_some() {
            // Rounding must not move a frame.
            dts = dts.min(pts);
        }
        // Times that stand still or go back are taken by no muxer; but many subtitles may appear at once.
        let step = i64::from(is_strict && !self.is_subtitle);
        if let Some(last) = self.last {
            dts = dts.max(last.saturating_add(step));
        }
        self.last = Some(dts);
        packet.set_times(pts.max(dts), dts);
        Ok(true)
    }
}

impl Copied {
    /// A decoding time for a packet without one. Containers that have none give frames in decoding order: those of a video
    /// begin as much earlier as its decoder holds back.
    fn without_decoding_time(&self, packet: &RawPacket) -> Option<i64> {
        let Some(depth) = self.reorder_depth else { return packet.pts().or(self.next) };
        let first = |pts: i64| pts.saturating_sub(depth.saturating_mul(packet.duration()));
        self.next.or_else(|| packet.pts().map(first))
    }
}

/// Takes the text out of a packet of `mov_text`: a length of two bytes, the text, boxes with styles. False when empty.
fn plain_text(packet: &mut RawPacket) -> Result<bool, Error> {
    let data = packet.data();
    let text = match data {
        [high, low, rest @ ..] => {
            rest[..rest.len().min(usize::from(*high) << 8 | usize::from(*low))].to_vec()
        }
        _ => Vec::new(),
    };
    if text.is_empty() {
        return Ok(false);
    }
    let (pts, dts, duration) = (packet.pts(), packet.dts(), packet.duration());
    packet.set_data(&text)?;
    let time = pts.or(dts).unwrap_or_default();
    packet.set_times(time, dts.unwrap_or(time));
    packet.set_duration(duration);
    packet.set_keyframe(true);
    Ok(true)
}
