//! The finished segments of a job in the order of the film, in a file: a film may have hundreds of thousands, which are too many
//! for a message.

use std::path::Path;

use crate::{Committed, Error, read_workers_file, write_atomic};

/// Longest line: names and checksums are short.
const LONGEST_LINE: u64 = 512;

/// A list of segments that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SegmentListFault {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] Error),
    /// It is not the one that was written.
    #[error("the list of segments `{0}` is missing or damaged")]
    Damaged(String),
}

/// Writes the list, one line a segment; gives the checksum of its bytes, BLAKE3 in hex.
///
/// # Errors
/// When it cannot be written.
pub fn write_segment_list(path: &Path, segments: &[Committed]) -> Result<String, Error> {
    let mut bytes = Vec::new();
    for segment in segments {
        // Text and a number cannot fail.
        bytes.extend(serde_json::to_vec(segment).unwrap_or_default());
        bytes.push(b'\n');
    }
    write_atomic(path, &bytes)?;
    Ok(blake3::hash(&bytes).to_hex().to_string())
}

/// Reads a list of so many segments.
///
/// # Errors
/// When it cannot be read, or has another checksum or number of segments.
pub fn read_segment_list(path: &Path, blake3: &str, count: u32) -> Result<Vec<Committed>, SegmentListFault> {
    let damaged = || SegmentListFault::Damaged(path.display().to_string());
    let bytes = read_workers_file(path, u64::from(count) * LONGEST_LINE)?.ok_or_else(damaged)?;
    if blake3::hash(&bytes).to_hex().as_str() != blake3 {
        return Err(damaged());
    }
    let lines = bytes.split_inclusive(|&byte| byte == b'\n');
    let segments: Vec<Committed> =
        lines.map(serde_json::from_slice).collect::<Result<_, _>>().map_err(|_| damaged())?;
    if segments.len() == count as usize { Ok(segments) } else { Err(damaged()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_as_it_was_written_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list");
        let segments: Vec<Committed> = (0..1000)
            .map(|number| Committed {
                file: format!("seg-{number:06}.e1.pkt"),
                bytes: u64::MAX - number,
                blake3: "ab".repeat(32),
            })
            .collect();
        let checksum = write_segment_list(&path, &segments).unwrap();
        assert_eq!(read_segment_list(&path, &checksum, 1000).unwrap(), segments);
        read_segment_list(&path, &checksum, 999).unwrap_err();
        read_segment_list(&folder.path().join("none"), &checksum, 1000).unwrap_err();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[500] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        read_segment_list(&path, &checksum, 1000).unwrap_err();
    }
}
