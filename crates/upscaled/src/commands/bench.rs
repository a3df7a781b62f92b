//! `bench`: how fast this machine upscales, for each model and size.

mod view;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use coordinator::{WorkerProcess, WorkerProgram};
use job::{Failure, Model, Settings};
use protocol::message::{Access, BenchReport, BenchRequest, Request, Response};
use serde::Serialize;

use self::view::View;
use super::worker_program;
use crate::cli::Bench;
use crate::config;
use crate::exit::{Ending, wrong};
use crate::model;
use crate::remedies;
use crate::root::Root;
use crate::signals::shutdown_on_signal;

/// The worker tells several times a second that it lives, however long a frame takes.
const PATIENCE: Duration = Duration::from_mins(2);
/// Frames of the film that people are told about: 90 minutes at 24 frames a second.
const FILM_FRAMES: f64 = 90.0 * 60.0 * 24.0;

/// A case that was measured, as `--json` writes it.
#[derive(Debug, Serialize)]
struct Case {
    model: String,
    width: u32,
    height: u32,
    threads: u32,
    /// The kind of engine.
    engine: String,
    /// The engine, its kernels and its device.
    description: String,
    /// Frames that were measured, without the first.
    frames: u32,
    /// Time that they took.
    seconds: f64,
    ms_per_frame: f64,
    fps: f64,
    /// Billions of floating-point operations a second: two for each multiply-add of the convolutions as written.
    gflops: f64,
    /// The most memory that the worker process had.
    peak_rss_bytes: u64,
    /// Time for a film of [`FILM_FRAMES`] frames of this size.
    film_seconds: f64,
}

pub(super) async fn run(bench: Bench) -> anyhow::Result<Ending> {
    let requests = requests(&bench, &[Root::new(&bench.root.root)?.models()])?;
    // No video is opened.
    let program = worker_program(true)?;
    let shutdown = shutdown_on_signal()?;
    let mut view = View::new(&requests, bench.json);
    let mut ending = Ending::Done;
    for (index, request) in requests.iter().enumerate() {
        view.begin(index, request);
        let measured = tokio::select! {
            measured = measure(&program, request, &view) => measured,
            // The worker goes with the future that owns it.
            () = shutdown.requested() => {
                ending = Ending::Stopped;
                break;
            }
        };
        match measured {
            Ok(report) => view.show(&Case::new(request, report))?,
            Err(error) => {
                view.fail(request, &error);
                ending = Ending::Failed;
            }
        }
    }
    view.end()?;
    Ok(ending)
}

/// Every size for every model.
fn requests(bench: &Bench, folders: &[PathBuf]) -> anyhow::Result<Vec<BenchRequest>> {
    let names = if bench.models.is_empty() { model::networks(folders) } else { bench.models.clone() };
    let mut requests = Vec::new();
    for name in names {
        let model = model::find(&name, folders)?;
        if model == Model::None {
            return Err(wrong(format!(
                "the model `none` has no network to measure: choose one of {}",
                model::networks(folders).join(", ")
            )));
        }
        requests.extend(bench.sizes.iter().map(|size| BenchRequest {
            model: model.clone(),
            engine: bench.engine.clone(),
            threads: config::engine_threads(bench.threads),
            width: size.width,
            height: size.height,
            seconds: bench.seconds,
        }));
    }
    Ok(requests)
}

/// Measures one case in a worker of its own, so that the memory is that of this case alone.
async fn measure(
    program: &WorkerProgram,
    request: &BenchRequest,
    view: &View,
) -> anyhow::Result<BenchReport> {
    let settings = Settings { model: request.model.clone(), ..Settings::default() };
    let access = Access { read: settings.model_files().collect(), ..Access::default() };
    let mut worker = WorkerProcess::start(program, access).await?;
    worker.send(&Request::Bench(request.clone())).await?;
    loop {
        match worker.receive(PATIENCE).await? {
            Response::Progress { frames, .. } => view.frames(frames),
            Response::Bench(report) => return Ok(report),
            Response::Failed(Failure { message, .. }) => bail!(remedies::sentence(&message)),
            _ => bail!("the worker gives no report: install both programs from the same build"),
        }
    }
}

impl Case {
    fn new(request: &BenchRequest, report: BenchReport) -> Self {
        let seconds_per_frame = report.seconds / f64::from(report.frames);
        Self {
            model: request.model.name().to_owned(),
            width: request.width,
            height: request.height,
            threads: request.threads,
            engine: request.engine.clone(),
            description: report.description,
            frames: report.frames,
            seconds: report.seconds,
            ms_per_frame: seconds_per_frame * 1e3,
            fps: 1.0 / seconds_per_frame,
            gflops: report.flops_per_frame / seconds_per_frame / 1e9,
            peak_rss_bytes: report.peak_rss_bytes,
            film_seconds: seconds_per_frame * FILM_FRAMES,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    fn bench(arguments: &[&str]) -> Result<Bench, clap::Error> {
        let line = [&["upscaled", "bench"], arguments].concat();
        match crate::cli::Arguments::try_parse_from(line)?.command {
            crate::cli::Command::Bench(bench) => Ok(bench),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_film_follows_from_the_time_of_a_frame() {
        let request = &requests(&bench(&["--size", "64x36"]).unwrap(), &[]).unwrap()[0];
        let report = BenchReport {
            description: "cpu".to_owned(),
            frames: 10,
            seconds: 5.0,
            flops_per_frame: 50e9,
            peak_rss_bytes: 1,
        };
        let case = Case::new(request, report);
        let close = |found: f64, wanted: f64| assert!((found / wanted - 1.0).abs() < 1e-9, "{case:?}");
        close(case.ms_per_frame, 500.0);
        close(case.fps, 2.0);
        close(case.gflops, 100.0);
        // 90 minutes at 24 frames a second are 129 600 frames.
        close(case.film_seconds, 64_800.0);
    }

    #[test]
    fn every_size_is_measured_for_every_model() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("mine.pth"), b"x").unwrap();
        let folders = [folder.path().to_owned()];
        let all = requests(&bench(&[]).unwrap(), &folders).unwrap();
        let cases: Vec<_> = all.iter().map(|one| (one.model.name(), one.width, one.height)).collect();
        assert_eq!(cases.len(), 9);
        assert_eq!(cases[0], (job::DEFAULT_MODEL, 320, 180));
        assert_eq!(cases[8], ("mine", 1280, 720));
        let some = bench(&["--model", "mine", "--size", "1x2", "3x4", "--size", "5x6", "--threads", "3"]);
        let some = requests(&some.unwrap(), &folders).unwrap();
        assert_eq!(some.iter().map(|one| one.width).collect::<Vec<_>>(), [1, 3, 5]);
        assert!(some.iter().all(|one| one.threads == 3 && one.engine == "cpu"));
        for missing in ["none", "other"] {
            assert!(requests(&bench(&["--model", missing]).unwrap(), &folders).is_err());
        }
    }

    #[test]
    fn times_to_measure_are_checked() {
        for wrong in ["-1", "NaN", "inf", "1e9", "x", ""] {
            assert!(bench(&[&format!("--seconds={wrong}")]).is_err(), "{wrong}");
        }
        assert!(bench(&["--seconds", "0.5"]).is_ok());
    }
}
