//! How the sound sounds: a stream can be kept byte for byte and still be silent, where its decoder is told the wrong
//! parameters.

use std::path::Path;
use std::time::Duration;

use super::super::allowed::Allowed;
use super::super::media::Stream;
use super::streams::Kept;
use super::{Compared, Pair};
use crate::tool;

/// Samples a second that loudness is measured of.
const RATE: &str = "8000";
/// Samples of a window: half a second.
const WINDOW: usize = 4000;
/// Loudness of what cannot be heard, in dB below the loudest.
const SILENCE: f64 = -60.0;
/// Most that a window may be louder or softer, in dB: channels are mixed together in more than one way.
const LARGEST_ERROR: f64 = 8.0;
/// Windows that the sound may be longer or shorter.
const LENGTH: usize = 1;

/// Compares the loudness of all sound that was kept, window by window.
pub(super) fn compare(
    pair: &Pair<'_>,
    kept: &[Kept<'_>],
    allowed: Allowed,
    limit: Duration,
    compared: &mut Compared,
) {
    let Some((of_source, of_result)) = pair.paths else { return };
    if allowed.other_pictures {
        // What decoders make of damaged sound is their affair, too.
        return;
    }
    for kept in kept.iter().filter(|kept| kept.source.codec_type == "audio") {
        // What FFmpeg cannot decode is copied.
        let Ok(wanted) = loudness(of_source, kept.source, limit) else { continue };
        let number = kept.source.index;
        match loudness(of_result, kept.result, limit) {
            Ok(found) => {
                if let Some(what) = differs(&wanted, &found) {
                    compared.fault(format!("the sound of stream {number} {what}"));
                }
            }
            Err(error) => {
                compared.fault(format!("the sound of stream {number} cannot be decoded: {error:#}"));
            }
        }
    }
}

/// Loudness of each window in dB.
fn loudness(path: &Path, stream: &Stream, limit: Duration) -> anyhow::Result<Vec<f64>> {
    let mut command = tool::ffmpeg(&[], path);
    command.args(["-map", &format!("0:{}", stream.index), "-ac", "1", "-ar", RATE, "-f", "s16le", "-"]);
    let bytes = tool::output(&mut command, limit)?;
    let window = |bytes: &[u8]| {
        let squares =
            bytes.as_chunks::<2>().0.iter().map(|&bytes| f64::from(i16::from_le_bytes(bytes)).powi(2));
        let mean = squares.sum::<f64>() / (bytes.len() / 2).max(1) as f64;
        (10.0 * (mean / f64::from(i16::MAX).powi(2)).log10()).max(SILENCE)
    };
    Ok(bytes.chunks(2 * WINDOW).map(window).collect())
}

/// How two sounds differ. A window may be as loud as one beside it: packets before the first heard sample count for some
/// decoders.
fn differs(wanted: &[f64], found: &[f64]) -> Option<String> {
    if wanted.len().abs_diff(found.len()) > LENGTH {
        let seconds = |windows: &[f64]| windows.len() as f64 / 2.0;
        return Some(format!("lasts {:.1} s instead of {:.1} s", seconds(found), seconds(wanted)));
    }
    // The last window is a part of one.
    let full = wanted.len().min(found.len()).saturating_sub(1);
    let is_off = |&place: &usize| {
        let around = &found[place.saturating_sub(1)..=(place + 1).min(found.len() - 1)];
        let softest = around.iter().copied().fold(f64::INFINITY, f64::min);
        let loudest = around.iter().copied().fold(SILENCE, f64::max);
        wanted[place] < softest - LARGEST_ERROR || wanted[place] > loudest + LARGEST_ERROR
    };
    let place = (0..full).find(is_off)?;
    Some(format!(
        "is {:.0} dB loud instead of {:.0} dB after {:.1} s",
        found[place],
        wanted[place],
        place as f64 / 2.0
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_and_missing_sound_are_found() {
        let wanted = [-20.0; 8];
        assert_eq!(differs(&wanted, &[-22.0; 8]), None);
        assert_eq!(differs(&wanted, &[-20.0; 7]), None);
        let silent = [-20.0, -20.0, -20.0, -20.0, SILENCE, SILENCE, SILENCE, SILENCE];
        assert_eq!(differs(&wanted, &silent).unwrap(), "is -60 dB loud instead of -20 dB after 2.5 s");
        assert_eq!(differs(&wanted, &[-20.0; 5]).unwrap(), "lasts 2.5 s instead of 4.0 s");
    }
}
