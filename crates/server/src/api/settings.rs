//! The settings of a job, as requests choose them.

use job::Settings;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::Api;
use crate::offer::Unfit;
use crate::problem::Problem;

/// Settings of a job, by the names and rules of `upscaled.toml`. What is left out is as the server has it; what is null is as the program
/// has it where the server says nothing. `from`, `to`, `stream` and `again` are those of the command line.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobSettings {
    /// `none` for a classic resampler, a built-in one, or the name of a file in `models/`.
    #[schema(example = "realesr-general-x4v3")]
    model: Option<String>,
    /// How many times larger; of scale, height, width and fit, one is chosen.
    #[schema(minimum = 1, maximum = 8, example = 2)]
    scale: Option<f64>,
    /// Rows of the result.
    height: Option<u32>,
    /// Columns of the result.
    width: Option<u32>,
    /// As large as a screen of this size shows it.
    #[schema(example = "1920x1080")]
    fit: Option<String>,
    /// Share of the network; 0 is a classic resampler.
    #[schema(minimum = 0, maximum = 1)]
    strength: Option<f64>,
    /// Keeps the colours of wide areas.
    anchor: Option<bool>,
    /// Film grain.
    #[schema(minimum = 0, maximum = 1)]
    grain: Option<f64>,
    /// Less keeps more grain of the source; below 1 it needs a second file in `models/`.
    #[schema(minimum = 0, maximum = 1)]
    denoise: Option<f64>,
    /// h264, hevc, av1, prores or ffv1.
    codec: Option<String>,
    /// FFmpeg's name of an encoder.
    #[schema(example = "libx264")]
    encoder: Option<String>,
    /// Other options of the encoder, by FFmpeg's names.
    #[schema(value_type = Option<Object>)]
    encoder_options: Option<Value>,
    /// Quality on the encoder's own scale: less is better.
    crf: Option<u8>,
    /// Speed of the encoder.
    preset: Option<String>,
    /// mkv or mp4.
    container: Option<String>,
    /// `sdr` brings HDR to usual screens.
    tonemap: Option<String>,
    /// off, auto, frame, field or telecine.
    deinterlace: Option<String>,
    /// off, auto or `WIDTH:HEIGHT:LEFT:TOP`.
    crop: Option<String>,
    /// False computes every frame whole.
    reuse: Option<bool>,
    /// Levels of 255 that a sample may change by and still count as unchanged.
    reuse_tolerance: Option<u8>,
    /// Takes damaged files too.
    fill_gaps: Option<bool>,
    /// Frames of a segment.
    segment_frames: Option<u32>,
    /// Only what is shown from then on, in seconds or as `HH:MM:SS`.
    #[schema(value_type = Option<String>, example = "1:02:03")]
    from: Option<Value>,
    /// Only what is shown before then.
    #[schema(value_type = Option<String>)]
    to: Option<Value>,
    /// The number of the video's stream in the file.
    stream: Option<u32>,
    /// Enlarges even what is a result already.
    again: Option<bool>,
}

/// The settings of a job of which these were chosen.
pub(crate) async fn settings(api: &Api, chosen: Map<String, Value>) -> Result<Settings, Problem> {
    let settings = api.offer.settings(chosen).await;
    settings.map_err(|Unfit { key, words }| Problem::unprocessable("bad_settings", words).about_key(key))
}
