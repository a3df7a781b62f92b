//! Who does the work: a worker process of this machine, and whatever else can do a task of a job and say how far it is.

use std::pin::Pin;
use std::sync::Arc;

use job::state::Task;
use ledger::Record;
use protocol::message::{Request, Response, Sandbox};

use crate::process::WorkerError;

/// A piece of work.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    /// The job as it was when the task was given out.
    pub(crate) record: Arc<Record>,
    pub(crate) task: Task,
    /// What a worker is asked for it.
    pub(crate) request: Request,
}

/// What is heard of a piece of work before its end.
#[derive(Debug)]
pub(crate) enum Heard {
    /// It got on: so many frames and bytes are made, or so many frames are read.
    Frames { frames: u32, bytes: u64 },
    /// How far the worker is confined that was started for it.
    Sandbox(Sandbox),
}

/// Takes what is heard in.
pub(crate) type Tell<'a> = &'a mut (dyn FnMut(Heard) + Send);

/// Something under way that can be dropped.
pub(crate) type Doing<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Does pieces of work, one after the other. It decides nothing: whose work is next, and what follows from an answer, is the
/// dispatcher's.
pub(crate) trait Executor: Send {
    /// Does a piece of work, and gives the last answer to it. It tells of progress as often as there is some.
    ///
    /// Who drops this before its end gives the work up, and calls [`Executor::let_go`] next. One that shows no life for too long is
    /// given up by the executor itself.
    fn perform<'a>(&'a mut self, work: &'a Work, tell: Tell<'a>) -> Doing<'a, Result<Response, WorkerError>>;

    /// Lets go of the job that it worked on last: when this ends, nothing of it reads or writes the files of that job any more.
    fn let_go(&mut self) -> Doing<'_, ()>;
}
