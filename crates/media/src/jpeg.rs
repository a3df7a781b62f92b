//! Pictures as JPEG files, for people who look at single frames.
//!
//! JPEG and not PNG: every browser shows it, FFmpeg has an encoder for it, and large frames of films are smaller and made sooner. All
//! samples of colour are kept, and the quality of large pictures is such that what differs is not seen.

use frame::{ChromaLocation, ColorDescription, Matrix, Planar, Range, Rational, Size};

use crate::raw::codec::{Encoder, EncoderConfig, Output};
use crate::raw::filter::Graph;
use crate::raw::frame::RawFrame;
use crate::raw::packet::RawPacket;
use crate::raw::pixel::PixelFormat;
use crate::resize::{RESAMPLER, RGB};
use crate::{Error, MAX_PIXELS};

/// The encoder.
const ENCODER: &str = "mjpeg";
/// What it takes: full range, and as many samples of colour as of brightness.
const FORMAT: &str = "yuvj444p";
/// Its matrix, as JFIF has it: that of BT.601.
const MATRIX: Matrix = Matrix(5);
/// FFmpeg's measure of quality for a quantiser of 1.
const QUANTISER: u32 = 118;

/// How much of a picture a JPEG file keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JpegQuality {
    /// All that is seen.
    High,
    /// Enough for a small picture in a list.
    Thumbnail,
}

/// The JPEG file of a picture, RGB of 16 bits in full range, in a size. `pixel` is the shape of a pixel where it is known.
///
/// # Errors
/// When the size has no pixels or too many, or the encoder fails.
pub fn jpeg(
    picture: &Planar<u16>,
    size: Size,
    pixel: Rational,
    quality: JpegQuality,
) -> Result<Vec<u8>, Error> {
    if size.pixels() == 0 || size.pixels() > MAX_PIXELS || picture.size().pixels() == 0 {
        return Err(Error::TooLarge(size));
    }
    let (rgb, format) = (named(RGB)?, named(FORMAT)?);
    let color = ColorDescription { matrix: MATRIX, range: Range::Full, ..ColorDescription::UNSPECIFIED };
    let mut from = RawFrame::allocate(rgb, picture.size())?;
    from.write_rgb16(picture)?;
    from.set_color(ColorDescription { matrix: Matrix::IDENTITY, ..color });
    let description = format!(
        "zscale=width={}:height={}:{RESAMPLER}:dither=none:matrix={}:range=full,format=yuv444p",
        size.width, size.height, MATRIX.0
    );
    let mut converted = RawFrame::new()?;
    Graph::new(rgb, picture.size(), &description)?.run(&mut from, &mut converted)?;
    drop(from);
    converted.relabel(format);
    converted.set_color(color);
    converted.set_pts(0);
    converted.clear_type();
    let quantiser = match quality {
        JpegQuality::High => 2,
        JpegQuality::Thumbnail => 5,
    };
    let options = [
        ("flags".to_owned(), "+qscale-cgop-global_header".to_owned()),
        ("global_quality".to_owned(), (quantiser * QUANTISER).to_string()),
    ];
    let mut encoder = Encoder::open(&EncoderConfig {
        name: ENCODER,
        size,
        format,
        time_base: Rational::new(1, 1),
        frame_rate: Rational::new(1, 1),
        sample_aspect_ratio: pixel,
        color,
        chroma_location: ChromaLocation::Unspecified,
        threads: 1,
        options: &options,
    })?;
    encoder.send(Some(&mut converted))?;
    encoder.send(None)?;
    let mut packet = RawPacket::new()?;
    match encoder.receive(&mut packet)? {
        Output::Some => Ok(packet.data().to_vec()),
        Output::NeedsInput | Output::End => {
            Err(Error::Encoder { encoder: ENCODER.to_owned(), reason: "it makes no picture".to_owned() })
        }
    }
}

fn named(format: &str) -> Result<PixelFormat, Error> {
    PixelFormat::named(format).ok_or_else(|| Error::UnsupportedPixelFormat(format.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slope(size: Size) -> Planar<u16> {
        let mut picture = Planar::new(size);
        for plane in 0..3 {
            for y in 0..size.height {
                for (x, sample) in picture.row_mut(plane, y).iter_mut().enumerate() {
                    *sample = (x as u16 * 900).wrapping_add(plane as u16 * 9000);
                }
            }
        }
        picture
    }

    #[test]
    fn a_file_is_a_jpeg_of_the_size_that_was_asked_for() {
        let picture = slope(Size::new(61, 35));
        for (size, quality) in [((61, 35), JpegQuality::High), ((17, 9), JpegQuality::Thumbnail)] {
            let bytes = jpeg(&picture, Size::new(size.0, size.1), Rational::new(1, 1), quality).unwrap();
            assert!(bytes.starts_with(b"\xFF\xD8\xFF") && bytes.ends_with(b"\xFF\xD9"));
            // The head of a frame: a length, the depth, rows, columns.
            let head = bytes.windows(2).position(|pair| pair == b"\xFF\xC0").unwrap();
            let number = |at: usize| u32::from(bytes[at]) << 8 | u32::from(bytes[at + 1]);
            assert_eq!((number(head + 7), number(head + 5)), size);
        }
    }

    #[test]
    fn what_has_no_pixels_is_refused() {
        let picture = slope(Size::new(4, 4));
        let square = Rational::new(1, 1);
        assert!(jpeg(&picture, Size::new(0, 4), square, JpegQuality::High).is_err());
        assert!(jpeg(&Planar::new(Size::new(0, 0)), Size::new(4, 4), square, JpegQuality::High).is_err());
    }
}
