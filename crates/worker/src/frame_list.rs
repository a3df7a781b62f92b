//! The frame list on disk.

use std::path::Path;

use frame::Rational;
use job::message::{FailureKind, FrameListFile as Place};
use media::{Index, IndexMethod};
use storage::FrameListFile;

use crate::failure::Failed;

/// Writes a frame list; gives the checksum of its bytes.
pub(crate) fn write(index: &Index, path: &Path) -> Result<String, Failed> {
    let file = FrameListFile {
        time_base: (index.time_base.num, index.time_base.den),
        pts: index.pts.clone(),
        keyframes: index.keyframes.clone(),
        last_duration: index.last_duration,
        seekable: index.seekable,
    };
    file.write(path)?;
    Ok(blake3::hash(&file.encode()).to_hex().to_string())
}

/// Reads the frame list that was written with this checksum.
pub(crate) fn read(place: &Place) -> Result<Index, Failed> {
    let lost = |message: String| Failed::new(FailureKind::FrameListLost, message);
    let file = FrameListFile::read(&place.path).map_err(|error| lost(error.to_string()))?;
    if blake3::hash(&file.encode()).to_hex().as_str() != place.blake3 {
        return Err(lost(format!("the frame list `{}` is not the job's", place.path.display())));
    }
    Ok(Index {
        time_base: Rational::new(file.time_base.0, file.time_base.1),
        pts: file.pts,
        keyframes: file.keyframes,
        last_duration: file.last_duration,
        seekable: file.seekable,
        method: if file.seekable { IndexMethod::Demux } else { IndexMethod::Decode },
        gaps: place.gaps.iter().map(|gap| gap.first..gap.end).collect(),
        left_out: 0,
        cut_off: 0,
    })
}
