//! `generate`: what shells and manuals need of the command line.

use clap::CommandFactory as _;

use crate::cli::{Arguments, Generate, Generated};
use crate::exit::Ending;
use crate::output;
use crate::root::make_folder;

pub(super) fn run(generate: Generate) -> anyhow::Result<Ending> {
    let mut command = Arguments::command();
    match generate.what {
        Generated::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command, "upscaled", &mut script);
            output::raw(&script)?;
        }
        Generated::Man { folder } => {
            make_folder(&folder)?;
            clap_mangen::generate_to(command, &folder)?;
            output::say(&format!(
                "the pages are in `{}`: man -l {}",
                output::path(&folder),
                output::path(&folder.join("upscaled.1"))
            ));
        }
    }
    Ok(Ending::Done)
}
