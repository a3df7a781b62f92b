//! Chores of the project that are not part of the program.
//!
//! `cargo run -p xtask -- convert-models FOLDER` makes the built-in models in `models/` from ncnn files.
//! `cargo run -p xtask -- eta` says how true the time left is that a server shows.
//! `cargo run -p xtask -- fidelity FOLDER|FILE...` upscales files and compares each result with its source.
//! `cargo run -p xtask -- lanes` says how busy the engine is while a server works a queue of films off.
//! `cargo run -p xtask -- mutate FOLDER|FILE...` damages files in many ways and looks what the program makes of them.
//! `cargo run -p xtask -- same-bits` runs many cases many times, in other memory and killed, and compares the results.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};

mod convert_models;
mod eta;
mod fidelity;
mod files;
mod lanes;
mod mutate;
mod same_bits;
mod tool;

fn main() -> anyhow::Result<ExitCode> {
    // Files may have names that are no UTF-8.
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    match arguments.split_first() {
        Some((command, [folder])) if command == "convert-models" => {
            convert_models::run(&PathBuf::from(folder), &models_folder()?)?;
            Ok(ExitCode::SUCCESS)
        }
        Some((command, rest)) if command == "eta" => eta::run(rest),
        Some((command, rest)) if command == "fidelity" => fidelity::run(rest),
        Some((command, rest)) if command == "lanes" => lanes::run(rest),
        Some((command, rest)) if command == "mutate" => mutate::run(rest),
        Some((command, rest)) if command == "same-bits" => same_bits::run(rest),
        _ => bail!(
            "usage: cargo run -p xtask -- convert-models FOLDER-WITH-NCNN-FILES, or\n       {}, or\n       {}, or\n       {}, or\n       {}, or\n       {}",
            eta::USAGE,
            fidelity::USAGE,
            lanes::USAGE,
            mutate::USAGE,
            same_bits::USAGE
        ),
    }
}

/// The workspace's `models/`.
fn models_folder() -> anyhow::Result<PathBuf> {
    let xtask = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let workspace = xtask.parent().context("xtask lies outside of a workspace: run it from the checkout")?;
    Ok(workspace.join("models"))
}
