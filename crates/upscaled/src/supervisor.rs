//! What systemd is told of the server, where it started it: that it is ready, what it does, that it is alive, that it stops.

use std::time::{Duration, Instant};

use sd_notify::NotifyState;

use crate::output;

/// The server is ready for work.
pub(crate) fn tell_ready() {
    tell(NotifyState::Ready);
}

/// The server does this now.
pub(crate) fn tell_status(line: &str) {
    // A line break would begin another message.
    tell(NotifyState::Status(&output::one_line(line)));
}

/// The server is about to stop.
pub(crate) fn tell_stopping() {
    tell(NotifyState::Stopping);
}

/// Nothing happens without a supervisor.
fn tell(what: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[what]) {
        tracing::debug!("systemd cannot be told: {error}");
    }
}

/// Passes the service's signs of life on to systemd, which restarts a server that gives none.
#[derive(Debug)]
pub(crate) struct Supervisor {
    /// How often systemd wants to hear of it: half the time after which it acts; `None` where it does not.
    pause: Option<Duration>,
    told: Instant,
}

impl Supervisor {
    /// A supervisor as the environment describes it.
    pub(crate) fn new() -> Self {
        Self { pause: sd_notify::watchdog_enabled().map(|limit| limit / 2), told: Instant::now() }
    }

    /// The service is alive.
    pub(crate) fn tell_alive(&mut self) {
        if self.pause.is_some_and(|pause| self.told.elapsed() >= pause) {
            self.told = Instant::now();
            tell(NotifyState::Watchdog);
        }
    }
}
