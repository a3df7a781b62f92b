//! What a film takes, by what was seen of it.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::Work;
use crate::state::Job;

/// Most parts of a film of which it is known apart how much changes.
pub(crate) const MOST_PARTS: usize = 256;
/// All of a picture.
const WHOLE: f64 = u16::MAX as f64;

/// What decoding a picture takes that does not change, as a share of what one takes that does.
const STILL: f64 = 0.1;

/// How much of the pictures of a film changes from one to the next: means over equal parts of its frames, as shares of a picture in
/// 1/65535. Without parts, all of every picture counts as changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Changes(pub Vec<u16>);

impl Changes {
    /// Those of a film of whose frames each changes by its share of a picture in 1/65535.
    pub fn of(shares: &[u16]) -> Self {
        let count = shares.len().min(MOST_PARTS);
        let part = |number: usize| {
            let part = &shares[number * shares.len() / count..(number + 1) * shares.len() / count];
            (part.iter().map(|&share| u64::from(share)).sum::<u64>() / part.len().max(1) as u64) as u16
        };
        Self((0..count).map(part).collect())
    }

    /// How many whole pictures the changes of a range amount to, of a film of so many frames.
    pub fn within(&self, range: Range<f64>, frames: f64) -> f64 {
        let (from, to) = (range.start.max(0.0), range.end.min(frames));
        if from >= to {
            return 0.0;
        }
        if self.0.is_empty() {
            return to - from;
        }
        let each = frames / self.0.len() as f64;
        let first = (from / each) as usize;
        let parts =
            self.0.iter().enumerate().skip(first).take_while(|&(number, _)| (number as f64) * each < to);
        parts
            .map(|(number, &share)| {
                let (begin, end) = (number as f64 * each, (number + 1) as f64 * each);
                (to.min(end) - from.max(begin)).max(0.0) * f64::from(share) / WHOLE
            })
            .sum()
    }
}

/// A film, as far as it tells what the work on it takes.
#[derive(Debug, Clone, Copy)]
pub struct Film<'a> {
    /// Its frames.
    pub frames: u32,
    /// Pixels of one of its pictures.
    pub pixels: u64,
    /// Pixels of a picture of the result.
    pub result_pixels: u64,
    /// Operations of the network for a pixel of the source; 0 without a network.
    pub operations: u64,
    /// How much changes from picture to picture.
    pub changes: &'a Changes,
}

impl<'a> Film<'a> {
    /// The film of a job; `None` before it was indexed.
    pub fn of(job: &'a Job) -> Option<Self> {
        let (facts, plan) = (job.facts.as_ref()?, job.plan.as_ref()?);
        Some(Self {
            frames: facts.frames,
            pixels: u64::from(facts.width) * u64::from(facts.height),
            result_pixels: u64::from(plan.width) * u64::from(plan.height),
            operations: facts.operations_per_pixel,
            changes: &facts.changes,
        })
    }

    /// What making a range of its frames takes.
    pub fn segment(&self, range: Range<f64>) -> Work {
        let all = f64::from(self.frames);
        let frames = (range.end.min(all) - range.start.max(0.0)).max(0.0);
        let changed = if self.operations == 0 { 0.0 } else { self.changes.within(range, all) };
        Work {
            computed: changed * self.pixels as f64,
            encoded: frames * self.result_pixels as f64,
            ..Work::default()
        }
    }

    /// What reading so many of its frames takes.
    pub fn reading(&self, frames: f64) -> Work {
        Work { read: frames.max(0.0) * self.pixels as f64, ..Work::default() }
    }

    /// What joining its segments and verifying the result takes: pictures that stand still are decoded in next to no time.
    pub fn join(&self) -> Work {
        let all = f64::from(self.frames);
        let changed = self.changes.within(0.0..all, all);
        let pictures = STILL * all + (1.0 - STILL) * changed;
        Work { joined: pictures * self.result_pixels as f64, ..Work::default() }
    }

