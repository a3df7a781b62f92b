//! The kind of the result that fits a source.

use frame::Orientation;

use super::{Probe, StreamKind, VideoInfo};
use crate::Container;

impl Container {
    /// The kind of the source where it can hold everything, else Matroska.
    pub fn choose(probe: &Probe) -> Self {
        let is_mp4 = probe.format.split(',').any(|name| name == "mp4" || name == "mov");
        let others = probe.streams.iter().filter(|stream| stream.index != probe.video.stream_index);
        let mut important = others.filter(|stream| {
            matches!(stream.kind, StreamKind::Audio | StreamKind::Subtitle | StreamKind::Attachment)
        });
        if is_mp4 && important.all(|stream| stream.fits_mp4) { Self::Mp4 } else { Self::Matroska }
    }

    /// What has to be done to the pictures of a source because the container cannot say how they lie.
    pub fn orientation(self, video: &VideoInfo) -> Orientation {
        match self {
            Self::Mp4 => Orientation::UPRIGHT,
            Self::Matroska => video.orientation.unwrap_or_default(),
        }
    }
}
