//! What people and programs are told of a job that is not made.

use std::path::Path;

use job::Encoding;
use ledger::Record;
use protocol::message::Estimate;
use serde::Serialize;
use storage::Bytes;

use crate::commands::up::plan::Planned;
use crate::output;
use crate::remedies;

/// What was found of a file, as `--json` writes it.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    source: String,
    /// The bytes of a path that is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    source_path_bytes: Option<Vec<u8>>,
    /// `done`, `skipped`, or `to_do`.
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<String>,
    #[serde(flatten)]
    would_be: Option<WouldBe>,
}

/// What would be made.
#[derive(Debug, Serialize)]
struct WouldBe {
    container: &'static str,
    codec: Option<&'static str>,
    encoder: Option<String>,
    pixel_format: Option<String>,
    model: String,
    source_size: String,
    /// The part of the film that would be made, where that is not all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<String>,
    /// What would be left of the picture, `WIDTH:HEIGHT:LEFT:TOP`.
    crop: Option<String>,
    result_size: String,
    frames: u32,
    seconds_of_video: f64,
    /// Frames that are finished already.
    frames_done: u64,
    /// Seconds until it would be done.
    seconds: f64,
    seconds_per_frame: f64,
    /// Bytes of the result.
    bytes: u64,
    engine: String,
    measured: Measured,
    notes: Vec<String>,
    not_looked_at: Vec<&'static str>,
}

/// What all of it rests on.
#[derive(Debug, Serialize)]
struct Measured {
    frames: u32,
    places: u32,
    /// The source was decoded as a whole.
    is_whole: bool,
}

impl Told {
    fn of(source: &Path, status: &'static str) -> Self {
        Self {
            source: source.to_string_lossy().into_owned(),
            source_path_bytes: coordinator::bytes_of_no_text(&source.into()),
            status,
            reason: None,
            result: None,
            would_be: None,
        }
    }

    pub(super) fn done(source: &Path, result: &Path) -> Self {
        let reason = Some("it was done already".to_owned());
        let result = Some(result.to_string_lossy().into_owned());
        Self { reason, result, ..Self::of(source, "done") }
    }

    pub(super) fn skipped(source: &Path, reason: String) -> Self {
        Self { reason: Some(reason), ..Self::of(source, "skipped") }
    }

    pub(super) fn estimated(
        planned: &Planned,
        estimate: &Estimate,
        result: &Path,
        begun: Option<&Record>,
    ) -> Self {
        let (facts, plan) = (&estimate.facts, &estimate.plan);
        let frames_done = begun.map_or(0, |record| record.job.frames_done());
        let to_make = f64::from(facts.frames) - frames_done as f64;
        let encoding = facts.encodings.first();
        let mut source_size = (facts.width, facts.height);
        if let Some(cropped) = facts.crop {
            source_size = (cropped.from_width, cropped.from_height);
        }
        let mut not_looked_at = Vec::new();
        if !estimate.is_whole {
            not_looked_at.extend([
                "frames that are missing or damaged, which decoding everything shows",
                "stretches of the film that are other than the places that were looked at",
            ]);
        }
        let would_be = WouldBe {
            container: facts.container.extension(),
            codec: encoding.and_then(Encoding::about).map(|about| about.codec.name()),
            encoder: encoding.map(|encoding| encoding.encoder.clone()),
            pixel_format: encoding.map(|encoding| encoding.pixel_format.clone()),
            model: planned.settings.model.name().to_owned(),
            source_size: format!("{}x{}", source_size.0, source_size.1),
            part: planned.settings.part.map(|part| part.to_string()),
            crop: facts.crop.map(|cropped| cropped.kept.to_string()),
            result_size: format!("{}x{}", plan.width, plan.height),
            frames: facts.frames,
            seconds_of_video: facts.seconds,
            frames_done,
            seconds: to_make.max(0.0) * estimate.seconds_per_frame + estimate.seconds_beside,
            seconds_per_frame: estimate.seconds_per_frame,
            bytes: estimate.video_bytes + estimate.other_bytes,
            engine: estimate.engine.clone(),
            measured: Measured {
                frames: estimate.frames,
                places: estimate.places,
                is_whole: estimate.is_whole,
            },
            notes: facts.notes.iter().map(remedies::sentence).collect(),
            not_looked_at,
        };
        let result = Some(result.to_string_lossy().into_owned());
        Self { result, would_be: Some(would_be), ..Self::of(&planned.source, "to_do") }
    }

    /// What people read.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut add = |name: &str, value: String| {
            lines.push(format!("{name:<12}{}", output::one_line(&value)));
        };
        add("source", self.source.clone());
        if let Some(result) = &self.result {
            add("result", result.clone());
        }
        if let Some(reason) = &self.reason {
            add(self.status, reason.clone());
        }
        let Some(would_be) = &self.would_be else { return lines };
        if let Some(part) = &would_be.part {
            add("part", part.clone());
        }
        let or_none = |text: Option<&str>| text.unwrap_or("-").to_owned();
        add(
            "video",
            format!(
                "{} by {}, {}, in {}",
                or_none(would_be.codec),
                or_none(would_be.encoder.as_deref()),
                or_none(would_be.pixel_format.as_deref()),
                would_be.container
            ),
        );
        add("model", format!("{}, on {}", would_be.model, would_be.engine));
        add("size", format!("{} -> {}", would_be.source_size, would_be.result_size));
        if let Some(crop) = &would_be.crop {
            add("crop", crop.clone());
        }
        let Measured { frames, places, is_whole } = would_be.measured;
        let about = if is_whole { "" } else { "about " };
        add("frames", format!("{about}{}, {}", would_be.frames, output::duration(would_be.seconds_of_video)));
        if would_be.frames_done > 0 {
            add(
                "unfinished",
                format!(
                    "{} of {} frames are finished, and `up` goes on",
                    would_be.frames_done, would_be.frames
                ),
            );
        }
        let per_frame = would_be.seconds_per_frame;
        let speed = if per_frame >= 1.0 {
            format!("{per_frame:.1} s a frame")
        } else {
            format!("{:.1} frames a second", 1.0 / per_frame.max(1e-6))
        };
        add("time", format!("about {}, at {speed}", output::duration(would_be.seconds)));
        add("bytes", format!("about {}", Bytes(would_be.bytes)));
        for note in &would_be.notes {
            add("note", note.clone());
        }
        let s = |count: u32| if count == 1 { "" } else { "s" };
        add(
            "estimated",
            format!("by {frames} frame{} at {places} place{} that were made for it", s(frames), s(places)),
        );
        for what in &would_be.not_looked_at {
            add("unknown", (*what).to_owned());
        }
        lines
    }
}

/// All files together.
#[derive(Debug, Default)]
pub(super) struct Total {
    files: u32,
    seconds: f64,
    bytes: u64,
}

impl Total {
    pub(super) fn add(&mut self, told: &Told) {
        if let Some(would_be) = &told.would_be {
            self.files += 1;
            self.seconds += would_be.seconds;
            self.bytes += would_be.bytes;
        }
    }

    /// What people read; nothing where nothing would be made.
    pub(super) fn line(&self) -> Option<String> {
        let Self { files, seconds, bytes } = self;
        (*files > 0).then(|| {
            let value = format!(
                "{files} file{} to make: about {} and {}",
                if *files == 1 { "" } else { "s" },
                output::duration(*seconds),
                Bytes(*bytes)
            );
            format!("{:<12}{value}", "all")
        })
    }
}
