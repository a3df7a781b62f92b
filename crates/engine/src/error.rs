//! What can go wrong.

use frame::Size;

/// Why an engine cannot do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The network contradicts itself or has more than the engine can hold.
    #[error("the network cannot be run: {0}")]
    Network(String),
    /// Pictures need at least one pixel.
    #[error("a picture of {0} has no pixels")]
    Empty(Size),
    /// The picture cannot be described, whatever the memory.
    #[error("a picture of {0} is too large")]
    TooLarge(Size),
    /// The memory for this size of picture is not to be had.
    #[error("pictures of {size} need {bytes} bytes of memory, which are not to be had")]
    Memory {
        /// The size of the input.
        size: Size,
        /// Bytes that were asked for.
        bytes: u64,
    },
    /// A picture of another size than what was planned for.
    #[error("a picture of {found} where {expected} was expected")]
    Size {
        /// The size that was planned for.
        expected: Size,
        /// The size of the picture.
        found: Size,
    },
    /// Threads could not be started.
    #[error("threads could not be started: {0}")]
    Threads(String),
    /// A thread of the session died; the session is of no more use.
    #[error("a thread of the engine failed")]
    Failed,
}
