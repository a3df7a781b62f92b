//! What is asked, and what comes of it.

use job::{FilePath, JobId, Millis, Notice, Priority, Settings};
use serde::{Deserialize, Serialize};

use super::list::{JobList, ListFilter};
use super::select::{Selector, Which};
use crate::access::{AccessError, AccessReply, AccessRequest};
use crate::error::Error;
use crate::view::JobDetails;

/// What a person wants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// The jobs, and the files that are no jobs yet.
    List(ListFilter),
    /// All about some jobs.
    Show(Which),
    /// Take a job in, or go on with it.
    Submit(Box<Submit>),
    /// Take a job in as done, whose named result another program made. A video that is a job already stays that.
    Adopt(Box<Adopt>),
    /// End jobs and discard their unfinished work, also that of jobs that have failed.
    Cancel(Which),
    /// Let failed and canceled jobs go on, or make results again.
    Retry {
        /// The jobs.
        jobs: Which,
        /// Results that are there are made again.
        again: bool,
        /// The settings of what is made, where they may be others than the jobs have.
        settings: Option<Box<Settings>>,
    },
    /// Take jobs that have come to their end off the list.
    Remove(Which),
    /// Forget jobs that have come to their end: their results and videos stay.
    Forget {
        /// The jobs: all are those off the list, too.
        jobs: Which,
        /// Only those that ended before.
        before: Option<Millis>,
        /// It is only said what would become of them.
        dry_run: bool,
    },
    /// Let jobs wait.
    Pause(Which),
    /// Let paused jobs go on.
    Resume(Which),
    /// Let segments begin in spite of the schedule and of other programs, until what keeps them from it is over.
    OpenNow,
    /// Take [`Request::OpenNow`] back.
    CloseAgain,
    /// Make jobs more or less urgent.
    Prioritize {
        /// The jobs.
        jobs: Which,
        /// How urgent they are from now on.
        priority: Priority,
    },
    /// Give jobs other places among those of their priority; they keep their order.
    Move {
        /// The jobs.
        jobs: Vec<Selector>,
        /// Where to.
        to: NewPosition,
    },
    /// Read the settings of the server again.
    Reload,
    /// Say or change who may use the server over HTTP.
    Access(AccessRequest),
}

/// A job that is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Submit {
    /// The video, as an absolute path.
    pub source: FilePath,
    /// What was chosen.
    pub settings: Settings,
    /// The folder that the result goes to, as an absolute path.
    pub output: FilePath,
    /// The name of the result, where one was chosen, as an absolute path.
    pub result: Option<FilePath>,
    /// A result that is there is made again, and the name of one that has ended may be taken.
    pub overwrite: bool,
}

/// A job whose result another program made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Adopt {
    /// The job, with the name of the result; the settings are for when it is made again.
    pub submit: Submit,
    /// The model with which it was made, where that is not the one of the settings.
    pub made_with: Option<String>,
}

/// A new place for jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NewPosition {
    /// Before all others.
    First,
    /// Before this one.
    Before(Selector),
    /// After all others.
    Last,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// Of [`Request::List`].
    Listed(JobList),
    /// Of [`Request::Show`], in the order of their numbers.
    Shown(Vec<JobDetails>),
    /// Of [`Request::Submit`] and [`Request::Adopt`].
    Submitted(Submitted),
    /// Of what changes jobs one after the other, in their order. Where a change failed for another reason than the job's state,
    /// that is the last one, and the others are as they were.
    Changed(Vec<Outcome>),
    /// Of [`Request::Move`].
    Moved(Moved),
    /// Of [`Request::Reload`]: which settings changed, as `crf: 20 -> 18`.
    Reloaded(Vec<String>),
    /// Of [`Request::OpenNow`]: what would keep segments from beginning, where something would.
    Opened(Option<String>),
    /// Of [`Request::CloseAgain`]: what keeps segments from beginning now, where something does.
    Held(Option<String>),
    /// Of [`Request::Access`].
    Access(AccessReply),
}

/// A job that was taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submitted {
    /// Its number.
    pub id: JobId,
    /// What was done.
    pub taken: TakenIn,
}

/// What was done to take a job in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TakenIn {
    /// It is new.
    New,
    /// It was there, and goes on.
    GoesOn,
    /// It was paused, and goes on.
    Resumed,
    /// It had failed or was canceled, and is tried again.
    TriedAgain,
    /// It was done, and nothing is done.
    DoneAlready,
    /// It was done, and its result is made again.
    BegunAgain,
}

/// What became of a job that was to be changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Its number.
    pub id: JobId,
    /// What became of it.
    pub became: Became,
}

