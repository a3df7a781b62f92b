//! `upscaled-worker`: everything that touches pixels. Started by `upscaled`, which tells it what to do through its
//! standard input and reads what became of it from its standard output.
//!
//! Goals: one request after the other, any of which may kill this process without harm to anything finished.
//! Non-goals: deciding what to do next, remembering what was done (those are the coordinator's).

mod bench;
mod doctor;
mod encoding;
mod estimate;
mod failure;
mod foresee;
mod frame_list;
mod index;
mod join;
mod memory;
mod model;
mod piece;
mod pipeline;
mod postprocess;
mod preview;
mod rehearsal;
mod results;
mod sandbox;
mod scene;
mod segment;
mod source;
mod still;
mod threads;
mod trace;
mod trial;
mod verifier;
mod wire;

use std::process::ExitCode;

use anyhow::bail;
use protocol::message::{Request, Response};
use tracing_subscriber::filter::LevelFilter;

use failure::Failed;
use memory::Neighbours;
use model::Upscaler;
use preview::Samples;
use still::Stills;
use wire::Progress;

/// How much sooner than by its size the system ends this process when memory runs out: as if it had half of all memory.
const OOM_SCORE: i32 = 500;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() != Some("--serve") {
        wire::say("upscaled-worker is started by `upscaled`, not by hand: see `upscaled help`");
        return ExitCode::from(2);
    }
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .without_time()
        .with_max_level(LevelFilter::WARN)
        .init();
    volunteer();
    if !die_with_server() {
        return ExitCode::FAILURE;
    }
    media::init();
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            wire::say(&format!("upscaled-worker: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Lets the system kill this process when the one that started it ends, however that ends: a decoder that hangs would not
/// see that the pipes are closed. False when it has ended already.
fn die_with_server() -> bool {
    let parent = rustix::process::getppid();
    if let Err(error) = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
    {
        tracing::warn!("this process may outlive the server: {error}");
    }
    // One that ended before the first look has closed the pipe of the requests, of which none was taken yet.
    rustix::process::getppid() == parent
}

/// Lets the system end this process, and not the server, when memory runs out: a worker's death costs a segment.
fn volunteer() {
    let place = "/proc/self/oom_score_adj";
    let raised = std::fs::read_to_string(place).and_then(|text| match text.trim().parse::<i32>() {
        // Who started this process may have put it in front already.
        Ok(score) if score >= OOM_SCORE => Ok(()),
        _ => std::fs::write(place, OOM_SCORE.to_string()),
    });
    if let Err(error) = raised {
        tracing::warn!("`{place}` cannot be set: {error}; the server may be ended when memory runs out");
    }
}

/// Answers requests until there are no more.
fn serve() -> anyhow::Result<()> {
    wire::send(&Response::Hello { version: env!("CARGO_PKG_VERSION").to_owned() })?;
    let Request::Confine(access) = wire::read_request()? else {
        bail!("the first message does not say what may be touched: both programs must be of the same build");
    };
    // Landlock holds for this thread and those that it starts: there must be no other yet.
    let sandbox_state = sandbox::enter(&access);
    wire::send(&Response::Confined(sandbox_state.clone()))?;
    let progress = Progress::default();
    let mut upscaler = Upscaler::default();
    let mut stills = Stills::default();
    let mut samples = Samples::default();
    let requests = wire::requests()?;
    while let Ok(request) = requests.recv() {
        let answer = match request {
            Request::Probe { source } => index::probe(&source),
            Request::Look { source, stream } => index::look(&source, stream),
            Request::Foresee { source, settings } => foresee::run(&source, &settings),
            Request::Index(request) => index::run(&request, &progress),
            Request::Segment(request) => {
                segment::run(&request, &mut upscaler, &progress, Neighbours::AskAbout(&requests))
            }
            Request::Join(request) => join::run(&request, &progress),
            Request::Bench(request) => bench::run(&request, &progress),
            Request::Preview(request) => preview::run(&request, &mut upscaler, &progress),
            Request::Frame(request) => stills.run(&request, &progress),
            Request::Sample(request) => samples.run(&request, &mut upscaler, &progress),
            Request::Piece(request) => piece::run(&request, &progress),
            Request::PieceTimes(request) => piece::times(&request),
            Request::Estimate(request) => estimate::run(&request, &mut upscaler, &progress),
            Request::Encoders => Ok(trial::all()),
            Request::TryEncoder(settings) => trial::run(&settings),
            Request::Model(model) => model::facts(&model).map(Response::Model),
            Request::PromisedMemory { .. } => Err(Failed::transient("no memory was asked for")),
            Request::Confine(_) => Err(Failed::last("the rights of this worker are given up for good")),
            Request::Doctor => Ok(Response::Doctor(doctor::run(&sandbox_state))),
        };
        wire::send(&answer.unwrap_or_else(|Failed(failure)| Response::Failed(failure)))?;
    }
    Ok(())
}
