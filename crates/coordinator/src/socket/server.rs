//! The side of the server.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, timeout};

use super::address::{Address, NAME, NEW};
use super::messages::{Answer, Hello, LARGEST_ANSWER, MessageError, encode, read, write};
use crate::commands::{LARGEST_REQUEST, PAGE, Refusal, Reply, Request, pages, understand};
use crate::handle::Handle;
use crate::shutdown::Shutdown;

/// Most connections at once.
const CONNECTIONS: usize = 64;
/// Requests that are worked on at once; others wait for their turn. A reply to one may take as much memory as all jobs.
const AT_ONCE: usize = 8;
/// Time for a request to come.
const REQUEST_LIMIT: Duration = Duration::from_secs(5);
/// Time for a message to be taken.
const TAKING_LIMIT: Duration = Duration::from_secs(10);
/// Time between words that a request is worked on.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// Time for requests that are worked on when the server stops.
const STOP_LIMIT: Duration = Duration::from_secs(2);
/// Pause where no connection can be taken, as when no more files can be opened.
const PAUSE: Duration = Duration::from_millis(100);

/// Time between looks whether the socket is still there.
const LOOK: Duration = Duration::from_secs(2);

/// The socket of a server. It goes away when this is dropped.
#[derive(Debug)]
pub struct Listener {
    state: PathBuf,
    /// Who that folder was: in another one of its name, the socket is another server's.
    folder: Option<Identity>,
    bound: Bound,
    /// That it is gone and cannot be made anew was said.
    is_told: bool,
}

/// A socket that lies in a folder.
#[derive(Debug)]
struct Bound {
    listener: UnixListener,
    identity: Identity,
}

/// The device of a file and its number there.
type Identity = (u64, u64);

/// Who a file or folder is; `None` where there is none.
fn identity(path: &Path) -> Option<Identity> {
    path.symlink_metadata().ok().map(|found| (found.dev(), found.ino()))
}

impl Listener {
    /// Makes the socket in the folder of the state, in the place of one that a killed server left. The caller holds the lock
    /// of the folder.
    ///
    /// # Errors
    /// When it cannot be made there.
    pub fn bind(state: &Path) -> io::Result<Self> {
        let folder = identity(&state.join("."));
        Ok(Self { state: state.to_owned(), folder, bound: Bound::make(state)?, is_told: false })
    }

    /// Makes the socket anew where it is gone or something else lies in its place.
    fn keep(&mut self) {
        let is_ours = self.folder.is_some() && identity(&self.state.join(".")) == self.folder;
        if !is_ours || self.bound.is_in(&self.state) {
            return;
        }
        match Bound::make(&self.state) {
            Ok(bound) => {
                (self.bound, self.is_told) = (bound, false);
                tracing::warn!("the socket in `{}` was gone, and is made anew", self.state.display());
            }
            Err(error) if !std::mem::replace(&mut self.is_told, true) => tracing::warn!(
                "the socket in `{}` is gone and cannot be made anew: {error}; no command reaches this server",
                self.state.display()
            ),
            Err(_) => {}
        }
    }

    /// Answers until the shutdown is requested, and ends what is under way then.
    pub async fn answer(mut self, handle: Handle, hello: Hello, shutdown: Shutdown) {
        let slots = Arc::new(Semaphore::new(CONNECTIONS));
        let desk = Arc::new(Desk {
            handle,
            hello,
            shutdown: shutdown.clone(),
            at_once: Semaphore::new(AT_ONCE),
            silent: Silent::default(),
        });
        let mut connections = JoinSet::new();
        let mut look = interval(LOOK);
        loop {
            let stream = tokio::select! {
                () = shutdown.requested() => break,
                _ = look.tick() => {
                    self.keep();
                    continue;
                }
                accepted = self.bound.listener.accept() => accepted,
            };
            let Ok((stream, _)) = stream else {
                shutdown.sleep(PAUSE).await;
                continue;
            };
            let slot = tokio::select! {
                () = shutdown.requested() => break,
                slot = slot(&slots, &desk.silent) => slot,
            };
            while connections.try_join_next().is_some() {}
            let desk = Arc::clone(&desk);
            connections.spawn(async move {
                if let Err(error) = desk.serve(stream).await {
                    tracing::debug!("a connection of a command ended: {error}");
                }
                drop(slot);
            });
        }
        drop(self);
        let ending = async { while connections.join_next().await.is_some() {} };
        if timeout(STOP_LIMIT, ending).await.is_err() {
            tracing::warn!("a command is not answered any more: the server stops");
        }
    }
}

impl Bound {
    fn make(state: &Path) -> io::Result<Self> {
        let new = state.join(NEW);
        match std::fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let address = Address::of(state, NEW)?;
        let listener = UnixListener::bind(address.path())?;
        // Under its name it has these rights from the first moment on.
        std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o600))?;
        let found = std::fs::symlink_metadata(&new)?;
        std::fs::rename(new, state.join(NAME))?;
        Ok(Self { listener, identity: (found.dev(), found.ino()) })
    }

    /// True while it lies in a folder under its name.
    fn is_in(&self, state: &Path) -> bool {
        identity(&state.join(NAME)) == Some(self.identity)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Another program's is left alone.
        if self.bound.is_in(&self.state) {
            let _ = std::fs::remove_file(self.state.join(NAME));
        }
    }
}

