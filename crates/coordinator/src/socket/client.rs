//! The side of a command.

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::time::timeout;

use super::address::{Address, NAME};
use super::messages::{Answer, Hello, LARGEST_ANSWER, MessageError, encode, read, write};
use crate::commands::{LARGEST_REQUEST, Refusal, Reply, Request, append, take_reply};

/// Time for a server to say something. It does so every second, if it lives.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection to a running server.
#[derive(Debug)]
pub struct Client {
    stream: UnixStream,
    /// Who answers.
    pub hello: Hello,
}

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The socket is another user's.
    #[error("the server is of another user")]
    OtherUser,
    /// The server is of another version.
    #[error("the server is of version {} and this program of version {}", .0.version, env!("CARGO_PKG_VERSION"))]
    OtherVersion(Hello),
    /// It says nothing. Nothing was done.
    #[error("the server does not answer")]
    Silent,
    /// It was too busy to take the request, or is just stopping. Nothing was done; asking again is of use.
    #[error("the server is busy, or about to stop")]
    Busy,
    /// It took the request and then broke off: what was begun may be done.
    #[error("the server broke off while it worked on the request")]
    BrokenOff,
    /// It refused the request. Nothing was done.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The socket cannot be used.
    #[error("the socket of the server cannot be used: {0}")]
    Io(io::Error),
}

/// The server whose state is in a folder; `None` where none listens.
///
/// # Errors
/// When one listens that cannot be asked.
pub async fn connect(state: &Path) -> Result<Option<Client>, ClientError> {
    // Where the folder cannot be used, no server does.
    let Ok(address) = Address::of(state, NAME) else { return Ok(None) };
    let connected = timeout(PATIENCE, UnixStream::connect(address.path())).await;
    let mut stream = match connected.map_err(|_| ClientError::Silent)? {
        Ok(stream) => stream,
        Err(error) => {
            return match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused | io::ErrorKind::NotADirectory => {
                    Ok(None)
                }
                io::ErrorKind::PermissionDenied => Err(ClientError::OtherUser),
                // It is about to stop, or was killed a moment ago.
                io::ErrorKind::WouldBlock | io::ErrorKind::ConnectionReset => Err(ClientError::Busy),
                _ => Err(ClientError::Io(error)),
            };
        }
    };
    let bytes = match read(&mut stream, LARGEST_ANSWER, PATIENCE).await {
        Ok(Some(bytes)) => bytes,
        Ok(None) | Err(MessageError::Io(_)) => return Err(ClientError::Busy),
        Err(MessageError::TooSlow) => return Err(ClientError::Silent),
        Err(error) => return Err(ClientError::Io(io::Error::other(error))),
    };
    match serde_json::from_slice::<Hello>(&bytes) {
        Ok(hello) if hello.is_of_this_version() => Ok(Some(Client { stream, hello })),
        Ok(hello) => Err(ClientError::OtherVersion(hello)),
        Err(_) => match serde_json::from_slice(&bytes) {
            Ok(Answer::Refused(Refusal::OtherUser)) => Err(ClientError::OtherUser),
            _ => Err(ClientError::Io(io::Error::other("what listens there is no server"))),
        },
    }
}

impl Client {
    /// Asks for something, and waits for the reply as long as the server works on it.
    ///
    /// # Errors
    /// When it is refused, or the server does not answer to the end.
    pub async fn ask(mut self, request: &Request) -> Result<Reply, ClientError> {
        let bytes =
            encode(request, LARGEST_REQUEST).map_err(|_| Refusal::TooLong { most: LARGEST_REQUEST })?;
        match write(&mut self.stream, &bytes, PATIENCE).await {
            // It may have said why before it broke off.
            Ok(()) | Err(MessageError::Io(_)) => {}
            Err(_) => return Err(ClientError::Silent),
        }
        let mut is_taken = false;
        let mut reply = None;
        loop {
            let broken = if is_taken { ClientError::BrokenOff } else { ClientError::Busy };
            let bytes = match read(&mut self.stream, LARGEST_ANSWER, PATIENCE).await {
                Ok(Some(bytes)) => bytes,
                Err(MessageError::TooSlow) if !is_taken => return Err(ClientError::Silent),
                _ => return Err(broken),
            };
            match serde_json::from_slice(&bytes) {
                Ok(Answer::Working) => is_taken = true,
                Ok(Answer::Part(mut part)) => {
                    take_reply(&mut part);
                    match &mut reply {
                        None => reply = Some(part),
                        Some(reply) => {
                            if !append(reply, part) {
                                return Err(broken);
                            }
                        }
                    }
                }
                Ok(Answer::End) => return reply.ok_or(broken),
                Ok(Answer::Refused(refusal)) => return Err(refusal.into()),
                Err(_) => return Err(broken),
            }
        }
    }
}
