//! Is a source still what it was?

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use job::{Content, Failure, FailureKind, NewJob};
use ledger::Record;
use storage::{Stamp, check_readable, fingerprint, parts, whole_checksum};

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
#[derive(Debug)]
pub(crate) enum SourceCheck {
    /// The file has not been touched: this is its stamp.
    Same(String),
    /// The file was touched or moved, and its content is the same: this is its new stamp.
    SameContent(String),
    /// The file was touched or another one has its place: whether the content is the same, [`compare`] tells. This is its stamp.
    Touched(String),
    /// The job cannot go on.
    Gone(Failure),
}

/// Looks whether the source of a job is there with the content that it had when the job was taken in or, once it was indexed,
/// then.
pub(crate) fn check(record: &Record) -> SourceCheck {
    let source: &Path = &record.request.source;
    let found = match Stamp::of(source) {
        Ok(found) => found,
        Err(error) => {
            return gone(format!(
                "the source is gone: {error}; put it back, and let a job that has failed go on with `upscaled retry`"
            ));
        }
    };
    let stamp = stamp_text(&found);
    let content = content(record);
    let noted = content.map_or(&record.request.stamp, |content| &content.stamp);
    if stamp == *noted {
        return SourceCheck::Same(stamp);
    }
    match fingerprint(source) {
        Ok(samples) if samples.hex != record.request.fingerprint => changed(source),
        Ok(_) if content.is_none() || is_renumbered(noted, &found) => SourceCheck::SameContent(stamp),
        Ok(_) => SourceCheck::Touched(stamp),
        Err(error) => unreadable(&error),
    }
}

/// Reads all of a source that was touched, which has this stamp now. `None` where `goes_on` says no.
pub(crate) fn compare(record: &Record, stamp: String, goes_on: impl Fn() -> bool) -> Option<SourceCheck> {
    let source: &Path = &record.request.source;
    let known = content(record).map(|content| &content.blake3);
    Some(match whole_checksum(source, goes_on) {
        Ok(None) => return None,
        Ok(found) if found.as_ref() != known => changed(source),
        Ok(_) => match Stamp::of(source).map(|found| stamp_text(&found)) {
            Ok(now) if now != stamp => SourceCheck::Touched(now),
            _ => SourceCheck::SameContent(stamp),
        },
        Err(error) => unreadable(&error),
    })
}

/// What the source of a job was when it was indexed; `None` before, and where an earlier version did that.
pub(crate) fn content(record: &Record) -> Option<&Content> {
    record.job.facts.as_ref()?.content.as_ref()
}

/// True where a file differs from the one that was noted only in the number of its disk, which drives get anew with every start.
fn is_renumbered(noted: &str, found: &Stamp) -> bool {
    let noted = serde_json::from_str::<Stamp>(noted);
    noted.is_ok_and(|noted| Stamp { device: found.device, ..noted } == *found)
}

fn gone(message: String) -> SourceCheck {
    SourceCheck::Gone(Failure { kind: FailureKind::Final, message: message.into() })
}

fn changed(source: &Path) -> SourceCheck {
    gone(format!(
        "the source `{}` was changed since the job was added: start again with the new file, or put the old one back",
        source.display()
    ))
}

