//! For programs that watch over the server: whether it lives, whether it works, and figures in the text format of Prometheus.

use std::fmt::Write as _;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::api::{Api, MOST_WATCHING};
use crate::policy::{Policy, Routes};
use crate::problem::Problem;

/// The routes that are no part of the API: their paths are those that such programs expect.
pub(crate) fn routes() -> Router<Api> {
    Routes::new()
        .other(Policy::Public, "/healthz", get(|| async { "ok\n" }))
        .other(Policy::Read, "/readyz", get(ready))
        .other(Policy::Read, "/metrics", get(metrics))
        .plain()
}

/// Whether jobs are worked on where there are some.
async fn ready(State(api): State<Api>) -> Response {
    let why = if api.shutdown.is_requested() {
        Some("the server stops\n")
    } else if !api.live.is_service_alive() {
        Some("the service that works on jobs gives no sign of life\n")
    } else {
        None
    };
    match why {
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, why).into_response(),
        None => "ready\n".into_response(),
    }
}

async fn metrics(State(api): State<Api>) -> Result<Response, Problem> {
    let text = Metrics::of(&api).await?.0;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

/// Figures as Prometheus reads them.
struct Metrics(String);

impl Metrics {
    async fn of(api: &Api) -> Result<Self, Problem> {
        let [running, waiting, paused, failed, done, canceled] = api.handle.counts().await?;
        let mut metrics = Self(String::new());
        metrics.gauge(
            "upscaled_build_info",
            "The version of the program.",
            [(format!("{{version=\"{}\"}}", api.about.version), 1.0)],
        );
        let started = api.about.started.0 as f64 / 1000.0;
        metrics.gauge(
            "upscaled_start_time_seconds",
            "When the server was started.",
            [(String::new(), started)],
        );
        let jobs = [
            ("running", running),
            ("waiting", waiting),
            ("paused", paused),
            ("failed", failed),
            ("done", done),
            ("canceled", canceled),
        ];
        metrics.gauge(
            "upscaled_jobs",
            "Jobs on the list.",
            jobs.map(|(state, count)| (format!("{{state=\"{state}\"}}"), count as f64)),
        );
        let running = api.live.running();
        let of_each = |value: fn(&coordinator::JobReport) -> Option<f64>| {
            running.iter().filter_map(move |job| Some((format!("{{job=\"{}\"}}", job.id), value(job)?)))
        };
        let frames = of_each(|job| job.frames.map(f64::from));
        metrics.gauge("upscaled_job_frames", "Frames of a job that is worked on.", frames);
        let finished = of_each(|job| Some(job.frames_done as f64));
        metrics.gauge("upscaled_job_frames_done", "Frames of it that are finished.", finished);
        let speed = of_each(|job| job.frames_per_second);
        metrics.gauge("upscaled_job_frames_per_second", "How fast they are made.", speed);
        let left = of_each(|job| job.seconds_left);
        metrics.gauge("upscaled_job_seconds_left", "Time until its result is there.", left);
        let stalled = of_each(|job| job.stalled_seconds);
        metrics.gauge(
            "upscaled_job_stalled_seconds",
            "Time since a frame came, where it has stalled.",
            stalled,
        );
        let outlook = api.handle.outlook().await?;
        let left = outlook.seconds.map(|seconds| (String::new(), seconds));
        metrics.gauge(
            "upscaled_queue_seconds_left",
            "Time until all jobs are done of which it is known.",
            left,
        );
        let free = api.free_space.bytes().await.map(|bytes| (String::new(), bytes as f64));
        metrics.gauge("upscaled_output_free_bytes", "Bytes that are free for results.", free);
        let watching = api.live.watching() as f64;
        metrics.gauge("upscaled_watching_clients", "Clients that watch events.", [(String::new(), watching)]);
        let most = MOST_WATCHING as f64;
        metrics.gauge("upscaled_watching_clients_limit", "Most that may.", [(String::new(), most)]);
        Ok(metrics)
    }

    /// Adds a figure that can rise and fall: each of its values after its labels. One without values is left out.
    fn gauge(&mut self, name: &str, help: &str, values: impl IntoIterator<Item = (String, f64)>) {
        let mut values = values.into_iter().peekable();
        if values.peek().is_some() {
            // Writing to a string cannot fail.
            let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} gauge");
        }
        for (labels, value) in values {
            let _ = writeln!(self.0, "{name}{labels} {value}");
        }
    }
}
