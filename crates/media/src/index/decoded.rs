//! What a decoder that begins at the start makes of a film.

use frame::{Canvas, ColorDescription, Orientation, Rational, Seen};

use super::clock::{self, Clock};
use crate::bars::Bars;
use crate::changes::Changes;
use crate::decode::Frames;
use crate::raw::codec::Threads;
use crate::raw::frame::RawFrame;
use crate::raw::pixel::PixelFormat;
use crate::{Error, MAX_FRAMES};

/// Kinds of pictures that are told apart: a file that changes more often is damaged, or made to harm.
const MOST_APPEARANCES: usize = 100_000;

/// Frames as the decoder gives them, in its order.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) time_base: Rational,
    pub(super) rate: Rational,
    clock: Clock,
    /// Frames at the beginning that have no time, for how many fields each is shown.
    untimed: Vec<i64>,
    /// The time that each frame has of its own.
    pub(super) own: Vec<Option<i64>>,
    /// The time that each frame gets from the clock.
    pub(super) clocked: Vec<i64>,
    pub(super) digests: Vec<u32>,
    /// Whether each refers to no other, by the word of its decoder.
    pub(super) intra: Vec<bool>,
    pub(super) flagged: Vec<bool>,
    /// What the pictures are like, from which frame on.
    pub(super) appearances: Vec<(u32, Appearance)>,
    /// What was seen of the pictures of each appearance that was not black, where that is looked for.
    pub(super) seen: Vec<Seen>,
    bars: Option<Bars>,
    /// What changed from picture to picture, where that is looked at.
    pub(super) changes: Option<Changes>,
    /// Some frame could not be decoded, or not whole.
    pub(super) is_damaged: bool,
}

/// What a picture is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Appearance {
    pub(super) format: PixelFormat,
    pub(super) color: ColorDescription,
    pub(super) picture: Canvas,
    /// What the video itself asks for.
    pub(super) orientation: Option<Orientation>,
}

impl Decoded {
    pub(super) fn new(frames: &Frames, bars: Option<Bars>, changes: Option<Changes>) -> Self {
        let (time_base, rate) = (frames.time_base(), frames.frame_rate());
        Self {
            clock: Clock::new(time_base, rate),
            untimed: Vec::new(),
            time_base,
            rate,
            own: Vec::new(),
            clocked: Vec::new(),
            digests: Vec::new(),
            intra: Vec::new(),
            flagged: Vec::new(),
            appearances: Vec::new(),
            seen: Vec::new(),
            bars,
            changes,
            is_damaged: false,
        }
    }

    /// Adds the frame that was decoded last.
    pub(super) fn add(&mut self, frames: &mut Frames) -> Result<(), Error> {
        if self.own.len() == MAX_FRAMES {
            return Err(Error::TooManyFrames);
        }
        // The decoder knows it when it has seen a frame.
        self.clock.field = frames.field_seconds();
        let frame = frames.frame();
        self.own.push(frame.pts());
        let (said, shown) = (frame.best_effort_time(), frame.fields_shown());
        self.digests.push(frame.digest());
        if let Some(changes) = &mut self.changes {
            changes.look(frame);
        }
        self.intra.push(frame.is_intra() && !frame.is_damaged());
        self.flagged.push(frame.is_interlaced());
        self.is_damaged |= frame.is_damaged();
        let mut appearance = Appearance::of(frame);
        // The message holds until another one. (By the standard it ends with the next IDR picture, and those who write it once
        // at the beginning mean the whole film.)
        appearance.orientation =
            appearance.orientation.or(self.appearances.last().and_then(|(_, last)| last.orientation));
        self.is_damaged |= frames.has_failed();
        self.add_time(said, shown);
        self.add_appearance(appearance)
    }

    /// Looks at the frame that was added last for what is not black in it.
    pub(super) fn look_for_bars(&mut self, frames: &mut Frames) {
        let (Some(bars), Some((_, appearance))) = (&mut self.bars, self.appearances.last()) else { return };
        self.seen.resize(self.appearances.len(), Seen::nothing(appearance.picture.size));
        if let Some(seen) = self.seen.last_mut() {
            bars.look(frames.frame(), seen);
        }
    }

    /// Gives the frame a time. Those before the first that has one are counted back from it.
    fn add_time(&mut self, said: Option<i64>, shown: i64) {
        match said {
            None if self.clocked.is_empty() => return self.untimed.push(shown),
            Some(said) if self.clocked.is_empty() => {
                self.clocked.extend(self.clock.times_before(said, self.untimed.len()));
                self.untimed.clear();
            }
            _ => {}
        }
        self.clocked.push(self.clock.time_of(said, shown));
    }

    fn add_appearance(&mut self, appearance: Appearance) -> Result<(), Error> {
        if self.appearances.last().is_some_and(|(_, last)| *last == appearance) {
            return Ok(());
        }
        if self.appearances.len() == MOST_APPEARANCES {
            return Err(Error::TooManyChanges);
        }
        self.appearances.push((self.own.len() as u32 - 1, appearance));
        Ok(())
    }

    /// Says that there are no more frames.
    pub(super) fn finish(&mut self, frames: &Frames) {
        self.is_damaged |= frames.has_failed();
        for shown in std::mem::take(&mut self.untimed) {
            self.clocked.push(self.clock.time_of(None, shown));
        }
        clock::spread(&mut self.clocked, clock::one_frame(self.time_base, self.rate));
    }

    /// Every frame has a time of its own, and no other has it.
    pub(super) fn own_times(&self) -> Option<Vec<i64>> {
        let own = self.own.iter().copied().collect::<Option<Vec<i64>>>()?;
        let mut sorted = own.clone();
        sorted.sort_unstable();
        sorted.windows(2).all(|pair| pair[0] < pair[1]).then_some(own)
    }
}

impl Appearance {
    fn of(frame: &RawFrame) -> Self {
        Self {
            format: frame.format(),
            color: frame.color(),
            picture: Canvas { size: frame.size(), pixel: frame.sample_aspect_ratio() },
            orientation: frame.orientation(),
        }
    }
}

/// Threads for decoding a whole film that is not damaged.
pub(super) fn all_threads() -> Threads {
    /// More than these gain little, and each keeps pictures of its own.
    const MOST: usize = 8;
    Threads::Strict(std::thread::available_parallelism().map_or(1, |cores| cores.get().min(MOST)))
}
