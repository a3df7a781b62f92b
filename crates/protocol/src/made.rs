//! What is known of a result before its first frame is made.

use job::{Codec, Encoding, Settings, Shape, SourceFacts};
use serde::{Deserialize, Serialize};

/// What a result will be, as far as its name may say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Rows of the pictures that are enlarged.
    pub of_height: u32,
    /// The format of its video.
    pub codec: Codec,
}

impl Made {
    /// What comes of pictures of this shape with the first of these encoders; `None` where nothing does.
    pub fn new(settings: &Settings, shape: Shape, encodings: &[Encoding]) -> Option<Self> {
        let (width, height) = settings.target.size(shape).ok()?;
        let codec = encodings.first()?.about()?.codec;
        Some(Self { width, height, of_height: shape.height, codec })
    }

    /// What comes of a source.
    pub fn of(settings: &Settings, facts: &SourceFacts) -> Option<Self> {
        Self::new(settings, facts.shape(), &facts.encodings)
    }

    /// How many times larger it is, with two decimals at most.
    pub fn times(&self) -> f64 {
        (f64::from(self.height) * 100.0 / f64::from(self.of_height.max(1))).round() / 100.0
    }
}
