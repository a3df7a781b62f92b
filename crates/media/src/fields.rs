//! Interlaced video: frames that consist of two fields of different times, and the frames that are made of them.
//!
//! What is done to a film is decided once, when its frame list is made ([`deinterlace`]), and stands in the list; whoever
//! decodes a part of it does as the list says. `sample` looks at the film, `rule` decides by `counts`, `pulldown` and
//! `stretch`, `note` says it, `list` and `film` give the frames and their times, `filter` makes the pictures.

mod counts;
mod film;
mod filter;
mod list;
mod note;
mod pulldown;
mod rule;
mod sample;
mod stretch;

use std::ops::Range;

use frame::Rational;

use crate::index::Index;
use crate::probe::video_stream;
use crate::raw::input::Input;
use crate::{Error, Source, raw};

pub(crate) use filter::{FieldFilter, is_large_enough};
use rule::{Case, Does};
use sample::Sample;

/// What is wanted of interlaced video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Deinterlace {
    /// What the film needs: nothing, [`Frame`](Self::Frame) or [`Telecine`](Self::Telecine).
    #[default]
    Auto,
    /// Nothing: the frames as they are.
    Off,
    /// A frame of each frame, of all of them.
    Frame,
    /// A frame of each field: twice as many. What is progressive is shown twice.
    Field,
    /// The film's own frames, four of five.
    Telecine,
}

/// Which field of a frame comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldOrder {
    /// The one that each frame says, the top one where it says nothing.
    Flagged,
    /// The one with the topmost row.
    TopFirst,
    /// The other one.
    BottomFirst,
}

/// What is made of the fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    /// A frame of each frame.
    Frames,
    /// Two frames of each frame, one for each field.
    Fields,
    /// The frames of a film that was spread over more frames by 2:3 pulldown.
    Film {
        /// The decoded frames that are kept, ascending.
        kept: Vec<u32>,
    },
}

/// How the frames of a list are made of those that the decoder gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields {
    /// What is made.
    pub made: Made,
    /// The decoded frames whose fields are of different times: ascending, apart. The others stay as they are.
    pub stretches: Vec<Stretch>,
    /// The list of the frames that the decoder gives.
    pub decoded: Box<Index>,
}

/// Decoded frames in a row that are interlaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// Their numbers.
    pub frames: Range<u32>,
    /// Which field comes first in them.
    pub order: FieldOrder,
}

impl Stretch {
    /// True for stretches of a film with so many frames: none is empty, and each begins where the one before ends or later.
    pub fn are_within(stretches: &[Self], frames: usize) -> bool {
        let mut end = 0;
        stretches.iter().all(|Self { frames, .. }| {
            let is_behind = end <= frames.start && frames.start < frames.end;
            end = frames.end;
            is_behind
        }) && end as usize <= frames
    }

    /// The field order of a frame; `None` where it is in none of the stretches.
    fn order_at(stretches: &[Self], frame: u32) -> Option<FieldOrder> {
        let place = stretches.partition_point(|stretch| stretch.frames.end <= frame);
        stretches.get(place).filter(|stretch| stretch.frames.contains(&frame)).map(|stretch| stretch.order)
    }

    /// What was seen in its frames.
    fn samples<'a>(&self, samples: &'a [Sample]) -> &'a [Sample] {
        samples.get(self.frames.start as usize..self.frames.end as usize).unwrap_or_default()
    }
}

/// A frame that is made: the decoded frame that it is made of, and whether its second field gives the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) frame: u32,
    pub(crate) is_second: bool,
}

impl Made {
    /// Frames that are made of each.
    pub(crate) const fn of_each(&self) -> u32 {
        match self {
            Self::Frames | Self::Film { .. } => 1,
            Self::Fields => 2,
        }
    }
}

impl Fields {
    /// Decoded frames before and after one that may change what is made of it.
    pub(crate) const fn reach(&self) -> u32 {
        match self.made {
            Made::Frames | Made::Fields => 1,
            // Fields are matched with those of the neighbours, and what does not match is then deinterlaced.
            Made::Film { .. } => 2,
        }
    }

    /// What frame `number` of the list is made of.
    pub(crate) fn place(&self, number: u32) -> Place {
        match &self.made {
            Made::Frames => Place { frame: number, is_second: false },
            Made::Fields => Place { frame: number / 2, is_second: number % 2 == 1 },
            Made::Film { kept } => {
                Place { frame: kept.get(number as usize).copied().unwrap_or(u32::MAX), is_second: false }
            }
        }
    }

    /// The frames that are missing in a list whose frames are made so, out of the missing decoded frames. (A film has none.)
    fn gaps(&self) -> Vec<Range<u32>> {
        let times = self.made.of_each();
        self.decoded.gaps.iter().map(|gap| gap.start * times..gap.end * times).collect()
    }

    /// The decoded frames that are missing, out of the missing frames of a list.
    pub fn gaps_of_file(made: &Made, gaps: &[Range<u32>]) -> Vec<Range<u32>> {
        let times = made.of_each();
        gaps.iter().map(|gap| gap.start / times..gap.end / times).collect()
    }
}

impl Index {
    /// Frames a second of the list, out of those of the file.
    pub fn frame_rate(&self, of_file: Rational) -> Rational {
        let (times, of) = match self.film().fields.as_ref().map(|fields| &fields.made) {
            None | Some(Made::Frames) => (1, 1),
            Some(Made::Fields) => (2, 1),
            Some(Made::Film { .. }) => (4, 5),
        };
        raw::multiply(of_file, Rational::new(times, of))
    }
}

