//! `preview`: what models make of single frames.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use coordinator::{WorkerProcess, WorkerProgram};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use job::{Crop, DEFAULT_MODEL, Failure, FilePath, Model, Notice, Settings, Target};
use protocol::message::{Access, PreviewKind, PreviewPicture, PreviewRequest, Request, Response};

use super::up::readable;
use super::worker_program;
use crate::cli::{Choices, PostProcessingChoices, Preview};
use crate::config;
use crate::exit::Ending;
use crate::model;
use crate::output;
use crate::remedies;
use crate::root::{Root, make_folder};
use crate::signals::shutdown_on_signal;

/// The worker tells several times a second that it lives, however long a frame takes.
const PATIENCE: Duration = Duration::from_mins(2);
/// Time between the pictures of what turns while a frame takes long.
const TICK: Duration = Duration::from_millis(200);

pub(super) async fn run(preview: Preview) -> anyhow::Result<Ending> {
    let source = readable(&preview.file)?;
    let Plan { target, crop, settings, threads, unconfined } = plan(&preview)?;
    let name = source.file_stem().context("the name of the video is missing")?.to_owned();
    let folder = preview.output.clone().unwrap_or_else(|| {
        let mut folder = name.clone();
        folder.push("_preview");
        source.with_file_name(folder)
    });
    let is_new = !folder.exists();
    make_folder(&folder)?;
    let folder = folder.canonicalize()?;
    let request = PreviewRequest {
        source: FilePath(source),
        stream: preview.stream,
        times: preview.times.clone(),
        target,
        crop,
        settings,
        engine_threads: config::engine_threads(threads),
        folder: FilePath(folder.clone()),
        prefix: FilePath(name.into()),
    };
    let shutdown = shutdown_on_signal()?;
    let program = worker_program(unconfined)?;
    let view = View::new(&request);
    let made = tokio::select! {
        made = make(&program, &request, &view) => Some(made),
        // The worker goes with the future that owns it.
        () = shutdown.requested() => None,
    };
    view.bar.finish_and_clear();
    if is_new && !matches!(made, Some(Ok(_))) {
        // Only where nothing was put into it.
        let _ = std::fs::remove_dir(&folder);
    }
    match made {
        None => {
            output::say("stopped: pictures that were finished are kept");
            Ok(Ending::Stopped)
        }
        Some(made) => tell(&made?, preview.json),
    }
}

/// What is to be made.
struct Plan {
    target: Target,
    crop: Crop,
    /// What a job with each of the networks would have.
    settings: Vec<Settings>,
    threads: Option<u32>,
    unconfined: bool,
}

/// Puts the choices of the command line and the file together.
fn plan(preview: &Preview) -> anyhow::Result<Plan> {
    let root = preview.root.as_deref().map(Root::new).transpose()?;
    let folders = [root.as_ref().map_or_else(|| PathBuf::from("models"), Root::models)];
    let line = Choices {
        size: preview.size,
        post_processing: preview.post_processing,
        crop: preview.crop,
        denoise: preview.denoise,
        threads: preview.threads,
        unconfined: preview.unconfined,
        ..Choices::default()
    };
    let chosen = match &root {
        Some(root) => config::with_file(line, &root.settings_file())?,
        None => line,
    };
    let of = |name: &str| {
        let has_twin = name == DEFAULT_MODEL;
        let denoise = chosen.denoise.filter(|_| has_twin);
        // The resampler stands beside the networks, whatever look these are to have.
        let post_processing =
            if name == "none" { PostProcessingChoices::default() } else { chosen.post_processing };
        config::settings(
            &Choices { model: Some(name.to_owned()), denoise, post_processing, ..chosen.clone() },
            &folders,
        )
    };
    let names = if preview.models.is_empty() { model::networks(&folders) } else { preview.models.clone() };
    let settings = names.iter().map(|name| of(name)).collect::<anyhow::Result<Vec<_>>>()?;
    // The classic resampler is always shown.
    let networks = settings.into_iter().filter(|settings| settings.model != Model::None).collect();
    let Settings { target, crop, .. } = of("none")?;
    Ok(Plan {
        target,
        crop,
        settings: networks,
        threads: chosen.threads,
        unconfined: chosen.unconfined.is_on(),
    })
}

/// What a worker made.
struct Made {
    pictures: Vec<PreviewPicture>,
    notes: Vec<String>,
    failures: Vec<String>,
}

async fn make(program: &WorkerProgram, request: &PreviewRequest, view: &View) -> anyhow::Result<Made> {
    let models = request.settings.iter().flat_map(Settings::model_files);
    let source = storage::parts(&request.source).into_iter().map(FilePath);
    let read = source.chain(models).collect();
    let access = Access { read, write: vec![request.folder.clone()], ..Access::default() };
    let mut worker = WorkerProcess::start(program, access).await?;
    worker.send(&Request::Preview(request.clone())).await?;
    loop {
        match worker.receive(PATIENCE).await? {
            Response::Progress { frames, .. } => view.made(frames),
            Response::Previewed { pictures, notes, failures } => {
                let told = |notices: Vec<Notice>| notices.iter().map(remedies::sentence).collect();
                return Ok(Made { pictures, notes: told(notes), failures: told(failures) });
            }
            Response::Failed(Failure { message, .. }) => {
                bail!("{}: {}", output::path(&request.source), remedies::sentence(&message));
            }
            _ => bail!("the worker makes no pictures: install both programs from the same build"),
        }
    }
}

/// Says which pictures there are.
fn tell(made: &Made, json: bool) -> anyhow::Result<Ending> {
    for note in &made.notes {
        output::say(note);
    }
    for picture in &made.pictures {
        if json {
            let mut line = serde_json::to_value(picture)?;
            if let Some(bytes) = coordinator::bytes_of_no_text(&picture.path) {
                line["path"] = picture.path.to_string_lossy().into();
                line["path_bytes"] = bytes.into();
            }
            output::json(&line)?;
            continue;
        }
        if picture.kind == PreviewKind::Classic {
            let PreviewPicture { frame, seconds, width, height, .. } = picture;
            output::say(&format!("frame {frame}, shown at {seconds:.3} s, in {width}x{height}:"));
        }
        output::data(&output::path(&picture.path))?;
    }
    for failure in &made.failures {
        output::error(failure);
    }
    Ok(if made.failures.is_empty() { Ending::Done } else { Ending::Failed })
}

/// What a person sees while pictures are made.
struct View {
    bar: ProgressBar,
    /// Pictures that are to be made, as far as no two times show the same frame.
    total: usize,
}

impl View {
    fn new(request: &PreviewRequest) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let target = if is_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        // A template without variables of its own cannot be wrong; the default is there all the same.
        let style = ProgressStyle::with_template("{spinner} {msg}  {elapsed}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.enable_steady_tick(TICK);
        bar.set_message("looking for the frames");
        Self { bar, total: request.times.len() * (request.settings.len() + 1) }
    }

    /// So many pictures are done.
    fn made(&self, pictures: u32) {
        if pictures == 0 || self.bar.position() == u64::from(pictures) {
            return;
        }
        self.bar.set_position(pictures.into());
        let done = format!("{pictures} of {} pictures", self.total);
        if self.bar.is_hidden() {
            output::say(&done);
        } else {
            self.bar.set_message(done);
        }
    }
}
