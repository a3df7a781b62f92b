//! Ctrl-C and its kin.

use std::time::Duration;

use coordinator::Shutdown;
use tokio::signal::unix::{SignalKind, signal};

/// The exit code of a program that was stopped.
const STOPPED: i32 = 130;
/// Whoever asks to stop waits for so long at most, even where a disk does not answer: all that counts is on the disk at
/// any moment, and Docker kills after ten seconds.
const LIMIT: Duration = Duration::from_secs(7);

/// A shutdown that the first Ctrl-C, SIGTERM or SIGHUP asks for; the second ends the program at once, and so does a stop
/// that takes too long.
pub(crate) fn shutdown_on_signal() -> anyhow::Result<Shutdown> {
    let shutdown = Shutdown::new();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let asked = shutdown.clone();
    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hang_up.recv() => {}
            }
        };
        next().await;
        asked.request();
        let _ = tokio::time::timeout(LIMIT, next()).await;
        std::process::exit(STOPPED);
    });
    Ok(shutdown)
}
