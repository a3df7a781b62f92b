//! Planar pictures.

use crate::Size;

/// Three planes of equal size in one allocation: plane after plane, row after row, no padding.
///
/// The planes are red, green and blue unless the place that uses it says otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct Planar<T> {
    size: Size,
    samples: Vec<T>,
}

/// Planar RGB with 32-bit float samples; the nominal range is 0 to 1.
pub type RgbF32 = Planar<f32>;

impl<T: Copy + Default> Planar<T> {
    /// A picture of the given size filled with the default value (black).
    pub fn new(size: Size) -> Self {
        Self { size, samples: vec![T::default(); 3 * size.pixels() as usize] }
    }

    /// Changes the size; the content is unspecified afterwards. Allocates only when the picture grows beyond any
    /// size that it had before.
    pub fn resize(&mut self, size: Size) {
        self.size = size;
        self.samples.resize(3 * size.pixels() as usize, T::default());
    }

    /// The size of each plane.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Plane `index` (0, 1, 2), `width × height` samples.
    ///
    /// # Panics
    /// If `index` is greater than 2.
    pub fn plane(&self, index: usize) -> &[T] {
        let plane = self.size.pixels() as usize;
        &self.samples[index * plane..(index + 1) * plane]
    }

    /// Plane `index` (0, 1, 2), to write.
    ///
    /// # Panics
    /// If `index` is greater than 2.
    pub fn plane_mut(&mut self, index: usize) -> &mut [T] {
        let plane = self.size.pixels() as usize;
        &mut self.samples[index * plane..(index + 1) * plane]
    }

    /// Row `y` of plane `index`.
    ///
    /// # Panics
    /// If `index` is greater than 2 or `y` is outside of the picture.
    pub fn row(&self, index: usize, y: u32) -> &[T] {
        let width = self.size.width as usize;
        &self.plane(index)[y as usize * width..][..width]
    }

    /// Row `y` of plane `index`, to write.
    ///
    /// # Panics
    /// If `index` is greater than 2 or `y` is outside of the picture.
    pub fn row_mut(&mut self, index: usize, y: u32) -> &mut [T] {
        let width = self.size.width as usize;
        &mut self.plane_mut(index)[y as usize * width..][..width]
    }
}
