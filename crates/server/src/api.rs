//! The HTTP API: what it knows, and its routes.

mod actions;
mod events;
mod frames;
mod jobs;
mod outcome;
mod parts;
mod result;
mod system;

use std::sync::Arc;

use coordinator::{Handle, Shutdown};
use tokio::sync::Semaphore;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::system::FreeSpace;
pub use system::About;

use crate::live::Live;
use crate::wire::Words;

/// Clients that may watch events at once: each holds a connection.
pub(crate) const MOST_WATCHING: usize = 256;

/// What handlers know. Copies are cheap.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    pub(crate) handle: Handle,
    pub(crate) live: Live,
    pub(crate) about: Arc<About>,
    pub(crate) words: Words,
    pub(crate) shutdown: Shutdown,
    pub(crate) free_space: FreeSpace,
    watching: Arc<Semaphore>,
}

impl Api {
    pub(crate) fn new(handle: Handle, live: Live, about: About, words: Words, shutdown: Shutdown) -> Self {
        let watching = Arc::new(Semaphore::new(MOST_WATCHING));
        let free_space = FreeSpace::new(about.output.clone());
        Self { handle, live, about: Arc::new(about), words, shutdown, free_space, watching }
    }
}

#[derive(Debug, OpenApi)]
#[openapi(info(
    title = "upscaled",
    description = "A self-hosted video upscaling server: its jobs, what happens to them, and itself. \
        Requests that change something must come from the server's own page or from no page at all.",
    license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
))]
struct Description;

/// The routes below `/api/v1`, and their description.
pub(crate) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(Description::openapi()).nest(
        "/api/v1",
        OpenApiRouter::new()
            .routes(routes!(jobs::list))
            .routes(routes!(jobs::show))
            .routes(routes!(jobs::segments))
            .routes(routes!(jobs::set_priority))
            .routes(routes!(jobs::set_position))
            .routes(routes!(actions::act))
            .routes(routes!(actions::act_on_one))
            .routes(routes!(result::report))
            .routes(routes!(result::result))
            .routes(routes!(frames::frame))
            .routes(routes!(frames::thumbnail))
            .routes(routes!(parts::list))
            .routes(routes!(parts::part))
            .routes(routes!(events::events))
            .routes(routes!(system::system)),
    )
}
