//! The checksum over all bytes of a source, by which it is known again when its file was touched.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use job::Content;

use crate::failure::Failed;
use crate::threads;
use crate::wire::Progress;

/// Time between looks whether all is read.
const POLL: Duration = Duration::from_millis(20);

/// Time that the rest of the bytes has at least, once the work is done.
const REST: Duration = Duration::from_secs(10);

/// Does `work`, which reads a source, and reads all its bytes beside that, so that a disk gives most of them once. The content
/// is `None` where a disk cannot give them all, or not within about the time of the work: a file may be much longer than its film, as
/// one with a hole of terabytes behind it, and other videos wait meanwhile.
///
/// # Errors
/// As `work`, and when no thread can be started.
pub(super) fn beside<T>(
    source: &Path,
    progress: &Progress,
    work: impl FnOnce() -> Result<T, Failed>,
) -> Result<(T, Option<Content>), Failed> {
    with_rest(source, || progress.tell(0, 0), REST, work)
}

fn with_rest<T>(
    source: &Path,
    tell: impl Fn(),
    rest: Duration,
    work: impl FnOnce() -> Result<T, Failed>,
) -> Result<(T, Option<Content>), Failed> {
    let begun = Instant::now();
    let goes_on = AtomicBool::new(true);
    std::thread::scope(|scope| {
        let read = || storage::whole_checksum(source, || goes_on.load(Relaxed));
        let reading = threads::start_in(scope, "checksum", read)?;
        let done = work().inspect_err(|_| goes_on.store(false, Relaxed))?;
        let until = Instant::now() + begun.elapsed().max(rest);
        while !reading.is_finished() {
            if Instant::now() >= until {
                goes_on.store(false, Relaxed);
            }
            tell();
            std::thread::sleep(POLL);
        }
        let checksum = threads::result("checksum", reading.join())?.ok().flatten();
        // Only the coordinator knows which file it gave.
        Ok((done, checksum.map(|blake3| Content { blake3, stamp: String::new() })))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_of_a_terabyte_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let content = |bytes: u64| {
            let path = folder.path().join("film.mkv");
            let file = std::fs::File::create(&path).unwrap();
            file.set_len(bytes).unwrap();
            with_rest(&path, || {}, Duration::from_millis(100), || Ok(())).unwrap().1
        };
        let begun = Instant::now();
        assert!(content(1000).is_some());
        assert_eq!(content(1 << 40), None);
        assert!(begun.elapsed() < Duration::from_mins(1), "{:?}", begun.elapsed());
    }
}
