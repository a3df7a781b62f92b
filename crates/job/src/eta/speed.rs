//! How fast work goes, learned from what was done.
//!
//! A frame takes `a` for each pixel that is encoded and `b` for each that goes through the network. Both are fitted to what was
//! measured by least squares, of which the recent counts more. Until the films themselves tell the two apart, they are drawn towards
//! what is known from before: the figures of another job on the same machine, or those of a usual machine.

use serde::{Deserialize, Serialize};

use super::Work;
use crate::plan::{CODEC_PIXELS_PER_SECOND, CPU_OPERATIONS_PER_SECOND};

/// Usual speed of decoding a source, in pixels a second.
const READ_PIXELS_PER_SECOND: f64 = 30e6;
/// Usual speed of joining and verifying, in pixels of the result a second.
const JOINED_PIXELS_PER_SECOND: f64 = 60e6;
/// Seconds of work after which what was measured counts half, at least.
const HALF_LIFE: f64 = 120.0;
/// The same as a share of all that was measured: the longer a film takes, the longer is what it is like.
const HALF_LIFE_SHARE: f64 = 0.25;
/// A piece of work that took so many times longer or shorter than was expected counts as if it had taken no more than that.
const MOST_SURPRISE: f64 = 4.0;
/// How far the two figures of a fit are believed to differ from each other by what they were, at most.
const MOST_APART: f64 = 10.0;
/// Seconds of measured work that what is known from before counts as much as, and as a share of what was measured.
const BELIEF: (f64, f64) = (2.0, 0.02);
/// How much two figures have in common that differ from what was known: of a usual machine, and of this one.
const IN_COMMON: (f64, f64) = (0.8, 0.5);

/// Seconds that a pixel of each kind of work takes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Rates {
    read: f64,
    computed: f64,
    encoded: f64,
    joined: f64,
}

/// How fast the work on a job goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// Operations of the network for a pixel.
    operations: u64,
    /// What is known from before.
    base: Rates,
    /// That was measured on this machine; else it is that of a usual one.
    is_known: bool,
    sums: Sums,
    /// How fast reading and joining went in this job.
    read: Option<f64>,
    joined: Option<f64>,
}

/// Sums over what was measured, in which the recent counts more. `x` is what the base expects of the network, `y` what it expects
/// of all else, `t` the time, each divided by the root of what was expected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Sums {
    /// Seconds that it took, and that the base expects.
    time: f64,
    x: f64,
    y: f64,
    xx: f64,
    xy: f64,
    yy: f64,
    tx: f64,
    ty: f64,
    /// Seconds that all of it took, of which nothing is forgotten.
    all: f64,
}

impl Speed {
    /// That of a usual machine, with a network of so many operations for a pixel.
    pub fn usual(operations: u64) -> Self {
        let base = Rates {
            read: 1.0 / READ_PIXELS_PER_SECOND,
            computed: operations as f64 / CPU_OPERATIONS_PER_SECOND,
            encoded: 1.0 / CODEC_PIXELS_PER_SECOND,
            joined: 1.0 / JOINED_PIXELS_PER_SECOND,
        };
        Self { operations, base, is_known: false, sums: Sums::default(), read: None, joined: None }
    }

    /// Of another job with a network of so many operations for a pixel, what this one's speed tells before anything is measured.
    #[must_use]
    pub fn of_next(&self, operations: u64) -> Self {
        let Some(rates) = self.rates().filter(|_| self.sums.all > 0.0 || self.is_known) else {
            return Self::usual(operations);
        };
        let usual = Self::usual(operations);
        let computed = match self.operations {
            0 => usual.base.computed,
            own => rates.computed * operations as f64 / own as f64,
        };
        Self { base: Rates { computed, ..rates }, is_known: true, ..usual }
    }

