//! A frame of a film that is no job, as a JPEG file: as it is, or as settings make it. What was found of a film stays while its
//! frames are asked for one after the other.

use std::path::Path;

use frame::Size;
use job::state::IndexMethod;
use job::{Crop, Deinterlace, Failure, FailureKind, FilePath, Notice, Settings};
use media::{Index, VideoInfo};
use protocol::message::{IndexRequest, Response, SampleRequest, Sampled};

use super::{Frame, at, enlarge, seconds};
use crate::failure::Failed;
use crate::index::{Reading, list_again, shape};
use crate::model::Upscaler;
use crate::source::source;
use crate::still::picture::Still;
use crate::wire::Progress;

/// Shows frames of films that are no jobs.
#[derive(Default)]
pub(crate) struct Samples {
    /// The film whose frames were shown last.
    film: Option<Film>,
}

/// A film whose frames are known.
struct Film {
    of: Listed,
    index: Index,
    video: VideoInfo,
}

/// What a list of frames follows from.
#[derive(Debug, Clone, PartialEq)]
struct Listed {
    file: FilePath,
    stream: Option<u32>,
    deinterlace: Deinterlace,
    crop: Crop,
    reading: Reading,
}

impl Samples {
    /// Makes the picture.
    pub(crate) fn run(
        &mut self,
        request: &SampleRequest,
        upscaler: &mut Upscaler,
        progress: &Progress,
    ) -> Result<Response, Failed> {
        let make = || match self.make(request, Reading::Some, upscaler, progress) {
            // The packets do not tell the truth.
            Err(Failed(Failure { kind: FailureKind::FramesDiffer, .. })) => {
                self.make(request, Reading::Whole, upscaler, progress)
            }
            made => made,
        };
        progress.during("sample", make)?
    }

    fn make(
        &mut self,
        request: &SampleRequest,
        reading: Reading,
        upscaler: &mut Upscaler,
        progress: &Progress,
    ) -> Result<Response, Failed> {
        let settings = Settings { part: None, fill_gaps: true, ..(*request.settings).clone() };
        let film = self.film(&request.source, &settings, reading, progress)?;
        let Film { index, video, .. } = film;
        let shown = video.clone().as_decoded(index);
        let (width, height) = settings.target.size(shape(&shown))?;
        let last = index.pts.last().copied().unwrap_or(0);
        let time = request.seconds.clamp(0.0, seconds(index, last));
        let number = at(index, time).map_err(Failed::last)?;
        let source = source(&request.source, settings.stream);
        let frame = Frame::decode(&source, index, number)?;
        let orientation = shown.orientation.unwrap_or_default();
        let pixel = shown.sample_aspect_ratio;
        let still = if request.is_enlarged {
            let target = Size::new(width, height);
            let picture = enlarge(upscaler, &settings, request.engine_threads, &frame, target)?;
            Still::of_samples(picture, orientation, pixel)
        } else {
            Still::new(&frame.picture, orientation, pixel)
        };
        let (size, bytes) = still.jpeg(None)?;
        std::fs::write(&request.picture, bytes)
            .map_err(|error| Failed::transient(format!("a picture cannot be written: {error}")))?;
        Ok(Response::Sampled(Sampled {
            frame: number,
            seconds: frame.seconds,
            frames: index.pts.len() as u32,
            length: seconds(index, last.saturating_add(index.last_duration)),
            width: size.width,
            height: size.height,
            notes: notes(video, settings.crop),
        }))
    }

    /// The film that was listed by the same, else as it is listed now.
    fn film(
        &mut self,
        file: &Path,
        settings: &Settings,
        reading: Reading,
        progress: &Progress,
    ) -> Result<&Film, Failed> {
        let of = Listed {
            file: file.into(),
            stream: settings.stream,
            deinterlace: settings.deinterlace,
            crop: settings.crop,
            reading,
        };
        match self.film.take() {
            Some(film) if film.of == of => Ok(self.film.insert(film)),
            _ => {
                let request = IndexRequest {
                    source: file.into(),
                    settings: settings.clone(),
                    method: IndexMethod::default(),
                    frame_list: FilePath::from(Path::new("")),
                };
                let (index, video) = list_again(&request, reading, progress)?;
                Ok(self.film.insert(Film { of, index, video }))
            }
        }
    }
}

/// What people should know of such a picture.
fn notes(video: &VideoInfo, crop: Crop) -> Vec<Notice> {
    let mut notes: Vec<Notice> = Vec::new();
    if media::is_hdr(video.color.transfer) {
        notes.push("the video is HDR: its pictures are shown as on usual screens".into());
    }
    if crop == Crop::Auto {
        notes.push("black bars were looked for in some frames: a job looks at all of them".into());
    }
    notes
}
