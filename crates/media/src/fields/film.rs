//! Films that were spread over more frames: four frames became five, and two of the five hold fields of two frames.

use frame::Rational;

use super::{FieldOrder, filter};
use crate::decode::Numbered;
use crate::frame_list::Index;
use crate::raw::filter::{Formats, Graph};
use crate::raw::frame::RawFrame;
use crate::{Error, Source};

/// Frames of a cycle, one of which is no frame of the film.
pub(super) const CYCLE: u32 = 5;
/// Threads of the decoder, as far as its frames stand for themselves.
const THREADS: usize = 2;
/// At most one frame in so many may stay combed, or it is not a film.
const COMBED: usize = 10;

/// The frames of a film.
#[derive(Debug, Default)]
pub(super) struct Film {
    /// The decoded frames that are kept, ascending.
    pub(super) kept: Vec<u32>,
    /// The frames at which cycles begin anew, since the pictures have another size or format from there on.
    pub(super) begins: Vec<u32>,
    /// Frames among them whose fields match no others.
    combed: usize,
}

impl Film {
    /// True when it is one: nearly all of its fields match others.
    pub(super) fn is_one(&self) -> bool {
        self.combed * COMBED <= self.kept.len()
    }
}

/// Decodes everything, puts the fields together, and finds the frame of each cycle that repeats the one before.
pub(super) fn film(
    source: &Source,
    index: &Index,
    order: FieldOrder,
    rate: Rational,
    progress: &mut dyn FnMut(u64),
) -> Result<Film, Error> {
    let mut decoded = Numbered::open(source, index, 0, THREADS)?;
    // A frame that is a frame of the film again, but for the noise of its encoding, counts as a repetition; FFmpeg always
    // leaves out the frame of a cycle that is most like the one before.
    let description = format!("{},decimate=cycle={CYCLE}", filter::fieldmatch(order));
    let mut graph: Option<(_, Graph)> = None;
    let (mut film, mut kept) = (Film::default(), RawFrame::new()?);
    while let Some(number) = decoded.next()? {
        let frame = decoded.frame();
        let picture = (frame.size(), frame.format());
        if graph.as_ref().is_some_and(|(known, _)| *known != picture)
            && let Some((_, mut graph)) = graph.take()
        {
            graph.send(None)?;
            film.take(&mut graph, &mut kept)?;
        }
        let (_, graph) = match &mut graph {
            Some(graph) => graph,
            none => {
                film.begins.push(number);
                let (size, format) = picture;
                none.insert((
                    picture,
                    Graph::of_sequence(format, size, rate, &description, Formats::Convert)?,
                ))
            }
        };
        frame.set_pts(number.into());
        frame.set_number(number);
        graph.send(Some(frame))?;
        film.take(graph, &mut kept)?;
        progress(u64::from(number) + 1);
    }
    if let Some((_, graph)) = &mut graph {
        graph.send(None)?;
        film.take(graph, &mut kept)?;
    }
    Ok(film)
}

impl Film {
    fn take(&mut self, graph: &mut Graph, frame: &mut RawFrame) -> Result<(), Error> {
        while graph.receive(frame)? {
            self.combed += usize::from(frame.is_interlaced());
            self.kept.extend(frame.number());
        }
        Ok(())
    }
}
