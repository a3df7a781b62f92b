//! Whose turn it is: the order of jobs of different priority.

use serde::{Deserialize, Serialize};

/// How urgent a job is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Fills the time that the others leave, and at least a twentieth of it.
    Low,
    /// As jobs come in.
    #[default]
    Normal,
    /// Before all others.
    High,
}

impl Priority {
    /// All priorities, the least urgent first.
    pub const ALL: [Self; 3] = [Self::Low, Self::Normal, Self::High];

    /// The name for people and files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        }
    }
}

/// A priority that was passed over so many times gets the next turn.
const DUE: u32 = 16;
/// The same for when a more urgent job has just come, which else would wait for a second segment to end. Two priorities can be
/// due at once, so that none waits longer than one turn more.
const OVERDUE: u32 = 18;

/// Gives out turns, each for one piece of work: the most urgent priority goes first, and any other that waits gets at least
/// every twentieth turn.
#[derive(Debug, Clone, Default)]
pub struct Scheduler {
    /// How often each priority was passed over since its last turn.
    passed: [u32; Priority::ALL.len()],
    /// Which ones waited when the last turn was given.
    waited: [bool; Priority::ALL.len()],
}

impl Scheduler {
    /// Gives the next turn to one of the priorities of the jobs that wait; `None` when none does.
    pub fn next(&mut self, waiting: impl IntoIterator<Item = Priority>) -> Option<Priority> {
        let mut waits = [false; Priority::ALL.len()];
        for priority in waiting {
            waits[priority as usize] = true;
        }
        let all = Priority::ALL.into_iter().filter(|&priority| waits[priority as usize]);
        let Some(first) = all.clone().next_back() else {
            *self = Self::default();
            return None;
        };
        let has_just_come = !self.waited[first as usize];
        let limit = if has_just_come { OVERDUE } else { DUE };
        let passed = |priority: &Priority| self.passed[*priority as usize];
        let due = all.filter(|priority| passed(priority) >= limit).max_by_key(passed);
        let next = due.unwrap_or(first);
        for priority in Priority::ALL {
            let is_passed_over = waits[priority as usize] && priority != next;
            let passed = &mut self.passed[priority as usize];
            *passed = if is_passed_over { *passed + 1 } else { 0 };
        }
        self.waited = waits;
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_most_urgent_goes_first_and_all_get_a_twentieth() {
        let mut scheduler = Scheduler::default();
        let mut given = [0; Priority::ALL.len()];
        for _ in 0..10_000 {
            given[scheduler.next(Priority::ALL).unwrap() as usize] += 1;
        }
        assert!(given[0] >= 500 && given[1] >= 500 && given[2] >= 8_500, "{given:?}");
        assert_eq!(scheduler.next([]), None);
        assert_eq!(scheduler.next([Priority::Low]), Some(Priority::Low));
    }

    #[test]
    fn an_urgent_job_goes_first_whenever_it_comes() {
        for waiting in [&Priority::ALL[..1], &Priority::ALL[..2]] {
            for turns_before in 0..100 {
                let mut scheduler = Scheduler::default();
                for _ in 0..turns_before {
                    scheduler.next(waiting.iter().copied());
                }
                let with_urgent = waiting.iter().copied().chain([Priority::High]);
                assert_eq!(scheduler.next(with_urgent), Some(Priority::High), "after {turns_before}");
            }
        }
    }

    proptest! {
        #[test]
        fn none_that_waits_is_passed_over_for_twenty_turns(
            rounds in prop::collection::vec(prop::sample::subsequence(&Priority::ALL[..], 0..=3), 0..300),
        ) {
            let mut scheduler = Scheduler::default();
            let mut passed = [0; Priority::ALL.len()];
            for waiting in rounds {
                let next = scheduler.next(waiting.iter().copied());
                prop_assert!(next.map_or(waiting.is_empty(), |next| waiting.contains(&next)));
                for priority in Priority::ALL {
                    let is_passed_over = waiting.contains(&priority) && next != Some(priority);
                    let passed = &mut passed[priority as usize];
                    *passed = if is_passed_over { *passed + 1 } else { 0 };
                    prop_assert!(*passed < 20, "{priority:?} was passed over {passed} times");
                }
            }
        }
    }
}
