//! Which video of a file is the film.
//!
//! The one that was chosen; else by the file's word: of the videos that are no covers, those that are marked as the default
//! go before the others, then the longest (to a second), then the largest, then the first. A video that lasts less than a
//! tenth of the longest is a thumbnail or a leader, whatever its marks say, and goes last.

use std::cmp::Reverse;

use crate::Error;
use crate::raw::input::Input;
use crate::raw::stream::{Kind, Stream};

/// Part of the longest video that another must last to be a film.
const SHORTEST: f64 = 0.1;

/// What is known of a video before anything is decoded.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Candidate {
    index: usize,
    is_default: bool,
    /// `None` where the file says nothing.
    seconds: Option<f64>,
    pixels: u64,
}

/// The film, and its number.
pub(super) fn film(input: &Input) -> Result<(usize, Stream<'_>), Error> {
    let candidates = candidates(input);
    let number = match input.chosen() {
        Some(chosen) if candidates.iter().any(|candidate| candidate.index == chosen) => chosen,
        Some(chosen) => {
            let videos = candidates.iter().map(|candidate| candidate.index).collect();
            return Err(Error::NotAVideoStream(chosen, videos));
        }
        None => best(&candidates).ok_or(Error::NoVideoStream)?,
    };
    input.stream(number).map(|stream| (number, stream)).ok_or(Error::NoVideoStream)
}

/// Says which video is taken where there is a choice.
pub(super) fn in_words(input: &Input) -> Option<String> {
    let candidates = candidates(input);
    let (taken, stream) = film(input).ok()?;
    let others: Vec<usize> =
        candidates.iter().map(|candidate| candidate.index).filter(|&index| index != taken).collect();
    if others.is_empty() {
        return None;
    }
    let names = others.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    let rest = if others.len() == 1 { "is copied" } else { "are copied" };
    Some(format!(
        "video stream {taken} ({} {}) is upscaled, of {}: stream {names} {rest} as it is",
        stream.codec(),
        stream.size(),
        candidates.len()
    ))
}

fn candidates(input: &Input) -> Vec<Candidate> {
    let is_video = |stream: &Stream<'_>| stream.kind() == Kind::Video && !stream.is_picture();
    let candidate = |(index, stream): (usize, Stream<'_>)| Candidate {
        index,
        is_default: stream.is_default(),
        seconds: stream.seconds(),
        pixels: stream.size().pixels(),
    };
    input.streams().enumerate().filter(|(_, stream)| is_video(stream)).map(candidate).collect()
}

fn best(candidates: &[Candidate]) -> Option<usize> {
    let longest = candidates.iter().filter_map(|candidate| candidate.seconds).fold(0.0, f64::max);
    let rank = |candidate: &&Candidate| {
        // A video of which nothing is said may be as long as any.
        let is_film = candidate.seconds.is_none_or(|seconds| seconds > 0.0 && seconds >= longest * SHORTEST);
        (
            is_film,
            candidate.is_default,
            candidate.seconds.unwrap_or(0.0).round() as u64,
            candidate.pixels,
            Reverse(candidate.index),
        )
    };
    candidates.iter().max_by_key(rank).map(|candidate| candidate.index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_then_the_longest_then_the_largest_and_never_a_thumbnail() {
        let one = |index, is_default, seconds, pixels| {
            let seconds = Some(seconds).filter(|&seconds: &f64| seconds >= 0.0);
            Candidate { index, is_default, seconds, pixels }
        };
        for (candidates, wanted) in [
            (vec![], None),
            (vec![one(0, false, -1.0, 10)], Some(0)),
            (vec![one(0, false, 0.1, 900), one(1, true, 60.0, 100)], Some(1)),
            // A thumbnail that is marked as the default.
            (vec![one(0, true, 0.1, 900), one(1, false, 60.0, 100)], Some(1)),
            (vec![one(0, false, 60.0, 900), one(1, true, 50.0, 100)], Some(1)),
            (vec![one(0, true, 50.0, 900), one(1, true, 60.0, 100)], Some(1)),
            (vec![one(0, true, 60.2, 100), one(1, true, 60.0, 900)], Some(1)),
            (vec![one(0, true, 60.0, 100), one(2, true, 60.0, 100)], Some(0)),
            // Nothing is said of their lengths.
            (vec![one(0, false, -1.0, 100), one(1, false, -1.0, 900)], Some(1)),
            // One that is said to be empty.
            (vec![one(0, true, 0.0, 900), one(1, false, -1.0, 100)], Some(1)),
        ] {
            assert_eq!(best(&candidates), wanted, "{candidates:?}");
        }
    }
}
