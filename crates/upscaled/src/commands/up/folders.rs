//! The videos that a command names, one by one or by their folders.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use coordinator::{NameRules, Output, ScanOptions, Scanned, Standing, WatchFolder, WorkerProgram, scan};

use crate::cli::Up;
use crate::output;

/// A file of the command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) file: PathBuf,
    /// The folder that it lies in, below the one that was named: results keep it.
    pub(super) inside: PathBuf,
}

/// All files that the command names; where it is to take folders, the videos of these in their place. Results in its output are
/// no videos to enlarge.
///
/// # Errors
/// When a folder cannot be read.
pub(super) async fn files(up: &Up, skip_samples: bool, worker: &WorkerProgram) -> anyhow::Result<Vec<Named>> {
    let mut files: Vec<Named> = Vec::new();
    for name in &up.files {
        if up.recursive && name.is_dir() {
            let rules = NameRules { skip_samples, ..NameRules::default() };
            files.extend(videos(name, up.output.as_deref(), rules, worker).await?);
        } else {
            files.push(Named { file: name.clone(), inside: PathBuf::new() });
        }
    }
    // A file that is named twice is made once.
    let mut seen = HashSet::new();
    files.retain(|named| named.file.canonicalize().map_or(true, |path| seen.insert(path)));
    Ok(files)
}

/// The videos in a folder and below, by the rules of the watch folder and in the order of their names.
async fn videos(
    folder: &Path,
    output: Option<&Path>,
    rules: NameRules,
    worker: &WorkerProgram,
) -> anyhow::Result<Vec<Named>> {
    let shown = output::path(folder);
    let folder = folder.canonicalize().with_context(|| format!("`{shown}` cannot be read"))?;
    let results = output.and_then(|output| output.canonicalize().ok()).map_or(Output::Beside, Output::Into);
    let options = ScanOptions {
        folders: vec![WatchFolder::new(folder.clone(), results)],
        rules,
        ledger: None,
        worker: worker.clone(),
    };
    let found = scan(&options).await?;
    let passed = found.iter().filter(|found| found.standing != Standing::Wanted).count();
    if passed > 0 {
        let are =
            if passed == 1 { "1 file or folder is" } else { &format!("{passed} files and folders are") };
        output::say(&format!("{are} passed over in `{shown}`: no videos, results, or still written to"));
    }
    let wanted = found.into_iter().filter(|found| found.standing == Standing::Wanted);
    let mut files: Vec<PathBuf> = wanted.map(|Scanned { path, .. }| path).collect();
    files.sort();
    let inside = |file: &Path| file.strip_prefix(&folder).ok()?.parent().map(Path::to_owned);
    Ok(files.into_iter().map(|file| Named { inside: inside(&file).unwrap_or_default(), file }).collect())
}
