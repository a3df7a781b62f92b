//! Under which name it is noted what is mounted at a folder.

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

/// Bytes of the checksum that tell folders of the same name apart.
const BYTES: usize = 6;

/// The name of the note about a folder, without its extension: the folder's own where it lies in that of the server, as `input`
/// does. Paths in the folder of the server count from there, so that it may be moved.
pub(super) fn name(folder: &Path, state: &Path) -> String {
    let inside = state.parent().and_then(|root| folder.strip_prefix(root).ok());
    let own = folder.file_name().unwrap_or_default().to_string_lossy();
    if inside.is_some_and(|inside| matches!(inside.to_str(), Some("input" | "output"))) {
        return own.into_owned();
    }
    let counted = inside.unwrap_or(folder);
    let mut name = "folder-".to_owned();
    for byte in &Sha256::digest(counted.as_os_str().as_bytes())[..BYTES] {
        // Writing to a text does not fail.
        let _ = write!(name, "{byte:02x}");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_the_same_name_have_notes_of_their_own_that_move_along() {
        let name = |folder: &str, root: &str| name(Path::new(folder), &Path::new(root).join("state"));
        assert_eq!(name("/a/input", "/a"), "input");
        assert_eq!(name("/a/output", "/a"), "output");
        assert_ne!(name("/b/input", "/a"), name("/c/input", "/a"));
        assert_eq!(name("/a/films", "/a"), name("/b/films", "/b"));
        assert_eq!(name("/nas/films", "/a"), name("/nas/films", "/b"));
    }
}
