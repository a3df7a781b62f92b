//! A look at frames of a film: what they say of their fields, and what FFmpeg's `idet` and `fieldmatch` see in them.

use std::collections::VecDeque;
use std::ops::Range;

use frame::{Rational, Size};

use super::{FieldOrder, Made, filter};
use crate::decode::Numbered;
use crate::frame_list::Index;
use crate::raw::filter::{Formats, Graph};
use crate::raw::frame::RawFrame;
use crate::raw::pixel::PixelFormat;
use crate::{Error, Source};

/// Places of a film that are looked at, spread evenly; more in a long one.
const WINDOWS: u32 = 20;
/// Frames at each of them.
const WINDOW: u32 = 18;
/// Seconds from one place to the next, at most.
const SECONDS_APART: f64 = 120.0;
/// A film of fewer frames is looked at as a whole at once.
const SHORT: u32 = WINDOWS * WINDOW;
/// Threads of the decoder where all is looked at.
const THREADS: usize = 2;

/// A field counts as repeated where the other one differs twice as much. Three times, FFmpeg's own measure, is more than the
/// noise of encoded film leaves: of 50 cycles in MPEG-2 at 8 Mbit/s it finds 36, this one 43.
const IDET: &str = "idet=rep_thres=2";

/// What `idet` sees in a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// Too little moves.
    Nothing,
    Progressive,
    TopFirst,
    BottomFirst,
}

impl Seen {
    fn of(value: Option<&str>) -> Self {
        match value {
            Some("tff") => Self::TopFirst,
            Some("bff") => Self::BottomFirst,
            Some("progressive") => Self::Progressive,
            _ => Self::Nothing,
        }
    }

    pub(super) const fn is_interlaced(self) -> bool {
        matches!(self, Self::TopFirst | Self::BottomFirst)
    }
}

/// A field that a frame has in common with the frame before, while the other one differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeated {
    Neither,
    Top,
    Bottom,
}

/// A frame that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sample {
    /// It is flagged interlaced.
    pub(super) is_flagged: bool,
    /// What it looks like beside its neighbours.
    pub(super) alone: Seen,
    /// The same, with more frames before it.
    pub(super) seen: Seen,
    pub(super) repeated: Repeated,
    /// Its rows are combed, and no field of a neighbour makes that better. Where a frame is flagged, this is taken for granted:
    /// it takes more time to measure than all the rest.
    pub(super) is_combed: bool,
}

impl Sample {
    /// A frame in which nothing is to be seen.
    const fn blind(is_flagged: bool) -> Self {
        let (alone, seen, repeated) = (Seen::Nothing, Seen::Nothing, Repeated::Neither);
        Self { is_flagged, alone, seen, repeated, is_combed: is_flagged }
    }
}

/// What was found in a film.
#[derive(Debug, Clone, Default)]
pub(super) struct Observations {
    /// Frames in a row, at each place.
    pub(super) windows: Vec<Vec<Sample>>,
    /// The windows are one that holds all frames of the film, so that a frame's place is its number.
    pub(super) is_whole: bool,
    /// Sizes and formats of the pictures.
    pub(super) pictures: Vec<(Size, PixelFormat)>,
}

impl Observations {
    /// Tells whether there are filters for what is to be made.
    pub(super) fn can(&self, made: &Made) -> Result<(), Error> {
        self.pictures.iter().try_for_each(|&picture| filter::can(picture, made))
    }
}

/// Looks at places all over a film, and at all of a short one. Where it is damaged, less is seen.
pub(super) fn look(
    source: &Source,
    index: &Index,
    rate: Rational,
    progress: &mut dyn FnMut(u64),
) -> Result<Observations, Error> {
    if index.pts.len() as u32 <= SHORT {
        return look_at_all(source, index, progress);
    }
    let mut observations = Observations::default();
    let mut open: Option<Numbered<'_>> = None;
    let mut done = 0;
    for range in places(index, rate) {
        let mut decoded = match open.take() {
            // Where decoding starts at the beginning of the file, it is not begun again for each place.
            Some(decoded) if !index.seekable => decoded,
            _ => Numbered::open(source, index, index.present_from(range.start), 1)?,
        };
        let mut window = Window::default();
        while let Some(number) = next_of(&mut decoded)?.filter(|&number| number < range.end) {
            done += 1;
            progress(done);
            if number >= range.start {
                window.push(decoded.frame(), number)?;
            }
            if number + 1 == range.end {
                break;
            }
        }
        window.finish()?;
        observations.add(&window.pictures);
        observations.windows.push(window.samples);
        open = Some(decoded);
    }
    Ok(observations)
}

/// Looks at every frame of a film. Where the decoder does not get on, nothing is seen.
pub(super) fn look_at_all(
    source: &Source,
    index: &Index,
    progress: &mut dyn FnMut(u64),
) -> Result<Observations, Error> {
    let mut decoded = Numbered::open(source, index, index.present_from(0), THREADS)?;
    let mut window = Window::default();
    while let Some(number) = next_of(&mut decoded)? {
        progress(u64::from(number) + 1);
        window.push(decoded.frame(), number)?;
    }
    window.finish()?;
    let mut samples: Vec<Sample> = Vec::with_capacity(index.pts.len());
    let mut is_flagged = false;
    for (number, sample) in window.numbers.iter().zip(window.samples) {
        // Missing frames are as those before.
        samples.resize(*number as usize, Sample::blind(is_flagged));
        is_flagged = sample.is_flagged;
        samples.push(sample);
    }
    samples.resize(index.pts.len(), Sample::blind(is_flagged));
    let mut observations = Observations { windows: vec![samples], is_whole: true, pictures: Vec::new() };
    observations.add(&window.pictures);
    Ok(observations)
}

