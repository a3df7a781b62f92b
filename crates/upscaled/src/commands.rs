//! One module a command.

mod bench;
mod doctor;
mod jobs;
mod preview;
mod scan;
mod serve;
mod up;

use std::path::PathBuf;

use anyhow::Context as _;

use crate::cli::{Arguments, Command};
use crate::exit::Ending;

/// Runs the command that was asked for.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<Ending> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let ending = runtime.block_on(async {
        match arguments.command {
            Command::Up(up) => up::run(up).await,
            Command::Preview(preview) => preview::run(preview).await,
            Command::Serve(serve) => serve::run(serve).await,
            Command::Scan(scan) => scan::run(scan).await,
            Command::List(listing) => jobs::list(listing).await,
            Command::Show(show) => jobs::show(show).await,
            Command::Cancel(chosen) => jobs::cancel(chosen).await,
            Command::Retry(chosen) => jobs::retry(chosen).await,
            Command::Pause(chosen) => jobs::pause(chosen).await,
            Command::Resume(chosen) => jobs::resume(chosen).await,
            Command::Priority(urgency) => jobs::prioritize(urgency).await,
            Command::Move(moving) => jobs::set_place(moving).await,
            Command::Doctor(doctor) => doctor::run(doctor).await,
            Command::Bench(bench) => bench::run(bench).await,
        }
    });
    // A thread that is still reading a large file must not hold the end up.
    runtime.shutdown_background();
    ending
}

/// The worker executable: the one named in the environment, else the one beside this program.
fn worker_executable() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("UPSCALED_WORKER") {
        return Ok(path.into());
    }
    let program = std::env::current_exe().context("the program does not know where it is")?;
    Ok(program.with_file_name("upscaled-worker"))
}
