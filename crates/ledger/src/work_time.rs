//! How long a job was worked on, without the time that it waited or was paused.

use job::Millis;
use job::state::{Job, Status};

/// How long a job was worked on. Work whose lease ended was under way until then and not longer: its server was gone, or the machine
/// slept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WorkTime {
    /// Milliseconds, but for what is under way; unknown for jobs that began under an earlier version.
    pub(crate) worked: Option<i64>,
    /// Since when it is worked on.
    pub(crate) since: Option<Millis>,
}

impl WorkTime {
    /// That of a job on which no work began.
    pub const NONE: Self = Self::of(0);

    /// That of a job on which so many milliseconds were spent, and no work goes on.
    pub const fn of(milliseconds: i64) -> Self {
        Self { worked: Some(milliseconds), since: None }
    }

    /// After a change of a job.
    pub(crate) fn after(mut self, before: &Job, after: &Job, now: Millis) -> Self {
        let is_running = after.status == Status::Running;
        if !is_running || now > before.lease_until {
            self = Self { worked: self.milliseconds(before, now), since: None };
        }
        if is_running {
            self.since.get_or_insert(now);
        }
        self
    }

    /// Milliseconds until now.
    pub(crate) fn milliseconds(self, job: &Job, now: Millis) -> Option<i64> {
        let until = now.min(job.lease_until);
        let under_way = self.since.map_or(0, |since| (until.0 - since.0).max(0));
        Some(self.worked? + under_way)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(status: Status, lease_until: i64) -> Job {
        Job { status, lease_until: Millis(lease_until), ..Job::new() }
    }

    #[test]
    fn waits_pauses_and_the_absence_of_a_server_are_no_work() {
        let (queued, running) = (job(Status::Queued, 0), job(Status::Running, 115));
        let begun = WorkTime::NONE.after(&queued, &running, Millis(100));
        assert_eq!(begun.milliseconds(&running, Millis(110)), Some(10));
        // The lease was not renewed.
        assert_eq!(begun.milliseconds(&running, Millis(900)), Some(15));
        let renewed = job(Status::Running, 125);
        let begun = begun.after(&running, &renewed, Millis(110));
        let paused = begun.after(&renewed, &job(Status::Paused, 125), Millis(120));
        assert_eq!(paused, WorkTime { worked: Some(20), since: None });
        let again = paused.after(&job(Status::Paused, 125), &job(Status::Running, 1015), Millis(1000));
        // A machine that slept from 1015 on.
        let slept = again.after(&job(Status::Running, 1015), &job(Status::Running, 5015), Millis(5000));
        assert_eq!(slept, WorkTime { worked: Some(35), since: Some(Millis(5000)) });
        let killed = slept.after(&job(Status::Running, 5015), &job(Status::Queued, 5015), Millis(9000));
        assert_eq!(killed, WorkTime { worked: Some(50), since: None });
    }

    #[test]
    fn what_an_earlier_version_began_stays_unknown() {
        let begun = WorkTime::default().after(&Job::new(), &job(Status::Running, 9), Millis(1));
        assert_eq!(
            begun.after(&job(Status::Running, 9), &job(Status::Done, 9), Millis(5)),
            WorkTime::default()
        );
    }
}
