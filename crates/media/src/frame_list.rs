//! The frame list: when each frame of a film appears, where decoding can start, what the frames are made of, and which of them
//! are wanted.

mod fields;
mod window;

use std::ops::Range;

use frame::{Area, Canvas, Orientation, Rational};

use crate::Shift;

pub(crate) use fields::Shown;
pub use fields::{FieldOrder, Fields, Made, Stretch};
pub(crate) use window::{Ends, ticks};
pub use window::{Whole, Window};

/// Seconds by which a clock has to go back to be another clock: recordings that were glued together. Less is disorder, as
/// where a demuxer has to guess decoding times.
pub(crate) const JUMP_SECONDS: i64 = 1;

/// Seconds after the frame before, a year, beyond which a time is damaged: recordings pause for days at most.
pub(crate) const LONGEST_GAP_SECONDS: i64 = 366 * 86_400;

/// The most frames by which the order of decoding differs from that of presentation, in any codec.
pub(crate) const MOST_REORDERED: usize = 16;

/// What of a file's word is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quirks {
    /// Frames that an edit list cuts off are shown all the same.
    pub shows_all: bool,
    /// So many frames at least have to be held back to bring them into order; 0 believes the video itself.
    pub reorder: u32,
}

/// The frames of a video in the order in which they are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// Seconds a tick, of the source's video stream.
    pub time_base: Rational,
    /// Presentation time of each frame in ticks, strictly ascending.
    pub pts: Vec<i64>,
    /// Numbers of the frames at which decoding can start, ascending.
    pub keyframes: Vec<u32>,
    /// Ticks that the last frame is shown.
    pub last_duration: i64,
    /// Decoding can start at any keyframe. Else it must start at the beginning of the file for the frames to repeat.
    pub seekable: bool,
    /// Frames are known by the times that they have of their own, else by counting from the beginning of the file.
    pub by_time: bool,
    /// What of the file's word was not believed for it.
    pub quirks: Quirks,
    /// How many frames the decoder gives too early at most, before the one that is next.
    pub disorder: u32,
    /// Every frame was decoded by a decoder that stops at errors, and it did not.
    pub is_clean: bool,
    /// Checksum of each frame's samples, as a decoder gives them that began at the start; empty for a list by packets alone.
    pub digests: Vec<u32>,
    /// The share of its picture that each frame changes of the one before, in 1/65535; empty where that was not looked at.
    pub changes: Vec<u16>,
    /// What the pictures are like, from which frame on; empty for a list by packets alone.
    pub parts: Vec<Part>,
    /// The kind of picture that all frames get.
    pub canvas: Option<Canvas>,
    /// The part of the canvas outside which all frames are black; `None` where all of it is, or where that was not looked at.
    pub seen: Option<Area>,
    /// The part of the canvas that is left of all frames; `None` where that is all of it.
    pub crop: Option<Area>,
    /// Frames that the packets promise and the decoder does not give: ranges, ascending, with other frames between them.
    pub missing: Vec<Range<u32>>,
    /// Frames before the first of the list that no decoder gives, as recordings have them that begin anywhere.
    pub left_out: u32,
    /// The file states more than it holds: what, in words.
    pub cut_off: Option<String>,
    /// Frames that say of themselves that they are interlaced: ranges, ascending, with other frames between them. Known where
    /// everything was decoded.
    pub flagged: Vec<Range<u32>>,
    /// FFmpeg's name of the pixel format that holds most of those that the frames have; `None` where nothing was decoded.
    pub pixel_format: Option<String>,
    /// What people should know.
    pub notes: Vec<String>,
    /// How the frames are made of those that the decoder gives; `None` where they are those.
    pub fields: Option<Fields>,
    /// What is added to all times so that the film begins at 0, as its whole result does; known where everything was decoded, or a
    /// part was wanted.
    pub shift: Shift,
    /// The list that this one is a part of; `None` where it has all frames of the film.
    pub whole: Option<Box<Whole>>,
}

/// Frames in a row with the same kind of picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Number of the first of them.
    pub first: u32,
    /// What they are like once they stand upright.
    pub picture: Canvas,
    /// What the video itself says must be done to them so that they stand upright.
    pub orientation: Orientation,
}

impl Index {
    /// A list of which nothing but the times is known.
    pub fn of_times(time_base: Rational, pts: Vec<i64>) -> Self {
        Self {
            time_base,
            pts,
            keyframes: Vec::new(),
            last_duration: 0,
            seekable: false,
            by_time: false,
            quirks: Quirks::default(),
            disorder: 0,
            is_clean: false,
            digests: Vec::new(),
            changes: Vec::new(),
            parts: Vec::new(),
            canvas: None,
            seen: None,
            crop: None,
            missing: Vec::new(),
            left_out: 0,
            cut_off: None,
            flagged: Vec::new(),
            pixel_format: None,
            notes: Vec::new(),
            fields: None,
            shift: Shift::NONE,
            whole: None,
        }
    }

