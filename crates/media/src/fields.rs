//! Interlaced video: frames that consist of two fields of different times, and the frames that are made of them.
//!
//! What is done to a film is decided once, when its frame list is made ([`deinterlace`]), and stands in the list; whoever
//! decodes a part of it does as the list says. `sample` looks at the film, `rule` decides, `list` and `film` give the frames
//! and their times, `filter` makes the pictures.

mod film;
mod filter;
mod list;
mod rule;
mod sample;

use std::ops::Range;

use frame::Rational;

use crate::index::Index;
use crate::probe::video_stream;
use crate::raw::input::Input;
use crate::{Error, Source, raw};

pub(crate) use filter::FieldFilter;
use rule::{Decision, Does};

/// What is wanted of interlaced video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Deinterlace {
    /// What the film needs: nothing, [`Frame`](Self::Frame) or [`Telecine`](Self::Telecine).
    #[default]
    Auto,
    /// Nothing: the frames as they are.
    Off,
    /// A frame of each frame.
    Frame,
    /// A frame of each field: twice as many.
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
    /// Which field comes first.
    pub order: FieldOrder,
    /// Frames that are flagged progressive stay as they are.
    pub keeps_progressive: bool,
    /// The list of the frames that the decoder gives.
    pub decoded: Box<Index>,
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
        let (times, of) = match self.fields.as_ref().map(|fields| &fields.made) {
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
    let input = Input::open(source)?;
    let (_, video) = video_stream(&input)?;
    let (is_flagged, height, rate) = (video.is_interlaced(), video.size().height, video.average_frame_rate());
    drop(input);
    if wanted == Deinterlace::Off {
        let note = "the video is interlaced: its frames are upscaled as they are";
        return Ok((index, is_flagged.then(|| note.to_owned())));
    }
    if wanted == Deinterlace::Auto && !is_flagged && height > rule::MOST_ROWS {
        return Ok((index, None));
    }
    let evidence = sample::look(source, &index, progress)?;
    let film = if index.gaps.is_empty() {
        evidence.can(&Made::Film { kept: Vec::new() })
    } else {
        Err(Error::Fields("frames are missing, and 2:3 pulldown cannot be followed over them".to_owned()))
    };
    let frames = evidence.can(&Made::Frames);
    let mut case = rule::Case { wanted, is_flagged, rate, may_be_film: film.is_ok() };
    match wanted {
        Deinterlace::Telecine => film?,
        Deinterlace::Frame | Deinterlace::Field => frames?,
        Deinterlace::Auto if frames.is_err() => case.wanted = Deinterlace::Off,
        Deinterlace::Auto | Deinterlace::Off => {}
    }
    let mut decision = rule::decide(&case, &evidence);
    if decision.does == Does::Film {
        let film = film::film(source, &index, decision.order, rate, progress)?;
        if wanted == Deinterlace::Telecine || film.is_one() {
            let made = decision.list(Made::Film { kept: film.kept }, index)?;
            return Ok((made, decision.note));
        }
        case.may_be_film = false;
        decision = rule::decide(&case, &evidence);
    }
    let made = match decision.does {
        Does::Frames => Made::Frames,
        Does::Fields => Made::Fields,
        Does::Nothing | Does::Film => return Ok((index, decision.note)),
    };
    Ok((decision.list(made, index)?, decision.note))
}

impl Decision {
    /// The list of what is made as was decided.
    fn list(&self, made: Made, index: Index) -> Result<Index, Error> {
        let (order, keeps_progressive) = (self.order, self.keeps_progressive);
        list::made(Fields { made, order, keeps_progressive, decoded: Box::new(index) })
    }
}
