//! Times of transport and program streams that are damaged.
//!
//! Each packet of such a stream says by itself when it is shown. One flipped bit can move a frame, or the sound of a third of a second,
//! by hours. Read as it stands, the clock goes ahead and then back, as it does where recordings were glued together, and everything
//! that follows comes too late. So where a time leaves its stream's clock, the packets behind it are read ahead: where the clock comes
//! back to where it would be by then, what lies between is an outlier, and follows the packet before it. Where it does not, the time
//! stands.

use std::collections::VecDeque;

use super::packet::{NO_TIME, RawPacket};
use super::rescale;
use super::stream::{Kind, Stream};
use crate::frame_list::JUMP_SECONDS;
use frame::Rational;

/// The demuxers whose packets have times of their own that nothing protects.
const FORMATS: [&str; 2] = ["mpegts", "mpeg"];
/// Bytes that are read ahead at most.
const MOST_BYTES: usize = 4 << 20;
/// Packets of a stream that are read ahead at its beginning.
const AT_BEGINNING: usize = 48;
/// Packets that one damaged time moves at most: a frame, or as much sound as is packed together.
const MOST_FRAMES: usize = 1;
const MOST_SOUND: usize = 32;
/// Jumps of a clock that may be as many seconds of loss, behind the beginning.
const MOST_LOST: i64 = 10;
/// Packets that may be missing without a look at the time of what follows.
const USUAL_STEPS: i64 = 4;
/// Frames by which a picture is decoded before it is shown at most, with some to spare (H.264 and H.265: 16).
const MOST_REORDERED: i64 = 20;

/// When a packet is decoded, and how long it lasts.
type Span = (i64, i64);

/// What is known of a stream's clock.
#[derive(Debug, Default)]
struct Clock {
    /// Where the next packet belongs; `None` at the beginning.
    next: Option<i64>,
    /// What is added to the times of the outlier under way.
    correction: i64,
}

/// The packets that were read ahead, and the clocks of all streams.
#[derive(Debug)]
pub(super) struct Outliers {
    ahead: VecDeque<RawPacket>,
    bytes: usize,
    clocks: Vec<Clock>,
}

/// What is to be done with a packet.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// Its times stand.
    Stands,
    /// So many ticks are to be added to them.
    Damaged(i64),
    /// What was read ahead does not tell.
    Unknown,
}

impl Outliers {
    /// `None` for containers whose times are not looked at.
    pub(super) fn of(format: &str, streams: usize) -> Option<Self> {
        let clocks = || (0..streams).map(|_| Clock::default()).collect();
        FORMATS.contains(&format).then(|| Self { ahead: VecDeque::new(), bytes: 0, clocks: clocks() })
    }

    /// Says that reading goes on at another place.
    pub(super) fn jump(&mut self) {
        self.ahead.clear();
        self.bytes = 0;
        self.clocks.iter_mut().for_each(|clock| *clock = Clock::default());
    }

    /// So many packets were read ahead.
    pub(super) fn count(&self) -> usize {
        self.ahead.len()
    }

    /// Keeps a packet that was read ahead.
    pub(super) fn keep(&mut self, packet: RawPacket) {
        self.bytes += packet.data().len();
        self.ahead.push_back(packet);
    }

    /// The next of the packets that were read ahead.
    pub(super) fn take(&mut self) -> Option<RawPacket> {
        let packet = self.ahead.pop_front()?;
        self.bytes -= packet.data().len();
        Some(packet)
    }

