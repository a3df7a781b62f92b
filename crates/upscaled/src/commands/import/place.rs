//! Where a path of the Python server is here: relative ones, those of Windows and of WSL, and those of a folder that was moved since.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Component, Path, PathBuf};

/// The folder of the Python server.
#[derive(Debug)]
pub(super) struct OldFolder {
    /// Its real place.
    root: PathBuf,
}

/// Which folders of it a relative name is looked for in, after the folder itself.
pub(super) const OF_SOURCES: &[&str] = &["input"];
/// The same for results.
pub(super) const OF_RESULTS: &[&str] = &["output"];

impl OldFolder {
    /// A folder, by its real place.
    pub(super) const fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(super) fn path(&self) -> &Path {
        &self.root
    }

    pub(super) fn input(&self) -> PathBuf {
        self.root.join("input")
    }

    /// The real place of the file that these bytes name.
    ///
    /// # Errors
    /// When there is none, in words.
    pub(super) fn find(&self, name: &[u8], folders: &[&str]) -> Result<PathBuf, String> {
        if name.contains(&0) {
            return Err("it is no name: it holds a zero byte".to_owned());
        }
        if name.len() > 4096 {
            return Err("it is longer than any path".to_owned());
        }
        let mut why = "no such file is there".to_owned();
        for candidate in self.candidates(name, folders) {
            match self.check(&candidate) {
                Ok(path) => return Ok(path),
                Err(Some(reason)) => why = reason,
                Err(None) => {}
            }
        }
        Err(why)
    }

    /// A file in the folder, or one that was named by its whole path. `Err(None)` where there is none.
    pub(super) fn check(&self, candidate: &Path) -> Result<PathBuf, Option<String>> {
        let place = candidate.canonicalize().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => None,
            _ => Some(format!("it cannot be looked at: {error}")),
        })?;
        if candidate.starts_with(&self.root) && !place.starts_with(&self.root) {
            return Err(Some("it leads out of the folder, and such links are not followed".to_owned()));
        }
        let metadata = place.metadata().map_err(|error| Some(error.to_string()))?;
        if metadata.is_file() { Ok(place) } else { Err(Some("it is no file".to_owned())) }
    }

    /// The paths that a name may mean, the most likely first.
    fn candidates(&self, name: &[u8], folders: &[&str]) -> Vec<PathBuf> {
        let mut names = vec![name.to_vec()];
        if let Some(bare) = unquoted(name) {
            names.push(bare.to_vec());
        }
        // A name in the other of the two usual encodings.
        names.extend(names.clone().iter().filter_map(|name| in_other_encoding(name)));
        let mut candidates = Vec::new();
        for name in &names {
            let mut paths = vec![PathBuf::from(OsString::from_vec(name.clone()))];
            paths.extend(from_windows(name));
            for path in paths {
                if path.is_absolute() {
                    candidates.push(path.clone());
                    candidates.extend(self.moved(&path, folders));
                } else {
                    candidates.push(self.root.join(&path));
                    candidates.extend(folders.iter().map(|folder| self.root.join(folder).join(&path)));
                }
            }
        }
        candidates
    }

    /// The same file below this folder, for a path that names `input` or `output`: the folder may have been moved, or the path
    /// is one of a container.
    fn moved(&self, path: &Path, folders: &[&str]) -> Option<PathBuf> {
        let parts: Vec<Component<'_>> = path.components().collect();
        let at = parts.iter().rposition(|part| folders.iter().any(|folder| part.as_os_str() == *folder))?;
        Some(parts[at..].iter().fold(self.root.clone(), |place, part| place.join(part)))
    }
}

/// What stands between quotation marks.
fn unquoted(name: &[u8]) -> Option<&[u8]> {
    [b'"', b'\''].iter().find_map(|mark| name.strip_prefix(&[*mark])?.strip_suffix(&[*mark]))
}

