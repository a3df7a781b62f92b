//! What can be told of jobs, by the names that the events of the API have.

use std::str::FromStr;

use coordinator::What;

/// The names of all events: those of the statuses that a job can have, and what else can happen to it.
pub const NAMES: [&str; 12] = [
    "added",
    "queued",
    "running",
    "waiting for space",
    "waiting for folder",
    "paused",
    "done",
    "failed",
    "canceled",
    "removed",
    "listed",
    "forgotten",
];

/// Something that can happen to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Event(&'static str);

impl Event {
    /// The result is there.
    pub const DONE: Self = Self("done");
    /// The job failed.
    pub const FAILED: Self = Self("failed");

    /// Its name.
    pub const fn name(self) -> &'static str {
        self.0
    }

    /// What the ledger says happened; `None` for a place in the order.
    pub(crate) fn of(what: &What) -> Option<Self> {
        let name = match what {
            What::Added => "added",
            What::Changed { status, .. } => status,
            What::Removed => "removed",
            What::Listed => "listed",
            What::Forgotten => "forgotten",
            What::Moved => return None,
        };
        name.parse().ok()
    }
}

impl FromStr for Event {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        // As it would be written where blanks are not welcome.
        let name = name.replace('_', " ");
        let known = NAMES.into_iter().find(|known| *known == name);
        known.map(Self).ok_or_else(|| format!("there is no event `{name}`: there are {}", NAMES.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_of_a_job_is_an_event() {
        use job::state::Status;
        for status in [
            Status::Queued,
            Status::Running,
            Status::WaitingForSpace { bytes: 1 },
            Status::WaitingForFolder { reason: String::new() },
            Status::Paused,
            Status::Done,
            Status::Failed { reason: "x".to_owned().into() },
            Status::Canceled,
        ] {
            assert_eq!(status.name().parse::<Event>().unwrap().name(), status.name());
        }
        assert_eq!("waiting_for_space".parse::<Event>().unwrap().name(), "waiting for space");
        assert!("moved".parse::<Event>().unwrap_err().contains("there is no event `moved`"));
    }
}
