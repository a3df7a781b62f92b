//! What a server answers over HTTP.

use coordinator::{ServerFolder, Shutdown, now};
use server::{About, Options, Server};

use super::settings::ServerSettings;
use crate::exit::wrong;
use crate::remedies;
use crate::root::Root;

/// Takes the addresses; `None` where nothing is to be answered, or another program has the usual address, which no person chose.
///
/// # Errors
/// When a chosen address cannot be had.
pub(super) async fn bind(
    settings: &ServerSettings,
    root: &Root,
    shutdown: Shutdown,
) -> anyhow::Result<Option<Server>> {
    let listening = &settings.listening;
    if listening.addresses.is_empty() {
        return Ok(None);
    }
    let about = About {
        version: env!("CARGO_PKG_VERSION"),
        started: now(),
        root: root.folder().to_owned(),
        input: root.input(),
        output: root.output(),
        model: settings.job.model.name().to_owned(),
        unconfined: settings.choices.unconfined.is_on(),
    };
    let options = Options {
        addresses: listening.addresses.clone(),
        hosts: listening.hosts.clone(),
        about,
        input: ServerFolder::new(root.input(), &root.state()),
        uploads: root.uploads(),
        words: remedies::words,
        shutdown,
    };
    match Server::bind(options).await {
        Ok(server) => Ok(Some(server)),
        Err(error) if listening.is_default => {
            tracing::warn!(
                "there is no page: {error}; choose another address with --listen, or --no-http to do without"
            );
            Ok(None)
        }
        Err(error) => Err(wrong(format!("{error}: choose another address with --listen"))),
    }
}
