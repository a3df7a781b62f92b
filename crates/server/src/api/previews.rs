//! What settings make of a frame of a video, before a job is made of it, and how long it would take.

use std::path::Path;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use coordinator::{Measured, Sample, ViewError, Wanted};
use job::{Model, Settings};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::Api;
use super::files::{VideoQuery, found, no_video, time};
use super::settings::{JobSettings, settings};
use crate::extract::{Asked, Path as Named};
use crate::problem::{Problem, Problems};
use crate::wire::Notice;

/// Most settings that are tried by one request.
const MOST_CHOICES: usize = 4;

/// A frame, and the settings that are to be tried on it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPreview {
    /// The path of the video below the folder of the server.
    #[schema(example = "input/film.mkv")]
    file: Option<String>,
    /// Or the upload that waits for a decision.
    upload: Option<String>,
    /// When the frame is shown, in seconds from the first one on.
    #[schema(minimum = 0)]
    at: f64,
    /// What is tried, as for a new job: one to four.
    #[schema(value_type = Vec<JobSettings>, min_items = 1, max_items = 4)]
    choices: Vec<Map<String, Value>>,
    /// The source's picture is made as well; so it is where this is left out.
    before: Option<bool>,
    /// It is measured as well how long a job would take and how large its result would be; not where this is left out.
    measure: Option<bool>,
}

/// A picture, which can be fetched for some minutes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreviewPicture {
    /// Where it is: a JPEG file.
    #[schema(example = "/api/v1/previews/0123456789abcdef")]
    href: String,
    /// Pixels in a row.
    width: u32,
    /// Rows.
    height: u32,
}

/// What was made of a frame.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Preview {
    /// Number of the frame, from 0 on.
    frame: u32,
    /// When it is shown, in seconds from the first frame on.
    at: f64,
    /// Frames that a job would make.
    frames: u32,
    /// How long all of them last, in seconds.
    seconds: f64,
    /// The frame as the network gets it, in its own size.
    before: Option<PreviewPicture>,
    /// What came of the choices, in their order.
    choices: Vec<PreviewChoice>,
}

/// What came of settings.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreviewChoice {
    /// The model.
    model: String,
    /// The picture; null where none could be made.
    picture: Option<PreviewPicture>,
    /// How long a job would take, where that was asked for and could be measured.
    estimate: Option<Estimate>,
    /// Why there is no picture, or no estimate.
    fault: Option<String>,
    /// What else people should know.
    notes: Vec<Notice>,
}

/// What a job would be, by frames from all over the video that were really made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Estimate {
    /// Frames of the result.
    frames: u32,
    /// Frames that were made to measure.
    measured_frames: u32,
    /// Seconds that a frame takes.
    seconds_per_frame: f64,
    /// Seconds that a job takes which works alone.
    seconds: f64,
    /// Bytes of the result.
    bytes: u64,
    /// Size of the result's pictures.
    #[schema(example = "2560x1088")]
    result_size: String,
    /// The encoder.
    encoder: Option<String>,
    /// A job was worked on meanwhile: the times follow from the processor time, and are less sure.
    shared: bool,
    /// What else people should know.
    notes: Vec<Notice>,
}

