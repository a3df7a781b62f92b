//! Is a source still what it was?

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use job::{Failure, FailureKind, NewJob};
use ledger::Record;
use storage::{Stamp, check_readable, fingerprint, parts};

/// The form in which a stamp is kept in the ledger.
pub(crate) fn stamp_text(stamp: &Stamp) -> String {
    serde_json::to_string(stamp).unwrap_or_default()
}

/// Why a source may not be read, in words; `None` where it may, or where something else is wrong with it. Who mends that changes
/// neither its time nor its size.
pub(crate) fn forbidden(source: &Path) -> Option<String> {
    let denied = |part: &PathBuf| matches!(check_readable(part), Err(error) if error.kind() == ErrorKind::PermissionDenied);
    let part = parts(source).into_iter().find(denied)?;
    Some(format!("`{}` may not be read by the server's user: give it the right with chmod", part.display()))
}

/// The fingerprint of the file that has taken the place of a job's source; `None` where that is there still, or nothing that can
/// be read.
pub fn replaced_by(record: &Record) -> Option<String> {
    let NewJob { source, stamp, fingerprint: known, .. } = &record.request;
    let is_touched = Stamp::of(source).is_ok_and(|found| stamp_text(&found) != *stamp);
    let found = is_touched.then(|| fingerprint(source).ok()).flatten()?;
    (found.hex != *known).then_some(found.hex)
}

/// What a look at a source found.
pub(crate) enum SourceCheck {
    /// The file has not been touched.
    Same,
    /// The file was touched or moved, and its content is the same: this is its new stamp.
    SameContent(String),
    /// The job cannot go on.
    Gone(Failure),
}

/// Looks whether the source of a job is there with the content that it had when the job was taken in.
pub(crate) fn check(record: &Record) -> SourceCheck {
    let source: &Path = &record.request.source;
    let gone =
        |message: String| SourceCheck::Gone(Failure { kind: FailureKind::Final, message: message.into() });
    let stamp = match Stamp::of(source) {
        Ok(stamp) => stamp_text(&stamp),
        Err(error) => {
            return gone(format!("the source is gone: {error}; put it back and use `upscaled retry`"));
        }
    };
    if stamp == record.request.stamp {
        return SourceCheck::Same;
    }
    match fingerprint(source) {
        Ok(found) if found.hex == record.request.fingerprint => SourceCheck::SameContent(stamp),
        Ok(_) => gone(format!(
            "the source `{}` was changed since the job was added: start again with the new file, or put the old one back",
            source.display()
        )),
        Err(error) => gone(format!("the source can no longer be read: {error}")),
    }
}

/// Why an attempt failed where its source is not what it was, rather than what the worker met with for that.
pub(crate) fn cause(record: &Record, met_with: &Failure) -> Option<Failure> {
    match met_with.kind {
        FailureKind::NoSpace { .. } => None,
        _ => match check(record) {
            SourceCheck::Gone(gone) => Some(gone),
            SourceCheck::Same | SourceCheck::SameContent(_) => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use job::{Millis, Settings};
    use ledger::Ledger;

    use super::*;
    use crate::submit::{Request, submit};

    #[tokio::test]
    async fn a_source_that_is_not_what_it_was_is_the_cause() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("a.mkv");
        std::fs::write(&source, "one").unwrap();
        let ledger = Ledger::open(&folder.path().join("ledger.db")).await.unwrap();
        let request = Request {
            source: source.clone(),
            settings: Settings::default(),
            output: folder.path().to_owned(),
            result: None,
            folder: None,
        };
        let id = submit(&ledger, request, Millis(0)).await.unwrap().id;
        let record = ledger.get(id).await.unwrap().unwrap();
        let failure = |kind| Failure { kind, message: "the frames cannot be decoded".into() };
        assert_eq!(cause(&record, &failure(FailureKind::Transient)), None);
        std::fs::write(&source, "two, and more").unwrap();
        assert_eq!(cause(&record, &failure(FailureKind::NoSpace { needed: 1 })), None);
        let changed = cause(&record, &failure(FailureKind::Transient)).unwrap();
        assert!(
            changed.kind == FailureKind::Final && changed.message.text.contains("was changed"),
            "{changed:?}"
        );
        std::fs::remove_file(&source).unwrap();
        let gone = cause(&record, &failure(FailureKind::Final)).unwrap();
        assert!(gone.message.text.contains("the source is gone"), "{gone:?}");
    }
}
