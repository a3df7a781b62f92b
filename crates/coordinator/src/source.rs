//! Is a source still what it was?

use std::path::Path;

use job::message::{Failure, FailureKind};
use ledger::Record;
use storage::{Stamp, fingerprint};

/// The form in which a stamp is kept in the ledger.
pub(crate) fn stamp_text(stamp: &Stamp) -> String {
    serde_json::to_string(stamp).unwrap_or_default()
}

/// What a look at a source found.
pub(crate) enum Look {
    /// The file has not been touched.
    Same,
    /// The file was touched or moved, and its content is the same: this is its new stamp.
    SameContent(String),
    /// The job cannot go on.
    Gone(Failure),
}

/// Looks whether the source of a job is there with the content that it had when the job was taken in.
pub(crate) fn look(record: &Record) -> Look {
    let source: &Path = &record.request.source;
    let gone = |message: String| Look::Gone(Failure { kind: FailureKind::Final, message });
    let stamp = match Stamp::of(source) {
        Ok(stamp) => stamp_text(&stamp),
        Err(error) => {
            return gone(format!("the source is gone: {error}; put it back and use `upscaled retry`"));
        }
    };
    if stamp == record.request.stamp {
        return Look::Same;
    }
    match fingerprint(source) {
        Ok(found) if found.hex == record.request.fingerprint => Look::SameContent(stamp),
        Ok(_) => gone(format!(
            "the source `{}` was changed while the job ran: start again with the new file",
            source.display()
        )),
        Err(error) => gone(format!("the source can no longer be read: {error}")),
    }
}
