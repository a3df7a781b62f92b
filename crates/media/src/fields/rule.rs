//! What is done to a film, by what was seen of it.
//!
//! The rule of `auto`, with shares of those frames in which `idet` sees anything:
//! - Of a video that is flagged interlaced, a fifth of the frames must look so with one field order, or nothing moves in any.
//! - Of one that is not, three quarters must, and be combed as well, since rows that scroll look like fields to `idet`; in ten
//!   frames at least, and half of all that were looked at.
//! - 2:3 pulldown is undone in videos of 29.97 or 30 frames where four fifths of the cycles in which something moves, and
//!   four at least, repeat the two fields that it repeats and no others. Decoding everything must then show that nine
//!   tenths of the frames of the film are not combed.

use frame::Rational;

use super::film::CYCLE;
use super::sample::{Evidence, Repeated, Sample, Seen};
use super::{Deinterlace, FieldOrder};

/// Rows of the largest interlaced video that there is, encoded in whole blocks. Above, only what is flagged is looked at.
pub(super) const MOST_ROWS: u32 = 1088;
/// Cycles of 2:3 pulldown that have to be seen.
const LEAST_CYCLES: u32 = 4;
/// Frames in which something must be seen where no flag says anything.
const LEAST_FRAMES: u32 = 10;

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

/// What is done, how, and what people should know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) does: Does,
    pub(super) order: FieldOrder,
    pub(super) keeps_progressive: bool,
    pub(super) note: Option<String>,
}

/// The evidence in numbers of frames.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    all: u32,
    flagged: u32,
    top_first: u32,
    bottom_first: u32,
    progressive: u32,
    /// Interlaced frames that are combed.
    combed: u32,
    /// Flagged progressive and looking so.
    right_progressive: u32,
    /// Flagged progressive and looking interlaced.
    wrong_progressive: u32,
}

impl Counts {
    fn of(evidence: &Evidence) -> Self {
        let mut counts = Self::default();
        for sample in evidence.windows.iter().flatten() {
            counts.all += 1;
            counts.flagged += u32::from(sample.is_flagged);
            // By the frame alone: what is seen beside others comes some frames late where the kind changes.
            if !sample.is_flagged {
                counts.right_progressive += u32::from(sample.alone == Seen::Progressive);
                counts.wrong_progressive += u32::from(sample.alone.is_interlaced());
            }
            match sample.seen {
                Seen::Nothing => {}
                Seen::Progressive => counts.progressive += 1,
                Seen::TopFirst => counts.top_first += 1,
                Seen::BottomFirst => counts.bottom_first += 1,
            }
            counts.combed += u32::from(sample.seen.is_interlaced() && sample.is_combed);
        }
        counts
    }

    const fn interlaced(&self) -> u32 {
        self.top_first + self.bottom_first
    }

    const fn seen(&self) -> u32 {
        self.interlaced() + self.progressive
    }

    /// The field order that nine of ten interlaced frames have.
    fn order(&self) -> FieldOrder {
        let most = self.top_first.max(self.bottom_first);
        if most == 0 || most * 10 < self.interlaced() * 9 {
            FieldOrder::Flagged
        } else if self.top_first > self.bottom_first {
            FieldOrder::TopFirst
        } else {
            FieldOrder::BottomFirst
        }
    }

    /// Frames that are flagged progressive are so, and there are some.
    const fn flags_tell(&self) -> bool {
        self.flagged > 0
            && self.right_progressive > 0
            && self.wrong_progressive * 10 <= self.right_progressive
    }

    /// It is flagged interlaced: as a whole, or most of its frames.
    const fn are_flagged(&self, case: &Case) -> bool {
        case.is_flagged || self.flagged * 2 > self.all
    }

    fn is_interlaced(&self, case: &Case) -> bool {
        let seen = self.seen();
        if self.are_flagged(case) {
            return seen == 0 || self.looks_interlaced();
        }
        let is_plain = self.combed * 4 >= seen * 3 && self.order() != FieldOrder::Flagged;
        is_plain && seen >= LEAST_FRAMES && seen * 2 >= self.all
    }

    /// More than by chance, where both field orders are as likely.
    const fn looks_interlaced(&self) -> bool {
        self.top_first.abs_diff(self.bottom_first) * 5 >= self.seen()
    }

    /// Some frames are interlaced and some are not.
    fn is_mixed(&self) -> bool {
        (self.seen().div_ceil(10)..=self.seen() * 9 / 10).contains(&self.interlaced())
    }

    fn in_words(&self, order: FieldOrder) -> String {
        let order = match order {
            FieldOrder::TopFirst => "top field first ",
            FieldOrder::BottomFirst => "bottom field first ",
            FieldOrder::Flagged => "",
        };
        match self.seen() {
            0 => "by its flags, in pictures that stand still".to_owned(),
            seen => format!("{order}(idet: {} of {seen} frames)", self.interlaced()),
        }
    }
}

