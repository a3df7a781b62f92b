//! The settings of a server, and how new ones are taken up while it runs.

use std::time::Duration;

use coordinator::{Inbox, InboxOptions, Shutdown};
use job::Settings;
use tokio::signal::unix::Signal;

use crate::cli::Choices;
use crate::commands::ask;
use crate::config::{self, Watching};
use crate::root::Root;

/// Time between two looks whether a person asks for new settings.
const LOOK: Duration = Duration::from_secs(1);

/// What `upscaled.toml` and the command line say together.
pub(crate) struct ServerSettings {
    pub(super) choices: Choices,
    pub(super) job: Settings,
    pub(super) watching: Watching,
}

impl ServerSettings {
    /// Reads the file and checks all that can be checked, with the options of the command line over it.
    pub(crate) async fn read(root: &Root, line: &Choices) -> anyhow::Result<Self> {
        let file = root.settings_file();
        let (choices, job) = config::complete(line, &file, &[root.models()])?;
        ask::try_encoder_of(&job, line, &file).await?;
        Ok(Self { choices, job, watching: config::watching(&file)? })
    }
}

/// Watches the input folder until a person asks to stop, with new settings whenever a person asks for them and they are
/// sound. `base` has what never changes.
pub(super) async fn watch_input(
    root: &Root,
    line: &Choices,
    base: InboxOptions,
    mut hang_up: Option<Signal>,
    shutdown: &Shutdown,
) {
    let mut options = base;
    loop {
        let stop = Shutdown::new();
        let inbox = Inbox::new(options.clone());
        let mut watching = std::pin::pin!(inbox.run(&stop));
        let new = tokio::select! {
            () = &mut watching => return,
            () = shutdown.requested() => None,
            new = next(root, line, &mut hang_up) => Some(new),
        };
        stop.request();
        watching.await;
        let Some(new) = new else { return };
        options.settings = new.job;
        (options.settle, options.rules) = (new.watching.settle, new.watching.rules);
    }
}

/// The next settings that a person asks for and that are sound.
async fn next(root: &Root, line: &Choices, hang_up: &mut Option<Signal>) -> ServerSettings {
    loop {
        asked(root, hang_up).await;
        match ServerSettings::read(root, line).await {
            Ok(settings) => {
                tracing::info!(
                    "the settings were read again: new jobs have them; threads, max_disk and keep_time hold from the next start on"
                );
                return settings;
            }
            Err(error) => tracing::error!("the settings stay as they are: {error:#}"),
        }
    }
}

/// Waits until SIGHUP comes or `upscaled reload` leaves its file.
async fn asked(root: &Root, hang_up: &mut Option<Signal>) {
    loop {
        let signal = async {
            match hang_up {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        if tokio::time::timeout(LOOK, signal).await.is_ok()
            || std::fs::remove_file(root.reload_file()).is_ok()
        {
            return;
        }
    }
}
