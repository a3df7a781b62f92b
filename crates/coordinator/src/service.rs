//! The service: works jobs off with a dispatcher and its lanes.

use std::path::PathBuf;
use std::sync::Arc;

use job::{JobId, Notice};
use ledger::Ledger;
use tokio::sync::watch;

use crate::dispatcher::{Dispatcher, IDLE};
use crate::error::Error;
use crate::executor::Executor;
use crate::folders::ServerFolders;
use crate::lanes::HEARTBEAT;
use crate::local::LocalExecutor;
use crate::owner::Owner;
use crate::process::WorkerProgram;
use crate::promises::Promises;
use crate::schedule::SegmentGate;
use crate::shared::Shared;
use crate::shutdown::Shutdown;
use crate::updates::Updates;
use crate::wake::Wake;

/// What a service needs.
#[derive(Debug, Clone)]
pub struct ServiceOptions {
    /// The ledger. No other service may work on it at the same time: the caller holds its lock.
    pub ledger: Ledger,
    /// What workers run.
    pub worker: WorkerProgram,
    /// How the work is done. What changes here holds from the next piece of work on.
    pub limits: watch::Receiver<Limits>,
    /// What to do about a file that has the name of a result.
    pub existing: Existing,
    /// Names that results of other jobs will have, which are not in the ledger.
    pub taken: Vec<PathBuf>,
    /// The folders of a server, and how results are named: while one is away, its jobs wait. Without folders, a job waits for those of
    /// its own files. What changes here holds from the next piece of work on.
    pub folders: watch::Receiver<ServerFolders>,
    /// Whether segments may begin.
    pub gate: SegmentGate,
    /// Who works: the folders of other servers' jobs are left alone.
    pub owner: Owner,
    /// By which the service hears that jobs have changed.
    pub wake: Wake,
    /// Says notices in the words of the program, for the files and the log that the service writes itself.
    pub words: fn(&Notice) -> String,
}

/// How the work on all jobs is done. No frame depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Workers that make segments at the same time, from 1 on.
    pub workers: u32,
    /// Threads of the engine, which these workers divide among them.
    pub engine_threads: u32,
    /// Bytes that the folder of a job may take on the disk; `None` where there is no limit.
    pub max_disk: Option<u64>,
    /// Results have the time at which their sources were modified.
    pub keep_time: bool,
    /// Results take along the subtitle files beside their sources.
    pub subtitle_files: bool,
}

/// What to do about a file that has the name of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Give the result another name.
    NextName,
    /// Fail the job.
    Refuse,
    /// Replace the file once the result is complete.
    Replace,
}

/// How work on a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The job is done, failed or cancelled.
    Final,
    /// A person asked to stop; the job goes on later.
    Stopped,
}

/// Works jobs off.
#[derive(Debug)]
pub struct Service {
    shared: Arc<Shared>,
}

impl Service {
    /// A service that is ready to run.
    pub fn start(options: ServiceOptions) -> Self {
        Self { shared: Arc::new(Shared::new(options)) }
    }

    /// What happens from now on, until the service has ended.
    pub fn updates(&self) -> Updates {
        self.shared.updates.updates()
    }

    /// Works all jobs off, also those that come while it runs, until a person asks to stop.
    ///
    /// # Errors
    /// When the ledger fails at the start or is damaged. Later failures of it are logged and tried again.
    pub async fn run(self, shutdown: &Shutdown) -> Result<(), Error> {
        let mut dispatcher = self.dispatcher(None);
        dispatcher.clean_up().await?;
        while !shutdown.is_requested() {
            match dispatcher.work_off(shutdown).await {
                Ok(_) => {}
                Err(error) if error.needs_restart() => return Err(error),
                Err(error) => {
                    tracing::error!("{error}; trying again");
                    shutdown.sleep(HEARTBEAT).await;
                }
            }
        }
        Ok(())
    }

    /// Works on one job until it ends or a person asks to stop, and waits while it has no room on the disk, its folders are
    /// away, or it is paused.
    ///
    /// # Errors
    /// When the ledger fails for another reason than a full disk, or no worker can be started. The job goes on from there
    /// another time.
    pub async fn run_job(self, id: JobId, shutdown: &Shutdown) -> Result<Ending, Error> {
        let mut dispatcher = self.dispatcher(Some(id));
        while !shutdown.is_requested() {
            match dispatcher.work_off(shutdown).await {
                Err(error) if error.is_no_space() => {
                    dispatcher.say_ledger_full(id, &error);
                    shutdown.sleep(IDLE).await;
                }
                ended => return ended,
            }
        }
        Ok(Ending::Stopped)
    }

    /// A dispatcher with the lanes of this machine.
    fn dispatcher(&self, only: Option<JobId>) -> Dispatcher {
        let worker = self.shared.options.worker.clone();
        let promises = Promises::default();
        let executors = move |name: &str| -> Box<dyn Executor> {
            Box::new(LocalExecutor::new(name, worker.clone(), promises.clone()))
        };
        Dispatcher::new(Arc::clone(&self.shared), only, Box::new(executors))
    }
}