/// A place for a connection; where there is none, one that has not asked for anything yet makes room.
async fn slot(slots: &Arc<Semaphore>, silent: &Silent) -> Option<OwnedSemaphorePermit> {
    if let Ok(slot) = Arc::clone(slots).try_acquire_owned() {
        return Some(slot);
    }
    silent.show_out_oldest();
    Arc::clone(slots).acquire_owned().await.ok()
}

/// Connections that have not asked for anything yet, the oldest first.
#[derive(Debug, Default)]
struct Silent(Mutex<(u64, BTreeMap<u64, oneshot::Sender<()>>)>);

impl Silent {
    /// Notes a new connection: its number, and what tells that it is shown out.
    fn enter(&self) -> (u64, oneshot::Receiver<()>) {
        let (sender, receiver) = oneshot::channel();
        let mut silent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (next, doors) = &mut *silent;
        *next += 1;
        doors.insert(*next, sender);
        (*next, receiver)
    }

    /// The connection has asked for something, or has ended. False where it was shown out meanwhile.
    fn leave(&self, number: u64) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.remove(&number).is_some()
    }

    fn show_out_oldest(&self) {
        let oldest = self.0.lock().unwrap_or_else(PoisonError::into_inner).1.pop_first();
        if let Some((_, door)) = oldest {
            let _ = door.send(());
        }
    }
}

/// What all connections share.
#[derive(Debug)]
struct Desk {
    handle: Handle,
    hello: Hello,
    shutdown: Shutdown,
    at_once: Semaphore,
    silent: Silent,
}

impl Desk {
    /// Serves one connection from its beginning to its end.
    async fn serve(&self, mut stream: UnixStream) -> Result<(), MessageError> {
        if !is_own_user(&stream) {
            return refuse(&mut stream, Refusal::OtherUser).await;
        }
        let (number, shown_out) = self.silent.enter();
        let heard = tokio::select! {
            heard = self.hear(&mut stream) => heard,
            _ = shown_out => Ok(None),
            () = self.shutdown.requested() => Ok(None),
        };
        let is_here = self.silent.leave(number);
        let refusal = match heard {
            Ok(Some(bytes)) if is_here => match understand(&bytes) {
                Ok(request) => return self.perform(stream, request).await,
                Err(refusal) => refusal,
            },
            Ok(_) => return Ok(()),
            Err(MessageError::TooLong(most)) => Refusal::TooLong { most },
            Err(MessageError::TooSlow) => Refusal::TooSlow,
            Err(error) => return Err(error),
        };
        refuse(&mut stream, refusal).await
    }

    /// Says hello and listens; `None` where nothing is asked.
    async fn hear(&self, stream: &mut UnixStream) -> Result<Option<Vec<u8>>, MessageError> {
        let until = Instant::now() + REQUEST_LIMIT;
        write(stream, &encode(&self.hello, LARGEST_ANSWER)?, REQUEST_LIMIT).await?;
        read(stream, LARGEST_REQUEST, until - Instant::now()).await
    }

    /// Does what is asked and gives the reply. What was begun is done, also where the client does not wait for the reply any more.
    async fn perform(&self, mut stream: UnixStream, request: Request) -> Result<(), MessageError> {
        let working = encode(&Answer::Working, LARGEST_ANSWER)?;
        write(&mut stream, &working, TAKING_LIMIT).await?;
        let mut heartbeat = interval(HEARTBEAT);
        let mut is_taken = true;
        let handle = self.handle.clone();
        let work = async {
            let turn = self.at_once.acquire().await;
            let done = tokio::spawn(async move { handle.perform(request).await }).await;
            (
                done.unwrap_or_else(|_| Err(Refusal::Failed("the work on the answer broke off".to_owned()))),
                turn,
            )
        };
        let mut work = std::pin::pin!(work);
        let (done, _turn) = loop {
            tokio::select! {
                done = &mut work => break done,
                _ = heartbeat.tick() => {
                    is_taken = is_taken && write(&mut stream, &working, TAKING_LIMIT).await.is_ok();
                }
            }
        };
        match done {
            Ok(reply) => {
                for part in pages(reply, PAGE) {
                    give(&mut stream, part).await?;
                }
                write(&mut stream, &encode(&Answer::End, LARGEST_ANSWER)?, TAKING_LIMIT).await
            }
            Err(refusal) => refuse(&mut stream, refusal).await,
        }
    }
}

/// Gives a part of a reply; job by job where it is longer than a message.
async fn give(stream: &mut UnixStream, part: Reply) -> Result<(), MessageError> {
    match encode(&Answer::Part(part.clone()), LARGEST_ANSWER) {
        Err(MessageError::TooLong(_)) => {}
        bytes => return write(stream, &bytes?, TAKING_LIMIT).await,
    }
    for single in pages(part, 1) {
        match encode(&Answer::Part(single), LARGEST_ANSWER) {
            Ok(bytes) => write(stream, &bytes, TAKING_LIMIT).await?,
            Err(error) => {
                refuse(stream, Refusal::TooLong { most: LARGEST_ANSWER }).await?;
                return Err(error);
            }
        }
    }
    Ok(())
}

async fn refuse(stream: &mut UnixStream, refusal: Refusal) -> Result<(), MessageError> {
    write(stream, &encode(&Answer::Refused(refusal), LARGEST_ANSWER)?, TAKING_LIMIT).await
}

/// True where the other side is a process of this user, or of root.
fn is_own_user(stream: &UnixStream) -> bool {
    let own = rustix::process::geteuid().as_raw();
    stream.peer_cred().is_ok_and(|peer| peer.uid() == own || peer.uid() == 0)
}
