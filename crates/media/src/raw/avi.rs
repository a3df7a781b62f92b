//! The times of AVI files, which their index has.
//!
//! An AVI file has no times: a demuxer counts the chunks of a stream as it finds them. Behind chunks that are destroyed it counts on
//! as if they had never been, and everything comes too early. The index says at which place each chunk lies and which number it has.
//! So what is found gets its time by its place, and what is listed and not found is known to be lost.

use std::ops::Range;

use super::entries::{Entries, Entry};
use super::packet::RawPacket;
use super::stream::{Kind, Stream};
use crate::frame_list::MOST_REORDERED;

/// Bytes of a chunk before its data: its name and its size.
const HEAD: i64 = 8;

/// A packet that the index lists and that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lost {
    /// Its decoding time, in ticks.
    pub(crate) dts: i64,
    /// Bytes that it had.
    pub(crate) size: i64,
}

/// What is not there of a stream.
#[derive(Debug, Default)]
pub(crate) struct Lack {
    /// The packets that the index lists and the file does not hold, ascending.
    pub(crate) lost: Vec<Lost>,
    /// The frames that the file states and those that were found, where those are fewer and the index does not tell more.
    pub(crate) uncounted: Option<(i64, i64)>,
}

/// The times of a stream's chunks.
#[derive(Debug, Default)]
pub(super) struct Times {
    /// Ticks by which what is found now comes later than by counting.
    ahead: i64,
    /// Ticks by which the demuxer gives decoding times before the numbers of chunks: frames are reordered.
    delay: Option<i64>,
    /// What an entry's time is divided by to become ticks: the time of sound may be a number of bytes.
    unit: Option<i64>,
    /// The chunk that was found last.
    last: Option<Entry>,
    /// The number of the entry that comes next; `None` where reading began in the middle of the file.
    next: Option<usize>,
    /// The demuxer has gone back, and is not yet where it was.
    is_back: bool,
    /// The packet that was read last is not listed.
    is_unlisted: bool,
    /// The file has an index of the stream. (What was read is listed without one, too.)
    is_indexed: bool,
    /// The last time of decoding.
    end: i64,
    /// What is listed of a video and was not found.
    lost: Vec<Entry>,
}

impl Times {
    /// For a file that is read from its beginning, before its first packet.
    pub(super) fn of(stream: Stream<'_>) -> Self {
        Self { next: Some(0), is_indexed: Entries::of(stream).count > 0, ..Self::default() }
    }

    /// Says that reading goes on at another place.
    pub(super) fn jump(&mut self) {
        *self = Self { is_indexed: self.is_indexed, ..Self::default() };
    }

    /// Gives a packet its time; false for one that was read already. (Where sound and picture come apart, the demuxer goes back and
    /// reads by the index.)
    pub(super) fn correct(&mut self, packet: &mut RawPacket, stream: Stream<'_>) -> bool {
        if !matches!(stream.kind(), Kind::Video | Kind::Audio) {
            return true;
        }
        let entries = Entries::of(stream);
        let is_video = stream.kind() == Kind::Video;
        let found = packet.position().and_then(|place| find(entries, place, is_video));
        self.is_unlisted = found.is_none();
        if let Some((number, entry)) = found {
            if self.was_read(entry) {
                return false;
            }
            self.place(packet, stream, entries, (number, entry));
            // The demuxer takes the mark from the entry with the number to which it has counted.
            if is_video && self.ahead > 0 {
                packet.set_keyframe(entry.is_keyframe);
            }
        }
        packet.delay(self.ahead);
        self.end = self.end.max(packet.dts().unwrap_or(0));
        true
    }

    /// Compares the place of a chunk with that of the last one. A parser may have made two packets of one chunk.
    fn was_read(&mut self, entry: Entry) -> bool {
        let last = self.last.replace(entry).filter(|last| entry.time <= last.time);
        let is_behind = last.is_none_or(|last| entry.position > last.position);
        self.is_back =
            !is_behind && (self.is_back || last.is_some_and(|last| entry.position < last.position));
        if self.is_back {
            self.last = last;
        }
        self.is_back
    }