/// Latin-1 as UTF-8, or UTF-8 as Latin-1; `None` where that is the same or cannot be.
fn in_other_encoding(name: &[u8]) -> Option<Vec<u8>> {
    if name.is_ascii() {
        return None;
    }
    match std::str::from_utf8(name) {
        Err(_) => Some(name.iter().map(|byte| char::from(*byte)).collect::<String>().into_bytes()),
        Ok(text) => text.chars().map(|letter| u8::try_from(u32::from(letter)).ok()).collect(),
    }
}

/// Where a path of Windows lies here: drives as WSL mounts them, paths of WSL itself, and relative ones.
fn from_windows(name: &[u8]) -> Option<PathBuf> {
    if !name.contains(&b'\\') && !is_drive(name) {
        return None;
    }
    let slashes: Vec<u8> = name.iter().map(|&byte| if byte == b'\\' { b'/' } else { byte }).collect();
    let path = |bytes: &[u8]| PathBuf::from(OsString::from_vec(bytes.to_vec()));
    // `\\?\C:\…`
    let plain = slashes.strip_prefix(b"//?/").unwrap_or(&slashes);
    if is_drive(plain) {
        let drive = [plain[0].to_ascii_lowercase()];
        return Some(path(&[b"/mnt/", &drive[..], &plain[2..]].concat()));
    }
    for host in ["//wsl$/", "//wsl.localhost/"] {
        let Some((begin, rest)) = plain.split_at_checked(host.len()) else { continue };
        if begin.eq_ignore_ascii_case(host.as_bytes()) {
            // The name of the distribution, which is this one or none here.
            let inside = rest.iter().position(|&byte| byte == b'/').map_or(&b""[..], |at| &rest[at..]);
            return Some(path(inside));
        }
    }
    Some(path(plain))
}

/// True for `C:\…`, `C:/…`.
fn is_drive(name: &[u8]) -> bool {
    matches!(name, [drive, b':', b'\\' | b'/', ..] if drive.is_ascii_alphabetic())
}

