//! Which stretches of a film are interlaced, out of what was seen in each of its frames.
//!
//! A frame alone is often misjudged, so the film is cut where that contradicts the fewest of them: each frame that looks other
//! than the part that it is in costs something, and so does each cut. What a frame costs depends on its flag:
//! - One that is flagged interlaced and looks so counts four times as much as one that looks progressive. (So a fifth decides.)
//! - One that is not flagged has to be combed as well, since rows that scroll look like fields to `idet`, and counts a third of
//!   one that looks progressive. (So three quarters decide.)
//! - One in which nothing moves decides nothing, but that at a cut it goes to the side that its flag or its combs speak for.
//!
//! Two cuts cost as much as half a second of frames that look progressive. Parts that are shorter than that are none: they
//! become as interlaced ones beside them, if there are such, else progressive. Without a flag, interlaced ones must have a whole
//! second. What is left is checked by the rule for whole films (`counts`).
//!
//! Where flags tell, they say to the frame where a part begins and ends, and which frames within stay as they are.

use std::ops::Range;

use super::counts::Counts;
use super::sample::{Sample, Seen};
use super::{FieldOrder, Stretch};

/// The costs of a frame that contradicts its part, and is counted once.
const ONE: u32 = 100;

/// What a part of a film is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Progressive,
    TopFirst,
    BottomFirst,
}

const STATES: [State; 3] = [State::Progressive, State::TopFirst, State::BottomFirst];

/// The stretches of a film that are interlaced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Ascending, with other frames between them, or of another field order.
    pub(super) stretches: Vec<Stretch>,
    /// The same without the frames that are flagged progressive, and rightly.
    pub(super) without_progressive: Vec<Stretch>,
}

/// What decides beside the samples.
#[derive(Debug, Clone, Copy)]
pub(super) struct Film<'a> {
    pub(super) samples: &'a [Sample],
    /// All frames count as flagged: the film is, though its frames are not.
    pub(super) is_flagged: bool,
    /// Frames beside cycles of 2:3 pulldown, which count as flagged, since only two of five are combed.
    pub(super) pulldown: &'a [bool],
    /// Frames of half a second.
    pub(super) least: u32,
}

/// Finds the stretches.
pub(super) fn find(film: &Film<'_>) -> Found {
    let states = film.cheapest();
    let mut runs = runs(&states);
    film.fill(&mut runs);
    let mut stretches: Vec<Stretch> = runs.into_iter().filter_map(|run| film.checked(run)).collect();
    if !Counts::of(film.samples).flags_tell() {
        return Found { without_progressive: stretches.clone(), stretches };
    }
    film.extend(&mut stretches);
    let without_progressive = stretches.iter().flat_map(|stretch| film.flagged_of(stretch)).collect();
    Found { stretches, without_progressive }
}

/// Frames of one state.
type Run = (Range<u32>, State);

fn runs(states: &[State]) -> Vec<Run> {
    let mut end = 0;
    let run = |states: &[State]| {
        let begin = end;
        end += states.len() as u32;
        (begin..end, states[0])
    };
    states.chunk_by(PartialEq::eq).map(run).collect()
}

