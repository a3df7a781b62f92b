//! What pictures are like.

use frame::{Area, Size};
use job::{CropArea, Cropped, Shape};
use media::Index;

/// What is left of pictures of a size.
pub(super) fn cropped(from: Size, index: &Index) -> Option<Cropped> {
    let Area { x, y, size } = index.crop?;
    let kept = CropArea { width: size.width, height: size.height, left: x, top: y };
    Some(Cropped { from_width: from.width, from_height: from.height, kept })
}

/// The size of a source's pictures and how players show them.
pub(crate) fn shape(video: &media::VideoInfo) -> Shape {
    let pixel = video.sample_aspect_ratio;
    Shape {
        width: video.size.width,
        height: video.size.height,
        pixel: if pixel.is_known() { (pixel.num as u32, pixel.den as u32) } else { (0, 0) },
        // Quarter turns have a sine of 1 or -1.
        is_turned: video.rotation.is_some_and(|degrees| degrees.to_radians().sin().abs() > 0.9),
    }
}
