//! The requests of tus.

use std::time::{Duration, UNIX_EPOCH};

use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use coordinator::now;

use super::failure::Failure;
use super::headers::{
    self, ALGORITHMS, Checksum, EXTENSIONS, TUS_CHECKSUM_ALGORITHM, TUS_EXTENSION, TUS_MAX_SIZE, TUS_VERSION,
    UPLOAD_EXPIRES, UPLOAD_LENGTH, UPLOAD_METADATA, UPLOAD_OFFSET, UPLOAD_RESULT, VERSION,
};
use super::id::UploadId;
use super::receive::Bytes;
use super::store::Upload;
use crate::api::Api;
use crate::api::result::encoded;
use crate::extract::Path;
use crate::problem::{Problem, Problems};

const UPLOAD_DEFER_LENGTH: HeaderName = HeaderName::from_static("upload-defer-length");
const UPLOAD_CONCAT: HeaderName = HeaderName::from_static("upload-concat");
const METHOD_OVERRIDE: HeaderName = HeaderName::from_static("x-http-method-override");

/// What this server can do of tus
#[utoipa::path(options, path = "/uploads", tag = "uploads", responses((status = NO_CONTENT,
    headers(("Tus-Version" = String), ("Tus-Extension" = String), ("Tus-Max-Size" = u64, description = "The bytes for which there is room now"),
        ("Tus-Checksum-Algorithm" = String))), Problems))]
pub(crate) async fn options(State(api): State<Api>) -> Result<Response, Problem> {
    let space = api.uploads.blocking(|uploads| uploads.store.space()).await?;
    let headers = [
        (TUS_VERSION, VERSION),
        (TUS_EXTENSION, HeaderValue::from_static(EXTENSIONS)),
        (TUS_MAX_SIZE, HeaderValue::from(space.now)),
        (TUS_CHECKSUM_ALGORITHM, HeaderValue::from_static(ALGORITHMS)),
    ];
    Ok((StatusCode::NO_CONTENT, headers).into_response())
}

/// What this server can do of tus
#[utoipa::path(options, path = "/uploads/{id}", tag = "uploads", params(("id" = String, Path, description = "What the upload is called")),
    responses((status = NO_CONTENT, description = "As for all uploads"), Problems))]
pub(crate) async fn options_of_one(api: State<Api>) -> Result<Response, Problem> {
    options(api).await
}

/// Begin an upload
///
/// The body may have the beginning of the file.
#[utoipa::path(post, path = "/uploads", tag = "uploads",
    request_body(content = Option<Vec<u8>>, content_type = "application/offset+octet-stream"),
    params(("Tus-Resumable" = String, Header, description = "1.0.0"),
        ("Upload-Length" = u64, Header, description = "The bytes of the file"),
        ("Upload-Metadata" = String, Header, description = "`filename` and the name of the file in Base64; with `hold`, the file waits outside the input folder until a job is made of it"),
        ("Upload-Checksum" = Option<String>, Header, description = "An algorithm and the checksum of the body in Base64")),
    responses((status = CREATED, headers(("Location" = String), ("Upload-Offset" = u64), ("Upload-Expires" = String), ("Upload-Result" = String,
            description = "The name of the file in the input folder, percent-encoded; only when the upload is whole"))),
        (status = PRECONDITION_FAILED, body = Problem, content_type = "application/problem+json"),
        (status = PAYLOAD_TOO_LARGE, body = Problem, content_type = "application/problem+json"),
        (status = UNSUPPORTED_MEDIA_TYPE, body = Problem, content_type = "application/problem+json"),
        (status = UNPROCESSABLE_ENTITY, description = "`passed_over`: nothing becomes of files of such names", body = Problem, content_type = "application/problem+json"),
        (status = 460, description = "The checksum does not fit", body = Problem, content_type = "application/problem+json"),
        (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
        (status = INSUFFICIENT_STORAGE, body = Problem, content_type = "application/problem+json"), Problems))]
