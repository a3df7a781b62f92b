//! The checksum over all bytes of a source, by which it is known again when its file was touched.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use job::Content;

use crate::failure::Failed;
use crate::threads;
use crate::wire::Progress;

/// Time between looks whether all is read.
const POLL: Duration = Duration::from_millis(20);

/// Does `work`, which reads a source, and reads all its bytes beside that, so that a disk gives most of them once. The content
/// is `None` where a disk cannot give them all.
///
/// # Errors
/// As `work`, and when no thread can be started.
pub(super) fn beside<T>(
    source: &Path,
    progress: &Progress,
    work: impl FnOnce() -> Result<T, Failed>,
) -> Result<(T, Option<Content>), Failed> {
    let goes_on = AtomicBool::new(true);
    std::thread::scope(|scope| {
        let read = || storage::whole_checksum(source, || goes_on.load(Relaxed));
        let reading = threads::start_in(scope, "checksum", read)?;
        let done = work().inspect_err(|_| goes_on.store(false, Relaxed))?;
        while !reading.is_finished() {
            progress.tell(0, 0);
            std::thread::sleep(POLL);
        }
        let checksum = threads::result("checksum", reading.join())?.ok().flatten();
        // Only the coordinator knows which file it gave.
        Ok((done, checksum.map(|blake3| Content { blake3, stamp: String::new() })))
    })
}
