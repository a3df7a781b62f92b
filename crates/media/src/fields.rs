//! Interlaced video: frames that consist of two fields of different times, and the frames that are made of them.
//!
//! What is done to a film is decided once, when its frame list is made ([`deinterlace`]), and stands in the list; what
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

use crate::frame_list::{FieldOrder, Fields, Index, Made, Shown, Stretch};
use crate::probe::video_stream;
use crate::raw::input::Input;
use crate::{Error, Source};

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

impl Stretch {
    /// What was seen in its frames.
    fn samples<'a>(&self, samples: &'a [Sample]) -> &'a [Sample] {
        samples.get(self.frames.start as usize..self.frames.end as usize).unwrap_or_default()
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
    let mut observations = sample::look(source, &index, rate, progress)?;
    if !observations.is_whole {
        if !rule::gives_reason(&case, &observations) {
            return Ok((index, None));
        }
        if !by_samples {
            observations = sample::look_at_all(source, &index, progress)?;
        }
    }
    let film = if index.missing.is_empty() {
        observations.can(&Made::Film { kept: Vec::new() })
    } else {
        Err(Error::Fields("frames are missing, and 2:3 pulldown cannot be followed over them".to_owned()))
    };
    let frames = observations.can(&Made::Frames);
    case.may_be_film = film.is_ok();
    match wanted {
        Deinterlace::Telecine => film?,
        Deinterlace::Frame | Deinterlace::Field => frames?,
        Deinterlace::Auto if frames.is_err() => case.wanted = Deinterlace::Off,
        Deinterlace::Auto | Deinterlace::Off => {}
    }
    let samples = observations.windows.concat();
    let mut decision = rule::decide(&case, &samples);
    if !observations.is_whole {
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
