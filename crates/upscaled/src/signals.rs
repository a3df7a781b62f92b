//! Ctrl-C and its kin.

use coordinator::Shutdown;
use tokio::signal::unix::{SignalKind, signal};

/// A shutdown that the first Ctrl-C, SIGTERM or SIGHUP asks for; the second ends the program at once.
pub(crate) fn shutdown_on_signal() -> anyhow::Result<Shutdown> {
    let shutdown = Shutdown::new();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let asked = shutdown.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hang_up.recv() => {}
            }
            if asked.is_requested() {
                std::process::exit(130);
            }
            asked.request();
        }
    });
    Ok(shutdown)
}
