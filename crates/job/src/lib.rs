//! The rules of a job: settings, the plan of segments, the state machine, whose turn it is, how long it takes, and what can be true.
//!
//! Goals: every rule in one pure place that can be tested by millions of schedules.
//! Non-goals: I/O, clocks, threads, async. Time comes in as a [`Millis`] value.

pub mod bounds;
mod carry;
mod crop;
mod deinterlace;
pub mod encoder;
mod eta;
mod failure;
mod new_job;
mod notice;
mod part;
mod path;
mod plan;
mod scale;
mod scheduler;
mod settings;
mod source;
pub mod state;
mod target;
mod text;

pub use carry::{CarriedStream, Carry, SoundFormat};
pub use crop::{Crop, CropArea, CropError, Cropped};
pub use deinterlace::Deinterlace;
pub use encoder::{Codec, Encoding};
pub use eta::{Changes, Film, Speed, Work};
pub use failure::{Failure, FailureKind};
pub use new_job::NewJob;
pub use notice::{Notice, Remedy, Setting};
pub use part::{FilmTime, FilmTimeError, Part};
pub use path::FilePath;
pub use plan::{ENCODER_THREADS, Plan, PlannedSegment, SegmentRange, lead_in, plan};
pub use scale::{Scale, ScaleError};
pub use scheduler::{Priority, Scheduler};
pub use settings::{
    BUILT_IN_MODELS, DEFAULT_MODEL, ENGINES, Model, Settings, SettingsError, WDN_MODEL, WdnWeights,
};
pub use source::{Container, Content, SourceFacts};
pub use target::{LARGEST_SIDE, Shape, Target};
pub use text::{cut_line, one_line};

/// A point in time, milliseconds since the Unix epoch, by the coordinator's clock.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Millis(pub i64);

impl Millis {
    /// This time and `milliseconds` more.
    #[must_use]
    pub const fn plus(self, milliseconds: i64) -> Self {
        Self(self.0.saturating_add(milliseconds))
    }
}

/// The number of a job in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct JobId(pub i64);

impl std::fmt::Display for JobId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
