//! The streams that are carried over.

use frame::Rational;

use super::merge::{Blocks, Merge};
use super::sound::{Converter, Target};
use super::{Join, has_packets};
use crate::frame_list::{Ends, JUMP_SECONDS};
use crate::raw::ffi::AVCodecID;
use crate::raw::output::Output;
use crate::raw::packet::RawPacket;
use crate::raw::stream::{Kind, Stream};
use crate::{Container, Error, Shift, StreamChange, raw};

/// A stream of the source that is in the result too.
#[expect(clippy::struct_excessive_bools, reason = "facts that have nothing to do with each other")]
#[derive(Debug)]
pub(super) struct Copied {
    /// Its number in the result.
    pub(super) stream: usize,
    /// Its number and its codec in the source.
    name: (usize, String),
    /// Its sound is brought to one format.
    converter: Option<Converter>,
    /// Its packets are put together.
    merge: Option<Merge>,
    /// The muxer puts its packets together, which are counted here.
    pub(super) blocks: Option<Blocks>,
    /// Its subtitles are turned into plain text.
    to_text: bool,
    is_subtitle: bool,
    /// A packet without a duration that is the last lasts until then, in seconds a tick; for subtitles in containers in which
    /// nothing is shown until further notice.
    until: Option<(i64, Rational)>,
    /// Of a video, how many frames its decoder holds back to bring them into order.
    reorder_depth: Option<i64>,
    /// It is a cover.
    pub(super) is_picture: bool,
    /// Samples, and their rate, that are added to all times.
    delay: (i64, i32),
    /// What is added to all times of the film.
    shift: Shift,
    /// What is added, in ticks of the source, since its clock went back.
    offset: i64,
    /// Where a packet without a time belongs: at the end of the one before, in ticks of the source.
    next: Option<i64>,
    /// Ticks of the source between the last two packets.
    step: i64,
    /// Time of the packet before, in ticks of the source.
    before: Option<i64>,
    /// Decoding time of the packet before, in ticks of the result.
    last: Option<i64>,
    /// Sound that an edit list cuts off at the beginning is left out, since the container cannot say that it is not heard.
    leaves_cut: bool,
    /// Subtitles that end before the result begins.
    pub(super) too_early: u32,
    /// Where a part of the film begins and ends.
    ends: Ends,
    /// A packet of the part was taken.
    has_begun: bool,
    /// Its decoder can begin at some packets only.
    needs_keyframe: bool,
}

/// The name of a stream of the source in notes.
pub(crate) fn name(index: usize, codec: &str) -> String {
    format!("stream {index} ({codec})")
}

/// Gives a stream a place in the result; `None` where there is none for it, with a note unless what it holds is elsewhere or
/// it was said before.
pub(super) fn add(
    output: &mut Output,
    plan: &Join<'_>,
    index: usize,
    stream: Stream<'_>,
    is_elsewhere: bool,
    notes: &mut Vec<String>,
) -> Result<Option<Copied>, Error> {
    let container = plan.container;
    let name = name(index, &stream.codec());
    let way = plan.carry.streams.get(&index);
    if way == Some(&StreamChange::LeaveOut) {
        return Ok(None);
    }
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
        notes.push(format!("{name}: subtitles were converted from mov_text to SubRip"));
        return Ok(Some(Copied { to_text: true, ..Copied::new(copy, index, stream, plan)? }));
    }
    let wanted = match way {
        Some(StreamChange::Convert(format)) => Some(Some(format)),
        _ if !container.holds(stream) && stream.kind() == Kind::Audio => Some(None),
        _ => None,
    };
    if let Some(format) = wanted
        && let Some(converter) = Converter::open(stream, container, format)?
    {
        let copy = output.copy_stream(stream)?;
        match &converter.target {
            Target::Samples(codec) => output.make_samples(copy, *codec, &converter.format)?,
            Target::Aac(encoder) => output.make_aac(copy, encoder)?,
        }
        if way.is_none() {
            notes.push(format!("{name}: {}", converter.in_words()));
        }
        if plan.index.ends().begin.is_some() {
            output.forget_priming(copy);
        }
        let copied = Copied::new(copy, index, stream, plan)?;
        return Ok(Some(Copied {
            converter: Some(converter),
            merge: None,
            blocks: None,
            delay: (0, 1),
            ..copied
        }));
    }
    if !container.holds(stream) {
        if !is_elsewhere {
            notes.push(format!("{name} was left out: the result has no place for it"));
        }
        return Ok(None);
    }
    let copy = output.copy_stream(stream)?;
    if plan.index.ends().begin.is_some() {
        output.forget_priming(copy);
    }
    if has_packets(stream.kind()) { Ok(Some(Copied::new(copy, index, stream, plan)?)) } else { Ok(None) }
}

impl Copied {
    fn new(copy: usize, index: usize, stream: Stream<'_>, plan: &Join<'_>) -> Result<Self, Error> {
        let container = plan.container;
        let is_opus = stream.codec_is(AVCodecID::OPUS);
        let ends = plan.index.ends();
        let forgets_delay = is_opus && raw::matroska_forgets_codec_delay();
        let delay = if container == Container::Matroska && forgets_delay && ends.begin.is_none() {
            stream.initial_padding()
        } else {
            (0, 1)
        };
        let end = plan.index.pts.last().map_or(0, |last| last.saturating_add(plan.index.last_duration));
        let is_subtitle = stream.kind() == Kind::Subtitle;
        Ok(Self {
            stream: copy,
            name: (index, stream.codec()),
            converter: None,
            merge: Merge::of(stream, container)?,
            blocks: Blocks::of(stream, container),
            to_text: false,
            is_subtitle,
            until: (is_subtitle && container == Container::Mp4).then_some((end, plan.index.time_base)),
            reorder_depth: (stream.kind() == Kind::Video).then(|| stream.reorder_depth()),
            is_picture: stream.is_picture(),
            delay,
            shift: plan.carry.shift,
            offset: 0,
            next: None,
            step: 0,
            before: None,
            last: None,
            leaves_cut: container == Container::Matroska && stream.kind() == Kind::Audio,
            too_early: 0,
            ends,
            has_begun: false,
            needs_keyframe: stream.kind() == Kind::Video
                || [AVCodecID::TRUEHD, AVCodecID::MLP].iter().any(|&codec| stream.codec_is(codec)),
        })
    }

