//! A look at all packets beside the film, before the first frame is made: when each stream begins, which ones are empty, and
//! whose sound changes its kind.

use crate::frame_list::{Ends, JUMP_SECONDS};
use crate::probe::video_stream;
use crate::raw::ffi::{AVCodecID, AVPacketSideDataType};
use crate::raw::input::Input;
use crate::raw::packet::RawPacket;
use crate::raw::stream::{Kind, Stream};
use crate::{Container, Error, Shift, Source, raw};
use frame::Rational;

/// Sound whose every frame says what it is, so that players follow when it changes.
const DESCRIBE_THEMSELVES: [AVCodecID; 8] = [
    AVCodecID::AC3,
    AVCodecID::EAC3,
    AVCodecID::MP1,
    AVCodecID::MP2,
    AVCodecID::MP3,
    AVCodecID::DTS,
    AVCodecID::TRUEHD,
    AVCodecID::MLP,
];

/// Less than this from 0 is at 0, in seconds: what containers round.
const AT_ZERO: f64 = 0.000_5;

/// The longest that decoders of sound need to begin, in seconds: not every container says it.
const PRIMING: f64 = 0.05;

/// What the packets of a stream say.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "facts that have nothing to do with each other")]
pub(crate) struct Surveyed {
    pub(crate) packets: u64,
    /// It is beside the film, and comes in packets.
    is_other: bool,
    /// Results have it, if it is picture or sound.
    is_carried: bool,
    time_base: Option<Rational>,
    kind: Option<Kind>,
    /// The earliest time of a packet, in ticks; and the earliest at which something is heard, without what decoders need to
    /// begin.
    first: Option<(i64, i64)>,
    /// Decoding time of the packet before.
    before: Option<i64>,
    goes_back: bool,
    /// Configuration in the head of the first frame of AAC.
    adts: Option<[u8; 2]>,
    may_change: bool,
}

impl Surveyed {
    /// Its sound may be of more than one kind: decoding shows it.
    pub(crate) fn may_change(&self) -> bool {
        self.may_change
    }

    /// It is picture or sound, which decide when the film begins.
    fn is_shown(&self) -> bool {
        matches!(self.kind, Some(Kind::Audio | Kind::Video))
    }

    /// The first time of a packet and the first at which something is heard or seen, with seconds a tick.
    fn start(&self) -> Option<(Rational, (i64, i64))> {
        let (time_base, (first, begin)) = self.time_base.zip(self.first)?;
        let is_priming =
            self.kind == Some(Kind::Audio) && begin < 0 && begin as f64 * time_base.to_f64() >= -PRIMING;
        Some((time_base, (first, if is_priming { 0 } else { begin })))
    }

    fn add(&mut self, stream: Stream<'_>, packet: &RawPacket) {
        self.packets += 1;
        let time_base = stream.time_base();
        self.time_base = Some(time_base);
        self.kind = Some(stream.kind());
        if let Some(dts) = packet.dts().or(packet.pts()) {
            let jump = raw::rescale(JUMP_SECONDS, Rational::new(1, 1), time_base);
            self.goes_back |= self.before.is_some_and(|before| dts < before.saturating_sub(jump));
            self.before = Some(dts);
        }
        if let Some(pts) = packet.pts().filter(|_| !self.goes_back && !packet.is_discarded()) {
            let rate = Rational::new(1, stream.sample_rate().unwrap_or(1));
            let heard = pts.saturating_add(raw::rescale(packet.skipped_samples().into(), rate, time_base));
            let (first, begin) = self.first.unwrap_or((pts, heard));
            self.first = Some((first.min(pts), begin.min(heard)));
        }
        if stream.kind() == Kind::Audio && !DESCRIBE_THEMSELVES.iter().any(|&codec| stream.codec_is(codec)) {
            self.look_for_change(stream, packet);
        }
    }

    fn look_for_change(&mut self, stream: Stream<'_>, packet: &RawPacket) {
        let new = packet.side_data(AVPacketSideDataType::NEW_EXTRADATA);
        self.may_change |= !new.is_empty() && new != stream.extradata();
        self.may_change |= !packet.side_data(AVPacketSideDataType::PARAM_CHANGE).is_empty();
        // Another recording may be of another kind.
        self.may_change |= self.goes_back;
        if stream.codec_is(AVCodecID::AAC)
            && let Some(found) = adts(packet.data())
        {
            self.may_change |= *self.adts.get_or_insert(found) != found;
        }
    }
}

