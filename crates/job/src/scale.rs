//! How many times larger a result is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A factor in hundredths, so that equal ones are equal in every form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scale(u32);

impl Scale {
    /// The smallest and the largest factor that are taken.
    pub(crate) const RANGE: (Self, Self) = (Self::whole(1), Self::whole(8));

    /// A whole factor.
    pub const fn whole(times: u32) -> Self {
        Self(times.saturating_mul(100))
    }

    /// A side of a picture so many times, rounded to a whole number.
    pub(crate) fn of(self, side: u64) -> u64 {
        (side * u64::from(self.0) + 50) / 100
    }

    fn times(self) -> f64 {
        f64::from(self.0) / 100.0
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.times())
    }
}

/// As people write it, which is also what identifies the settings of jobs.
impl fmt::Debug for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Text that is no factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("choose a number from 1 to 8 with two decimals at most, such as 2 or 1.5")]
pub struct ScaleError;

impl FromStr for Scale {
    type Err = ScaleError;

    fn from_str(text: &str) -> Result<Self, ScaleError> {
        let is_plain = text.starts_with(|digit: char| digit.is_ascii_digit())
            && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let number = text.parse::<f64>().ok().filter(|_| is_plain);
        number.and_then(Self::from_number).filter(|scale| scale.is_usable()).ok_or(ScaleError)
    }
}

impl Scale {
    /// `None` for what has more decimals or is far too large.
    fn from_number(number: f64) -> Option<Self> {
        let hundredths = (number * 100.0).round();
        let is_exact = (number * 100.0 - hundredths).abs() < 1e-6;
        (is_exact && (0.0..1e6).contains(&hundredths)).then_some(Self(hundredths as u32))
    }

    /// True for a factor that results can have.
    pub(crate) fn is_usable(self) -> bool {
        (Self::RANGE.0..=Self::RANGE.1).contains(&self)
    }
}

impl Serialize for Scale {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(100) {
            serializer.serialize_u32(self.0 / 100)
        } else {
            serializer.serialize_f64(self.times())
        }
    }
}

impl<'de> Deserialize<'de> for Scale {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(deserializer)?;
        Self::from_number(number).ok_or_else(|| serde::de::Error::custom("a scale that cannot be"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_read_written_and_kept() {
        for (text, json) in [("4", "4"), ("1.5", "1.5"), ("2.25", "2.25"), ("1", "1"), ("8", "8")] {
            let scale: Scale = text.parse().unwrap();
            assert_eq!((scale.to_string(), format!("{scale:?}")), (text.to_owned(), text.to_owned()));
            assert_eq!(serde_json::to_string(&scale).unwrap(), json);
            assert_eq!(serde_json::from_str::<Scale>(json).unwrap(), scale);
        }
        assert_eq!("2.50".parse::<Scale>(), "2.5".parse());
        for wrong in ["", "0", "0.99", "8.01", "1.234", "-2", "+2", "2x", "1,5", "NaN", "inf", "1e1", ".5"] {
            assert_eq!(wrong.parse::<Scale>(), Err(ScaleError), "{wrong}");
        }
        assert!(serde_json::from_str::<Scale>("1e300").is_err());
    }

    #[test]
    fn sides_are_rounded() {
        let scale: Scale = "1.5".parse().unwrap();
        assert_eq!([3, 4, 639].map(|side| scale.of(side)), [5, 6, 959]);
        assert_eq!(Scale::whole(4).of(u64::from(u32::MAX)), 4 * u64::from(u32::MAX));
    }
}
