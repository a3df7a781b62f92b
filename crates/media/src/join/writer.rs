//! The packets of the result, in the order in which they are needed.

use frame::Rational;

use super::order::DecodeTimes;
use super::streams::Copied;
use super::{Join, OwnedPacket};
use crate::raw::output::Output;
use crate::raw::packet::RawPacket;
use crate::{Error, raw};

/// Writes the video between the packets of the other streams.
pub(super) struct Writer<'a, 'b> {
    pub(super) output: Output,
    pub(super) plan: &'a Join<'a>,
    pub(super) times: DecodeTimes<'a>,
    pub(super) packets: &'b mut dyn Iterator<Item = Result<OwnedPacket, String>>,
    pub(super) packet: RawPacket,
    pub(super) stream: usize,
    pub(super) video_time_base: Rational,
    pub(super) written: usize,
    pub(super) bytes: u64,
    pub(super) counts: Vec<u64>,
    /// The latest time of each other stream, in seconds.
    pub(super) latest: Vec<Option<f64>>,
}

impl Writer<'_, '_> {
    /// Writes a packet of another stream; `None` says that there are no more of it. Gives the number of packets that were
    /// damaged.
    pub(super) fn other(
        &mut self,
        target: &mut Copied,
        mut packet: Option<&mut RawPacket>,
        from: Rational,
    ) -> Result<u32, Error> {
        let is_strict = !self.output.accepts_equal_times();
        let to = self.output.time_base(target.stream);
        let mut damaged = 0;
        let mut write = |target: &mut Copied, packet: &mut RawPacket, from: Rational| -> Result<(), Error> {
            if !target.prepare(packet, from, to, is_strict)? {
                return Ok(());
            }
            let shown = packet.pts().map(|pts| pts.saturating_sub(target.delay_in(to)));
            let merged = target.blocks.as_mut().map(|blocks| blocks.add(packet.data()));
            let is_written = self.output.write_if_sound(packet)?;
            damaged += u32::from(!is_written);
            if let Some(shown) = shown.filter(|_| is_written && !target.is_picture) {
                let shown = shown as f64 * to.to_f64();
                let latest = &mut self.latest[target.stream];
                *latest = Some(latest.map_or(shown, |latest| latest.max(shown)));
            }
            match merged {
                Some(packets) => self.counts[target.stream] = packets,
                // A cover has no track of its own, and another number when it is read again.
                None => self.counts[target.stream] += u64::from(is_written && !target.is_picture),
            }
            Ok(())
        };
        match (target.made_of(packet.as_deref_mut())?, packet) {
            (Some((packets, time_base)), _) => {
                for mut packet in packets {
                    write(target, &mut packet, time_base)?;
                }
            }
            (None, Some(packet)) => write(target, packet, from)?,
            (None, None) => {}
        }
        Ok(damaged)
    }

    /// Writes the video that is decoded up to a time.
    pub(super) fn video_until(
        &mut self,
        time: i64,
        time_base: Rational,
        progress: &mut dyn FnMut(u32, u64),
    ) -> Result<(), Error> {
        let limit = raw::rescale(time, time_base, self.plan.index.time_base);
        while self.times.of(self.written).is_some_and(|(dts, _)| dts <= limit) {
            self.one(progress)?;
        }
        Ok(())
    }

    pub(super) fn rest_of_video(&mut self, progress: &mut dyn FnMut(u32, u64)) -> Result<(), Error> {
        while self.written < self.plan.packet_times.len() {
            self.one(progress)?;
        }
        match self.packets.next() {
            None => Ok(()),
            Some(_) => Err(Error::PacketsDiffer("there are more than there should be".to_owned())),
        }
    }

    fn one(&mut self, progress: &mut dyn FnMut(u32, u64)) -> Result<(), Error> {
        let number = self.written;
        let differs = |what: &str| Error::PacketsDiffer(format!("packet {number} {what}"));
        let next = self.packets.next().ok_or_else(|| differs("is missing"))?;
        let next = next.map_err(Error::PacketsDiffer)?;
        let (dts, duration) = self.times.of(number).ok_or_else(|| differs("is one too many"))?;
        if next.pts != self.plan.packet_times[number] {
            return Err(differs("has another time than when it was counted"));
        }
        self.packet.set_data(&next.data)?;
        let moved = self.plan.carry.shift.in_ticks(self.plan.index.time_base);
        self.packet.set_times(next.pts.saturating_add(moved), dts.saturating_add(moved));
        self.packet.set_duration(duration);
        self.packet.set_keyframe(next.keyframe);
        self.packet.set_stream(self.stream);
        self.packet.rescale(self.plan.index.time_base, self.video_time_base);
        self.output.write(&mut self.packet)?;
        self.written += 1;
        self.bytes += next.data.len() as u64;
        self.counts[self.stream] += 1;
        progress(self.written as u32, self.bytes);
        Ok(())
    }
}
