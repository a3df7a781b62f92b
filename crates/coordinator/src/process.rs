//! A worker process: started, asked, watched, and reaped with its last words.

use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use job::state::Death;
use protocol::message::{self, Access, MessageError, Request, Response, Sandbox};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::last_words::LastWords;
use crate::silence::Silence;

/// A worker that has started says hello within this time; a busy machine may take seconds to load its libraries.
const START_LIMIT: Duration = Duration::from_mins(1);
/// Time for a worker to take a request in, which it does before anything else.
const SEND_LIMIT: Duration = Duration::from_mins(1);
/// Time for a dead worker's last words to arrive.
const BURIAL: Duration = Duration::from_secs(2);
/// Messages of more bytes than this are long; real ones hardly ever are.
const LONG: usize = 1 << 20;

/// What a worker gets of the environment, which may hold secrets: language and time zone, where the system's libraries and the
/// drivers of devices that encode are, limits of memory, and what is asked for by who looks for faults.
const PASSED_ON: [&str; 11] = [
    "LANG",
    "TZ",
    "LD_LIBRARY_PATH",
    "LIBVA_DRIVER_NAME",
    "LIBVA_DRIVERS_PATH",
    "CUDA_VISIBLE_DEVICES",
    storage::MEMORY_VARIABLE,
    "UPSCALED_MEMORY",
    "RUST_BACKTRACE",
    "UPSCALED_TRACE",
    "MALLOC_PERTURB_",
];

/// The program that workers run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerProgram {
    /// The executable.
    pub path: PathBuf,
    /// It may open files where this system cannot confine it: the user trusts them.
    pub unconfined: bool,
}

impl WorkerProgram {
    /// Starts a worker without any file and looks whether it is confined.
    ///
    /// # Errors
    /// As for [`WorkerProcess::start`] with files.
    pub async fn check(&self) -> Result<(), WorkerError> {
        let worker = WorkerProcess::start(self, Access::default()).await?;
        self.accept(&worker.sandbox)
    }

    fn accept(&self, sandbox: &Sandbox) -> Result<(), WorkerError> {
        match &sandbox.lacks {
            Some(lacks) if !self.unconfined => Err(WorkerError::Unconfined { lacks: lacks.clone() }),
            _ => Ok(()),
        }
    }
}

/// A running worker process. It is killed when this is dropped.
#[derive(Debug)]
pub struct WorkerProcess {
    child: Child,
    requests: ChildStdin,
    responses: ChildStdout,
    last_words: LastWords,
    sandbox: Sandbox,
}

/// How a worker died.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeathNote {
    /// Exit code or signal, in words.
    pub cause: String,
    /// What it left behind.
    pub death: Death,
}

impl std::fmt::Display for DeathNote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.cause)?;
        if let Some(line) = self.death.last_lines.last() {
            write!(f, "; its last words: {line}")?;
        }
        Ok(())
    }
}

/// A worker that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// It cannot be started.
    #[error("the worker `{}` cannot be started: {cause}; it belongs beside the `upscaled` executable", path.display())]
    Start {
        /// The executable.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// This system cannot confine it, and the user has not said that it may open files all the same.
    #[error(
        "the process that opens videos cannot be confined on this system: {lacks}; mend that, or allow it to work unconfined, on videos that you trust"
    )]
    Unconfined {
        /// What is missing, with its remedy.
        lacks: String,
    },
    /// It is of another version.
    #[error("the worker is of version {found} and this program of version {}: install both from the same build", env!("CARGO_PKG_VERSION"))]
    Version {
        /// The worker's version.
        found: String,
    },
    /// It died.
    #[error("the worker process ended: {0}")]
    Died(DeathNote),
    /// It said nothing for too long and was killed.
    #[error("the worker showed no progress for {} seconds and was stopped", silence.as_secs())]
    Hung {
        /// How long it said nothing.
        silence: Duration,
        /// What it left behind.
        death: Death,
    },
    /// What it said cannot be understood.
    #[error(transparent)]
    Message(#[from] MessageError),
}

impl WorkerError {
    /// What the worker left behind; nothing where it did not die.
    pub fn death(&self) -> Death {
        match self {
            Self::Died(note) => note.death.clone(),
            Self::Hung { death, .. } => death.clone(),
            Self::Start { .. } | Self::Version { .. } | Self::Unconfined { .. } | Self::Message(_) => {
                Death::default()
            }
        }
    }
}

