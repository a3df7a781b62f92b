//! Where a frame of a job is to be taken from.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::path::Path;
use std::sync::Arc;

use job::state::{Numbered, Status};
use job::{Crop, FilePath, JobId, Settings, SourceFacts};
use ledger::{Ledger, Record};
use protocol::message::{FrameOf, FrameRequest, Request};
use storage::Stamp;

use super::{Files, ViewError, Viewer};
use crate::blocking::blocking;
use crate::commands::Refusal;
use crate::source::{self, SourceCheck, stamp_text};
use crate::task;

/// A thumbnail is so wide at most, in pixels.
const THUMBNAIL: u32 = 320;
/// It shows the frame after this share of the film.
const SHARE: u32 = 10;

/// Before or after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// What the network gets: deinterlaced and cut, in its own size.
    Source,
    /// What was made of it.
    Result,
}

/// A frame that can be shown.
#[derive(Debug)]
pub struct FoundFrame {
    viewer: Viewer,
    files: Files,
    of: FrameOf,
    most_width: Option<u32>,
    tag: String,
}

impl FoundFrame {
    /// What tells this picture from all others: the same for the same picture, now and later.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// The picture as the bytes of a JPEG file. Who drops this ends the work.
    ///
    /// # Errors
    /// When it cannot be made, or too many others wait.
    pub async fn jpeg(self) -> Result<Arc<[u8]>, ViewError> {
        let Self { viewer, files, of, most_width, tag } = self;
        let ask = |picture| Request::Frame(FrameRequest { of, most_width, picture });
        viewer.picture(&tag, &files, ask).await
    }
}

/// Finds a frame of a job.
pub(crate) async fn find(
    ledger: &Ledger,
    viewer: &Viewer,
    (id, number): (JobId, u32),
    side: Side,
    most_width: Option<u32>,
) -> Result<FoundFrame, ViewError> {
    let record = record(ledger, id).await?;
    let Some(facts) = record.job.facts.clone() else { return Err(ViewError::NotMadeYet) };
    if number >= facts.frames {
        return Err(ViewError::NoFrame { frames: facts.frames });
    }
    let segment = match side {
        Side::Result if record.job.status != Status::Done => Some(
            ledger
                .segment_at(id, number)
                .await?
                .filter(|numbered| numbered.segment.digest.is_some())
                .ok_or(ViewError::NotMadeYet)?,
        ),
        _ => None,
    };
    let viewer = viewer.clone();
    let found = blocking(move || {
        let place = match (side, segment) {
            (Side::Source, _) => of_source(&record, &facts, number),
            (Side::Result, Some(segment)) => of_segment(&record, &facts, &segment, number),
            (Side::Result, None) => of_result(&record, &facts, number),
        };
        place.map(|place| place.found(viewer, &record, most_width))
    });
    found.await
}

/// Finds a small picture for lists: a frame of the source about a tenth into the film.
pub(crate) async fn find_thumbnail(
    ledger: &Ledger,
    viewer: &Viewer,
    id: JobId,
) -> Result<FoundFrame, ViewError> {
    let record = record(ledger, id).await?;
    let viewer = viewer.clone();
    let found = blocking(move || {
        let NewSource { source, stream } = NewSource::of(&record);
        check_source(&record)?;
        let place = match &record.job.facts {
            Some(facts) if task::frame_list(&record, facts).path.is_file() => {
                of_source(&record, facts, facts.frames / SHARE)?
            }
            // Listing all frames of a film for a small picture would take too long.
            _ => {
                let what = format!("glance {} {stream:?}", record.request.fingerprint);
                Place { of: FrameOf::Glance { source, stream }, what, result: None }
            }
        };
        Ok(place.found(viewer, &record, Some(THUMBNAIL)))
    });
    found.await
}

async fn record(ledger: &Ledger, id: JobId) -> Result<Record, ViewError> {
    Ok(ledger.get(id).await?.ok_or(Refusal::NoJob(id))?)
}

/// The source of a job, and the video stream where one was chosen.
struct NewSource {
    source: FilePath,
    stream: Option<u32>,
}

impl NewSource {
    fn of(record: &Record) -> Self {
        Self { source: record.request.source.clone(), stream: record.request.settings.stream }
    }
}

/// Where a frame is taken from.
struct Place {
    of: FrameOf,
    /// What the picture follows from.
    what: String,
    /// The result, where it is taken from that.
    result: Option<FilePath>,
}

impl Place {
    fn found(self, viewer: Viewer, record: &Record, most_width: Option<u32>) -> FoundFrame {
        let source = storage::parts(&record.request.source).into_iter().map(FilePath);
        let read = source.chain(self.result).collect();
        let folders = vec![record.request.folder.clone()];
        let mut hash = DefaultHasher::new();
        (self.what, most_width, env!("CARGO_PKG_VERSION")).hash(&mut hash);
        let tag = format!("{:016x}", hash.finish());
        FoundFrame { viewer, files: Files::of(record.id, read, folders), of: self.of, most_width, tag }
    }
}

/// A frame as the network gets it.
fn of_source(record: &Record, facts: &SourceFacts, number: u32) -> Result<Place, ViewError> {
    check_source(record)?;
    let NewSource { source, stream } = NewSource::of(record);
    let frame_list = task::frame_list(record, facts);
    let what = format!("source {} {number}", facts.frame_list_blake3);
    let of = if frame_list.path.is_file() {
        FrameOf::Source { number, source, stream, frame_list }
    } else {
        let settings = Box::new(Settings {
            crop: facts.crop.map_or(Crop::Off, |crop| Crop::To(crop.kept)),
            ..record.request.settings.clone()
        });
        FrameOf::SourceOfEnded { number, source, settings, frames: facts.frames }
    };
    Ok(Place { of, what, result: None })
}

/// A frame of a finished segment.
fn of_segment(
    record: &Record,
    facts: &SourceFacts,
    Numbered { segment, .. }: &Numbered,
    number: u32,
) -> Result<Place, ViewError> {
    let digest = segment.digest.as_ref().ok_or(ViewError::NotMadeYet)?;
    let file = record.request.folder.join(&digest.file);
    // As after the job was given up, or once its result is put together.
    if !file.is_file() {
        return Err(ViewError::NotMadeYet);
    }
    let NewSource { source, stream } = NewSource::of(record);
    let of = FrameOf::Segment {
        number,
        file: FilePath(file),
        range: segment.range,
        source,
        stream,
        container: facts.container,
    };
    Ok(Place { of, what: format!("segment {} {number}", digest.blake3), result: None })
}

/// A frame of the result.
fn of_result(record: &Record, facts: &SourceFacts, number: u32) -> Result<Place, ViewError> {
    let file = record.request.result.clone().ok_or(ViewError::ResultGone)?;
    let path: &Path = &file;
    let stamp = Stamp::of(path).map_err(|_| ViewError::ResultGone)?;
    let what = format!("result {} {number}", stamp_text(&stamp));
    let of = FrameOf::Result { number, file: file.clone(), frames: facts.frames };
    Ok(Place { of, what, result: Some(file) })
}

/// Whether the source is what it was when the job was taken in. One that was touched is taken for the same when samples of it are:
/// the worker compares the pictures.
fn check_source(record: &Record) -> Result<(), ViewError> {
    match source::check(record) {
        SourceCheck::Gone(failure) => Err(ViewError::SourceAway(failure.message.text)),
        SourceCheck::Same(_) | SourceCheck::SameContent(_) | SourceCheck::Touched(_) => Ok(()),
    }
}
