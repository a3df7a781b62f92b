//! Chores of the project that are not part of the program.
//!
//! `cargo run -p xtask -- convert-models FOLDER` makes the built-in models in `models/` from ncnn files.

use std::path::PathBuf;

use anyhow::{Context, bail};

mod convert_models;
mod sha256;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["convert-models", folder] => convert_models::run(&PathBuf::from(folder), &models_folder()?),
        _ => bail!("usage: cargo run -p xtask -- convert-models FOLDER-WITH-NCNN-FILES"),
    }
}

/// The workspace's `models/`.
fn models_folder() -> anyhow::Result<PathBuf> {
    let xtask = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let workspace = xtask.parent().context("xtask lies outside of a workspace: run it from the checkout")?;
    Ok(workspace.join("models"))
}
