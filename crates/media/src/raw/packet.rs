//! Packets: encoded frames, pieces of sound, subtitles.

use std::ptr;

use frame::Rational;

use super::{av_rational, check, ffi, out_of_memory};
use crate::Error;

/// The value that stands for "no timestamp".
pub(crate) const NO_TIME: i64 = ffi::AV_NOPTS_VALUE;

/// A packet that is owned.
#[derive(Debug)]
pub(crate) struct RawPacket(*mut ffi::AVPacket);

// SAFETY: a packet is plain data with counted, atomic references to its bytes.
unsafe impl Send for RawPacket {}

impl RawPacket {
    pub(crate) fn new() -> Result<Self, Error> {
        // SAFETY: no arguments.
        let packet = unsafe { ffi::av_packet_alloc() };
        if packet.is_null() { Err(out_of_memory()) } else { Ok(Self(packet)) }
    }

    /// Replaces the content by a copy of `data`; timestamps, flags and side data are unset.
    pub(crate) fn set_data(&mut self, data: &[u8]) -> Result<(), Error> {
        let size = i32::try_from(data.len()).map_err(|_| out_of_memory())?;
        self.clear();
        // SAFETY: the packet is ours; FFmpeg allocates `size` bytes (and padding), which are then written.
        unsafe {
            check(ffi::av_new_packet(self.0, size), "allocate a packet")?;
            if !data.is_empty() {
                ptr::copy_nonoverlapping(data.as_ptr(), (*self.0).data, data.len());
            }
        }
        Ok(())
    }

    pub(crate) fn clear(&mut self) {
        // SAFETY: the packet is ours.
        unsafe { ffi::av_packet_unref(self.0) };
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut ffi::AVPacket {
        self.0
    }

    fn get(&self) -> &ffi::AVPacket {
        // SAFETY: never null, and ours.
        unsafe { &*self.0 }
    }

    fn get_mut(&mut self) -> &mut ffi::AVPacket {
        // SAFETY: never null, and ours.
        unsafe { &mut *self.0 }
    }

    pub(crate) fn data(&self) -> &[u8] {
        let packet = self.get();
        if packet.data.is_null() || packet.size <= 0 {
            return &[];
        }
        // SAFETY: a packet's data has `size` bytes.
        unsafe { std::slice::from_raw_parts(packet.data, packet.size as usize) }
    }

    pub(crate) fn stream(&self) -> usize {
        self.get().stream_index.max(0) as usize
    }

    pub(crate) fn set_stream(&mut self, index: usize) {
        self.get_mut().stream_index = index as i32;
        self.get_mut().pos = -1;
    }

    /// Presentation time.
    pub(crate) fn pts(&self) -> Option<i64> {
        Some(self.get().pts).filter(|&time| time != NO_TIME)
    }

    /// Decoding time.
    pub(crate) fn dts(&self) -> Option<i64> {
        Some(self.get().dts).filter(|&time| time != NO_TIME)
    }

    pub(crate) fn set_times(&mut self, pts: i64, dts: i64) {
        self.get_mut().pts = pts;
        self.get_mut().dts = dts;
    }

    /// Where its data lies in the file.
    pub(super) fn position(&self) -> Option<i64> {
        Some(self.get().pos).filter(|&position| position >= 0)
    }

    /// Moves its times by so many ticks.
    pub(super) fn delay(&mut self, ticks: i64) {
        let moved = |time: Option<i64>| time.map_or(NO_TIME, |time| time.saturating_add(ticks));
        let (pts, dts) = (moved(self.pts()), moved(self.dts()));
        self.set_times(pts, dts);
    }

    pub(crate) fn duration(&self) -> i64 {
        self.get().duration
    }

    pub(crate) fn set_duration(&mut self, duration: i64) {
        self.get_mut().duration = duration;
    }

    /// Times in ticks of `from` become times in ticks of `to`.
    pub(crate) fn rescale(&mut self, from: Rational, to: Rational) {
        // SAFETY: the packet is ours.
        unsafe { ffi::av_packet_rescale_ts(self.0, av_rational(from), av_rational(to)) };
    }

    pub(crate) fn is_keyframe(&self) -> bool {
        self.get().flags & ffi::AV_PKT_FLAG_KEY != 0
    }

    pub(crate) fn set_keyframe(&mut self, keyframe: bool) {
        let flags = &mut self.get_mut().flags;
        *flags = if keyframe { *flags | ffi::AV_PKT_FLAG_KEY } else { *flags & !ffi::AV_PKT_FLAG_KEY };
    }

    /// Has it shown all the same.
    pub(crate) fn show(&mut self) {
        self.get_mut().flags &= !ffi::AV_PKT_FLAG_DISCARD;
    }

    /// Side data of a kind; empty where there is none.
    pub(crate) fn side_data(&self, kind: ffi::AVPacketSideDataType) -> &[u8] {
        let mut size = 0;
        // SAFETY: the packet is ours; FFmpeg gives null or side data that lives as long as the packet, with `size` bytes.
        unsafe {
            let data = ffi::av_packet_get_side_data(self.0, kind, &raw mut size);
            if data.is_null() { &[] } else { std::slice::from_raw_parts(data, size) }
        }
    }

    /// Samples at the beginning of the packet's sound that are decoded but not heard.
    pub(crate) fn skipped_samples(&self) -> u32 {
        match self.side_data(ffi::AVPacketSideDataType::SKIP_SAMPLES) {
            [a, b, c, d, ..] => u32::from_le_bytes([*a, *b, *c, *d]),
            _ => 0,
        }
    }

    /// True for what is decoded but not shown: frames that an edit list cuts off.
    pub(crate) fn is_discarded(&self) -> bool {
        self.get().flags & ffi::AV_PKT_FLAG_DISCARD != 0
    }
}

impl Drop for RawPacket {
    fn drop(&mut self) {
        // SAFETY: the packet is ours.
        unsafe { ffi::av_packet_free(&raw mut self.0) };
    }
}
