//! What a response can say, as far as that follows without knowing what was asked.

use job::bounds::{Checked, MOST_FRAMES, MOST_SECONDS, MOST_SEGMENTS, MOST_STREAMS, at_most, within};
use job::{Failure, FailureKind, LARGEST_SIDE};

use super::{Estimate, Head, Response, Sampled, VideoFacts};
use crate::Made;
use crate::report::Verified;

/// Most bytes that a disk must have free, and that a worker holds.
const MOST_ROOM: u64 = 1 << 60;

impl Response {
    /// Checks what can be checked without knowing what was asked.
    pub(super) fn validate(&self) -> Checked {
        match self {
            Self::Indexed(facts) => facts.validate(),
            Self::SegmentDone { digest, .. } => digest.validate(MOST_FRAMES),
            Self::Joined { verified, .. } => verified.validate(),
            Self::Previewed { pictures, .. } => at_most("pictures", pictures, MOST_STREAMS),
            Self::Foreseen(Made { width, height, of_height, codec: _ }) => {
                for side in [*width, *height, *of_height] {
                    within("side of the result", side, &(1..=LARGEST_SIDE))?;
                }
                Ok(())
            }
            Self::Framed { width, height } => {
                for side in [*width, *height] {
                    within("side of the picture", side, &(1..=LARGEST_SIDE))?;
                }
                Ok(())
            }
            Self::Looked(facts) => facts.validate(),
            Self::Sampled(Sampled { frames, seconds, length, width, height, .. }) => {
                within("frames", *frames, &(1..=MOST_FRAMES))?;
                for time in [*seconds, *length] {
                    within("seconds", time, &(0.0..=MOST_SECONDS))?;
                }
                for side in [*width, *height] {
                    within("side of the picture", side, &(1..=LARGEST_SIDE))?;
                }
                Ok(())
            }
            Self::Encoders(encoders) => at_most("encoders", encoders, MOST_STREAMS),
            Self::PieceTimes(times) => {
                at_most("segments", times, MOST_SEGMENTS)?;
                let mut all = times.iter().flat_map(|&(start, end)| [start, end]);
                all.try_for_each(|time| within("seconds", time, &(-MOST_SECONDS..=MOST_SECONDS)))
            }
            Self::Estimated(estimate) => estimate.validate(),
            Self::Probed { head, .. } => head.iter().try_for_each(|Head { shape, frames }| {
                within("frames", *frames, &(1..=MOST_FRAMES))?;
                [shape.width, shape.height]
                    .into_iter()
                    .try_for_each(|side| within("side", side, &(1..=LARGEST_SIDE)))
            }),
            Self::Failed(failure) => validate_failure(failure),
            Self::Progress { frames, bytes } => {
                within("frames", *frames, &(0..=MOST_FRAMES))?;
                within("bytes", *bytes, &(0..=MOST_ROOM))
            }
            Self::Admitted { bytes } => within("bytes of memory", *bytes, &(0..=MOST_ROOM)),
            Self::Hello { .. }
            | Self::Confined(_)
            | Self::AsksForMemory
            | Self::Doctor(_)
            | Self::Bench(_)
            | Self::PieceDone { .. }
            | Self::EncoderTried
            | Self::Model(_) => Ok(()),
        }
    }
}

impl VideoFacts {
    fn validate(&self) -> Checked {
        for side in [self.width, self.height] {
            within("side of the picture", side, &(1..=LARGEST_SIDE))?;
        }
        for number in [self.seconds, self.frames_per_second].into_iter().flatten() {
            within("seconds", number, &(0.0..=MOST_SECONDS))?;
        }
        Ok(())
    }
}

impl Verified {
    fn validate(&self) -> Checked {
        at_most("streams of the source", &self.source.streams, MOST_STREAMS)?;
        at_most("streams of the result", &self.result.streams, MOST_STREAMS)?;
        at_most("counts of packets", &self.checks.packets, MOST_STREAMS)
    }
}

impl Estimate {
    fn validate(&self) -> Checked {
        self.facts.validate()?;
        self.plan.validate(self.facts.frames)?;
        within("seconds a frame", self.seconds_per_frame, &(0.0..=MOST_SECONDS))?;
        within("share", self.share, &(0.0..=MOST_SECONDS))?;
        within("seconds beside", self.seconds_beside, &(0.0..=MOST_SECONDS))?;
        within("bytes of the video", self.video_bytes, &(0..=MOST_ROOM))?;
        within("bytes of other streams", self.other_bytes, &(0..=MOST_ROOM))
    }
}

fn validate_failure(failure: &Failure) -> Checked {
    match &failure.kind {
        FailureKind::NoSpace { needed } => within("bytes that must be free", *needed, &(0..=MOST_ROOM)),
        FailureKind::SegmentsDamaged { indices } => at_most("damaged segments", indices, MOST_SEGMENTS),
        _ => Ok(()),
    }
}
