//! Black bars: which rows and columns at the border of a picture are black in all frames of a film.
//!
//! A row (and likewise a column) is seen when it holds some samples that are clearly brighter than black, or when all of it
//! together is a little brighter. Once one is seen, all further out are as well up to the first without a single clear
//! sample, so that no letter loses its tip. A single sample alone is noise: captures of tapes have some in every frame, and
//! a film would have to be free of them for hours.

use crate::{Area, Size};

/// Levels of 255 above black from which on a sample is clearly brighter: five times the standard deviation of the noise in
/// the bars of a bad tape.
const CLEAR: u32 = 20;
/// Levels of 255 by which the mean of a row is above black where it is a dim picture: noise around black, of which what
/// is blacker was clipped, has less than two.
const DIM: u32 = 6;
/// Fewest clear samples of a row or column: the stroke of a letter is wider.
const FEWEST: u32 = 3;
/// The share of a row or column that must be clear where that is more.
const SHARE: u32 = 256;

/// Bars whose rows (or columns) together are less than this share of the picture are not worth another shape.
const LEAST: u32 = 32;
/// What is left of a side is at least this share of it: smaller is the title of a black film, not a picture between bars.
const MOST: u32 = 3;

/// What the samples of a plane mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Brightness, or one of three colours: the level of black.
    Bright(u32),
    /// A difference of colours: the level of gray. What is away from it in either direction is seen.
    Chroma(u32),
}

/// A plane of samples.
#[derive(Debug, Clone, Copy)]
pub struct Plane<'a, R> {
    /// Samples in a row, and rows.
    pub size: Size,
    /// Bits of a sample: 8, or up to 16 in two bytes, the lower one first.
    pub depth: u32,
    /// What the samples mean.
    pub level: Level,
    /// Columns and rows of the picture that share a sample, as powers of two.
    pub shift: (u32, u32),
    /// Gives the bytes of a row.
    pub row: &'a R,
}

/// What was seen of the pictures of a size so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    size: Size,
    /// The first row or column that was seen and the one behind the last.
    rows: Option<Range>,
    columns: Option<Range>,
}

impl Seen {
    /// Nothing was seen of pictures of this size.
    pub const fn nothing(size: Size) -> Self {
        Self { size, rows: None, columns: None }
    }

    /// Everything was seen.
    pub const fn everything(size: Size) -> Self {
        Self { size, rows: Some((0, size.height)), columns: Some((0, size.width)) }
    }

    /// The part of the pictures outside which all was black; `None` where all was black.
    pub fn area(&self) -> Option<Area> {
        if self.rows.is_none() && self.columns.is_none() {
            return None;
        }
        // A thin line is seen in one direction alone.
        let (top, bottom) = self.rows.unwrap_or((0, self.size.height));
        let (left, right) = self.columns.unwrap_or((0, self.size.width));
        Some(Area::between((left, top), (right, bottom)))
    }

    /// Looks at what was black so far in a plane of a picture.
    pub fn look<'b, R: Fn(u32) -> &'b [u8]>(&mut self, plane: &Plane<'_, R>) {
        let (across, down) = plane.shift;
        let grow = |known: &mut Option<Range>, seen: Option<Range>, shift: u32, most: u32| {
            if let Some((begin, end)) = seen {
                let (begin, end) = (begin << shift, (end << shift).min(most));
                *known = Some(known.map_or((begin, end), |known| (known.0.min(begin), known.1.max(end))));
            }
        };
        // Samples of chroma that the known part has a share in are known.
        let shared = |known: Option<Range>, shift: u32| {
            known.map(|(begin, end)| (begin >> shift, end.div_ceil(1 << shift)))
        };
        let rows = plane.rows(shared(self.rows, down));
        grow(&mut self.rows, rows, down, self.size.height);
        let columns = plane.columns(shared(self.columns, across));
        grow(&mut self.columns, columns, across, self.size.width);
    }
}

/// The first row or column, and the one behind the last.
type Range = (u32, u32);

/// The known range and what is seen outside of it; `None` where that is nothing. Next to what is newly seen, rows count from
/// the first clear sample on.
fn widened(
    known: Option<Range>,
    length: u32,
    is_seen: impl Fn(u32) -> bool,
    is_touched: impl Fn(u32) -> bool,
) -> Option<Range> {
    let (before, behind) = match known {
        Some((begin, end)) => (0..begin, end..length),
        None => (0..length, 0..length),
    };
    let first = before.into_iter().find(|&at| is_seen(at));
    if known.is_none() && first.is_none() {
        return None;
    }
    let last = behind.rev().find(|&at| is_seen(at));
    first.or(last)?;
    let out = |from: u32, step: fn(u32) -> Option<u32>| {
        let next = |&at: &u32| step(at).filter(|&at| at < length && is_touched(at));
        std::iter::successors(Some(from), next).last().unwrap_or(from)
    };
    let begin = first.map(|first| out(first, |at| at.checked_sub(1)));
    let end = last.map(|last| out(last, |at| at.checked_add(1)) + 1);
    let (of_known, until_known) = known.unwrap_or((length, 0));
    Some((begin.unwrap_or(of_known), end.unwrap_or(until_known)))
}

