//! What is done to a film, by what was seen of it.
//!
//! Where nothing gives reason to (`gives_reason`), a film stays as it is. Else every frame of it is looked at, and `auto` does this:
//! - 2:3 pulldown is undone in videos of 29.97 or 30 frames where four fifths of the cycles in which something moves, and
//!   four at least, repeat the two fields that it repeats and no others. Decoding everything must then show that nine
//!   tenths of the frames of the film are not combed.
//! - Else the stretches that are interlaced (`stretch`) are deinterlaced, each with its field order. The rest stays as it is.
//! - A video that is flagged interlaced and in which nothing moves is deinterlaced by its flags.

use frame::Rational;

use super::counts::Counts;
use super::pulldown::{self, Cycles};
use super::sample::{Observations, Sample, Seen};
use super::stretch::{self, Found};
use super::{Deinterlace, FieldOrder, Stretch};

/// Rows of the largest interlaced video that there is, encoded in whole blocks. Above, only what is flagged is looked at.
pub(super) const MOST_ROWS: u32 = 1088;
/// Combed frames of a field order at one place that give reason to look at all, and cycles of pulldown.
const REASON: (usize, u32) = (3, 2);

/// What is known of a video beside what was seen of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case {
    pub(super) wanted: Deinterlace,
    /// The stream is flagged interlaced.
    pub(super) is_flagged: bool,
    /// Frames a second, by the word of the file.
    pub(super) rate: Rational,
    /// Pulldown can be undone.
    pub(super) may_be_film: bool,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Does {
    Nothing,
    Frames,
    Fields,
    Film,
}

/// What is done, and what that follows from.
#[derive(Debug, Clone)]
pub(super) struct Decision {
    pub(super) does: Does,
    /// The frames that it is done to.
    pub(super) stretches: Vec<Stretch>,
    /// The stretches that are interlaced.
    pub(super) found: Found,
    pub(super) counts: Counts,
    pub(super) cycles: Cycles,
}

/// Tells whether what was seen at some places, or what the file says, gives reason to look at every frame.
pub(super) fn gives_reason(case: &Case, observations: &Observations) -> bool {
    case.wanted != Deinterlace::Auto
        || case.is_flagged
        || observations.windows.iter().any(|window| {
            let looks = |order: Seen| window.iter().filter(|s| s.alone == order && s.is_combed).count();
            let (top, bottom) = (looks(Seen::TopFirst), looks(Seen::BottomFirst));
            // Fields that match others are not combed.
            let is_film = pulldown::is_ntsc(case.rate) && Cycles::of(window).right >= REASON.1;
            let most = top.max(bottom);
            // A stretch without flags is one where three quarters look so; a window may hold the end of one.
            let seen = window.iter().filter(|sample| sample.alone != Seen::Nothing).count();
            let is_plain = most >= REASON.0 && most * 3 >= seen * 2;
            window.iter().any(|sample| sample.is_flagged) || is_plain || is_film
        })
}

/// Decides by the frames of a film. `Deinterlace::Off` here means that no filter takes the pictures.
pub(super) fn decide(case: &Case, samples: &[Sample]) -> Decision {
    let (counts, cycles) = (Counts::of(samples), Cycles::of(samples));
    let found = found(case, samples, &counts);
    let is_film = case.may_be_film
        && pulldown::is_ntsc(case.rate)
        && counts.looks_interlaced()
        && cycles.are_pulldown();
    let all = 0..samples.len() as u32;
    let whole = || vec![Stretch { frames: all.clone(), order: counts.order() }];
    let (does, stretches) = match case.wanted {
        Deinterlace::Telecine => (Does::Film, whole()),
        Deinterlace::Auto if is_film => (Does::Film, whole()),
        Deinterlace::Auto if !found.stretches.is_empty() => (Does::Frames, found.without_progressive.clone()),
        Deinterlace::Auto | Deinterlace::Off => (Does::Nothing, Vec::new()),
        Deinterlace::Frame if !found.stretches.is_empty() => {
            (Does::Frames, everywhere(&found.stretches, samples.len() as u32))
        }
        Deinterlace::Frame => (Does::Frames, whole()),
        Deinterlace::Field if !found.stretches.is_empty() => {
            (Does::Fields, found.without_progressive.clone())
        }
        Deinterlace::Field => (Does::Fields, whole()),
    };
    Decision { does, stretches, found, counts, cycles }
}

