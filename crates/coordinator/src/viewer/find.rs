//! Where a frame of a job is to be taken from.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher as _};
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

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// A frame by its number.
    Frame { number: u32, side: Side, most_width: Option<u32> },
    /// A small picture for lists: a frame of the source about a tenth into the film.
    Thumbnail,
}

/// A frame that can be shown.
#[derive(Debug)]
pub struct FoundFrame {
    ledger: Ledger,
    viewer: Viewer,
    id: JobId,
    asked: Asked,
    place: Place,
}

impl FoundFrame {
    /// What tells this picture from all others: the same for the same picture, now and later.
    pub fn tag(&self) -> &str {
        &self.place.tag
    }

    /// The picture as the bytes of a JPEG file. Who drops this ends the work.
    ///
    /// # Errors
    /// When it cannot be made, or too many others wait.
    pub async fn jpeg(self) -> Result<Arc<[u8]>, ViewError> {
        let Self { ledger, viewer, id, asked, place } = self;
        match place.picture(&viewer).await {
            // Its files went since it was found, as at the end of the job: then it is in another place now.
            Err(error @ (ViewError::Failed(_) | ViewError::NoPicture(_))) => {
                let again = find(&ledger, &viewer, id, asked).await?.place;
                if again.of == place.of { Err(error) } else { again.picture(&viewer).await }
            }
            made => made,
        }
    }
}

/// Finds a frame of a job.
pub(crate) async fn find(
    ledger: &Ledger,
    viewer: &Viewer,
    id: JobId,
    asked: Asked,
) -> Result<FoundFrame, ViewError> {
    let record = ledger.get(id).await?.ok_or(Refusal::NoJob(id))?;
    let segment = match asked {
        Asked::Frame { number, side, .. } => {
            let Some(facts) = &record.job.facts else { return Err(ViewError::NotMadeYet) };
            if number >= facts.frames {
                return Err(ViewError::NoFrame { frames: facts.frames });
            }
            match side {
                Side::Result if record.job.status != Status::Done => ledger.segment_at(id, number).await?,
                _ => None,
            }
        }
        Asked::Thumbnail => None,
    };
    let place = blocking(move || place(&record, segment.as_ref(), asked)).await?;
    Ok(FoundFrame { ledger: ledger.clone(), viewer: viewer.clone(), id, asked, place })
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
#[derive(Debug)]
struct Place {
    of: FrameOf,
    most_width: Option<u32>,
    files: Files,
    tag: String,
}

impl Place {
    /// `what` is all that the picture follows from.
    fn new(record: &Record, of: FrameOf, what: &str, most_width: Option<u32>) -> Self {
        let files = Files::of(record);
        Self { of, most_width, files, tag: tag(&(what, most_width)) }
    }

    async fn picture(&self, viewer: &Viewer) -> Result<Arc<[u8]>, ViewError> {
        let (of, most_width) = (self.of.clone(), self.most_width);
        let ask = |picture| Request::Frame(FrameRequest { of, most_width, picture });
        viewer.picture(&self.tag, &self.files, ask).await
    }
}

/// A short text that is the same for the same thing, made by the same version of the program.
pub(super) fn tag(of: &impl Hash) -> String {
    let mut hash = DefaultHasher::new();
    (of, env!("CARGO_PKG_VERSION")).hash(&mut hash);
    format!("{:016x}", hash.finish())
}

/// Where a frame is to be taken from now. Looks at files.
fn place(record: &Record, segment: Option<&Numbered>, asked: Asked) -> Result<Place, ViewError> {
    let facts = record.job.facts.as_ref();
    let (of, what, most_width) = match (asked, facts) {
        (Asked::Frame { number, side: Side::Source, most_width }, Some(facts)) => {
            let (of, what) = of_source(record, facts, number)?;
            (of, what, most_width)
        }
        (Asked::Frame { number, side: Side::Result, most_width }, Some(facts)) => {
            let (of, what) = if record.job.status == Status::Done {
                of_result(record, facts, number)?
            } else {
                of_segment(record, facts, segment.ok_or(ViewError::NotMadeYet)?, number)?
            };
            (of, what, most_width)
        }
        (Asked::Frame { .. }, None) => return Err(ViewError::NotMadeYet),
        (Asked::Thumbnail, facts) => {
            let (of, what) = of_thumbnail(record, facts)?;
            (of, what, Some(THUMBNAIL))
        }
    };
    Ok(Place::new(record, of, &what, most_width))
}

/// What a thumbnail shows.
fn of_thumbnail(record: &Record, facts: Option<&SourceFacts>) -> Result<(FrameOf, String), ViewError> {
    match facts {
        Some(facts) if has_frame_list(record, facts) => of_source(record, facts, facts.frames / SHARE),
        // Listing all frames of a film for a small picture would take too long.
        _ => {
            check_source(record)?;
            let NewSource { source, stream } = NewSource::of(record);
            let what = format!("glance {} {stream:?}", record.request.fingerprint);
            Ok((FrameOf::Glance { source, stream }, what))
        }
    }
}

/// True while the frame list of a job can be used: its folder goes once it is done.
fn has_frame_list(record: &Record, facts: &SourceFacts) -> bool {
    record.job.status != Status::Done && task::frame_list(record, facts).path.is_file()
}

/// A frame as the network gets it.
fn of_source(record: &Record, facts: &SourceFacts, number: u32) -> Result<(FrameOf, String), ViewError> {
    check_source(record)?;
    let NewSource { source, stream } = NewSource::of(record);
    let frame_list = task::frame_list(record, facts);
    let what = format!("source {} {number}", facts.frame_list_blake3);
    let of = if has_frame_list(record, facts) {
        FrameOf::Source { number, source, stream, frame_list }
    } else {
        let settings = Box::new(Settings {
            crop: facts.crop.map_or(Crop::Off, |crop| Crop::To(crop.kept)),
            ..record.request.settings.clone()
        });
        FrameOf::SourceOfEnded { number, source, settings, frames: facts.frames }
    };
    Ok((of, what))
}

/// A frame of a finished segment.
fn of_segment(
    record: &Record,
    facts: &SourceFacts,
    Numbered { segment, .. }: &Numbered,
    number: u32,
) -> Result<(FrameOf, String), ViewError> {
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
    Ok((of, format!("segment {} {number}", digest.blake3)))
}

/// A frame of the result.
fn of_result(record: &Record, facts: &SourceFacts, number: u32) -> Result<(FrameOf, String), ViewError> {
    let file = record.request.result.clone().ok_or(ViewError::ResultGone)?;
    let path: &Path = &file;
    // Frames of another file would be shown as those of this job.
    let found = path.symlink_metadata().map_err(|_| ViewError::ResultGone)?;
    if !found.is_file() || record.job.result_bytes.is_some_and(|bytes| bytes != found.len()) {
        return Err(ViewError::ResultGone);
    }
    let stamp = Stamp::of(path).map_err(|_| ViewError::ResultGone)?;
    let what = format!("result {} {number}", stamp_text(&stamp));
    let of = FrameOf::Result { number, file: file.clone(), frames: facts.frames };
    Ok((of, what))
}

/// Whether the source is what it was when the job was taken in. One that was touched is taken for the same when samples of it are:
/// the worker compares the pictures.
fn check_source(record: &Record) -> Result<(), ViewError> {
    match source::check(record) {
        SourceCheck::Gone(failure) => Err(ViewError::SourceAway(failure.message.text)),
        SourceCheck::Same(_) | SourceCheck::SameContent(_) | SourceCheck::Touched(_) => Ok(()),
    }
}