    /// Compares the time of a chunk's first packet with that of its entry. What lies between it and the chunk before it is lost.
    fn place(&mut self, packet: &RawPacket, stream: Stream<'_>, entries: Entries<'_>, found: (usize, Entry)) {
        let (number, entry) = found;
        let next = self.next.unwrap_or(number);
        let is_skipping = self.next.is_none() || number > next;
        if number == next && !is_skipping {
            self.next = Some(number + 1);
        }
        let Some(dts) = packet.dts().filter(|_| number >= next) else { return };
        let is_video = stream.kind() == Kind::Video;
        let unit =
            self.unit.or_else(|| if is_video { Some(1) } else { unit_of_sound(dts, entry.time, stream) });
        let Some(unit) = unit else { return };
        let most = if is_video { stream.reorder_depth().min(MOST_REORDERED as i64) } else { 0 };
        let delay = self.delay.unwrap_or_else(|| entry.time.saturating_sub(dts).clamp(0, most));
        // What a parser cuts out of chunks of sound may begin anywhere in one.
        let is_whole = is_video || packet.data().len() as i64 == entry.size;
        let after = entries.get(number + 1).filter(|_| !is_whole);
        let blur = after.map_or(0, |after| after.time.saturating_sub(entry.time) / unit);
        let ahead = (entry.time / unit).saturating_sub(dts).saturating_sub(delay);
        let is_behind_hole = is_skipping && ahead > self.ahead.saturating_add(blur);
        (self.unit, self.delay) = (Some(unit), Some(delay));
        if is_behind_hole && is_video {
            self.lose(entries, next..number);
        }
        // Where nothing is lost, the count stays as it is: indexes have faults of their own.
        if is_behind_hole || self.ahead > 0 && ahead.abs_diff(self.ahead) > blur.unsigned_abs() {
            self.ahead = ahead.max(0);
        }
        self.next = Some(number + 1);
    }

    fn lose(&mut self, entries: Entries<'_>, numbers: Range<usize>) {
        self.lost.extend(numbers.filter_map(|number| entries.get(number)));
    }

    /// What is not there of a stream that was read to its end. `is_intact` tells whether the head of a chunk is where it is listed.
    pub(super) fn finish(&mut self, stream: Stream<'_>, is_intact: impl Fn(&Entry) -> bool) -> Lack {
        let entries = Entries::of(stream);
        let last = self.last.filter(|_| self.is_indexed && !self.is_unlisted);
        if let Some((last, next)) = last.zip(self.next) {
            // Nothing behind them shows by its number that they are lost: a parser may have put them to the packet before. A chunk whose
            // size is damaged holds those behind it.
            let is_last_intact = is_intact(&last);
            let behind = (next..entries.count).filter_map(|number| entries.get(number));
            self.lost.extend(behind.filter(|entry| !is_last_intact || !is_intact(entry)));
        }
        let delay = self.delay.unwrap_or(0);
        let (stated, found) = (stream.stated_frames(), self.end + delay + 1);
        let uncounted = (last.is_none() && found < stated).then_some((stated, found));
        let lost = std::mem::take(&mut self.lost).into_iter();
        let lost = lost.map(|entry| Lost { dts: entry.time.saturating_sub(delay), size: entry.size });
        Lack { lost: lost.collect(), uncounted }
    }
}

impl Entry {
    /// True for the bytes of the head of its chunk: the number of the stream, two letters, the size.
    pub(super) fn is_head(&self, head: [u8; 8]) -> bool {
        let [a, b, _, _, size @ ..] = head;
        a.is_ascii_digit() && b.is_ascii_digit() && i64::from(u32::from_le_bytes(size)) == self.size
    }
}

/// The chunk whose data is at a place; a picture is a whole chunk.
fn find(entries: Entries<'_>, place: i64, is_whole: bool) -> Option<(usize, Entry)> {
    let found = entries.at_or_before(place - HEAD)?;
    let from = place - HEAD - found.1.position;
    (from == 0 || !is_whole && from < found.1.size).then_some(found)
}

/// What the time of a chunk of sound is divided by: 1, or the bytes of all channels where it is a number of bytes.
fn unit_of_sound(dts: i64, time: i64, stream: Stream<'_>) -> Option<i64> {
    let block = i64::from(stream.parameters().block_align.max(1));
    let distance = |unit: i64| dts.saturating_mul(unit).abs_diff(time);
    (dts > 0 && time > 0).then(|| if distance(block) < distance(1) { block } else { 1 })
}
