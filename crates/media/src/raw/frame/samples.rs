//! The samples of pictures between FFmpeg's frames and our own.

use frame::{Planar, Size};

use super::RawFrame;
use crate::Error;

/// FFmpeg's planar RGB has green first; ours has red first.
const GBR_TO_RGB: [usize; 3] = [1, 2, 0];

impl RawFrame {
    /// Copies a picture of 16-bit samples into a frame of the format `gbrp16le` and the same size.
    pub(crate) fn write_rgb16(&mut self, picture: &Planar<u16>) -> Result<(), Error> {
        self.make_writable()?;
        if picture.size() != self.size() {
            let reason = "a picture of another size".to_owned();
            return Err(Error::Resize { from: picture.size(), to: self.size(), reason });
        }
        self.must_hold(picture.size(), 2)?;
        for (plane, source) in GBR_TO_RGB.into_iter().enumerate() {
            for y in 0..picture.size().height {
                let row = self.row_mut(plane, y);
                for (bytes, sample) in row.chunks_exact_mut(2).zip(picture.row(source, y)) {
                    bytes.copy_from_slice(&sample.to_le_bytes());
                }
            }
        }
        Ok(())
    }

    /// Copies a picture into a frame of the format `gbrpf32le` and the same size.
    pub(crate) fn write_rgb_f32(&mut self, picture: &Planar<f32>) -> Result<(), Error> {
        self.make_writable()?;
        if picture.size() != self.size() {
            let reason = "a picture of another size".to_owned();
            return Err(Error::Resize { from: picture.size(), to: self.size(), reason });
        }
        self.must_hold(picture.size(), 4)?;
        for (plane, source) in GBR_TO_RGB.into_iter().enumerate() {
            for y in 0..picture.size().height {
                let row = self.row_mut(plane, y);
                for (bytes, sample) in row.chunks_exact_mut(4).zip(picture.row(source, y)) {
                    bytes.copy_from_slice(&sample.to_le_bytes());
                }
            }
        }
        Ok(())
    }

    /// Makes sure that the first three planes have as many samples of `bytes` bytes as a picture of a size. Else what is not
    /// copied would be memory that held something else before.
    fn must_hold(&self, size: Size, bytes: usize) -> Result<(), Error> {
        let has = |plane| {
            let rows = self.format().rows(self.size().height, plane);
            rows >= size.height && self.row(plane, 0).len() >= size.width as usize * bytes
        };
        if self.format().planes() >= 3 && (0..3).all(has) {
            return Ok(());
        }
        Err(Error::Resize { from: self.size(), to: size, reason: "samples are missing".to_owned() })
    }

    /// Copies the left upper part of a frame of the format `gbrp16le`.
    pub(crate) fn read_rgb16(&self, into: &mut Planar<u16>, size: Size) -> Result<(), Error> {
        self.must_hold(size, 2)?;
        into.resize(size);
        for (plane, target) in GBR_TO_RGB.into_iter().enumerate() {
            for y in 0..size.height {
                let row = self.row(plane, y);
                for (sample, bytes) in into.row_mut(target, y).iter_mut().zip(row.chunks_exact(2)) {
                    *sample = u16::from_le_bytes([bytes[0], bytes[1]]);
                }
            }
        }
        Ok(())
    }

    /// Copies the left upper part of a frame of the format `gbrpf32le`.
    pub(crate) fn read_rgb_f32(&self, into: &mut Planar<f32>, size: Size) -> Result<(), Error> {
        self.must_hold(size, 4)?;
        into.resize(size);
        for (plane, target) in GBR_TO_RGB.into_iter().enumerate() {
            for y in 0..size.height {
                let row = self.row(plane, y);
                for (sample, bytes) in into.row_mut(target, y).iter_mut().zip(row.chunks_exact(4)) {
                    *sample = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
                }
            }
        }
        Ok(())
    }

    /// The mean of the first plane (luma, gray or green) of an 8- to 16-bit picture, 0 to 1 of all code values.
    pub(crate) fn mean_of_first_plane(&self) -> f32 {
        let depth = self.format().bit_depth();
        // Some formats have the bits of a sample at the upper end of its bytes.
        let shift = self.format().shift();
        let mut sum = 0_u64;
        for y in 0..self.size().height {
            // Narrow sums are added up several at a time; those of a part cannot overflow.
            for part in self.row(0, y).chunks(1 << 16) {
                sum += u64::from(if depth > 8 {
                    part.chunks_exact(2).map(|b| u32::from(u16::from_le_bytes([b[0], b[1]]))).sum::<u32>()
                } else {
                    part.iter().map(|&b| u32::from(b)).sum()
                });
            }
        }
        let scale = (((1_u64 << depth.min(16)) - 1) << shift) as f64;
        (sum as f64 / (self.size().pixels().max(1) as f64 * scale)) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw::pixel::PixelFormat;

    #[test]
    fn what_a_frame_does_not_hold_is_refused() {
        let allocate = |name, size| RawFrame::allocate(PixelFormat::named(name).unwrap(), size).unwrap();
        let (small, large) = (Size::new(4, 4), Size::new(8, 4));
        let mut into = Planar::new(large);
        assert!(allocate("gbrpf32le", small).read_rgb_f32(&mut into, large).is_err());
        assert!(allocate("gbrp", large).read_rgb_f32(&mut into, large).is_err());
        assert!(allocate("gray", large).read_rgb_f32(&mut into, large).is_err());
        let mut deep = Planar::new(large);
        assert!(allocate("gbrp16le", small).read_rgb16(&mut deep, large).is_err());
        assert!(allocate("gbrp16le", small).write_rgb16(&deep).is_err());
        assert!(allocate("gbrpf32le", large).write_rgb_f32(&Planar::new(small)).is_err());
        assert!(RawFrame::new().unwrap().read_rgb16(&mut deep, small).is_err());
        assert!(allocate("gbrp16le", large).read_rgb16(&mut deep, small).is_ok());
    }
}
