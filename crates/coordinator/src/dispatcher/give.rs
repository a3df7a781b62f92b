//! Giving work out: which jobs could go on, which lane gets which of them, and what becomes of those that none is at.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use job::state::{Effect, Event, Phase, Status};
use job::{JobId, Priority};
use ledger::Queued;

use super::{Dispatcher, IDLE, LONGEST_POLL, POLL, Quiet, SHARE};
use crate::blocking::blocking;
use crate::choice::{AHEAD, JobView, Kind, Need, choose, threads_of};
use crate::clock::now;
use crate::error::Error;
use crate::lanes::{Given, LEASE};
use crate::shutdown::Shutdown;

/// Time between looks whether a folder has fallen silent.
const SILENCE: Duration = Duration::from_secs(1);

/// What has been seen of the jobs of a priority, to know when it is enough.
#[derive(Debug, Default, Clone, Copy)]
struct Seen {
    to_index: bool,
    made: usize,
    to_finish: bool,
}

impl Dispatcher {
    /// Gives each lane that has nothing to do some work, where there is some for it.
    pub(super) async fn give_out(&mut self, shutdown: &Shutdown) -> Result<(), Error> {
        let begun = Instant::now();
        self.is_dirty = false;
        let workers = self.shared.limits().workers.max(1);
        let there = self.lanes.iter().filter(|lane| lane.kind == Kind::Heavy).count() as u32;
        for number in there + 1..=workers {
            self.add_lane(format!("local-{number}"), Kind::Heavy, number);
        }
        for lane in self.lanes.iter_mut().filter(|lane| lane.kind == Kind::Heavy && lane.number > workers) {
            lane.chosen = None;
        }
        let is_held = self.shared.options.gate.hold().is_some();
        for lane in self.lanes.iter_mut().filter(|lane| lane.kind == Kind::Heavy && is_held) {
            lane.chosen = None;
        }
        let is_free = |lane: &crate::lanes::Lane| {
            let is_wanted = lane.kind == Kind::Light || (lane.number <= workers && !is_held);
            lane.busy.is_none() && !lane.is_at_rest() && is_wanted
        };
        let free: Vec<usize> = (0..self.lanes.len()).filter(|&lane| is_free(&self.lanes[lane])).collect();
        let mut jobs = if free.is_empty() { Vec::new() } else { self.survey(&free).await? };
        for lane in free {
            self.give(lane, &mut jobs, shutdown).await?;
        }
        for lane in self.lanes.iter_mut().filter(|lane| lane.busy.is_none()) {
            if lane.held.is_some() && lane.chosen.is_none() {
                lane.let_go();
            }
        }
        self.leave_jobs().await?;
        // Thousands of jobs may wait. What changes them in this process calls.
        let is_idle = is_held && self.lanes.iter().all(|lane| lane.busy.is_none());
        let least = if self.quiet.is_some() || is_idle { IDLE } else { POLL };
        self.last_search = Instant::now();
        self.next_search = self.last_search + (begun.elapsed() * SHARE).clamp(least, LONGEST_POLL);
        Ok(())
    }

