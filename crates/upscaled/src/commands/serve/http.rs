//! What a server answers over HTTP.

use std::sync::Arc;

use coordinator::{Access, FileTree, PasswordState, ServerFolder, Shutdown, now};
use server::{About, Options, Server};

use super::configuration::ServerConfiguration;
use super::offer::ServerOffer;
use super::settings::ServerSettings;
use crate::config::Listening;
use crate::exit::wrong;
use crate::log::Tail;
use crate::output;
use crate::remedies;
use crate::root::Root;

/// Refuses addresses that other machines reach while no password is set.
pub(super) async fn check_password(
    listening: &Listening,
    root: &Root,
    access: &Access,
) -> anyhow::Result<()> {
    let state = access.password_state().await?;
    let (cause, remedy) = match state {
        PasswordState::Set => return Ok(()),
        PasswordState::Unset => ("no password is set", "set one"),
        PasswordState::Lost => ("the password was lost with the ledger", "set a new one"),
    };
    let folder = output::path(root.folder());
    if let Some(address) = listening.addresses.iter().find(|address| !address.ip().is_loopback()) {
        return Err(wrong(format!(
            "{address} can be reached from other machines, and {cause}: {remedy} with `upscaled password --root {folder}`, or listen on 127.0.0.1"
        )));
    }
    if state == PasswordState::Lost && !listening.addresses.is_empty() {
        tracing::warn!(
            "{cause}, and the page answers no request until it is replaced: {remedy} with `upscaled password --root {folder}`, or add --remove to do without"
        );
    }
    Ok(())
}

/// What tells the server of the machine, of the program's settings and of its log.
pub(super) struct Tells {
    pub(super) offer: Arc<ServerOffer>,
    pub(super) configuration: Arc<ServerConfiguration>,
    pub(super) tail: Tail,
}

/// Takes the addresses; `None` where nothing is to be answered, or another program has the usual address, which no person chose.
///
/// # Errors
/// When a chosen address cannot be had.
pub(super) async fn bind(
    settings: &ServerSettings,
    root: &Root,
    tells: Tells,
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
        unconfined: settings.choices.unconfined.is_on(),
    };
    let options = Options {
        addresses: listening.addresses.clone(),
        hosts: listening.hosts.clone(),
        about,
        input: ServerFolder::new(root.input(), &root.state()),
        uploads: root.uploads(),
        tree: tree(root),
        offer: tells.offer,
        configuration: tells.configuration,
        log: Arc::new(tells.tail),
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

/// The videos that clients may name: those below the root, but for what is the server's own.
fn tree(root: &Root) -> FileTree {
    let closed = vec![root.state(), root.models(), root.logs()];
    FileTree::new(root.folder().to_owned(), root.input(), root.output(), closed)
}
