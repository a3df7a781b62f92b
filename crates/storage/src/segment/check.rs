//! Whether a segment is still what was committed.

use std::io::{self, Read as _};
use std::path::Path;

use super::{CHUNK, SegmentName};
use crate::open;

/// Why a segment cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SegmentFault {
    /// There is no such file.
    #[error("the segment `{file}` is missing; it is made again")]
    Missing {
        /// The name that was looked for.
        file: String,
    },
    /// It ends too early.
    #[error("the segment `{file}` has {found} of {expected} bytes; it is made again")]
    Short {
        /// Its name.
        file: String,
        /// Its length.
        found: u64,
        /// The length that was committed.
        expected: u64,
    },
    /// It has other bytes than those that were committed.
    #[error("the segment `{file}` has changed on the disk; it is made again")]
    Differs {
        /// Its name.
        file: String,
    },
    /// It cannot be read.
    #[error("cannot read the segment `{file}`: {source}")]
    Io {
        /// Its name.
        file: String,
        /// The system's reason.
        source: io::Error,
    },
}

/// Reads a segment again and compares it with what was committed.
///
/// `file` may come from elsewhere: what is not the plain name of a segment is [`SegmentFault::Missing`], and so is
/// anything under the name that is not a file.
///
/// # Errors
/// The segment is not usable, and why.
pub fn check(folder: &Path, file: &str, blake3: &str, bytes: u64) -> Result<(), SegmentFault> {
    let missing = || SegmentFault::Missing { file: file.to_owned() };
    let failed = |source: io::Error| SegmentFault::Io { file: file.to_owned(), source };
    SegmentName::of_file(file).ok_or_else(missing)?;
    let opened = open::workers_file(&folder.join(file));
    let mut segment = opened.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::InvalidInput => missing(),
        _ => failed(error),
    })?;
    let found = segment.metadata().map_err(failed)?;
    // The length first: it costs nothing and tells most damage.
    if found.len() < bytes {
        return Err(SegmentFault::Short { file: file.to_owned(), found: found.len(), expected: bytes });
    }
    let differs = || SegmentFault::Differs { file: file.to_owned() };
    if found.len() > bytes {
        return Err(differs());
    }
    let mut hash = blake3::Hasher::new();
    let mut buffer = vec![0; CHUNK];
    loop {
        match segment.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => hash.update(&buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            // What a failing disk no longer gives back.
            Err(error) => return Err(failed(error)),
        };
    }
    if hash.finalize().to_hex().as_str() == blake3 { Ok(()) } else { Err(differs()) }
}