/// Decides. `Deinterlace::Off` here means that no filter takes the pictures.
pub(super) fn decide(case: &Case, evidence: &Evidence) -> Decision {
    let counts = Counts::of(evidence);
    let (order, cycles) = (counts.order(), Cycles::of(evidence));
    let does = match case.wanted {
        Deinterlace::Telecine => Does::Film,
        Deinterlace::Frame => Does::Frames,
        Deinterlace::Field => Does::Fields,
        Deinterlace::Auto
            if case.may_be_film
                && is_ntsc(case.rate)
                && counts.looks_interlaced()
                && cycles.are_pulldown() =>
        {
            Does::Film
        }
        Deinterlace::Auto if counts.is_interlaced(case) => Does::Frames,
        Deinterlace::Auto | Deinterlace::Off => Does::Nothing,
    };
    let is_interlaced = counts.is_interlaced(case);
    let words = counts.in_words(order);
    let is_found = is_interlaced || case.wanted == Deinterlace::Auto;
    let said = if counts.are_flagged(case) { "" } else { "though not flagged, " };
    let note = match does {
        Does::Film => {
            let (of_video, of_film) = (case.rate.to_f64(), case.rate.to_f64() * 0.8);
            Some(format!(
                "film in {of_video:.2} frames (2:3 pulldown, {} of {} cycles): inverse telecine gives {of_film:.3}",
                cycles.right, cycles.moving
            ))
        }
        Does::Frames | Does::Fields => {
            let of = if does == Does::Fields { ", a frame for each field" } else { "" };
            let rest = match (counts.is_mixed(), counts.flags_tell()) {
                (false, _) => "",
                (true, true) => "; the frames that are flagged progressive stay as they are",
                (true, false) => {
                    "; it is progressive in parts, and no flag says where: all frames are filtered"
                }
            };
            Some(if is_found {
                format!("interlaced, {said}{words}: deinterlaced with bwdif{of}{rest}")
            } else {
                format!("deinterlaced with bwdif{of}, as was asked for, though it does not look interlaced")
            })
        }
        Does::Nothing if case.wanted == Deinterlace::Off && is_interlaced => Some(format!(
            "interlaced, {said}{words}: its frames are upscaled as they are, since no filter takes them"
        )),
        Does::Nothing if counts.are_flagged(case) => Some(format!(
            "flagged interlaced, but its frames are progressive (idet: {} of {}): they stay as they are",
            counts.progressive,
            counts.seen()
        )),
        Does::Nothing => None,
    };
    Decision { does, order, keeps_progressive: counts.flags_tell(), note }
}

/// True for the rate of video that films are spread over.
fn is_ntsc(rate: Rational) -> bool {
    (29.9..30.1).contains(&rate.to_f64())
}

/// Cycles of 2:3 pulldown: of five frames, one repeats a field of the frame before, and the next but one repeats the other
/// field.
#[derive(Debug, Clone, Copy, Default)]
struct Cycles {
    /// Those that are as they should be.
    right: u32,
    /// Those in which something moves.
    moving: u32,
}

impl Cycles {
    fn of(evidence: &Evidence) -> Self {
        let mut all = Self::default();
        for window in &evidence.windows {
            let phases = (0..CYCLE as usize).flat_map(|phase| {
                [Repeated::Top, Repeated::Bottom].map(|first| Self::at(window, phase, first))
            });
            let best = phases.max_by_key(|cycles| cycles.right).unwrap_or_default();
            all.right += best.right;
            all.moving += best.moving;
        }
        all
    }

    /// Looks for cycles in which frame `phase` repeats its `first` field.
    fn at(window: &[Sample], phase: usize, first: Repeated) -> Self {
        let other = if first == Repeated::Top { Repeated::Bottom } else { Repeated::Top };
        let expected = |place: usize| match (place + CYCLE as usize - phase) % CYCLE as usize {
            0 => first,
            2 => other,
            _ => Repeated::Neither,
        };
        let mut cycles = Self::default();
        for (number, frames) in window.chunks_exact(CYCLE as usize).enumerate() {
            let begin = number * CYCLE as usize;
            let mut places = (begin..).zip(frames);
            // At the ends of a window nobody knows the frame beside.
            let is_right = |(place, frame): (usize, &Sample)| {
                let is_end = place == 0 || place + 1 == window.len();
                frame.repeated == expected(place) || is_end && frame.repeated == Repeated::Neither
            };
            // Where nothing moves, no field is repeated more than the other.
            let is_moving =
                |frame: &Sample| frame.repeated != Repeated::Neither || frame.alone != Seen::Nothing;
            cycles.moving += u32::from(frames.iter().any(is_moving));
            cycles.right += u32::from(places.all(is_right));
        }
        cycles
    }