    /// Gives a packet of a stream its time; false where more packets have to be read ahead first. `is_end` says that there are no
    /// more.
    pub(super) fn correct(&mut self, packet: &mut RawPacket, stream: Stream<'_>, is_end: bool) -> bool {
        let is_video = match stream.kind() {
            Kind::Video => true,
            Kind::Audio => false,
            _ => return true,
        };
        let index = packet.stream();
        let is_full = is_end || self.bytes >= MOST_BYTES;
        // Streams can appear on the way.
        if self.clocks.len() <= index {
            self.clocks.resize_with(index + 1, Clock::default);
        }
        let Some(clock) = self.clocks.get_mut(index) else { return true };
        let Some(time) = packet.dts().or(packet.pts()) else {
            clock.next = clock.next.map(|next| next.saturating_add(packet.duration()));
            return true;
        };
        let jump = rescale(JUMP_SECONDS, Rational::new(1, 1), stream.time_base());
        let step = match packet.duration() {
            1.. => packet.duration().saturating_mul(USUAL_STEPS).min(jump),
            _ => jump,
        };
        let next = clock.next;
        let fits = |time: i64| next.is_some_and(|next| time.abs_diff(next) <= step.unsigned_abs());
        if clock.correction == 0 || !fits(time.saturating_add(clock.correction)) {
            clock.correction = 0;
            if !fits(time) {
                let span = |packet: &RawPacket| Some((packet.dts().or(packet.pts())?, packet.duration()));
                let behind = self.ahead.iter().filter(|other| other.stream() == index).filter_map(span);
                let spans: Vec<Span> = std::iter::once((time, packet.duration())).chain(behind).collect();
                let longest = if is_video { MOST_FRAMES } else { MOST_SOUND };
                match judge(next, &spans, longest, (step, jump), is_full) {
                    Verdict::Stands => {}
                    Verdict::Damaged(correction) => clock.correction = correction,
                    Verdict::Unknown => return false,
                }
            }
        }
        let time = time.saturating_add(clock.correction);
        set_times(packet, time, clock.correction, is_video);
        clock.next = Some(time.saturating_add(packet.duration()));
        true
    }
}

/// Gives a packet its decoding time; the time at which it is shown may be damaged, or right, on its own.
fn set_times(packet: &mut RawPacket, time: i64, correction: i64, is_video: bool) {
    let most = packet.duration().saturating_mul(MOST_REORDERED);
    let fits = |shown: &i64| most <= 0 || (shown.saturating_sub(time)).abs() <= most;
    let Some(shown) = packet.pts().filter(|shown| correction != 0 || !fits(shown)) else { return };
    let unknown = if is_video { NO_TIME } else { time };
    let shown = [shown.saturating_add(correction), shown].into_iter().find(fits).unwrap_or(unknown);
    packet.set_times(shown, time);
}

