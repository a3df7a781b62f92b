//! What can be chosen for jobs on this machine.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use crate::offer::{EncoderOffer, FindingOffer, ModelOffer};
use crate::problem::{Problem, Problems};

/// The models that there are.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Models {
    /// The built-in ones, then those in `models/` by their names. Jobs can do without one: `none` is a classic resampler.
    models: Vec<ModelOffer>,
}

/// The encoders that the program knows.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Encoders {
    /// In the order in which they are tried.
    encoders: Vec<EncoderOffer>,
}

/// What the machine has for workers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Machine {
    /// The engine with its kind of instructions and its threads, FFmpeg, and the sandbox.
    findings: Vec<FindingOffer>,
}

/// The machine
///
/// What a worker finds that is started for it once, as `upscaled doctor` has it; later answers have what was found then.
#[utoipa::path(get, path = "/machine", tag = "server", responses((status = OK, body = Machine), Problems))]
pub(crate) async fn machine(State(api): State<Api>) -> Result<axum::Json<Machine>, Problem> {
    let findings = api.offer.findings().await.map_err(|error| Problem::internal(&error))?;
    Ok(axum::Json(Machine { findings }))
}

/// The models
///
/// Each was read once, so that it is known which are broken.
#[utoipa::path(get, path = "/models", tag = "server", responses((status = OK, body = Models), Problems))]
pub(crate) async fn models(State(api): State<Api>) -> Result<axum::Json<Models>, Problem> {
    let models = api.offer.models().await.map_err(|error| Problem::internal(&error))?;
    Ok(axum::Json(Models { models }))
}

/// The encoders, and which of them work here
///
/// They are tried once, which takes some seconds; later answers have what was found then.
#[utoipa::path(get, path = "/encoders", tag = "server", responses((status = OK, body = Encoders), Problems))]
pub(crate) async fn encoders(State(api): State<Api>) -> Result<axum::Json<Encoders>, Problem> {
    let encoders = api.offer.encoders().await.map_err(|error| Problem::internal(&error))?;
    Ok(axum::Json(Encoders { encoders }))
}
