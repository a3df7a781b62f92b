//! The finished segments of a job as files that browsers play, one after the other, while the rest is made.

use std::fs::File;

use job::state::{Numbered, SegmentDigest, Status};
use job::{FilePath, JobId, SegmentRange, SourceFacts};
use ledger::{Ledger, Record};
use protocol::message::{PieceRequest, PieceTimesRequest, Request, Response};

use super::find::tag;
use super::{Files, ViewError, Viewer};
use crate::blocking::blocking;
use crate::commands::Refusal;
use crate::handle::MOST_SEGMENTS;
use crate::task;

/// What of a job can be played now.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parts {
    /// What browsers are told of the first of them, as RFC 6381 has it; `None` where there are none.
    pub codecs: Option<String>,
    /// The finished segments, in order; none once the job is done, whose result can be played.
    pub parts: Vec<PartTimes>,
}

/// When a part is shown, in seconds of the result.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PartTimes {
    /// The number of its segment.
    pub segment: u32,
    /// When its first frame is shown.
    pub start: f64,
    /// When its last frame ends.
    pub end: f64,
}

/// A part that can be played.
#[derive(Debug)]
pub struct FoundPart {
    viewer: Viewer,
    piece: Piece,
}

/// A file that browsers play: fragmented MPEG-4 with its head, the video alone.
#[derive(Debug)]
pub struct MadePart {
    /// What browsers are told of its codec.
    pub codecs: String,
    /// Its size.
    pub bytes: u64,
    /// The file, at its beginning. It has no name any more.
    pub file: File,
}

impl FoundPart {
    /// What tells it from all others: the same for the same part, now and later.
    pub fn tag(&self) -> String {
        tag(&("part", &self.piece.digest.blake3))
    }

    /// Makes the file. Who drops this ends the work.
    ///
    /// # Errors
    /// When it cannot be made, or too many others wait.
    pub async fn mp4(self) -> Result<MadePart, ViewError> {
        self.piece.make(&self.viewer).await
    }
}

/// A finished segment, and what is needed to make a file of it.
#[derive(Debug)]
struct Piece {
    record: Record,
    facts: SourceFacts,
    range: SegmentRange,
    digest: SegmentDigest,
}

impl Piece {
    async fn make(&self, viewer: &Viewer) -> Result<MadePart, ViewError> {
        let Self { record, facts, range, digest } = self;
        let (frame_list, carry) = (task::frame_list(record, facts), facts.carry.clone());
        let log = FilePath(record.request.folder.join(&digest.file));
        let (source, stream) = (record.request.source.clone(), record.request.settings.stream);
        let (range, container) = (*range, facts.container);
        let ask = |file| {
            let request = PieceRequest { frame_list, carry, log, range, source, stream, container, file };
            Request::Piece(Box::new(request))
        };
        let files = files(record).await;
        let (Response::PieceDone { codecs }, Some(file)) = viewer.turn().await?.ask(&files, ask).await?
        else {
            return Err(ViewError::failed("the worker made no file"));
        };
        let bytes = file.metadata().map_err(|error| ViewError::failed(error.to_string()))?.len();
        viewer.note_codecs(&digest.blake3, &codecs);
        Ok(MadePart { codecs, bytes, file })
    }
}

/// Finds a finished segment of a job.
pub(crate) async fn find_part(
    ledger: &Ledger,
    viewer: &Viewer,
    id: JobId,
    segment: u32,
) -> Result<FoundPart, ViewError> {
    let (record, facts) = job(ledger, id).await?;
    let found = ledger.segments_of(id, &[segment]).await?.pop();
    let found = found.ok_or(ViewError::NoPart { segments: record.job.segments() })?;
    let digest = found.segment.digest.ok_or(ViewError::NotMadeYet)?;
    let piece = Piece { record, facts, range: found.segment.range, digest };
    Ok(FoundPart { viewer: viewer.clone(), piece })
}

/// The finished segments of a job from a number on.
pub(crate) async fn list_parts(
    ledger: &Ledger,
    viewer: &Viewer,
    id: JobId,
    from: u32,
) -> Result<Parts, ViewError> {
    let (record, facts) = match job(ledger, id).await {
        Err(ViewError::NotMadeYet) => return Ok(Parts::default()),
        found => found?,
    };
    let segments = ledger.segments(id, from, MOST_SEGMENTS).await?;
    let finished: Vec<Numbered> =
        segments.into_iter().filter(|numbered| numbered.segment.digest.is_some()).collect();
    let Some(first) = finished.first().filter(|_| record.job.status != Status::Done) else {
        return Ok(Parts::default());
    };
    let (range, digest) = (first.segment.range, first.segment.digest.clone());
    let digest = digest.ok_or(ViewError::NotMadeYet)?;
    let (frame_list, carry) = (task::frame_list(&record, &facts), facts.carry.clone());
    let ranges = finished.iter().map(|numbered| numbered.segment.range).collect();
    let ask = |_| Request::PieceTimes(PieceTimesRequest { frame_list, carry, ranges });
    let files = files(&record).await;
    let (answer, _) = viewer.turn().await?.ask(&files, ask).await?;
    let times = match answer {
        Response::PieceTimes(times) if times.len() == finished.len() => times,
        _ => return Err(ViewError::failed("the worker gave an answer that does not fit")),
    };
    let codecs = match viewer.codecs_of(&digest.blake3) {
        Some(codecs) => codecs,
        None => Piece { record, facts, range, digest }.make(viewer).await?.codecs,
    };
    let parts = finished.iter().zip(times);
    let parts =
        parts.map(|(numbered, (start, end))| PartTimes { segment: numbered.index, start, end }).collect();
    Ok(Parts { codecs: Some(codecs), parts })
}

/// A job whose video browsers may play.
async fn job(ledger: &Ledger, id: JobId) -> Result<(Record, SourceFacts), ViewError> {
    let record = ledger.get(id).await?.ok_or(Refusal::NoJob(id))?;
    let facts = record.job.facts.clone().ok_or(ViewError::NotMadeYet)?;
    let encoder = facts.encodings.first().and_then(job::Encoding::about);
    if !encoder.is_some_and(|encoder| encoder.codec.fits_mp4()) {
        return Err(ViewError::NotPlayable);
    }
    Ok((record, facts))
}

async fn files(record: &Record) -> Files {
    let record = record.clone();
    blocking(move || Files::of(&record)).await
}
