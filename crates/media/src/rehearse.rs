//! The join before the first frame is made, with packets that stand in for the film's: whatever a container does not take shows
//! here, and not after all the work.
//!
//! What it does not take is brought in another way at once: in another container where that is free, else by converting the
//! stream, else by leaving it out. Each step is said, and the join itself does the same.

mod ladder;
mod listen;
mod words;

use std::fs;
use std::path::Path;

use crate::join::{Extent, join_extent};
use crate::probe::video_stream;
use crate::raw::input::Input;
use crate::raw::stream::Stream;
use crate::survey::Survey;
use crate::verify::count;
use crate::{Carry, Container, Error, Index, Join, JoinReport, OwnedPacket, Source, StandIn};

use ladder::Ladder;

/// Bytes of the other streams that are all tried; of more than that the beginning and the end are.
const MOST_BYTES: u64 = 256 << 20;
/// Frames of the film that are all tried.
const MOST_FRAMES: usize = 500_000;
/// Seconds of the beginning and of the end.
const END_SECONDS: f64 = 30.0;

/// What is rehearsed.
#[derive(Debug)]
pub struct Rehearsal<'a> {
    /// The source.
    pub source: &'a Source,
    /// Its frame list.
    pub index: &'a Index,
    /// What stands in for the film's packets.
    pub stand_in: &'a StandIn,
    /// The kind of file to make.
    pub container: Container,
    /// No other kind is wanted.
    pub is_forced: bool,
    /// A file for the while, which is removed at the end.
    pub file: &'a Path,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Rehearsed {
    /// The kind of file that holds the result.
    pub container: Container,
    /// What is done with the other streams.
    pub carry: Carry,
    /// What people should know.
    pub notes: Vec<String>,
    /// The same of streams that a Matroska file may hold, where another kind was chosen.
    pub left_out: Vec<String>,
    /// Bytes of the packets beside the film, as the source has them.
    pub other_bytes: u64,
}

/// Finds how the result can be put together.
///
/// # Errors
/// When it cannot be, or the source cannot be read, or the disk is full.
pub fn rehearse(rehearsal: &Rehearsal<'_>, progress: &mut dyn FnMut()) -> Result<Rehearsed, Error> {
    let survey = Survey::read(rehearsal.source, rehearsal.index.ends(), progress)?;
    let mut ladder = Ladder::new(rehearsal, &survey, progress)?;
    loop {
        let tried = attempt(rehearsal, &survey, ladder.container, &ladder.carry, progress);
        let failure = match tried {
            Ok(report) => return Ok(ladder.finish(report)),
            Err(failure @ (Error::NoSpace | Error::Write(_) | Error::Unreadable(_) | Error::NotFound)) => {
                return Err(failure);
            }
            Err(failure) => failure,
        };
        let suspect = match &failure {
            Error::StreamNotHeld { stream, .. } => Some(*stream),
            _ => None,
        };
        let culprit = culprit(rehearsal, &survey, &ladder, suspect, progress)?;
        ladder.step(culprit, failure, progress)?;
    }
}

/// The stream that fails when it is alone with the video. Muxers keep packets for a while, so that the one at which they fail
/// need not be the one that they do not take.
fn culprit(
    rehearsal: &Rehearsal<'_>,
    survey: &Survey,
    ladder: &Ladder<'_>,
    suspect: Option<usize>,
    progress: &mut dyn FnMut(),
) -> Result<Option<usize>, Error> {
    let carried = ladder.carried();
    let others = carried.iter().copied().filter(|stream| Some(*stream) != suspect);
    for stream in suspect.into_iter().chain(others) {
        let carry = ladder.only(stream);
        match attempt(rehearsal, survey, ladder.container, &carry, progress) {
            Ok(_) => {}
            Err(failure @ (Error::NoSpace | Error::Write(_) | Error::Unreadable(_))) => return Err(failure),
            Err(_) => return Ok(Some(stream)),
        }
    }
    Ok(suspect)
}

/// Joins with what stands in for the film, and reads the file back. It does not stay.
fn attempt(
    rehearsal: &Rehearsal<'_>,
    survey: &Survey,
    container: Container,
    carry: &Carry,
    progress: &mut dyn FnMut(),
) -> Result<JoinReport, Error> {
    let tried = join_and_count(rehearsal, survey, container, carry, progress);
    match fs::remove_file(rehearsal.file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => tried.and(Err(Error::write(error))),
        _ => tried,
    }
}