fn found(case: &Case, samples: &[Sample], counts: &Counts) -> Found {
    let are_flagged = if counts.flagged == 0 {
        case.is_flagged || counts.is_interlaced(false)
    } else {
        counts.flagged == counts.all
    };
    if are_flagged && counts.seen() == 0 && !samples.is_empty() {
        let stretches = vec![Stretch { frames: 0..samples.len() as u32, order: FieldOrder::Flagged }];
        return Found { without_progressive: stretches.clone(), stretches };
    }
    let pulldown = if pulldown::is_ntsc(case.rate) { pulldown::frames(samples) } else { Vec::new() };
    // Rates that are not known, or of a clock rather than of frames, are taken as usual.
    let rate = if case.rate.is_known() { case.rate.to_f64() } else { 0.0 };
    let rate = if (5.0..=250.0).contains(&rate) { rate } else { 25.0 };
    let least = (rate / 2.0).round() as u32;
    stretch::find(&stretch::Film { samples, is_flagged: are_flagged, pulldown: &pulldown, least })
}

/// The stretches, each up to the next: all frames are in one.
fn everywhere(stretches: &[Stretch], frames: u32) -> Vec<Stretch> {
    let mut all: Vec<Stretch> = Vec::new();
    for stretch in stretches {
        let begin = match all.last_mut() {
            Some(last) => {
                last.frames.end = stretch.frames.start;
                stretch.frames.start
            }
            None => 0,
        };
        all.push(Stretch { frames: begin..frames, order: stretch.order });
    }
    all.dedup_by(|next, stretch| {
        let is_one = next.order == stretch.order;
        if is_one {
            stretch.frames.end = next.frames.end;
        }
        is_one
    });
    all
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init, reason = "lists of ranges, some of one")]
mod tests {
    use super::*;
    use crate::fields::film::CYCLE;
    use crate::fields::sample::Repeated;

    const PLAIN: Sample = Sample {
        is_flagged: false,
        alone: Seen::Progressive,
        seen: Seen::Progressive,
        repeated: Repeated::Neither,
        is_combed: false,
    };
    const FIELDS: Sample = Sample { alone: Seen::TopFirst, seen: Seen::TopFirst, is_combed: true, ..PLAIN };
    const FLAGGED: Sample = Sample { is_flagged: true, ..FIELDS };
    const STILL: Sample = Sample { alone: Seen::Nothing, seen: Seen::Nothing, ..PLAIN };

    fn case(is_flagged: bool) -> Case {
        let rate = Rational::new(30000, 1001);
        Case { wanted: Deinterlace::Auto, is_flagged, rate, may_be_film: true }
    }

    fn some(parts: &[(Sample, usize)]) -> Vec<Sample> {
        parts.iter().flat_map(|&(sample, count)| vec![sample; count]).collect()
    }

    /// Samples of `of` and `else_` in turns, so that so many of a hundred are of the first.
    fn mixed(of: Sample, share: usize, else_: Sample) -> Vec<Sample> {
        (0..200).map(|frame| if frame * share % 100 < share { of } else { else_ }).collect()
    }

    #[test]
    fn flags_and_looks_decide_together() {
        let flagged = Sample { is_flagged: true, ..PLAIN };
        let still = Sample { is_flagged: true, ..STILL };
        let scrolling = Sample { is_combed: false, ..FIELDS };
        for (is_flagged, samples, does) in [
            (true, some(&[(FLAGGED, 100)]), Does::Frames),
            (true, mixed(FLAGGED, 25, flagged), Does::Frames),
            (true, mixed(FLAGGED, 15, flagged), Does::Nothing),
            (true, some(&[(still, 100)]), Does::Frames),
            (true, some(&[(STILL, 100)]), Does::Frames),
            // The flags of the frames count too.
            (false, mixed(FLAGGED, 30, flagged), Does::Frames),
            (false, mixed(FIELDS, 80, PLAIN), Does::Frames),
            (false, mixed(FIELDS, 70, PLAIN), Does::Nothing),
            (false, some(&[(FIELDS, 9), (STILL, 5)]), Does::Nothing),
            (false, some(&[(scrolling, 100)]), Does::Nothing),
            (false, some(&[(PLAIN, 100)]), Does::Nothing),
            (false, some(&[]), Does::Nothing),
        ] {
            let decision = decide(&case(is_flagged), &samples);
            assert_eq!(decision.does, does, "{is_flagged} {samples:?}");
            let whole = vec![0..samples.len() as u32];
            let frames: Vec<_> = decision.stretches.iter().map(|stretch| stretch.frames.clone()).collect();
            assert_eq!(frames, if does == Does::Frames { whole } else { Vec::new() });
        }
    }