/// Finds out whether a film is interlaced, as far as `wanted` asks for it, and gives the list of the frames that are made
/// then, with what people should know of it. Else the list, which is that of the file's own frames, stays as it is.
///
/// # Errors
/// When the file cannot be read, or [`Error::Fields`] when what is wanted cannot be done with it.
pub fn deinterlace(
    source: &Source,
    index: Index,
    wanted: Deinterlace,
    progress: &mut dyn FnMut(u64),
) -> Result<(Index, Option<String>), Error> {
    decide(source, index, wanted, false, progress)
}

/// As [`deinterlace`], by what is seen at some places of a long film, for an estimate: all of it counts as being like these.
///
/// # Errors
/// As for [`deinterlace`].
pub fn deinterlace_by_samples(
    source: &Source,
    index: Index,
    wanted: Deinterlace,
) -> Result<(Index, Option<String>), Error> {
    decide(source, index, wanted, true, &mut |_| {})
}

fn decide(
    source: &Source,
    index: Index,
    wanted: Deinterlace,
    by_samples: bool,
    progress: &mut dyn FnMut(u64),
) -> Result<(Index, Option<String>), Error> {
    let input = Input::open(source)?;
    let (_, video) = video_stream(&input)?;
    let (is_flagged, height, rate) = (video.is_interlaced(), video.size().height, video.average_frame_rate());
    let is_drawn = video.pixel_format().has_alpha() || video.pixel_format().has_palette();
    drop(input);
    if wanted == Deinterlace::Off {
        let note = "the video is interlaced: its frames are upscaled as they are";
        return Ok((index, is_flagged.then(|| note.to_owned())));
    }
    let is_flagged = is_flagged || !index.flagged.is_empty();
    // Nor is anything with transparent parts or a palette made of fields, whatever its patterns look like.
    let may_have_fields = height <= rule::MOST_ROWS && !is_drawn;
    if wanted == Deinterlace::Auto && !is_flagged && !may_have_fields {
        return Ok((index, None));
    }
    let mut case = Case { wanted, is_flagged, rate, may_be_film: true };
    let mut evidence = sample::look(source, &index, rate, progress)?;
    if !evidence.is_whole {
        if !rule::gives_reason(&case, &evidence) {
            return Ok((index, None));
        }
        if !by_samples {
            evidence = sample::look_at_all(source, &index, progress)?;
        }
    }
    let film = if index.gaps.is_empty() {
        evidence.can(&Made::Film { kept: Vec::new() })
    } else {
        Err(Error::Fields("frames are missing, and 2:3 pulldown cannot be followed over them".to_owned()))
    };
    let frames = evidence.can(&Made::Frames);
    case.may_be_film = film.is_ok();
    match wanted {
        Deinterlace::Telecine => film?,
        Deinterlace::Frame | Deinterlace::Field => frames?,
        Deinterlace::Auto if frames.is_err() => case.wanted = Deinterlace::Off,
        Deinterlace::Auto | Deinterlace::Off => {}
    }
    let samples = evidence.windows.concat();
    let mut decision = rule::decide(&case, &samples);
    if !evidence.is_whole {
        return by_likeness(index, &decision);
    }
    if decision.does == Does::Film {
        let order = decision.stretches.first().map_or(FieldOrder::Flagged, |stretch| stretch.order);
        let film = film::film(source, &index, order, rate, progress)?;
        if wanted == Deinterlace::Telecine || film.is_one() {
            let note = note::note(&case, &decision, &samples, &index);
            let (made, stretches) = (Made::Film { kept: film.kept }, decision.stretches);
            let fields = Fields { made, stretches, decoded: Box::new(index) };
            return Ok((list::made(fields, &film.begins)?, note));
        }
        case.may_be_film = false;
        decision = rule::decide(&case, &samples);
    }
    let note = note::note(&case, &decision, &samples, &index);
    let made = match decision.does {
        Does::Frames => Made::Frames,
        Does::Fields => Made::Fields,
        Does::Nothing | Does::Film => return Ok((index, note)),
    };
    let fields = Fields { made, stretches: decision.stretches, decoded: Box::new(index) };
    Ok((list::made(fields, &[])?, note))
}

/// The list of a film that is all like the samples by which it was decided.
fn by_likeness(index: Index, decision: &rule::Decision) -> Result<(Index, Option<String>), Error> {
    let frames = 0..index.pts.len() as u32;
    let (made, does) = match decision.does {
        Does::Nothing => return Ok((index, None)),
        Does::Frames => (Made::Frames, "deinterlaced with bwdif"),
        Does::Fields => (Made::Fields, "deinterlaced with bwdif, a frame for each field"),
        Does::Film => {
            let kept = frames.clone().filter(|frame| frame % film::CYCLE != film::CYCLE - 1).collect();
            (Made::Film { kept }, "taken as film in 2:3 pulldown")
        }
    };
    let order = decision.stretches.first().map_or(FieldOrder::Flagged, |stretch| stretch.order);
    let fields = Fields { made, stretches: vec![Stretch { frames, order }], decoded: Box::new(index) };
    let note = format!("by {} frames that were looked at, the video is {does}", decision.counts.all);
    Ok((list::made(fields, &[])?, Some(note)))
}
