//! What a failure means for the job.

use job::{Failure, FailureKind, Notice, Remedy, SettingsError};

/// Space to ask for when a write failed and it is unknown how much it would have needed.
const SOME_ROOM: u64 = 64 << 20;

/// A request that could not be done.
#[derive(Debug)]
pub(crate) struct Failed(pub(crate) Failure);

impl Failed {
    pub(crate) fn new(kind: FailureKind, message: impl Into<Notice>) -> Self {
        Self(Failure { kind, message: message.into() })
    }

    /// The source or the settings are at fault.
    pub(crate) fn last(message: impl Into<Notice>) -> Self {
        Self::new(FailureKind::Final, message)
    }

    /// Another attempt may end better.
    pub(crate) fn transient(message: impl Into<Notice>) -> Self {
        Self::new(FailureKind::Transient, message)
    }

    /// The same, but where the disk is full at least so many bytes have to be free.
    pub(crate) fn needing(mut self, least: u64) -> Self {
        if let FailureKind::NoSpace { needed } = &mut self.0.kind {
            *needed = least.max(*needed);
        }
        self
    }

    /// A failure of `media` while it wrote what needs about `needed` bytes. The job says which source it is about.
    pub(crate) fn of_media(error: &media::Error, needed: u64) -> Self {
        use media::Error as E;
        let message = error.to_string();
        match error {
            E::FramesDiffer { .. } | E::OtherPicture(_) => Self::new(FailureKind::FramesDiffer, message),
            E::NoSpace => Self::new(
                FailureKind::NoSpace { needed },
                "the disk is full: free some space, and the job goes on by itself",
            ),
            E::Encoder { .. } => Self::new(FailureKind::Encoder, message),
            E::Write(_) | E::PacketsDiffer(_) | E::Verification(_) | E::Ffmpeg { .. } => {
                Self::transient(message)
            }
            E::Fields(_) => Self::last(Notice::new(message, Remedy::OtherDeinterlacing)),
            E::NoSuchPart(_) => Self::last(Notice::new(message, Remedy::OtherPart)),
            _ => Self::last(message),
        }
    }
}

impl From<SettingsError> for Failed {
    fn from(error: SettingsError) -> Self {
        Self::last(error)
    }
}

impl From<storage::Error> for Failed {
    fn from(error: storage::Error) -> Self {
        let kind = match &error {
            storage::Error::NoSpace { needed, .. } | storage::Error::Quota { needed, .. } => {
                FailureKind::NoSpace { needed: *needed }
            }
            other if other.is_no_space() => FailureKind::NoSpace { needed: SOME_ROOM },
            _ => FailureKind::Transient,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<storage::PacketLogError> for Failed {
    fn from(error: storage::PacketLogError) -> Self {
        let kind = if error.is_no_space() {
            FailureKind::NoSpace { needed: SOME_ROOM }
        } else {
            FailureKind::Transient
        };
        Self::new(kind, error.to_string())
    }
}

impl From<engine::Error> for Failed {
    fn from(error: engine::Error) -> Self {
        Self::last(error.to_string())
    }
}

impl From<media::Error> for Failed {
    fn from(error: media::Error) -> Self {
        Self::of_media(&error, SOME_ROOM)
    }
}
