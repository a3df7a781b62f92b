//! Pictures as they stand in a PNG file.

use frame::{Orientation, Planar, Size};
use media::VideoInfo;

/// Pixels between pictures that stand side by side.
const GAP: usize = 8;

/// A picture with red, green and blue of a pixel beside each other.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Picture {
    size: Size,
    samples: Vec<u8>,
}

/// How the pictures of a video become upright.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Upright {
    orientation: Orientation,
    /// Width and height of a pixel of the upright picture; 0 where they are not known.
    pixel: (u32, u32),
}

impl Upright {
    /// What a video says. Turns by something else than quarters are left out.
    pub(super) fn of(video: &VideoInfo) -> Self {
        let orientation = video.orientation.unwrap_or_default();
        let pixel = video.clone().turned(orientation).sample_aspect_ratio;
        let pixel = if pixel.is_known() { (pixel.num as u32, pixel.den as u32) } else { (0, 0) };
        Self { orientation, pixel }
    }

    /// Width and height of a pixel of the upright picture, where they differ.
    pub(super) fn pixel(self) -> Option<(u32, u32)> {
        let (width, height) = self.pixel;
        (width != height && width > 0 && height > 0).then_some((width, height))
    }

    /// The picture in 8 bits, upright.
    pub(super) fn picture(self, stored: &Planar<u16>) -> Picture {
        let mut upright = Planar::new(Size::new(0, 0));
        self.orientation.apply(stored, &mut upright);
        let size = upright.size();
        let mut samples = vec![0; 3 * size.pixels() as usize];
        for plane in 0..3 {
            let of_plane = samples.iter_mut().skip(plane).step_by(3);
            for (to, &sample) in of_plane.zip(upright.plane(plane)) {
                *to = ((u32::from(sample) * 255 + 32_767) / 65_535) as u8;
            }
        }
        Picture { size, samples }
    }
}

/// The PNG file of pictures of one size side by side, and its size. `pixel` is the shape of a pixel where it is not square.
pub(super) fn png(
    panels: &[&Picture],
    pixel: Option<(u32, u32)>,
    description: &str,
) -> Result<(Size, Vec<u8>), png::EncodingError> {
    let size = panels.first().map_or(Size::new(0, 0), |panel| panel.size);
    let gaps = GAP * panels.len().saturating_sub(1);
    let size = Size::new(size.width * panels.len() as u32 + gaps as u32, size.height);
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, size.width, size.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    encoder.add_itxt_chunk("Description".to_owned(), description.to_owned())?;
    if let Some((width, height)) = pixel {
        // So many pixels in a length: more of them the narrower they are.
        let unit = png::Unit::Unspecified;
        encoder.set_pixel_dims(Some(png::PixelDimensions { xppu: height, yppu: width, unit }));
    }
    let mut writer = encoder.write_header()?;
    let mut rows = Vec::with_capacity(3 * size.pixels() as usize);
    for y in 0..size.height as usize {
        for (index, panel) in panels.iter().enumerate() {
            if index > 0 {
                rows.extend([0; 3 * GAP]);
            }
            let row = 3 * panel.size.width as usize;
            rows.extend_from_slice(&panel.samples[y * row..][..row]);
        }
    }
    writer.write_image_data(&rows)?;
    writer.finish()?;
    Ok((size, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red is the number of the pixel.
    fn stored() -> Planar<u16> {
        let mut picture = Planar::new(Size::new(3, 2));
        for (number, sample) in picture.plane_mut(0).iter_mut().enumerate() {
            *sample = 257 * number as u16;
        }
        picture.plane_mut(2).fill(65535);
        picture
    }

    fn reds(picture: &Picture) -> Vec<u8> {
        picture.samples.chunks(3).map(|pixel| pixel[0]).collect()
    }

    #[test]
    fn pictures_stand_upright_with_8_bits() {
        let quarter = Orientation { transposed: true, mirrored: true, flipped: false };
        for (orientation, size, wanted) in
            [(Orientation::UPRIGHT, (3, 2), [0, 1, 2, 3, 4, 5]), (quarter, (2, 3), [3, 0, 4, 1, 5, 2])]
        {
            let picture = Upright { orientation, pixel: (1, 1) }.picture(&stored());
            assert_eq!((picture.size.width, picture.size.height), size);
            assert_eq!(reds(&picture), wanted, "{orientation:?}");
            assert!(picture.samples.chunks(3).all(|pixel| pixel[1..] == [0, 255]));
        }
    }

    #[test]
    fn only_pixels_that_are_not_square_are_told_of() {
        let pixel = |pixel| Upright { orientation: Orientation::UPRIGHT, pixel }.pixel();
        assert_eq!(pixel((4, 3)), Some((4, 3)));
        assert_eq!(pixel((5, 5)), None);
        assert_eq!(pixel((0, 1)), None);
    }

    #[test]
    fn a_file_holds_all_pictures_and_the_shape_of_a_pixel() {
        let picture = Upright { orientation: Orientation::UPRIGHT, pixel: (4, 3) }.picture(&stored());
        let (size, bytes) = png(&[&picture, &picture], Some((4, 3)), "two").unwrap();
        assert_eq!((size.width, size.height), (3 + 8 + 3, 2));
        let mut reader = png::Decoder::new(std::io::Cursor::new(&bytes)).read_info().unwrap();
        let mut samples = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut samples).unwrap();
        let row: Vec<u8> = samples[3 * 14..].chunks(3).map(|pixel| pixel[0]).collect();
        assert_eq!(row, [3, 4, 5, 0, 0, 0, 0, 0, 0, 0, 0, 3, 4, 5]);
        let shape = reader.info().pixel_dims.unwrap();
        assert_eq!((shape.xppu, shape.yppu), (3, 4));
    }
}
