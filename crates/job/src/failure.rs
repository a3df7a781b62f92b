//! Why work could not be done, and what follows from it.

use serde::{Deserialize, Serialize};

use crate::Notice;

/// Why a request could not be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// What follows from it.
    pub kind: FailureKind,
    /// One sentence for people: cause and remedy.
    pub message: Notice,
}

/// What follows from a failure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The source or the settings are at fault: another attempt would end in the same way.
    Final,
    /// The decoder did not give the frames of the list: the list must be made by decoding.
    FramesDiffer,
    /// The frame list is missing or damaged: it must be made again, in the same way.
    FrameListLost,
    /// A disk is full.
    NoSpace {
        /// Bytes that must be free.
        needed: u64,
    },
    /// A folder of the source or of the result is away or cannot be used, as when a network share is not mounted: the job
    /// waits until it is back.
    FolderAway,
    /// The memory that there is does not do for it: the end of the job, unless other work holds what it needs.
    NoMemory,
    /// Finished segments are missing or damaged and must be made again.
    SegmentsDamaged {
        /// Their numbers.
        indices: Vec<u32>,
    },
    /// The encoder failed, or what it made is not what went in: another attempt may end better, and another encoder may take
    /// over.
    Encoder,
    /// Another attempt may end better.
    Transient,
}
