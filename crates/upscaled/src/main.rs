//! `upscaled`: enlarges videos with neural networks, hands off. The command line and the server.

mod choice;
mod cli;
mod command;
mod commands;
mod config;
mod exit;
mod log;
mod model;
mod output;
mod progress;
mod root;
mod signals;
mod size;
mod supervisor;
mod time_span;

use clap::Parser as _;

fn main() -> std::process::ExitCode {
    let arguments = cli::Arguments::parse();
    exit::code(commands::run(arguments))
}
