//! Films whose pictures change their size or the shape of their pixels: one size for all, each part fitted into it.

use crate::{Area, Rational, Size};

/// How large a picture is and how wide its pixels are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Canvas {
    /// Size in pixels.
    pub size: Size,
    /// Width of a pixel as a multiple of its height; 0/1 where it is not known, which is shown as 1/1.
    pub pixel: Rational,
}

/// Where a fitted picture lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// Columns to the left of it.
    pub x: u32,
    /// Rows above it.
    pub y: u32,
    /// Its size.
    pub size: Size,
}

impl Canvas {
    /// The place of a picture of another kind in the middle of this one: as large as it can be with the shape that it is shown
    /// in, to a pixel.
    pub fn place(self, picture: Self) -> Placement {
        let Size { width, height } = self.size;
        let shown_width = f64::from(picture.size.width) * factor(picture.pixel);
        let aspect = shown_width / f64::from(picture.size.height.max(1)) / factor(self.pixel);
        let (most_width, most_height) = (f64::from(width), f64::from(height));
        let whole = |length: f64, most: u32| (length.round() as u32).clamp(1, most.max(1));
        let size = if aspect * most_height <= most_width {
            Size::new(whole(aspect * most_height, width), height)
        } else {
            Size::new(width, whole(most_width / aspect, height))
        };
        Placement { x: width.saturating_sub(size.width) / 2, y: height.saturating_sub(size.height) / 2, size }
    }

    /// Where a part of a picture of another kind lies once the picture was fitted into this one, with the neighbours that
    /// resampling gives a share of it.
    pub fn area(self, picture: Self, part: Area) -> Area {
        const REACH: u32 = 2;
        let place = self.place(picture);
        let at = |at: u32, of: u32, to: u32| u64::from(at) * u64::from(to) / u64::from(of.max(1));
        let begin = |from: u32, at: u64| (from + at as u32).saturating_sub(REACH);
        let end = |from: u32, at: u64, most: u32| (from + at as u32 + 1 + REACH).min(most);
        let (of, to) = (picture.size, place.size);
        Area::between(
            (
                begin(place.x, at(part.x, of.width, to.width)),
                begin(place.y, at(part.y, of.height, to.height)),
            ),
            (
                end(place.x, at(part.right(), of.width, to.width), self.size.width),
                end(place.y, at(part.bottom(), of.height, to.height), self.size.height),
            ),
        )
    }

    /// True when a picture of the other kind is shown exactly as one of this kind.
    pub fn is_like(self, other: Self) -> bool {
        let (Rational { num: a, den: b }, Rational { num: c, den: d }) =
            (known(self.pixel), known(other.pixel));
        self.size == other.size && i64::from(a) * i64::from(d) == i64::from(b) * i64::from(c)
    }

    /// The kind that a film of several kinds gets: the one with the most pixels; of those, the one that most frames have; of
    /// those, the first. Each comes with its number of frames. `None` where there is no kind.
    pub fn of_all(kinds: &[(Self, u64)]) -> Option<Self> {
        let mut together: Vec<(Self, u64)> = Vec::new();
        for &(kind, frames) in kinds {
            match together.iter_mut().find(|(known, _)| known.is_like(kind)) {
                Some((_, sum)) => *sum += frames,
                None => together.push((kind, frames)),
            }
        }
        // Of equal ones, the last is the greatest.
        together
            .iter()
            .rev()
            .max_by_key(|(kind, frames)| (kind.size.pixels(), *frames))
            .map(|(kind, _)| *kind)
    }
}

const fn known(pixel: Rational) -> Rational {
    if pixel.is_known() { pixel } else { Rational::new(1, 1) }
}

fn factor(pixel: Rational) -> f64 {
    known(pixel).to_f64()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kind(width: u32, height: u32, pixel: (i32, i32)) -> Canvas {
        Canvas { size: Size::new(width, height), pixel: Rational::new(pixel.0, pixel.1) }
    }

    fn placed(canvas: Canvas, picture: Canvas) -> (u32, u32, u32, u32) {
        let Placement { x, y, size } = canvas.place(picture);
        (x, y, size.width, size.height)
    }

    #[test]
    fn pictures_keep_their_shape_and_lie_in_the_middle() {
        let wide = kind(320, 240, (0, 1));
        assert_eq!(placed(wide, kind(240, 320, (1, 1))), (70, 0, 180, 240));
        assert_eq!(placed(wide, kind(160, 120, (1, 1))), (0, 0, 320, 240));
        assert_eq!(placed(wide, kind(640, 240, (1, 1))), (0, 60, 320, 120));
        // 4:3 and 16:9 of PAL.
        let (narrow, anamorphic) = (kind(720, 576, (16, 15)), kind(720, 576, (64, 45)));
        assert_eq!(placed(anamorphic, narrow), (90, 0, 540, 576));
        assert_eq!(placed(narrow, anamorphic), (0, 72, 720, 432));
    }

    #[test]
    fn the_largest_then_the_longest_then_the_first_is_the_films() {
        let (lying, standing, small) =
            (kind(320, 240, (1, 1)), kind(240, 320, (1, 1)), kind(160, 120, (1, 1)));
        assert_eq!(Canvas::of_all(&[]), None);
        assert_eq!(Canvas::of_all(&[(small, 900), (lying, 1)]), Some(lying));
        assert_eq!(Canvas::of_all(&[(lying, 10), (standing, 11)]), Some(standing));
        assert_eq!(Canvas::of_all(&[(lying, 10), (standing, 10)]), Some(lying));
        assert_eq!(Canvas::of_all(&[(standing, 10), (lying, 9), (lying, 9)]), Some(lying));
        // Unknown pixels are square.
        let square = kind(320, 240, (0, 1));
        assert_eq!(Canvas::of_all(&[(square, 6), (standing, 10), (lying, 6)]), Some(square));
    }

    #[test]
    fn a_part_lies_where_its_picture_does() {
        let wide = kind(320, 240, (1, 1));
        let part = Area { x: 0, y: 30, size: Size::new(160, 60) };
        // Twice as large, and all of it.
        assert_eq!(wide.area(kind(160, 120, (1, 1)), part), Area { x: 0, y: 58, size: Size::new(320, 125) });
        // Between black at its sides.
        let standing = Area::whole(Size::new(240, 320));
        assert_eq!(
            wide.area(kind(240, 320, (1, 1)), standing),
            Area { x: 68, y: 0, size: Size::new(185, 240) }
        );
    }

    proptest! {
        #[test]
        fn a_place_is_inside_and_touches_two_sides(
            (w, h, a, b) in (1..5000u32, 1..5000u32, 1..100, 1..100),
            (pw, ph, c, d) in (1..5000u32, 1..5000u32, 1..100, 1..100),
        ) {
            let canvas = kind(w, h, (a, b));
            let place = canvas.place(kind(pw, ph, (c, d)));
            prop_assert!(place.size.pixels() > 0);
            prop_assert!(place.x + place.size.width <= w && place.y + place.size.height <= h);
            prop_assert!(place.size.width == w || place.size.height == h);
        }

        #[test]
        fn what_is_alike_fills_all(w in 1..5000u32, h in 1..5000u32, a in 1..100, b in 1..100, times in 1..9) {
            let canvas = kind(w, h, (a, b));
            let alike = kind(w, h, (a * times, b * times));
            prop_assert!(canvas.is_like(alike));
            prop_assert_eq!(canvas.place(alike), Placement { x: 0, y: 0, size: canvas.size });
        }
    }
}