    /// Learns that work on segments took so many seconds.
    pub fn add(&mut self, work: Work, seconds: f64) {
        let (x, y) = (work.computed * self.base.computed, work.encoded * self.base.encoded);
        let expected = x + y;
        if !(expected > 0.0 && seconds > 0.0 && (expected + seconds).is_finite()) {
            return;
        }
        let believed = self.segments(work).filter(|_| self.sums.all > 0.0);
        let time = match believed {
            Some(believed) => seconds.clamp(believed / MOST_SURPRISE, believed * MOST_SURPRISE),
            None => seconds,
        };
        let half = HALF_LIFE.max(self.sums.all * HALF_LIFE_SHARE);
        let kept = 0.5_f64.powf(time / half);
        let Sums { all, .. } = self.sums;
        let sums = &mut self.sums;
        for (sum, more) in [
            (&mut sums.time, time),
            (&mut sums.x, x),
            (&mut sums.y, y),
            (&mut sums.xx, x * x / expected),
            (&mut sums.xy, x * y / expected),
            (&mut sums.yy, y * y / expected),
            (&mut sums.tx, time * x / expected),
            (&mut sums.ty, time * y / expected),
        ] {
            *sum = *sum * kept + more;
        }
        sums.all = all + time;
    }

    /// Learns that reading a source took so many seconds.
    pub fn add_reading(&mut self, work: Work, seconds: f64) {
        self.read = rate(work.read, seconds).or(self.read);
    }

    /// Learns that joining segments and verifying the result took so many seconds.
    pub fn add_join(&mut self, work: Work, seconds: f64) {
        self.joined = rate(work.joined, seconds).or(self.joined);
    }

    /// Seconds that work takes; `None` while nothing is known of this machine.
    pub fn seconds(&self, work: Work) -> Option<f64> {
        let Rates { read, computed, encoded, joined } = self.rates()?;
        let seconds =
            work.read * read + work.computed * computed + work.encoded * encoded + work.joined * joined;
        seconds.is_finite().then_some(seconds.max(0.0))
    }

    /// True where work on this machine was measured before: then something is known before anything of this job is made.
    pub const fn is_known(&self) -> bool {
        self.is_known
    }

    /// Operations of the network for a pixel.
    pub const fn operations(&self) -> u64 {
        self.operations
    }

    fn segments(&self, work: Work) -> Option<f64> {
        self.seconds(Work { read: 0.0, joined: 0.0, ..work })
    }

    /// What is believed of all kinds of work.
    fn rates(&self) -> Option<Rates> {
        let Rates { read, computed, encoded, joined } = self.base;
        let (of_network, of_rest) = match self.fit() {
            Some(factors) => factors,
            None if self.is_known => (1.0, 1.0),
            None => return None,
        };
        Some(Rates {
            read: self.read.unwrap_or(read),
            computed: computed * of_network,
            encoded: encoded * of_rest,
            // A machine of which nothing is known joins as it encodes.
            joined: self.joined.unwrap_or(if self.is_known { joined } else { joined * of_rest }),
        })
    }

    /// How many times longer than the base expects the network takes, and all else.
    fn fit(&self) -> Option<(f64, f64)> {
        let Sums { time, x, y, xx, xy, yy, tx, ty, .. } = self.sums;
        let expected = x + y;
        if expected <= 0.0 || time <= 0.0 {
            return None;
        }
        let (center, common) =
            if self.is_known { (1.0, IN_COMMON.1) } else { (time / expected, IN_COMMON.0) };
        // The belief in what is known is a normal distribution around it, whose inverse covariance this is.
        let belief = (BELIEF.0.min(expected) + BELIEF.1 * expected) / (1.0 - common * common);
        let (own, shared) = (belief, -belief * common);
        let (a, b, d) = (xx + own, xy + shared, yy + own);
        let (rest_x, rest_y) = (tx - center * (xx + xy), ty - center * (xy + yy));
        let determinant = a * d - b * b;
        if determinant <= 0.0 {
            return Some((center, center));
        }
        let of_network = center + (d * rest_x - b * rest_y) / determinant;
        let of_rest = center + (a * rest_y - b * rest_x) / determinant;
        let bounded = |factor: f64| factor.clamp(center / MOST_APART, center * MOST_APART);
        let (of_network, of_rest) = (bounded(of_network), bounded(of_rest));
        // What was measured is to take what it took.
        let belief = if self.is_known { BELIEF.0 } else { 0.0 };
        let scale = (time + belief) / (of_network * x + of_rest * y + belief);
        Some((of_network * scale, of_rest * scale))
    }
}

/// Seconds for a pixel; `None` for what says nothing.
fn rate(pixels: f64, seconds: f64) -> Option<f64> {
    let rate = seconds / pixels;
    (pixels > 0.0 && seconds > 0.0 && rate.is_finite()).then_some(rate)
}

#[cfg(test)]
mod tests;
