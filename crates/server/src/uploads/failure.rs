//! What can go wrong with uploads, and what clients are told of it.

use std::io;

use axum::http::StatusCode;
use storage::Bytes;

use crate::problem::Problem;

/// Why something was not done with an upload.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("there is no such upload; begin a new one")]
    NoUpload,
    #[error("nothing came for this upload for a week; begin a new one")]
    Expired,
    #[error("the upload is not one that is whole and waits for a decision")]
    NotHeld,
    #[error("another request works on this upload; try again when it has ended")]
    Busy,
    #[error("the upload goes on at byte {offset}")]
    OtherOffset { offset: u64 },
    #[error("the upload has {length} bytes, and these are more; nothing of the request was kept")]
    TooMuch { length: u64 },
    #[error("the disk of the server never has room for this file: {} is the most", Bytes(*most))]
    TooLarge { most: u64 },
    #[error("the disk of the server has no room for it: {} are needed, {} are free for uploads; free some space there", Bytes(*needed), Bytes(*free))]
    NoSpace { needed: u64, free: u64 },
    #[error("{most} uploads are under way, and more are not taken; wait for one, or terminate one")]
    TooMany { most: usize },
    #[error("what came has another checksum, and was thrown away; send it again")]
    OtherChecksum,
    #[error("the connection broke; what came is kept")]
    Broken,
    #[error("nothing came for too long; what came is kept")]
    Stalled,
    #[error("the server stops; what came is kept, and the upload goes on after its next start")]
    Stopping,
    #[error("the file is whole and is put into the input folder when that is there: {0}")]
    Away(String),
    #[error(transparent)]
    Storage(#[from] storage::Error),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Failure {
    /// A full disk is told from other failures.
    fn is_no_space(&self) -> bool {
        match self {
            Self::Storage(error) => error.is_no_space(),
            Self::Io(error) => storage::is_no_space(error),
            _ => false,
        }
    }

    fn told(&self) -> Option<(StatusCode, &'static str)> {
        Some(match self {
            Self::NoUpload => (StatusCode::NOT_FOUND, "no_upload"),
            Self::NotHeld => (StatusCode::CONFLICT, "not_held"),
            Self::Expired => (StatusCode::GONE, "upload_expired"),
            Self::Busy => (StatusCode::LOCKED, "busy"),
            Self::OtherOffset { .. } => (StatusCode::CONFLICT, "other_offset"),
            Self::TooMuch { .. } | Self::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            Self::NoSpace { .. } => (StatusCode::INSUFFICIENT_STORAGE, "no_space"),
            Self::TooMany { .. } => (StatusCode::SERVICE_UNAVAILABLE, "too_many_uploads"),
            Self::OtherChecksum => (StatusCode::from_u16(460).ok()?, "other_checksum"),
            Self::Broken => (StatusCode::BAD_REQUEST, "broken"),
            Self::Stalled => (StatusCode::REQUEST_TIMEOUT, "stalled"),
            Self::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
            Self::Away(_) => (StatusCode::SERVICE_UNAVAILABLE, "input_away"),
            Self::Storage(_) | Self::Io(_) => return None,
        })
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure.told() {
            Some((status, code)) => Self::new(status, code, failure.to_string()),
            None if failure.is_no_space() => {
                tracing::warn!("an upload waits: {failure}");
                let detail = "the disk of the server is full; free some space there, and the upload goes on";
                Self::new(StatusCode::INSUFFICIENT_STORAGE, "no_space", detail)
            }
            None => Self::internal(&failure),
        }
    }
}
