//! What can go wrong with files, in sentences for people.

use std::io;
use std::path::{Path, PathBuf};

use crate::{Bytes, space};

/// An operation on files that did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        /// What was tried, as a verb: "open", "write", "sync".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The disk has too little room.
    #[error(
        "the disk of `{}` is full: {} are needed, {} are free; free some space and the job goes on by itself",
        path.display(), Bytes(*needed), Bytes(*free)
    )]
    NoSpace {
        /// The file or folder that was to be written.
        path: PathBuf,
        /// Bytes that the operation needs.
        needed: u64,
        /// Bytes that were free.
        free: u64,
    },
    /// The user's share of the disk is used up, whatever the disk itself has left.
    #[error(
        "the disk quota for `{}` is used up: {} are needed; free some space or raise the quota and the job goes on by itself",
        path.display(), Bytes(*needed)
    )]
    Quota {
        /// The file or folder that was to be written.
        path: PathBuf,
        /// Bytes that the operation needs.
        needed: u64,
    },
    /// Publishing would have replaced a file.
    #[error("`{}` exists already and is not replaced; move it away, or allow overwriting", path.display())]
    TargetExists {
        /// The file that is there.
        path: PathBuf,
    },
    /// Another process works in the folder.
    #[error("`{}` is in use by {owner}; stop it, or wait for its end", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
        /// Who has it, as far as is known.
        owner: String,
    },
    /// A file is not what it claims to be.
    #[error("`{}` is damaged: {reason}; delete it and it is made anew", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl Error {
    /// An I/O error with what was being done.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }

    /// An I/O error while something of `needed` bytes was being written: a full disk becomes its own kind.
    pub(crate) fn writing(action: &'static str, path: &Path, needed: u64) -> impl FnOnce(io::Error) -> Self {
        move |source| match source.kind() {
            io::ErrorKind::QuotaExceeded => Self::Quota { path: path.to_owned(), needed },
            _ if space::is_no_space(&source) => {
                Self::NoSpace { path: path.to_owned(), needed, free: space::free_bytes(path).unwrap_or(0) }
            }
            _ => Self::io(action, path)(source),
        }
    }

    /// Whether waiting for space on the disk is the remedy.
    pub fn is_no_space(&self) -> bool {
        match self {
            Self::NoSpace { .. } | Self::Quota { .. } => true,
            Self::Io { source, .. } => space::is_no_space(source),
            _ => false,
        }
    }
}

/// What is needed where only a name has to be written: the folder may grow by a block.
pub(crate) const NAME_BYTES: u64 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_says_what_is_needed() {
        let error = Error::NoSpace { path: "/x".into(), needed: 12_300_000, free: 1_200_000 };
        assert_eq!(
            error.to_string(),
            "the disk of `/x` is full: 12.3 MB are needed, 1.2 MB are free; \
             free some space and the job goes on by itself"
        );
        assert!(error.is_no_space());
    }

    #[test]
    fn full_disk_and_quota_are_told_apart_from_other_errors() {
        let of = |code: rustix::io::Errno| Error::writing("write", Path::new("/"), 7)(code.into());
        assert!(matches!(of(rustix::io::Errno::NOSPC), Error::NoSpace { needed: 7, .. }));
        assert!(matches!(of(rustix::io::Errno::DQUOT), Error::Quota { needed: 7, .. }));
        let other = of(rustix::io::Errno::IO);
        assert!(matches!(other, Error::Io { .. }) && !other.is_no_space(), "{other}");
    }
}
