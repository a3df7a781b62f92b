//! What travels over the socket, and how.

use std::io;
use std::time::Duration;

use job::Millis;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::clock::now;
use crate::commands::{Refusal, Reply};

/// The version of what travels. Programs of other versions may say other things in the same words.
const PROTOCOL: u32 = 1;
/// Most bytes of a message of the server: a job with a quarter of a million gaps takes ten million.
pub(super) const LARGEST_ANSWER: u32 = 16 << 20;

/// Who answers, which is said first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The version of the program.
    pub version: String,
    /// The version of what travels.
    #[serde(default)]
    protocol: u32,
    /// Its process.
    #[serde(default)]
    pub process: u32,
    /// When it began.
    #[serde(default)]
    pub since: Millis,
    /// What it does.
    #[serde(default)]
    pub role: Role,
    /// What its own command line sets, as `crf = 18`, whatever the file of its settings says.
    #[serde(default)]
    pub set: Vec<String>,
}

/// What answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A server, which works all jobs off.
    #[default]
    Server,
    /// A command that works on a job of its own.
    Command,
}

impl Hello {
    /// Of this process, which begins now.
    pub fn new(role: Role) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            protocol: PROTOCOL,
            process: std::process::id(),
            since: now(),
            role,
            set: Vec::new(),
        }
    }

    /// True when both sides say the same things in the same words.
    pub(super) fn is_of_this_version(&self) -> bool {
        self.protocol == PROTOCOL && self.version == env!("CARGO_PKG_VERSION")
    }
}

/// What the server says after a request.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    /// The request is understood and will be done, whatever becomes of this connection. Said again from time to time.
    Working,
    /// A part of the reply.
    Part(Reply),
    /// The reply is whole.
    End,
    /// Nothing was done.
    Refused(Refusal),
}

/// Why a message did not come or go.
#[derive(Debug, thiserror::Error)]
pub(super) enum MessageError {
    /// The connection broke off.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It has too many bytes.
    #[error("a message of more than {0} bytes is not taken")]
    TooLong(u32),
    /// It did not come, or was not taken, in time.
    #[error("the other side does not answer")]
    TooSlow,
    /// It is none that is known.
    #[error("a message cannot be understood: {0}")]
    Malformed(#[from] serde_json::Error),
}

/// The bytes of a message, of so many at most.
pub(super) fn encode(message: &impl Serialize, most: u32) -> Result<Vec<u8>, MessageError> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, message)?;
    let length = u32::try_from(bytes.len() - 4).ok().filter(|length| *length <= most);
    bytes[..4].copy_from_slice(&length.ok_or(MessageError::TooLong(most))?.to_le_bytes());
    Ok(bytes)
}

/// Writes bytes, which the other side must take within the time.
pub(super) async fn write(
    stream: &mut (impl AsyncWrite + Unpin),
    bytes: &[u8],
    limit: Duration,
) -> Result<(), MessageError> {
    timeout(limit, stream.write_all(bytes)).await.map_err(|_| MessageError::TooSlow)??;
    Ok(())
}

/// Reads the bytes of a message, of so many at most, which must come within the time. `None` at an end instead of a message.
pub(super) async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    most: u32,
    limit: Duration,
) -> Result<Option<Vec<u8>>, MessageError> {
    timeout(limit, read_whole(stream, most)).await.map_err(|_| MessageError::TooSlow)?
}

async fn read_whole(
    stream: &mut (impl AsyncRead + Unpin),
    most: u32,
) -> Result<Option<Vec<u8>>, MessageError> {
    let mut length = [0; 4];
    match stream.read_exact(&mut length).await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    };
    let length = u32::from_le_bytes(length);
    if length > most {
        return Err(MessageError::TooLong(most));
    }
    // Memory follows what comes, not what is promised.
    let mut bytes = Vec::new();
    stream.take(u64::from(length)).read_to_end(&mut bytes).await?;
    if bytes.len() < length as usize {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    Ok(Some(bytes))
}