/// Profile, rate and channels in the head of a frame of AAC (ISO/IEC 13818-7, 6.2); `None` for a frame without such a head.
fn adts(data: &[u8]) -> Option<[u8; 2]> {
    match *data {
        [0xff, second, third, fourth, ..] if second & 0xf6 == 0xf0 => Some([third & 0xfd, fourth & 0xc0]),
        _ => None,
    }
}

/// What the packets beside the film say.
#[derive(Debug, Clone)]
pub(crate) struct Survey {
    pub(crate) streams: Vec<Surveyed>,
    /// Bytes of all of them, or of those in a part of the film.
    pub(crate) bytes: u64,
}

impl Survey {
    /// Of the packets beside the film, as far as they are in a part of it.
    pub(crate) fn read(source: &Source, ends: Ends, progress: &mut dyn FnMut()) -> Result<Self, Error> {
        let mut input = Input::open(source)?;
        let (film, _) = video_stream(&input)?;
        let mut survey = Self::of(&input, film);
        if !survey.streams.iter().any(|stream| stream.is_other) {
            return Ok(survey);
        }
        let is_other = |index: usize| survey.streams.get(index).is_some_and(|stream| stream.is_other);
        let mut limit = Limit::set(&mut input, film, ends, is_other);
        let mut packet = RawPacket::new()?;
        while !limit.is_reached() && input.read(&mut packet)? {
            let Some(stream) = input.stream(packet.stream()) else { continue };
            limit.note(stream, &packet);
            survey.add(stream, &packet);
            if packet.stream() != film && !ends.are_before(&packet, stream.time_base()) {
                survey.bytes += packet.data().len() as u64;
            }
            progress();
        }
        Ok(survey)
    }

    /// Nothing yet of a file's streams.
    pub(crate) fn of(input: &Input, film: usize) -> Self {
        let is_other = |(index, stream): (usize, Stream<'_>)| {
            index != film && !stream.is_picture() && stream.kind() != Kind::Attachment
        };
        let is_carried = |stream: Stream<'_>| match stream.kind() {
            Kind::Audio => stream.has_sound(),
            _ => Container::Matroska.holds(stream),
        };
        let of = |(index, stream)| Surveyed {
            is_other: is_other((index, stream)),
            is_carried: is_carried(stream),
            ..Surveyed::default()
        };
        Self { streams: input.streams().enumerate().map(of).collect(), bytes: 0 }
    }

    /// Looks at a packet; those of the film and of pictures are passed over.
    pub(crate) fn add(&mut self, stream: Stream<'_>, packet: &RawPacket) {
        if let Some(surveyed) = self.streams.get_mut(packet.stream()).filter(|stream| stream.is_other) {
            surveyed.add(stream, packet);
        }
    }

    /// A clock goes back: recordings were glued together.
    pub(crate) fn is_glued(&self) -> bool {
        self.streams.iter().any(|stream| stream.goes_back)
    }

    /// What is to be added to all times so that the first thing that is seen or heard is at 0.
    ///
    /// Subtitles and data decide nothing, since recordings have them with times of their own. What decoders of sound need to
    /// begin, and what an edit list cuts off, may lie before 0.
    ///
    /// `film` is the time of its first frame, with seconds a tick.
    pub(crate) fn shift(&self, film: Option<(Rational, i64)>, is_carried: impl Fn(usize) -> bool) -> Shift {
        let film = film.map(|(time_base, pts)| (time_base, (pts, pts)));
        let carried = self.streams.iter().enumerate();
        let carried = carried.filter(|(number, stream)| stream.is_shown() && is_carried(*number));
        let others = carried.filter_map(|(_, stream)| stream.start());
        let starts: Vec<_> = film.into_iter().chain(others).collect();
        let earliest = |time: fn((i64, i64)) -> i64| {
            let times = starts.iter().map(|&(time_base, first)| Shift { ticks: time(first), time_base });
            times.min_by(|a, b| a.seconds().total_cmp(&b.seconds())).unwrap_or_default()
        };
        let (stored, heard) = (earliest(|first| first.0), earliest(|first| first.1));
        let start = if stored.ticks >= 0 { stored } else { heard };
        if start.seconds().abs() < AT_ZERO || stored.ticks < 0 && heard.ticks >= 0 {
            return Shift::NONE;
        }
        Shift { ticks: start.ticks.saturating_neg(), ..start }
    }

    /// The same for a result that has all that one can have, as long as no more of it is known.
    pub(crate) fn shift_of_film(&self, time_base: Rational, first: i64) -> Shift {
        let is_carried = |number: usize| self.streams.get(number).is_some_and(|stream| stream.is_carried);
        self.shift(Some((time_base, first)), is_carried)
    }
}

