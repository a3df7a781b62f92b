//! A range of the frame list as pictures.

use frame::{Orientation, RgbF32, Size};

use crate::captions::Waiting;
use crate::convert::ToRgb;
use crate::crop::Cropper;
use crate::decode::Numbered;
use crate::fields::FieldFilter;
use crate::fit::Fitter;
use crate::frame_list::{Index, Part, Shown};
use crate::raw::frame::RawFrame;
use crate::{Error, Source};

/// A frame of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextFrame {
    /// Its time, in ticks.
    pub pts: i64,
    /// It has the very samples of the frame given before it, or is missing and filled with them.
    pub is_repeat: bool,
}

/// Decodes a range of the frame list to RGB.
#[derive(Debug)]
pub struct RangeDecoder<'a> {
    decoded: Numbered<'a>,
    /// Cuts off what is not wanted of them.
    cropper: Option<Cropper>,
    /// What makes the frames of the list out of those that are decoded.
    filtered: Option<Filtered>,
    to_rgb: ToRgb,
    /// Fits pictures that are not of the film's kind.
    fitter: Option<Fitter>,
    orientation: Orientation,
    /// Room for a picture before it is turned.
    lying: RgbF32,
    /// Room for a picture before it is fitted, and before that.
    unfitted: [RgbF32; 2],
    /// Room for a picture before it is cut.
    uncut: RgbF32,
    /// The size of the pictures that are given.
    size: Option<Size>,
    /// The frame that was converted last, as it was before.
    converted: Option<RawFrame>,
    /// The list.
    index: &'a Index,
    /// End of the range.
    end: usize,
    /// Number of the next frame to give.
    wanted: usize,
    /// What was shown as the last frame given.
    given: Option<Shown>,
    /// Captions of frames that were decoded and not given yet.
    waiting: Waiting,
    /// Captions of the frame that was given last.
    captions: Vec<u8>,
}

#[derive(Debug)]
struct Filtered {
    filter: FieldFilter,
    frame: RawFrame,
    at_end: bool,
}

/// A frame that is to be given.
struct Next {
    pts: i64,
    /// It is missing, and the frame before is given again.
    is_filled: bool,
}

impl<'a> RangeDecoder<'a> {
    /// Prepares to decode frames `first` to `end - 1`.
    ///
    /// At most `threads` are used; one where more could give other pictures each time.
    ///
    /// # Errors
    /// When the file cannot be read or decoded, or the range is not within the list.
    pub fn open(
        source: &Source,
        index: &'a Index,
        first: u32,
        end: u32,
        threads: usize,
    ) -> Result<Self, Error> {
        // The frames of a part are made as those of the film.
        let before = index.number_in_film();
        let (index, first, end) = (index.film(), first.saturating_add(before), end.saturating_add(before));
        if first > end || end as usize > index.pts.len() {
            let got = index.pts.last().copied();
            return Err(Error::FramesDiffer { frame: end, expected: None, got });
        }
        let (list, mut start) = (index.decoded(), index.shown(first).frame);
        let filtered = match &index.fields {
            None => None,
            Some(fields) => {
                // What is shown depends on the frames beside it, wherever decoding starts.
                for _ in 0..fields.reach() {
                    start = list.present_before(start);
                }
                Some(Filtered { filter: FieldFilter::new(fields), frame: RawFrame::new()?, at_end: false })
            }
        };
        Ok(Self {
            decoded: Numbered::open(source, list, start, threads)?,
            cropper: index.crop.map(Cropper::new).transpose()?,
            filtered,
            to_rgb: ToRgb::default(),
            fitter: list.canvas.map(Fitter::new),
            orientation: Orientation::UPRIGHT,
            lying: RgbF32::new(Size::new(0, 0)),
            unfitted: [(); 2].map(|()| RgbF32::new(Size::new(0, 0))),
            uncut: RgbF32::new(Size::new(0, 0)),
            size: index.crop.map(|area| area.size).or(list.canvas.map(|canvas| canvas.size)),
            converted: None,
            index,
            end: end as usize,
            wanted: first as usize,
            given: None,
            waiting: Waiting::default(),
            captions: Vec::new(),
        })
    }

    /// Brings HDR to the range of usual screens from here on. Only before the first frame.
    pub fn tonemap(&mut self) {
        self.to_rgb.tonemap();
    }

    /// Turns and mirrors all pictures.
    pub fn turn(&mut self, orientation: Orientation) {
        self.orientation = orientation;
    }

    /// Closed captions of the frame that was given last; empty where it has none. A frame that repeats the picture before
    /// has captions of its own.
    pub fn captions(&self) -> &[u8] {
        &self.captions
    }

    /// Decodes the next frame of the range into a picture in the source's own transfer curve, full range, and gives its
    /// time; `None` after the last. A frame that is missing is filled with the one before.
    ///
    /// # Errors
    /// [`Error::FramesDiffer`] when the decoder gives other frames than the list has, [`Error::PictureChanged`] when
    /// the size changes in a list by packets alone, others when the file cannot be read or converted.
    pub fn next(&mut self, into: &mut RgbF32) -> Result<Option<i64>, Error> {
        let Some(next) = self.advance()? else { return Ok(None) };
        self.convert(next.is_filled, into)?;
        Ok(Some(next.pts))
    }

