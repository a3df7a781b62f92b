//! Everything between a file that appears and a result that is published: the inbox, the order of the jobs, the worker
//! processes, the names and the publishing of results.
//!
//! Goals: a job goes on whatever dies, and nothing is published that was not verified. What people do with jobs is here once,
//! behind a [`Handle`], whether they ask in this process or over the [`socket`].
//! Non-goals: rules (those are `job`'s), pixels (those are the worker's), talking to people (that is `upscaled`'s).

mod access;
mod admission;
mod advance;
mod attempt;
mod away;
mod blocking;
mod choice;
mod clock;
pub mod commands;
mod compare;
mod digest;
mod dispatcher;
mod error;
mod executor;
mod file_tree;
mod folders;
mod forget;
mod handle;
mod inbox;
mod known;
mod lanes;
mod last_words;
mod leftovers;
mod local;
mod manifest;
mod names;
mod outlook;
mod owner;
mod pace;
mod pattern;
mod printed;
mod process;
mod progress;
mod promises;
mod publish;
mod recovery;
mod report;
mod schedule;
mod segments;
mod service;
mod shared;
mod shutdown;
mod silence;
pub mod socket;
mod source;
mod status;
mod submit;
mod subtitles;
mod successor;
mod task;
mod template;
mod trust;
mod updates;
mod view;
mod viewer;
mod wake;

pub use access::{
    Access, AccessError, AccessReply, AccessRequest, Password, PasswordState, Secret, Verifier,
};
pub use away::ServerFolder;
pub use clock::now;
pub use error::Error;
pub use file_tree::{Entry, EntryKind, FileTree, Listing, NotNamed};
pub use folders::{Output, ServerFolders, WatchFolder, Watched};
pub use handle::{Handle, MOST_EVENTS, MOST_SEGMENTS, ReloadWish};
pub use inbox::{
    Film, Inbox, InboxOptions, KeepJobs, KnownFiles, Library, LibraryOptions, LibraryProgress, Look,
    NameRules, Rule, ScanOptions, Scanned, Standing, library, list_videos, look_into, passed_over, scan,
};
pub use known::{finished_result, is_known_as_result, is_of_another_source};
pub use ledger::{AnsweredRequest, Events, HookCursor, HookKey, JobEvent, Scope, Token, What};
pub use leftovers::discard_work;
pub use manifest::{bring_back, source_of};
pub use names::{Naming, job_folders, report_of, result_names};
pub use outlook::Outlook;
pub use owner::Owner;
pub use pattern::{NamePattern, PathPattern, PathPatterns, PatternError};
pub use process::{DeathNote, WorkerError, WorkerProcess, WorkerProgram};
pub use progress::Progress;
pub use protocol::message::VideoFacts;
pub use publish::{already_there, no_result};
pub use schedule::{Hold, Schedule, SegmentGate, Window, WindowError};
pub use service::{Ending, Existing, Limits, Service, ServiceOptions};
pub use shutdown::Shutdown;
pub use source::replaced_by;
pub use status::{JobReport, bytes_of_no_text, reason, rfc3339};
pub use submit::{Request, describe, describe_for, enter, make_again, submit};
pub use template::{NameTemplate, TemplateError};
pub use trust::Places;
pub use updates::{Teller, Update, Updates};
pub use view::{JobDetails, JobView, Seen, SubtitleFiles};
pub use viewer::{
    FoundFrame, FoundPart, MadePart, Measured, OpenSource, PartTimes, Parts, Previewer, Sample, Side,
    ViewError, Viewer, Wanted,
};
pub use wake::Wake;
