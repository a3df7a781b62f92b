//! What processes say to each other and what lies on the disk between them: the requests and responses of coordinator and
//! worker, and the forms of manifests, sidecars and reports.
//!
//! Goals: each form is there once, with its version, its bounds, and the checks that it passes on arrival.
//! Non-goals: reading and writing files and pipes; deciding what follows from what was said (`job`'s).

mod made;
mod manifest;
pub mod message;
pub mod report;
mod sidecar;

pub use made::Made;
pub use manifest::{Manifest, ManifestError, ServerId};
pub use sidecar::{LARGEST_SIDECAR, Sidecar, SidecarError};
