//! A finished segment as a file of its own that browsers play: fragmented MPEG-4 with its own head, of which any number can be
//! appended to each other.
//!
//! Its pictures have the times that they have in the result. Only the video is in it.

mod codecs;

use std::fs::File;
use std::path::Path;

use frame::Rational;

use crate::frame_list::MOST_REORDERED;
use crate::join::OwnedPacket;
use crate::join::header::timescale;
use crate::join::order::DecodeTimes;
use crate::probe::video_stream;
use crate::raw::codec::Parameters;
use crate::raw::input::Input;
use crate::raw::output::{Muxer, Output};
use crate::raw::packet::RawPacket;
use crate::raw::side_data::SideData;
use crate::{CodecParameters, Error, Index, Shift, Source, raw};

/// One fragment, with times from the beginning of the film on.
const FLAGS: &str = "empty_moov+default_base_moof+frag_custom+frag_discont+skip_trailer";
/// The muxer.
const MUXER: &str = "mp4";

/// What is made.
#[derive(Debug)]
pub struct Piece<'a> {
    /// What the encoder said of the packets.
    pub parameters: &'a CodecParameters,
    /// The frame list.
    pub index: &'a Index,
    /// The number of its first frame in the list.
    pub first: u32,
    /// Presentation times of its packets, in the order in which they come.
    pub packet_times: &'a [i64],
    /// What is added to all times.
    pub shift: Shift,
    /// The source, which says how the pictures are turned by players; `None` where they stand upright, or that is not known.
    pub source: Option<&'a Source>,
    /// The file to write.
    pub file: &'a Path,
}

/// When frames of a film are shown, in seconds of the result.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PieceTimes {
    /// When the first of them is.
    pub start: f64,
    /// When the last of them ends.
    pub end: f64,
}

impl PieceTimes {
    /// Of the frames from `first` to `end - 1` of a list; `None` where it does not have them.
    pub fn of(index: &Index, shift: Shift, first: u32, end: u32) -> Option<Self> {
        let seconds = |ticks: i64| {
            ticks.saturating_add(shift.in_ticks(index.time_base)) as f64 * index.time_base.to_f64()
        };
        let (start, end) = (*index.pts.get(first as usize)?, end_of(index, end)?);
        Some(Self { start: seconds(start), end: seconds(end) })
    }
}

/// When the frame before `end` is not shown any more, in ticks.
fn end_of(index: &Index, end: u32) -> Option<i64> {
    let last = *index.pts.get((end as usize).checked_sub(1)?)?;
    Some(index.pts.get(end as usize).copied().unwrap_or(last.saturating_add(index.last_duration)))
}

/// Writes the file. `packets` gives the encoded frames in decoding order; a text instead says why it cannot. Gives what browsers are
/// told of its codec (RFC 6381).
///
/// # Errors
/// When browsers play no such codec, the file cannot be written, or the packets do not fit the frame list.
pub fn write_piece(
    piece: &Piece<'_>,
    packets: &mut dyn Iterator<Item = Result<OwnedPacket, String>>,
) -> Result<String, Error> {
    let Piece { parameters, index, packet_times, shift, .. } = *piece;
    let (first, end) = (piece.first as usize, piece.first as usize + packet_times.len());
    let frames = index.pts.get(first..end).filter(|frames| !frames.is_empty());
    let frames = frames.ok_or_else(|| Error::PacketsDiffer("the film has no such frames".to_owned()))?;
    let last = frames.last().copied().unwrap_or_default();
    let last_duration = end_of(index, end as u32).unwrap_or(last).saturating_sub(last);
    let times = DecodeTimes::new(packet_times, frames, last_duration)?;

    let missing = || Error::Ffmpeg { doing: "find the muxer", reason: MUXER.to_owned() };
    let file = File::create(piece.file).map_err(Error::write)?;
    let mut output = Output::new(file, Muxer::named(MUXER).ok_or_else(missing)?)?;
    let input = piece.source.and_then(|source| Input::open(source).ok());
    let video = input.as_ref().and_then(|input| video_stream(input).ok()).map(|(_, video)| video);
    let mut side_data = video.map(|video| video.side_data(true)).unwrap_or_default();
    side_data.retain(SideData::is_display_matrix);
    let parameters = Parameters::from_plain(parameters)?;
    let rate = Rational::new(0, 1);
    let stream = output.add_video(&parameters, index.time_base, rate, None, &side_data)?;
    let ticks = ("video_track_timescale", fine(timescale(index), index).to_string());
    let options = [ticks, ("movflags", FLAGS.to_owned()), ("use_editlist", "0".to_owned())];
    output.write_header(&options)?;
    let to = output.time_base(stream);
    let moved = shift.in_ticks(index.time_base);
    let mut packet = RawPacket::new()?;
    for (place, &wanted) in packet_times.iter().enumerate() {
        let differs = |what: &str| Error::PacketsDiffer(format!("packet {place} {what}"));
        let next = packets.next().ok_or_else(|| differs("is missing"))?.map_err(Error::PacketsDiffer)?;
        let (dts, duration) = times.of(place).ok_or_else(|| differs("is one too many"))?;
        if next.pts != wanted {
            return Err(differs("has another time than when it was counted"));
        }
        packet.set_data(&next.data)?;
        packet.set_times(next.pts.saturating_add(moved), dts.saturating_add(moved));
        packet.set_duration(duration);
        packet.set_keyframe(next.keyframe);
        packet.set_stream(stream);
        packet.rescale(index.time_base, to);
        // There is no time before the film begins.
        let dts = from_beginning(packet.dts().unwrap_or_default(), place);
        packet.set_times(packet.pts().unwrap_or_default(), dts);
        output.write(&mut packet)?;
    }
    output.finish()?;
    codecs::of_file(piece.file)
}

/// Ticks a second, the same for all segments of a film: so many at least that the first frames leave room between two of them for
/// all that is decoded early. Where the film begins, the decoding times that would come before it stand there.
fn fine(ticks: i32, index: &Index) -> i32 {
    const ROOM: usize = MOST_REORDERED + 1;
    let steps = index.pts.windows(2).take(ROOM).map(|pair| pair[1].saturating_sub(pair[0]));
    let step = steps.map(|step| raw::rescale(step, index.time_base, Rational::new(1, ticks))).min();
    let finer = ROOM as i64 / step.unwrap_or(i64::MAX).max(1) + 1;
    i32::try_from(finer).ok().and_then(|finer| ticks.checked_mul(finer)).unwrap_or(ticks)
}

/// The decoding time of the packet at a place: none comes before the film begins, and all rise.
fn from_beginning(dts: i64, place: usize) -> i64 {
    dts.max(place as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_decoded_before_the_film_begins_finds_room_behind_its_first_frame() {
        // One is decoded out of order, or more.
        for packets in [[0, 1, 2, 3, 4], [0, 2, 1, 4, 3], [0, 4, 2, 1, 3], [0, 4, 3, 2, 1]] {
            let index = Index::of_times(Rational::new(1, 25), vec![0, 1, 2, 3, 4]);
            let times = DecodeTimes::new(&packets, &index.pts, 1).unwrap();
            let ticks = fine(25, &index);
            let (factor, mut last) = (i64::from(ticks / 25), -1);
            for (place, pts) in packets.iter().enumerate() {
                let (dts, _) = times.of(place).unwrap();
                let dts = from_beginning(dts * factor, place);
                assert!(dts > last && dts <= pts * factor, "{packets:?}: {dts} at {place}");
                last = dts;
            }
        }
        assert_eq!(fine(90_000, &Index::of_times(Rational::new(1, 25), vec![0, 1])), 90_000);
    }
}
