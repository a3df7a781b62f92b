//! Sizes of pictures on the command line.

use std::fmt;
use std::str::FromStr;

use job::LARGEST_SIDE;

/// A size of pictures in pixels: both sides are in 1..=[`LARGEST_SIDE`], since no larger picture can be a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PictureSize {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// Text that is no size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SizeError {
    #[error("it is not of the form WIDTHxHEIGHT: write for example 640x360")]
    Malformed,
    #[error("each side must have 1 to {LARGEST_SIDE} pixels")]
    OutOfRange,
}

impl FromStr for PictureSize {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        let (width, height) = text.split_once(['x', 'X', '×']).ok_or(SizeError::Malformed)?;
        Ok(Self { width: side(width)?, height: side(height)? })
    }
}

impl fmt::Display for PictureSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

fn side(text: &str) -> Result<u32, SizeError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(SizeError::Malformed);
    }
    // All digits: what cannot be read has too many of them.
    let side = text.parse().ok().filter(|side| (1..=LARGEST_SIDE).contains(side));
    side.ok_or(SizeError::OutOfRange)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_written() {
        for (text, width, height) in [("640x360", 640, 360), ("1X1", 1, 1), ("16384×0002", 16_384, 2)] {
            assert_eq!(text.parse(), Ok(PictureSize { width, height }));
        }
        assert_eq!(PictureSize { width: 7, height: 5 }.to_string(), "7x5");
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in
            ["", "x", "640", "640x", "x360", "640x360x3", "-1x5", "+1x5", "1.5x2", " 1x1", "axb", "٣x٣"]
        {
            assert_eq!(text.parse::<PictureSize>(), Err(SizeError::Malformed), "{text}");
        }
        for text in ["0x0", "0x5", "5x0", "16385x1", "1x16385", "99999999999999999999x1"] {
            assert_eq!(text.parse::<PictureSize>(), Err(SizeError::OutOfRange), "{text}");
        }
    }
}
