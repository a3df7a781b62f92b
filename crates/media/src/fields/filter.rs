//! The pictures that are made of fields.

use std::collections::VecDeque;

use frame::{Rational, Size};

use super::{FieldOrder, Fields, Made, Shown, Stretch};
use crate::Error;
use crate::convert::planar;
use crate::raw::filter::{Formats, Graph};
use crate::raw::frame::RawFrame;
use crate::raw::pixel::PixelFormat;

/// Makes frames of fields: decoded frames go in, in order, and frames with their places come out.
///
/// What comes out for a frame depends on the frames beside it alone, as many as [`Fields::reach`] says. So within a stretch
/// the filter works on all frames (FFmpeg's own choice of some of them depends on all that came before), and those that are to
/// stay as they are replace what it made of them. Frames of different size or format are no neighbours.
#[derive(Debug)]
pub(crate) struct FieldFilter {
    filters: Filters,
    stretches: Vec<Stretch>,
    is_film: bool,
    of_each: u32,
    /// Frames that are beside none of a stretch need no filter. Where frames are missing, it is unknown which are beside.
    passes_by: bool,
    chain: Option<((Size, PixelFormat), Chain)>,
    /// The frames that went in and did not come out yet.
    waiting: VecDeque<Waiting>,
}

/// A frame on its way.
#[derive(Debug)]
struct Waiting {
    number: u32,
    /// Its number by count of those that went into the chain.
    count: Option<u64>,
    /// The frame, where it stays as it is.
    original: Option<RawFrame>,
    /// What was made of it, else.
    made: VecDeque<RawFrame>,
    /// How many frames were given of it.
    given: u32,
}

/// The filters for what is made, in FFmpeg's notation.
#[derive(Debug)]
struct Filters {
    fieldmatch: Option<String>,
    bwdif: &'static str,
}

#[derive(Debug)]
struct Chain {
    /// Packed formats are unpacked first, which changes no sample.
    unpack: Option<Graph>,
    fieldmatch: Option<Graph>,
    bwdif: Graph,
    matched: RawFrame,
    deinterlaced: RawFrame,
    /// Frames that went in, that came out of the first filter, and that came out of the last.
    counts: [u64; 3],
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
        Self {
            fieldmatch: matches!(made, Made::Film { .. }).then(|| fieldmatch(order)),
            // Which field is first, each frame says.
            bwdif: match made {
                Made::Fields => "bwdif=mode=send_field:parity=auto:deint=all",
                Made::Frames | Made::Film { .. } => "bwdif=mode=send_frame:parity=auto:deint=all",
            },
        }
    }
}

impl Chain {
    fn new(filters: &Filters, (size, format): (Size, PixelFormat)) -> Result<Self, Error> {
        is_large_enough(size)?;
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
            bwdif: graph(filters.bwdif)?,
            matched: RawFrame::new()?,
            deinterlaced: RawFrame::new()?,
            counts: [0; 3],
        })
    }

    /// Puts a frame in, or says that there are no more.
    fn send(
        &mut self,
        frame: Option<&mut RawFrame>,
        waiting: &mut VecDeque<Waiting>,
        of_each: u32,
    ) -> Result<(), Error> {
        let is_end = frame.is_none();
        let Some(fieldmatch) = &mut self.fieldmatch else {
            self.bwdif.send(frame)?;
            return self.drain(waiting, of_each);
        };
        fieldmatch.send(frame)?;
        while fieldmatch.receive(&mut self.matched)? {
            let count = self.counts[1];
            self.counts[1] += 1;
            // Of a film, all frames stay but those that are combed still.
            if !self.matched.is_interlaced()
                && let Some(frame) = waiting.iter_mut().find(|frame| frame.count == Some(count))
            {
                frame.original = Some(another(&self.matched)?);
            }
            self.bwdif.send(Some(&mut self.matched))?;
        }
        if is_end {
            self.bwdif.send(None)?;
        }
        self.drain(waiting, of_each)
    }

    /// Hands out what came out, as far as it is wanted.
    fn drain(&mut self, waiting: &mut VecDeque<Waiting>, of_each: u32) -> Result<(), Error> {
        while self.bwdif.receive(&mut self.deinterlaced)? {
            let count = self.counts[2] / u64::from(of_each);
            self.counts[2] += 1;
            let frame = waiting.iter_mut().find(|frame| frame.count == Some(count));
            if let Some(frame) = frame.filter(|frame| frame.original.is_none()) {
                frame.made.push_back(std::mem::replace(&mut self.deinterlaced, RawFrame::new()?));
            }
        }
        Ok(())
    }
}

