//! The table of a stream's packets as FFmpeg keeps it: what an index or a sample table lists, and what was read.

use std::ptr;

use super::ffi;
use super::stream::Stream;

/// The entries of a stream, in the order of their times.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entries<'a> {
    stream: Stream<'a>,
    pub(super) count: usize,
}

/// A packet, as it is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// Where it begins in the file, with what stands before its data.
    pub(super) position: i64,
    /// Its time, in ticks; of some containers in bytes.
    pub(super) time: i64,
    /// Bytes of its data.
    pub(super) size: i64,
    pub(super) is_keyframe: bool,
}

impl<'a> Entries<'a> {
    pub(super) fn of(stream: Stream<'a>) -> Self {
        // SAFETY: the stream is one of an open context, which is not changed.
        let count = unsafe { ffi::avformat_index_get_entries_count(ptr::from_ref(stream.0)) };
        Self { stream, count: count.max(0) as usize }
    }

    pub(super) fn get(self, number: usize) -> Option<Entry> {
        let number = i32::try_from(number).ok()?;
        let stream = ptr::from_ref(self.stream.0).cast_mut();
        // SAFETY: as above; an entry is null or valid until the next call to the demuxer, and is copied.
        let entry = unsafe { ffi::avformat_index_get_entry(stream, number).as_ref() }?;
        Some(Entry {
            position: entry.pos,
            time: entry.timestamp,
            size: i64::from(entry.size()),
            is_keyframe: entry.flags() & ffi::AVINDEX_KEYFRAME != 0,
        })
    }

    /// The last entry that begins at a place of the file or before it, with its number, where they stand in the order of their
    /// places.
    pub(super) fn at_or_before(self, position: i64) -> Option<(usize, Entry)> {
        let (mut from, mut to) = (0, self.count);
        while from < to {
            let middle = from.midpoint(to);
            if self.get(middle)?.position <= position { from = middle + 1 } else { to = middle }
        }
        let number = from.checked_sub(1)?;
        Some((number, self.get(number)?))
    }
}