/// A name for people.
pub(super) fn shown(name: &[u8]) -> String {
    crate::output::path(Path::new(std::ffi::OsStr::from_bytes(name)))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    struct Fixture {
        _temporary: tempfile::TempDir,
        old: OldFolder,
    }

    impl Fixture {
        fn new(files: &[&[u8]]) -> Self {
            let temporary = tempfile::tempdir().unwrap();
            let outer = temporary.path().canonicalize().unwrap();
            let root = outer.join("old");
            for file in files {
                let file = root.join(std::ffi::OsStr::from_bytes(file));
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, "film").unwrap();
            }
            Self { _temporary: temporary, old: OldFolder::new(root) }
        }

        fn found(&self, name: &[u8]) -> Result<Vec<u8>, String> {
            let place = self.old.find(name, OF_SOURCES)?;
            Ok(place.strip_prefix(self.old.path()).unwrap().as_os_str().as_bytes().to_vec())
        }
    }

    #[test]
    fn names_are_found_however_they_are_written() {
        let fixture = Fixture::new(&[b"input/a b.mkv", b"top.mkv", b"input/show/e1.mkv", b"input/it's.mkv"]);
        for (name, wanted) in [
            ("a b.mkv", "input/a b.mkv"),
            ("input/a b.mkv", "input/a b.mkv"),
            ("./input/a b.mkv", "input/a b.mkv"),
            ("\"a b.mkv\"", "input/a b.mkv"),
            ("'input/a b.mkv'", "input/a b.mkv"),
            ("it's.mkv", "input/it's.mkv"),
            ("top.mkv", "top.mkv"),
            ("show\\e1.mkv", "input/show/e1.mkv"),
            ("input\\show\\e1.mkv", "input/show/e1.mkv"),
            // The folder lay elsewhere.
            ("/srv/upscaler/input/show/e1.mkv", "input/show/e1.mkv"),
            ("D:\\Videos\\Upscaler\\input\\a b.mkv", "input/a b.mkv"),
            ("\\\\wsl$\\Debian\\home\\me\\input\\show\\e1.mkv", "input/show/e1.mkv"),
            ("\\\\wsl.localhost\\Debian\\home\\me\\input\\a b.mkv", "input/a b.mkv"),
        ] {
            assert_eq!(fixture.found(name.as_bytes()), Ok(wanted.into()), "{name}");
        }
        let whole = fixture.old.path().join("input/a b.mkv");
        assert_eq!(fixture.found(whole.as_os_str().as_bytes()), Ok(b"input/a b.mkv".to_vec()));
        let of_wsl = format!("\\\\wsl$\\Ubuntu{}", whole.display().to_string().replace('/', "\\"));
        assert_eq!(fixture.found(of_wsl.as_bytes()), Ok(b"input/a b.mkv".to_vec()));
    }

    #[test]
    fn drives_of_windows_are_where_wsl_mounts_them() {
        for (name, wanted) in [
            ("C:\\Users\\me\\a.mkv", "/mnt/c/Users/me/a.mkv"),
            ("d:/films/a.mkv", "/mnt/d/films/a.mkv"),
            ("\\\\?\\E:\\a.mkv", "/mnt/e/a.mkv"),
            ("\\\\WSL$\\Debian\\srv\\a.mkv", "/srv/a.mkv"),
            ("show\\a.mkv", "show/a.mkv"),
        ] {
            assert_eq!(from_windows(name.as_bytes()), Some(PathBuf::from(wanted)), "{name}");
        }
        for name in ["/mnt/c/a.mkv", "C: a", "a:b.mkv", "film.mkv"] {
            assert_eq!(from_windows(name.as_bytes()), None, "{name}");
        }
    }

    #[test]
    fn names_in_latin_1_and_utf_8_are_the_same() {
        let fixture = Fixture::new(&["input/Café.mkv".as_bytes(), b"input/Stra\xdfe.mkv"]);
        assert_eq!(fixture.found(b"Caf\xe9.mkv"), Ok("input/Café.mkv".into()));
        assert_eq!(fixture.found("Straße.mkv".as_bytes()), Ok(b"input/Stra\xdfe.mkv".to_vec()));
        assert_eq!(fixture.found(b"Stra\xdfe.mkv"), Ok(b"input/Stra\xdfe.mkv".to_vec()));
    }

    #[test]
    fn nothing_leads_out_of_the_folder() {
        let fixture = Fixture::new(&[b"input/a.mkv", b"../outside.mkv"]);
        let root = fixture.old.path();
        symlink("../../outside.mkv", root.join("input/link.mkv")).unwrap();
        symlink("a.mkv", root.join("input/own.mkv")).unwrap();
        symlink("..", root.join("up")).unwrap();
        assert_eq!(fixture.found(b"own.mkv"), Ok(b"input/a.mkv".to_vec()));
        for name in ["link.mkv", "input/link.mkv", "../outside.mkv", "up/outside.mkv"] {
            assert!(fixture.found(name.as_bytes()).unwrap_err().contains("out of the folder"), "{name}");
        }
        // By its whole path, it was meant.
        let whole = root.with_file_name("outside.mkv");
        assert!(fixture.old.find(whole.as_os_str().as_bytes(), OF_SOURCES).is_ok());
    }

    #[test]
    fn what_is_no_file_is_said() {
        let fixture = Fixture::new(&[b"input/a.mkv"]);
        for (name, why) in [
            (&b"input"[..], "no file"),
            (b"gone.mkv", "no such file"),
            (b"a.mkv\0", "zero byte"),
            (b"a.mkv/b", "no such file"),
            (&[b'x'; 5000], "longer"),
            (&[b'x'; 300], "too long"),
        ] {
            assert!(
                fixture.found(name).unwrap_err().contains(why),
                "{:?}: {:?}",
                shown(name),
                fixture.found(name)
            );
        }
        rustix::fs::mknodat(
            rustix::fs::CWD,
            fixture.old.path().join("input/pipe.mkv"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )
        .unwrap();
        assert!(fixture.found(b"pipe.mkv").unwrap_err().contains("no file"));
    }
}
