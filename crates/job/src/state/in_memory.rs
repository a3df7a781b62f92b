//! The plainest store of a job: all of it in memory. It shows what a store does with a [`Step`], and the ledger is compared
//! with it.

use super::{Effect, Event, Job, Needs, Numbered, Others, Segment, Step, WorkState, step};
use crate::Millis;

/// A job with all its segments.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct InMemory {
    /// The job.
    pub job: Job,
    /// Its segments, in order.
    pub segments: Vec<Segment>,
}

impl InMemory {
    /// Applies an event and gives its effects.
    pub fn apply(&mut self, event: Event, now: Millis) -> Vec<Effect> {
        let named = self.named(&event.needs(&self.job), now);
        let Step { job, segments, others, effects } = step(self.job.clone(), named, event, now);
        for Numbered { index, segment } in segments {
            self.segments[index as usize] = segment;
        }
        match others {
            Others::Replace(planned) => {
                self.segments =
                    planned.into_iter().map(|planned| Segment::new(planned, job.highest_epoch)).collect();
            }
            Others::Delete => self.segments.clear(),
            others => {
                self.segments.iter_mut().for_each(|segment| others.change(segment, job.highest_epoch));
            }
        }
        self.job = job;
        effects
    }

    /// True when a worker that asks for work would get some.
    pub fn has_work(&self, now: Millis) -> bool {
        let is_free = |segment: &Segment| segment.is_free(now);
        self.job.can_be_claimed()
            && self
                .job
                .phase_work()
                .map_or_else(|| self.segments.iter().any(is_free), |work| work.is_free(now))
    }

    fn named(&self, needs: &Needs, now: Millis) -> Vec<Numbered> {
        let all = (0..).zip(&self.segments);
        let numbered = |(index, segment): (u32, &Segment)| Numbered { index, segment: segment.clone() };
        match needs {
            Needs::Nothing => Vec::new(),
            Needs::NextFree => {
                all.map(numbered).find(|numbered| numbered.segment.is_free(now)).into_iter().collect()
            }
            Needs::Running => {
                let is_running = |segment: &Segment| segment.work.state != WorkState::Pending;
                all.filter(|(_, segment)| is_running(segment)).map(numbered).collect()
            }
            Needs::These(indices) => all.filter(|(index, _)| indices.contains(index)).map(numbered).collect(),
        }
    }
}