pub(crate) async fn create(
    State(api): State<Api>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    if headers.contains_key(UPLOAD_DEFER_LENGTH) {
        return Err(Problem::bad_request("Upload-Defer-Length is not supported: say Upload-Length"));
    }
    if headers.contains_key(UPLOAD_CONCAT) {
        return Err(Problem::bad_request("Upload-Concat is not supported: send the file as one upload"));
    }
    let announced = headers::number(&headers, &header::CONTENT_LENGTH)?;
    let has_bytes = headers::has_bytes(&headers)?;
    if !has_bytes && !body.is_end_stream() {
        return Err(headers::wrong_kind());
    }
    let checksum = Checksum::of(&headers)?;
    let length =
        headers::number(&headers, &UPLOAD_LENGTH)?.filter(|length| *length > 0).ok_or_else(|| {
            Problem::bad_request("Upload-Length has to be the bytes of the file, which is not empty")
        })?;
    let described = headers::metadata(&headers)?;
    // What is held becomes a job by its own request.
    if !described.held
        && let Some(rule) = api.handle.passed_over(&described.name)
    {
        let detail = format!(
            "the file would be passed over in the input folder ({rule}): bring it under another name"
        );
        return Err(Problem::unprocessable("passed_over", detail));
    }
    let uploads = &api.uploads;
    let mut upload = uploads.blocking(move |uploads| uploads.store.begin(described, length)).await?;
    if has_bytes {
        let id = upload.id;
        let held = uploads.turns.try_take(id).ok_or(Failure::Busy)?;
        upload = match uploads.receive(held, Bytes { offset: 0, announced, checksum, body }).await {
            Ok(received) => received,
            // The client learns what it is called, and how much came.
            Err(Failure::Stalled | Failure::Stopping | Failure::Away(_)) => {
                uploads.blocking(move |uploads| uploads.store.find(id, now())).await?
            }
            Err(failure) => {
                remove(&api, id).await?;
                return Err(failure.into());
            }
        };
    }
    let location = HeaderValue::try_from(format!("/api/v1/uploads/{}", upload.id));
    let location = location.map_err(|error| Problem::internal(&error))?;
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], standing(&upload)).into_response())
}

/// How far an upload is
#[utoipa::path(head, path = "/uploads/{id}", tag = "uploads",
    params(("id" = String, Path, description = "What the upload is called"), ("Tus-Resumable" = String, Header, description = "1.0.0")),
    responses((status = OK, headers(("Upload-Offset" = u64), ("Upload-Length" = u64), ("Upload-Metadata" = String), ("Upload-Expires" = String),
            ("Upload-Result" = String))),
        (status = NOT_FOUND), (status = GONE), (status = PRECONDITION_FAILED), Problems))]
pub(crate) async fn head(State(api): State<Api>, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = known(&id)?;
    let upload = api.uploads.blocking(move |uploads| uploads.store.find(id, now())).await?;
    let mut headers = standing(&upload);
    headers.insert(UPLOAD_LENGTH, upload.record.length.into());
    if let Ok(metadata) = HeaderValue::try_from(&upload.record.metadata) {
        headers.insert(UPLOAD_METADATA, metadata);
    }
    Ok((StatusCode::OK, headers).into_response())
}

/// Send bytes of a file
///
/// The last ones put it into the input folder.
#[utoipa::path(patch, path = "/uploads/{id}", tag = "uploads",
    request_body(content = Vec<u8>, content_type = "application/offset+octet-stream"),
    params(("id" = String, Path, description = "What the upload is called"), ("Tus-Resumable" = String, Header, description = "1.0.0"),
        ("Upload-Offset" = u64, Header, description = "Where the bytes go: behind those that are there"),
        ("Upload-Checksum" = Option<String>, Header, description = "An algorithm and the checksum of the body in Base64")),
    responses((status = NO_CONTENT, headers(("Upload-Offset" = u64), ("Upload-Expires" = String), ("Upload-Result" = String,
            description = "The name of the file in the input folder, percent-encoded; only when the upload is whole"))),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = REQUEST_TIMEOUT, body = Problem, content_type = "application/problem+json"),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json"),
        (status = GONE, body = Problem, content_type = "application/problem+json"),
        (status = PRECONDITION_FAILED, body = Problem, content_type = "application/problem+json"),
        (status = PAYLOAD_TOO_LARGE, body = Problem, content_type = "application/problem+json"),
        (status = UNSUPPORTED_MEDIA_TYPE, body = Problem, content_type = "application/problem+json"),
        (status = LOCKED, body = Problem, content_type = "application/problem+json"),
        (status = 460, description = "The checksum does not fit", body = Problem, content_type = "application/problem+json"),
        (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
        (status = INSUFFICIENT_STORAGE, body = Problem, content_type = "application/problem+json"), Problems))]
