//! How a picture lies.

use crate::{Planar, Size};

/// What has to be done to a picture so that it stands upright: one of the eight ways in which a rectangle can lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Orientation {
    /// Rows become columns, before anything is mirrored.
    pub transposed: bool,
    /// Left and right change places.
    pub mirrored: bool,
    /// Top and bottom change places.
    pub flipped: bool,
}

impl Orientation {
    /// It stands upright.
    pub const UPRIGHT: Self = Self { transposed: false, mirrored: false, flipped: false };

    /// Out of the first four factors of a display matrix, `x' = a·x + c·y` and `y' = b·x + d·y` with `y` downwards;
    /// `None` for angles between.
    pub fn of_factors(a: i32, b: i32, c: i32, d: i32) -> Option<Self> {
        match (a != 0, b != 0, c != 0, d != 0) {
            (true, false, false, true) => Some(Self { transposed: false, mirrored: a < 0, flipped: d < 0 }),
            (false, true, true, false) => Some(Self { transposed: true, mirrored: c < 0, flipped: b < 0 }),
            _ => None,
        }
    }

    /// The size of a picture once it stands upright.
    pub const fn size(self, size: Size) -> Size {
        if self.transposed { Size::new(size.height, size.width) } else { size }
    }

    /// Writes the picture `from` upright into `to`.
    pub fn apply<T: Copy + Default>(self, from: &Planar<T>, to: &mut Planar<T>) {
        let (size, of_source) = (self.size(from.size()), from.size());
        to.resize(size);
        let place =
            |at: u32, end: u32, is_reversed: bool| if is_reversed { end - 1 - at } else { at } as usize;
        for plane in 0..3 {
            let source = from.plane(plane);
            for y in 0..size.height {
                let row = to.row_mut(plane, y);
                let v = place(y, size.height, self.flipped);
                for (x, sample) in row.iter_mut().enumerate() {
                    let u = place(x as u32, size.width, self.mirrored);
                    let (column, line) = if self.transposed { (v, u) } else { (u, v) };
                    *sample = source[line * of_source.width as usize + column];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The picture `1 2 3 / 4 5 6` after a matrix.
    fn turned(a: i32, b: i32, c: i32, d: i32) -> (Size, Vec<u8>) {
        let mut picture = Planar::new(Size::new(3, 2));
        picture.plane_mut(1).copy_from_slice(&[1, 2, 3, 4, 5, 6]);
        let mut upright = Planar::new(Size::new(0, 0));
        Orientation::of_factors(a, b, c, d).unwrap().apply(&picture, &mut upright);
        (upright.size(), upright.plane(1).to_vec())
    }

    #[test]
    fn pictures_are_turned_and_mirrored() {
        let (wide, high) = (Size::new(3, 2), Size::new(2, 3));
        assert_eq!(turned(1, 0, 0, 1), (wide, vec![1, 2, 3, 4, 5, 6]));
        assert_eq!(turned(-1, 0, 0, -1), (wide, vec![6, 5, 4, 3, 2, 1]));
        assert_eq!(turned(-1, 0, 0, 1), (wide, vec![3, 2, 1, 6, 5, 4]));
        // A quarter clockwise: what was left is on top.
        assert_eq!(turned(0, 1, -1, 0), (high, vec![4, 1, 5, 2, 6, 3]));
        assert_eq!(turned(0, -1, 1, 0), (high, vec![3, 6, 2, 5, 1, 4]));
        assert_eq!(turned(0, 1, 1, 0), (high, vec![1, 4, 2, 5, 3, 6]));
    }

    #[test]
    fn angles_between_are_none() {
        assert_eq!(Orientation::of_factors(3, 3, -3, 3), None);
        assert_eq!(Orientation::of_factors(0, 0, 0, 0), None);
        assert_eq!(Orientation::of_factors(7, 0, 0, 7), Some(Orientation::UPRIGHT));
    }
}
