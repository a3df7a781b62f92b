//! `upscaled`: enlarges videos with neural networks, hands off. The command line and the server.

mod batch;
mod choice;
mod cli;
mod clock;
mod command;
mod commands;
mod config;
mod exit;
mod log;
#[cfg(test)]
mod made_up;
mod model;
mod output;
mod privileges;
mod progress;
mod reach;
mod remedies;
mod root;
mod selector;
mod signals;
mod size;
mod status_file;
mod supervisor;
mod switch;
mod table;
mod terminal;
mod time_span;
mod words;
mod wrap;

use clap::Parser as _;

fn main() -> std::process::ExitCode {
    let kept = privileges::give_up();
    let arguments = cli::Arguments::parse();
    if let Some(kept) = kept {
        output::error(&kept);
    }
    exit::code(commands::run(arguments))
}
