//! The list of uploads, for the page.

use axum::extract::State;
use coordinator::rfc3339;
use serde::Serialize;
use utoipa::ToSchema;

use super::store::Upload;
use crate::api::Api;
use crate::problem::{Problem, Problems};

/// The uploads that the server knows.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UploadList {
    /// The earliest first.
    uploads: Vec<OneUpload>,
}

/// An upload.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Upload)]
pub(crate) struct OneUpload {
    /// What it is called below `/api/v1/uploads`.
    id: String,
    /// The name that its file is to have.
    name: String,
    /// The bytes that it is to have.
    length: u64,
    /// The bytes that are there.
    offset: u64,
    /// When it was begun.
    #[schema(format = DateTime)]
    created: String,
    /// When it is forgotten, unless more comes.
    #[schema(format = DateTime)]
    expires: String,
    /// It waits for a job to be made of it when it is whole, outside the input folder.
    held: bool,
    /// The name that its file got in the input folder; null before it is there.
    finished_as: Option<String>,
}

impl OneUpload {
    fn new(upload: &Upload) -> Self {
        Self {
            id: upload.id.to_string(),
            name: upload.record.name.clone(),
            length: upload.record.length,
            offset: upload.offset,
            created: rfc3339(upload.record.created),
            expires: rfc3339(upload.expires),
            held: upload.record.held,
            finished_as: upload.finished_as().map(str::to_owned),
        }
    }
}

/// The uploads that are under way, and those that ended within a day
#[utoipa::path(get, path = "/uploads", tag = "uploads", responses((status = OK, body = UploadList), Problems))]
pub(crate) async fn list(State(api): State<Api>) -> Result<axum::Json<UploadList>, Problem> {
    let uploads = api.uploads.blocking(|uploads| uploads.store.list()).await?;
    Ok(axum::Json(UploadList { uploads: uploads.iter().map(OneUpload::new).collect() }))
}