fn unreadable(error: &storage::Error) -> SourceCheck {
    gone(format!("the source can no longer be read: {error}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt as _;
    use std::time::{Duration, SystemTime};

    use job::state::{Event, TaskKey};
    use job::{JobId, Millis, Settings};
    use ledger::Ledger;

    use super::*;
    use crate::clock::now;
    use crate::dispatcher::tests::facts;
    use crate::submit::{Request, submit};

    /// More than is read for a fingerprint.
    const LENGTH: usize = 5 << 20;
    /// Between what is read for it.
    const BETWEEN: u64 = 3 << 19;

    struct Fixture {
        folder: tempfile::TempDir,
        ledger: Ledger,
        id: JobId,
    }

    impl Fixture {
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let source = folder.path().join("a.mkv");
            std::fs::write(&source, vec![7; LENGTH]).unwrap();
            let ledger = Ledger::open(&folder.path().join("ledger.db")).await.unwrap();
            let request = Request {
                source,
                settings: Settings::default(),
                output: folder.path().to_owned(),
                result: None,
                folder: None,
            };
            let id = submit(&ledger, request, Millis(0)).await.unwrap().id;
            Self { folder, ledger, id }
        }

        async fn index(&self) {
            let claim = Event::Claim { worker: "w".to_owned(), lease_milliseconds: 1 };
            self.ledger.apply(self.id, claim, now()).await.unwrap();
            let blake3 = whole_checksum(&self.source(), || true).unwrap().unwrap();
            let stamp = stamp_text(&Stamp::of(&self.source()).unwrap());
            let facts = Box::new(job::SourceFacts { content: Some(Content { blake3, stamp }), ..facts() });
            let (plan, segments) = job::plan(&facts, &Settings::default()).unwrap();
            let task = TaskKey { segment: None, epoch: 1 };
            let indexed = Event::Indexed { task, facts, plan, segments };
            self.ledger.apply(self.id, indexed, now()).await.unwrap();
        }

        fn source(&self) -> PathBuf {
            self.folder.path().join("a.mkv")
        }

        fn open(&self) -> std::fs::File {
            std::fs::File::options().write(true).open(self.source()).unwrap()
        }

        fn touch(&self, seconds: u64) {
            self.open().set_modified(SystemTime::now() + Duration::from_secs(seconds)).unwrap();
        }

        async fn record(&self) -> Record {
            self.ledger.get(self.id).await.unwrap().unwrap()
        }
    }

    fn reason(found: Option<SourceCheck>) -> String {
        match found {
            Some(SourceCheck::Gone(failure)) if failure.kind == FailureKind::Final => failure.message.text,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn before_the_index_a_touched_source_is_known_by_its_samples() {
        let fixture = Fixture::new().await;
        assert!(matches!(check(&fixture.record().await), SourceCheck::Same(_)));
        fixture.touch(1);
        assert!(matches!(check(&fixture.record().await), SourceCheck::SameContent(_)));
        std::fs::write(fixture.source(), "two").unwrap();
        assert!(reason(Some(check(&fixture.record().await))).contains("was changed"));
        std::fs::remove_file(fixture.source()).unwrap();
        assert!(reason(Some(check(&fixture.record().await))).contains("the source is gone"));
    }

    #[tokio::test]
    async fn after_the_index_every_byte_of_a_touched_source_counts() {
        let fixture = Fixture::new().await;
        fixture.index().await;
        let record = fixture.record().await;
        std::fs::rename(fixture.source(), fixture.folder.path().join("b.mkv")).unwrap();
        std::fs::rename(fixture.folder.path().join("b.mkv"), fixture.source()).unwrap();
        assert!(matches!(check(&record), SourceCheck::Same(_)));

        fixture.touch(1);
        let SourceCheck::Touched(stamp) = check(&record) else { panic!("it was touched") };
        assert!(compare(&record, stamp.clone(), || false).is_none());
        assert!(matches!(compare(&record, stamp.clone(), || true), Some(SourceCheck::SameContent(_))));
        fixture.touch(2);
        assert!(
            matches!(compare(&record, stamp, || true), Some(SourceCheck::Touched(_))),
            "it does not hold still"
        );

        fixture.open().write_all_at(b"8", BETWEEN).unwrap();
        // The inbox that takes the file in again finds the samples alike.
        fixture.touch(3);
        let found = stamp_text(&Stamp::of(&fixture.source()).unwrap());
        fixture.ledger.set_stamp(fixture.id, &found).await.unwrap();
        let record = fixture.record().await;
        let SourceCheck::Touched(stamp) = check(&record) else { panic!("samples do not tell") };
        assert!(reason(compare(&record, stamp, || true)).contains("was changed"));
    }

    #[tokio::test]
    async fn a_drive_with_another_number_is_not_read_whole() {
        let fixture = Fixture::new().await;
        fixture.index().await;
        let mut record = fixture.record().await;
        let content = record.job.facts.as_mut().unwrap().content.as_mut().unwrap();
        let stamp: Stamp = serde_json::from_str(&content.stamp).unwrap();
        content.stamp = stamp_text(&Stamp { device: stamp.device + 1, ..stamp });
        assert!(matches!(check(&record), SourceCheck::SameContent(_)));
        let content = record.job.facts.as_mut().unwrap().content.as_mut().unwrap();
        content.stamp = stamp_text(&Stamp { device: stamp.device + 1, inode: stamp.inode + 1, ..stamp });
        assert!(matches!(check(&record), SourceCheck::Touched(_)));
    }
}
