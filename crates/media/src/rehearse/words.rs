//! What is said of streams.

use frame::Rational;

use crate::join::sound::Formats;
use crate::{Container, Shift, SoundFormat};

/// Changes of sound that are told one by one.
const CHANGES_TOLD: usize = 3;

/// What sound is converted to: in Matroska, in MPEG-4.
pub(super) const KINDS: [&str; 2] = ["PCM", "AAC"];
/// What is said of sound that a container has no place for.
pub(super) const CONVERTED: [&str; 2] = [
    "sound was converted to PCM, without loss",
    "sound was converted to AAC, since MP4 files have no place for it as it is",
];

/// What is said of a film that is moved.
pub(super) fn moved(shift: Shift) -> String {
    format!("all streams were moved by {:.3} s, so that the result begins at 0", shift.seconds())
}

/// When sound changes and how.
pub(super) fn changes(formats: &Formats, time_base: Rational, shift: Shift) -> String {
    let told: Vec<String> = formats
        .windows(2)
        .take(CHANGES_TOLD)
        .map(|pair| {
            let ((_, before), (time, after)) = (&pair[0], &pair[1]);
            let time = time.saturating_add(shift.in_ticks(time_base));
            format!("{} at {}", change(before, after), clock(time as f64 * time_base.to_f64()))
        })
        .collect();
    let more = match formats.len().saturating_sub(1 + CHANGES_TOLD) {
        0 => String::new(),
        more => format!(" and {more} more times"),
    };
    format!("its sound changes {}{more}", told.join(", "))
}

fn change(before: &SoundFormat, after: &SoundFormat) -> String {
    match (before.channels == after.channels, before.rate == after.rate) {
        (false, true) => format!("from {} to {} channels", before.channels, after.channels),
        (true, false) => format!("from {} to {} Hz", before.rate, after.rate),
        (true, true) if before.layout != after.layout => {
            format!("from {} to {}", before.layout, after.layout)
        }
        (true, true) => format!("from {} to {} samples", before.sample, after.sample),
        (false, false) => format!(
            "from {} channels with {} Hz to {} channels with {} Hz",
            before.channels, before.rate, after.channels, after.rate
        ),
    }
}

/// What changing sound was converted to, as far as it changes.
pub(super) fn target(container: Container, widest: &SoundFormat, formats: &Formats) -> String {
    let kind = KINDS[usize::from(container == Container::Mp4)];
    let differ =
        |of: fn(&SoundFormat) -> u32| formats.windows(2).any(|pair| of(&pair[0].1) != of(&pair[1].1));
    match (differ(|format| format.channels), differ(|format| format.rate)) {
        (true, false) => format!("{kind} with {} channels", widest.channels),
        (false, true) => format!("{kind} with {} Hz", widest.rate),
        _ => format!("{kind} with {} channels and {} Hz", widest.channels, widest.rate),
    }
}

/// A time as players show it.
fn clock(seconds: f64) -> String {
    let milliseconds = (seconds.max(0.0) * 1000.0).round() as u64;
    let (seconds, rest) = (milliseconds / 1000, milliseconds % 1000);
    format!("{}:{:02}:{:02}.{rest:03}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_told_with_their_times() {
        let format =
            |channels, rate| SoundFormat { rate, channels, layout: String::new(), sample: "flt".to_owned() };
        let shift = Shift { ticks: -1400, time_base: Rational::new(1, 1000) };
        let formats = vec![(126_000, format(2, 48000)), (486_000, format(6, 48000))];
        let time_base = Rational::new(1, 90_000);
        assert_eq!(
            changes(&formats, time_base, shift),
            "its sound changes from 2 to 6 channels at 0:00:04.000"
        );
        assert_eq!(target(Container::Matroska, &format(6, 48000), &formats), "PCM with 6 channels");
        let many: Formats = (0..6).map(|n| (n * 90_000, format(2, 44100 + n as u32 % 2))).collect();
        let said = changes(&many, time_base, Shift::NONE);
        assert!(said.ends_with("at 0:00:03.000 and 2 more times"), "{said}");
        assert_eq!(target(Container::Mp4, &format(2, 44101), &many), "AAC with 44101 Hz");
        assert_eq!(moved(Shift { ticks: -1200, ..Shift::NONE }).split(' ').nth(5), Some("-1200.000"));
    }
}
