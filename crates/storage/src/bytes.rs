//! Numbers of bytes, as people write and read them.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// A number of bytes: written as "12.3 MB", read from "12.3 MB", "500mb", "2 GiB", "20G" or "1000".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Bytes(pub u64);

/// Text that is no number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no size: write for example 500MB, 20GB or 1.5TB")]
pub struct NoBytes;

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = ["kB", "MB", "GB", "TB", "PB"];
        if self.0 < 1000 {
            return write!(f, "{} bytes", self.0);
        }
        let mut value = self.0 as f64 / 1000.0;
        let mut unit = 0;
        // 999.95 would be shown as 1000.0.
        while value >= 999.95 && unit + 1 < units.len() {
            value /= 1000.0;
            unit += 1;
        }
        write!(f, "{value:.1} {}", units[unit])
    }
}

impl Bytes {
    /// Two different numbers in words that differ too: where they would be the same, every byte is told.
    pub fn told_apart(self, other: Self) -> [String; 2] {
        let told = [self, other].map(|bytes| bytes.to_string());
        let is_clear = self == other || told[0] != told[1];
        if is_clear { told } else { [self, other].map(|bytes| format!("{} bytes", bytes.0)) }
    }
}

impl FromStr for Bytes {
    type Err = NoBytes;

    fn from_str(text: &str) -> Result<Self, NoBytes> {
        let text = text.trim();
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let unit: u64 = match unit.trim_start().to_ascii_lowercase().as_str() {
            "" | "b" | "bytes" => 1,
            "k" | "kb" => 1000,
            "m" | "mb" => 1000_u64.pow(2),
            "g" | "gb" => 1000_u64.pow(3),
            "t" | "tb" => 1000_u64.pow(4),
            "kib" => 1 << 10,
            "mib" => 1 << 20,
            "gib" => 1 << 30,
            "tib" => 1 << 40,
            _ => return Err(NoBytes),
        };
        let bytes = number.parse::<f64>().map_err(|_| NoBytes)? * unit as f64;
        if bytes < u64::MAX as f64 { Ok(Self(bytes as u64)) } else { Err(NoBytes) }
    }
}

impl TryFrom<String> for Bytes {
    type Error = NoBytes;

    fn try_from(text: String) -> Result<Self, NoBytes> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_readable() {
        let shown: Vec<String> =
            [0, 999, 1000, 999_940, 999_990, 12_345_678, u64::MAX].map(|n| Bytes(n).to_string()).into();
        assert_eq!(shown, ["0 bytes", "999 bytes", "1.0 kB", "999.9 kB", "1.0 MB", "12.3 MB", "18446.7 PB"]);
    }

    #[test]
    fn different_sizes_are_told_apart() {
        let told = |one, other| Bytes(one).told_apart(Bytes(other));
        assert_eq!(told(1_048_576, 1_000_000), ["1048576 bytes", "1000000 bytes"]);
        assert_eq!(told(2_000_000, 1_000_000), ["2.0 MB", "1.0 MB"]);
        assert_eq!(told(1_000_000, 1_000_000), ["1.0 MB", "1.0 MB"]);
    }

    #[test]
    fn sizes_are_read() {
        for (text, bytes) in [
            ("1000", 1000),
            ("7 bytes", 7),
            ("12.3 MB", 12_300_000),
            ("500mb", 500_000_000),
            (" 20G ", 20_000_000_000),
            ("2 GiB", 2 << 30),
            ("0.5KiB", 512),
            ("1.5TB", 1_500_000_000_000),
        ] {
            assert_eq!(text.parse(), Ok(Bytes(bytes)), "{text}");
        }
        for text in ["", "GB", "-1GB", "1e9", "1,5 GB", "1.2.3", "5 parsecs", "99999999999 TB", ".", "NaN"] {
            assert_eq!(text.parse::<Bytes>(), Err(NoBytes), "{text}");
        }
    }
}
