//! The files to try.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// All files that are named or lie in folders that are named, at any depth, in the order of their names. Links to files
/// count; links to folders are not followed, since they may lead round in circles.
pub(crate) fn find(inputs: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for input in inputs {
        let path = input.canonicalize().with_context(|| format!("`{}` cannot be found", input.display()))?;
        if path.is_dir() {
            add_folder(&path, &mut files)?;
        } else {
            files.push(path);
        }
    }
    Ok(files)
}

fn add_folder(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading the folder {}", folder.display()))?;
    let mut entries = entries.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        if entry.file_type()?.is_dir() {
            add_folder(&entry.path(), files)?;
        } else if entry.path().is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}
