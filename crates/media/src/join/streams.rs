//! The streams that are carried over.

use frame::Rational;

use super::has_packets;
use crate::raw::ffi::AVCodecID;
use crate::raw::output::Output;
use crate::raw::packet::RawPacket;
use crate::raw::stream::{Kind, Stream};
use crate::{Container, Error};

/// A stream of the source that is in the result too.
#[derive(Debug)]
pub(super) struct Copied {
    /// Its number in the result.
    pub(super) stream: usize,
    /// Its subtitles are turned into plain text.
    to_text: bool,
    last_dts: Option<i64>,
}

/// Gives a stream a place in the result; `None`, with a note, where there is none for it.
pub(super) fn add(
    output: &mut Output,
    container: Container,
    index: usize,
    stream: Stream<'_>,
    notes: &mut Vec<String>,
) -> Result<Option<Copied>, Error> {
    let copied = |stream, to_text| Ok(Some(Copied { stream, to_text, last_dts: None }));
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
    if !container.holds(stream) {
        // Chapter tracks come over as chapters.
        if stream.kind() != Kind::Data {
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
    /// Makes a packet of the source one of the result. False when it is to be left out.
    pub(super) fn prepare(
        &mut self,
        packet: &mut RawPacket,
        from: Rational,
        to: Rational,
    ) -> Result<bool, Error> {
        if self.to_text && !plain_text(packet)? {
            return Ok(false);
        }
        packet.rescale(from, to);
        packet.set_stream(self.stream);
        let Some(dts) = packet.dts().or(packet.pts()) else { return Ok(false) };
        // Broken sources have times that stand still or go back, which no container takes.
        let dts = self.last_dts.map_or(dts, |last| dts.max(last + 1));
        self.last_dts = Some(dts);
        packet.set_times(packet.pts().unwrap_or(dts).max(dts), dts);
        Ok(true)
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
