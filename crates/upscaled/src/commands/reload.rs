//! `reload`: lets a server that runs read its settings again.

use coordinator::commands::{Reply, Request};
use coordinator::socket::{Hello, Role};

use super::serve::ServerSettings;
use super::unexpected;
use crate::cli::{Choices, HttpChoice, Reload};
use crate::exit::Ending;
use crate::output;
use crate::reach::{Reached, ask, reach};
use crate::root::Root;
use crate::words::tell_set;
use crate::wrap;

pub(super) async fn run(reload: Reload) -> anyhow::Result<Ending> {
    let root = Root::new(&reload.root.root)?;
    root.check_rights()?;
    ServerSettings::read(&root, &Choices::default(), &HttpChoice::default()).await?;
    let Some(server) = server(&root).await? else {
        output::say("no server runs here: the next one reads the settings at its start");
        return Ok(Ending::Done);
    };
    let Reply::Reloaded(changes) = ask(&root, Request::Reload).await? else { return Err(unexpected()) };
    wrap::say(
        "the settings are sound and taken up: new jobs have them, folders are watched and the schedule holds as they say, and threads, workers, max_disk, keep_time and subtitle_files hold for all from the next piece of work on, unconfined, listen and hosts from the next start on",
    );
    for change in changes {
        wrap::say(&output::one_line(&format!("changed: {change}")));
    }
    tell_set(&server);
    Ok(Ending::Done)
}

/// The server that runs in the folder.
async fn server(root: &Root) -> anyhow::Result<Option<Hello>> {
    if !root.state().is_dir() {
        return Ok(None);
    }
    Ok(match reach(root).await? {
        Reached::Other(client) => Some(client.hello).filter(|hello| hello.role == Role::Server),
        Reached::Own(_) => None,
    })
}
