//! The packets of the streams beside the video, as far as they are wanted.

use frame::Rational;

use crate::raw::input::Input;
use crate::raw::packet::RawPacket;
use crate::survey::Limit;
use crate::{Error, raw};

/// Which packets of a source are taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Extent {
    /// All.
    Whole,
    /// Those up to a time and those from another one on, in seconds of the source.
    Ends(f64, f64),
}

impl Extent {
    pub(crate) fn holds(self, seconds: f64) -> bool {
        match self {
            Self::Whole => true,
            Self::Ends(head, tail) => seconds <= head || seconds >= tail,
        }
    }
}

/// Reads the packets of the other streams.
pub(super) struct Reader<'a> {
    pub(super) input: &'a mut Input,
    /// The stream of the film, by which places are found.
    video: usize,
    extent: Extent,
    has_sought: bool,
    /// Where a part ends.
    limit: Limit,
}

impl<'a> Reader<'a> {
    pub(super) fn new(input: &'a mut Input, video: usize, extent: Extent, limit: Limit) -> Self {
        Self { input, video, extent, has_sought: false, limit }
    }

    /// Reads the next packet that is wanted; false at the end.
    pub(super) fn next(&mut self, packet: &mut RawPacket) -> Result<bool, Error> {
        /// Seconds by which streams may be out of step.
        const OUT_OF_STEP: f64 = 2.0;
        while !self.limit.is_reached() && self.input.read(packet)? {
            if let Some(stream) = self.input.stream(packet.stream()) {
                self.limit.note(stream, packet);
            }
            let Extent::Ends(head, tail) = self.extent else {
                self.complete(packet);
                return Ok(true);
            };
            let time_base = self.input.stream(packet.stream()).map(raw::stream::Stream::time_base);
            let seconds = packet.dts().or(packet.pts()).zip(time_base);
            let seconds = seconds.map_or(0.0, |(time, time_base)| time as f64 * time_base.to_f64());
            if self.extent.holds(seconds) {
                self.complete(packet);
                return Ok(true);
            }
            if seconds > head + OUT_OF_STEP && !self.has_sought {
                self.has_sought = true;
                let time_base = self.input.stream(self.video).map(raw::stream::Stream::time_base);
                if let Some(time_base) = time_base {
                    // Where this does not work, all packets are read.
                    self.input.seek(self.video, (tail / time_base.to_f64()) as i64);
                }
            }
        }
        Ok(false)
    }

    /// Gives a packet of sound that does not say how long it lasts the duration of its samples.
    fn complete(&self, packet: &mut RawPacket) {
        if packet.duration() <= 0
            && let Some(stream) = self.input.stream(packet.stream())
            && let Some(rate) = stream.sample_rate()
        {
            let samples = stream.samples_of_packet(packet.data().len());
            packet.set_duration(raw::rescale(samples, Rational::new(1, rate), stream.time_base()));
        }
    }
}
