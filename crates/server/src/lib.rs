//! What a browser and other programs reach over HTTP: the API, what happens as it happens, figures for monitoring, and the page.
//! Each route says who may use it (`policy`), and each request is looked at before it is answered (`guard`, `gate`).
//!
//! Goals: a client of the coordinator's [`Handle`], as the command line is one; a mistake or an attack of a client costs nothing but
//! its own connection.
//! Non-goals: rules of jobs (those are `job`'s), what is done with them (that is `coordinator`'s), files of workers.

mod api;
mod attempts;
mod configuration;
mod cookie;
mod extract;
mod gate;
mod guard;
mod health;
mod listen;
mod live;
mod log;
mod offer;
mod page;
mod policy;
mod problem;
mod uploads;
mod wire;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use coordinator::{FileTree, Handle, ServerFolder, Shutdown, Updates};
use job::Remedy;
use tower_http::set_header::SetResponseHeaderLayer;

pub use crate::api::About;
pub use crate::configuration::{
    Configuration, NotChanged, Origin, ServerSettings, Setting, SettingChange, SettingsChanged, Webhook,
    WebhookTested,
};
pub use crate::listen::ListenError;
pub use crate::log::{Log, LogLevel, LogLine, LogPage};
pub use crate::offer::{EncoderOffer, FindingOffer, ModelOffer, Offer, Unfit};

use crate::api::{Api, Parts, Videos};
use crate::gate::Gate;
use crate::guard::{Guard, Hosts};
use crate::listen::Listeners;
use crate::live::Live;
use crate::policy::{Policy, Routes};
use crate::problem::Problem;
use crate::uploads::Uploads;

/// Largest body of a request, in bytes: the numbers of a thousand jobs take a few kilobytes.
const LARGEST_BODY: usize = 256 << 10;

/// What the server needs.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it listens.
    pub addresses: Vec<SocketAddr>,
    /// Names by which clients may ask for it, beside those of loopback and of the addresses.
    pub hosts: Vec<String>,
    /// What it is.
    pub about: About,
    /// Where videos go that clients bring.
    pub input: ServerFolder,
    /// Where they lie until they are whole.
    pub uploads: PathBuf,
    /// The videos that clients may name.
    pub tree: FileTree,
    /// What can be chosen for jobs.
    pub offer: Arc<dyn Offer>,
    /// The settings of the whole server.
    pub configuration: Arc<dyn Configuration>,
    /// What it says.
    pub log: Arc<dyn Log>,
    /// Says what can be done about something in the words of the command line.
    pub words: fn(Remedy) -> String,
    /// Ends it.
    pub shutdown: Shutdown,
}

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    listeners: Listeners,
    options: Options,
}

impl Server {
    /// Takes the addresses.
    ///
    /// # Errors
    /// When one of them cannot be had.
    pub async fn bind(options: Options) -> Result<Self, ListenError> {
        Ok(Self { listeners: Listeners::bind(&options.addresses).await?, options })
    }

    /// Where it listens: with the ports that the system gave where none was chosen.
    pub fn addresses(&self) -> &[SocketAddr] {
        self.listeners.addresses()
    }

    /// Answers until the shutdown is requested: does things with `handle`, and tells the `updates` of the service.
    pub async fn serve(self, handle: Handle, updates: Updates) {
        let Options {
            hosts, about, input, uploads, tree, offer, configuration, log, words, shutdown, ..
        } = self.options;
        let addresses = self.listeners.addresses();
        let gate =
            Gate::new(handle.access().clone(), addresses.iter().all(|address| address.ip().is_loopback()));
        let hosts = Hosts::new(addresses, &hosts);
        let live = Live::new();
        let telling = tokio::spawn(live.clone().tell(handle.clone(), updates, shutdown.clone()));
        let uploads = Arc::new(Uploads::new(uploads, input, shutdown.clone()));
        let tidying = tokio::spawn(Arc::clone(&uploads).keep_tidy());
        let videos = Videos { uploads, tree, offer };
        let parts = Parts { videos, configuration, log };
        let api = Api::new(handle, live, about, words, gate, parts, shutdown.clone());
        self.listeners.answer(routes(api, hosts), &shutdown).await;
        let _ = telling.await;
        let _ = tidying.await;
    }
}

/// The description of the API, as `OpenAPI` 3.1.
///
/// # Errors
/// Never: what it is made of is JSON.
pub fn openapi() -> Result<String, serde_json::Error> {
    api::router().to_openapi().to_pretty_json()
}

fn routes(api: Api, hosts: Hosts) -> Router {
    let (api_routes, description) = api::router().split_for_parts();
    let description = description.to_pretty_json().unwrap_or_default();
    let no_store =
        SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let described = || async { ([(header::CONTENT_TYPE, "application/json")], description) };
    let guard = Guard { hosts, gate: api.gate.clone() };
    let others = Routes::new().other(Policy::Read, "/api/v1/openapi.json", axum::routing::get(described));
    api_routes
        .merge(others.plain())
        .merge(health::routes())
        .layer(no_store)
        .with_state(api)
        .merge(page::routes())
        .fallback(|| async { Problem::not_found("no_route", "there is nothing at this address") })
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", "this address takes other methods")
        })
        .layer(axum::middleware::from_fn_with_state(guard, guard::guard))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(SetResponseHeaderLayer::overriding(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        // No other page shows what comes from here, as a picture.
        .layer(SetResponseHeaderLayer::overriding(
            HeaderName::from_static("cross-origin-resource-policy"),
            HeaderValue::from_static("same-origin"),
        ))
        .layer(SetResponseHeaderLayer::overriding(
            header::REFERRER_POLICY,
            HeaderValue::from_static("same-origin"),
        ))
}

#[cfg(test)]
mod tests;
