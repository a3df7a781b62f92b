//! How messages are framed, and how long they may be.

use job::bounds::Unbelievable;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Largest message in bytes; the largest real one lists the segments of a very long film.
pub const LARGEST_MESSAGE: u32 = 16 << 20;

/// A message that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// Longer than allowed.
    #[error(
        "a message of {0} bytes is longer than allowed: coordinator and worker are not of the same version"
    )]
    TooLong(usize),
    /// Not the expected JSON.
    #[error("a message cannot be read: coordinator and worker are not of the same version ({0})")]
    Malformed(#[from] serde_json::Error),
    /// It holds more values than a worker has to say.
    #[error("a message of a worker holds too much: the file that it read may be made to do harm")]
    TooMuch,
    /// What it says cannot be true.
    #[error(transparent)]
    Unbelievable(#[from] Unbelievable),
}

/// The bytes of a message: length and JSON.
///
/// # Errors
/// When it would be longer than [`LARGEST_MESSAGE`].
pub fn encode<M: Serialize>(message: &M) -> Result<Vec<u8>, MessageError> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, message)?;
    let length = bytes.len() - 4;
    match u32::try_from(length) {
        Ok(short) if short <= LARGEST_MESSAGE => bytes[..4].copy_from_slice(&short.to_le_bytes()),
        _ => return Err(MessageError::TooLong(length)),
    }
    Ok(bytes)
}

/// The length of the message that follows these four bytes.
///
/// # Errors
/// When it is longer than [`LARGEST_MESSAGE`].
pub fn decode_length(bytes: [u8; 4]) -> Result<usize, MessageError> {
    let length = u32::from_le_bytes(bytes);
    if length > LARGEST_MESSAGE { Err(MessageError::TooLong(length as usize)) } else { Ok(length as usize) }
}

/// The message in these bytes, without its length.
///
/// # Errors
/// When the bytes are not such a message.
pub fn decode<M: DeserializeOwned>(bytes: &[u8]) -> Result<M, MessageError> {
    Ok(serde_json::from_slice(bytes)?)
}

#[cfg(test)]
mod tests {
    use job::FilePath;

    use super::*;
    use crate::message::Request;

    #[test]
    fn a_message_comes_back_as_it_was() {
        let request = Request::Probe { source: FilePath::from_bytes(b"a\xff\n.mp4".to_vec()) };
        let bytes = encode(&request).unwrap();
        let length = decode_length(bytes[..4].try_into().unwrap()).unwrap();
        assert_eq!(length, bytes.len() - 4);
        assert_eq!(decode::<Request>(&bytes[4..]).unwrap(), request);
    }

    #[test]
    fn garbage_is_refused() {
        assert!(decode_length(*b"\xff\xff\xff\xff").is_err());
        assert!(decode::<Request>(b"{\"format_disk\":1}").is_err());
    }
}
