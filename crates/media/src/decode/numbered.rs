//! The frames of a file by their numbers in its frame list, from any of them on.

use std::collections::BTreeMap;

use super::{Frames, Quirks};
use crate::frame_list::Index;
use crate::raw::codec::Threads;
use crate::raw::frame::RawFrame;
use crate::{Error, Source};

/// Decodes the frames that a list of a file's own frames has, in order. Those that are missing are passed over.
///
/// Where the list has checksums, every frame is the very picture that a decoder gives that began at the start: a start that
/// does not lead to it is given up for an earlier one.
#[derive(Debug)]
pub(crate) struct Numbered<'a> {
    source: Source,
    threads: Threads,
    frames: Frames,
    /// Times of keyframes to start at when the start that was tried does not lead to the frame wanted, the best at the
    /// end; `None` when decoding started at the beginning.
    other_starts: Option<Vec<i64>>,
    /// The list.
    index: &'a Index,
    /// Number of the next frame out of the decoder, as far as it follows from the frame before.
    next_decoded: Option<usize>,
    /// Number of the next frame to give.
    wanted: usize,
    /// A frame was given.
    has_given: bool,
    /// The frame that was given last.
    current: RawFrame,
    /// Frames that the decoder gave too early, by their numbers.
    early: BTreeMap<usize, RawFrame>,
}

impl<'a> Numbered<'a> {
    /// Prepares to decode from frame `first` on, which must not be missing.
    ///
    /// At most `threads` are used; one where more could give other pictures each time.
    pub(crate) fn open(source: &Source, index: &'a Index, first: u32, threads: usize) -> Result<Self, Error> {
        let threads = if index.by_time { Threads::Repeatable(threads) } else { Threads::One };
        let mut starts = if index.seekable { starts(index, first) } else { Vec::new() };
        let (frames, is_beginning) = open_at(source, threads, index.quirks, &mut starts)?;
        Ok(Self {
            source: source.clone(),
            threads,
            frames,
            other_starts: (!is_beginning).then_some(starts),
            next_decoded: is_beginning.then(|| index.present_from(0) as usize),
            wanted: first as usize,
            has_given: false,
            current: RawFrame::new()?,
            early: BTreeMap::new(),
            index,
        })
    }

    /// The frames as the file has them.
    pub(crate) fn frames(&self) -> &Frames {
        &self.frames
    }

    /// The frame that was given last.
    pub(crate) fn frame(&mut self) -> &mut RawFrame {
        &mut self.current
    }

    /// Decodes the next frame of the list and gives its number; `None` after the last.
    pub(crate) fn next(&mut self) -> Result<Option<u32>, Error> {
        let Some(&expected) = self.index.pts.get(self.wanted) else { return Ok(None) };
        let number = self.wanted as u32;
        self.decode_until(self.wanted, expected)?;
        self.has_given = true;
        self.wanted = self.index.present_from(number + 1) as usize;
        Ok(Some(number))
    }

    /// Decodes until frame `wanted` is there, as it should be.
    fn decode_until(&mut self, wanted: usize, expected: i64) -> Result<(), Error> {
        loop {
            let is_found = self.find(wanted, expected)?;
            if let Err(got) = is_found {
                if !self.start_earlier()? {
                    let (frame, expected) = (wanted as u32, Some(expected));
                    return Err(Error::FramesDiffer { frame, expected, got });
                }
                continue;
            }
            if self.is_right(wanted) {
                return Ok(());
            }
            if !self.start_earlier()? {
                // What a decoder makes of damage may depend on what was in its memory before.
                return if self.index.is_clean { Err(Error::OtherPicture(wanted as u32)) } else { Ok(()) };
            }
        }
    }

    /// Decodes until frame `wanted` is the current one; else gives the time of the frame that shows that it will not come.
    fn find(&mut self, wanted: usize, expected: i64) -> Result<Result<(), Option<i64>>, Error> {
        loop {
            if let Some(frame) = self.early.remove(&wanted) {
                self.current = frame;
                return Ok(Ok(()));
            }
            let is_end = !self.frames.advance()?;
            let got = self.frames.frame().pts().filter(|_| !is_end);
            let place = if is_end { None } else { self.place_of(got) };
            self.next_decoded = place.map(|place| self.index.present_from(place as u32 + 1) as usize);
            match place {
                Some(place) if place == wanted => {
                    std::mem::swap(&mut self.current, self.frames.frame());
                    return Ok(Ok(()));
                }
                // Decoded because others need it, or to count.
                Some(place) if place < wanted => {}
                Some(place) if self.early.len() < self.index.disorder as usize => {
                    let mut frame = RawFrame::new()?;
                    frame.refer_to(self.frames.frame())?;
                    self.early.insert(place, frame);
                }
                // Left over from the keyframe's past.
                None if !is_end && !self.has_given && got.is_none_or(|got| got < expected) => {}
                _ => return Ok(Err(got)),
            }
        }
    }

    /// True when the current frame is the picture that the list has.
    fn is_right(&self, wanted: usize) -> bool {
        self.index.digests.get(wanted).is_none_or(|&digest| digest == self.current.digest())
    }

    /// The number of the frame that was decoded last.
    fn place_of(&self, time: Option<i64>) -> Option<usize> {
        match time.filter(|_| self.index.by_time) {
            Some(time) => self.index.pts.binary_search(&time).ok(),
            // Not every frame has a time of its own: MPEG program streams have one for a group of them.
            None => self.next_decoded,
        }
    }

    /// Starts again at an earlier place; false when the last start was the beginning, in one thread. Some keyframes are only the
    /// first of a row of frames that together make a whole picture, and damage reaches further from one start than from another.
    fn start_earlier(&mut self) -> Result<bool, Error> {
        let mut starts = match self.other_starts.take() {
            Some(starts) => starts,
            None if self.threads == Threads::One => return Ok(false),
            None => Vec::new(),
        };
        if starts.is_empty() {
            self.threads = Threads::One;
        }
        let (frames, is_beginning) = open_at(&self.source, self.threads, self.index.quirks, &mut starts)?;
        self.frames = frames;
        self.early.clear();
        self.other_starts = (!is_beginning).then_some(starts);
        self.next_decoded = is_beginning.then(|| self.index.present_from(0) as usize);
        Ok(true)
    }
}

/// Times of the two keyframes before a frame, the nearer one at the end. None of them is the beginning.
fn starts(index: &Index, first: u32) -> Vec<i64> {
    let before = index.keyframes.partition_point(|&keyframe| keyframe <= first);
    let nearest = &index.keyframes[before.saturating_sub(2)..before];
    let time = |&keyframe: &u32| index.pts.get(keyframe as usize).copied().filter(|_| keyframe > 0);
    nearest.iter().filter_map(time).collect()
}

/// Opens a file at the last of `starts` at which it can be entered, else at its beginning, which is said.
fn open_at(
    source: &Source,
    threads: Threads,
    quirks: Quirks,
    starts: &mut Vec<i64>,
) -> Result<(Frames, bool), Error> {
    while let Some(time) = starts.pop() {
        let mut frames = Frames::open_with(source, threads, quirks)?;
        if frames.has_palette {
            // Colors come with the first frame, and again only when they change.
            return Ok((frames, true));
        }
        if frames.seek(time)? {
            return Ok((frames, false));
        }
    }
    Ok((Frames::open_with(source, threads, quirks)?, true))
}
