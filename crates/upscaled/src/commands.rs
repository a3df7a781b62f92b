//! One module a command.

mod ask;
mod bench;
mod config;
mod doctor;
mod forget;
mod generate;
mod import;
mod jobs;
mod library;
mod list;
mod models;
mod password;
mod preview;
mod reload;
mod scan;
mod serve;
mod show;
mod token;
mod up;
mod webhook;

use anyhow::Context as _;
use coordinator::WorkerProgram;

use crate::cli::{Arguments, Command};
use crate::exit::Ending;

/// Runs the command that was asked for.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<Ending> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let ending = runtime.block_on(async {
        match arguments.command {
            Command::Up(up) => Box::pin(up::run(up)).await,
            Command::Preview(preview) => preview::run(preview).await,
            Command::Serve(serve) => serve::run(serve).await,
            Command::List(listing) => list::run(listing).await,
            Command::Show(show) => show::run(show).await,
            Command::Scan(scan) => scan::run(scan).await,
            Command::Library(arguments) => library::run(arguments).await,
            Command::Import(arguments) => import::run(arguments).await,
            Command::Cancel(chosen) => jobs::cancel(chosen).await,
            Command::Retry(retry) => jobs::retry(*retry).await,
            Command::Remove(chosen) => jobs::remove(chosen).await,
            Command::Forget(forget) => forget::run(forget).await,
            Command::Pause(pause) => jobs::pause(pause).await,
            Command::Resume(resume) => jobs::resume(resume).await,
            Command::Priority(urgency) => jobs::prioritize(urgency).await,
            Command::Move(moving) => jobs::set_position(moving).await,
            Command::Doctor(doctor) => doctor::run(doctor).await,
            Command::Bench(bench) => bench::run(bench).await,
            Command::Models(models) => models::run(models).await,
            Command::Config(wanted) => config::run(&wanted).await,
            Command::Reload(reload) => reload::run(reload).await,
            Command::Password(change) => password::run(change).await,
            Command::Token(token) => token::run(token.what).await,
            Command::Webhook(arguments) => webhook::run(arguments.what).await,
            Command::Generate(generate) => generate::run(generate),
        }
    });
    // A thread that is still reading a large file must not hold the end up.
    runtime.shutdown_background();
    ending
}

/// That a server gave a reply to another question.
fn unexpected() -> anyhow::Error {
    anyhow::anyhow!("the server answers something else: restart it from the same build as this program")
}

/// What workers run: the executable named in the environment, else the one beside this program. With `unconfined`, they may
/// open files where this system cannot confine them.
fn worker_program(unconfined: bool) -> anyhow::Result<WorkerProgram> {
    if let Some(path) = std::env::var_os("UPSCALED_WORKER") {
        return Ok(WorkerProgram { path: path.into(), unconfined });
    }
    let program = std::env::current_exe().context("the program does not know where it is")?;
    let path = program.with_file_name("upscaled-worker");
    Ok(WorkerProgram { path, unconfined })
}
