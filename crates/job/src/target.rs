//! How large a result is.

use serde::{Deserialize, Serialize};

use crate::{Scale, SettingsError};

/// How large the result is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// So many times the source, in both directions.
    Scale(Scale),
    /// So many rows; the width follows.
    Height(u32),
    /// So many pixels in a row; the height follows.
    Width(u32),
    /// As large as a screen of so many square pixels shows whole, without changing the shape that people see.
    Fit {
        /// Pixels in a row of the screen.
        width: u32,
        /// Rows of the screen.
        height: u32,
    },
}

/// Largest width and height that the H.264 encoder takes (libx264's own limit).
pub const LARGEST_SIDE: u32 = 16_384;

/// The size of a source's pictures as they are stored, and how players show them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Width and height of a pixel in relation to each other; square where one of them is 0.
    pub pixel: (u32, u32),
    /// Players turn the picture by a quarter, so that its columns become rows.
    pub is_turned: bool,
}

impl Shape {
    /// Pictures of square pixels that stand upright.
    pub const fn upright(width: u32, height: u32) -> Self {
        Self { width, height, pixel: (1, 1), is_turned: false }
    }

    /// Width and height of a pixel as it is stored, both positive.
    fn pixel(self) -> (u64, u64) {
        match self.pixel {
            (0, _) | (_, 0) => (1, 1),
            (width, height) => (width.into(), height.into()),
        }
    }
}

impl Target {
    /// So many times the source.
    pub const fn times(times: u32) -> Self {
        Self::Scale(Scale::whole(times))
    }

    /// Width and height of the result as it is stored. Shape of the pixels and rotation stay those of the source.
    ///
    /// Both are even, since 4:2:0 video has one colour sample for two pixels. Odd ones are rounded up by one, save for
    /// [`Target::Fit`], which stays within the screen.
    ///
    /// # Errors
    /// When a side would be larger than [`LARGEST_SIDE`] or the source has no pixels.
    pub fn size(self, source: Shape) -> Result<(u32, u32), SettingsError> {
        if source.width == 0 || source.height == 0 {
            return Err(SettingsError::EmptySource);
        }
        let (width, height) = (u64::from(source.width), u64::from(source.height));
        let (wide, high) = match self {
            Self::Scale(factor) => (factor.of(width), factor.of(height)),
            Self::Height(rows) => (follow(rows.into(), width, height), rows.into()),
            Self::Width(columns) => (columns.into(), follow(columns.into(), height, width)),
            Self::Fit { width, height } => fit(source, (width, height)),
        };
        let (wide, high) = (wide.next_multiple_of(2), high.next_multiple_of(2));
        if wide.max(high) > u64::from(LARGEST_SIDE) {
            return Err(SettingsError::TooLarge { width: wide, height: high });
        }
        Ok((wide as u32, high as u32))
    }
}

/// The side that belongs to `chosen` as `other` belongs to `side`, rounded to a whole number.
fn follow(chosen: u64, other: u64, side: u64) -> u64 {
    ((2 * other * chosen + side) / (2 * side)).max(1)
}

/// The largest even size whose picture lies within a screen, both as it is stored and as it is shown.
fn fit(source: Shape, (wide, high): (u32, u32)) -> (u64, u64) {
    let (width, height) = (u64::from(source.width), u64::from(source.height));
    // The screen as the stored picture lies on it.
    let (wide, high) = if source.is_turned { (high, wide) } else { (wide, high) };
    let (across, down) = source.pixel();
    // Wide pixels take more of the screen than one of its own. Narrow ones take less, but a file that is larger than the
    // screen is not what was asked for.
    let most_columns = if across > down { u64::from(wide) * down / across } else { u64::from(wide) };
    let (most_columns, most_rows) = (even(most_columns), even(high.into()));
    let nearest = |chosen: u64, other: u64, side: u64| ((other * chosen + side) / (2 * side) * 2).max(2);
    if width * most_rows >= height * most_columns {
        (most_columns, nearest(most_columns, height, width).min(most_rows))
    } else {
        (nearest(most_rows, width, height).min(most_columns), most_rows)
    }
}

