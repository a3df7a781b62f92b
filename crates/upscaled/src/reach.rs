//! Where what a person asks for is done: by the server that runs in the folder, else here.

use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};
use coordinator::commands::{Reply, Request};
use coordinator::socket::{Client, ClientError, Hello, Role, connect};
use coordinator::{AccessRequest, Handle};
use ledger::Ledger;
use storage::FolderLock;

use crate::clock::Clock;
use crate::output;
use crate::root::{Root, ledger_file, make_folder};
use crate::words;

/// How long another process may have the folder without answering: a server that starts or stops, or a command that is done in
/// a moment.
const PATIENCE: Duration = Duration::from_secs(10);
/// Time between two tries.
const PAUSE: Duration = Duration::from_millis(50);

/// Who has the folder of a server.
pub(crate) enum Reached {
    /// A process that answers.
    Other(Box<Client>),
    /// This one, as long as the lock is held.
    Own(FolderLock),
}

/// Finds out which process has the folder of a server, and takes it where none has. Its state must be there.
///
/// # Errors
/// When another user has it, or a process that does not answer or is of another version.
pub(crate) async fn reach(root: &Root) -> anyhow::Result<Reached> {
    let begun = Instant::now();
    loop {
        let trouble = match connect(&root.state()).await {
            Ok(Some(client)) => return Ok(Reached::Other(Box::new(client))),
            Ok(None) => {
                root.check_rights()?;
                match FolderLock::acquire(&root.state()) {
                    Ok(lock) => return Ok(Reached::Own(lock)),
                    Err(error @ storage::Error::InUse { .. }) => silent(root, &error),
                    Err(error) => return Err(error.into()),
                }
            }
            Err(error @ ClientError::Busy) => explain(root, &error),
            Err(error) => return Err(explain(root, &error)),
        };
        if begun.elapsed() >= PATIENCE {
            return Err(trouble);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Does what is asked for, where it is to be done.
///
/// # Errors
/// When nothing was done, in the words of the command line.
pub(crate) async fn ask(root: &Root, request: Request) -> anyhow::Result<Reply> {
    Ok(answer(root, request).await?.reply)
}

/// What came of a request, and who did it.
pub(crate) struct Answer {
    pub(crate) reply: Reply,
    /// A server, which works on all jobs.
    pub(crate) is_of_server: bool,
}

/// As [`ask`], for who wants to know whether a server runs.
///
/// # Errors
/// As for [`ask`].
pub(crate) async fn answer(root: &Root, request: Request) -> anyhow::Result<Answer> {
    let begun = Instant::now();
    loop {
        let client = match reach_jobs(root, &request).await? {
            Target::Server(client) => client,
            Target::Here { ledger, _lock, _copy } => {
                let done = Handle::alone(ledger.clone()).perform(request).await;
                ledger.close().await;
                let reply = done.map_err(|refusal| words::refused(&refusal))?;
                return Ok(Answer { reply, is_of_server: false });
            }
        };
        let is_of_server = client.hello.role == Role::Server;
        match client.ask(&request).await {
            // It is about to stop, or was asked by too many at once: nothing was done.
            Err(ClientError::Busy) if begun.elapsed() < PATIENCE => tokio::time::sleep(PAUSE).await,
            Err(error) => return Err(explain(root, &error)),
            Ok(reply) => return Ok(Answer { reply, is_of_server }),
        }
    }
}

/// Where a request is done.
enum Target {
    Server(Box<Client>),
    /// With this ledger, as long as the lock or the folder of the copy is held.
    Here {
        ledger: Ledger,
        _lock: Option<FolderLock>,
        _copy: Option<tempfile::TempDir>,
    },
}

async fn reach_jobs(root: &Root, request: &Request) -> anyhow::Result<Target> {
    let file = ledger_file(&root.state());
    if makes_ledger(request) {
        make_folder(&root.state())?;
    } else if !file.is_file() {
        // A server that answers has its ledger, wherever that is. Nothing is made here by looking.
        return match connect(&root.state()).await {
            Ok(Some(client)) => Ok(Target::Server(Box::new(client))),
            Ok(None) => {
                root.check_rights()?;
                Err(no_jobs(root))
            }
            Err(error) => Err(explain(root, &error)),
        };
    }
    let is_looking = matches!(request, Request::List(_) | Request::Show(_));
    match reach(root).await {
        Ok(Reached::Other(client)) => Ok(Target::Server(client)),
        Ok(Reached::Own(lock)) => {
            Ok(Target::Here { ledger: root.open_ledger().await?, _lock: Some(lock), _copy: None })
        }
        // Nothing can be written here, so no process changes what is there.
        Err(error) if is_looking && is_read_only(&error) => {
            let folder = tempfile::Builder::new().prefix("upscaled-").tempdir()?;
            let ledger = Ledger::open_copy(&file, &ledger_file(folder.path())).await?;
            Ok(Target::Here { ledger, _lock: None, _copy: Some(folder) })
        }
        Err(error) => Err(error),
    }
}

/// True for what is done before a server was ever started.
fn makes_ledger(request: &Request) -> bool {
    matches!(
        request,
        Request::Submit(_)
            | Request::Adopt(_)
            | Request::Access(AccessRequest::SetPassword(_) | AccessRequest::CreateToken { .. })
    )
}

fn no_jobs(root: &Root) -> anyhow::Error {
    anyhow!(
        "there are no jobs in `{}`: start `upscaled serve` there, or name its folder with --root",
        root.folder().display()
    )
}

/// True where the disk takes no changes at all.
fn is_read_only(error: &anyhow::Error) -> bool {
    let Some(storage::Error::Io { source, .. }) = error.downcast_ref() else { return false };
    source.kind() == std::io::ErrorKind::ReadOnlyFilesystem
}

/// That a process has the folder and does not answer.
fn silent(root: &Root, holder: &storage::Error) -> anyhow::Error {
    let holder = match holder {
        storage::Error::InUse { owner, .. } => owner.clone(),
        other => other.to_string(),
    };
    anyhow!(
        "{holder} has `{}` and does not answer: its log says what it does; wait for its end, or end it and start the server again",
        root.state().display()
    )
}

/// Why there is no answer, and what to do.
fn explain(root: &Root, error: &ClientError) -> anyhow::Error {
    let holder = || match FolderLock::acquire(&root.state()) {
        Err(error @ storage::Error::InUse { .. }) => silent(root, &error),
        _ => anyhow!("the server has ended meanwhile: do this again"),
    };
    match error {
        ClientError::Refused(refusal) => words::refused(refusal),
        ClientError::OtherVersion(hello) => anyhow!(
            "the server is of version {} and this program of version {}: restart the server, or use its own upscaled ({})",
            output::one_line(&hello.version),
            env!("CARGO_PKG_VERSION"),
            describe(hello),
        ),
        ClientError::OtherUser => match root.check_rights() {
            Err(error) => error,
            Ok(()) => {
                anyhow!("the server here answers its own user alone: run this as that user, with sudo -u")
            }
        },
        ClientError::Silent => holder(),
        ClientError::BrokenOff => {
            anyhow!("{error}: its log says why, and `upscaled list` what was done")
        }
        ClientError::Busy => anyhow!("{error}: do this again in a moment"),
        ClientError::Io(_) => anyhow!("{error}: start the server again"),
    }
}

/// The process that answers, in words.
fn describe(hello: &Hello) -> String {
    let since = Clock::system().long(hello.since);
    format!("process {}, of version {}, since {since}", hello.process, output::one_line(&hello.version))
}

/// Takes the folder for a server.
///
/// # Errors
/// When another process has it: says which.
pub(crate) async fn take(root: &Root) -> anyhow::Result<FolderLock> {
    match reach(root).await {
        Ok(Reached::Own(mut lock)) => {
            let since = Clock::system();
            lock.describe(&format!(
                "upscaled {}, since {}",
                env!("CARGO_PKG_VERSION"),
                since.long(since.now)
            ));
            Ok(lock)
        }
        Ok(Reached::Other(client)) => match client.hello.role {
            Role::Server => bail!("another server runs here: {}", describe(&client.hello)),
            Role::Command => {
                bail!("`upscaled up` works here: {}; wait for its end, or stop it", describe(&client.hello))
            }
        },
        // It cannot be locked at all.
        Err(error) if error.is::<storage::Error>() => Err(error),
        Err(error) => Err(error.context("another server runs here")),
    }
}
