//! What came of a request, in the words of the command line: with the commands and options that help.

use anyhow::anyhow;
use coordinator::AccessError;
use coordinator::commands::{Became, Candidate, Outcome, Refusal};

use coordinator::socket::Hello;

use crate::exit::{Ending, wrong};
use crate::output;
use crate::remedies;

/// Why nothing was done.
pub(crate) fn refused(refusal: &Refusal) -> anyhow::Error {
    match refusal {
        Refusal::NoJob(id) => anyhow!("there is no job {id}: `upscaled list` shows all jobs"),
        Refusal::NoJobs(first, last) => anyhow!("there are no jobs {first}-{last}: see `upscaled list`"),
        Refusal::NoVideo(name) => {
            anyhow!("no job is of a video named `{}`: see `upscaled list`", output::one_line(name))
        }
        Refusal::SeveralVideos { name, jobs } => anyhow!(
            "`{}` is the name of several videos: {}; choose by number, or by more of the path",
            output::one_line(name),
            candidates(jobs)
        ),
        Refusal::SeveralJobs(jobs) => {
            anyhow!("one job is to be named here, not several: {}", candidates(jobs))
        }
        Refusal::HasEnded { id, status } => anyhow!("job {id} has come to its end already: it is {status}"),
        Refusal::BeforeItself(id) => {
            wrong(format!("job {id} cannot come before itself: name another job with --before"))
        }
        Refusal::OtherPriority { id, priority, other, other_priority } => anyhow!(
            "job {id} is of {} priority and job {other} of {}: make them the same with `upscaled priority` first",
            priority.name(),
            other_priority.name()
        ),
        Refusal::OtherSettings => {
            wrong("other settings make other frames: add --again to begin the jobs anew")
        }
        Refusal::ResultTaken { result, by } => {
            anyhow!("`{}` is the result of job {by}: choose another name", output::path(result))
        }
        Refusal::IsSource { result, of } => wrong(format!(
            "`{}` is the source of job {of}, and the result would replace it: choose another name",
            output::path(result)
        )),
        Refusal::ReadOnly { folder } => wrong(format!(
            "nothing is written below `{}`, which is read_only in the server's upscaled.toml: name another folder for the result with -o",
            output::path(folder)
        )),
        Refusal::TooLong { .. } => anyhow!("that is too much at once: name fewer jobs"),
        Refusal::NotUnderstood(notice) => {
            anyhow!("the request cannot be understood: {}", remedies::sentence(notice))
        }
        Refusal::Access(error) => match error {
            AccessError::NoToken(_) => anyhow!("{error}: see `upscaled token list`"),
            _ => anyhow!("{error}"),
        },
        Refusal::NoServer
        | Refusal::Settings(_)
        | Refusal::TooSlow
        | Refusal::OtherUser
        | Refusal::Failed(_) => anyhow!("{refusal}"),
    }
}

/// Jobs with what tells them from each other.
fn candidates(jobs: &[Candidate]) -> String {
    let words =
        jobs.iter().map(|job| format!("job {} (`{}`, {})", job.id, output::path(&job.source), job.status));
    words.collect::<Vec<_>>().join(", ")
}

/// Says what the command line of a server sets.
pub(crate) fn tell_set(server: &Hello) {
    if !server.set.is_empty() {
        let set = server.set.join(", ");
        output::say(&format!("set on the server's own command line, whatever upscaled.toml says: {set}"));
    }
}

/// What a change is called.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Called<'a> {
    /// What a job is after it.
    pub(crate) done: &'a str,
    /// What is said of a job whose status does not allow it.
    pub(crate) refused: &'a str,
}

/// Says what became of jobs.
pub(crate) fn tell(outcomes: &[Outcome], called: Called<'_>) -> Ending {
    if outcomes.is_empty() {
        output::say("there are no such jobs");
    }
    let mut ending = Ending::Done;
    for outcome in outcomes {
        match told(outcome, called) {
            Ok(words) => output::say(&words),
            Err(words) => {
                output::error(&words);
                ending = Ending::Failed;
            }
        }
    }
    ending
}

/// What became of a job: as it was wanted, or why not.
fn told(Outcome { id, became }: &Outcome, called: Called<'_>) -> Result<String, String> {
    match became {
        Became::Done => Ok(format!("job {id} is {}", called.done)),
        Became::QueuedAgain => Ok(format!("job {id} is queued again")),
        Became::BegunAgain => Ok(format!("job {id} is queued again from its beginning")),
        Became::NewContent { job } => Ok(format!("the source has other content by now: that is job {job}")),
        Became::OtherJob { job } => Ok(format!("job {job} is job {id} with other settings")),
        Became::Refused { status } => Err(format!("job {id} {}: it is {status}", called.refused)),
        Became::NotEnded { status } => {
            Err(format!("job {id} is {status}: end it with `upscaled cancel {id}` first"))
        }
        Became::KeepsWork { frames } => Err(format!(
            "job {id} has {frames} finished frames: go on with `upscaled retry {id}`, or discard them with `upscaled cancel {id}` first"
        )),
        Became::SourceThere { source } => Err(format!(
            "job {id} stays, since its video `{}` is still there and would be made again: take the video away first, or take the job off the list with `upscaled remove {id}`",
            output::path(source)
        )),
        Became::SourceAway { source } => Err(format!(
            "job {id} stays, since its video `{}` may be on a disk that is away, and would be made again: mount that first, or take the job off the list with `upscaled remove {id}`",
            output::path(source)
        )),
        Became::StillNeeded => Err(format!(
            "job {id} stays, since it ended a moment ago, or its result is about to be replaced: do this again in a minute"
        )),
        Became::ThereAlready { job } => {
            Err(format!("with these settings, that is job {job}, which is there already"))
        }
        Became::IsDone => Err(format!("job {id} is done: add --again to make its result again")),
        Became::Replaced { source, by, frames } => {
            let new = match by {
                Some(by) => format!("the file that is there now is job {by}"),
                None => "a server takes the file that is there now in as a new job".to_owned(),
            };
            let kept = match frames {
                0 => String::new(),
                frames => format!(
                    "; to go on with its {frames} finished frames, put the earlier file back under this name, or free their disk with `upscaled cancel {id}`"
                ),
            };
            let source = output::path(source);
            Err(format!("job {id} is of a file `{source}` that was replaced by another one: {new}{kept}"))
        }
        Became::Failed { message } => Err(format!("job {id}: {message}")),
    }
}