/// Another name for a frame's samples.
fn another(frame: &RawFrame) -> Result<RawFrame, Error> {
    let mut other = RawFrame::new()?;
    other.refer_to(frame)?;
    Ok(other)
}

/// Columns and rows that pictures of fields have at least. FFmpeg 5.1's filters write beyond smaller ones: its comb metrics
/// look at blocks of 16 by 16.
const LEAST_SIDE: u32 = 32;

/// Refuses pictures that are too small for the filters.
pub(crate) fn is_large_enough(size: Size) -> Result<(), Error> {
    if size.width.min(size.height) < LEAST_SIDE {
        return Err(Error::Fields(format!("pictures of {size} are too small")));
    }
    Ok(())
}

/// Tells whether the filters for what is made take pictures of this kind.
pub(super) fn can(picture: (Size, PixelFormat), made: &Made) -> Result<(), Error> {
    let unable = |_| Error::Fields(format!("no filter takes pictures of {} {}", picture.0, picture.1.name()));
    Chain::new(&Filters::of(made, FieldOrder::Flagged), picture).map(drop).map_err(unable)
}

impl FieldFilter {
    pub(crate) fn new(fields: &Fields) -> Self {
        let order = fields.stretches.first().map_or(FieldOrder::Flagged, |stretch| stretch.order);
        Self {
            filters: Filters::of(&fields.made, order),
            stretches: fields.stretches.clone(),
            is_film: matches!(fields.made, Made::Film { .. }),
            of_each: fields.made.of_each(),
            passes_by: fields.decoded.missing.is_empty(),
            chain: None,
            waiting: VecDeque::new(),
        }
    }

    /// Puts the decoded frame with a number in.
    pub(crate) fn send(&mut self, frame: &mut RawFrame, number: u32) -> Result<(), Error> {
        let picture = (frame.size(), frame.format());
        if self.chain.as_ref().is_some_and(|(known, _)| *known != picture) {
            self.finish()?;
        }
        let order = Stretch::order_at(&self.stretches, number);
        let is_beside = !self.passes_by || self.is_beside(number);
        let (_, chain) = match &mut self.chain {
            Some(chain) => chain,
            none => none.insert((picture, Chain::new(&self.filters, picture)?)),
        };
        let mut unpacked;
        let frame = match &mut chain.unpack {
            None => frame,
            Some(unpack) => {
                unpacked = RawFrame::new()?;
                unpack.run(frame, &mut unpacked)?;
                &mut unpacked
            }
        };
        let original = if order.is_some() || self.is_film { None } else { Some(another(frame)?) };
        let is_sent = original.is_none() || is_beside;
        let count = is_sent.then_some(chain.counts[0]);
        self.waiting.push_back(Waiting { number, count, original, made: VecDeque::new(), given: 0 });
        if !is_sent {
            return Ok(());
        }
        if let Some(order @ (FieldOrder::TopFirst | FieldOrder::BottomFirst)) = order {
            frame.set_interlaced(order == FieldOrder::TopFirst);
        }
        frame.set_pts(chain.counts[0] as i64);
        chain.counts[0] += 1;
        chain.send(Some(frame), &mut self.waiting, self.of_each)
    }

    /// Says that there are no more frames, or none that are neighbours of those before.
    pub(crate) fn finish(&mut self) -> Result<(), Error> {
        let Some((_, mut chain)) = self.chain.take() else { return Ok(()) };
        let sent = chain.send(None, &mut self.waiting, self.of_each);
        // What follows is counted anew.
        for frame in &mut self.waiting {
            frame.count = None;
        }
        sent
    }

    /// Takes the next frame out, which has its place; `None` when there is none before more go in.
    pub(crate) fn receive(&mut self, frame: &mut RawFrame) -> Result<Option<Shown>, Error> {
        let Some(next) = self.waiting.front_mut() else { return Ok(None) };
        match (&next.original, next.made.pop_front()) {
            (Some(original), _) => frame.refer_to(original)?,
            (None, Some(made)) => *frame = made,
            (None, None) => return Ok(None),
        }
        let place = Shown { frame: next.number, is_second: next.given > 0 };
        next.given += 1;
        if next.given == self.of_each {
            self.waiting.pop_front();
        }
        Ok(Some(place))
    }

    /// True for the frames that those of a stretch are made of, too.
    fn is_beside(&self, number: u32) -> bool {
        let is_filtered = |frame: u32| Stretch::order_at(&self.stretches, frame).is_some();
        is_filtered(number.saturating_sub(1)) || is_filtered(number.saturating_add(1))
    }
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init, reason = "lists of ranges, some of one")]
mod tests {
    use std::ops::Range;

