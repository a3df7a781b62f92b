//! A part of a film: which frames of a list it has, and what of the other streams goes with them.

use frame::Rational;

use super::Index;
use crate::raw::packet::RawPacket;
use crate::{Error, Shift, raw};

/// Which part of a film is wanted, in microseconds from its beginning as a player shows it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Window {
    /// The first frame is the first from then on; `None` for that of the film.
    pub from: Option<u64>,
    /// No frame is shown then or later; `None` for the end of the film.
    pub to: Option<u64>,
}

/// The list that another one is a part of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// The frames up to the end of the part, and those behind it that may change what is made of them.
    pub list: Index,
    /// Number in it of the first frame of the part.
    pub first: u32,
    /// What lies before that frame is not in the result; else the part begins as the film does.
    pub begins_later: bool,
    /// What lies behind the last frame is not in the result; else the part ends as the film does.
    pub ends_earlier: bool,
}

/// What of the streams beside the film is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ends {
    /// The first time that is in the result, in ticks; `None` where nothing is cut off.
    pub(crate) begin: Option<i64>,
    /// The first time that is not.
    pub(crate) end: Option<i64>,
    /// Seconds a tick.
    pub(crate) time_base: Rational,
}

impl Ends {
    /// All of the film.
    pub(crate) const ALL: Self = Self { begin: None, end: None, time_base: Rational { num: 1, den: 1 } };

    /// The same in ticks of a stream, to the nearest; where those are as long as packets, as for sound in AVI, to the next.
    pub(crate) fn in_ticks(self, of: Rational) -> Self {
        /// Ticks that last for longer are long, in seconds.
        const LONG: f64 = 0.005;
        let is_long = of.to_f64() > LONG;
        let ticks = |time: i64| {
            let near = raw::rescale(time, self.time_base, of);
            let exact = |time: i64, one: Rational, other: Rational| {
                i128::from(time) * i128::from(one.num) * i128::from(other.den)
            };
            let is_before = exact(near, of, self.time_base) < exact(time, self.time_base, of);
            near + i64::from(is_long && is_before)
        };
        Self { begin: self.begin.map(ticks), end: self.end.map(ticks), time_base: of }
    }

    /// True where a packet is shown before the beginning.
    pub(crate) fn are_before(self, packet: &RawPacket, of: Rational) -> bool {
        let begin = self.in_ticks(of).begin;
        packet.pts().zip(begin).is_some_and(|(time, begin)| time < begin)
    }

    /// True for a time from which on nothing is taken, with some room for streams that are out of step.
    pub(crate) fn are_past(self, time: i64, of: Rational) -> bool {
        /// Seconds by which a stream may be out of step.
        const OUT_OF_STEP: i64 = 1;
        let room = raw::rescale(OUT_OF_STEP, Rational::new(1, 1), of);
        self.in_ticks(of).end.is_some_and(|end| time >= end.saturating_add(room))
    }
}

/// Ticks of a time of the film, not earlier than it: a frame that has them or more is shown from then on.
pub(crate) fn ticks(micros: u64, shift: Shift, time_base: Rational) -> i64 {
    let (num, den) = (i128::from(time_base.num.max(1)) * 1_000_000, i128::from(time_base.den.max(1)));
    let since = (i128::from(micros) * den + num - 1).div_euclid(num);
    i64::try_from(since).unwrap_or(i64::MAX).saturating_sub(shift.in_ticks(time_base))
}

impl Index {
    /// Frames of the list that come before the end of a window.
    pub(crate) fn frames_until(&self, window: Window) -> usize {
        let before = |to| self.pts.partition_point(|&pts| pts < ticks(to, self.shift, self.time_base));
        window.to.map_or(self.pts.len(), before)
    }

    /// The part of the list that a window shows. All that is decided for a film must have been decided: the part keeps the
    /// whole list, and its frames are made as those of that one.
    ///
    /// # Errors
    /// [`Error::NoSuchPart`] where no frame is in the window.
    pub fn cut_to(self, window: Window) -> Result<Self, Error> {
        let ticks = |micros: u64| ticks(micros, self.shift, self.time_base);
        let before = |time: i64| self.pts.partition_point(|&pts| pts < time);
        let (from, to) = (window.from.map(ticks), window.to.map(ticks));
        let (first, end) = (from.map_or(0, before), self.frames_until(window));
        let length = self.pts.last().map_or(0, |last| last.saturating_add(self.last_duration));
        let told =
            |time: i64| format!("{:.3} s", time as f64 * self.time_base.to_f64() + self.shift.seconds());
        if first >= self.pts.len() {
            return Err(Error::NoSuchPart(format!("it is {} long", told(length))));
        }
        if first >= end {
            return Err(Error::NoSuchPart(format!("the next frame is shown at {}", told(self.pts[first]))));
        }
        // A film whose last frame is in the part ends as it does without one.
        let ends_earlier = end < self.pts.len();
        let shown_until = to.filter(|_| ends_earlier).unwrap_or(length);
        let (last_duration, begins_later) = (shown_until.saturating_sub(self.pts[end - 1]), from.is_some());
        let whole = Whole { list: self, first: first as u32, begins_later, ends_earlier };
        Ok(whole.part(end as u32, last_duration))
    }

    /// What of the streams beside the film belongs to the frames of the list.
    pub(crate) fn ends(&self) -> Ends {
        let Some(whole) = &self.whole else { return Ends::ALL };
        let end = self.pts.last().map(|last| last.saturating_add(self.last_duration));
        Ends {
            begin: self.pts.first().copied().filter(|_| whole.begins_later),
            end: end.filter(|_| whole.ends_earlier),
            time_base: self.time_base,
        }
    }

    /// The number that the first frame of the list has in the film.
    pub fn number_in_film(&self) -> u32 {
        self.whole.as_ref().map_or(0, |whole| whole.first)
    }
}

impl Whole {
    /// The part up to before frame `end` of the whole list, whose last frame is shown for so many ticks.
    pub fn part(self, end: u32, last_duration: i64) -> Index {
        let (list, first) = (&self.list, self.first);
        let frames = first as usize..end as usize;
        let missing = list.missing.iter().map(|run| run.start.max(first)..run.end.min(end));
        let missing = missing.filter(|run| !run.is_empty()).map(|run| run.start - first..run.end - first);
        let keyframes = list.keyframes.iter().filter(|&&number| first <= number && number < end);
        Index {
            last_duration,
            keyframes: keyframes.map(|number| number - first).collect(),
            missing: missing.collect(),
            seekable: list.seekable,
            by_time: list.by_time,
            canvas: list.canvas,
            seen: list.seen,
            crop: list.crop,
            left_out: if self.begins_later { 0 } else { list.left_out },
            notes: list.notes.clone(),
            cut_off: list.cut_off.clone(),
            pixel_format: list.pixel_format.clone(),
            shift: list.shift,
            ..Index::of_times(list.time_base, list.pts.get(frames).unwrap_or_default().to_vec())
        }
        .of(self)
    }
}

impl Index {
    fn of(self, whole: Whole) -> Self {
        Self { whole: Some(Box::new(whole)), ..self }
    }
}
