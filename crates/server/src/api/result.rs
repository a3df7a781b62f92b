//! What a finished job left: the video and the report beside it.

use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::path::PathBuf;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use coordinator::commands::Refusal;
use coordinator::{OpenSource, ViewError};
use job::JobId;
use tower::ServiceExt as _;
use tower_http::services::ServeFile;

use super::Api;
use super::frames::refused;
use super::jobs::one;
use crate::extract::Path;
use crate::problem::{Problem, Problems};

/// Largest report that is handed out, in bytes.
const LARGEST_REPORT: u64 = 64 << 20;

/// The video that a job made
///
/// Parts of it can be asked for with the header `Range`.
#[utoipa::path(get, path = "/jobs/{id}/result", tag = "jobs", params(("id" = i64, Path, description = "The number of the job")),
    responses((status = OK, body = Vec<u8>, content_type = "video/*"), (status = PARTIAL_CONTENT, body = Vec<u8>, content_type = "video/*"),
        (status = NOT_MODIFIED), (status = PRECONDITION_FAILED), (status = RANGE_NOT_SATISFIABLE),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"), Problems))]
pub(crate) async fn result(
    State(api): State<Api>,
    Path(id): Path<i64>,
    request: Request,
) -> Result<Response, Problem> {
    let path = finished(&api, id).await?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    // Others may write where results go: what was opened is served, and no link in its place.
    let opened = tokio::task::spawn_blocking(move || storage::open_shared_file(&path)).await;
    let file = opened.map_err(|error| Problem::internal(&error))?.map_err(|_| gone(id))?;
    video(&file, &name, request).await.ok_or_else(|| gone(id))
}

/// The video that a job is made of
///
/// The file as it was taken in, to be played beside what is made of it. Parts of it can be asked for with the header `Range`.
#[utoipa::path(get, path = "/jobs/{id}/source", tag = "jobs", params(("id" = i64, Path, description = "The number of the job")),
    responses((status = OK, body = Vec<u8>, content_type = "video/*"), (status = PARTIAL_CONTENT, body = Vec<u8>, content_type = "video/*"),
        (status = NOT_MODIFIED), (status = PRECONDITION_FAILED), (status = RANGE_NOT_SATISFIABLE),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json", description = "`source_away`, or `not_playable` where it lies in several files"), Problems))]
pub(crate) async fn source(
    State(api): State<Api>,
    Path(id): Path<i64>,
    request: Request,
) -> Result<Response, Response> {
    let OpenSource { file, name } = api.handle.source(JobId(id)).await.map_err(refused)?;
    let away = || refused(ViewError::SourceAway("the source cannot be read".to_owned()));
    video(&file, &name, request).await.ok_or_else(away)
}

/// An open file under a name, or what of it a request asks for; `None` where it cannot be read.
async fn video(file: &File, name: &str, request: Request) -> Option<Response> {
    let Ok(served) = ServeFile::new(format!("/proc/self/fd/{}", file.as_raw_fd())).oneshot(request).await;
    if served.status() == StatusCode::NOT_FOUND {
        return None;
    }
    let mut response = served.map(Body::new);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(name)));
    let disposition = format!("attachment; filename=\"{}\"; filename*=UTF-8''{}", plain(name), encoded(name));
    if let Ok(value) = HeaderValue::try_from(disposition) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    Some(response)
}

/// What browsers are told of a file, by its name: one of videos in any case, since what a source holds is not the server's.
fn media_type(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref() {
        Some("mp4" | "m4v") => "video/mp4",
        Some("mov" | "qt") => "video/quicktime",
        Some("webm") => "video/webm",
        Some("ogv" | "ogg") => "video/ogg",
        Some("avi") => "video/x-msvideo",
        Some("ts" | "m2ts" | "mts") => "video/mp2t",
        Some("mpg" | "mpeg" | "vob") => "video/mpeg",
        _ => "video/x-matroska",
    }
}

/// The report of a job that is done
#[utoipa::path(get, path = "/jobs/{id}/report", tag = "jobs", params(("id" = i64, Path, description = "The number of the job")),
    responses((status = OK, body = Object, content_type = "application/json"),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"), Problems))]
pub(crate) async fn report(State(api): State<Api>, Path(id): Path<i64>) -> Result<Response, Problem> {
    let path = coordinator::report_of(&finished(&api, id).await?);
    let missing =
        || Problem::not_found("no_report", format!("the report of job {id} is not beside its result"));
    let read = tokio::task::spawn_blocking(move || storage::read_workers_file(&path, LARGEST_REPORT)).await;
    let text = read.map_err(|error| Problem::internal(&error))?.ok().flatten().ok_or_else(missing)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}

/// The path of a finished result.
async fn finished(api: &Api, id: i64) -> Result<PathBuf, Problem> {
    let jobs = api.handle.show(&one(id)).await?;
    let job = jobs.first().ok_or(Refusal::NoJob(JobId(id)))?;
    let report = &job.view.report;
    match &report.result {
        Some(_) if job.view.result_gone => Err(gone(id)),
        Some(result) if report.status == "done" => Ok(result.to_path_buf()),
        _ => Err(Problem::not_found("not_done", format!("job {id} has no result: it is {}", report.status))),
    }
}

fn gone(id: i64) -> Problem {
    Problem::not_found("result_gone", format!("the result of job {id} is not where it was put"))
}

/// A name for clients that know no other: what is special or no ASCII is an underscore.
fn plain(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_graphic() && !matches!(c, '"' | '\\') || c == ' ' { c } else { '_' };
    name.chars().map(plain).collect()
}

/// A name as RFC 8187 has it in a header: what is no letter or digit of ASCII by its bytes.
pub(crate) fn encoded(name: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    name.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_called_a_video_whatever_its_name_is() {
        for (name, wanted) in [
            ("a.MP4", "video/mp4"),
            ("a.b.webm", "video/webm"),
            ("a.html", "video/x-matroska"),
            ("a", "video/x-matroska"),
        ] {
            assert_eq!(media_type(name), wanted, "{name}");
        }
    }

    #[test]
    fn any_name_fits_into_a_header() {
        assert_eq!(encoded("a b\"\r\n.mkv"), "a%20b%22%0D%0A.mkv");
        assert_eq!(encoded("für.mp4"), "f%C3%BCr.mp4");
        assert_eq!(plain("für \"dich\"\r\n\\.mp4"), "f_r _dich____.mp4");
    }
}
