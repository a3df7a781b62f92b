//! The HTTP API: what it knows, and its routes.

mod actions;
mod configuration;
mod events;
mod files;
mod frames;
mod jobs;
mod log;
mod machine;
mod new_job;
mod new_model;
mod outcome;
mod parts;
mod previews;
pub(crate) mod result;
mod settings;
mod sign_in;
mod system;
mod tokens;

use std::sync::Arc;

use coordinator::{FileTree, Handle, Shutdown};
use tokio::sync::{Mutex, Semaphore};
use utoipa::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::new_job::UnderWay;
use self::system::FreeSpace;
pub use system::About;

use crate::configuration::Configuration;
use crate::cookie;
use crate::gate::Gate;
use crate::live::Live;
use crate::log::Log;
use crate::offer::Offer;
use crate::policy::Policy::{Admin, Control, Public, Read};
use crate::policy::Routes;
use crate::uploads::{self, Uploads};
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
    pub(crate) gate: Gate,
    pub(crate) shutdown: Shutdown,
    pub(crate) free_space: FreeSpace,
    pub(crate) uploads: Arc<Uploads>,
    pub(crate) tree: FileTree,
    pub(crate) offer: Arc<dyn Offer>,
    pub(crate) configuration: Arc<dyn Configuration>,
    pub(crate) log: Arc<dyn Log>,
    under_way: UnderWay,
    watching: Arc<Semaphore>,
    /// Held while a model is brought.
    bringing: Arc<Mutex<()>>,
}

/// Where videos come from, and what can be made of them.
#[derive(Debug, Clone)]
pub(crate) struct Videos {
    pub(crate) uploads: Arc<Uploads>,
    pub(crate) tree: FileTree,
    pub(crate) offer: Arc<dyn Offer>,
}

/// What the program gives the API beside the handle.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    pub(crate) videos: Videos,
    pub(crate) configuration: Arc<dyn Configuration>,
    pub(crate) log: Arc<dyn Log>,
}

impl Api {
    pub(crate) fn new(
        handle: Handle,
        live: Live,
        about: About,
        words: Words,
        gate: Gate,
        parts: Parts,
        shutdown: Shutdown,
    ) -> Self {
        let watching = Arc::new(Semaphore::new(MOST_WATCHING));
        let free_space = FreeSpace::new(about.output.clone());
        let (about, under_way) = (Arc::new(about), UnderWay::default());
        let Parts { videos, configuration, log } = parts;
        let Videos { uploads, tree, offer } = videos;
        Self {
            handle,
            live,
            about,
            words,
            gate,
            shutdown,
            free_space,
            uploads,
            tree,
            offer,
            configuration,
            log,
            under_way,
            watching,
            bringing: Arc::default(),
        }
    }
}

#[derive(Debug, OpenApi)]
#[openapi(
    info(
        title = "upscaled",
        description = "A self-hosted video upscaling server: its jobs, what happens to them, and itself. \
        Requests that change something must come from the server's own page or from no page at all. \
        As long as the server listens on loopback alone and no password is set, no request needs a session or a token.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    components(schemas(frames::FrameSide))
)]
struct Description;

/// The routes below `/api/v1`, and their description.
pub(crate) fn router() -> OpenApiRouter<Api> {
    let routes = Routes::new()
        .api(Read, routes!(jobs::list))
        .api(Control, routes!(new_job::create))
        .api(Read, routes!(jobs::show))
        .api(Read, routes!(jobs::segments))
        .api(Control, routes!(jobs::set_priority))
        .api(Control, routes!(jobs::set_position))
        .api(Control, routes!(actions::act))
        .api(Control, routes!(actions::act_on_one))
        .api(Read, routes!(result::report))
        .api(Read, routes!(result::result))
        .api(Read, routes!(result::source))
        .api(Read, routes!(frames::frame))
        .api(Read, routes!(frames::thumbnail))
        .api(Read, routes!(parts::list))
        .api(Read, routes!(parts::part))
        .api(Read, routes!(files::list))
        .api(Read, routes!(files::video))
        .api(Read, routes!(files::frame))
        .api(Control, routes!(previews::create))
        .api(Read, routes!(previews::picture))
        .api(Control, routes!(previews::estimate))
        .api(Read, routes!(machine::models))
        .api(Admin, routes!(new_model::add))
        .api(Read, routes!(machine::encoders))
        .api(Read, routes!(machine::machine))
        .api(Read, routes!(events::events))
        .api(Read, routes!(system::system))
        .api(Control, routes!(system::go_on))
        .api(Control, routes!(system::hold_again))
        .api(Public, routes!(sign_in::session))
        .api(Public, routes!(sign_in::sign_in))
        .api(Public, routes!(sign_in::sign_out))
        .api(Admin, routes!(sign_in::set_password))
        .api(Admin, routes!(tokens::list))
        .api(Admin, routes!(tokens::create))
        .api(Admin, routes!(tokens::revoke))
        .api(Admin, routes!(configuration::show))
        .api(Admin, routes!(configuration::change))
        .api(Admin, routes!(configuration::test_webhook))
        .api(Admin, routes!(log::lines))
        .merge(uploads::routes());
    OpenApiRouter::with_openapi(description()).nest("/api/v1", routes.described())
}

fn description() -> utoipa::openapi::OpenApi {
    let mut description = Description::openapi();
    let schemes = &mut description.components.get_or_insert_default().security_schemes;
    let cookie = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(cookie::NAME)));
    schemes.insert("session".to_owned(), cookie.into());
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    schemes.insert("token".to_owned(), bearer.into());
    description
}
