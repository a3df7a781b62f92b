//! What is cut off of the pictures before they are upscaled.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Crop {
    /// Nothing.
    #[default]
    Off,
    /// Black bars, where the film has them from its first frame to its last.
    Auto,
    /// All but this part of the picture.
    To(CropArea),
}

/// A part of a picture as it is stored, in pixels. It is written as FFmpeg's crop filter has it: `WIDTH:HEIGHT:LEFT:TOP`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CropArea {
    /// Its columns.
    pub width: u32,
    /// Its rows.
    pub height: u32,
    /// Columns to the left of it.
    pub left: u32,
    /// Rows above it.
    pub top: u32,
}

/// What is left of a film's pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cropped {
    /// Pixels in a row before.
    pub from_width: u32,
    /// Rows before.
    pub from_height: u32,
    /// What is left.
    pub kept: CropArea,
}

impl CropArea {
    /// True when it has pixels, all of them in a picture of this size.
    pub const fn is_within(self, width: u32, height: u32) -> bool {
        let (right, bottom) = (self.left as u64 + self.width as u64, self.top as u64 + self.height as u64);
        self.width > 0 && self.height > 0 && right <= width as u64 && bottom <= height as u64
    }
}

impl fmt::Display for CropArea {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}:{}", self.width, self.height, self.left, self.top)
    }
}

impl fmt::Display for Crop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::Auto => f.write_str("auto"),
            Self::To(area) => area.fmt(f),
        }
    }
}

/// Text that is no crop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("choose auto, off, or WIDTH:HEIGHT:LEFT:TOP in pixels such as 720:432:0:72")]
pub struct CropError;

impl FromStr for Crop {
    type Err = CropError;

    fn from_str(text: &str) -> Result<Self, CropError> {
        match text {
            "off" => return Ok(Self::Off),
            "auto" => return Ok(Self::Auto),
            _ => {}
        }
        let number = |part: &str| {
            let is_plain = part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse::<u32>().ok().filter(|_| is_plain)
        };
        let numbers = text.split(':').map(number).collect::<Option<Vec<u32>>>();
        match numbers.as_deref() {
            Some(&[width, height, left, top]) if width > 0 && height > 0 => {
                Ok(Self::To(CropArea { width, height, left, top }))
            }
            _ => Err(CropError),
        }
    }
}

impl TryFrom<String> for Crop {
    type Error = CropError;

    fn try_from(text: String) -> Result<Self, CropError> {
        text.parse()
    }
}

impl From<Crop> for String {
    fn from(crop: Crop) -> Self {
        crop.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crop_is_read_written_and_kept() {
        let area = CropArea { width: 720, height: 432, left: 0, top: 72 };
        for (text, crop) in [("off", Crop::Off), ("auto", Crop::Auto), ("720:432:0:72", Crop::To(area))] {
            assert_eq!((text.parse(), crop.to_string()), (Ok(crop), text.to_owned()));
            let json = format!("\"{text}\"");
            assert_eq!(serde_json::to_string(&crop).unwrap(), json);
            assert_eq!(serde_json::from_str::<Crop>(&json).unwrap(), crop);
        }
        for wrong in [
            "",
            "on",
            "720:432",
            "720:432:0",
            "720:432:0:72:0",
            "0:432:0:72",
            "720:-1:0:0",
            "+1:1:0:0",
            "1:2:3:x",
        ] {
            assert_eq!(wrong.parse::<Crop>(), Err(CropError), "{wrong}");
        }
    }

    #[test]
    fn what_leaves_the_picture_is_not_within() {
        let area = |width, height, left, top| CropArea { width, height, left, top };
        assert!(area(720, 576, 0, 0).is_within(720, 576) && area(1, 1, 719, 575).is_within(720, 576));
        for outside in [area(720, 576, 1, 0), area(1, 1, 0, 576), area(u32::MAX, 1, 9, 0), area(0, 1, 0, 0)] {
            assert!(!outside.is_within(720, 576), "{outside}");
        }
    }
}