    #[test]
    fn places_at_which_nothing_is_seen_give_no_reason() {
        let observations =
            |samples| Observations { windows: vec![vec![PLAIN; 18], samples], ..Observations::default() };
        let noise = some(&[(FIELDS, 9), (PLAIN, 3), (Sample { is_combed: false, ..FIELDS }, 6)]);
        assert!(!gives_reason(&case(false), &observations(noise)));
        assert!(gives_reason(&case(false), &observations(some(&[(PLAIN, 6), (FIELDS, 12)]))));
        assert!(gives_reason(&case(false), &observations(vec![Sample { is_flagged: true, ..PLAIN }])));
        let film = film(3, Repeated::Top, Repeated::Bottom)[20..38].to_vec();
        let film: Vec<Sample> = film.iter().map(|sample| Sample { is_combed: false, ..*sample }).collect();
        assert!(gives_reason(&case(false), &observations(film.clone())));
        let pal = Case { rate: Rational::new(25, 1), ..case(false) };
        assert!(!gives_reason(&pal, &observations(film)));
        assert!(gives_reason(&case(true), &Observations::default()));
        assert!(gives_reason(&Case { wanted: Deinterlace::Field, ..case(false) }, &Observations::default()));
    }

    #[test]
    fn a_frame_of_each_is_made_of_all_and_one_of_each_field_of_those_that_are_interlaced() {
        let bottom = Sample { alone: Seen::BottomFirst, seen: Seen::BottomFirst, ..FLAGGED };
        let samples = some(&[(PLAIN, 50), (FLAGGED, 50), (PLAIN, 50), (bottom, 50), (PLAIN, 50)]);
        let decided = |wanted| decide(&Case { wanted, ..case(false) }, &samples);
        let stretch = |frames, order| Stretch { frames, order };
        let parts = [(50..100, FieldOrder::TopFirst), (150..200, FieldOrder::BottomFirst)];
        let parts = parts.map(|(frames, order)| stretch(frames, order));
        assert_eq!(decided(Deinterlace::Auto).stretches, parts);
        assert_eq!(decided(Deinterlace::Field).stretches, parts);
        let all = [(0..150, FieldOrder::TopFirst), (150..250, FieldOrder::BottomFirst)];
        assert_eq!(decided(Deinterlace::Frame).stretches, all.map(|(frames, order)| stretch(frames, order)));
    }

    /// Frames of a film, `phase` frames late.
    fn film(phase: usize, first: Repeated, second: Repeated) -> Vec<Sample> {
        let repeated = |place: usize| match place % CYCLE as usize {
            0 => first,
            2 => second,
            _ => Repeated::Neither,
        };
        let is_combed = |place: usize| matches!(place % CYCLE as usize, 0 | 1);
        let mut frames: Vec<Sample> = (0..60)
            .map(|place| Sample {
                repeated: repeated(place + phase),
                ..if is_combed(place + phase) { FIELDS } else { PLAIN }
            })
            .collect();
        // What is beside the film is not known.
        frames[0].repeated = Repeated::Neither;
        frames[59].repeated = Repeated::Neither;
        frames
    }

    #[test]
    fn pulldown_is_found_at_any_phase() {
        for phase in 0..5 {
            for (first, second) in [(Repeated::Top, Repeated::Bottom), (Repeated::Bottom, Repeated::Top)] {
                let samples = [film(phase, first, second), film(phase + 2, first, second)].concat();
                let decision = decide(&case(true), &samples);
                assert_eq!(decision.does, Does::Film, "{phase} {decision:?}");
                // Where the phases meet, a field is not repeated.
                assert!(decision.cycles.right >= 22 && decision.cycles.moving == 24, "{:?}", decision.cycles);
            }
        }
        let samples = film(0, Repeated::Top, Repeated::Bottom);
        let pal = Case { rate: Rational::new(25, 1), ..case(true) };
        let damaged = Case { may_be_film: false, ..case(true) };
        for case in [pal, damaged] {
            assert_ne!(decide(&case, &samples).does, Does::Film);
        }
    }

    #[test]
    fn fields_that_repeat_now_and_then_are_no_pulldown() {
        let mut part = [FIELDS; 30];
        part[7].repeated = Repeated::Top;
        part[21].repeated = Repeated::Bottom;
        assert_eq!(decide(&case(true), &part.repeat(12)).does, Does::Frames);
    }

    #[test]
    fn film_in_parts_of_a_video_is_deinterlaced_there() {
        let film = film(0, Repeated::Top, Repeated::Bottom);
        for (is_flagged, rest) in [(true, FIELDS), (false, FIELDS), (false, PLAIN)] {
            let samples = [film.clone(), vec![rest; 60]].concat();
            let decision = decide(&case(is_flagged), &samples);
            assert_eq!((decision.does, decision.cycles.right), (Does::Frames, 12));
            let filtered: usize = decision.stretches.iter().map(|stretch| stretch.frames.len()).sum();
            // The last frames before a change are whole frames of the film.
            let (least, most) = if rest == PLAIN { (55, 60) } else { (120, 120) };
            assert!((least..=most).contains(&filtered), "{:?}", decision.stretches);
        }
    }
}
