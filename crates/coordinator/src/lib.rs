//! Everything between a file that appears and a result that is published: the inbox, the order of the jobs, the worker
//! processes, the names and the publishing of results.
//!
//! Goals: a job goes on whatever dies, and nothing is published that was not verified.
//! Non-goals: rules (those are `job`'s), pixels (those are the worker's), talking to people (that is `upscaled`'s).

mod advance;
mod away;
mod error;
mod evidence;
mod found;
mod inbox;
mod known;
mod last_words;
mod manifest;
mod names;
mod owner;
mod pace;
mod process;
mod publish;
mod report;
mod room;
mod scheduler;
mod shutdown;
mod silence;
mod source;
mod status;
mod submit;
mod subtitles;
mod successor;
mod task;
mod template;
mod trust;

pub use away::{ServerFolder, ServerFolders};
pub use error::Error;
pub use inbox::{
    Inbox, InboxOptions, NamePattern, NameRules, PatternError, Rule, ScanOptions, Scanned, Standing,
    passed_over, scan,
};
pub use known::{finished_result, is_known_as_result, is_of_another_source};
pub use manifest::{bring_back, source_of};
pub use names::{Naming, job_folders, report_of, result_names};
pub use owner::Owner;
pub use process::{DeathNote, WorkerError, WorkerProcess, WorkerProgram};
pub use publish::no_result;
pub use scheduler::{Ending, Existing, Limits, Scheduler, SchedulerOptions};
pub use scheduler::{discard_work, now};
pub use shutdown::Shutdown;
pub use source::replaced_by;
pub use status::{JobReport, Progress, ReuseReport, Update, bytes_of_no_text, reason, rfc3339};
pub use submit::{Request, describe, describe_for, enter, make_again, submit};
pub use template::{NameTemplate, TemplateError};
pub use trust::Places;
