//! The pictures that are made of fields.

use std::collections::VecDeque;

use frame::{Rational, Size};

use super::{FieldOrder, Fields, Made, Place};
use crate::Error;
use crate::convert::planar;
use crate::raw::filter::{Formats, Graph};
use crate::raw::frame::RawFrame;
use crate::raw::pixel::PixelFormat;

/// Makes frames of fields: decoded frames go in, in order, and frames with their places come out.
///
/// What comes out for a frame depends on the frames beside it alone, as many as [`Fields::reach`] says. So the filter works
/// on all frames (FFmpeg's own choice of some of them depends on all that came before), and those that are to stay as they
/// are replace what it made of them.
#[derive(Debug)]
pub(crate) struct FieldFilter {
    filters: Filters,
    keeps_progressive: bool,
    chain: Option<((Size, PixelFormat), Chain)>,
    /// Frames that went in so far.
    count: i64,
    /// The numbers of those that went in, and those among them that stay as they are.
    sent: VecDeque<(u32, Option<RawFrame>)>,
    /// Number by count of the first of them.
    first_sent: i64,
}

/// The filters for what is made, in FFmpeg's notation.
#[derive(Debug)]
struct Filters {
    fieldmatch: Option<String>,
    bwdif: String,
}

#[derive(Debug)]
struct Chain {
    /// Packed formats are unpacked first, which changes no sample.
    unpack: Option<Graph>,
    fieldmatch: Option<Graph>,
    bwdif: Graph,
    unpacked: RawFrame,
    matched: RawFrame,
}

/// The filter that puts the fields of film frames together again.
pub(super) fn fieldmatch(order: FieldOrder) -> String {
    let order = match order {
        FieldOrder::Flagged => "auto",
        FieldOrder::TopFirst => "tff",
        FieldOrder::BottomFirst => "bff",
    };
    // Comb metrics for every frame, so that what stays combed is flagged wherever it is.
    format!("fieldmatch=order={order}:combmatch=full")
}

impl Filters {
    fn of(made: &Made, order: FieldOrder) -> Self {
        let mode = if *made == Made::Fields { "send_field" } else { "send_frame" };
        let parity = match order {
            FieldOrder::Flagged => "auto",
            FieldOrder::TopFirst => "tff",
            FieldOrder::BottomFirst => "bff",
        };
        Self {
            fieldmatch: matches!(made, Made::Film { .. }).then(|| fieldmatch(order)),
            bwdif: format!("bwdif=mode={mode}:parity={parity}:deint=all"),
        }
    }
}

impl Chain {
    fn new(filters: &Filters, (size, format): (Size, PixelFormat)) -> Result<Self, Error> {
        let rate = Rational::new(0, 1);
        let (mut format, mut unpack) = (format, None);
        if let Some(planar) = planar(format).filter(|_| !format.is_gray()) {
            unpack = Some(Graph::new(format, size, &format!("format={planar}"))?);
            format = PixelFormat::named(&planar).ok_or(Error::UnsupportedPixelFormat(planar))?;
        }
        let graph = |description: &str| Graph::of_sequence(format, size, rate, description, Formats::Keep);
        Ok(Self {
            unpack,
            fieldmatch: filters.fieldmatch.as_deref().map(graph).transpose()?,
            bwdif: graph(&filters.bwdif)?,
            unpacked: RawFrame::new()?,
            matched: RawFrame::new()?,
        })
    }
}

/// Tells whether the filters for what is made take pictures of this kind.
pub(super) fn can(picture: (Size, PixelFormat), made: &Made) -> Result<(), Error> {
    let unable = |_| Error::Fields(format!("no filter takes pictures of {} {}", picture.0, picture.1.name()));
    Chain::new(&Filters::of(made, FieldOrder::Flagged), picture).map(drop).map_err(unable)
}

