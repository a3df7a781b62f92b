//! How long a job will still take.

/// Estimates the remaining time of a job from what has been done.
///
/// An estimate appears once the first segment is finished, so that start-up costs do not distort it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Eta {
    /// Frames made in this run of the program.
    pub frames_made: u64,
    /// Seconds that making them took.
    pub seconds: f64,
    /// Frames still to make.
    pub frames_left: u64,
    /// A segment has been finished in this or an earlier run.
    pub segment_finished: bool,
}

impl Eta {
    /// Frames a second; `None` before any frame is made.
    pub fn speed(self) -> Option<f64> {
        (self.frames_made > 0 && self.seconds > 0.0).then(|| self.frames_made as f64 / self.seconds)
    }

    /// Seconds until the last frame is made; `None` while it cannot be told.
    pub fn seconds_left(self) -> Option<f64> {
        let speed = self.speed().filter(|_| self.segment_finished)?;
        Some(self.frames_left as f64 / speed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_needs_a_finished_segment() {
        let eta = Eta { frames_made: 30, seconds: 10.0, frames_left: 90, segment_finished: false };
        assert_eq!(eta.seconds_left(), None);
        assert_eq!(Eta { segment_finished: true, ..eta }.seconds_left(), Some(30.0));
        assert_eq!(Eta::default().speed(), None);
    }
}