/// The next smaller even number, at least 2.
fn even(side: u64) -> u64 {
    (side / 2 * 2).max(2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn size(target: Target, width: u32, height: u32) -> Result<(u32, u32), SettingsError> {
        target.size(Shape::upright(width, height))
    }

    fn fit(source: Shape, width: u32, height: u32) -> (u32, u32) {
        Target::Fit { width, height }.size(source).unwrap()
    }

    #[test]
    fn results_have_even_sides() {
        assert_eq!(size(Target::times(4), 427, 239), Ok((1708, 956)));
        assert_eq!(size(Target::times(3), 427, 239), Ok((1282, 718)));
        assert_eq!(size(Target::Height(1080), 640, 272), Ok((2542, 1080)));
        assert_eq!(size(Target::times(4), 1, 1), Ok((4, 4)));
        assert_eq!(size(Target::Height(2), 1, 1000), Ok((2, 2)));
        assert_eq!(size(Target::Width(1920), 640, 272), Ok((1920, 816)));
        assert_eq!(size(Target::Width(1919), 640, 272), Ok((1920, 816)));
        assert_eq!(size(Target::Width(2), 1000, 1), Ok((2, 2)));
    }

    #[test]
    fn results_that_no_encoder_takes_are_refused() {
        assert!(matches!(size(Target::times(4), 4098, 100), Err(SettingsError::TooLarge { .. })));
        assert!(matches!(size(Target::Height(720), 100_000, 2), Err(SettingsError::TooLarge { .. })));
        assert!(matches!(size(Target::Width(720), 2, 100_000), Err(SettingsError::TooLarge { .. })));
        assert_eq!(size(Target::times(2), 0, 5), Err(SettingsError::EmptySource));
    }

    #[test]
    fn a_screen_shows_the_whole_picture_as_large_as_it_can() {
        for ((width, height), found) in [
            ((640, 360), (1920, 1080)),
            ((640, 272), (1920, 816)),
            ((640, 480), (1440, 1080)),
            ((853, 480), (1920, 1080)),
            // Smaller than the source.
            ((3840, 2160), (1920, 1080)),
            ((1, 1000), (2, 1080)),
        ] {
            assert_eq!(fit(Shape::upright(width, height), 1920, 1080), found, "{width}x{height}");
        }
        assert_eq!(fit(Shape::upright(640, 360), 1, 1), (2, 2));
        assert_eq!(fit(Shape::upright(640, 360), 1921, 1081), (1920, 1080));
    }

    #[test]
    fn a_screen_knows_wide_pixels_and_turned_pictures() {
        let anamorphic = Shape { pixel: (4, 3), ..Shape::upright(1440, 1080) };
        assert_eq!(fit(anamorphic, 1920, 1080), (1440, 1080));
        assert_eq!(fit(anamorphic, 3840, 2160), (2880, 2160));
        // 720x576 shown as 1024x576.
        assert_eq!(fit(Shape { pixel: (64, 45), ..Shape::upright(720, 576) }, 1920, 1080), (1350, 1080));
        // 720x480 shown as 640x480.
        assert_eq!(fit(Shape { pixel: (8, 9), ..Shape::upright(720, 480) }, 1920, 1080), (1620, 1080));
        // A telephone held upright.
        let turned = Shape { is_turned: true, ..Shape::upright(640, 360) };
        assert_eq!(fit(turned, 1920, 1080), (1080, 608));
        assert_eq!(fit(Shape { pixel: (0, 1), ..Shape::upright(640, 360) }, 1920, 1080), (1920, 1080));
    }

    proptest! {
        #[test]
        fn a_picture_never_leaves_its_screen_and_touches_its_border(
            width in 1_u32..5000, height in 1_u32..5000,
            wide in 2_u32..8000, high in 2_u32..8000,
            across in 1_u32..100, down in 1_u32..100,
            is_turned: bool,
        ) {
            let source = Shape { width, height, pixel: (across, down), is_turned };
            let (columns, rows) = Target::Fit { width: wide, height: high }.size(source).unwrap();
            prop_assert!(columns % 2 == 0 && rows % 2 == 0);
            let (wide, high) = if is_turned { (high, wide) } else { (wide, high) };
            // In units of which a column of the screen has `down`.
            let stretch = across.max(down);
            prop_assert!((columns * stretch <= wide * down || columns == 2) && rows <= high);
            let is_touching = (columns + 2) * stretch > wide * down || rows + 2 > high;
            prop_assert!(is_touching, "{}x{}", columns, rows);
        }
    }
}