impl Film<'_> {
    fn counts_as_flagged(&self, frame: usize) -> bool {
        let is_flagged = |sample: &Sample| sample.is_flagged;
        self.is_flagged
            || self.samples.get(frame).is_some_and(is_flagged)
            || self.pulldown.get(frame).copied().unwrap_or_default()
    }

    /// What a frame costs in each of [`STATES`].
    fn costs(&self, frame: usize) -> [u32; 3] {
        let sample = &self.samples[frame];
        let is_flagged = self.counts_as_flagged(frame);
        let (progressive, of_other_order) = match (is_flagged, sample.is_combed) {
            (true, _) => (4 * ONE, 8 * ONE),
            (false, true) => (ONE, 2 * ONE),
            (false, false) => (0, ONE),
        };
        let of_order = if is_flagged || sample.is_combed { 0 } else { ONE };
        match sample.alone {
            Seen::TopFirst => [progressive, of_order, of_other_order],
            Seen::BottomFirst => [progressive, of_other_order, of_order],
            Seen::Progressive if is_flagged => [0, ONE, ONE],
            Seen::Progressive => [0, 3 * ONE, 3 * ONE],
            Seen::Nothing if is_flagged => [1, 0, 0],
            Seen::Nothing if sample.is_combed => [ONE / 4, 0, 0],
            Seen::Nothing => [0, ONE / 20, ONE / 20],
        }
    }

    /// The states that cost the least, by dynamic programming.
    fn cheapest(&self) -> Vec<State> {
        let cut = u64::from(self.least) * u64::from(ONE) / 2;
        let mut totals = [0_u64; 3];
        // For each frame, the state before each of its states.
        let mut before: Vec<[u8; 3]> = Vec::with_capacity(self.samples.len());
        for frame in 0..self.samples.len() {
            let best = (0..3).min_by_key(|&state| totals[state]).unwrap_or_default();
            let mut from = [0; 3];
            let mut next = [0; 3];
            for (state, cost) in self.costs(frame).into_iter().enumerate() {
                let stays = totals[state] <= totals[best] + cut;
                let (origin, total) = if stays { (state, totals[state]) } else { (best, totals[best] + cut) };
                from[state] = origin as u8;
                next[state] = total + u64::from(cost);
            }
            before.push(from);
            totals = next;
        }
        let mut state = (0..3).min_by_key(|&state| totals[state]).unwrap_or_default();
        let mut states = Vec::with_capacity(before.len());
        for from in before.iter().rev() {
            states.push(STATES[state]);
            state = usize::from(from[state]);
        }
        states.reverse();
        states
    }

    /// Makes parts that are too short as the interlaced ones before them, else as those behind, if there are such.
    fn fill(&self, runs: &mut Vec<Run>) {
        for place in 0..runs.len() {
            let (frames, state) = &runs[place];
            let beside = [place.checked_sub(1), Some(place + 1)].into_iter().flatten();
            let mut others = beside.filter_map(|place| runs.get(place)).map(|run| run.1);
            let other = others.find(|other| *other != State::Progressive && other != state);
            if let Some(other) = other.filter(|_| frames.len() < self.least as usize) {
                runs[place].1 = other;
            }
        }
        runs.dedup_by(|next, run| {
            let is_one = next.1 == run.1;
            if is_one {
                run.0.end = next.0.end;
            }
            is_one
        });
    }

    /// The stretch of a run, if it is one.
    fn checked(&self, (frames, state): Run) -> Option<Stretch> {
        let order = match state {
            State::Progressive => return None,
            State::TopFirst => FieldOrder::TopFirst,
            State::BottomFirst => FieldOrder::BottomFirst,
        };
        let (mut flagged, mut others) = (Vec::new(), Vec::new());
        for frame in frames.start as usize..frames.end as usize {
            let kind = if self.counts_as_flagged(frame) { &mut flagged } else { &mut others };
            kind.push(self.samples[frame]);
        }
        // The larger part decides.
        let is_flagged = flagged.len() >= others.len();
        let (least, counts) = if is_flagged {
            (self.least, Counts::of(&flagged))
        } else {
            (2 * self.least, Counts::of(&others))
        };
        let is_long = frames.len() >= (least as usize).min(self.samples.len());
        let is_seen = counts.seen() > 0 && counts.is_interlaced(is_flagged);
        (is_long && is_seen).then_some(Stretch { frames, order })
    }

    /// Lets stretches begin and end where their flags do, where that is near.
    fn extend(&self, stretches: &mut [Stretch]) {
        let is_flagged = |frame: &u32| self.samples[*frame as usize].is_flagged;
        let near = 2 * self.least;
        for place in 0..stretches.len() {
            let before = place.checked_sub(1).map_or(0, |place| stretches[place].frames.end);
            let end = self.samples.len() as u32;
            let behind = stretches.get(place + 1).map_or(end, |next| next.frames.start);
            let frames = &mut stretches[place].frames;
            let earlier = (before..frames.start).rev().take_while(is_flagged).count() as u32;
            if earlier <= near {
                frames.start -= earlier;
            }
            let later = (frames.end..behind).take_while(is_flagged).count() as u32;
            if later <= near {
                frames.end += later;
            }
        }
    }

    /// A stretch without the frames that are flagged progressive and do not look otherwise.
    fn flagged_of(&self, stretch: &Stretch) -> Vec<Stretch> {
        let Range { start, end } = stretch.frames;
        let mut end_before = start;
        let mut parts: Vec<Stretch> = Vec::new();
        for samples in
            self.samples[start as usize..end as usize].chunk_by(|a, b| a.is_flagged == b.is_flagged)
        {
            let frames = end_before..end_before + samples.len() as u32;
            end_before = frames.end;
            if !samples[0].is_flagged && Counts::of(samples).stay_progressive() {
                continue;
            }
            match parts.last_mut() {
                Some(last) if last.frames.end == frames.start => last.frames.end = frames.end,
                _ => parts.push(Stretch { frames, order: stretch.order }),
            }
        }
        parts
    }
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init, reason = "lists of ranges, some of one")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fields::sample::Repeated;

    /// A frame as a letter: `p` looks progressive, `t` and `b` interlaced and combed, `s` scrolling, `.` like nothing, `c` combed
    /// like nothing; capitals are flagged.
    fn sample(letter: char) -> Sample {
        let looks = match letter.to_ascii_lowercase() {
            'p' => Seen::Progressive,
            't' | 's' => Seen::TopFirst,
            'b' => Seen::BottomFirst,
            _ => Seen::Nothing,
        };
        let is_flagged = letter.is_ascii_uppercase() || letter == '!';
        let is_combed = is_flagged || matches!(letter, 't' | 'b' | 'c');
        Sample { is_flagged, alone: looks, seen: looks, repeated: Repeated::Neither, is_combed }
    }

    fn frames(parts: &[(&str, usize)]) -> Vec<Sample> {
        parts
            .iter()
            .flat_map(|(letters, times)| letters.repeat(*times).chars().map(sample).collect::<Vec<_>>())
            .collect()
    }

    fn found(samples: &[Sample]) -> Found {
        find(&Film { samples, is_flagged: false, pulldown: &[], least: 12 })
    }

    /// The stretches of a film, each with the letter of its order.
    fn stretches(parts: &[(&str, usize)]) -> Vec<(Range<u32>, char)> {
        let letter = |order| if order == FieldOrder::TopFirst { 't' } else { 'b' };
        found(&frames(parts)).stretches.into_iter().map(|s| (s.frames, letter(s.order))).collect()
    }

    #[test]
    fn a_film_is_cut_where_its_frames_change() {
        assert_eq!(stretches(&[("p", 50), ("t", 50)]), [(50..100, 't')]);
        assert_eq!(stretches(&[("t", 50), ("p", 50)]), [(0..50, 't')]);
        assert_eq!(stretches(&[("P", 50), ("T", 50)]), [(50..100, 't')]);
        assert_eq!(stretches(&[("T", 50), ("P", 50), ("B", 50)]), [(0..50, 't'), (100..150, 'b')]);
        assert_eq!(stretches(&[("t", 50), ("b", 50)]), [(0..50, 't'), (50..100, 'b')]);
        let turns: Vec<(&str, usize)> = [("p", 40), ("t", 40)].repeat(5);
        let wanted = [40..80, 120..160, 200..240, 280..320, 360..400];
        assert_eq!(stretches(&turns), wanted.map(|frames| (frames, 't')));
    }

    #[test]
    fn frames_that_are_misjudged_do_not_cut_it() {
        assert_eq!(stretches(&[("ttttp", 16)]), [(0..80, 't')]);
        assert_eq!(stretches(&[("t", 40), ("p", 8), ("t", 40)]), [(0..88, 't')]);
        assert_eq!(stretches(&[("t", 40), ("b", 3), ("t", 40)]), [(0..83, 't')]);
        assert_eq!(stretches(&[("T", 40), ("B", 2), ("P", 6), ("TPPP", 20)]), [(0..128, 't')]);
        assert_eq!(stretches(&[("p", 5), ("t", 40), ("p", 5)]), [(0..50, 't')]);
        assert_eq!(stretches(&[("p", 100), ("t", 8), ("p", 100)]), []);
        assert_eq!(stretches(&[("P", 100), ("T", 8), ("P", 100)]), []);
        assert_eq!(stretches(&[("p", 100), ("s", 90), ("p", 100)]), []);
        assert_eq!(stretches(&[("pptb", 50)]), []);
        assert_eq!(stretches(&[("PPPPTB", 50)]), []);
    }

    #[test]
    fn where_nothing_moves_the_flag_or_the_comb_decides() {
        assert_eq!(stretches(&[("p", 50), (".", 10), ("t", 50)]), [(60..110, 't')]);
        assert_eq!(stretches(&[("p", 50), ("c", 10), ("t", 50)]), [(50..110, 't')]);
        assert_eq!(stretches(&[("P", 50), ("!", 10), ("T", 50)]), [(50..110, 't')]);
        assert_eq!(stretches(&[("t", 50), (".", 200), ("t", 50)]), [(0..300, 't')]);
        assert_eq!(stretches(&[("p", 50), ("!", 300), ("p", 50)]), []);
        assert_eq!(stretches(&[(".", 300)]), []);
    }

    #[test]
    fn flags_that_tell_say_where_a_stretch_begins_and_what_stays() {
        // Calm frames at the beginning of an interlaced scene look progressive.
        assert_eq!(stretches(&[("p", 50), ("P", 14), ("T", 50), ("P", 9), ("p", 50)]), [(50..123, 't')]);
        // Where all frames are flagged, flags say nothing.
        assert_eq!(stretches(&[("P", 50), ("T", 50)]), [(50..100, 't')]);
        let mixed = frames(&[("p", 50), ("T", 20), ("p", 4), ("T", 20), ("t", 4), ("T", 20)]);
        let found = found(&mixed);
        assert_eq!(found.stretches.iter().map(|s| s.frames.clone()).collect::<Vec<_>>(), [50..118]);
        let parts: Vec<_> = found.without_progressive.iter().map(|s| s.frames.clone()).collect();
        assert_eq!(parts, [50..70, 74..118]);
    }

    proptest! {
        #[test]
        fn stretches_are_ascending_and_within_the_film(
            runs in proptest::collection::vec((0_usize..11, 1_usize..60), 0..12), is_flagged: bool, least in 1_u32..40,
        ) {
            let letters: Vec<char> = "ptbs.cPTBS!".chars().collect();
            let samples: Vec<Sample> =
                runs.iter().flat_map(|&(letter, count)| vec![sample(letters[letter]); count]).collect();
            let found = find(&Film { samples: &samples, is_flagged, pulldown: &[], least });
            prop_assert!(Stretch::are_within(&found.stretches, samples.len()), "{:?}", found);
            prop_assert!(Stretch::are_within(&found.without_progressive, samples.len()), "{:?}", found);
            let is_found = |frame| Stretch::order_at(&found.stretches, frame).is_some();
            let is_within = |stretch: &Stretch| stretch.frames.clone().all(is_found);
            prop_assert!(found.without_progressive.iter().all(is_within));
        }
    }
}
