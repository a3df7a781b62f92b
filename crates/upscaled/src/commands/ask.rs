//! A question to a worker of its own.

use std::path::Path;
use std::time::Duration;

use anyhow::bail;
use coordinator::{WatchFolder, WorkerProcess, WorkerProgram};
use job::{Failure, FilePath, Notice, Settings};
use protocol::Made;
use protocol::message::{Access, Request, Response};

use super::worker_program;
use crate::cli::Choices;
use crate::config;
use crate::exit::{wrong, wrong_in_file};
use crate::output;
use crate::remedies;

/// Time for an answer: a busy machine may take long to open every encoder.
const PATIENCE: Duration = Duration::from_mins(2);

/// Asks a worker that may touch what is named and nothing else.
pub(super) async fn ask(
    program: &WorkerProgram,
    access: Access,
    request: &Request,
) -> anyhow::Result<Response> {
    let mut worker = WorkerProcess::start(program, access).await?;
    worker.send(request).await?;
    Ok(worker.receive(PATIENCE).await?)
}

/// Rows of a film's picture as it is stored; `None` for a file that is none, whose job says why.
pub(super) async fn rows(program: &WorkerProgram, source: &Path) -> anyhow::Result<Option<u32>> {
    let read = storage::parts(source).into_iter().map(FilePath).collect();
    let access = Access { read, ..Access::default() };
    let request = Request::Probe { source: source.into() };
    Ok(match ask(program, access, &request).await? {
        Response::Probed { rows, .. } => Some(rows),
        _ => None,
    })
}

/// What would be made of a film, as far as its head tells.
///
/// # Errors
/// With the reason why nothing can be made.
pub(super) async fn foresee(
    program: &WorkerProgram,
    source: &Path,
    settings: &Settings,
) -> anyhow::Result<Made> {
    let read = storage::parts(source).into_iter().map(FilePath).collect();
    let access = Access { read, ..Access::default() };
    let request = Request::Foresee { source: source.into(), settings: Box::new(settings.clone()) };
    match ask(program, access, &request).await? {
        Response::Foreseen(made) => Ok(made),
        Response::Failed(Failure { message, .. }) => {
            bail!("{}: {}", output::path(source), remedies::sentence(&message))
        }
        _ => bail!("the worker foresees nothing: install both programs from the same build"),
    }
}

/// Tries the encoder's options, where there are any, so that a mistake in them is said before any work.
///
/// # Errors
/// As wrong usage when no encoder takes them.
pub(super) async fn try_encoder(settings: &Settings) -> anyhow::Result<()> {
    match unfit_options(settings).await? {
        Some(notice) => Err(wrong(remedies::sentence(&notice))),
        None => Ok(()),
    }
}

/// Why no encoder takes the options, where there are any.
async fn unfit_options(settings: &Settings) -> anyhow::Result<Option<Notice>> {
    if settings.encoder_options.is_empty() {
        return Ok(None);
    }
    let request = Request::TryEncoder(Box::new(settings.clone()));
    match ask(&worker_program(false)?, Access::default(), &request).await? {
        Response::Failed(Failure { message, .. }) => Ok(Some(message)),
        _ => Ok(None),
    }
}

/// As [`try_encoder`], of settings that a file may have a part in: a mistake is said with its line.
///
/// # Errors
/// As for [`try_encoder`].
pub(super) async fn try_encoder_of(settings: &Settings, line: &Choices, file: &Path) -> anyhow::Result<()> {
    let Some(notice) = unfit_options(settings).await? else { return Ok(()) };
    let (error, in_file) = (wrong(remedies::sentence(&notice)), remedies::sentence_in_file(&notice));
    Err(config::blame(line, file, &["encoder_options"], error, Some(in_file)))
}

/// As [`try_encoder`], of the settings of folders.
///
/// # Errors
/// As for [`try_encoder`], with the folder.
pub(super) async fn try_encoders_of(folders: &[WatchFolder], file: &Path) -> anyhow::Result<()> {
    let mut tried: Vec<&Settings> = Vec::new();
    for folder in folders {
        if tried.contains(&&folder.settings) {
            continue;
        }
        if let Some(notice) = unfit_options(&folder.settings).await? {
            let words = remedies::sentence_in_file(&notice);
            let words = format!("encoder_options, with the folder `{}`: {words}", folder.input.display());
            return Err(wrong_in_file(file, None, words));
        }
        tried.push(&folder.settings);
    }
    Ok(())
}
