//! What follows from what lanes tell: events for the ledger, and reports for people.

use std::sync::Arc;
use std::time::{Duration, Instant};

use job::state::{Effect, Event, Phase, Status};
use job::{FailureKind, JobId};
use ledger::Record;
use protocol::message::Sandbox;
use tokio::task::JoinHandle;

use super::{Dispatcher, Shown, pass_on};
use crate::attempt::Outcome;
use crate::blocking::blocking;
use crate::error::Error;
use crate::executor::Heard;
use crate::lanes::{Busy, Message};
use crate::shutdown::Shutdown;
use crate::status::JobReport;
use crate::updates::Update;

/// How long lanes rest that found too little memory beside others: the first, and all others.
const SHORT_REST: Duration = Duration::from_secs(1);
const LONG_REST: Duration = Duration::from_secs(15);
/// Time between rewrites of `status.json`.
const STATUS_FILE: Duration = Duration::from_secs(1);

/// True for the failure of an attempt that found too little memory.
fn is_for_want_of_memory(event: &Event) -> bool {
    matches!(event, Event::Failed { failure, .. } if failure.kind == FailureKind::NoMemory)
}

impl Dispatcher {
    /// Takes in what a lane tells.
    pub(super) async fn hear(&mut self, message: Message, shutdown: &Shutdown) -> Result<(), Error> {
        match message {
            Message::Ended(lane, outcome) => self.end(lane, outcome, shutdown).await,
            Message::Heard(lane, heard) => {
                let busy = self.lanes[lane].busy.as_ref();
                let Some(record) = busy.and_then(|busy| Some(Arc::clone(&busy.given.as_ref()?.0))) else {
                    return Ok(());
                };
                match heard {
                    Heard::Sandbox(sandbox) => self.tell_of_sandbox(&record, &sandbox),
                    Heard::Frames { frames, bytes } => {
                        let progress = &mut self.shown(record.id).progress;
                        progress.advance(lane, (frames, bytes), &record.job, Instant::now());
                        self.report_progress(record.id);
                    }
                }
                Ok(())
            }
        }
    }

    /// Takes in how the work of a lane ended.
    async fn end(&mut self, lane: usize, outcome: Outcome, shutdown: &Shutdown) -> Result<(), Error> {
        let Some(Busy { given, most_bytes, .. }) = self.lanes[lane].busy.take() else { return Ok(()) };
        self.is_dirty = true;
        let (Some((record, _)), Outcome::Event { event, engine }) = (given.clone(), outcome_of(outcome)?)
        else {
            self.lanes[lane].held = None;
            if let Some((record, _)) = given {
                self.shown(record.id).progress.end(lane, false, &record.job, Instant::now());
                let worker = Some(self.lanes[lane].name.clone());
                match self.apply(record.id, Event::Release { worker }).await {
                    // It was removed, which ended the work on it.
                    Err(Error::Ledger(ledger::Error::NoJob(_))) => {}
                    released => drop(released?),
                }
            }
            return Ok(());
        };
        self.note_end(lane, &record, &event, engine);
        if is_for_want_of_memory(&event) && self.yields_memory(lane, &record)
            || self.is_for_a_share(&event, most_bytes, &record)
        {
            let worker = Some(self.lanes[lane].name.clone());
            self.tell_ledger(record.id, Event::Release { worker }, shutdown).await?;
            return Ok(());
        }
        let applied = self.tell_ledger(record.id, *event, shutdown).await?;
        let mut after = applied.record;
        self.keep_speed(&record, &after).await?;
        let drops_segments = applied.effects.contains(&Effect::DropSegments);
        if drops_segments {
            self.tell_of_encoder(&record, &after);
        }
        let is_renamed = after.request.source != record.request.source;
        if is_renamed && matches!(after.job.status, Status::Failed { .. }) {
            // Its source was missed under the name that it had before.
            after = self.tell_ledger(record.id, Event::Retry, shutdown).await?.record;
        }
        if drops_segments || applied.effects.contains(&Effect::Ended) {
            // What other lanes make of the job is of no use any more.
            self.stop_lanes_at(record.id);
        }
        self.reached.insert(record.id, after.job.phase);
        let after = Arc::new(after);
        self.report(&after);
        if drops_segments {
            self.touched.entry(record.id).or_default().is_to_be_swept = true;
        } else if after.job.phase == Phase::Segments && record.job.phase != Phase::Segments {
            self.tidy(after, shutdown);
        }
        Ok(())
    }

    /// Lets a lane without enough memory rest where other lanes hold some: what it was given is done by them, or by it later. The
    /// first lane rests for a moment only, so that it is alone if memory does not do for more than one.
    fn yields_memory(&mut self, lane: usize, record: &Record) -> bool {
        let has_others = (0..self.lanes.len()).any(|other| {
            other != lane && (self.lanes[other].busy.is_some() || self.lanes[other].held.is_some())
        });
        if !has_others {
            return false;
        }
        let rest = if self.lanes[lane].number == 1 { SHORT_REST } else { LONG_REST };
        self.lanes[lane].rests_until = Some(Instant::now() + rest);
        self.lanes[lane].let_go();
        if !std::mem::replace(&mut self.told.memory, true) {
            let text = "memory does not do for all workers at once: fewer work for a while".to_owned();
            self.shared.note(record, text);
        }
        true
    }

