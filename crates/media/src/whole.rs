//! Is a file all there? What its container states of its length, beside what it holds.

mod stated;

use std::path::Path;

use frame::Rational;

use crate::raw::input::Input;
use crate::raw::packet::RawPacket;
use crate::{Error, Source};

/// Seconds that may be missing of the length that a file states: some count to the last frame, and some to its end.
const LEAST_LACK: f64 = 0.2;
/// The most that may be missing, of a long film.
const MOST_LACK: f64 = 1.0;

/// Where the packets of a file begin and end.
#[derive(Debug)]
pub(crate) struct Length {
    start: f64,
    end: f64,
}

impl Length {
    pub(crate) const fn new() -> Self {
        Self { start: 0.0, end: 0.0 }
    }

    /// Looks at a packet of any stream.
    pub(crate) fn add(&mut self, packet: &RawPacket, time_base: Rational) {
        let Some(time) = packet.pts().or(packet.dts()) else { return };
        let seconds = |ticks: i64| ticks as f64 * time_base.to_f64();
        self.start = self.start.min(seconds(time));
        self.end = self.end.max(seconds(time.saturating_add(packet.duration().max(0))));
    }

    /// What the file states and what is there, in words, where that is less.
    pub(crate) fn lacks(&self, input: &Input, source: &Source) -> Result<Option<String>, Error> {
        let there = self.end - self.start;
        let stated = input.stated_seconds();
        let by_bytes = unfinished(source)?;
        let lacks = |stated: &f64| stated - there > (stated * 0.1).clamp(LEAST_LACK, MOST_LACK);
        // Where bytes are missing, the last packets are read short, and seconds tell more.
        let is_shorter = |stated: &f64| stated - there > 0.05;
        let told = stated.filter(|stated| lacks(stated) || by_bytes.is_some() && is_shorter(stated));
        Ok(told.map(|stated| format!("the file says {stated:.1} s and ends after {there:.1} s")).or(by_bytes))
    }
}

/// What the containers of a film state of their lengths in bytes and what is there, in words, where that is less.
///
/// Only the heads of a file's parts are read, so that this can be asked of a file that is still growing.
///
/// # Errors
/// When the file cannot be read.
pub fn unfinished(source: &Source) -> Result<Option<String>, Error> {
    let lacks = |path: &Path| -> Result<Option<String>, Error> {
        let mut file = std::fs::File::open(path).map_err(Error::Unreadable)?;
        let there = file.metadata().map_err(Error::Unreadable)?.len();
        let stated = stated::bytes(&mut file, there).map_err(Error::Unreadable)?;
        let is_more = stated.filter(|&stated| stated > there);
        Ok(is_more.map(|stated| format!("the file says {stated} bytes and ends after {there}")))
    };
    source.parts().iter().find_map(|path| lacks(path).transpose()).transpose()
}
