//! Ctrl-C and its kin.

use std::io::IsTerminal as _;
use std::time::Duration;

use coordinator::Shutdown;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

/// The exit code of a program that was stopped.
const STOPPED: i32 = 130;
/// A user who asks to stop waits for so long at most, even where a disk does not answer: all that counts is on the disk at
/// any moment, and Docker kills after ten seconds.
const LIMIT: Duration = Duration::from_secs(7);

/// A shutdown that the first Ctrl-C, SIGTERM or SIGHUP asks for; the second ends the program at once, and so does a stop
/// that takes too long.
///
/// A SIGHUP that was to be ignored when the program started, as `nohup` has it, stays so.
pub(crate) fn shutdown_on_signal() -> anyhow::Result<Shutdown> {
    let mut kinds = vec![SignalKind::interrupt(), SignalKind::terminate()];
    if !ignores(SignalKind::hangup()) {
        kinds.push(SignalKind::hangup());
    }
    stop_on(kinds)
}

/// True where this process was started with a signal that it is to ignore.
fn ignores(kind: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    // The first signal has the lowest bit.
    mask >> (kind.as_raw_value() - 1) & 1 == 1
}

/// As [`shutdown_on_signal`], for a server: SIGHUP asks it to read its settings again, where it does not mean that the
/// terminal is gone that the server was started on.
pub(crate) fn shutdown_of_server() -> anyhow::Result<(Shutdown, Option<Signal>)> {
    if std::io::stdin().is_terminal() || std::io::stderr().is_terminal() {
        return Ok((shutdown_on_signal()?, None));
    }
    let shutdown = stop_on(vec![SignalKind::interrupt(), SignalKind::terminate()])?;
    Ok((shutdown, Some(signal(SignalKind::hangup())?)))
}

fn stop_on(kinds: Vec<SignalKind>) -> anyhow::Result<Shutdown> {
    let shutdown = Shutdown::new();
    // Room for the second one.
    let (sender, mut received) = mpsc::channel(2);
    for kind in kinds {
        let mut stream = signal(kind)?;
        let sender = sender.clone();
        tokio::spawn(async move {
            while stream.recv().await.is_some() {
                // Two requests need no third.
                let _ = sender.try_send(());
            }
        });
    }
    let asked = shutdown.clone();
    tokio::spawn(async move {
        received.recv().await;
        asked.request();
        let _ = tokio::time::timeout(LIMIT, received.recv()).await;
        std::process::exit(STOPPED);
    });
    Ok(shutdown)
}