    /// Takes in how the work of a lane ended when no new work is given out.
    pub(super) async fn end_at_rest(&mut self, lane: usize, outcome: Outcome) -> Result<(), Error> {
        let Some(Busy { given, .. }) = self.lanes[lane].busy.take() else { return Ok(()) };
        self.lanes[lane].held = None;
        let Some((record, _)) = given else { return Ok(()) };
        let Outcome::Event { event, engine } = outcome else {
            self.shown(record.id).progress.end(lane, false, &record.job, Instant::now());
            return Ok(());
        };
        // What ended just now counts. Its worker may still be there.
        self.lanes[lane].let_go();
        self.note_end(lane, &record, &event, engine);
        let after = self.apply(record.id, *event).await?.record;
        self.keep_speed(&record, &after).await?;
        self.reached.insert(record.id, after.job.phase);
        Ok(())
    }

    fn note_end(&mut self, lane: usize, record: &Record, event: &Event, engine: Option<String>) {
        let is_made = matches!(event, Event::SegmentDone { .. });
        let progress = &mut self.shown(record.id).progress;
        progress.end(lane, is_made, &record.job, Instant::now());
        if engine.is_some() {
            progress.engine = engine;
        }
    }

    /// What people are shown of a job.
    pub(super) fn shown(&mut self, id: JobId) -> &mut Shown {
        self.shown.entry(id).or_default()
    }

    /// Says once what keeps the workers from being confined.
    fn tell_of_sandbox(&mut self, record: &Record, sandbox: &Sandbox) {
        if sandbox.is_complete || std::mem::replace(&mut self.told.sandbox, true) {
            return;
        }
        self.shared.note(
            record,
            match &sandbox.lacks {
                Some(lacks) => format!("the worker is not confined, as was allowed: {lacks}"),
                None => format!("the worker is confined, but not fully: {}", sandbox.detail),
            },
        );
    }

    /// Says that another encoder took over, where that is why segments are of no use any more.
    fn tell_of_encoder(&self, before: &Record, after: &Record) {
        let (Some(before), Some(facts)) = (&before.job.facts, &after.job.facts) else { return };
        let (Some(failed), Some(next)) = (facts.replaced.last(), facts.encodings.first()) else { return };
        if facts.replaced.len() > before.replaced.len() {
            let kept = if next.can_follow(failed) {
                "what it made so far was checked and stays"
            } else {
                "all segments are made again, since a file holds video of one encoder"
            };
            let (failed, next) = (&failed.encoder, &next.encoder);
            self.shared.note(after, format!("{failed} failed again and again: {next} takes over; {kept}"));
        }
    }

    /// Tells how a job stands.
    pub(super) fn report(&mut self, record: &Arc<Record>) {
        let shown = self.shown(record.id);
        (shown.latest, shown.status_written) = (Some(Arc::clone(record)), None);
        self.report_progress(record.id);
    }

    /// Tells how far a job is that stands as it did.
    pub(super) fn report_progress(&mut self, id: JobId) {
        let words = self.shared.options.words;
        let shown = self.shown(id);
        let Some(record) = &shown.latest else { return };
        let report = Arc::new(shown.progress.report(record));
        shown.told = Some(Instant::now());
        let is_due = match shown.status_written {
            None => true,
            // A disk that does not answer gets no more to do.
            Some(last) => {
                last.elapsed() >= STATUS_FILE && shown.writing.as_ref().is_none_or(JoinHandle::is_finished)
            }
        };
        if is_due {
            shown.status_written = Some(Instant::now());
            let (record, before) = (Arc::clone(record), shown.writing.take());
            let report = JobReport::clone(&report).in_words(words);
            shown.writing = Some(tokio::spawn(async move {
                written(before).await;
                blocking(move || write_status_file(&record, &report)).await;
            }));
        }
        self.shared.updates.tell(Update::Job(report));
    }
}

/// What a lane's work came to, unless that is the end of the service's.
fn outcome_of(outcome: Outcome) -> Result<Outcome, Error> {
    match outcome {
        Outcome::Broken(error) => Err(error),
        other => Ok(other),
    }
}

/// Waits until a `status.json` is written.
pub(super) async fn written(writing: Option<JoinHandle<()>>) {
    if let Some(writing) = writing {
        pass_on(writing.await);
    }
}

fn write_status_file(record: &Record, report: &JobReport) {
    // The folder is not there before the first task and after the last.
    if record.job.phase == Phase::Index && !record.request.folder.is_dir() {
        return;
    }
    let path = record.request.folder.join("status.json");
    if let Ok(bytes) = serde_json::to_vec_pretty(report)
        && let Err(error) = storage::write_status(&path, &bytes)
    {
        tracing::debug!("job {}: {error}", record.id);
    }
}