impl FieldFilter {
    pub(crate) fn new(fields: &Fields) -> Self {
        let is_film = matches!(fields.made, Made::Film { .. });
        Self {
            filters: Filters::of(&fields.made, fields.order),
            // Of a film, all frames but those that stay combed.
            keeps_progressive: fields.keeps_progressive || is_film,
            chain: None,
            count: 0,
            sent: VecDeque::new(),
            first_sent: 0,
        }
    }

    /// Puts the decoded frame with a number in.
    pub(crate) fn send(&mut self, frame: &mut RawFrame, number: u32) -> Result<(), Error> {
        let picture = (frame.size(), frame.format());
        let (known, chain) = match &mut self.chain {
            Some(chain) => chain,
            none => none.insert((picture, Chain::new(&self.filters, picture)?)),
        };
        if *known != picture {
            let named = |(size, format): (Size, PixelFormat)| format!("{size} {}", format.name());
            let (before, after) = (named(*known), named(picture));
            return Err(Error::PictureChanged { frame: number, before, after });
        }
        frame.set_pts(self.count);
        self.count += 1;
        self.sent.push_back((number, None));
        let frame = match &mut chain.unpack {
            None => frame,
            Some(unpack) => {
                unpack.run(frame, &mut chain.unpacked)?;
                &mut chain.unpacked
            }
        };
        match &mut chain.fieldmatch {
            None => {
                if self.keeps_progressive {
                    keep(&mut self.sent, self.first_sent, frame)?;
                }
                chain.bwdif.send(Some(frame))
            }
            Some(fieldmatch) => {
                fieldmatch.send(Some(frame))?;
                self.pass_on()
            }
        }
    }

    /// Says that there are no more frames.
    pub(crate) fn finish(&mut self) -> Result<(), Error> {
        let Some((_, chain)) = &mut self.chain else { return Ok(()) };
        if let Some(fieldmatch) = &mut chain.fieldmatch {
            fieldmatch.send(None)?;
            self.pass_on()?;
        }
        match &mut self.chain {
            Some((_, chain)) => chain.bwdif.send(None),
            None => Ok(()),
        }
    }

    /// Takes the next frame out, which has its place; `None` when there is none before more go in.
    pub(crate) fn receive(&mut self, frame: &mut RawFrame) -> Result<Option<Place>, Error> {
        let Some((_, chain)) = &mut self.chain else { return Ok(None) };
        if !chain.bwdif.receive(frame)? {
            return Ok(None);
        }
        // The filter counts in halves of the ticks that went in.
        let halves = frame.pts().unwrap_or_default();
        let (count, is_second) = (halves.div_euclid(2), halves.rem_euclid(2) == 1);
        while self.first_sent < count && self.sent.pop_front().is_some() {
            self.first_sent += 1;
        }
        let Some((number, original)) = self.sent.front() else {
            return Err(Error::Ffmpeg { doing: "deinterlace", reason: "a frame has no number".to_owned() });
        };
        if let Some(original) = original {
            frame.refer_to(original)?;
        }
        Ok(Some(Place { frame: *number, is_second }))
    }

    /// Takes what was matched to the next filter.
    fn pass_on(&mut self) -> Result<(), Error> {
        let Some((_, Chain { fieldmatch: Some(fieldmatch), bwdif, matched, .. })) = &mut self.chain else {
            return Ok(());
        };
        while fieldmatch.receive(matched)? {
            if self.keeps_progressive {
                keep(&mut self.sent, self.first_sent, matched)?;
            }
            bwdif.send(Some(matched))?;
        }
        Ok(())
    }
}

/// Keeps a frame that has no fields of different times, as far as it says.
fn keep(
    sent: &mut VecDeque<(u32, Option<RawFrame>)>,
    first_sent: i64,
    frame: &RawFrame,
) -> Result<(), Error> {
    let place = frame.pts().and_then(|count| usize::try_from(count - first_sent).ok());
    if let Some((_, original)) = place.and_then(|place| sent.get_mut(place))
        && !frame.is_interlaced()
    {
        let mut kept = RawFrame::new()?;
        kept.refer_to(frame)?;
        *original = Some(kept);
    }
    Ok(())
}