impl WorkerProcess {
    /// Starts a worker that may touch these files only. Folders among those to read are left out, whatever is named: sources and
    /// models are files.
    ///
    /// # Errors
    /// When it cannot be started, dies at once, or is of another version. When it could not be confined, unless there is no
    /// file that it may read or the program may open them all the same.
    pub async fn start(program: &WorkerProgram, mut access: Access) -> Result<Self, WorkerError> {
        let executable = &program.path;
        access.read.retain(|path| !path.is_dir());
        let has_files = !access.read.is_empty() || !access.read_below.is_empty();
        let cause = |cause| WorkerError::Start { path: executable.to_owned(), cause };
        let mut child = Command::new(executable)
            .arg("--serve")
            .env_clear()
            .envs(PASSED_ON.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C in a terminal goes to the whole group; the worker ends when this side says so.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(cause)?;
        let (Some(requests), Some(responses), Some(errors)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(cause(std::io::Error::other("its standard streams are missing")));
        };
        let last_words = LastWords::default();
        tokio::spawn(last_words.clone().listen(errors));
        let sandbox = Sandbox { lacks: None, is_complete: false, detail: "none".to_owned() };
        let mut worker = Self { child, requests, responses, last_words, sandbox };
        match worker.receive(START_LIMIT).await? {
            Response::Hello { version } if version == env!("CARGO_PKG_VERSION") => {}
            Response::Hello { version } => return Err(WorkerError::Version { found: version }),
            _ => return Err(WorkerError::Version { found: "unknown".to_owned() }),
        }
        worker.send(&Request::Confine(access)).await?;
        match worker.receive(START_LIMIT).await? {
            Response::Confined(sandbox) => {
                if has_files {
                    program.accept(&sandbox)?;
                }
                worker.sandbox = sandbox;
                Ok(worker)
            }
            _ => Err(WorkerError::Version { found: "unknown".to_owned() }),
        }
    }

    /// How far the worker is confined.
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// True while it has not ended.
    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Lets others of this machine come first: those with a lower nice value, which is 0 for usual workers.
    pub(crate) fn set_nice(&self, nice: i32) {
        let id = self.child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()));
        // Failing means that it is dead already, or as unimportant as it can be.
        let _ = id.map(|id| rustix::process::setpriority_process(Some(id), nice));
    }

    /// Gives the worker something to do.
    ///
    /// # Errors
    /// When it is dead.
    pub async fn send(&mut self, request: &Request) -> Result<(), WorkerError> {
        let bytes = message::encode(request)?;
        let sent = async {
            self.requests.write_all(&bytes).await?;
            self.requests.flush().await
        };
        match timeout(SEND_LIMIT, sent).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(WorkerError::Died(self.reap().await)),
            Err(_) => Err(self.stop(SEND_LIMIT).await),
        }
    }

    /// The next thing the worker says. Not safe to drop half-way: stop using the worker then.
    ///
    /// # Errors
    /// When it dies, or says nothing for longer than `limit`; then it is killed. One that waits for the processor of a
    /// busy machine gets more time. Also when it says what cannot be; do not use it any more then.
    pub async fn receive(&mut self, limit: Duration) -> Result<Response, WorkerError> {
        let silence = self.silence();
        self.receive_within(silence.as_ref(), limit).await
    }

    /// Its process number; `None` where it is dead.
    pub(crate) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// The silence of the worker from now on; `None` where it is dead.
    pub(crate) fn silence(&self) -> Option<Silence> {
        self.id().map(Silence::begin)
    }

    /// As [`WorkerProcess::receive`], for a worker whose last sign of life was when the silence began.
    pub(crate) async fn receive_within(
        &mut self,
        silence: Option<&Silence>,
        limit: Duration,
    ) -> Result<Response, WorkerError> {
        let responses = &mut self.responses;
        let message = async {
            let mut length = [0; 4];
            responses.read_exact(&mut length).await?;
            let mut bytes = match message::decode_length(length) {
                Ok(length) => vec![0; length],
                Err(error) => return Ok(Err(error)),
            };
            responses.read_exact(&mut bytes).await?;
            Ok::<_, std::io::Error>(Ok(bytes))
        };
        let heard = {
            let mut message = std::pin::pin!(message);
            let mut wait = limit.saturating_sub(silence.map_or(Duration::ZERO, Silence::length));
            loop {
                match timeout(wait, &mut message).await {
                    Err(_) if silence.is_some_and(|silence| silence.is_starvation(limit)) => wait = limit,
                    heard => break heard,
                }
            }
        };
        match heard {
            Ok(Ok(bytes)) => understand(&bytes?),
            Ok(Err(_)) => Err(WorkerError::Died(self.reap().await)),
            Err(_) => Err(self.stop(silence.map_or(limit, Silence::length)).await),
        }
    }

    /// Kills the worker and waits until it is gone, unless the system cannot end it because a disk does not answer.
    pub async fn kill(&mut self) {
        // Failing means that it is dead already.
        let _ = timeout(BURIAL, self.child.kill()).await;
    }

    /// Kills a worker that hangs.
    async fn stop(&mut self, silence: Duration) -> WorkerError {
        self.kill().await;
        WorkerError::Hung { silence, death: self.reap().await.death }
    }

    /// Waits for a dying worker and collects what is known of its death.
    async fn reap(&mut self) -> DeathNote {
        let status = timeout(BURIAL, self.child.wait()).await;
        self.kill().await;
        // The reader of standard error is a task of its own; it ends with the pipe.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let (cause, exit_code, signal) = match status {
            Ok(Ok(status)) => (describe(status), status.code(), status.signal()),
            _ => ("it closed its output and had to be killed".to_owned(), None, None),
        };
        DeathNote { cause, death: Death { exit_code, signal, last_lines: self.last_words.lines() } }
    }
}

/// What a worker said. Long messages are understood one at a time: what is made of one can take many times its bytes for a
/// moment.
fn understand(bytes: &[u8]) -> Result<Response, WorkerError> {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = (bytes.len() > LONG).then(|| ONE.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(message::understand(bytes)?)
}

/// An exit status in words, with the usual reason where a signal has one.
fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("it exited with code {code}"),
        (None, Some(9)) => "it was killed (signal 9), as the system does when memory runs out".to_owned(),
        (None, Some(11)) => "it crashed (signal 11)".to_owned(),
        (None, Some(signal)) => format!("it ended by signal {signal}"),
        (None, None) => "it ended for no known reason".to_owned(),
    }
}
