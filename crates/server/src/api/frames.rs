//! Single frames of a job, before and after, while it is made and afterwards.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use coordinator::{FoundFrame, Side, ViewError};
use job::JobId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Api;
use crate::extract::{Path, Query};
use crate::problem::{Problem, Problems};

/// Widths that can be asked for.
const WIDTHS: std::ops::RangeInclusive<u32> = 96..=4096;
/// Seconds after which a client may come again for which there was no place.
const COME_AGAIN: HeaderValue = HeaderValue::from_static("2");
/// A picture of a job that is made again differs: clients ask whether theirs still holds.
const CACHING: HeaderValue = HeaderValue::from_static("private, no-cache");

/// Before or after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FrameSide {
    /// As the network gets it: deinterlaced and cut, in its own size.
    Source,
    /// As it is in the result.
    Result,
}

/// How a frame is wanted.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct FrameQuery {
    /// So many pixels in a row at most, with square pixels; as it is stored where this is left out.
    #[param(minimum = 96, maximum = 4096)]
    width: Option<u32>,
}

/// A frame of a job
///
/// Of the result, frames can be seen as soon as their segment is finished. HDR is brought to the range of usual screens.
#[utoipa::path(get, path = "/jobs/{id}/frames/{number}/{side}", tag = "frames",
    params(("id" = i64, Path, description = "The number of the job"), ("number" = u32, Path, description = "The number of the frame, from 0 on"),
        ("side" = inline(FrameSide), Path, description = "Before or after"), FrameQuery),
    responses((status = OK, body = Vec<u8>, content_type = "image/jpeg"), (status = NOT_MODIFIED),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json", description = "`no_job`, `no_frame`, `not_made_yet` or `result_gone`"),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json", description = "`source_away`"),
        (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json", description = "`no_picture`: the video has none that can be decoded"),
        (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json", description = "`busy`, with `Retry-After`"), Problems))]
pub(crate) async fn frame(
    State(api): State<Api>,
    Path((id, number, side)): Path<(i64, u32, FrameSide)>,
    Query(query): Query<FrameQuery>,
    headers: HeaderMap,
) -> Result<Response, Response> {
    if query.width.is_some_and(|width| !WIDTHS.contains(&width)) {
        let detail = format!("width is {} to {}", WIDTHS.start(), WIDTHS.end());
        return Err(Problem::bad_request(detail).into_response());
    }
    let side = match side {
        FrameSide::Source => Side::Source,
        FrameSide::Result => Side::Result,
    };
    let found = api.handle.frame(JobId(id), number, side, query.width).await;
    picture(found.map_err(refused)?, &headers).await
}

/// A small picture of a job's source
#[utoipa::path(get, path = "/jobs/{id}/thumbnail", tag = "frames", params(("id" = i64, Path, description = "The number of the job")),
    responses((status = OK, body = Vec<u8>, content_type = "image/jpeg"), (status = NOT_MODIFIED),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json", description = "`source_away`"),
        (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json", description = "`no_picture`: the video has none that can be decoded"),
        (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json", description = "`busy`, with `Retry-After`"), Problems))]
pub(crate) async fn thumbnail(
    State(api): State<Api>,
    Path(id): Path<i64>,
    headers: HeaderMap,
) -> Result<Response, Response> {
    picture(api.handle.thumbnail(JobId(id)).await.map_err(refused)?, &headers).await
}

/// The picture, unless the client has it.
async fn picture(found: FoundFrame, headers: &HeaderMap) -> Result<Response, Response> {
    let tag = quoted(found.tag());
    let mut response = if has(headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let picture = found.jpeg().await.map_err(refused)?;
        let body = axum::body::Bytes::from_owner(Picture(picture));
        ([(header::CONTENT_TYPE, "image/jpeg")], body).into_response()
    };
    mark(&mut response, tag);
    Ok(response)
}

/// A tag as headers have it.
pub(super) fn quoted(tag: &str) -> String {
    format!("\"{tag}\"")
}

/// True where the client has what has this tag.
pub(super) fn has(headers: &HeaderMap, tag: &str) -> bool {
    let tags = headers.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    tags.is_some_and(|tags| tags.split(',').any(|one| one.trim() == tag))
}

/// Says by which tag clients can ask whether theirs still holds.
pub(super) fn mark(response: &mut Response, tag: String) {
    if let Ok(tag) = HeaderValue::try_from(tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, CACHING);
}

/// The bytes of a picture, which are shared with those that are kept.
struct Picture(Arc<[u8]>);

impl AsRef<[u8]> for Picture {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Why something of a job is not shown.
pub(super) fn refused(error: ViewError) -> Response {
    let detail = error.to_string();
    let problem = match error {
        ViewError::Refused(refusal) => refusal.into(),
        ViewError::NoFrame { .. } => Problem::not_found("no_frame", detail),
        ViewError::NoPart { .. } => Problem::not_found("no_part", detail),
        ViewError::NotMadeYet => Problem::not_found("not_made_yet", detail),
        ViewError::ResultGone => Problem::not_found("result_gone", detail),
        ViewError::SourceAway(_) => Problem::new(StatusCode::CONFLICT, "source_away", detail),
        ViewError::NotPlayable | ViewError::SourceInParts => {
            Problem::new(StatusCode::CONFLICT, "not_playable", detail)
        }
        ViewError::Busy => {
            let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail);
            return ([(header::RETRY_AFTER, COME_AGAIN)], problem).into_response();
        }
        ViewError::NoViewer => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no_viewer", detail),
        ViewError::TooSlow => Problem::new(StatusCode::GATEWAY_TIMEOUT, "too_slow", detail),
        ViewError::NoPicture(_) => Problem::unprocessable("no_picture", detail),
        ViewError::Failed(_) => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "not_shown", detail),
        ViewError::Worker(_) => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "worker_failed", detail),
    };
    problem.into_response()
}
