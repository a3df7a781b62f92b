//! What the samples of sound are.

/// What the samples of sound are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoundFormat {
    /// Samples a second.
    pub rate: u32,
    /// Number of channels.
    pub channels: u32,
    /// FFmpeg's name of the arrangement of channels, such as `5.1`.
    pub layout: String,
    /// FFmpeg's name of the kind of samples, such as `s16`.
    pub sample: String,
}
