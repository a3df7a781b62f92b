//! Options of the muxers.

use frame::Rational;

use super::Join;
use crate::{Container, Index, raw};

/// Options that keep times exact, and tags.
pub(super) fn options(
    plan: &Join<'_>,
    tags: &[(String, String)],
    sample_rates: impl Iterator<Item = i32>,
) -> Vec<(&'static str, String)> {
    match plan.container {
        // A tick of the track is a tick of the source. Edit lists, which move the beginning of any track, are in ticks
        // of the whole file: those have to divide a tick of every track.
        Container::Mp4 => {
            let ticks = timescale(plan.index);
            let of_file =
                sample_rates.fold(ticks, |ticks, rate| common_multiple(ticks, rate).unwrap_or(ticks));
            let mut options = vec![
                ("video_track_timescale", ticks.to_string()),
                ("movie_timescale", of_file.max(1000).to_string()),
            ];
            // Cameras and phones name their tags after their makers. MPEG-4 has another place for those than for the few
            // that iTunes knows, and the muxer fills one of the two.
            if tags.iter().any(|(name, _)| name.starts_with("com.")) {
                options.push(("movflags", "use_metadata_tags".to_owned()));
            }
            options
        }
        // Marked as the default are the streams of the source that are, and no other.
        Container::Matroska => vec![("default_mode", "passthrough".to_owned())],
    }
}

/// The least common multiple of two positive numbers, where it is not too large.
fn common_multiple(a: i32, b: i32) -> Option<i32> {
    let (mut divisor, mut rest) = (a, b);
    while rest != 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    (a / divisor).checked_mul(b)
}

/// Ticks a second of an MPEG-4 video: those of the source, or as many as leave the longest of its frames a duration that the
/// container can hold.
pub(crate) fn timescale(index: &Index) -> i32 {
    const COARSER: [i32; 3] = [90_000, 12_000, 1000];
    let own = index.time_base.den.clamp(1, 1 << 30);
    let steps = index.pts.windows(2).map(|pair| pair[1].saturating_sub(pair[0]));
    let longest = steps.chain([index.last_duration]).max().unwrap_or(0);
    // Room for what comes before the first frame is shown, and for rounding.
    let fits = |ticks: i32| {
        raw::rescale(longest, index.time_base, Rational::new(1, ticks)) < i64::from(i32::MAX / 2)
    };
    let coarser = COARSER.into_iter().filter(|&ticks| ticks < own);
    std::iter::once(own).chain(coarser).find(|&ticks| fits(ticks)).unwrap_or(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_of_hours_make_ticks_coarser() {
        let index = |ticks: i32, gap: i64| Index {
            last_duration: 1,
            ..Index::of_times(Rational::new(1, ticks), vec![0, i64::from(ticks) * gap])
        };
        assert_eq!(timescale(&index(90_000, 3600)), 90_000);
        assert_eq!(timescale(&index(90_000, 5 * 3600)), 12_000);
        assert_eq!(timescale(&index(1_000_000_000, 10)), 90_000);
        assert_eq!(timescale(&index(25, 10 * 24 * 3600)), 25);
        assert_eq!(timescale(&index(30_000, 10 * 24 * 3600)), 1000);
    }
}
