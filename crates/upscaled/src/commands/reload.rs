//! `reload`: lets a server that runs read its settings again.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use storage::FolderLock;

use super::serve::ServerSettings;
use crate::cli::{Choices, Reload};
use crate::exit::Ending;
use crate::output;
use crate::root::Root;

/// How long a server has for it: it looks every second, and a new look at the input folder may be under way.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(100);

pub(super) async fn run(reload: Reload) -> anyhow::Result<Ending> {
    let root = Root::new(&reload.root.root)?;
    root.check_rights()?;
    ServerSettings::read(&root, &Choices::default()).await?;
    let file = root.reload_file();
    if !root.state().is_dir() || FolderLock::acquire(&root.state()).is_ok() {
        output::say("no server runs here: the next one reads the settings at its start");
        return Ok(Ending::Done);
    }
    let shown = output::path(&file);
    std::fs::write(&file, b"")
        .with_context(|| format!("`{shown}` cannot be written; run this as the server's user"))?;
    let asked = Instant::now();
    while file.exists() {
        if asked.elapsed() > PATIENCE {
            let _ = std::fs::remove_file(&file);
            anyhow::bail!("the server does not answer: its log says what it does");
        }
        tokio::time::sleep(LOOK).await;
    }
    output::say(
        "the settings are sound and taken up: new jobs have them, and threads, max_disk, keep_time and subtitle_files hold for all from the next piece of work on, name and unconfined from the next start on; the log lists what changed",
    );
    Ok(Ending::Done)
}
