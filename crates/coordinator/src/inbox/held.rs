//! Is a file open for writing somewhere?

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The bits of the flags in `/proc/PID/fdinfo` that say how a file was opened, and those of reading only.
const ACCESS_MODE: u32 = 0o3;
const READ_ONLY: u32 = 0o0;

/// True when a process that can be looked into holds one of the files open for writing. Processes that cannot be, those of
/// other users and on other machines, are passed over.
pub(super) fn is_held(files: &[PathBuf]) -> bool {
    let wanted: HashSet<(u64, u64)> = files.iter().filter_map(|file| place(file)).collect();
    let processes = entries(Path::new("/proc"));
    let mut descriptors = processes
        .filter(|process| process.file_name().is_some_and(|name| name.as_encoded_bytes()[0].is_ascii_digit()))
        .flat_map(|process| entries(&process.join("fd")));
    descriptors.any(|descriptor| {
        place(&descriptor).is_some_and(|found| wanted.contains(&found)) && is_for_writing(&descriptor)
    })
}

/// What a folder lists; nothing where it may not be read.
fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

/// The device of a file and its number there; links are followed, as those of descriptors are to what is open.
fn place(file: &Path) -> Option<(u64, u64)> {
    fs::metadata(file).ok().map(|found| (found.dev(), found.ino()))
}

/// True when a descriptor, `/proc/PID/fd/NUMBER`, can be written to.
fn is_for_writing(descriptor: &Path) -> bool {
    let info = descriptor.parent().and_then(Path::parent).zip(descriptor.file_name());
    let text = info.map(|(process, number)| fs::read_to_string(process.join("fdinfo").join(number)));
    text.and_then(Result::ok)
        .is_some_and(|text| flags(&text).is_some_and(|flags| flags & ACCESS_MODE != READ_ONLY))
}

/// The flags in a text of `fdinfo`, which are octal.
fn flags(text: &str) -> Option<u32> {
    let line = text.lines().find_map(|line| line.strip_prefix("flags:"))?;
    u32::from_str_radix(line.trim(), 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_held_while_somebody_can_write_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("a.mkv"), folder.path().join("other name.mkv"));
        let writer = fs::File::create(&path).unwrap();
        fs::hard_link(&path, &link).unwrap();
        let other = folder.path().join("b.mkv");
        fs::write(&other, "x").unwrap();
        assert!(is_held(std::slice::from_ref(&path)) && is_held(&[other.clone(), link]));
        assert!(!is_held(&[other, folder.path().join("missing")]));
        drop(writer);
        let reader = fs::File::open(&path).unwrap();
        assert!(!is_held(std::slice::from_ref(&path)));
        let both = fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
        assert!(is_held(std::slice::from_ref(&path)));
        drop((reader, both));
        assert!(!is_held(&[path]));
    }

    #[test]
    fn flags_are_read() {
        assert_eq!(flags("pos:\t0\nflags:\t0100002\nmnt_id:\t29\n"), Some(0o100_002));
        assert_eq!(flags("pos:\t0\n"), None);
    }
}