    /// What is seen of the jobs that may go on, in their places: as many as these lanes need to choose.
    async fn survey(&mut self, free: &[usize]) -> Result<Vec<JobView>, Error> {
        let is_any = |kind| free.iter().any(|&lane| self.lanes[lane].kind == kind);
        let (heavy, light) = (is_any(Kind::Heavy), is_any(Kind::Light));
        let most_made = if heavy { self.lanes.len() + AHEAD } else { 0 };
        // Before the jobs are read, so that no change is missed.
        let version = self.shared.options.ledger.version().await?;
        if self.is_quiet(version).await {
            return Ok(Vec::new());
        }
        let queue = self.shared.options.ledger.queue().await?;
        if self.next_review <= Instant::now() {
            self.close_what_others_ended(&queue).await?;
        }
        let is_empty = queue.is_empty();
        let away = if is_empty { Vec::new() } else { self.away().await };
        let mut is_told = false;
        let mut seen = [Seen::default(); Priority::ALL.len()];
        let mut jobs = Vec::new();
        for Queued { id, priority, source, output } in queue {
            if self.only.is_some_and(|only| only != id) {
                continue;
            }
            let is_below = |folder: &PathBuf| source.starts_with(folder) || output.starts_with(folder);
            // One job says for which folder it waits, and the others wait behind it.
            if away.iter().any(is_below) && std::mem::replace(&mut is_told, true) {
                continue;
            }
            if self.waiting.jobs.contains(&id) {
                continue;
            }
            let seen = &mut seen[priority as usize];
            let known = self.reached.get(&id).copied();
            let reached = known.unwrap_or(Phase::Index);
            let is_needed = match Need::of(reached) {
                // One that is not known may be one that failed and was let go on.
                Need::Index => (light || known.is_none()) && !seen.to_index,
                Need::Segments => heavy && seen.made < most_made,
                Need::Finish => light && !seen.to_finish,
            };
            let lanes = self.lanes.iter().filter(|lane| lane.kind == Kind::Heavy && lane.has(id)).count();
            let mut job = JobView { id, priority, need: Need::of(reached), is_open: false, heavy: lanes };
            if is_needed {
                let Some(record) = self.shared.options.ledger.get(id).await? else { continue };
                if matches!(
                    record.job.status,
                    Status::WaitingForSpace { .. } | Status::WaitingForFolder { .. }
                ) {
                    self.waiting.jobs.insert(id);
                    continue;
                }
                self.reached.insert(id, record.job.phase);
                job.need = Need::of(record.job.phase);
                let has_work = self.shared.options.ledger.has_work(&record, now()).await?;
                job.is_open = has_work && !self.has_chore(id);
                match job.need {
                    Need::Index => seen.to_index |= job.is_open,
                    Need::Segments => seen.made += usize::from(job.is_open),
                    Need::Finish => seen.to_finish |= job.is_open && lanes == 0,
                }
            }
            jobs.push(job);
        }
        let waiting = self.waiting.jobs.len();
        self.quiet = jobs.is_empty().then_some(Quiet { ledger: version, waiting, away, is_empty });
        Ok(jobs)
    }

    /// True where no job could go on when last searched, and all is as it was: thousands may wait, each for its folder.
    async fn is_quiet(&mut self, version: ledger::Version) -> bool {
        let Some(quiet) = self.quiet.take() else { return false };
        let away = if quiet.is_empty { Vec::new() } else { self.away().await };
        let now = Quiet { ledger: version, waiting: self.waiting.jobs.len(), away, is_empty: quiet.is_empty };
        let is_quiet = now == quiet;
        self.quiet = Some(quiet);
        is_quiet
    }

    /// The folders of the server that are away. A disk that does not answer holds no sign of life up.
    async fn away(&mut self) -> Vec<PathBuf> {
        loop {
            let shared = Arc::clone(&self.shared);
            let folders = shared.folders();
            let silent: Vec<PathBuf> = folders.silent().into_iter().map(Into::into).collect();
            let look = move || shared.folders().away().into_iter().map(Into::into).collect();
            let has_fallen_silent = async {
                while folders.silent() == silent {
                    tokio::time::sleep(SILENCE).await;
                }
            };
            // One that falls silent meanwhile is not asked again.
            let looking = async {
                tokio::select! {
                    away = blocking(look) => Some(away),
                    () = has_fallen_silent => None,
                }
            };
            if let Some(away) = self.alive_while(looking).await {
                return away;
            }
        }
    }

    /// True while something is done in the folder of a job, or has to be before work on it goes on.
    fn has_chore(&self, id: JobId) -> bool {
        self.touched.get(&id).is_some_and(|touched| touched.has_chore || touched.is_to_be_swept)
    }

