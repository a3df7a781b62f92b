//! The report that every job leaves: what went in, what came out, what was decided and what was checked.

use job::{Encoding, SegmentRange, Settings};
use serde::{Deserialize, Serialize};

/// A stream of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamReport {
    /// Its number in the file.
    pub index: usize,
    /// Video, audio, subtitle, attachment or data; cover for pictures that are no video.
    pub kind: String,
    /// FFmpeg's name of the codec.
    pub codec: String,
    /// Its language, by the word of the file.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub language: Option<String>,
    /// Its title.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub title: Option<String>,
}

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileReport {
    /// FFmpeg's name of its format.
    pub format: String,
    /// Its streams, in order.
    pub streams: Vec<StreamReport>,
}

/// What the verification of a result found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checks {
    /// Frames of the result that were decoded, which are those of the frame list.
    pub frames_decoded: u32,
    /// Largest difference between the time of a frame and that of its source, in milliseconds.
    pub largest_time_error_milliseconds: f64,
    /// Packets of each stream of the result.
    pub packets: Vec<u64>,
}

/// A result that was put together and verified.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verified {
    /// The source.
    pub source: FileReport,
    /// The result.
    pub result: FileReport,
    /// Checksum of the model's weights, with the name of the algorithm; `None` without a model.
    pub model: Option<String>,
    /// What was checked.
    pub checks: Checks,
}

/// What was taken from the picture before instead of being computed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ReuseReport {
    /// Frames of finished segments.
    pub frames: u64,
    /// Those of them that repeat the one before.
    pub repeats: u64,
    /// Share of the pixels that were not computed, 0 to 1.
    pub pixels: f64,
}

impl ReuseReport {
    /// A sentence for people; `None` when all was computed.
    pub fn in_words(&self) -> Option<String> {
        let Self { frames, repeats, pixels } = self;
        (*pixels > 0.0).then(|| {
            format!(
                "{repeats} of {frames} frames were repeats; {:.0} % of the pixels were not computed again",
                pixels * 100.0
            )
        })
    }
}

/// The largest report that is read; real ones have a few thousand bytes.
pub const LARGEST: u64 = 4 << 20;
/// What a report names as its writer.
pub const PROGRAM: &str = "upscaled";

/// A report, in the order of its entries.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    /// Who wrote it.
    pub program: &'static str,
    /// Its version, and that of this form.
    pub version: &'static str,
    /// What went in.
    pub source: Side<'a>,
    /// What came out.
    pub result: Side<'a>,
    /// The model.
    pub model: Model<'a>,
    /// The encoder.
    pub encoder: Encoder<'a>,
    /// What the user chose.
    pub settings: &'a Settings,
    /// By which the result is known again, like the fingerprint of its source.
    pub settings_hash: String,
    /// The engine, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// Frames of the result.
    pub frames: Option<u32>,
    /// How long it is shown.
    pub seconds_of_video: f64,
    /// When the job was taken in.
    pub added: String,
    /// When the work on it began for the first time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<String>,
    /// When its result was verified.
    pub ended: String,
    /// Seconds that it was worked on, without the time that it waited or was paused; unknown for a job that began under an earlier version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_taken: Option<f64>,
    /// Of the run that finished it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frames_per_second: Option<f64>,
    /// What was not computed.
    pub reuse: ReuseReport,
    /// Frames that were missing in the source and are filled with the picture before.
    pub filled: &'a [SegmentRange],
    /// What else people should know.
    pub notes: Vec<String>,
    /// What was checked.
    pub checks: &'a Checks,
}

/// A file that went in or came out.
#[derive(Debug, Serialize)]
pub struct Side<'a> {
    /// Where it is.
    pub path: String,
    /// Its size.
    pub bytes: Option<u64>,
    /// Size of its pictures, `WIDTHxHEIGHT`.
    pub size: Option<String>,
    /// The part of the film that was made where that was not all of it; of the source only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<&'a str>,
    /// What was left of the pictures where something was cut off; of the source only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crop: Option<&'a str>,
    /// Of the content; of the source only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<&'a str>,
    /// Its format and streams.
    #[serde(flatten)]
    pub file: &'a FileReport,
}

/// What enlarged the pictures.
#[derive(Debug, Serialize)]
pub struct Model<'a> {
    /// Its name.
    pub name: &'a str,
    /// Checksum of its weights.
    pub checksum: Option<&'a str>,
}

/// What encoded them.
#[derive(Debug, Serialize)]
pub struct Encoder<'a> {
    /// The encoder that was used.
    #[serde(flatten)]
    pub encoding: Option<&'a Encoding>,
    /// Its quality, where it has a choice.
    pub quality: Option<u8>,
    /// Its preset, where it has one.
    pub preset: Option<String>,
    /// Those that do not work here, with the reasons.
    pub refused: &'a [String],
    /// Those that failed while the job ran.
    pub replaced: &'a [Encoding],
}

/// What a report says by which its result is known again. Reports of all versions say it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Told {
    /// The source.
    pub source: ToldSource,
    /// The result.
    pub result: ToldResult,
    /// Hash of the settings.
    pub settings_hash: String,
}

/// What a report says of the source.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ToldSource {
    /// Where it was.
    pub path: String,
    /// Fingerprint of its content.
    pub fingerprint: String,
}

/// What a report says of the result.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ToldResult {
    /// Its size.
    pub bytes: u64,
}

impl Told {
    /// What the report in these bytes says; `None` where they are no report.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

/// True for bytes that say that this program wrote them as a report.
pub fn is_report(bytes: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Head {
        program: String,
    }
    serde_json::from_slice::<Head>(bytes).is_ok_and(|head| head.program == PROGRAM)
}
