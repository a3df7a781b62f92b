//! Decoding times and durations for the whole film, out of presentation times alone.

use crate::Error;

/// Decoding times and durations of all packets.
///
/// Every segment was encoded by itself, so that the decoding times of two neighbours overlap. They are made anew: the
/// packet at place `i` of the decoding order is decoded at the time at which the frame `i − d` is shown, where `d` is the
/// most places that any frame moves between the two orders. Then no packet is shown before it is decoded, and times
/// rise strictly, because those of the frames do.
#[derive(Debug)]
pub(crate) struct DecodeTimes<'a> {
    /// Presentation times in presentation order.
    frames: &'a [i64],
    /// Place of each packet in presentation order.
    ranks: Vec<u32>,
    /// `d`.
    delay: usize,
    /// Ticks between the decoding times before the first frame is shown.
    step: i64,
    last_duration: i64,
}

impl<'a> DecodeTimes<'a> {
    /// From the presentation times of the packets in decoding order and those of the frames in presentation order.
    pub(crate) fn new(packets: &[i64], frames: &'a [i64], last_duration: i64) -> Result<Self, Error> {
        if packets.len() != frames.len() {
            let counts = format!("{} packets for {} frames", packets.len(), frames.len());
            return Err(Error::PacketsDiffer(counts));
        }
        let mut seen = vec![false; frames.len()];
        let mut ranks = Vec::with_capacity(packets.len());
        for &pts in packets {
            match frames.binary_search(&pts) {
                Ok(rank) if !std::mem::replace(&mut seen[rank], true) => ranks.push(rank as u32),
                _ => return Err(Error::PacketsDiffer(format!("no frame is left for the time {pts}"))),
            }
        }
        let moved = ranks.iter().enumerate().map(|(place, &rank)| place.saturating_sub(rank as usize));
        let delay = moved.max().unwrap_or(0);
        let step = match frames {
            [first, second, ..] => second - first,
            _ => last_duration,
        };
        Ok(Self { frames, ranks, delay, step: step.max(1), last_duration })
    }

    /// Decoding time and duration of the packet at a place in decoding order.
    pub(crate) fn of(&self, place: usize) -> Option<(i64, i64)> {
        let rank = *self.ranks.get(place)? as usize;
        let dts = match place.checked_sub(self.delay) {
            Some(frame) => self.frames[frame],
            None => self.frames[0] - (self.delay - place) as i64 * self.step,
        };
        let shown = self.frames[rank];
        Some((dts, self.frames.get(rank + 1).map_or(self.last_duration, |next| next - shown)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(packets: &[i64], wanted: &[(i64, i64)]) {
        let mut frames = packets.to_vec();
        frames.sort_unstable();
        let times = DecodeTimes::new(packets, &frames, 7).unwrap();
        let made: Vec<(i64, i64)> = (0..packets.len()).map(|place| times.of(place).unwrap()).collect();
        assert_eq!(made, wanted);
        for (place, (dts, _)) in made.iter().enumerate() {
            assert!(*dts <= packets[place]);
        }
        assert!(made.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn without_reordering_decoding_is_showing() {
        check(&[0, 10, 25], &[(0, 10), (10, 15), (25, 7)]);
    }

    #[test]
    fn reordered_frames_are_decoded_before_they_are_shown() {
        // I P B B, then a second segment of I P B.
        check(
            &[0, 30, 10, 20, 40, 65, 60],
            &[(-10, 10), (0, 10), (10, 10), (20, 10), (30, 20), (40, 7), (60, 5)],
        );
    }

    #[test]
    fn packets_that_do_not_fit_are_refused() {
        assert!(DecodeTimes::new(&[0, 1], &[0], 1).is_err());
        assert!(DecodeTimes::new(&[0, 0], &[0, 1], 1).is_err());
        assert!(DecodeTimes::new(&[0, 2], &[0, 1], 1).is_err());
    }
}
