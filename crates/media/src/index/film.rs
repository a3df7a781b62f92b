//! What a container says of a film beside its frames.

use frame::Rational;

use crate::decode::Frames;
use crate::raw::stream::Stream;

/// What the container says of the film.
#[derive(Debug, Clone, Copy)]
pub(super) struct Film {
    /// Two packets may be two fields of one frame.
    pub(super) has_fields: bool,
    /// The shape of a pixel.
    pub(super) pixel: Rational,
    /// It says how the pictures lie.
    pub(super) is_oriented: bool,
}

impl Film {
    pub(super) fn of(frames: &Frames) -> Self {
        let video = frames.input().stream(frames.stream());
        Self {
            has_fields: frames.may_have_fields(),
            pixel: video.map_or(Rational::new(0, 1), Stream::sample_aspect_ratio),
            is_oriented: video.is_some_and(|video| video.rotation().is_some()),
        }
    }
}
