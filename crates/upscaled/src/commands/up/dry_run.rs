//! `up --dry-run`: what would be made, without making it.

mod told;

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use coordinator::{Naming, Request as Wish, WorkerProcess, is_of_another_source, result_names};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use job::state::Status;
use job::{Failure, FilePath, NewJob};
use ledger::{Ledger, Record};
use protocol::Made;
use protocol::message::{Access, Estimate, EstimateRequest, Request, Response};

use super::folders::Named;
use super::plan::Planned;
use super::{Run, Standing, already_there, may_own_result, unfinished};
use crate::batch::Batch;
use crate::exit::Ending;
use crate::output;
use crate::remedies;
use crate::root;

use told::{Told, Total};

/// The worker tells several times a second that it lives, however long a frame takes.
const PATIENCE: Duration = Duration::from_mins(2);
/// Time between the pictures of what turns while a frame takes long.
const TICK: Duration = Duration::from_millis(200);

/// Says of each file what would be made.
pub(super) async fn run(
    run: &Run,
    files: &[Named],
    planned: Vec<anyhow::Result<Planned>>,
    mut batch: Batch,
) -> anyhow::Result<Ending> {
    let mut ending = Ending::Done;
    let mut total = Total::default();
    for (Named { file, .. }, planned) in files.iter().zip(planned) {
        batch.begin(file);
        let told = match planned {
            Ok(planned) => tokio::select! {
                told = look(run, &planned) => told,
                // The worker goes with the future that owns it, and so does the folder.
                () = run.shutdown.requested() => {
                    output::say("stopped: nothing was made");
                    return Ok(Ending::Stopped);
                }
            },
            Err(error) => Err(error),
        };
        match told {
            Ok(told) if run.up.json => output::json(&told)?,
            Ok(told) => {
                output::lines(told.lines())?;
                total.add(&told);
            }
            Err(error) => ending = batch.end(file, Err(error))?,
        }
    }
    if files.len() > 1 && !run.up.json {
        output::lines(total.line())?;
    }
    Ok(ending)
}

/// Looks at a file.
///
/// # Errors
/// Where `up` would refuse it, in the same words.
async fn look(run: &Run, planned: &Planned) -> anyhow::Result<Told> {
    let wish = planned.request();
    match run.standing(planned, &wish).await? {
        Standing::Done(result) => return Ok(Told::done(&planned.source, &result)),
        Standing::Skipped(reason) => return Ok(Told::skipped(&planned.source, reason)),
        Standing::Open => {}
    }
    let folder = tempfile::Builder::new().prefix("upscaled-dry-run-").tempdir();
    let folder = folder.with_context(|| {
        format!("no folder can be made in `{}`; set TMPDIR to another place", std::env::temp_dir().display())
    })?;
    // The worker may write there, and the ledger is none of its business.
    let (ledger, work) = (folder.path().join("ledger"), folder.path().join("work"));
    for folder in [&ledger, &work] {
        root::make_folder(folder)?;
    }
    let record = earlier(run, planned, wish, &ledger).await?;
    if let Some(record) = record.as_ref().filter(|record| record.job.status == Status::Done)
        && let Some(result) = record.request.result.as_ref().filter(|_| super::has_result(record))
        && !run.up.overwrite
    {
        return Ok(Told::done(&planned.source, result));
    }
    let estimate = measure(run, planned, &work).await?;
    let result = result(run, planned, &estimate);
    let record = record.filter(|record| record.job.status != Status::Done);
    Ok(Told::estimated(planned, &estimate, &result, record.as_ref()))
}

/// The job that an earlier command began and this one would go on with.
async fn earlier(run: &Run, planned: &Planned, wish: Wish, copy: &Path) -> anyhow::Result<Option<Record>> {
    let folder = run.root.as_ref().map_or_else(|| planned.folder.clone(), root::Root::state);
    let file = root::ledger_file(&folder);
    if !file.is_file() {
        return Ok(None);
    }
    let new: NewJob = run.describe(planned, wish).await?;
    let ledger = Ledger::open_copy(&file, &root::ledger_file(copy)).await?;
    let records = ledger.list().await?;
    ledger.close().await;
    if run.up.restart {
        return Ok(None);
    }
    if run.root.is_none() {
        for record in records.iter().filter(|record| !unfinished::is_same(record, &new)) {
            unfinished::refuse(record, &new)?;
        }
        if planned.expected.exists()
            && !run.up.overwrite
            && !records.iter().any(|record| may_own_result(record, &new))
        {
            return Err(already_there(planned));
        }
    }
    Ok(records.into_iter().rev().find(|record| unfinished::is_same(record, &new)))
}

/// Lets a worker make some frames.
async fn measure(run: &Run, planned: &Planned, folder: &Path) -> anyhow::Result<Estimate> {
    let source = storage::parts(&planned.source).into_iter().map(FilePath);
    let read = source.chain(planned.settings.model_files()).collect();
    let access = Access { read, write: vec![folder.into()], ..Access::default() };
    let mut worker = WorkerProcess::start(&run.worker, access).await?;
    let request = EstimateRequest {
        source: planned.source.as_path().into(),
        settings: planned.settings.clone(),
        engine_threads: run.limits.engine_threads,
        seconds: None,
        folder: folder.into(),
    };
    worker.send(&Request::Estimate(request)).await?;
    let bar = bar();
    let estimate = loop {
        match worker.receive(PATIENCE).await? {
            Response::Progress { .. } => {}
            Response::Estimated(estimate) => break *estimate,
            Response::Failed(Failure { message, .. }) => {
                bail!("{}: {}", output::path(&planned.source), remedies::sentence(&message));
            }
            _ => bail!("the worker measures nothing: install both programs from the same build"),
        }
    };
    bar.finish_and_clear();
    Ok(estimate)
}

/// What a person sees meanwhile.
fn bar() -> ProgressBar {
    let is_terminal = std::io::stderr().is_terminal();
    let target = if is_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(None, target);
    // A template without variables of its own cannot be wrong; the default is there all the same.
    let style = ProgressStyle::with_template("{spinner} {msg}  {elapsed}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.enable_steady_tick(TICK);
    bar.set_message("reading the source and making some frames");
    bar
}

/// The name that the result would have, of what was seen by now.
fn result(run: &Run, planned: &Planned, estimate: &Estimate) -> PathBuf {
    let container = estimate.facts.container;
    let has_it = planned.expected.extension().is_some_and(|extension| extension == container.extension());
    let is_plain = !run.name.needs_made(&planned.settings);
    if planned.chosen.is_some() || (has_it && is_plain) {
        return planned.expected.clone();
    }
    let made = Made::of(&planned.settings, &estimate.facts);
    let Some(naming) = Naming::new(&run.name, &planned.settings, made) else {
        return planned.expected.clone();
    };
    let mut names = result_names(&planned.source, &planned.output, container, &naming);
    let free = names.find(|name| !is_of_another_source(name, &planned.source));
    free.map_or_else(|| planned.expected.clone(), |name| name.0)
}
