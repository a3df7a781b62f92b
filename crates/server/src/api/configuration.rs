//! The settings of the whole server.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};

use super::Api;
use crate::configuration::{NotChanged, ServerSettings, SettingsChanged, WebhookTested};
use crate::extract::{Json, Path};
use crate::problem::{Problem, Problems};

/// The settings of the server
///
/// As they hold, with where each is from. `ETag` has the version of the file, as `version` has.
#[utoipa::path(get, path = "/settings", tag = "server", responses((status = OK, body = ServerSettings), Problems))]
pub(crate) async fn show(State(api): State<Api>) -> Response {
    let settings = api.configuration.show().await;
    with_version(&settings.version, &settings)
}

/// Change the settings of the server
///
/// The body has the keys of `upscaled.toml` with new values; null lets one be unset, and what is left out stays. `presets` and `schedule`
/// are objects of such changes. `folders` and `webhooks` are whole lists, each entry whole; `was` is the number, from 0 on, that one
/// has in the file now (keys in answers, such as `folders.1.path`, count from 1 on, as lists for people do). Only `url` and `secret` of a webhook stay where they are left out or empty; `null` takes a secret away, and another
/// address needs the secret again. All of it is checked as at a start, written into the file without touching anything else there, and taken up; or
/// the file stays as it is. A file that was changed or removed by hand is left alone until `upscaled reload` has taken it up. Keys that are set on the command line, and `unconfined`, cannot be changed.
#[utoipa::path(patch, path = "/settings", tag = "server", request_body = Object,
    params(("If-Match" = String, Header, description = "The version of the file that the change is made for, in quotes")),
    responses((status = OK, body = SettingsChanged),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json", description = "The key is fixed, the file was changed by hand and is not taken up (`not_taken_up`), or it cannot be written"),
        (status = PRECONDITION_FAILED, body = Problem, content_type = "application/problem+json", description = "The file was changed meanwhile"),
        (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json", description = "Values that cannot be, all in `errors`"),
        (status = PRECONDITION_REQUIRED, body = Problem, content_type = "application/problem+json", description = "No version is named"), Problems))]
pub(crate) async fn change(
    State(api): State<Api>,
    headers: HeaderMap,
    Json(changes): Json<Map<String, Value>>,
) -> Result<Response, Problem> {
    let version = named_version(&headers)?;
    // What was begun is finished, even when the client is gone.
    let (configuration, handle) = (Arc::clone(&api.configuration), api.handle.clone());
    let changing = tokio::spawn(async move { configuration.change(&handle, &version, &changes).await });
    let changed = changing.await.map_err(|error| Problem::internal(&error))?.map_err(problem)?;
    Ok(with_version(&changed.settings.version, &changed))
}

/// Test a webhook
///
/// Sends a message to the webhook of this number, from 1 on, as the file has it, that says nothing but that it arrives.
#[utoipa::path(post, path = "/settings/webhooks/{number}/test", tag = "server", params(("number" = usize, Path, description = "Its number, from 1 on")),
    responses((status = OK, body = WebhookTested), (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json", description = "The file has a mistake"), Problems))]
pub(crate) async fn test_webhook(
    State(api): State<Api>,
    Path(number): Path<usize>,
) -> Result<axum::Json<WebhookTested>, Problem> {
    let tested = api.configuration.test_webhook(number).await;
    let tested = tested.map_err(|words| Problem::new(StatusCode::CONFLICT, "bad_file", words))?;
    let missing = || Problem::not_found("no_webhook", format!("there is no webhook {number}"));
    tested.map(axum::Json).ok_or_else(missing)
}

/// The version that a change is made for.
fn named_version(headers: &HeaderMap) -> Result<String, Problem> {
    let named = headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok());
    let quoted = named.and_then(|value| value.trim().strip_prefix('"')?.strip_suffix('"'));
    quoted.map(ToOwned::to_owned).ok_or_else(|| {
        let detail = "name the version of the settings that you read: If-Match: \"VERSION\"";
        Problem::new(StatusCode::PRECONDITION_REQUIRED, "version_needed", detail)
    })
}

fn with_version<T: Serialize>(version: &str, body: &T) -> Response {
    let mut response = axum::Json(body).into_response();
    if let Ok(tag) = HeaderValue::try_from(format!("\"{version}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

fn problem(reason: NotChanged) -> Problem {
    let conflict = |code, words: String| Problem::new(StatusCode::CONFLICT, code, words);
    match reason {
        NotChanged::OtherVersion => {
            let detail =
                "upscaled.toml was changed meanwhile: read the settings again, and make the change anew";
            Problem::new(StatusCode::PRECONDITION_FAILED, "other_version", detail)
        }
        NotChanged::Unfit(all) => Problem::settings(all),
        NotChanged::Fixed { key, words } => conflict("fixed", words).about_key(Some(key)),
        NotChanged::NotTakenUp(words) => conflict("not_taken_up", words),
        NotChanged::NotWritable(words) => conflict("not_writable", words),
        NotChanged::Failed(words) => Problem::internal(&words),
    }
}