impl Observations {
    fn add(&mut self, pictures: &[(Size, PixelFormat)]) {
        for picture in pictures {
            if !self.pictures.contains(picture) {
                self.pictures.push(*picture);
            }
        }
    }
}

/// The next frame; none where the decoder gives others than the list has.
fn next_of(decoded: &mut Numbered<'_>) -> Result<Option<u32>, Error> {
    match decoded.next() {
        Err(Error::FramesDiffer { .. }) => Ok(None),
        other => other,
    }
}

/// The frames that are looked at. They begin where decoding can start.
fn places(index: &Index, rate: Rational) -> Vec<Range<u32>> {
    let frames = index.pts.len() as u32;
    let seconds = if rate.is_known() { f64::from(frames) / rate.to_f64() } else { 0.0 };
    let windows =
        ((seconds / SECONDS_APART).ceil() as u32 + 1).clamp(WINDOWS, (frames / WINDOW).max(WINDOWS));
    let mut places: Vec<Range<u32>> = Vec::new();
    for number in 0..u64::from(windows) {
        let wanted = (u64::from(frames - WINDOW) * number / u64::from(windows - 1)) as u32;
        let before = index.keyframes.partition_point(|&keyframe| keyframe <= wanted);
        let keyframe = index.keyframes[..before].last().copied().filter(|_| index.seekable);
        let free = places.last().map_or(0, |place| place.end);
        let first = keyframe.unwrap_or(wanted).max(free);
        places.push(first..(first + WINDOW).min(frames));
    }
    places.retain(|place| !place.is_empty());
    places
}

/// Frames in a row on their way through the filters that look at them.
#[derive(Default)]
struct Window {
    pictures: Vec<(Size, PixelFormat)>,
    /// The kind of picture of the last frame, and the filters for it; none for pictures that are too small or too strange.
    last: Option<((Size, PixelFormat), Option<Filters>)>,
    samples: Vec<Sample>,
    /// The numbers of all frames so far.
    numbers: Vec<u32>,
    /// The flags of all frames so far.
    flags: Vec<bool>,
    /// The places of the frames that are still measured by `fieldmatch`.
    measured: VecDeque<usize>,
}

struct Filters {
    idet: Graph,
    fieldmatch: Graph,
    seen: RawFrame,
}

impl Filters {
    fn new((size, format): (Size, PixelFormat)) -> Result<Self, Error> {
        filter::is_large_enough(size)?;
        let graph = |description: &str| {
            Graph::of_sequence(format, size, Rational::new(0, 1), description, Formats::Convert)
        };
        let (idet, fieldmatch) = (graph(IDET)?, graph(&filter::fieldmatch(FieldOrder::Flagged))?);
        Ok(Self { idet, fieldmatch, seen: RawFrame::new()? })
    }
}

impl Window {
    /// Looks at the next frame. One of another kind than those before is no neighbour of theirs.
    fn push(&mut self, frame: &mut RawFrame, number: u32) -> Result<(), Error> {
        let picture = (frame.size(), frame.format());
        if self.last.as_ref().is_none_or(|(last, _)| *last != picture) {
            self.finish()?;
            self.last = Some((picture, Filters::new(picture).ok()));
            self.pictures.push(picture);
        }
        let place = self.flags.len();
        let is_flagged = frame.is_interlaced();
        self.numbers.push(number);
        self.flags.push(is_flagged);
        let Some((_, Some(filters))) = &mut self.last else {
            self.samples.push(Sample::blind(is_flagged));
            return Ok(());
        };
        frame.set_pts(place as i64);
        filters.idet.send(Some(frame))?;
        if !is_flagged {
            self.measured.push_back(place);
            filters.fieldmatch.send(Some(frame))?;
        }
        self.drain()
    }

    /// Takes out what is still in the filters.
    fn finish(&mut self) -> Result<(), Error> {
        if let Some((_, Some(filters))) = &mut self.last {
            filters.idet.send(None)?;
            filters.fieldmatch.send(None)?;
        }
        self.drain()?;
        for &is_flagged in &self.flags[self.samples.len()..] {
            self.samples.push(Sample::blind(is_flagged));
        }
        self.measured.clear();
        self.last = None;
        Ok(())
    }

    fn drain(&mut self) -> Result<(), Error> {
        let Some((_, Some(Filters { idet, fieldmatch, seen }))) = &mut self.last else { return Ok(()) };
        while idet.receive(seen)? {
            let metadata = seen.metadata();
            let value = |key: &str| metadata.iter().find(|(name, _)| name == key).map(|(_, value)| &**value);
            let is_flagged = self.flags.get(self.samples.len()).copied().unwrap_or_default();
            self.samples.push(Sample {
                is_flagged,
                alone: Seen::of(value("lavfi.idet.single.current_frame")),
                seen: Seen::of(value("lavfi.idet.multiple.current_frame")),
                repeated: match value("lavfi.idet.repeated.current_frame") {
                    Some("top") => Repeated::Top,
                    Some("bottom") => Repeated::Bottom,
                    _ => Repeated::Neither,
                },
                is_combed: is_flagged,
            });
        }
        // This one is no faster than the other: it waits for the next frame, too.
        while self.measured.front().is_some_and(|&place| place < self.samples.len())
            && fieldmatch.receive(seen)?
        {
            if let Some(place) = self.measured.pop_front() {
                self.samples[place].is_combed = seen.is_interlaced();
            }
        }
        Ok(())
    }
}
