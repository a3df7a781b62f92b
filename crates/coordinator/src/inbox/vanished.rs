//! Which sources are gone for good, rather than out of sight.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use job::JobId;
use ledger::KnownSource;
use storage::Stamp;

/// The jobs whose sources a person took out of the folder that is watched. A file that cannot be seen because its disk or
/// network share is not there is not among them: the place where it lay is on another device then.
pub(super) fn of(missing: Vec<KnownSource>, input: &Path) -> Vec<JobId> {
    let missing = missing.into_iter().filter(|known| is_gone(&known.source, &known.stamp, input));
    missing.map(|known| known.id).collect()
}

/// True when a source that had a stamp was taken away from its place below `input`.
pub(super) fn is_gone(source: &Path, stamp: &str, input: &Path) -> bool {
    let Ok(stamp) = serde_json::from_str::<Stamp>(stamp) else { return false };
    let is_absent =
        |path: &Path| matches!(path.symlink_metadata(), Err(error) if error.kind() == ErrorKind::NotFound);
    let mut folders = source.ancestors().skip(1).take_while(|folder| folder.starts_with(input));
    let left = folders.find(|folder| !is_absent(folder));
    let device = left.and_then(|folder| fs::metadata(folder).ok()).map(|found| found.dev());
    is_absent(source) && device == Some(stamp.device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_taken_away_is_gone() {
        let input = tempfile::tempdir().unwrap();
        let input = input.path();
        let there = input.join("there.mp4");
        fs::write(&there, "x").unwrap();
        let stamp = Stamp::of(&there).unwrap();
        let is_gone = |name: &str, stamp: Stamp| {
            is_gone(&input.join(name), &serde_json::to_string(&stamp).unwrap(), input)
        };
        assert!(is_gone("gone.mp4", stamp));
        assert!(is_gone("gone/with/its/folders.mp4", stamp));
        assert!(!is_gone("there.mp4", stamp));
        // What is below a file cannot be asked for.
        assert!(!is_gone("there.mp4/x.mp4", stamp));
        assert!(!is_gone("gone.mp4", Stamp { device: stamp.device + 1, ..stamp }));
        assert!(!super::is_gone(&input.join("gone.mp4"), "s", input));
    }
}
