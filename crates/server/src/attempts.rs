//! Slows the guessing of the owner's password down.
//!
//! Failures are counted for the whole server, not for each address: behind a reverse proxy all requests come from the same one,
//! and an attacker has many. A person who signs in while others guess waits a minute at most. Sessions and tokens cannot be
//! guessed, so what they are used for never waits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use coordinator::{Password, Verifier};
use tokio::sync::Mutex;

use crate::problem::Problem;

/// Failures in a row that cost nothing: a person mistypes.
const FREE: u32 = 5;
/// Longest wait before the next attempt.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// Failures are forgotten after so long without another.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(15);

/// What became of an attempt.
#[derive(Debug)]
pub(crate) enum Attempt {
    /// The password is right.
    Right(Verifier),
    /// It is not.
    Wrong,
    /// It was not looked at: another attempt may be made after this time.
    TooMany(Duration),
}

/// The attempts to sign in. Copies are cheap, and are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Attempts(Arc<Mutex<Failures>>);

impl Attempts {
    /// Compares a password with the owner's: one at a time, since each takes 19 MiB.
    pub(crate) async fn attempt(&self, verifier: Verifier, password: Password) -> Result<Attempt, Problem> {
        let mut failures = Arc::clone(&self.0).lock_owned().await;
        if let Some(wait) = failures.wait(Instant::now()) {
            return Ok(Attempt::TooMany(wait));
        }
        // Goes on, and counts, when the client goes away.
        let verified = tokio::task::spawn_blocking(move || {
            let is_right = verifier.is_right(&password);
            failures.note(is_right, Instant::now());
            if is_right { Attempt::Right(verifier) } else { Attempt::Wrong }
        });
        verified.await.map_err(|error| Problem::internal(&error))
    }
}

/// Failures in a row.
#[derive(Debug, Default)]
struct Failures {
    count: u32,
    last: Option<Instant>,
}

impl Failures {
    /// How long the next attempt has to wait; `None` where it need not.
    fn wait(&mut self, now: Instant) -> Option<Duration> {
        let since = now.saturating_duration_since(self.last?);
        if since >= FORGOTTEN_AFTER {
            *self = Self::default();
            return None;
        }
        let doublings = self.count.checked_sub(FREE)?;
        let wait = Duration::from_secs(1 << doublings.min(6)).min(LONGEST_WAIT);
        wait.checked_sub(since).filter(|left| !left.is_zero())
    }

    fn note(&mut self, is_right: bool, now: Instant) {
        *self = if is_right {
            Self::default()
        } else {
            Self { count: self.count.saturating_add(1), last: Some(now) }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_after_the_fifth_waits_longer() {
        let (mut failures, mut now) = (Failures::default(), Instant::now());
        for _ in 0..FREE {
            assert_eq!(failures.wait(now), None);
            failures.note(false, now);
        }
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            let wait = Duration::from_secs(seconds);
            assert_eq!(failures.wait(now), Some(wait));
            now += wait / 4;
            assert_eq!(failures.wait(now), Some(wait * 3 / 4));
            now += wait * 3 / 4;
            assert_eq!(failures.wait(now), None);
            failures.note(false, now);
        }
        // As many as can be counted.
        failures.count = u32::MAX;
        failures.note(false, now);
        assert_eq!(failures.wait(now), Some(LONGEST_WAIT));
    }

    #[test]
    fn failures_are_forgotten() {
        let (mut failures, now) = (Failures::default(), Instant::now());
        let fail = |failures: &mut Failures| (0..9).for_each(|_| failures.note(false, now));
        fail(&mut failures);
        failures.note(true, now);
        assert_eq!(failures.wait(now), None);
        fail(&mut failures);
        assert_eq!(failures.wait(now + FORGOTTEN_AFTER), None);
        // All of them: the next one is the first.
        failures.note(false, now + FORGOTTEN_AFTER);
        assert_eq!(failures.wait(now + FORGOTTEN_AFTER), None);
    }
}
