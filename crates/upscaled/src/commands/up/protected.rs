//! Folders of a server below which nothing may be written.

use coordinator::WatchFolder;
use coordinator::commands::Refusal;

use super::plan::Planned;
use crate::cli::Choices;
use crate::config;
use crate::root::Root;
use crate::words;

/// Refuses the files whose results would lie in such a folder.
///
/// # Errors
/// When the server's settings have a mistake.
pub(super) fn refuse(root: &Root, planned: &mut [anyhow::Result<Planned>]) -> anyhow::Result<()> {
    let folders = config::watch_folders(&Choices::default(), root)?;
    let read_only: Vec<&WatchFolder> = folders.iter().filter(|folder| folder.read_only).collect();
    for file in planned {
        let Ok(Planned { output, .. }) = file else { continue };
        if let Some(folder) = read_only.iter().find(|folder| storage::is_below(output, &folder.input)) {
            *file = Err(words::refused(&Refusal::ReadOnly { folder: folder.input.clone().into() }));
        }
    }
    Ok(())
}