    /// Gives a lane its next piece of work.
    async fn give(&mut self, lane: usize, jobs: &mut [JobView], shutdown: &Shutdown) -> Result<(), Error> {
        let kind = self.lanes[lane].kind;
        while !shutdown.is_requested() {
            let fits = |job: &&JobView| job.is_open && job.need.kind() == kind;
            let chosen = self.lanes[lane].chosen.take();
            if let Some(id) = chosen.filter(|id| self.has_chore(*id)) {
                // That takes a moment.
                self.lanes[lane].chosen = Some(id);
                return Ok(());
            }
            let chosen = chosen.filter(|id| jobs.iter().filter(fits).any(|job| job.id == *id));
            let chosen = chosen.or_else(|| choose(kind, jobs, &mut self.schedulers[kind as usize]));
            let Some(id) = chosen else { return Ok(()) };
            let is_ready = self.make_ready(id, shutdown).await?;
            let is_of_another = self.lanes[lane].held.is_some_and(|held| held != id);
            if is_of_another {
                self.lanes[lane].let_go();
            }
            if is_of_another || !is_ready {
                self.lanes[lane].chosen = Some(id);
                return Ok(());
            }
            if self.claim(lane, id, jobs, shutdown).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// True where work on a job can begin at once. Where no lane was at it since this service started, its folder is tidied first.
    async fn make_ready(&mut self, id: JobId, shutdown: &Shutdown) -> Result<bool, Error> {
        self.touched.entry(id).or_default();
        if self.has_chore(id) {
            return Ok(false);
        }
        let is_untouched = self.reached.get(&id).is_none_or(|phase| *phase == Phase::Index);
        if is_untouched || self.tidied.contains(&id) {
            return Ok(true);
        }
        let Some(record) = self.shared.options.ledger.get(id).await? else { return Ok(true) };
        self.tidy(Arc::new(record), shutdown);
        Ok(false)
    }

    /// Claims a piece of work of a job for a lane, which begins with it. False where there is none any more.
    async fn claim(
        &mut self,
        lane: usize,
        id: JobId,
        jobs: &mut [JobView],
        shutdown: &Shutdown,
    ) -> Result<bool, Error> {
        let (kind, number, worker) = {
            let lane = &self.lanes[lane];
            (lane.kind, lane.number, lane.name.clone())
        };
        let Some(most_bytes) = self.promise(lane, id).await? else {
            jobs.iter_mut().filter(|job| job.id == id).for_each(|job| job.is_open = false);
            return Ok(false);
        };
        let claim = Event::Claim { worker: worker.clone(), lease_milliseconds: LEASE.as_millis() as i64 };
        let applied = self.tell_ledger(id, claim, shutdown).await?;
        let record = Arc::new(applied.record);
        let need = Need::of(record.job.phase);
        if let Some(job) = jobs.iter_mut().find(|job| job.id == id) {
            (job.need, job.is_open) = (need, self.shared.options.ledger.has_work(&record, now()).await?);
            job.heavy += usize::from(kind == Kind::Heavy);
        }
        let Some(Effect::Granted(task)) = applied.effects.into_iter().next() else {
            jobs.iter_mut().filter(|job| job.id == id).for_each(|job| job.is_open = false);
            return Ok(false);
        };
        if need.kind() != kind {
            // It was changed by another program meanwhile: a lane of the other kind is to do it.
            self.apply(id, Event::Release { worker: Some(worker) }).await?;
            self.is_dirty = true;
            jobs.iter_mut().filter(|job| job.id == id).for_each(|job| job.is_open = false);
            return Ok(false);
        }
        self.reached.insert(id, record.job.phase);
        self.begin_progress(lane, &record, &task).await?;
        self.report(&record);
        let limits = self.shared.limits();
        let threads = threads_of(number, limits.workers, limits.engine_threads);
        let (progress, stop) = (self.shown(id).progress.clone(), Shutdown::new());
        self.lanes[lane].give(Given { record, task, threads, most_bytes, progress, stop });
        Ok(true)
    }

    /// Leaves the jobs that no lane is at any more.
    async fn leave_jobs(&mut self) -> Result<(), Error> {
        let touched: Vec<JobId> = self.touched.keys().copied().collect();
        for id in touched {
            let is_worked_on = self.lanes.iter().any(|lane| lane.is_at(id));
            if is_worked_on || self.touched[&id].has_chore {
                continue;
            }
            let record = self.shared.options.ledger.get(id).await?;
            let open = record.filter(|record| !record.job.status.is_final());
            let is_open = open.is_some();
            if let Some(record) = open.filter(|_| self.touched[&id].is_to_be_swept) {
                self.sweep(record);
                continue;
            }
            let is_held = self.lanes.iter().any(|lane| lane.held == Some(id));
            let is_chosen = is_open && self.lanes.iter().any(|lane| lane.chosen == Some(id));
            // The only job waits where it is.
            if is_held || is_chosen || is_open && self.only == Some(id) {
                continue;
            }
            self.leave(id).await?;
        }
        Ok(())
    }

    /// Closes jobs on which lanes have worked before and which others have ended since.
    async fn close_what_others_ended(&mut self, queue: &[Queued]) -> Result<(), Error> {
        let begun = Instant::now();
        let queued: HashSet<JobId> = queue.iter().map(|queued| queued.id).collect();
        let is_gone = |id: &JobId| !self.touched.contains_key(id) && !queued.contains(id);
        let gone: Vec<JobId> = self.reached.keys().copied().filter(is_gone).collect();
        for id in gone {
            let record = self.shared.options.ledger.get(id).await?;
            match record {
                Some(record) if !record.job.status.is_final() => {}
                Some(record) => self.close(Arc::new(record)),
                None => drop(self.reached.remove(&id)),
            }
        }
        // Thousands may be paused.
        self.next_review = Instant::now() + (begun.elapsed() * SHARE).clamp(POLL, LONGEST_POLL);
        Ok(())
    }
}
