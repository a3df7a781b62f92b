//! The server itself.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use coordinator::commands::Refusal;
use coordinator::{Outlook, rfc3339};
use job::Millis;
use serde::Serialize;
use tokio::sync::Mutex;
use utoipa::ToSchema;

use super::Api;
use crate::problem::{Problem, Problems};

/// How long a disk may take to say how much is free.
const DISK_ANSWER: Duration = Duration::from_secs(2);

/// What a server is and where its files are.
#[derive(Debug, Clone)]
pub struct About {
    /// The version of the program.
    pub version: &'static str,
    /// When it was started.
    pub started: Millis,
    /// The folder of all others.
    pub root: PathBuf,
    /// Where videos are dropped.
    pub input: PathBuf,
    /// Where results appear.
    pub output: PathBuf,
    /// Workers run without a sandbox.
    pub unconfined: bool,
}

/// The server.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct System {
    /// The version of the program.
    version: &'static str,
    /// When it was started.
    #[schema(format = DateTime)]
    started: String,
    /// The folder of all others.
    root: String,
    /// Where videos are dropped.
    input: String,
    /// Where results appear.
    output: String,
    /// The model of jobs that choose none.
    model: String,
    /// Workers run without a sandbox.
    unconfined: bool,
    /// Bytes that are free for results; null while their disk does not answer.
    output_free: Option<u64>,
    /// What keeps segments from beginning, as a schedule does, in words; null where nothing does.
    paused: Option<String>,
    /// What would keep them from it, had a person not asked to go on now; null where nothing would.
    ignored: Option<String>,
    /// The server is about to stop.
    stopping: bool,
    /// How long all jobs take that are worked on or wait for their turn.
    queue: Queue,
}

/// How long the jobs take that are worked on or wait for their turn.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Queue {
    /// How many they are.
    jobs: u64,
    /// Those among them of which it is not known how long they take.
    unknown: u64,
    /// Seconds until all others are done; null where nothing is known of any.
    seconds_left: Option<f64>,
}

/// The server itself
#[utoipa::path(get, path = "/system", tag = "server", responses((status = OK, body = System), Problems))]
pub(crate) async fn system(State(api): State<Api>) -> Result<axum::Json<System>, Problem> {
    let about = &api.about;
    let Outlook { jobs, unknown, seconds } = api.handle.outlook().await?;
    let text = |path: &PathBuf| path.to_string_lossy().into_owned();
    Ok(axum::Json(System {
        version: about.version,
        started: rfc3339(about.started),
        root: text(&about.root),
        input: text(&about.input),
        output: text(&about.output),
        model: api.offer.usual_model(),
        unconfined: about.unconfined,
        output_free: api.free_space.bytes().await,
        paused: api.handle.hold(),
        ignored: api.handle.ignored_hold(),
        stopping: api.shutdown.is_requested(),
        queue: Queue { jobs, unknown, seconds_left: seconds },
    }))
}

/// What kept segments from beginning.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WentOn {
    /// In words; null where nothing did.
    was: Option<String>,
}

/// Go on now
///
/// Segments begin in spite of the schedule and of other programs, until what keeps them from it is over. Jobs that a person paused stay so.
#[utoipa::path(post, path = "/system/go-on", tag = "server",
    responses((status = OK, body = WentOn), (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"), Problems))]
pub(crate) async fn go_on(State(api): State<Api>) -> Result<axum::Json<WentOn>, Problem> {
    let was = api.handle.open_now().map_err(not_at_work)?;
    Ok(axum::Json(WentOn { was }))
}

/// What keeps segments from beginning.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HeldAgain {
    /// In words; null where nothing does.
    paused: Option<String>,
}

/// Keep to the schedule again
///
/// Takes `POST` back: no segment begins where the schedule or other programs are against it. Those under way are finished.
#[utoipa::path(delete, path = "/system/go-on", tag = "server",
    responses((status = OK, body = HeldAgain), (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"), Problems))]
pub(crate) async fn hold_again(State(api): State<Api>) -> Result<axum::Json<HeldAgain>, Problem> {
    let paused = api.handle.close_again().map_err(not_at_work)?;
    Ok(axum::Json(HeldAgain { paused }))
}

fn not_at_work(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::NoServer => {
            let detail = "no jobs are worked on here, so that there is nothing to go on with";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no_server", detail)
        }
        refusal => refusal.into(),
    }
}

/// What is free where results go.
#[derive(Debug, Clone)]
pub(crate) struct FreeSpace {
    folder: PathBuf,
    /// Held by the question that is under way: a disk that does not answer takes one thread, and not one for each client.
    asking: Arc<Mutex<()>>,
}

impl FreeSpace {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, asking: Arc::default() }
    }

    /// Free bytes; `None` while the disk does not answer.
    pub(crate) async fn bytes(&self) -> Option<u64> {
        let asking = tokio::time::timeout(DISK_ANSWER, Arc::clone(&self.asking).lock_owned()).await.ok()?;
        let folder = self.folder.clone();
        let asked = tokio::task::spawn_blocking(move || {
            let _asking = asking;
            rustix::fs::statvfs(&folder).ok()
        });
        let disk = tokio::time::timeout(DISK_ANSWER, asked).await.ok()?.ok()??;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }
}
