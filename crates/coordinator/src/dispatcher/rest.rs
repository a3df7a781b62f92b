//! How the dispatcher begins, and how it comes to rest: what others had is taken back, and what it has is given back.

use std::sync::Arc;
use std::time::Instant;

use job::state::{Event, Phase, Status};
use job::{JobId, NewJob};
use ledger::{Ended, Record};

use super::ended::written;
use super::{Dispatcher, POLL, Waiting, pass_on};
use crate::blocking::blocking;
use crate::error::Error;
use crate::lanes::Message;
use crate::leftovers::remove_leftovers;

/// Jobs that are looked at at once.
const PAGE: u32 = 100;

impl Dispatcher {
    /// Takes all leases back, since this program has the lock and the one that held them is gone, and notes how far jobs are.
    pub(super) async fn take_stock(&mut self) -> Result<(), Error> {
        let is_ours = |record: &Record| self.only.is_none_or(|id| id == record.id);
        let records = self.shared.options.ledger.begun().await?;
        for record in records.into_iter().filter(is_ours) {
            if record.job.is_worked_on() {
                self.apply(record.id, Event::Release { worker: None }).await?;
            }
            if record.job.phase != Phase::Index {
                self.reached.insert(record.id, record.job.phase);
            }
        }
        (self.is_dirty, self.next_poll) = (true, Instant::now());
        Ok(())
    }

    /// Lets all lanes end their work, and gives what they had back.
    pub(super) async fn come_to_rest(&mut self) -> Result<(), Error> {
        for lane in &mut self.lanes {
            match &lane.busy {
                Some(busy) => busy.stop(),
                None if lane.held.is_some() => lane.let_go(),
                None => {}
            }
        }
        let mut rested = Ok(());
        while self.lanes.iter().any(|lane| lane.busy.is_some()) {
            tokio::select! {
                Some(message) = self.messages.recv() => {
                    if let Message::Ended(lane, outcome) = message {
                        rested = rested.and(self.end_at_rest(lane, outcome).await);
                    }
                }
                Some(hand) = self.lane_tasks.join_next() => drop(pass_on(hand)),
                () = tokio::time::sleep(POLL) => {}
            }
            self.tell_alive();
        }
        // Their workers are gone with them.
        self.lanes.clear();
        self.lane_tasks.shutdown().await;
        while self.messages.try_recv().is_ok() {}
        let at_rest = self.touched.iter().filter(|(_, touched)| !touched.has_chore);
        let at_rest: Vec<JobId> = at_rest.map(|(id, _)| *id).collect();
        for id in at_rest {
            rested = rested.and(self.leave(id).await);
        }
        while !self.chores.is_empty() {
            if let Ok(Some(done)) = tokio::time::timeout(POLL, self.chores.join_next()).await {
                rested = rested.and(self.end_chore(done));
            }
            self.tell_alive();
        }
        for shown in self.shown.values_mut() {
            written(shown.writing.take()).await;
        }
        self.touched.clear();
        self.waiting = Waiting::new();
        rested
    }

    /// Leaves a job that no lane is at: gives back what was claimed of it, so that it is queued, and shows how it stands. What has
    /// ended is closed.
    pub(super) async fn leave(&mut self, id: JobId) -> Result<(), Error> {
        let Some(mut record) = self.shared.options.ledger.get(id).await? else {
            self.touched.remove(&id);
            return Ok(());
        };
        if record.job.status == Status::Running || record.job.is_worked_on() {
            record = self.apply(id, Event::Release { worker: None }).await?.record;
        }
        let record = Arc::new(record);
        self.report(&record);
        if record.job.status.is_final() {
            self.close(record);
        } else {
            self.touched.remove(&id);
            // That of a long film is large.
            self.shown(id).latest = None;
        }
        Ok(())
    }

    /// Removes what interrupted ends of jobs left.
    pub(crate) async fn clean_up(&mut self) -> Result<(), Error> {
        let ledger = self.shared.options.ledger.clone();
        let mut ended = Ended { removed: true, ..Ended::default() };
        loop {
            let page = ledger.ended(&ended, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            ended.before = Some((last.changed, last.id));
            let folders = self.shared.folders();
            let is_left = move |job: &NewJob| folders.protects(&job.folder).is_none() && job.folder.is_dir();
            let there =
                blocking(move || page.into_iter().filter(|record| is_left(&record.request)).collect());
            let there: Vec<Record> = self.alive_while(there).await;
            for record in there {
                let is_free = ledger.other_in_folder(&record.request.folder, record.id).await?.is_none();
                if is_free {
                    self.alive_while(blocking(move || remove_leftovers(&record))).await;
                }
            }
        }
    }
}
