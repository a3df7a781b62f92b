//! A part of a picture.

use crate::{Orientation, Planar, Size};

/// A rectangle of pixels within a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// Columns to the left of it.
    pub x: u32,
    /// Rows above it.
    pub y: u32,
    /// Its size.
    pub size: Size,
}

impl Area {
    /// The area from a left upper to a right lower corner, which is the first pixel outside; without pixels where that lies
    /// before the other.
    pub const fn between((x, y): (u32, u32), (right, bottom): (u32, u32)) -> Self {
        Self { x, y, size: Size::new(right.saturating_sub(x), bottom.saturating_sub(y)) }
    }

    /// A picture as a whole.
    pub const fn whole(size: Size) -> Self {
        Self { x: 0, y: 0, size }
    }

    /// The first column to the right of it.
    pub const fn right(self) -> u32 {
        self.x.saturating_add(self.size.width)
    }

    /// The first row below it.
    pub const fn bottom(self) -> u32 {
        self.y.saturating_add(self.size.height)
    }

    /// True when it has pixels, all of them in a picture of this size.
    pub const fn is_within(self, picture: Size) -> bool {
        let ends = (self.x as u64 + self.size.width as u64, self.y as u64 + self.size.height as u64);
        self.size.pixels() > 0 && ends.0 <= picture.width as u64 && ends.1 <= picture.height as u64
    }

    /// The smallest area that holds both.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        let corner = (self.x.min(other.x), self.y.min(other.y));
        Self::between(corner, (self.right().max(other.right()), self.bottom().max(other.bottom())))
    }

    /// Where it lies once the picture of this size that it is part of stands upright.
    #[must_use]
    pub const fn upright(self, orientation: Orientation, picture: Size) -> Self {
        let (mut x, mut y, mut size) = (self.x, self.y, self.size);
        if orientation.transposed {
            (x, y) = (y, x);
            size = Size::new(size.height, size.width);
        }
        let picture = orientation.size(picture);
        if orientation.mirrored {
            x = picture.width.saturating_sub(x + size.width);
        }
        if orientation.flipped {
            y = picture.height.saturating_sub(y + size.height);
        }
        Self { x, y, size }
    }

    /// Writes this part of a picture that has it into another one.
    pub fn cut<T: Copy + Default>(self, from: &Planar<T>, into: &mut Planar<T>) {
        into.resize(self.size);
        for plane in 0..3 {
            for y in 0..self.size.height {
                let row = &from.row(plane, self.y + y)[self.x as usize..][..self.size.width as usize];
                into.row_mut(plane, y).copy_from_slice(row);
            }
        }
    }

    /// The largest area within it whose sides lie at multiples of the steps, or at the border of the picture, which always may
    /// end there; without pixels where none does.
    #[must_use]
    pub fn inward(self, (across, down): (u32, u32), picture: Size) -> Self {
        let end = |end: u32, step: u32, border: u32| if end == border { end } else { end / step * step };
        Self::between(
            (self.x.next_multiple_of(across), self.y.next_multiple_of(down)),
            (end(self.right(), across, picture.width), end(self.bottom(), down, picture.height)),
        )
    }

    /// The smallest area that holds it and whose sides lie at multiples of the steps, or at the border of the picture.
    #[must_use]
    pub fn outward(self, (across, down): (u32, u32), picture: Size) -> Self {
        Self::between(
            (self.x / across * across, self.y / down * down),
            (
                self.right().next_multiple_of(across).min(picture.width),
                self.bottom().next_multiple_of(down).min(picture.height),
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn area(x: u32, y: u32, width: u32, height: u32) -> Area {
        Area { x, y, size: Size::new(width, height) }
    }

    #[test]
    fn sides_are_rounded_to_where_they_may_lie() {
        let picture = Size::new(427, 239);
        assert_eq!(area(3, 5, 100, 100).inward((2, 4), picture), area(4, 8, 98, 96));
        assert_eq!(area(3, 5, 100, 100).outward((2, 4), picture), area(2, 4, 102, 104));
        // The border of the picture needs no rounding.
        assert_eq!(area(1, 1, 426, 238).inward((2, 2), picture), area(2, 2, 425, 237));
        assert_eq!(area(1, 1, 426, 238).outward((2, 2), picture), Area::whole(picture));
        assert!(!area(1, 1, 2, 2).inward((4, 4), picture).is_within(picture));
    }

    #[test]
    fn what_leaves_the_picture_is_not_within() {
        let picture = Size::new(720, 576);
        assert!(Area::whole(picture).is_within(picture));
        for outside in [area(1, 0, 720, 576), area(0, 576, 1, 1), area(5, 5, 0, 9), area(u32::MAX, 0, 9, 9)] {
            assert!(!outside.is_within(picture), "{outside:?}");
        }
    }

    proptest! {
        #[test]
        fn an_area_is_turned_as_its_picture_is(
            (width, height) in (1..9_u32, 1..9_u32),
            (x, y, right, bottom) in (0..9_u32, 0..9_u32, 1..9_u32, 1..9_u32),
            (transposed, mirrored, flipped) in any::<(bool, bool, bool)>(),
        ) {
            let size = Size::new(width, height);
            let (x, y) = (x % width, y % height);
            let area = Area::between((x, y), ((x + right).min(width), (y + bottom).min(height)));
            let mut picture = Planar::<u8>::new(size);
            for row in area.y..area.bottom() {
                picture.row_mut(0, row)[area.x as usize..area.right() as usize].fill(1);
            }
            let orientation = Orientation { transposed, mirrored, flipped };
            let mut upright = Planar::new(Size::new(0, 0));
            orientation.apply(&picture, &mut upright);
            let turned = area.upright(orientation, size);
            prop_assert!(turned.is_within(upright.size()));
            for row in 0..upright.size().height {
                for (column, &sample) in (0..).zip(upright.row(0, row)) {
                    let is_inside = (turned.x..turned.right()).contains(&column)
                        && (turned.y..turned.bottom()).contains(&row);
                    prop_assert_eq!(sample == 1, is_inside);
                }
            }
        }

        #[test]
        fn rounding_stays_inside_or_holds_all(
            (width, height) in (1..99_u32, 1..99_u32),
            (x, y, right, bottom) in (0..99_u32, 0..99_u32, 1..99_u32, 1..99_u32),
            (across, down) in (1..5_u32, 1..9_u32),
        ) {
            let size = Size::new(width, height);
            let (x, y) = (x % width, y % height);
            let area = Area::between((x, y), ((x + right).min(width), (y + bottom).min(height)));
            let outer = area.outward((across, down), size);
            prop_assert!(outer.is_within(size));
            prop_assert_eq!(outer.with(area), outer);
            let inner = area.inward((across, down), size);
            prop_assert!(!inner.is_within(size) || inner.with(area) == area);
            prop_assert_eq!(outer.inward((across, down), size), outer);
        }
    }
}