    /// The name of the stream in notes.
    pub(super) fn in_words(&self) -> String {
        name(self.name.0, &self.name.1)
    }

    /// The error for a packet of this stream that the result cannot hold.
    pub(super) fn not_held(&self, error: Error) -> Error {
        let reason = match error {
            Error::Ffmpeg { reason, .. } | Error::Encoder { reason, .. } => reason,
            other => return other,
        };
        Error::StreamNotHeld { stream: self.name.0, codec: self.name.1.clone(), reason }
    }

    /// The packets that a packet becomes, of which `None` is the end, and seconds a tick of their times; `None` for what is
    /// copied.
    pub(super) fn made_of(
        &mut self,
        packet: Option<&mut RawPacket>,
    ) -> Result<Option<(Vec<RawPacket>, Rational)>, Error> {
        if let Some(converter) = &mut self.converter {
            return Ok(Some((converter.convert(packet)?, converter.time_base())));
        }
        if let Some(merge) = &mut self.merge {
            return Ok(Some((merge.push(packet)?, merge.time_base())));
        }
        Ok(None)
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
        let shown = packet.pts().unwrap_or(said).saturating_add(self.offset);
        let said = said.saturating_add(self.offset);
        self.complete_duration(packet, said, from);
        self.next = Some(said.saturating_add(packet.duration()));

        if !self.is_in_part(packet, (shown, said), from) {
            return Ok(false);
        }

        let moved = self.shift.in_ticks(from);
        let (mut pts, mut dts) = (shown.saturating_add(moved), said.saturating_add(moved));
        // The last one before the beginning stays: decoders need it to begin, and encoders count on it.
        let next_end = pts.saturating_add(packet.duration().saturating_mul(2));
        if self.leaves_cut && packet.is_discarded() && packet.duration() > 0 && next_end <= 0 {
            return Ok(false);
        }
        if self.is_subtitle && pts < 0 {
            // What is shown before the result begins is shown from its beginning on.
            let duration = packet.duration();
            let is_part = self.ends.begin.is_some();
            // How long those of a part without a duration are shown is unknown, and all that came before would be shown at once.
            if duration > 0 && pts.saturating_add(duration) <= 0 || duration <= 0 && is_part {
                // MP4 fills the time between subtitles with packets that have a length of 0 and no text.
                self.too_early += u32::from(packet.data().len() > 2 && !is_part);
                return Ok(false);
            }
            packet.set_duration(if duration > 0 { pts.saturating_add(duration) } else { duration });
            (pts, dts) = (0, 0);
        }
        if let Some(end) = self.ends.in_ticks(from).end.filter(|_| self.is_subtitle) {
            packet.set_duration(packet.duration().min(end.saturating_add(moved).saturating_sub(pts)));
        }
        packet.set_times(pts, dts);
        packet.rescale(from, to);
        // What long ticks left of the shift, as those of sound in AVI, which are as long as a packet.
        let rest = if from.to_f64() > to.to_f64() && !self.is_subtitle {
            self.shift.in_ticks(to).saturating_sub(raw::rescale(moved, from, to))
        } else {
            0
        };
        let delay = self.delay_in(to).saturating_add(rest);
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

    /// True for a packet that is in the part of the film that is made, by the times at which it is shown and decoded.
    fn is_in_part(&mut self, packet: &RawPacket, (shown, said): (i64, i64), from: Rational) -> bool {
        let Ends { begin, end, .. } = self.ends.in_ticks(from);
        // Pictures may refer to ones that are shown behind the end.
        let time = if self.reorder_depth.is_some() { said } else { shown };
        if self.is_picture {
            return true;
        }
        if end.is_some_and(|end| time >= end) {
            return false;
        }
        // Subtitles that begin before may be shown in it.
        let Some(begin) = begin.filter(|_| !self.is_subtitle) else { return true };
        let is_within = shown >= begin && (self.has_begun || !self.needs_keyframe || packet.is_keyframe());
        self.has_begun |= is_within;
        is_within
    }

    /// What is added to all times for the container's sake, in its ticks.
    pub(super) fn delay_in(&self, time_base: Rational) -> i64 {
        raw::rescale(self.delay.0, Rational::new(1, self.delay.1), time_base)
    }

    /// Gives a packet without a duration one: readers do not show a last packet that lasts for nothing.
    fn complete_duration(&mut self, packet: &mut RawPacket, time: i64, from: Rational) {
        if let Some(before) = self.before.filter(|before| time > *before) {
            self.step = time - before;
        }
        self.before = Some(time);
        if packet.duration() > 0 {
            return;
        }
        match self.until {
            Some((end, time_base)) => {
                let end = raw::rescale(end, time_base, from);
                packet.set_duration(end.saturating_sub(time).max(1));
            }
            None if !self.is_subtitle => packet.set_duration(self.step),
            None => {}
        }
    }

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
