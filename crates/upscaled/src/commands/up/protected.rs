//! Folders of a server below which nothing may be written.

use coordinator::commands::Refusal;

use super::plan::Planned;
use crate::config;
use crate::root::Root;
use crate::words;

/// Refuses the files whose results would lie in such a folder.
///
/// # Errors
/// When the server's settings have a mistake.
pub(super) fn refuse(root: &Root, planned: &mut [anyhow::Result<Planned>]) -> anyhow::Result<()> {
    let read_only = config::read_only_folders(root)?;
    for file in planned {
        let Ok(Planned { output, .. }) = file else { continue };
        if let Some(folder) = read_only.iter().find(|folder| storage::is_below(output, folder)) {
            *file = Err(words::refused(&Refusal::ReadOnly { folder: folder.clone().into() }));
        }
    }
    Ok(())
}
