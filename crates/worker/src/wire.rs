//! The pipe to the coordinator.

use std::io::{self, Read as _, Write as _};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use protocol::message::{self, Request, Response};

use crate::failure::Failed;
use crate::threads;

/// Time between signs of progress; the coordinator shows a few a second.
const PAUSE: Duration = Duration::from_millis(200);

/// Signs of progress.
#[derive(Default)]
pub(crate) struct Progress {
    told: Mutex<Option<Instant>>,
}

/// The way in: requests. When the coordinator goes away, this process ends at once, whatever it is doing: no process would
/// look at the result.
pub(crate) fn requests() -> anyhow::Result<Receiver<Request>> {
    let (sender, requests) = channel();
    let read = move || {
        while let Ok(request) = read_request() {
            if sender.send(request).is_err() {
                return;
            }
        }
        std::process::exit(0);
    };
    threads::start("requests", read).map_err(|failed| anyhow::anyhow!(failed.0.message.text))?;
    Ok(requests)
}

/// Sends a response, between those of other threads.
pub(crate) fn send(response: &Response) -> anyhow::Result<()> {
    let bytes = message::encode(response)?;
    let mut output = io::stdout().lock();
    output.write_all(&bytes).and_then(|()| output.flush()).context("the coordinator does not listen any more")
}

impl Progress {
    /// Tells how far the request is, not too often.
    pub(crate) fn tell(&self, frames: u32, bytes: u64) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|told| told.elapsed() >= PAUSE) {
            *told = Some(Instant::now());
            // A coordinator that is gone ends this process by the other end of the pipe.
            let _ = send(&Response::Progress { frames, bytes });
        }
    }

    /// Does what takes long and cannot be looked into, telling all the while that this process lives.
    ///
    /// # Errors
    /// When the thread for it, which gets a name, cannot be started or dies.
    pub(crate) fn during<T: Send>(&self, name: &str, work: impl FnOnce() -> T + Send) -> Result<T, Failed> {
        self.during_frames(name, &AtomicU32::new(0), work)
    }

    /// As [`Progress::during`], for work that counts the frames it has done.
    ///
    /// # Errors
    /// As for [`Progress::during`].
    pub(crate) fn during_frames<T: Send>(
        &self,
        name: &str,
        done: &AtomicU32,
        work: impl FnOnce() -> T + Send,
    ) -> Result<T, Failed> {
        std::thread::scope(|scope| {
            let working = threads::start_in(scope, name, work)?;
            while !working.is_finished() {
                self.tell(done.load(Relaxed), 0);
                std::thread::sleep(PAUSE / 8);
            }
            threads::result(name, working.join())
        })
    }
}

/// Waits for a request.
pub(crate) fn read_request() -> anyhow::Result<Request> {
    let mut input = io::stdin().lock();
    let mut length = [0; 4];
    input.read_exact(&mut length)?;
    let mut bytes = vec![0; message::decode_length(length)?];
    input.read_exact(&mut bytes)?;
    Ok(message::decode(&bytes)?)
}

/// Writes a line to standard error, which the coordinator keeps with the failed attempt.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
