//! Metadata that change with the pictures: Dolby Vision and HDR10+. Results lose them, and some pictures are nothing without.

use crate::decode::Frames;
use crate::dolby_vision::DolbyVision;
use crate::probe::VideoInfo;
use crate::raw::codec::Threads;
use crate::{Error, Source};

/// Bits of a sample from which on pictures may have such metadata that only they speak of.
const DEEP: u8 = 10;

/// What people should know of metadata that change with the pictures, by the word of the container and of the first frame.
///
/// # Errors
/// When the file cannot be read, or [`Error::DolbyVision`] where the pictures cannot be shown without the metadata.
pub fn dynamic_metadata(source: &Source, video: &VideoInfo) -> Result<Vec<String>, Error> {
    let mut notes = Vec::new();
    let mut first = None;
    if video.bit_depth >= DEEP {
        let mut frames = Frames::open(source, Threads::One)?;
        if frames.advance()? {
            let frame = frames.frame();
            first = Some((frame.dolby_vision_metadata().map(<[u8]>::to_vec), frame.has_hdr10_plus()));
        }
    }
    let (of_frame, has_hdr10_plus) = first.unwrap_or_default();
    let of_frame = of_frame.and_then(|metadata| DolbyVision::of_metadata(&metadata));
    if let Some(vision) = video.dolby_vision.or(of_frame) {
        let Some(base) = vision.base(video.color) else {
            return Err(Error::DolbyVision { profile: vision.name(), has_base: vision.has_base });
        };
        let enhancement = if matches!(vision.profile, 4 | 7) { " and its enhancement layer" } else { "" };
        notes.push(format!(
            "Dolby Vision profile {}: its {base} pictures are upscaled, its metadata{enhancement} are lost",
            vision.name()
        ));
    }
    if has_hdr10_plus {
        notes.push("HDR10+: what it says of each scene is lost, and the result is HDR10".to_owned());
    }
    Ok(notes)
}