/// See [`Outcome`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Became {
    /// It was done as asked.
    Done,
    /// Its status does not allow it.
    Refused {
        /// The name of that status.
        status: String,
    },
    /// It stays, since it has not come to its end.
    NotEnded {
        /// The name of its status.
        status: String,
    },
    /// It stays, since it has finished frames that it could go on with.
    KeepsWork {
        /// How many.
        frames: u64,
    },
    /// It is not forgotten: its source is in its place, and is made again where a server takes it in.
    SourceThere {
        /// The source.
        source: FilePath,
    },
    /// It is not forgotten: whether its source is in its place cannot be told while its disk is away.
    SourceAway {
        /// The source.
        source: FilePath,
    },
    /// It is not forgotten: it ended a moment ago, and what worked on it may need it yet, or its result is about to be replaced.
    StillNeeded,
    /// It is tried again from where it was.
    QueuedAgain,
    /// It is made again from its beginning.
    BegunAgain,
    /// Its source has other content by now, which is another job.
    NewContent {
        /// That job.
        job: JobId,
    },
    /// Its source is made with other settings, which is another job.
    OtherJob {
        /// That job.
        job: JobId,
    },
    /// With the other settings it is a job that was there before.
    ThereAlready {
        /// That job.
        job: JobId,
    },
    /// It is done, and was not to be made again.
    IsDone,
    /// Its source was replaced by another file.
    Replaced {
        /// The source.
        source: FilePath,
        /// The job of the file that is there now.
        by: Option<JobId>,
        /// Its own finished frames.
        frames: u64,
    },
    /// Something else is wrong.
    Failed {
        /// What, in a sentence for people.
        message: String,
    },
}

/// Jobs that got other places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// The jobs in their order, with their priorities.
    pub jobs: Vec<(JobId, Priority)>,
    /// The job that they come before, where one was named.
    pub before: Option<JobId>,
}

/// A job that may have been meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Its number.
    pub id: JobId,
    /// Its source.
    pub source: FilePath,
    /// The name of its status.
    pub status: String,
}

/// Why nothing was done. What is to be done about it depends on who asks: the words are for logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// No job has this number.
    #[error("there is no job {0}")]
    NoJob(JobId),
    /// No job has a number from the first to the second.
    #[error("there are no jobs {0} to {1}")]
    NoJobs(JobId, JobId),
    /// No job is of a video of this name.
    #[error("no job is of a video named `{0}`")]
    NoVideo(String),
    /// Videos of several sources have this name.
    #[error("`{name}` is the name of several videos")]
    SeveralVideos {
        /// The name.
        name: String,
        /// The jobs of all of them.
        jobs: Vec<Candidate>,
    },
    /// One job was to be named.
    #[error("one job was to be named, and several were")]
    SeveralJobs(Vec<Candidate>),
    /// A job that is to be moved has come to its end.
    #[error("job {id} has come to its end: it is {status}")]
    HasEnded {
        /// The job.
        id: JobId,
        /// The name of its status.
        status: String,
    },
    /// A job cannot come before itself.
    #[error("job {0} cannot come before itself")]
    BeforeItself(JobId),
    /// Jobs of other priorities have no place beside each other.
    #[error("job {id} is of {} priority and job {other} of {}", priority.name(), other_priority.name())]
    OtherPriority {
        /// The job that is to be moved.
        id: JobId,
        /// Its priority.
        priority: Priority,
        /// The job that it was to come before.
        other: JobId,
        /// Its priority.
        other_priority: Priority,
    },
    /// Other settings make other frames, and jobs were not to be begun anew.
    #[error("other settings make other frames")]
    OtherSettings,
    /// The name that was chosen for a result is that of another job's.
    #[error("`{}` is the result of job {by}", result.display())]
    ResultTaken {
        /// The name.
        result: FilePath,
        /// The job that has it.
        by: JobId,
    },
    /// The name that was chosen for a result is that of another job's source.
    #[error("`{}` is the source of job {of}", result.display())]
    IsSource {
        /// The name.
        result: FilePath,
        /// The job whose source it is.
        of: JobId,
    },
    /// The result would lie where nothing may be written.
    #[error("nothing is written below `{}`, which is read_only: choose another folder for the result", folder.display())]
    ReadOnly {
        /// The folder that is watched.
        folder: FilePath,
    },
    /// Who answers has no settings that could be read again.
    #[error("no server runs here")]
    NoServer,
    /// The settings have a mistake, and stay as they are.
    #[error("the settings stay as they are: {0}")]
    Settings(String),
    /// The request cannot be understood, or asks for what cannot be.
    #[error("the request cannot be understood: {}", .0.text)]
    NotUnderstood(Notice),
    /// The request or the answer has more bytes than it may have.
    #[error("a message of more than {most} bytes is not taken")]
    TooLong {
        /// How many it may have.
        most: u32,
    },
    /// The request did not come in time.
    #[error("the request did not come in time")]
    TooSlow,
    /// Who asks is not the user of the server.
    #[error("this server answers its own user alone")]
    OtherUser,
    /// Who may use the server over HTTP stays as it is.
    #[error(transparent)]
    Access(AccessError),
    /// Something else is wrong.
    #[error("{0}")]
    Failed(String),
}

impl From<ledger::Error> for Refusal {
    fn from(error: ledger::Error) -> Self {
        match error {
            ledger::Error::NoJob(id) => Self::NoJob(id),
            ledger::Error::ResultTaken { result, by } => Self::ResultTaken { result: result.into(), by },
            other => Self::Failed(other.to_string()),
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::Ledger(error) => error.into(),
            other => Self::Failed(other.to_string()),
        }
    }
}