/// What was counted in a row or column.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    clear: u32,
    sum: u64,
}

impl<'b, R: Fn(u32) -> &'b [u8]> Plane<'_, R> {
    fn rows(&self, known: Option<Range>) -> Option<Range> {
        let count = |y: u32| self.count((self.row)(y));
        let is_seen = |y| self.is_seen(count(y), self.size.width);
        widened(known, self.size.height, is_seen, |y| count(y).clear > 0)
    }

    fn columns(&self, known: Option<Range>) -> Option<Range> {
        let width = self.size.width as usize;
        let outside = match known {
            Some((begin, end)) => [0..begin as usize, end as usize..width],
            None => [0..width, width..width],
        };
        if outside.iter().all(std::ops::Range::is_empty) {
            return None;
        }
        let mut counts = vec![Count::default(); width];
        for y in 0..self.size.height {
            let row = (self.row)(y);
            for part in outside.clone() {
                self.add(row, part, &mut counts);
            }
        }
        let count = |x: u32| counts[x as usize];
        let is_seen = |x| self.is_seen(count(x), self.size.height);
        widened(known, self.size.width, is_seen, |x| count(x).clear > 0)
    }

    /// So many levels of 255 as steps of the samples.
    fn levels(&self, levels: u32) -> u32 {
        levels << self.depth.saturating_sub(8)
    }

    fn is_seen(&self, count: Count, samples: u32) -> bool {
        let is_dim = match self.level {
            Level::Bright(black) => count.sum > u64::from(black + self.levels(DIM)) * u64::from(samples),
            // Tapes shift all of it by a little.
            Level::Chroma(_) => false,
        };
        is_dim || count.clear >= FEWEST.max(samples / SHARE)
    }

    /// True for samples that are clearly seen.
    fn clear(&self) -> impl Fn(u32) -> bool + use<'b, R> {
        let (level, clear) = (self.level, self.levels(CLEAR));
        move |sample| match level {
            Level::Bright(black) => sample > black + clear,
            Level::Chroma(gray) => sample.abs_diff(gray) > clear,
        }
    }

    fn count(&self, row: &[u8]) -> Count {
        fn of(samples: impl Iterator<Item = u32>, is_clear: impl Fn(u32) -> bool) -> Count {
            samples.fold(Count::default(), |Count { clear, sum }, sample| Count {
                clear: clear + u32::from(is_clear(sample)),
                sum: sum + u64::from(sample),
            })
        }
        if self.depth > 8 {
            of(row.as_chunks().0.iter().map(|&sample| u16::from_le_bytes(sample).into()), self.clear())
        } else {
            of(row.iter().map(|&sample| sample.into()), self.clear())
        }
    }

    /// Adds a part of a row to the counts of its columns.
    fn add(&self, row: &[u8], part: std::ops::Range<usize>, counts: &mut [Count]) {
        let is_clear = self.clear();
        let add = |count: &mut Count, sample: u32| {
            count.clear += u32::from(is_clear(sample));
            count.sum += u64::from(sample);
        };
        let counts = counts[part.clone()].iter_mut();
        if self.depth > 8 {
            let samples = row.as_chunks().0.get(part).unwrap_or_default();
            counts.zip(samples).for_each(|(count, &sample)| add(count, u16::from_le_bytes(sample).into()));
        } else {
            let samples = row.get(part).unwrap_or_default();
            counts.zip(samples).for_each(|(count, &sample)| add(count, sample.into()));
        }
    }
}