    /// Leaves out the frames that are missing at the end of a file that is cut off: of those that were decoded last, some
    /// are shown after others that did not arrive.
    pub(crate) fn leave_out_missing_end(&mut self) {
        while let Some(run) = self.missing.pop_if(|run| run.end as usize + MOST_REORDERED >= self.pts.len()) {
            let (frames, count) = (run.start as usize..run.end as usize, run.end - run.start);
            self.pts.drain(frames.clone());
            self.digests.drain(frames.clone());
            if !self.changes.is_empty() {
                self.changes.drain(frames);
            }
            let move_up = |number: &mut u32| *number -= if *number >= run.end { count } else { 0 };
            self.keyframes.iter_mut().for_each(move_up);
            self.parts.iter_mut().for_each(|part| move_up(&mut part.first));
            for flagged in &mut self.flagged {
                move_up(&mut flagged.start);
                move_up(&mut flagged.end);
            }
        }
    }

    /// When a frame is shown, from the first frame on, as players show it.
    pub fn clock(&self, frame: u32) -> String {
        if let Some(whole) = &self.whole {
            return whole.list.clock(whole.first.saturating_add(frame));
        }
        let start = self.pts.first().copied().unwrap_or(0);
        let time = self.pts.get(frame as usize).copied().unwrap_or(start).saturating_sub(start);
        let milliseconds = (time as f64 * self.time_base.to_f64() * 1000.0).round() as u64;
        let (seconds, rest) = (milliseconds / 1000, milliseconds % 1000);
        format!("{}:{:02}:{:02}.{rest:03}", seconds / 3600, seconds / 60 % 60, seconds % 60)
    }

    /// The kind of picture that a decoded frame has.
    pub(crate) fn part(&self, frame: u32) -> Option<&Part> {
        let after = self.parts.partition_point(|part| part.first <= frame);
        self.parts.get(after.checked_sub(1)?)
    }

    /// The share of its picture that each frame changes of the one before, as [`Index::changes`] of those that it is made of.
    pub fn changes_of_frames(&self) -> Vec<u16> {
        let (film, decoded) = (self.film(), self.decoded());
        let (first, all, count) =
            (self.number_in_film() as usize, film.pts.len().max(1), decoded.changes.len());
        if count == 0 {
            return Vec::new();
        }
        let of =
            |frame: usize| decoded.changes.get((first + frame) * count / all).copied().unwrap_or(u16::MAX);
        (0..self.pts.len()).map(of).collect()
    }

    /// The list of the frames that the decoder gives.
    pub fn decoded(&self) -> &Self {
        let film = self.film();
        film.fields.as_ref().map_or(film, |fields| &fields.decoded)
    }

    /// The list that this one is a part of, else itself.
    pub fn film(&self) -> &Self {
        self.whole.as_ref().map_or(self, |whole| &whole.list)
    }

    /// What is shown as a frame: itself, or where it is missing the one before its run; the one after that where there is
    /// none before.
    pub(crate) fn shown(&self, frame: u32) -> Shown {
        let place = self.fields.as_ref().map(|fields| fields.place(frame));
        let place = place.unwrap_or(Shown { frame, is_second: false });
        match self.decoded().missing_at(place.frame) {
            Some(run) if run.start > 0 => {
                let is_second = self.fields.as_ref().is_some_and(|fields| fields.made.of_each() > 1);
                Shown { frame: run.start - 1, is_second }
            }
            Some(run) => Shown { frame: run.end, is_second: false },
            None => place,
        }
    }

    /// The last frame before one that is not missing; that one where there is none.
    pub(crate) fn present_before(&self, frame: u32) -> u32 {
        let Some(before) = frame.checked_sub(1) else { return frame };
        self.missing_at(before).map_or(before, |run| run.start.checked_sub(1).unwrap_or(frame))
    }

    /// The first frame from one on that is not missing.
    pub(crate) fn present_from(&self, frame: u32) -> u32 {
        self.missing_at(frame).map_or(frame, |run| run.end)
    }

    fn missing_at(&self, frame: u32) -> Option<&Range<u32>> {
        let after = self.missing.partition_point(|run| run.end <= frame);
        self.missing.get(after).filter(|run| run.contains(&frame))
    }
}
