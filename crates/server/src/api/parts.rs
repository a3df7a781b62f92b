//! The finished part of a job, to be played while the rest is made.
//!
//! Each finished segment is a file of its own, fragmented MPEG-4 with its head, which a page appends to a `SourceBuffer` (Media Source
//! Extensions). Browsers play HLS by themselves only since lately, or never; and one file that grows has no length, so that a
//! player could not seek in it, and segments need not be finished in their order.

use std::fs::File;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use coordinator::Parts as Found;
use futures_util::stream;
use job::JobId;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt as _;
use utoipa::ToSchema;

use super::Api;
use super::frames::{has, mark, quoted, refused};
use crate::extract::{Path, Query};
use crate::problem::{Problem, Problems};

/// Bytes that are read from a file at once.
const CHUNK: usize = 128 << 10;

/// Which parts are wanted.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PartQuery {
    /// Those from this segment on, 5000 segments at most; from the first where it is left out.
    from: Option<u32>,
}

/// What of a job can be played now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Parts {
    /// What `MediaSource.isTypeSupported` and `addSourceBuffer` take, for the first part; null where there is none.
    #[schema(example = "video/mp4; codecs=\"avc1.640028\"")]
    media_type: Option<String>,
    /// The finished segments, in order. There are none any more once the job is done: then the result itself can be played.
    parts: Vec<Part>,
}

/// A finished segment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Part {
    /// The number of the segment.
    segment: u32,
    /// When its first frame is shown, in seconds of the result.
    start: f64,
    /// When its last frame ends.
    end: f64,
}

impl Parts {
    fn new(found: &Found) -> Self {
        let part =
            |part: &coordinator::PartTimes| Part { segment: part.segment, start: part.start, end: part.end };
        Self {
            media_type: found.codecs.as_deref().map(media_type),
            parts: found.parts.iter().map(part).collect(),
        }
    }
}

fn media_type(codecs: &str) -> String {
    // A worker says it, which may have been taken over.
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || *c == '.';
    format!("video/mp4; codecs=\"{}\"", codecs.chars().filter(is_plain).collect::<String>())
}

/// What of a job can be played while the rest is made
#[utoipa::path(get, path = "/jobs/{id}/parts", tag = "frames", params(("id" = i64, Path, description = "The number of the job"), PartQuery),
    responses((status = OK, body = Parts),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json", description = "`not_playable`"),
        (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json", description = "`busy`, with `Retry-After`"), Problems))]
pub(crate) async fn list(
    State(api): State<Api>,
    Path(id): Path<i64>,
    Query(query): Query<PartQuery>,
) -> Result<axum::Json<Parts>, Response> {
    let found = api.handle.parts(JobId(id), query.from.unwrap_or(0)).await.map_err(refused)?;
    Ok(axum::Json(Parts::new(&found)))
}

/// A finished segment of a job, to be played
///
/// Fragmented MPEG-4 with its head, to be appended to a `SourceBuffer`: the video alone, without sound, its times those of the result.
#[utoipa::path(get, path = "/jobs/{id}/parts/{segment}", tag = "frames",
    params(("id" = i64, Path, description = "The number of the job"), ("segment" = u32, Path, description = "The number of the segment")),
    responses((status = OK, body = Vec<u8>, content_type = "video/mp4"), (status = NOT_MODIFIED),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json", description = "`no_job`, `no_part` or `not_made_yet`"),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json", description = "`not_playable`"),
        (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json", description = "`busy`, with `Retry-After`"), Problems))]
pub(crate) async fn part(
    State(api): State<Api>,
    Path((id, segment)): Path<(i64, u32)>,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let found = api.handle.part(JobId(id), segment).await.map_err(refused)?;
    let tag = quoted(&found.tag());
    let mut response = if has(&headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let made = found.mp4().await.map_err(refused)?;
        let about = [
            (header::CONTENT_TYPE, media_type(&made.codecs)),
            (header::CONTENT_LENGTH, made.bytes.to_string()),
        ];
        (about, body(made.file, made.bytes)).into_response()
    };
    mark(&mut response, tag);
    Ok(response)
}

/// The bytes of a file, as fast as the client takes them.
fn body(file: File, bytes: u64) -> Body {
    let reader = tokio::fs::File::from_std(file).take(bytes);
    Body::from_stream(stream::unfold(Some(reader), |reader| async {
        let mut reader = reader?;
        let mut chunk = vec![0; CHUNK];
        match reader.read(&mut chunk).await {
            Ok(0) => None,
            Ok(length) => {
                chunk.truncate(length);
                Some((Ok(Bytes::from(chunk)), Some(reader)))
            }
            Err(error) => Some((Err(error), None)),
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_worker_says_does_not_get_out_of_a_header() {
        assert_eq!(media_type("avc1.640028"), "video/mp4; codecs=\"avc1.640028\"");
        assert_eq!(media_type("a\"\r\nx: y"), "video/mp4; codecs=\"axy\"");
    }
}