    /// What making its segments still takes where so many frames are finished, beside segments that are under way with so many
    /// frames each. Segments are made in order; of finished ones that lie elsewhere the mean is taken.
    pub fn segments_left(&self, finished: u64, under_way: &[(Range<u32>, u32)]) -> Work {
        let all = f64::from(self.frames);
        let claimed: u64 =
            under_way.iter().map(|(range, _)| u64::from(range.end.saturating_sub(range.start))).sum();
        let reached =
            under_way.iter().map(|(range, _)| range.end).max().map_or(finished as f64, f64::from).min(all);
        // Where all is made in order, these are the frames behind the last segment under way.
        let (unclaimed, behind) = ((all - (finished + claimed) as f64).max(0.0), all - reached);
        let share = if behind > 0.0 { (unclaimed / behind).min(1.0) } else { 0.0 };
        let mut left = scaled(self.segment(reached..all), share);
        for (range, made) in under_way {
            let from = range.start.saturating_add(*made).min(range.end);
            left += self.segment(f64::from(from)..f64::from(range.end));
        }
        if unclaimed > behind && reached > 0.0 {
            left += scaled(self.segment(0.0..reached), ((unclaimed - behind) / reached).min(1.0));
        }
        left
    }
}

fn scaled(work: Work, share: f64) -> Work {
    Work { computed: work.computed * share, encoded: work.encoded * share, ..work }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn film(changes: &Changes) -> Film<'_> {
        Film { frames: 1000, pixels: 100, result_pixels: 1600, operations: 7, changes }
    }

    #[test]
    fn a_range_takes_what_changes_in_it() {
        // The first half stands still, in the second everything changes.
        let shares: Vec<u16> = (0..1000).map(|frame| if frame < 500 { 0 } else { u16::MAX }).collect();
        let changes = Changes::of(&shares);
        assert_eq!(changes.0.len(), MOST_PARTS);
        let film = film(&changes);
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-6, "{a} {b}");
        near(film.segment(0.0..400.0).computed, 0.0);
        near(film.segment(600.0..700.0).computed, 100.0 * 100.0);
        near(film.segment(0.0..1000.0).computed, 500.0 * 100.0);
        near(film.segment(0.0..1000.0).encoded, 1000.0 * 1600.0);
        near(Film { operations: 0, ..film }.segment(0.0..1000.0).computed, 0.0);
        near(film.join().joined, 550.0 * 1600.0);
        near(Changes::default().within(10.0..30.0, 1000.0), 20.0);
    }

    #[test]
    fn what_is_left_is_all_but_what_is_finished_and_made() {
        let changes = Changes::default();
        let film = film(&changes);
        assert_eq!(film.segments_left(0, &[]), film.segment(0.0..1000.0));
        assert_eq!(film.segments_left(400, &[]), film.segment(400.0..1000.0));
        assert_eq!(film.segments_left(400, &[(400..500, 30)]), film.segment(430.0..1000.0));
        // Of two lanes one is ahead.
        let two = film.segments_left(300, &[(400..500, 30), (300..400, 90)]);
        assert!((two.encoded - film.segment(0.0..580.0).encoded).abs() < 1e-6);
        // A damaged segment is made again: all others are finished.
        assert_eq!(film.segments_left(900, &[(0..100, 25)]), film.segment(25.0..100.0));
        let left = film.segments_left(800, &[(900..1000, 0)]);
        assert!((left.encoded - film.segment(0.0..200.0).encoded).abs() < 1e-6);
    }

    proptest! {
        #[test]
        fn parts_of_a_film_add_up(
            shares in prop::collection::vec(any::<u16>(), 0..900),
            cut in 0.0_f64..1.0,
        ) {
            let (changes, frames) = (Changes::of(&shares), shares.len() as f64);
            let at = cut * frames;
            let (before, after, all) =
                (changes.within(0.0..at, frames), changes.within(at..frames, frames), changes.within(0.0..frames, frames));
            prop_assert!((before + after - all).abs() < 1e-6 * (1.0 + all));
            prop_assert!(before >= 0.0 && after >= 0.0 && all <= frames);
        }

        #[test]
        fn the_more_is_made_the_less_is_left(
            shares in prop::collection::vec(any::<u16>(), 1..900),
            finished in 0_u64..900,
            made in 0_u32..900,
        ) {
            let changes = Changes::of(&shares);
            let film = Film { frames: shares.len() as u32, ..film(&changes) };
            let left = |finished, made| film.segments_left(finished, &[(finished as u32..shares.len() as u32, made)]);
            let (less, more) = (left(finished, made + 1), left(finished, made));
            prop_assert!(less.computed <= more.computed + 1e-6 && less.encoded <= more.encoded + 1e-6);
            prop_assert!(less.computed >= 0.0 && less.encoded >= 0.0);
        }
    }
}