/// Looks whether the first of a stream's packets is an outlier. `next` is where it belongs by the packets before it; `longest` says how
/// many packets an outlier has at most where there are none. A clock may be off by `step`, and, where it comes back from far away and
/// something was lost beside, by `jump` at most.
fn judge(
    next: Option<i64>,
    spans: &[Span],
    longest: usize,
    (step, jump): (i64, i64),
    is_full: bool,
) -> Verdict {
    let end = |(time, duration): Span| time.saturating_add(duration);
    let breaks: Vec<usize> = (1..spans.len())
        .filter(|&at| spans[at].0.abs_diff(end(spans[at - 1])) > step.unsigned_abs())
        .collect();
    let Some(next) = next else {
        let Some(&first) = breaks.first() else {
            return if is_full || spans.len() >= AT_BEGINNING { Verdict::Stands } else { Verdict::Unknown };
        };
        // The longer one of two clocks is the right one. But what follows later may be so because something was lost.
        let second = breaks.get(1).copied().unwrap_or(spans.len()) - first;
        let correction = spans[first].0.saturating_sub(end(spans[first - 1]));
        let may_be_loss = (0..=jump.saturating_mul(MOST_LOST)).contains(&correction);
        return if may_be_loss {
            Verdict::Stands
        } else if first <= longest && second > first {
            Verdict::Damaged(correction)
        } else if first <= longest && breaks.len() == 1 && !is_full {
            Verdict::Unknown
        } else {
            Verdict::Stands
        };
    };
    // The nearer it is, the less may be lost: two short pauses are no outlier.
    let away = spans.first().map_or(0, |&(time, _)| time.abs_diff(next));
    let most = (away / 4).saturating_add(step.unsigned_abs()).min(jump.unsigned_abs());
    // Where the clock would be, one outlier after the other.
    let (mut expected, mut from) = (next, 0);
    for at in breaks {
        expected = expected.saturating_add(end(spans[at - 1]).saturating_sub(spans[from].0));
        if spans[at].0.abs_diff(expected) <= most {
            return Verdict::Damaged(next.saturating_sub(spans[0].0));
        }
        from = at;
    }
    if is_full { Verdict::Stands } else { Verdict::Unknown }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets of 10 ticks from each of some times on.
    fn spans(runs: &[(i64, usize)]) -> Vec<Span> {
        runs.iter().flat_map(|&(from, count)| (0..count as i64).map(move |n| (from + 10 * n, 10))).collect()
    }

    fn at(next: impl Into<Option<i64>>, runs: &[(i64, usize)], is_full: bool) -> Verdict {
        judge(next.into(), &spans(runs), MOST_SOUND, (40, 100), is_full)
    }

    #[test]
    fn a_clock_that_comes_back_was_damaged() {
        // Ahead and back, back and ahead, and two in a row.
        assert_eq!(at(500, &[(9000, 4), (540, 3)], false), Verdict::Damaged(-8500));
        assert_eq!(at(500, &[(20, 4), (540, 3)], false), Verdict::Damaged(480));
        assert_eq!(at(500, &[(430, 1), (510, 3)], false), Verdict::Damaged(70));
        assert_eq!(at(500, &[(9000, 4), (70_000, 4), (580, 1)], false), Verdict::Damaged(-8500));
        // Some is lost beside.
        assert_eq!(at(500, &[(9000, 4), (600, 3)], false), Verdict::Damaged(-8500));
    }

    #[test]
    fn a_clock_that_does_not_come_back_stands() {
        assert_eq!(at(500, &[(9000, 40)], false), Verdict::Unknown);
        assert_eq!(at(500, &[(9000, 40)], true), Verdict::Stands);
        // Two pauses.
        assert_eq!(at(500, &[(560, 4), (660, 4)], true), Verdict::Stands);
        // A pause, and another recording.
        assert_eq!(at(500, &[(9000, 40), (20, 4)], true), Verdict::Stands);
        assert_eq!(at(500, &[(20, 40)], true), Verdict::Stands);
    }

    #[test]
    fn at_the_beginning_the_longer_clock_is_right() {
        assert_eq!(at(None, &[(70, 10)], false), Verdict::Unknown);
        assert_eq!(at(None, &[(70, AT_BEGINNING)], false), Verdict::Stands);
        assert_eq!(at(None, &[(9000, 4), (540, 3)], false), Verdict::Unknown);
        assert_eq!(at(None, &[(9000, 4), (540, 5)], false), Verdict::Damaged(-8500));
        assert_eq!(at(None, &[(9000, 4), (540, 3)], true), Verdict::Stands);
        assert_eq!(at(None, &[(20, 4), (9000, 5)], false), Verdict::Damaged(8940));
        // Something is lost.
        assert_eq!(at(None, &[(20, 4), (1000, 5)], false), Verdict::Stands);
        // A recording that begins with the end of another.
        assert_eq!(at(None, &[(9000, MOST_SOUND + 1), (540, 100)], false), Verdict::Stands);
        assert_eq!(
            judge(None, &spans(&[(9000, 1), (540, 2)]), MOST_FRAMES, (40, 100), false),
            Verdict::Damaged(-8470)
        );
        assert_eq!(
            judge(None, &spans(&[(9000, 2), (540, 9)]), MOST_FRAMES, (40, 100), false),
            Verdict::Stands
        );
    }

    #[test]
    fn the_times_of_a_packet_may_be_damaged_one_by_one() {
        let times = |pts: i64, correction: i64, is_video: bool| {
            let mut packet = RawPacket::new().unwrap();
            packet.set_times(pts, 1000 - correction);
            packet.set_duration(10);
            set_times(&mut packet, 1000, correction, is_video);
            (packet.pts(), packet.dts())
        };
        assert_eq!(times(1030, 0, true), (Some(1030), Some(1000)));
        assert_eq!(times(9030, -8000, true), (Some(1030), Some(1000)));
        assert_eq!(times(1030, -8000, true), (Some(1030), Some(1000)));
        assert_eq!(times(50_000, 0, true), (None, Some(1000)));
        assert_eq!(times(50_000, 0, false), (Some(1000), Some(1000)));
    }
}
