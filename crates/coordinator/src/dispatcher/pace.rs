//! How fast jobs go: kept in the ledger, so that a restart and the next jobs know it, and told while no frame comes.

use std::time::{Duration, Instant};

use job::state::{Phase, Status, Task};
use job::{JobId, Speed};
use ledger::Record;

use super::{Dispatcher, Error};
use crate::clock::now;
use crate::lanes::range;
use crate::outlook;

/// A job of which nothing was heard for this time is told anew: its time goes on, or it has stalled.
const UNHEARD: Duration = Duration::from_secs(1);

impl Dispatcher {
    /// Notes that a lane begins a task, after what is known of the job's speed.
    pub(super) async fn begin_progress(
        &mut self,
        lane: usize,
        record: &Record,
        task: &Task,
    ) -> Result<(), Error> {
        let id = record.id;
        if self.shown(id).progress.lacks_speed() {
            let speed = self.known_speed(record).await?;
            let foreseen = self.shared.options.ledger.forecasts(&[id]).await?.remove(&id);
            self.shown(id).progress.begin_with(speed, foreseen);
        }
        let progress = &mut self.shown(id).progress;
        match range(task) {
            Some(range) => progress.begin(lane, range, Instant::now()),
            None => progress.begin_beside(Instant::now()),
        }
        Ok(())
    }

    /// How fast a job went before the server was started; of one that has not begun, what other jobs tell.
    async fn known_speed(&self, record: &Record) -> Result<Speed, Error> {
        let ledger = &self.shared.options.ledger;
        let film = job::Film::of(&record.job);
        let operations = film.map(|film| film.operations);
        if record.job.totals.finished > 0
            && let Some(speed) = ledger.speed_of(record.id).await?
            && operations == Some(speed.operations())
        {
            return Ok(speed);
        }
        let pixels = film.map(|film| film.pixels as f64);
        let like = ledger.speed_like(record.request.settings.model.name(), pixels).await?;
        Ok(match (like, operations) {
            (Some(speed), operations) => speed.of_next(operations.unwrap_or(speed.operations())),
            (None, operations) => Speed::usual(operations.unwrap_or(0)),
        })
    }

    /// Keeps how fast a job goes and what is left of it, after a piece of work has ended.
    pub(super) async fn keep_speed(&mut self, before: &Record, after: &Record) -> Result<(), Error> {
        let (id, phase, is_on) = (after.id, before.job.phase, after.job.phase != before.job.phase);
        let is_made = after.job.totals.finished > before.job.totals.finished;
        if !is_on && !is_made {
            return Ok(());
        }
        if is_on && phase == Phase::Index {
            // The size of its pictures is known now, and so is what jobs of that size took.
            let speed = self.known_speed(after).await?;
            self.shown(id).progress.begin_with(speed, None);
        }
        let progress = &mut self.shown(id).progress;
        if is_on {
            progress.end_beside(phase, &after.job, Instant::now());
        }
        let (Some(speed), Some(left)) = (progress.speed(), outlook::left(&after.job)) else { return Ok(()) };
        let ledger = &self.shared.options.ledger;
        let model = after.request.settings.model.name();
        match ledger.note_speed(id, model, (&speed, &left), now()).await.map_err(Error::from) {
            // What is for estimates alone is not waited for.
            Err(error) if error.is_no_space() => Ok(()),
            noted => noted,
        }
    }

    /// Tells how jobs stand of which no frame came for a moment.
    pub(super) fn tell_waits(&mut self) {
        let now = Instant::now();
        let waits = |id: &&JobId| {
            self.shown.get(id).is_some_and(|shown| {
                let is_running =
                    shown.latest.as_ref().is_some_and(|record| record.job.status == Status::Running);
                is_running
                    && shown.progress.makes_segments()
                    && shown.told.is_none_or(|told| now - told >= UNHEARD)
            })
        };
        let waiting: Vec<JobId> = self.touched.keys().filter(waits).copied().collect();
        for id in waiting {
            self.report_progress(id);
        }
    }
}
