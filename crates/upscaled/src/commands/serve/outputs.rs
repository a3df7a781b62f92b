//! Making the folders that results go to.

use std::path::Path;

use coordinator::ServerFolders;
use ledger::{Ledger, Record};

use crate::root::{Root, make_folder};

/// Makes the folders of the results, unless they are away: where one is missing and held unfinished work, jobs wait for it.
///
/// # Errors
/// When that of the server cannot be made, or the ledger fails.
pub(super) async fn make_outputs(
    root: &Root,
    folders: &ServerFolders,
    ledger: &Ledger,
) -> anyhow::Result<()> {
    let missing = folders.missing_results();
    if missing.is_empty() {
        return Ok(());
    }
    let unfinished = ledger.unfinished().await?;
    for folder in missing {
        let has_work =
            |record: &&Record| record.request.folder.starts_with(&folder) && record.job.frames_done() > 0;
        let kept = unfinished.iter().filter(has_work).count();
        let shown = folder.display();
        if kept > 0 {
            tracing::warn!(
                "`{shown}` is missing, which has the unfinished work of {kept} jobs: they wait for it; make the folder to begin them anew"
            );
        } else if folder == root.output() {
            make_folder(&folder)?;
        } else if folder.parent().is_some_and(Path::is_dir) {
            if let Err(error) = make_folder(&folder) {
                tracing::warn!("{error:#}");
            }
        } else {
            tracing::warn!("`{shown}` is missing, and the folder that it is to be in: jobs wait for it");
        }
    }
    Ok(())
}
