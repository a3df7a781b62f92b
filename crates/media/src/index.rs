//! How the frame list of a film is made: by what its packets say, and by what a decoder makes of them.

mod behind;
mod clock;
mod coded;
mod decoded;
mod entries;
mod film;
mod list;
mod packets;
mod parts;

use crate::bars::Bars;
use crate::changes::Changes;
use crate::decode::Frames;
use crate::frame_list::{Index, Quirks, Window};
use crate::raw::codec::Threads;
use crate::survey::Survey;
use crate::{Error, Shift, Source, whole};

use behind::Behind;
use decoded::{Decoded, all_threads};
use entries::Entries;
use film::Film;
use packets::Packets;

/// How a frame list is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexMethod {
    /// From the packets, without decoding: at once, but by the word of the container alone.
    Demux,
    /// By decoding every frame. Decoding a range then starts at a keyframe that was proven.
    Check,
    /// By decoding every frame in one thread. Decoding a range then starts at the start of the file.
    Decode,
}

/// Makes the frame list of a file.
///
/// Wherever everything is decoded, what packets promise is compared with it: frames that are missing then stand in the
/// list all the same, and in its missing frames.
///
/// # Errors
/// When the file cannot be read, is not a video, has no frames, or changes in a way that one film cannot have.
pub fn index(source: &Source, method: IndexMethod, progress: &mut dyn FnMut(u64)) -> Result<Index, Error> {
    index_with(source, IndexOptions { method, with_bars: false, changes: None, window: None }, progress)
}

/// What is read of a film for its list, and how.
#[derive(Debug, Clone, Copy)]
pub struct IndexOptions {
    /// How the list is made.
    pub method: IndexMethod,
    /// Where everything is decoded, what is not black is looked for ([`Index::seen`]).
    pub with_bars: bool,
    /// Where everything is decoded, each frame is compared with the one before ([`Index::changes`]): samples that differ by so many
    /// levels of 255 at most count as the same.
    pub changes: Option<u8>,
    /// The part that is wanted: nothing is read behind it but what its last frames may depend on. The list begins with the film
    /// all the same; [`Index::cut_to`] gives the part.
    pub window: Option<Window>,
}

/// As [`index`], with more to choose.
///
/// # Errors
/// As for [`index`].
pub fn index_with(
    source: &Source,
    options: IndexOptions,
    progress: &mut dyn FnMut(u64),
) -> Result<Index, Error> {
    let IndexOptions { method, with_bars, changes, window } = options;
    let to = window.and_then(|window| window.to);
    if method == IndexMethod::Demux {
        let (packets, survey) = Packets::read(source, window, progress)?;
        if let Some(listed) = packets.list(source)? {
            let &first = listed.pts.first().ok_or(Error::NoFrames)?;
            let shift = survey.shift_of_film(listed.time_base, first);
            return Ok(Index { left_out: packets.before(first), shift, ..listed });
        }
    }
    let from_start = method == IndexMethod::Decode;
    let threads = if from_start { Threads::One } else { all_threads() };
    let mut decoding = Decoding { threads, from_start, quirks: Quirks::default(), with_bars, changes, to };
    loop {
        match decode(source, decoding, progress)? {
            Outcome::Made(index) => return Ok(*index),
            Outcome::Damaged => decoding.threads = Threads::One,
            Outcome::WronglyCut => decoding.quirks.shows_all = true,
            Outcome::Dropped(reorder) => decoding.quirks.reorder = reorder,
        }
    }
}

/// How everything is decoded.
#[derive(Debug, Clone, Copy)]
struct Decoding {
    threads: Threads,
    from_start: bool,
    quirks: Quirks,
    /// What is not black is looked for.
    with_bars: bool,
    /// What changes is looked for, with this tolerance.
    changes: Option<u8>,
    /// Where the part ends that is wanted, in microseconds from the beginning of the film.
    to: Option<u64>,
}

/// What came of decoding everything.
enum Outcome {
    Made(Box<Index>),
    /// A frame is damaged.
    Damaged,
    /// The edit list cuts off other frames than those that come first.
    WronglyCut,
    /// Frames are missing, and the decoder holds back fewer than so many, which their times ask for.
    Dropped(u32),
}

/// Makes the list by reading and decoding everything once, or all up to where the part ends that is wanted.
fn decode(source: &Source, decoding: Decoding, progress: &mut dyn FnMut(u64)) -> Result<Outcome, Error> {
    let Decoding { threads, from_start, quirks, with_bars, changes, to } = decoding;
    let is_strict = threads != Threads::One;
    let mut frames = Frames::open_with(source, threads, quirks)?;
    let (mut packets, mut entries) = (Packets::new(frames.input())?, Entries::new(&frames)?);
    let (film, time_base, mut length) = (frames.stream(), frames.time_base(), whole::Length::new());
    let (mut survey, mut behind) = (Survey::of(frames.input(), film), Behind::of(to));
    frames.read_all_streams();
    let mut decoded = Decoded::new(&frames, with_bars.then(Bars::default), changes.map(Changes::new));
    while frames.advance_with(&mut |packet, stream| {
        length.add(packet, stream.time_base());
        survey.add(stream, packet);
        if packet.stream() != film {
            return Ok(());
        }
        packets.note_cut(packet);
        if quirks.shows_all {
            packet.show();
        }
        packets.add(packet)?;
        entries.add(packet)
    })? {
        decoded.add(&mut frames)?;
        progress(decoded.own.len() as u64);
        if decoded.is_damaged && is_strict {
            return Ok(Outcome::Damaged);
        }
        let is_enough = matches!(decoded.clocked[..], [first, .., last]
            if behind.are_enough_with(last, || survey.shift_of_film(time_base, first), time_base));
        if !behind.have_begun() {
            decoded.look_for_bars(&mut frames);
        }
        if is_enough {
            break;
        }
    }
    decoded.finish(&frames);
    if decoded.is_damaged && is_strict {
        return Ok(Outcome::Damaged);
    }
    let lack = frames.lack();
    packets.add_lost(&lack.lost);
    packets.finish();
    if behind.are_enough() {
        packets.promise_nothing_behind(decoded.own.iter().flatten().max().copied());
    }
    entries.finish()?;
    if !quirks.shows_all && packets.cuts() && list::has_no_presentation_times(&packets, &decoded) {
        return Ok(Outcome::WronglyCut);
    }
    let film = Film::of(&frames);
    let mut index = list::list(&film, &packets, &decoded, &entries, from_start)?;
    let reorder = packets.reorder_depth();
    if !index.missing.is_empty() && quirks.reorder == 0 && reorder > frames.reorder_depth() {
        return Ok(Outcome::Dropped(reorder));
    }
    // Of a file that was not read to its end, it is unknown what it lacks there.
    if !behind.are_enough() {
        index.cut_off = length.lacks(frames.input(), source)?;
    }
    if index.cut_off.is_some() {
        index.leave_out_missing_end();
    } else if let Some((stated, found)) = lack.uncounted.filter(|_| !behind.are_enough()) {
        index.notes.push(list::uncounted_words(stated, found));
    }
    index.shift = index.pts.first().map_or(Shift::NONE, |&first| survey.shift_of_film(time_base, first));
    index.quirks = quirks;
    index.is_clean = is_strict;
    Ok(Outcome::Made(Box::new(index)))
}
