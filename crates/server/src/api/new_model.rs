//! Models that clients bring: a file is received beside the models, read by a worker, and is a model only then.

use std::path::{Path as FilePath, PathBuf};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::StreamExt as _;
use tokio::fs;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use super::Api;
use crate::extract::Path;
use crate::offer::ModelOffer;
use crate::problem::{Problem, Problems};

/// Largest file of a model, in bytes, which is that of workers too.
const LARGEST: u64 = 1 << 30;
/// Longest name, in bytes, with its extension.
const LONGEST_NAME: usize = 100;
/// Time for the next bytes.
const PATIENCE: Duration = Duration::from_mins(1);
/// The folder in that of the models where a file lies until it is known to be one. It goes with what is in it.
const INCOMING: &str = ".incoming";

/// Add a model
///
/// The body is the file, of 1 GiB at most, `NAME.pth` or `NAME.safetensors`. A worker reads it in its sandbox; what is no model that this
/// program runs is refused, and so is a name that another model has. Where its file does not say, the licence is not known.
#[utoipa::path(post, path = "/models/{name}", tag = "server",
    params(("name" = String, Path, description = "The name of the file: letters and digits of ASCII, dots, - and _")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = CREATED, body = ModelOffer),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json", description = "`name_taken`, or `busy` while another model is added"),
        (status = PAYLOAD_TOO_LARGE, body = Problem, content_type = "application/problem+json"),
        (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json", description = "`bad_name` or `bad_model`"),
        (status = INSUFFICIENT_STORAGE, body = Problem, content_type = "application/problem+json"), Problems))]
pub(crate) async fn add(
    State(api): State<Api>,
    Path(name): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Result<(StatusCode, axum::Json<ModelOffer>), Problem> {
    let stem = stem(&name)?.to_owned();
    let length =
        headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > LARGEST) {
        return Err(too_large());
    }
    // It goes to its end even when the client goes away, so that nothing is left.
    let adding = tokio::spawn(async move { bring(&api, &name, &stem, request.into_body()).await });
    let model = adding.await.map_err(|error| Problem::internal(&error))??;
    Ok((StatusCode::CREATED, axum::Json(model)))
}

async fn bring(api: &Api, name: &str, stem: &str, body: Body) -> Result<ModelOffer, Problem> {
    let conflict = |code, detail: String| Problem::new(StatusCode::CONFLICT, code, detail);
    let busy = |_| conflict("busy", "another model is being added: wait until it is there".to_owned());
    let _turn = api.bringing.try_lock().map_err(busy)?;
    let taken =
        || conflict("name_taken", format!("there is a model `{stem}` already: give the file another name"));
    let known = api.offer.models().await.map_err(|error| Problem::internal(&error))?;
    if stem.eq_ignore_ascii_case("none") || known.iter().any(|model| model.name.eq_ignore_ascii_case(stem)) {
        return Err(taken());
    }
    let folder = api.offer.models_folder();
    let incoming = Incoming::new(&folder).await?;
    let file = incoming.0.join(name);
    tokio::select! {
        received = receive(&file, body) => received?,
        () = api.shutdown.requested() => return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", "the server stops")),
    }
    let model = api.offer.read_model(file.clone()).await;
    let model = model.map_err(|error| Problem::internal(&error))?;
    if let Some(fault) = &model.fault {
        return Err(Problem::unprocessable("bad_model", format!("`{name}` cannot be used: {fault}")));
    }
    let target = folder.join(name);
    let published = tokio::task::spawn_blocking(move || storage::publish(&file, &target)).await;
    match published.map_err(|error| Problem::internal(&error))? {
        Ok(()) => {}
        Err(storage::Error::TargetExists { .. }) => return Err(taken()),
        Err(error) => return Err(Problem::internal(&error)),
    }
    tracing::info!("the model {stem} was added");
    Ok(model)
}

/// What settings call a model of this file.
fn stem(name: &str) -> Result<&str, Problem> {
    let stem = name.strip_suffix(".pth").or_else(|| name.strip_suffix(".safetensors")).unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if name.len() <= LONGEST_NAME
        && stem.starts_with(|c: char| c.is_ascii_alphanumeric())
        && stem.chars().all(is_plain)
    {
        return Ok(stem);
    }
    let detail = format!(
        "name the file NAME.pth or NAME.safetensors, with letters and digits of ASCII, dots, - and _, of {LONGEST_NAME} letters at most"
    );
    Err(Problem::unprocessable("bad_name", detail))
}

/// The folder of a file that comes in, which goes with this.
struct Incoming(PathBuf);

impl Incoming {
    async fn new(models: &FilePath) -> Result<Self, Problem> {
        let folder = models.join(INCOMING);
        // A server that was killed may have left one.
        let _ = fs::remove_dir_all(&folder).await;
        fs::create_dir(&folder).await.map_err(|error| failed(&error))?;
        Ok(Self(folder))
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Writes a body into a file.
async fn receive(path: &FilePath, body: Body) -> Result<(), Problem> {
    let mut file = fs::File::create_new(path).await.map_err(|error| failed(&error))?;
    let mut chunks = body.into_data_stream();
    let mut bytes = 0;
    let late = |_| Problem::new(StatusCode::REQUEST_TIMEOUT, "too_slow", "the file did not come in time");
    while let Some(chunk) = timeout(PATIENCE, chunks.next()).await.map_err(late)? {
        let chunk = chunk.map_err(|_| Problem::bad_request("the file did not come whole"))?;
        bytes += chunk.len() as u64;
        if bytes > LARGEST {
            return Err(too_large());
        }
        file.write_all(&chunk).await.map_err(|error| failed(&error))?;
    }
    file.flush().await.map_err(|error| failed(&error))
}

fn too_large() -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "a model has 1 GiB at most")
}

fn failed(error: &std::io::Error) -> Problem {
    if error.kind() == std::io::ErrorKind::StorageFull {
        return Problem::new(StatusCode::INSUFFICIENT_STORAGE, "no_space", "the disk of models/ is full");
    }
    Problem::internal(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_nowhere_else() {
        for name in ["a.pth", "RealESRGAN_x4plus.pth", "4x-Film.v2.safetensors", "9.pth"] {
            assert!(stem(name).is_ok(), "{name}");
        }
        let long = format!("{}.pth", "a".repeat(97));
        for name in [
            "", "a", ".pth", "..pth", "../a.pth", "a/b.pth", ".a.pth", "-a.pth", "a b.pth", "ü.pth", "a.PTH",
            "a.param", "a\0.pth", &long,
        ] {
            assert!(stem(name).is_err(), "{name}");
        }
    }
}
