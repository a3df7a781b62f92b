//! The kinds of files that results are.

use crate::raw::ffi::AVCodecID;
use crate::raw::output::Muxer;
use crate::raw::stream::{Kind, Stream};

/// The kind of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// MPEG-4.
    Mp4,
    /// Matroska.
    Matroska,
}

impl Container {
    /// FFmpeg's name of the muxer.
    pub(crate) const fn muxer(self) -> &'static str {
        match self {
            Self::Mp4 => "mp4",
            Self::Matroska => "matroska",
        }
    }

    /// True when the container has a place for the stream as it is.
    pub(crate) fn holds(self, stream: Stream<'_>) -> bool {
        match (stream.kind(), self) {
            // Fonts and pictures: the muxer takes what has a name and a type.
            (Kind::Attachment, Self::Matroska) => {
                stream.tag("filename").is_some() && stream.tag("mimetype").is_some()
            }
            (Kind::Attachment, Self::Mp4) | (Kind::Data, Self::Matroska) => false,
            // The muxer takes the subtitles of DVDs for what they are, and then has no place for their palette.
            (Kind::Subtitle, Self::Mp4) if stream.codec_is(AVCodecID::DVD_SUBTITLE) => false,
            // Timecode and titles of chapters are carried over in other ways.
            (Kind::Data, Self::Mp4) => stream.is_camera_metadata(),
            _ => Muxer::named(self.muxer()).is_some_and(|muxer| muxer.holds(stream)),
        }
    }
}
