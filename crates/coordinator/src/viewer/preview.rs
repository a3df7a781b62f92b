//! What could be made of a video: what its head says, its frames, what settings make of one, and how long all of them would take.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use job::{FilePath, Notice, Settings};
use protocol::message::{
    EstimateRequest, FrameOf, FrameRequest, Request, Response, SampleRequest, Sampled, VideoFacts,
};
use storage::Stamp;

use super::find::tag;
use super::{Files, LARGEST_PICTURE, Manner, ViewError, Viewer};
use crate::blocking::blocking;
use crate::process::WorkerProgram;

/// Trying a network takes all processors for a while: a job that is worked on keeps nine tenths of them, so that both get on. What is
/// made is fetched within minutes.
const TRIES: Manner = Manner { nice: 10, longest: Duration::from_mins(15), idle: Duration::from_mins(2) };
/// About how long frames are made to measure how long a film takes, in seconds.
const MEASURED: f64 = 7.0;
/// The share of the processors that a job has that works alone: frames wait for each other at times.
const ALONE: f64 = 0.9;

/// Shows what could be made of videos. Copies are cheap, and are the same previewer.
#[derive(Debug, Clone)]
pub struct Previewer {
    viewer: Viewer,
    threads: u32,
}

/// What is to be made of a frame of a video.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The video, as an absolute path.
    pub source: PathBuf,
    /// When the frame is shown, in seconds from the first one on.
    pub seconds: f64,
    /// What a job would have.
    pub settings: Settings,
    /// As the settings make it; else as the network gets it.
    pub is_enlarged: bool,
}

/// A picture that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// What it is called: [`Previewer::picture`].
    pub tag: String,
    /// Number of the frame, from 0 on.
    pub frame: u32,
    /// When it is shown, in seconds from the first frame on.
    pub seconds: f64,
    /// Frames that a job would make.
    pub frames: u32,
    /// How long all of them last, in seconds.
    pub length: f64,
    /// Pixels in a row, upright.
    pub width: u32,
    /// Rows, upright.
    pub height: u32,
    /// What people should know.
    pub notes: Vec<Notice>,
}

/// How long a job would take and how large its result would be, by frames that were really made.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Frames of the result.
    pub frames: u32,
    /// Frames that were made for it.
    pub measured: u32,
    /// Seconds that a frame takes.
    pub seconds_per_frame: f64,
    /// Seconds for all of it.
    pub seconds: f64,
    /// Bytes of the result.
    pub bytes: u64,
    /// Pixels in a row of the result, as stored.
    pub width: u32,
    /// Rows of the result, as stored.
    pub height: u32,
    /// The encoder, by FFmpeg's name.
    pub encoder: Option<String>,
    /// Another job was worked on meanwhile: the times follow from the processor time, and are less sure.
    pub is_shared: bool,
    /// What people should know.
    pub notes: Vec<Notice>,
}

impl Previewer {
    /// A previewer whose workers run this program, have so many threads for networks, and put what they make into `folder`: no other may use
    /// it, and what is in it is removed.
    pub fn new(program: WorkerProgram, folder: PathBuf, threads: u32) -> Self {
        Self { viewer: Viewer::with(program, folder, TRIES), threads }
    }

    /// What the head of a video says. Who drops this ends the work.
    ///
    /// # Errors
    /// When it is no video, or too many others wait.
    pub async fn look(&self, source: &Path, stream: Option<u32>) -> Result<VideoFacts, ViewError> {
        let files = files(source, &[]).await;
        let ask = |_| Request::Look { source: source.into(), stream };
        match self.viewer.turn().await?.ask(&files, ask).await? {
            (Response::Looked(facts), _) => Ok(*facts),
            _ => Err(unfit()),
        }
    }

    /// The frame that is shown at a time, so many pixels wide at most, as a JPEG file, found fast and not always exactly. Who drops this
    /// ends the work.
    ///
    /// # Errors
    /// When there is none, or too many others wait.
    pub async fn moment(
        &self,
        source: &Path,
        stream: Option<u32>,
        seconds: f64,
        most_width: u32,
    ) -> Result<Arc<[u8]>, ViewError> {
        let files = files(source, &[]).await;
        let of = FrameOf::Moment { source: source.into(), stream, seconds };
        let tag = tag(&("moment", stamp(source).await, stream, seconds.to_bits(), most_width));
        let ask = |picture| Request::Frame(FrameRequest { of, most_width: Some(most_width), picture });
        self.viewer.picture(&tag, &files, ask).await
    }

