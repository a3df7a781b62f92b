//! Exact fractions for time bases and aspect ratios.

use serde::{Deserialize, Serialize};

/// A fraction, as FFmpeg uses it for time bases (seconds a tick), frame rates and sample aspect ratios.
///
/// `0/1` stands for "not known" where FFmpeg uses it so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rational {
    /// Numerator.
    pub num: i32,
    /// Denominator.
    pub den: i32,
}

impl Rational {
    /// The fraction `num/den`.
    pub const fn new(num: i32, den: i32) -> Self {
        Self { num, den }
    }

    /// True when both parts are positive, so that the fraction can be used as a factor.
    pub const fn is_known(self) -> bool {
        self.num > 0 && self.den > 0
    }

    /// The value as a float, for display only; 0 when it is not known.
    pub fn to_f64(self) -> f64 {
        if self.den == 0 { 0.0 } else { f64::from(self.num) / f64::from(self.den) }
    }
}

impl std::fmt::Display for Rational {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.num, self.den)
    }
}
