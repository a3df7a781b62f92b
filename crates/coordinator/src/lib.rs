//! Everything between a file that appears and a result that is published: the inbox, the order of the jobs, the worker
//! processes, the names and the publishing of results.
//!
//! Goals: a job goes on whatever dies, and nothing is published that was not verified.
//! Non-goals: rules (those are `job`'s), pixels (those are the worker's), talking to people (that is `upscaled`'s).

mod error;
mod found;
mod inbox;
mod manifest;
mod names;
mod pace;
mod process;
mod publish;
mod report;
mod room;
mod scheduler;
mod shutdown;
mod source;
mod status;
mod submit;
mod successor;
mod task;

pub use error::Error;
pub use inbox::{
    Inbox, InboxOptions, NamePattern, NameRules, PatternError, Rule, ScanOptions, Scanned, Standing,
    passed_over, scan,
};
pub use manifest::bring_back;
pub use names::job_folder;
pub use process::{DeathNote, WorkerError, WorkerProcess};
pub use scheduler::now;
pub use scheduler::{Ending, Existing, Scheduler, SchedulerOptions};
pub use shutdown::Shutdown;
pub use status::{JobReport, Progress, ReuseReport, Update};
pub use submit::{Request, make_again, submit};