fn join_and_count(
    rehearsal: &Rehearsal<'_>,
    survey: &Survey,
    container: Container,
    carry: &Carry,
    progress: &mut dyn FnMut(),
) -> Result<JoinReport, Error> {
    let extent = extent(rehearsal.index, survey);
    let index = part(rehearsal.index, extent);
    let stand_in = rehearsal.stand_in;
    let packet_times = in_decoding_order(&index.pts, stand_in.parameters.reorder_depth as usize);
    let plan = Join {
        source: rehearsal.source,
        index: &index,
        parameters: &stand_in.parameters,
        packet_times: &packet_times,
        result: rehearsal.file,
        container,
        carry,
        provenance: "",
    };
    let mut packets = packet_times.iter().enumerate().map(|(number, &pts)| {
        let data = if number == 0 { &stand_in.first } else { &stand_in.next };
        Ok(OwnedPacket { pts, keyframe: number == 0, data: data.clone() })
    });
    let report = join_extent(&plan, extent, &mut packets, &mut |_, _| progress())?;
    let counted = count(&Source::file(rehearsal.file), &report, &mut |_| progress())?;
    if let Some((stream, what)) = counted.wrong(&report) {
        if stream == report.video_stream {
            return Err(Error::Verification(format!("the video {what}")));
        }
        let origin = report.origins.get(stream).copied().unwrap_or(stream);
        let input = Input::open(rehearsal.source)?;
        let codec = input.stream(origin).map(Stream::codec).unwrap_or_default();
        return Err(Error::StreamNotHeld { stream: origin, codec, reason: format!("it {what}") });
    }
    if let Some((frame, seconds)) = counted.wrong_time(&index, &report) {
        return Err(Error::Verification(format!("frame {frame} is shown {:.1} ms off", seconds * 1000.0)));
    }
    Ok(report)
}

/// The packets of long films that are tried. Where clocks go back, a time may mean two places.
fn extent(index: &Index, survey: &Survey) -> Extent {
    let is_large = survey.bytes > MOST_BYTES || index.pts.len() > MOST_FRAMES;
    match (index.pts.first(), index.pts.last()) {
        (Some(&first), Some(&last)) if is_large && !survey.is_glued() => {
            let tick = index.time_base.to_f64();
            Extent::Ends(first as f64 * tick + END_SECONDS, last as f64 * tick - END_SECONDS)
        }
        _ => Extent::Whole,
    }
}

/// The frames of an extent.
fn part(index: &Index, extent: Extent) -> Index {
    let tick = index.time_base.to_f64();
    let mut part = Index { fields: None, ..index.clone() };
    part.pts.retain(|&pts| extent.holds(pts as f64 * tick));
    part
}

/// Times in an order in which packets come that decoders hold back so many of.
fn in_decoding_order(times: &[i64], depth: usize) -> Vec<i64> {
    let Some((first, rest)) = times.split_first() else { return Vec::new() };
    let groups = rest.chunks(depth + 1).flat_map(|group| group.iter().rev());
    std::iter::once(first).chain(groups).copied().collect()
}

/// The streams of a source beside the film, with their numbers.
fn others(source: &Source) -> Result<(Input, usize), Error> {
    let input = Input::open(source)?;
    let (film, _) = video_stream(&input)?;
    Ok((input, film))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame_list::Ends;

    #[test]
    fn packets_come_as_those_of_an_encoder_that_looks_ahead() {
        assert_eq!(in_decoding_order(&[0, 1, 2, 3, 4], 0), [0, 1, 2, 3, 4]);
        assert_eq!(in_decoding_order(&[0, 1, 2, 3, 4, 5], 1), [0, 2, 1, 4, 3, 5]);
        assert_eq!(in_decoding_order(&[0, 1, 2, 3], 2), [0, 3, 2, 1]);
        assert_eq!(in_decoding_order(&[], 2), [0; 0]);
    }

    #[test]
    fn of_long_films_the_ends_are_tried() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long.mkv");
        let made = std::process::Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=64x48:rate=5:duration=180"])
            .args(["-f", "lavfi", "-i", "sine=d=180", "-c:v", "mpeg4", "-c:a", "mp2"])
            .arg(&path)
            .status();
        assert!(made.unwrap().success());
        let source = Source::file(&path);
        let index = crate::index(&source, crate::IndexMethod::Demux, &mut |_| {}).unwrap();
        let video = crate::probe(&source).unwrap().video;
        let settings = crate::EncodeSettings::new(&video, "libx264", "yuv420p", video.size, index.time_base);
        let stand_in = crate::stand_in(&settings).unwrap();
        let file = folder.path().join("rehearsal");
        let rehearsal = Rehearsal {
            source: &source,
            index: &index,
            stand_in: &stand_in,
            container: Container::Matroska,
            is_forced: true,
            file: &file,
        };
        let mut survey = Survey::read(&source, Ends::ALL, &mut || {}).unwrap();
        let packets = |survey: &Survey| {
            let tried =
                attempt(&rehearsal, survey, Container::Matroska, &Carry::default(), &mut || {}).unwrap();
            assert!(!file.exists());
            tried.packets
        };
        let all = packets(&survey);
        assert_eq!(all[0], 900);
        survey.bytes = MOST_BYTES + 1;
        let ends = packets(&survey);
        // A minute of three.
        assert!((298..=304).contains(&ends[0]), "{ends:?} of {all:?}");
        assert!(ends[1] * 3 > all[1] - 60 && ends[1] * 3 < all[1] + 60, "{ends:?} of {all:?}");
    }
}
