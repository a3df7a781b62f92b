//! When each stage of a segment was at work and when it waited, for people who want to see where the time goes.
//!
//! With `UPSCALED_TRACE` naming a folder, each segment writes a file there in the trace event format that Perfetto and
//! Chrome's `about:tracing` show, with the share of the time that the engine was at work. Without it, nothing is kept.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde_json::{Value, json};

use crate::memory;

/// The variable that names the folder.
const VARIABLE: &str = "UPSCALED_TRACE";

/// The folder for traces, where they are wanted.
pub(crate) fn folder() -> Option<PathBuf> {
    std::env::var_os(VARIABLE).filter(|folder| !folder.is_empty()).map(PathBuf::from)
}

/// A stage of the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Decoding and conversion to RGB.
    Decode,
    /// The network.
    Engine,
    /// What is done to the network's pictures.
    PostProcessing,
    /// Checks, conversion and encoding.
    Encode,
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Engine => "engine",
            Self::PostProcessing => "postprocess",
            Self::Encode => "encode",
        }
    }
}

/// What a stage did for one frame, in seconds since the trace began.
#[derive(Debug)]
struct Span {
    stage: Stage,
    frame: u32,
    start: f64,
    end: f64,
}

/// The trace of a segment, if one is wanted.
#[derive(Debug)]
pub(crate) struct Trace(Option<Kept>);

#[derive(Debug)]
struct Kept {
    file: PathBuf,
    begin: Instant,
    spans: Mutex<Vec<Span>>,
}

impl Trace {
    /// The trace of a segment, kept when the environment asks for it.
    pub(crate) fn of_segment(name: &str) -> Self {
        Self::into(folder(), name)
    }

    fn into(folder: Option<PathBuf>, name: &str) -> Self {
        Self(folder.map(|folder| Kept {
            file: folder.join(format!("{name}.json")),
            begin: Instant::now(),
            spans: Mutex::new(Vec::new()),
        }))
    }

    /// Does what a stage does for a frame.
    pub(crate) fn span<T>(&self, stage: Stage, frame: u32, work: impl FnOnce() -> T) -> T {
        let Some(kept) = &self.0 else { return work() };
        let start = kept.begin.elapsed().as_secs_f64();
        let result = work();
        let end = kept.begin.elapsed().as_secs_f64();
        let mut spans = kept.spans.lock().unwrap_or_else(PoisonError::into_inner);
        spans.push(Span { stage, frame, start, end });
        result
    }

    /// Writes the trace, with the bytes of memory that were planned and those that this process had at most. A trace that cannot
    /// be written is worth a warning, not a segment.
    pub(crate) fn write(&self, planned: u64) {
        let Some(kept) = &self.0 else { return };
        let spans = kept.spans.lock().unwrap_or_else(PoisonError::into_inner);
        let mut trace = trace_events(&spans);
        trace["otherData"]["memory_planned"] = planned.into();
        trace["otherData"]["memory_peak"] = memory::peak().into();
        if let Err(error) = std::fs::write(&kept.file, trace.to_string()) {
            tracing::warn!("the trace `{}` cannot be written: {error}", kept.file.display());
        }
    }
}

/// The spans as trace events, a thread for each stage.
fn trace_events(spans: &[Span]) -> Value {
    let events: Vec<Value> = spans
        .iter()
        .map(|span| {
            json!({
                "name": format!("{} {}", span.stage.name(), span.frame),
                "ph": "X", "pid": 1, "tid": span.stage.name(),
                "ts": span.start * 1e6, "dur": (span.end - span.start) * 1e6,
            })
        })
        .collect();
    json!({ "traceEvents": events, "otherData": { "engine_share": engine_share(spans) } })
}

/// Share of the time from its first frame to its last that the engine was at work; `None` without frames.
fn engine_share(spans: &[Span]) -> Option<f64> {
    let engine = || spans.iter().filter(|span| span.stage == Stage::Engine);
    let start = engine().map(|span| span.start).reduce(f64::min)?;
    let end = engine().map(|span| span.end).reduce(f64::max)?;
    let busy: f64 = engine().map(|span| span.end - span.start).sum();
    (end > start).then(|| busy / (end - start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wanted_trace_tells_what_the_stages_did() {
        let folder = tempfile::tempdir().unwrap();
        let trace = Trace::into(Some(folder.path().to_owned()), "seg-1");
        assert_eq!(trace.span(Stage::Engine, 7, || 5), 5);
        trace.span(Stage::Encode, 7, || ());
        trace.write(5);
        let text = std::fs::read_to_string(folder.path().join("seg-1.json")).unwrap();
        let events: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(events["traceEvents"][0]["name"], "engine 7");
        assert_eq!(events["traceEvents"][1]["tid"], "encode");
        assert_eq!(events["otherData"]["memory_planned"], 5);
    }

    #[test]
    fn the_share_of_the_engine_leaves_its_waits_out() {
        let span = |stage, start, end| Span { stage, frame: 0, start, end };
        let spans =
            [span(Stage::Decode, 0.0, 9.0), span(Stage::Engine, 1.0, 3.0), span(Stage::Engine, 4.0, 5.0)];
        assert_eq!(engine_share(&spans), Some(0.75));
        assert_eq!(engine_share(&spans[..1]), None);
    }
}