    fn are_pulldown(self) -> bool {
        self.right >= LEAST_CYCLES && self.right * 5 >= self.moving * 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    fn decided(is_flagged: bool, windows: &[Vec<Sample>]) -> Decision {
        decide(&case(is_flagged), &Evidence { windows: windows.to_vec(), ..Evidence::default() })
    }

    fn some(parts: &[(Sample, usize)]) -> Vec<Vec<Sample>> {
        vec![parts.iter().flat_map(|&(sample, count)| vec![sample; count]).collect()]
    }

    #[test]
    fn flags_and_looks_decide_together() {
        let flagged = Sample { is_flagged: true, ..PLAIN };
        let still = Sample { is_flagged: true, ..STILL };
        let scrolling = Sample { is_combed: false, ..FIELDS };
        for (is_flagged, parts, does) in [
            (true, &[(FLAGGED, 100)][..], Does::Frames),
            (true, &[(FLAGGED, 20), (flagged, 80)], Does::Frames),
            (true, &[(FLAGGED, 19), (flagged, 81)], Does::Nothing),
            (true, &[(still, 100)], Does::Frames),
            // The flags of the frames count too.
            (false, &[(FLAGGED, 30), (flagged, 70)], Does::Frames),
            (false, &[(FIELDS, 75), (PLAIN, 25)], Does::Frames),
            (false, &[(FIELDS, 74), (PLAIN, 26)], Does::Nothing),
            (false, &[(FIELDS, 9), (STILL, 5)], Does::Nothing),
            (false, &[(FIELDS, 40), (STILL, 41)], Does::Nothing),
            (false, &[(scrolling, 100)], Does::Nothing),
            (false, &[(PLAIN, 100)], Does::Nothing),
            (false, &[], Does::Nothing),
        ] {
            assert_eq!(decided(is_flagged, &some(parts)).does, does, "{is_flagged} {parts:?}");
        }
    }

    #[test]
    fn progressive_frames_stay_where_their_flags_can_be_trusted() {
        let decision = decided(true, &some(&[(FLAGGED, 50), (PLAIN, 50)]));
        assert!(decision.keeps_progressive && decision.order == FieldOrder::TopFirst, "{decision:?}");
        assert!(decision.note.unwrap().ends_with("flagged progressive stay as they are"));
        let wrong = decided(true, &some(&[(FLAGGED, 50), (PLAIN, 40), (FIELDS, 10)]));
        assert!(!wrong.keeps_progressive && wrong.note.unwrap().ends_with("all frames are filtered"));
    }

    #[test]
    fn a_field_order_has_to_be_plain() {
        let bottom = Sample { alone: Seen::BottomFirst, seen: Seen::BottomFirst, ..FLAGGED };
        assert_eq!(decided(true, &some(&[(bottom, 90), (FLAGGED, 10)])).order, FieldOrder::BottomFirst);
        assert_eq!(decided(true, &some(&[(bottom, 89), (FLAGGED, 11)])).order, FieldOrder::Flagged);
    }

    /// A window of a film, `phase` frames late.
    fn film(phase: usize, first: Repeated, second: Repeated) -> Vec<Sample> {
        let repeated = |place: usize| match place % CYCLE as usize {
            0 => first,
            2 => second,
            _ => Repeated::Neither,
        };
        let mut window: Vec<Sample> =
            (0..30).map(|place| Sample { repeated: repeated(place + phase), ..FIELDS }).collect();
        // What is beside the window is not known.
        window[0].repeated = Repeated::Neither;
        window[29].repeated = Repeated::Neither;
        window
    }

    #[test]
    fn pulldown_is_found_at_any_phase() {
        for phase in 0..5 {
            for (first, second) in [(Repeated::Top, Repeated::Bottom), (Repeated::Bottom, Repeated::Top)] {
                let windows = vec![film(phase, first, second), film(phase + 2, first, second)];
                let decision = decided(true, &windows);
                assert_eq!(decision.does, Does::Film, "{phase} {decision:?}");
                assert!(decision.note.unwrap().contains("12 of 12 cycles"));
            }
        }
        let windows = [film(0, Repeated::Top, Repeated::Bottom)];
        let pal = Case { rate: Rational::new(25, 1), ..case(true) };
        let damaged = Case { may_be_film: false, ..case(true) };
        for case in [pal, damaged] {
            let evidence = Evidence { windows: windows.to_vec(), ..Evidence::default() };
            assert_ne!(decide(&case, &evidence).does, Does::Film);
        }
    }

    #[test]
    fn fields_that_repeat_now_and_then_are_no_pulldown() {
        let mut window = vec![FIELDS; 30];
        window[7].repeated = Repeated::Top;
        window[21].repeated = Repeated::Bottom;
        assert_eq!(decided(true, &vec![window; 12]).does, Does::Frames);
        // A part of a video is film.
        let half = [film(0, Repeated::Top, Repeated::Bottom), vec![FIELDS; 30]];
        assert_eq!(decided(true, &half).does, Does::Frames);
    }
}
