//! Uploads that go on where they broke off: videos come in by the tus protocol (version 1.0.0) and go to the folder that is
//! watched when they are whole.
//!
//! Goals: what was acknowledged outlives the connection, the server and a power cut; nothing is written outside the two folders,
//! and over no other file; a disk is never filled up.
//! Non-goals: what becomes of a video that is there (that is the inbox's).

mod failure;
mod headers;
mod id;
mod janitor;
mod list;
mod name;
mod protocol;
mod receive;
mod space;
mod store;
mod turns;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::middleware;
use axum::routing::post;
use coordinator::{ServerFolder, Shutdown, now};
use tokio::sync::Semaphore;
use utoipa_axum::routes;

use self::failure::Failure;
use self::protocol::known;
use self::store::Store;
use self::turns::Turns;
use crate::api::Api;
use crate::policy::Policy::{Control, Public, Read};
use crate::policy::Routes;
use crate::problem::Problem;

/// A request that brings nothing for so long is ended. What it brought stays.
const PATIENCE: Duration = Duration::from_mins(1);

/// Threads that work on disks at once: one that does not answer takes no more of them, and none of what others need.
const MOST_THREADS: usize = 64;

/// The uploads of a server.
#[derive(Debug)]
pub(crate) struct Uploads {
    store: Store,
    turns: Turns,
    threads: Arc<Semaphore>,
    shutdown: Shutdown,
    patience: Duration,
    /// A whole file waits for the input folder.
    is_away: AtomicBool,
}

impl Uploads {
    /// Those in `folder`, which go to `input`.
    pub(crate) fn new(folder: PathBuf, input: ServerFolder, shutdown: Shutdown) -> Self {
        let threads = Arc::new(Semaphore::new(MOST_THREADS));
        Self {
            store: Store::new(folder, input),
            turns: Turns::default(),
            threads,
            shutdown,
            patience: PATIENCE,
            is_away: AtomicBool::new(false),
        }
    }

    /// The file of an upload that is whole and waits for a decision.
    pub(crate) async fn held_file(self: &Arc<Self>, id: &str) -> Result<PathBuf, Problem> {
        let id = known(id)?;
        Ok(self.blocking(move |uploads| uploads.store.held_file(id, now())).await?)
    }

    /// Lets the file of such an upload go to the input folder; gives its path there.
    pub(crate) async fn release(self: &Arc<Self>, id: &str) -> Result<PathBuf, Problem> {
        let held = self.turns.take(known(id)?).await.ok_or(Failure::Busy)?;
        Ok(self
            .blocking(move |uploads| uploads.store.release(&held).map(|name| uploads.store.in_input(&name)))
            .await?)
    }

    /// Does something with the disk, which may take long.
    async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        act: impl FnOnce(&Self) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let uploads = Arc::clone(self);
        let thread = Arc::clone(&self.threads).acquire_owned().await.map_err(io::Error::other)?;
        let acting = tokio::task::spawn_blocking(move || {
            let _thread = thread;
            act(&uploads)
        });
        let done = acting.await.map_err(io::Error::other)?;
        if matches!(done, Err(Failure::Away(_))) {
            self.is_away.store(true, Ordering::Relaxed);
        }
        done
    }
}

/// The routes of uploads.
pub(crate) fn routes() -> Routes<Api> {
    Routes::new()
        .api(Read, routes!(list::list))
        .api(Control, routes!(protocol::create))
        .api(Public, routes!(protocol::options))
        .api(Read, routes!(protocol::head))
        .api(Control, routes!(protocol::patch, protocol::terminate))
        .api(Public, routes!(protocol::options_of_one))
        .other(Control, "/uploads/{id}", post(protocol::overridden))
        .layer(middleware::from_fn(headers::speak))
}