    /// Makes a picture of a frame. `beside` are the settings of other pictures that will be asked for. Who drops this ends the work.
    ///
    /// # Errors
    /// When it cannot be made, or too many others wait.
    pub async fn sample(&self, wanted: Wanted, beside: &[Settings]) -> Result<Sample, ViewError> {
        let Wanted { source, seconds, settings, is_enlarged } = wanted;
        let models: Vec<&Settings> = beside.iter().chain([&settings]).collect();
        let files = files(&source, &models).await;
        // Each is made anew: what it takes to know that one is the same takes as long as most.
        let what = (stamp(&source).await, seconds.to_bits(), settings.hash(), is_enlarged);
        let tag = tag(&("sample", what));
        let ask = |picture| {
            Request::Sample(SampleRequest {
                source: source.as_path().into(),
                settings: Box::new(settings),
                seconds,
                is_enlarged,
                engine_threads: self.threads,
                picture,
            })
        };
        let (Response::Sampled(sampled), Some(file)) = self.viewer.turn().await?.ask(&files, ask).await?
        else {
            return Err(unfit());
        };
        let picture: Arc<[u8]> = read(file).await?.into();
        self.viewer.pictures().replace(&tag, &picture);
        let Sampled { frame, seconds, frames, length, width, height, notes } = sampled;
        Ok(Sample { tag, frame, seconds, frames, length, width, height, notes })
    }

    /// A picture that was made before, unless it was forgotten since.
    pub fn picture(&self, tag: &str) -> Option<Arc<[u8]>> {
        self.viewer.kept(tag)
    }

    /// Measures how long a job would take and how large its result would be. Who drops this ends the work.
    ///
    /// # Errors
    /// When that cannot be made, or too many others wait.
    pub async fn measure(
        &self,
        source: &Path,
        settings: Settings,
        is_shared: bool,
    ) -> Result<Measured, ViewError> {
        let files = files(source, &[&settings]).await;
        let folder = FilePath(self.viewer.0.folder.clone());
        let ask = |_| {
            Request::Estimate(EstimateRequest {
                source: source.into(),
                settings,
                engine_threads: self.threads,
                seconds: Some(MEASURED),
                folder,
            })
        };
        let (Response::Estimated(estimate), _) = self.viewer.turn().await?.ask(&files, ask).await? else {
            return Err(unfit());
        };
        let slowed = if is_shared { self.slowed(estimate.share) } else { 1.0 };
        let seconds_per_frame = estimate.seconds_per_frame * slowed;
        let beside = estimate.seconds_beside * slowed;
        Ok(Measured {
            frames: estimate.facts.frames,
            measured: estimate.frames,
            seconds_per_frame,
            seconds: seconds_per_frame * f64::from(estimate.facts.frames) + beside,
            bytes: estimate.video_bytes.saturating_add(estimate.other_bytes),
            width: estimate.plan.width,
            height: estimate.plan.height,
            encoder: estimate.facts.encodings.first().map(|encoding| encoding.encoder.clone()),
            is_shared,
            notes: estimate.facts.notes,
        })
    }

    /// How much of a measured time a job takes that works alone, where this worker had a share of all processors.
    fn slowed(&self, share: f64) -> f64 {
        let processors = std::thread::available_parallelism().map_or(1.0, |count| count.get() as f64);
        let alone = ALONE * (f64::from(self.threads) / processors).min(1.0);
        (share / alone).clamp(0.0, 1.0)
    }
}

/// What a worker may read that works on a video with settings.
async fn files(source: &Path, settings: &[&Settings]) -> Files {
    let models: Vec<FilePath> = settings.iter().flat_map(|settings| settings.model_files()).collect();
    let source = source.to_owned();
    blocking(move || {
        let mut read: Vec<FilePath> = storage::parts(&source).into_iter().map(FilePath).collect();
        for model in models {
            if !read.contains(&model) {
                read.push(model);
            }
        }
        Files::new(None, read, Vec::new())
    })
    .await
}

/// What tells a file from another one under its name.
async fn stamp(source: &Path) -> String {
    let path = source.to_owned();
    let stamp = blocking(move || Stamp::of(&path)).await;
    format!(
        "{} {}",
        source.display(),
        stamp.map(|stamp| crate::source::stamp_text(&stamp)).unwrap_or_default()
    )
}

/// The bytes of a picture that a worker made.
pub(super) async fn read(file: File) -> Result<Vec<u8>, ViewError> {
    let read = blocking(move || {
        let mut bytes = Vec::new();
        file.take(LARGEST_PICTURE + 1).read_to_end(&mut bytes).map(|_| bytes)
    });
    let bytes = read.await.map_err(|error| ViewError::failed(error.to_string()))?;
    if bytes.len() as u64 > LARGEST_PICTURE {
        return Err(ViewError::failed("the picture is larger than pictures are"));
    }
    Ok(bytes)
}

fn unfit() -> ViewError {
    ViewError::failed("the worker gave an answer that does not fit")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waited_for_other_work_would_be_faster_alone() {
        let program = WorkerProgram { path: "/nowhere".into(), unconfined: false };
        let processors = std::thread::available_parallelism().map_or(1, |count| count.get() as u32);
        let previewer = Previewer::new(program, "/nowhere".into(), processors);
        for (share, slowed) in [(0.0, 0.0), (0.09, 0.1), (0.45, 0.5), (0.9, 1.0), (1.2, 1.0)] {
            assert!((previewer.slowed(share) - slowed).abs() < 1e-9, "{share}");
        }
    }
}
