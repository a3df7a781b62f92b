//! What is done to interlaced video.

use serde::{Deserialize, Serialize};

/// What is done to frames that consist of two fields of different times, before they are upscaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deinterlace {
    /// What the video needs, by its flags and by what its frames look like: nothing, a frame for each frame, or the
    /// frames of a film that was spread over more (2:3 pulldown).
    #[default]
    Auto,
    /// Nothing: the frames are upscaled as they are.
    Off,
    /// A frame for each frame.
    Frame,
    /// A frame for each field: twice as many, for the smoothest motion.
    Field,
    /// The frames of a film, four of five.
    Telecine,
}

impl Deinterlace {
    /// All there are.
    pub const ALL: [Self; 5] = [Self::Auto, Self::Off, Self::Frame, Self::Field, Self::Telecine];

    /// The name that messages, the command line and the settings file use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Off => "off",
            Self::Frame => "frame",
            Self::Field => "field",
            Self::Telecine => "telecine",
        }
    }

    /// What jobs have that were taken in before there was a choice.
    pub(crate) const fn none() -> Self {
        Self::Off
    }
}