    use super::*;
    use crate::frame_list::Index;

    const FRAMES: u32 = 24;
    /// The first frame of another size, and the first of another format.
    const CHANGES: [u32; 2] = [9, 17];

    /// A picture whose rows are shifted, each field by another distance.
    fn picture(number: u32) -> RawFrame {
        let size = if number < CHANGES[0] { Size::new(64, 48) } else { Size::new(48, 64) };
        let format = if number < CHANGES[1] { "yuv420p" } else { "yuyv422" };
        let mut frame = RawFrame::allocate(PixelFormat::named(format).unwrap(), size).unwrap();
        for plane in 0..frame.format().planes() {
            for y in 0..frame.format().rows(size.height, plane) {
                let shift = 6 * number + 3 * (y % 2);
                for (x, sample) in frame.row_mut(plane, y).iter_mut().enumerate() {
                    *sample = ((x as u32 * 7 + shift * 5) ^ (y / 2)) as u8;
                }
            }
        }
        frame
    }

    fn fields(made: Made, stretches: &[Range<u32>]) -> Fields {
        let orders = [FieldOrder::TopFirst, FieldOrder::BottomFirst].into_iter().cycle();
        let decoded =
            Index { last_duration: 1, ..Index::of_times(Rational::new(1, 25), (0..FRAMES.into()).collect()) };
        let stretches = stretches.iter().cloned().zip(orders);
        let stretches = stretches.map(|(frames, order)| Stretch { frames, order }).collect();
        Fields { made, stretches, decoded: Box::new(decoded) }
    }

    /// All bytes of a picture.
    fn bytes(frame: &RawFrame) -> Vec<u8> {
        let rows = |plane| (0..frame.format().rows(frame.size().height, plane)).map(move |y| (plane, y));
        (0..frame.format().planes())
            .flat_map(rows)
            .flat_map(|(plane, y)| frame.row(plane, y).to_vec())
            .collect()
    }

    /// What comes out where decoding begins at a frame.
    fn run(fields: &Fields, first: u32) -> Vec<(Shown, Vec<u8>)> {
        let mut filter = FieldFilter::new(fields);
        let mut made = Vec::new();
        let mut frame = RawFrame::new().unwrap();
        let mut take = |filter: &mut FieldFilter| {
            while let Some(place) = filter.receive(&mut frame).unwrap() {
                made.push((place, bytes(&frame)));
            }
            assert!(filter.waiting.len() <= 3, "{} frames wait", filter.waiting.len());
        };
        for number in first..FRAMES {
            filter.send(&mut picture(number), number).unwrap();
            take(&mut filter);
        }
        filter.finish().unwrap();
        take(&mut filter);
        assert!(filter.waiting.is_empty());
        made
    }

    #[test]
    fn pictures_that_change_are_filtered_apart_and_as_any_other_from_any_cut() {
        let stretches = [vec![0..FRAMES], vec![2..5, 5..8, 9..10, 16..18, 23..24], vec![7..12]];
        for made in [Made::Frames, Made::Fields] {
            for stretches in &stretches {
                let fields = fields(made.clone(), stretches);
                let whole = run(&fields, 0);
                let each = made.of_each();
                let places: Vec<Shown> = (0..FRAMES * each).map(|number| fields.place(number)).collect();
                assert_eq!(whole.iter().map(|frame| frame.0).collect::<Vec<_>>(), places);
                for (place, picture_made) in &whole {
                    let mut original = picture(place.frame);
                    if place.frame >= CHANGES[1] {
                        // As unpacked.
                        let description = format!("format={}", planar(original.format()).unwrap());
                        let mut graph = Graph::new(original.format(), original.size(), &description).unwrap();
                        let mut unpacked = RawFrame::new().unwrap();
                        graph.run(&mut original, &mut unpacked).unwrap();
                        original = unpacked;
                    }
                    let is_filtered = stretches.iter().any(|frames| frames.contains(&place.frame));
                    assert_eq!(*picture_made != bytes(&original), is_filtered, "{place:?} {stretches:?}");
                }
                for first in 1..FRAMES {
                    let part = run(&fields, first - 1);
                    let (skip, from) = (each as usize, (first * each) as usize);
                    assert!(part[skip..] == whole[from..], "from {first}: {stretches:?}");
                }
            }
        }
    }

    #[test]
    fn a_single_frame_has_two_fields() {
        let fields = fields(Made::Fields, &[FRAMES - 1..FRAMES]);
        let made = run(&fields, FRAMES - 1);
        assert_eq!(made.len(), 2);
        assert!(!made[0].0.is_second && made[1].0.is_second);
    }
}