/// Try settings on a frame
///
/// One preview is made at a time, and others wait. It lets jobs that are worked on come first. A client that closes the connection ends it.
#[utoipa::path(post, path = "/previews", tag = "previews", request_body = NewPreview,
    responses((status = OK, body = Preview), (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json", description = "`bad_path`, `bad_settings` or `no_video`"),
        (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json", description = "`busy`, with `Retry-After`"), Problems))]
pub(crate) async fn create(
    State(api): State<Api>,
    Asked { what, .. }: Asked<NewPreview>,
) -> Result<axum::Json<Preview>, Response> {
    let NewPreview { file, upload, at, choices, before, measure } = what;
    let problem = Problem::into_response;
    if !(1..=MOST_CHOICES).contains(&choices.len()) {
        let detail = format!("choices are 1 to {MOST_CHOICES}");
        return Err(problem(Problem::unprocessable("bad_body", detail)));
    }
    let seconds = time(at).map_err(problem)?;
    let query = VideoQuery { file, upload, ..VideoQuery::default() };
    let source = found(&api, &query).await.map_err(problem)?;
    let mut all = Vec::with_capacity(choices.len());
    for chosen in choices {
        all.push(settings(&api, chosen).await.map_err(problem)?);
    }
    let previewer = api.handle.previewer().map_err(no_video)?;
    let wanted = |settings: &Settings, is_enlarged| Wanted {
        source: source.clone(),
        seconds,
        settings: settings.clone(),
        is_enlarged,
    };
    let mut made: Option<Sample> = None;
    let mut before_picture = None;
    if before.unwrap_or(true) {
        let sample = previewer.sample(wanted(&all[0], false), &all).await.map_err(no_video)?;
        before_picture = Some(PreviewPicture::new(&sample));
        made = Some(sample);
    }
    let mut told = Vec::with_capacity(all.len());
    for settings in &all {
        let sampled = previewer.sample(wanted(settings, true), &all).await;
        let mut choice = PreviewChoice::new(&settings.model);
        match sampled {
            Ok(sample) => {
                choice.picture = Some(PreviewPicture::new(&sample));
                choice.notes = sample.notes.iter().map(|note| Notice::new(note, api.words)).collect();
                made = Some(sample);
            }
            Err(ViewError::Failed(notice) | ViewError::NoPicture(notice)) => choice.fault = Some(notice.text),
            Err(error) => return Err(no_video(error)),
        }
        if measure == Some(true) && choice.fault.is_none() {
            match estimated(&api, &source, settings.clone()).await {
                Ok(estimate) => choice.estimate = Some(estimate),
                Err(ViewError::Failed(notice) | ViewError::NoPicture(notice)) => {
                    choice.fault = Some(notice.text);
                }
                Err(error) => return Err(no_video(error)),
            }
        }
        told.push(choice);
    }
    let Some(Sample { frame, seconds: at, frames, length, .. }) = made else {
        let detail = told.into_iter().find_map(|choice| choice.fault).unwrap_or_default();
        return Err(problem(Problem::unprocessable("no_video", detail)));
    };
    Ok(axum::Json(Preview { frame, at, frames, seconds: length, before: before_picture, choices: told }))
}

/// A picture of a preview
#[utoipa::path(get, path = "/previews/{name}", tag = "previews", params(("name" = String, Path, description = "What the picture is called")),
    responses((status = OK, body = Vec<u8>, content_type = "image/jpeg"),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json", description = "It is some minutes old, or never was"), Problems))]
pub(crate) async fn picture(State(api): State<Api>, Named(name): Named<String>) -> Result<Response, Problem> {
    let picture = api.handle.previewer().ok().and_then(|previewer| previewer.picture(&name));
    let gone = || Problem::not_found("preview_gone", "the picture was forgotten: ask for the preview again");
    let picture = picture.ok_or_else(gone)?;
    Ok(([(header::CONTENT_TYPE, "image/jpeg")], picture.to_vec()).into_response())
}

/// A video, and the settings that are measured with it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewEstimate {
    /// The path of the video below the folder of the server.
    #[schema(example = "input/film.mkv")]
    file: Option<String>,
    /// Or the upload that waits for a decision.
    upload: Option<String>,
    /// As for a new job.
    #[schema(value_type = Option<JobSettings>)]
    settings: Option<Map<String, Value>>,
}

/// Measure how long a job would take
///
/// Frames from all over the video are really made, for some seconds. As for previews, one is measured at a time.
#[utoipa::path(post, path = "/estimates", tag = "previews", request_body = NewEstimate,
    responses((status = OK, body = Estimate), (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json", description = "`bad_path`, `bad_settings` or `no_video`"),
        (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json", description = "`busy`, with `Retry-After`"), Problems))]
pub(crate) async fn estimate(
    State(api): State<Api>,
    Asked { what, .. }: Asked<NewEstimate>,
) -> Result<axum::Json<Estimate>, Response> {
    let NewEstimate { file, upload, settings: chosen } = what;
    let query = VideoQuery { file, upload, ..VideoQuery::default() };
    let source = found(&api, &query).await.map_err(Problem::into_response)?;
    let settings = settings(&api, chosen.unwrap_or_default()).await.map_err(Problem::into_response)?;
    Ok(axum::Json(estimated(&api, &source, settings).await.map_err(no_video)?))
}

async fn estimated(api: &Api, source: &Path, settings: Settings) -> Result<Estimate, ViewError> {
    let made = api.handle.measure(source, settings).await?;
    let Measured { width, height, notes, .. } = &made;
    Ok(Estimate {
        frames: made.frames,
        measured_frames: made.measured,
        seconds_per_frame: made.seconds_per_frame,
        seconds: made.seconds,
        bytes: made.bytes,
        result_size: format!("{width}x{height}"),
        encoder: made.encoder.clone(),
        shared: made.is_shared,
        notes: notes.iter().map(|note| Notice::new(note, api.words)).collect(),
    })
}

impl PreviewPicture {
    fn new(sample: &Sample) -> Self {
        let href = format!("/api/v1/previews/{}", sample.tag);
        Self { href, width: sample.width, height: sample.height }
    }
}

impl PreviewChoice {
    fn new(model: &Model) -> Self {
        Self { model: model.name().to_owned(), picture: None, estimate: None, fault: None, notes: Vec::new() }
    }
}