    /// As [`next`](Self::next), but a frame with the very samples of the one before is not converted: then `into` is left
    /// as it is, and [`NextFrame::is_repeat`] says so.
    ///
    /// # Errors
    /// As for [`next`](Self::next).
    pub fn next_unless_repeated(&mut self, into: &mut RgbF32) -> Result<Option<NextFrame>, Error> {
        let Some(Next { pts, is_filled }) = self.advance()? else { return Ok(None) };
        // Fields are marked in the frames in a way that differs between versions of FFmpeg, and change the conversion. What
        // comes out of the filters has none.
        let has_fields = self.filtered.is_none() && self.decoded.frames().is_interlaced();
        let frame = match &self.filtered {
            Some(filtered) => &filtered.frame,
            None => self.decoded.frame(),
        };
        let is_same = !has_fields && self.converted.as_ref().is_some_and(|last| last.is_same_picture(frame));
        let is_repeat = is_filled || is_same;
        if !is_repeat {
            self.convert(false, into)?;
        }
        Ok(Some(NextFrame { pts, is_repeat }))
    }

    /// Converts the frame that was made last, or the one converted last once more, and makes it a picture of the film's kind.
    fn convert(&mut self, again: bool, into: &mut RgbF32) -> Result<(), Error> {
        let number = self.wanted.saturating_sub(1) as u32;
        let shown = self.index.shown(number);
        let part = odd_part(self.index.decoded(), shown.frame).copied();
        let converted = match &mut self.converted {
            Some(converted) => converted,
            none => none.insert(RawFrame::new()?),
        };
        let frame = match &mut self.filtered {
            Some(filtered) => &mut filtered.frame,
            None => self.decoded.frame(),
        };
        // The conversion labels the frame anew.
        if again {
            frame.refer_to(converted)?;
        } else {
            converted.refer_to(frame)?;
        }
        let is_turned = self.orientation != Orientation::UPRIGHT;
        let picture = if is_turned { &mut self.lying } else { &mut *into };
        match (part, &mut self.fitter) {
            (Some(part), Some(fitter)) => {
                let [lying, upright] = &mut self.unfitted;
                self.to_rgb.convert(frame, lying)?;
                part.orientation.apply(lying, upright);
                fitter.fit(upright, part.picture, picture)?;
            }
            _ => self.to_rgb.convert(frame, picture)?,
        }
        // What could not be cut as the decoder gave it.
        let crop = self.cropper.as_ref().map(Cropper::area);
        if let Some(area) = crop.filter(|area| area.size != picture.size() && area.is_within(picture.size()))
        {
            area.cut(picture, &mut self.uncut);
            std::mem::swap(picture, &mut self.uncut);
        }
        // All that comes after relies on it.
        let size = *self.size.get_or_insert(picture.size());
        if picture.size() != size {
            let (before, after) = (size.to_string(), picture.size().to_string());
            return Err(Error::PictureChanged { frame: number, before, after });
        }
        if is_turned {
            self.orientation.apply(&self.lying, into);
        }
        Ok(())
    }

    /// Makes what the next frame of the range shows; `None` after the last.
    fn advance(&mut self) -> Result<Option<Next>, Error> {
        if self.wanted >= self.end {
            return Ok(None);
        }
        let (number, shown) = (self.wanted as u32, self.index.shown(self.wanted as u32));
        let is_filled = self.given == Some(shown);
        if !is_filled {
            self.make(shown, number)?;
        }
        // Frames that the film has not leave their captions to the next one that is shown.
        let before = number.checked_sub(1).map_or(0, |before| self.index.shown(before).frame + 1);
        self.waiting.take(before..shown.frame + 1, &mut self.captions);
        self.wanted += 1;
        self.given = Some(shown);
        Ok(Some(Next { pts: self.index.pts[number as usize], is_filled }))
    }

    /// Makes what is shown as frame `number`.
    fn make(&mut self, shown: Shown, number: u32) -> Result<(), Error> {
        let expected = self.index.pts.get(number as usize).copied();
        let differ = || Error::FramesDiffer { frame: number, expected, got: None };
        let Some(Filtered { filter, frame, at_end }) = &mut self.filtered else {
            loop {
                let decoded = self.decoded.next()?.ok_or_else(differ)?;
                self.waiting.add(decoded, self.decoded.frame().captions());
                if decoded >= shown.frame {
                    return cut(&mut self.cropper, self.index, self.decoded.frame(), decoded);
                }
            }
        };
        loop {
            match filter.receive(frame)? {
                Some(place) if place == shown => return Ok(()),
                // For the sake of its neighbours, or one that the film has not.
                Some(place) if place < shown => continue,
                Some(_) => return Err(differ()),
                None if *at_end => return Err(differ()),
                None => {}
            }
            if let Some(decoded) = self.decoded.next()? {
                self.waiting.add(decoded, self.decoded.frame().captions());
                cut(&mut self.cropper, self.index, self.decoded.frame(), decoded)?;
                filter.send(self.decoded.frame(), decoded)?;
            } else {
                filter.finish()?;
                *at_end = true;
            }
        }
    }
}

/// What a frame is like, where it is another kind of picture than the film is.
fn odd_part(list: &Index, frame: u32) -> Option<&Part> {
    list.part(frame).filter(|part| {
        let is_like = list.canvas.is_none_or(|canvas| canvas.is_like(part.picture));
        part.orientation != Orientation::UPRIGHT || !is_like
    })
}

/// Cuts a decoded frame, unless it has to be fitted first.
fn cut(cropper: &mut Option<Cropper>, index: &Index, frame: &mut RawFrame, number: u32) -> Result<(), Error> {
    match cropper {
        Some(cropper) if odd_part(index.decoded(), number).is_none() => cropper.crop(frame),
        _ => Ok(()),
    }
}