/// What is left of pictures of a size when the bars around what was seen are cut off, or `None` where that is not worth it: each
/// direction is taken alone, and bars that are thin together, or leave next to nothing, stay.
///
/// The sides of what is left lie at multiples of the steps.
pub fn without_bars(seen: Area, picture: Size, steps: (u32, u32)) -> Option<Area> {
    let outer = seen.outward(steps, picture);
    let is_worth_it = |left: u32, of: u32| (of - left) * LEAST >= of && left * MOST >= of;
    let (mut from, mut to) = ((0, 0), (picture.width, picture.height));
    if is_worth_it(outer.size.width, picture.width) {
        (from.0, to.0) = (outer.x, outer.right());
    }
    if is_worth_it(outer.size.height, picture.height) {
        (from.1, to.1) = (outer.y, outer.bottom());
    }
    Some(Area::between(from, to)).filter(|area| *area != Area::whole(picture))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SIZE: Size = Size::new(320, 240);

    /// A picture of one plane.
    struct Picture {
        size: Size,
        depth: u32,
        bytes: Vec<u8>,
    }

    impl Picture {
        /// All samples are of one level of 255.
        fn flat(size: Size, depth: u32, level: u32) -> Self {
            let bytes = vec![0; size.pixels() as usize * if depth > 8 { 2 } else { 1 }];
            let mut picture = Self { size, depth, bytes };
            picture.fill(Area::whole(size), level);
            picture
        }

        fn black() -> Self {
            Self::flat(SIZE, 8, 16)
        }

        fn set(&mut self, (x, y): (u32, u32), level: u32) {
            let at = (y * self.size.width + x) as usize;
            if self.depth > 8 {
                let sample = (level << (self.depth - 8)) as u16;
                self.bytes[2 * at..][..2].copy_from_slice(&sample.to_le_bytes());
            } else {
                self.bytes[at] = level as u8;
            }
        }

        fn fill(&mut self, area: Area, level: u32) {
            for y in area.y..area.bottom() {
                (area.x..area.right()).for_each(|x| self.set((x, y), level));
            }
        }

        /// Noise of about this standard deviation on all samples, the same for a seed.
        fn noise(&mut self, deviation: f64, seed: u64) {
            let mut state = seed | 1;
            let mut random = || {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 40) as f64 / f64::from(1 << 24)
            };
            for sample in &mut self.bytes {
                // Twelve dice have a standard deviation of 1.
                let sum: f64 = (0..12).map(|_| random()).sum::<f64>() - 6.0;
                *sample = (f64::from(*sample) + deviation * sum).round().clamp(0.0, 255.0) as u8;
            }
        }

        fn look(&self, seen: &mut Seen, level: Level, shift: (u32, u32)) {
            let row = |y: u32| {
                let length = self.bytes.len() / self.size.height as usize;
                &self.bytes[y as usize * length..][..length]
            };
            let (size, depth) = (self.size, self.depth);
            seen.look(&Plane { size, depth, level, shift, row: &row });
        }

        fn seen(&self) -> Option<Area> {
            let mut seen = Seen::nothing(self.size);
            self.look(&mut seen, Level::Bright(16 << (self.depth - 8)), (0, 0));
            seen.area()
        }
    }

    fn area(x: u32, y: u32, width: u32, height: u32) -> Area {
        Area { x, y, size: Size::new(width, height) }
    }

    #[test]
    fn what_is_bright_is_seen_in_any_depth() {
        for depth in [8, 9, 10, 12, 16] {
            let mut picture = Picture::flat(SIZE, depth, 16);
            assert_eq!(picture.seen(), None);
            picture.fill(area(0, 30, 320, 180), 128);
            assert_eq!(picture.seen(), Some(area(0, 30, 320, 180)), "{depth} bits");
            picture.fill(area(0, 0, 40, 240), 16);
            assert_eq!(picture.seen(), Some(area(40, 30, 280, 180)), "{depth} bits");
        }
    }

    #[test]
    fn the_bars_are_what_is_black_in_all_pictures() {
        let mut seen = Seen::nothing(SIZE);
        let level = Level::Bright(16);
        Picture::black().look(&mut seen, level, (0, 0));
        assert_eq!(seen.area(), None);
        for (bright, all) in [
            (area(100, 60, 50, 50), area(100, 60, 50, 50)),
            (area(0, 40, 320, 160), area(0, 40, 320, 160)),
            (area(120, 50, 50, 50), area(0, 40, 320, 160)),
            // A subtitle below the picture.
            (area(140, 215, 40, 9), area(0, 40, 320, 184)),
            (area(0, 0, 320, 240), Area::whole(SIZE)),
        ] {
            let mut picture = Picture::black();
            picture.fill(bright, 180);
            picture.look(&mut seen, level, (0, 0));
            assert_eq!(seen.area(), Some(all));
        }
    }

    #[test]
    fn noise_is_black_and_a_dim_picture_is_not() {
        let mut picture = Picture::black();
        picture.fill(area(0, 30, 320, 180), 120);
        let mut seen = Seen::nothing(SIZE);
        for seed in 0..200 {
            let mut noisy = Picture { bytes: picture.bytes.clone(), ..Picture::black() };
            noisy.noise(4.0, seed);
            // Specks of dust and drop-outs.
            noisy.set((17 * seed as u32 % 320, seed as u32 % 30), 235);
            noisy.look(&mut seen, Level::Bright(16), (0, 0));
        }
        assert_eq!(seen.area(), Some(area(0, 30, 320, 180)));
        let mut dim = Picture::black();
        dim.fill(area(0, 10, 320, 220), 24);
        dim.look(&mut seen, Level::Bright(16), (0, 0));
        assert_eq!(seen.area(), Some(area(0, 10, 320, 220)));
    }

    #[test]
    fn letters_keep_their_tips_and_thin_lines_are_seen() {
        let mut picture = Picture::black();
        picture.fill(area(50, 100, 4, 10), 200);
        // A comma's tail of a pixel each row.
        (110..114).for_each(|y| picture.set((50, y), 90));
        assert_eq!(picture.seen(), Some(area(50, 100, 4, 14)));
        let mut line = Picture::black();
        line.fill(area(0, 200, 320, 1), 100);
        assert_eq!(line.seen(), Some(area(0, 200, 320, 1)));
        let mut line = Picture::black();
        line.fill(area(7, 0, 1, 240), 100);
        assert_eq!(line.seen(), Some(area(7, 0, 1, 240)));
    }

    #[test]
    fn colours_are_seen_that_are_hardly_bright() {
        let mut chroma = Picture::flat(Size::new(160, 120), 8, 128);
        let mut seen = Seen::nothing(SIZE);
        // Tapes shift colours by a little.
        Picture::flat(Size::new(160, 120), 8, 124).look(&mut seen, Level::Chroma(128), (1, 1));
        assert_eq!(seen.area(), None);
        chroma.fill(area(20, 10, 30, 15), 60);
        chroma.look(&mut seen, Level::Chroma(128), (1, 1));
        assert_eq!(seen.area(), Some(area(40, 20, 60, 30)));
        // Samples that belong to less than two pixels at the border.
        let mut odd = Seen::nothing(Size::new(319, 239));
        chroma.fill(Area::whole(Size::new(160, 120)), 200);
        chroma.look(&mut odd, Level::Chroma(128), (1, 1));
        assert_eq!(odd.area(), Some(area(0, 0, 319, 239)));
    }

    #[test]
    fn bars_are_cut_off_where_that_is_worth_it() {
        let pal = Size::new(720, 576);
        let cut = |seen: Area| without_bars(seen, pal, (2, 2));
        assert_eq!(cut(area(0, 72, 720, 432)), Some(area(0, 72, 720, 432)));
        // Odd sides go outward.
        assert_eq!(cut(area(0, 73, 720, 431)), Some(area(0, 72, 720, 432)));
        assert_eq!(without_bars(area(0, 74, 720, 428), pal, (2, 4)), Some(area(0, 72, 720, 432)));
        // The blanking beside analog pictures, and its half black columns.
        assert_eq!(cut(area(8, 0, 704, 576)), None);
        assert_eq!(cut(area(9, 72, 702, 432)), Some(area(0, 72, 720, 432)));
        assert_eq!(cut(area(90, 0, 540, 576)), Some(area(90, 0, 540, 576)));
        assert_eq!(cut(area(90, 72, 540, 432)), Some(area(90, 72, 540, 432)));
        // A title on black.
        assert_eq!(cut(area(300, 280, 120, 20)), None);
        assert_eq!(cut(Area::whole(pal)), None);
    }

    proptest! {
        #[test]
        fn nothing_clear_is_ever_outside(
            spots in prop::collection::vec((0..64_u32, 0..48_u32, 3..9_u32, 3..9_u32), 1..6),
            steps in (1..4_u32, 1..4_u32),
        ) {
            let size = Size::new(64, 48);
            let mut seen = Seen::nothing(size);
            let mut all = Vec::new();
            for (x, y, width, height) in spots {
                let spot = Area::between((x, y), ((x + width).min(64), (y + height).min(48)));
                let mut picture = Picture::flat(size, 8, 16);
                picture.fill(spot, 100);
                picture.look(&mut seen, Level::Bright(16), (0, 0));
                // Narrower ones are cut by the border.
                if spot.size.width >= 3 && spot.size.height >= 3 {
                    all.push(spot);
                }
            }
            if let Some(area) = seen.area() {
                prop_assert!(area.is_within(size));
                let kept = without_bars(area, size, steps).unwrap_or(Area::whole(size));
                for spot in all {
                    prop_assert_eq!(area.with(spot), area);
                    prop_assert_eq!(kept.with(spot), kept);
                }
            } else {
                prop_assert!(all.is_empty());
            }
        }
    }
}
