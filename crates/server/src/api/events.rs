//! What happens, as it happens: server-sent events.
//!
//! Events of jobs have numbers. A client that lost its connection sends the last one that it got, and goes on after it without
//! a hole or a repeat; one that was away for too long is told how many it missed, and reads the jobs again.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use coordinator::Handle;
use futures_util::stream::{self, Stream};
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use utoipa::ToSchema;

use super::{Api, MOST_WATCHING};
use crate::extract::Query;
use crate::gate::Pass;
use crate::live::{Message, json};
use crate::problem::{Problem, Problems};

/// Events that are read from the ledger at once.
const AT_ONCE: u32 = 500;
/// A line without meaning is sent so often, so that both sides see when the other is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// The pause before a client comes again after its connection broke, in milliseconds.
const COME_AGAIN: Duration = Duration::from_secs(2);

/// From where on events are wanted.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventQuery {
    /// Those after the event of this number; only new ones where it is left out. The header `Last-Event-ID` goes before it.
    after: Option<i64>,
}

/// Events that a client missed for good.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Missed {
    /// How many at least.
    missed: u64,
}

/// What happens, as it happens
///
/// A stream of server-sent events: `job` with a `JobChanged` and its number as the event's id; `progress` with a `Progress` of a
/// job that is worked on, once a second at most; `missed` with a `Missed` where the client was away for too long and must read
/// the jobs again.
#[utoipa::path(get, path = "/events", tag = "events",
    params(EventQuery, ("Last-Event-ID" = Option<i64>, Header, description = "The number of the last event that the client got")),
    responses((status = OK, body = String, content_type = "text/event-stream"),
        (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"), Problems))]
pub(crate) async fn events(
    State(api): State<Api>,
    Extension(pass): Extension<Pass>,
    Query(query): Query<EventQuery>,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let after = match headers.get("last-event-id").map(|id| id.to_str().ok()?.parse().ok()) {
        None => query.after,
        Some(Some(id)) => Some(id),
        Some(None) => {
            return Err(Problem::bad_request("Last-Event-ID is the number of an event").into_response());
        }
    };
    let Ok(permit) = Arc::clone(&api.watching).try_acquire_owned() else {
        let detail = format!("{MOST_WATCHING} clients watch already; try again later");
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_clients", detail);
        return Err(([("retry-after", "30")], problem).into_response());
    };
    let watching = Watching::new(&api, after, permit).await.map_err(IntoResponse::into_response)?;
    let shutdown = api.shutdown.clone();
    let stream = stream::unfold((watching, pass), move |(mut watching, mut pass)| {
        let shutdown = shutdown.clone();
        async move {
            tokio::select! {
                event = watching.next() => Some((Ok::<_, Infallible>(event?), (watching, pass))),
                () = pass.ended() => None,
                () = shutdown.requested() => None,
            }
        }
    });
    // The first message, so that a client knows at once that the stream is there.
    let hello = stream::once(async { Ok(Event::default().comment("hello").retry(COME_AGAIN)) });
    Ok(sse(stream::StreamExt::chain(hello, stream)))
}

fn sse(stream: impl Stream<Item = Result<Event, Infallible>> + Send + 'static) -> Response {
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    // Proxies are asked not to hold it back.
    ([("x-accel-buffering", "no")], Sse::new(stream).keep_alive(keep_alive)).into_response()
}

/// A client that watches.
#[derive(Debug)]
struct Watching {
    handle: Handle,
    messages: Receiver<Message>,
    /// The number of the last event that the client has.
    sent: i64,
    /// Events may be in the ledger that it has not.
    is_behind: bool,
    pending: VecDeque<Event>,
    _permit: OwnedSemaphorePermit,
}

impl Watching {
    async fn new(api: &Api, after: Option<i64>, permit: OwnedSemaphorePermit) -> Result<Self, Problem> {
        let messages = api.live.subscribe();
        let last = api.handle.last_event().await?;
        let mut watching = Self {
            handle: api.handle.clone(),
            messages,
            sent: after.unwrap_or(last),
            is_behind: after.is_some(),
            pending: VecDeque::new(),
            _permit: permit,
        };
        if watching.sent > last || watching.sent < 0 {
            // A number of another ledger: what the client knows is of no use.
            watching.miss(1);
            watching.sent = last;
        }
        Ok(watching)
    }

    /// The next event for the client; `None` when there will be no more.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                return Some(event);
            }
            if self.is_behind {
                self.catch_up().await;
                continue;
            }
            match self.messages.recv().await {
                Ok(Message::Progress(data)) => return Some(Event::default().event("progress").data(data)),
                Ok(Message::Event { number, .. }) if number <= self.sent => {}
                Ok(Message::Event { number, data }) if number == self.sent + 1 => self.push(number, &data),
                Ok(Message::Event { .. }) | Err(RecvError::Lagged(_)) => self.is_behind = true,
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// Reads the next events that the client has not from the ledger.
    async fn catch_up(&mut self) {
        let Ok(read) = self.handle.events(self.sent, AT_ONCE).await else {
            // The ledger does not answer: the client is told by the next event.
            self.is_behind = false;
            return;
        };
        if read.missed > 0 {
            self.miss(read.missed);
        }
        self.is_behind = !read.events.is_empty();
        for event in &read.events {
            if let Message::Event { number, data } = Message::event(event) {
                self.push(number, &data);
            }
        }
    }

    fn push(&mut self, number: i64, data: &Arc<str>) {
        self.sent = number;
        self.pending.push_back(Event::default().event("job").id(number.to_string()).data(data));
    }

    fn miss(&mut self, missed: u64) {
        self.pending.push_back(Event::default().event("missed").data(json(&Missed { missed })));
    }
}
