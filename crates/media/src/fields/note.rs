//! What people should know of what was found and done.

use super::counts::Counts;
use super::pulldown::LEAST_CYCLES;
use super::rule::{Case, Decision, Does};
use super::sample::Sample;
use super::{Deinterlace, FieldOrder, Stretch};
use crate::frame_list::Index;

/// Stretches that are told one by one.
const TOLD: usize = 5;

/// The note on a decision.
pub(super) fn note(case: &Case, decision: &Decision, samples: &[Sample], index: &Index) -> Option<String> {
    let Decision { does, found, counts, cycles, .. } = decision;
    let is_whole = matches!(&found.stretches[..], [one] if one.frames.len() == samples.len());
    let is_flagged = case.is_flagged || counts.flagged * 2 > counts.all;
    let what = if found.stretches.is_empty() {
        None
    } else if is_whole {
        let said = if is_flagged { "" } else { "though not flagged, " };
        let order = found.stretches.first().map_or(FieldOrder::Flagged, |stretch| stretch.order);
        Some(format!("interlaced, {said}{}", in_words(order, counts, " (", ")")))
    } else {
        let flagged = |stretch: &Stretch| Counts::of(stretch.samples(samples));
        let is_flagged = found.stretches.iter().map(flagged).all(|counts| counts.flagged * 2 > counts.all);
        let said =
            if is_flagged || counts.flagged == 0 && case.is_flagged { "" } else { "though not flagged, " };
        let comma = if said.is_empty() { "" } else { "," };
        Some(format!("interlaced{comma} {said}{}", stretches(&found.stretches, samples, index)))
    };
    let covers = covered(&found.stretches) == samples.len();
    let keeps =
        decision.stretches == found.without_progressive && found.without_progressive != found.stretches;
    let pulldown = if cycles.right >= LEAST_CYCLES && cycles.right * 10 >= cycles.moving {
        format!(
            "; it is film in parts (2:3 pulldown, {} of {} cycles), and that is undone in whole films only",
            cycles.right, cycles.moving
        )
    } else {
        String::new()
    };
    match (does, what) {
        (Does::Film, _) => {
            let (of_video, of_film) = (case.rate.to_f64(), case.rate.to_f64() * 0.8);
            Some(format!(
                "film in {of_video:.2} frames (2:3 pulldown, {} of {} cycles): inverse telecine gives {of_film:.3}",
                cycles.right, cycles.moving
            ))
        }
        (Does::Frames | Does::Fields, Some(what)) => {
            let of = if *does == Does::Fields { ", a frame for each field" } else { "" };
            let place = if covers { "" } else { " there" };
            let rest = match (covers, case.wanted) {
                (true, _) => "",
                (false, Deinterlace::Frame) => {
                    "; the rest is progressive, and deinterlaced too, as was asked for"
                }
                (false, _) if *does == Does::Fields => {
                    "; the rest is progressive: each of its frames stays as it is, and is shown twice"
                }
                (false, _) => "; the rest is progressive and stays as it is",
            };
            let place = if case.wanted == Deinterlace::Frame { "" } else { place };
            let keeps = if keeps { "; the frames that are flagged progressive stay as they are" } else { "" };
            Some(format!("{what}: deinterlaced with bwdif{place}{of}{rest}{keeps}{pulldown}"))
        }
        (Does::Frames | Does::Fields, None) => {
            let of = if *does == Does::Fields { ", a frame for each field" } else { "" };
            Some(format!("deinterlaced with bwdif{of}, as was asked for, though it does not look interlaced"))
        }
        (Does::Nothing, Some(what)) => {
            Some(format!("{what}: its frames are upscaled as they are, since no filter takes them"))
        }
        (Does::Nothing, None) if is_flagged => Some(format!(
            "flagged interlaced, but its frames are progressive (idet: {} of {}): they stay as they are",
            counts.progressive,
            counts.seen()
        )),
        (Does::Nothing, None) => None,
    }
}

/// The stretches with their times.
fn stretches(stretches: &[Stretch], samples: &[Sample], index: &Index) -> String {
    let told = stretches.iter().take(TOLD).map(|stretch| {
        let (start, end) = (clock(index, stretch.frames.start), clock(index, stretch.frames.end));
        let counts = Counts::of(stretch.samples(samples));
        format!("from {start} to {end} ({})", in_words(stretch.order, &counts, ", ", ""))
    });
    let mut told = told.collect::<Vec<_>>();
    let more = stretches.len().saturating_sub(TOLD);
    if more > 0 {
        told.push(format!("in {more} more stretches"));
    }
    match &told[..] {
        [before @ .., last] if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => told.concat(),
    }
}

/// Field order and numbers.
fn in_words(order: FieldOrder, counts: &Counts, begin: &str, end: &str) -> String {
    let seen = counts.seen();
    if seen == 0 {
        return "by its flags, in pictures that stand still".to_owned();
    }
    let order = match order {
        FieldOrder::TopFirst => "top field first",
        FieldOrder::BottomFirst => "bottom field first",
        FieldOrder::Flagged => "field order by its flags",
    };
    format!("{order}{begin}idet: {} of {seen} frames{end}", counts.interlaced())
}

fn covered(stretches: &[Stretch]) -> usize {
    stretches.iter().map(|stretch| stretch.frames.len()).sum()
}

/// When a frame begins, as players show it, from the first frame on; the end of the film for the one behind the last.
fn clock(index: &Index, frame: u32) -> String {
    let start = index.pts.first().copied().unwrap_or(0);
    let end = || index.pts.last().map_or(start, |last| last.saturating_add(index.last_duration));
    let time = index.pts.get(frame as usize).copied().unwrap_or_else(end);
    let milliseconds = (time.saturating_sub(start) as f64 * index.time_base.to_f64() * 1000.0).round() as u64;
    let (seconds, rest) = (milliseconds / 1000, milliseconds % 1000);
    format!("{}:{:02}:{:02}.{rest:03}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
