//! Finished segments as files that browsers play, while the rest of the film is made.

use media::{CodecParameters, Container, Piece, PieceTimes, write_piece};
use protocol::message::{PieceRequest, PieceTimesRequest, Response};

use crate::encoding::media_container;
use crate::failure::Failed;
use crate::segment::packets;
use crate::source::source;
use crate::wire::Progress;
use crate::{frame_list, join, rehearsal};

/// Writes a segment as such a file.
pub(crate) fn run(request: &PieceRequest, progress: &Progress) -> Result<Response, Failed> {
    progress.during("piece", || make(request))?
}

fn make(request: &PieceRequest) -> Result<Response, Failed> {
    let gone = |why: String| Failed::transient(format!("a finished segment cannot be read: {why}"));
    let index = frame_list::read(&request.frame_list)?;
    let mut log = join::open(&request.log).map_err(gone)?;
    let parameters: CodecParameters =
        serde_json::from_slice(log.header()).map_err(|error| gone(error.to_string()))?;
    let mut packet_times = Vec::new();
    while let Some(packet) = log.next_packet()? {
        packet_times.push(packet.pts);
    }
    // In Matroska, the pictures were turned instead.
    let film = source(&request.source, request.stream);
    let is_turned_by_players = media_container(request.container) == Container::Mp4;
    let piece = Piece {
        parameters: &parameters,
        index: &index,
        first: request.range.first,
        packet_times: &packet_times,
        shift: rehearsal::carry(&request.carry).shift,
        source: is_turned_by_players.then_some(&film),
        file: &request.file,
    };
    let codecs = write_piece(&piece, &mut packets(join::open(&request.log).map_err(gone)?))?;
    Ok(Response::PieceDone { codecs })
}

/// Says when the frames of segments are shown.
pub(crate) fn times(request: &PieceTimesRequest) -> Result<Response, Failed> {
    let index = frame_list::read(&request.frame_list)?;
    let shift = rehearsal::carry(&request.carry).shift;
    let times = request.ranges.iter().map(|range| {
        let times = PieceTimes::of(&index, shift, range.first, range.end);
        times.map(|PieceTimes { start, end }| (start, end))
    });
    let times: Option<Vec<(f64, f64)>> = times.collect();
    times.map(Response::PieceTimes).ok_or_else(|| Failed::last("the film has no such frames"))
}