pub(crate) async fn patch(
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    if !headers::has_bytes(&headers)? {
        return Err(headers::wrong_kind());
    }
    let announced = headers::number(&headers, &header::CONTENT_LENGTH)?;
    let checksum = Checksum::of(&headers)?;
    let offset = headers::number(&headers, &UPLOAD_OFFSET)?
        .ok_or_else(|| Problem::bad_request("Upload-Offset has to say where the bytes go"))?;
    let id = known(&id)?;
    let uploads = &api.uploads;
    uploads.blocking(move |uploads| uploads.store.find(id, now())).await?;
    let held = uploads.turns.take(id).await.ok_or(Failure::Busy)?;
    let upload = uploads.receive(held, Bytes { offset, announced, checksum, body }).await?;
    Ok((StatusCode::NO_CONTENT, standing(&upload)).into_response())
}

/// Give an upload up
///
/// What came is thrown away. The file of an upload that was whole stays in the input folder.
#[utoipa::path(delete, path = "/uploads/{id}", tag = "uploads",
    params(("id" = String, Path, description = "What the upload is called"), ("Tus-Resumable" = String, Header, description = "1.0.0")),
    responses((status = NO_CONTENT), (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = GONE, body = Problem, content_type = "application/problem+json"),
        (status = PRECONDITION_FAILED, body = Problem, content_type = "application/problem+json"),
        (status = LOCKED, body = Problem, content_type = "application/problem+json"), Problems))]
pub(crate) async fn terminate(State(api): State<Api>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let id = known(&id)?;
    api.uploads.blocking(move |uploads| uploads.store.find(id, now())).await?;
    remove(&api, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The same for clients that can only send `POST`.
pub(crate) async fn overridden(
    api: State<Api>,
    id: Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    match headers::text(&parts.headers, &METHOD_OVERRIDE)? {
        Some("PATCH") => patch(api, id, parts.headers, body).await,
        Some("DELETE") => terminate(api, id).await.map(IntoResponse::into_response),
        Some("HEAD") => head(api, id).await,
        _ => {
            let detail = "this address takes PATCH, HEAD and DELETE, which X-HTTP-Method-Override may name";
            Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", detail))
        }
    }
}

async fn remove(api: &Api, id: UploadId) -> Result<(), Failure> {
    let held = api.uploads.turns.take(id).await.ok_or(Failure::Busy)?;
    let removal = move |uploads: &super::Uploads| {
        uploads.store.find(id, now())?;
        uploads.store.remove(id)?;
        uploads.turns.forget(&held);
        Ok(())
    };
    api.uploads.blocking(removal).await
}

/// The upload that an address names: what is no name is the name of none.
pub(super) fn known(id: &str) -> Result<UploadId, Failure> {
    id.parse().map_err(|()| Failure::NoUpload)
}

/// What answers say of an upload.
fn standing(upload: &Upload) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(UPLOAD_OFFSET, upload.offset.into());
    let expires = UNIX_EPOCH + Duration::from_millis(upload.expires.0.max(0).unsigned_abs());
    let expires = HeaderValue::try_from(httpdate::fmt_http_date(expires));
    let result = upload.finished_as().map(|name| HeaderValue::try_from(encoded(name)));
    match result {
        Some(name) => headers.extend(name.map(|name| (UPLOAD_RESULT, name))),
        None => headers.extend(expires.map(|expires| (UPLOAD_EXPIRES, expires))),
    }
    headers
}