/// Where reading a part of a film ends.
#[derive(Debug)]
pub(crate) struct Limit {
    ends: Ends,
    film: usize,
    /// Pictures and sounds of which nothing behind the end was read yet.
    before: Vec<bool>,
    is_reached: bool,
}

impl Limit {
    /// Has a file's wanted streams read, and that of the film where it tells the end.
    pub(crate) fn set(input: &mut Input, film: usize, ends: Ends, is_wanted: impl Fn(usize) -> bool) -> Self {
        let is_read = |index: usize| is_wanted(index) || ends.end.is_some() && index == film;
        let is_shown = |(index, stream): (usize, Stream<'_>)| {
            is_read(index) && matches!(stream.kind(), Kind::Audio | Kind::Video) && !stream.is_picture()
        };
        let before = input.streams().enumerate().map(is_shown).collect();
        input.keep_streams(is_read);
        Self { ends, film, before, is_reached: false }
    }

    /// Looks at a packet.
    pub(crate) fn note(&mut self, stream: Stream<'_>, packet: &RawPacket) {
        /// Seconds by which no stream is out of step with the film, but ones that ended.
        const FAR: i64 = 10;
        let Some(time) = packet.dts().or(packet.pts()) else { return };
        let time_base = stream.time_base();
        if !self.ends.are_past(time, time_base) {
            return;
        }
        if let Some(before) = self.before.get_mut(packet.stream()) {
            *before = false;
        }
        let far = time.saturating_sub(raw::rescale(FAR, Rational::new(1, 1), time_base));
        let is_far = packet.stream() == self.film && self.ends.are_past(far, time_base);
        self.is_reached |= is_far || !self.before.contains(&true);
    }

    /// Nothing that follows is in the part.
    pub(crate) fn is_reached(&self) -> bool {
        self.is_reached
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shift(film: i64, streams: &[(i32, i64, i64)]) -> Shift {
        let streams = streams.iter().map(|&(rate, first, heard)| Surveyed {
            packets: 1,
            time_base: Some(Rational::new(1, rate)),
            kind: Some(Kind::Audio),
            first: Some((first, heard)),
            ..Surveyed::default()
        });
        Survey { streams: streams.collect(), bytes: 0 }
            .shift(Some((Rational::new(1, 90_000), film)), |_| true)
    }

    fn ticks(ticks: i64, rate: i32) -> Shift {
        Shift { ticks, time_base: Rational::new(1, rate) }
    }

    #[test]
    fn the_first_that_is_seen_or_heard_is_at_zero() {
        assert_eq!(shift(0, &[]), Shift::NONE);
        assert_eq!(shift(126_000, &[]), ticks(-126_000, 90_000));
        assert_eq!(shift(-9000, &[(48_000, -48_000, -48_000)]), ticks(48_000, 48_000));
        assert_eq!(shift(126_000, &[(1000, 900, 900)]), ticks(-900, 1000));
        // The picture comes later than the sound, which is at 0.
        assert_eq!(shift(126_000, &[(1000, 0, 0)]), Shift::NONE);
        // Less than a container can say.
        assert_eq!(shift(9, &[]), Shift::NONE);
    }

    #[test]
    fn what_a_decoder_needs_to_begin_may_lie_before_zero() {
        assert_eq!(shift(0, &[(44_100, -1024, 0)]), Shift::NONE);
        assert_eq!(shift(1800, &[(44_100, -1024, 0)]), Shift::NONE);
        assert_eq!(shift(0, &[(44_100, -128, -128)]), Shift::NONE);
        // It is not cut off by the container: moving would put it before 0.
        assert_eq!(shift(9000, &[(44_100, 0, 1105)]), Shift::NONE);
        assert_eq!(shift(-90_000, &[(1000, -1023, -1000)]), ticks(90_000, 90_000));
    }

    #[test]
    fn heads_of_aac_say_when_something_changes() {
        let stereo = [0xff, 0xf1, 0x4c, 0x80, 0x20, 0x1f, 0xfc];
        let surround = [0xff, 0xf1, 0x4d, 0x80, 0x21, 0x1f, 0xfc];
        assert_eq!(adts(&stereo), Some([0x4c, 0x80]));
        assert_ne!(adts(&[0xff, 0xf1, 0x4d, 0x40]), adts(&surround));
        assert_eq!(adts(&[0x21, 0x10, 0x04]), None);
        assert_eq!(adts(&[0xff]), None);
    }
}
