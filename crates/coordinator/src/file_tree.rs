//! The videos that a server may be asked about by their names: those below its root, but for its own folders.
//!
//! A name is a path relative to the root, with `/` between its parts. What a name leads to is found part by part from the root on:
//! no part is a link, goes up, or is hidden, so that no name leads out of the root.

mod list;
mod name;

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, openat};
use rustix::io::Errno;

pub use list::{Entry, EntryKind, Listing};
use name::parts;

/// The longest path that Linux takes, in bytes.
const LONGEST: usize = 4096;

/// The folders below a root in which videos may be named.
#[derive(Debug, Clone)]
pub struct FileTree {
    root: PathBuf,
    input: PathBuf,
    output: PathBuf,
    closed: Vec<PathBuf>,
}

/// Why a name means no file or folder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotNamed {
    /// It is no name of a file below the root.
    #[error("`{name}` cannot be named: {why}")]
    BadName {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// There is nothing of that name.
    #[error("there is no {what} `{name}` below the folder of the server")]
    NotThere {
        /// The name.
        name: String,
        /// What was looked for: a file or a folder.
        what: &'static str,
    },
    /// It cannot be looked at.
    #[error("`{name}` cannot be read: {why}")]
    Unreadable {
        /// The name.
        name: String,
        /// What the system says.
        why: String,
    },
}

impl FileTree {
    /// The files below a root. Videos in `input` have their results right below `output`; no name leads into the folders that
    /// are `closed`, nor into that of the results.
    pub fn new(root: PathBuf, input: PathBuf, output: PathBuf, closed: Vec<PathBuf>) -> Self {
        Self { root, input, output, closed }
    }

    /// The file of a name, as an absolute path. Looks at the disk.
    ///
    /// # Errors
    /// When the name leads elsewhere, or there is no such file.
    pub fn file(&self, name: &str) -> Result<PathBuf, NotNamed> {
        let (path, kind) = self.find(name, "file")?;
        if kind == FileType::RegularFile { Ok(path) } else { Err(not_there(name, "file")) }
    }

    /// The folder of a name, as an absolute path; the empty name is that of the root. Looks at the disk.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf, NotNamed> {
        if name.is_empty() {
            return Ok(self.root.clone());
        }
        let (path, kind) = self.find(name, "folder")?;
        if kind == FileType::Directory { Ok(path) } else { Err(not_there(name, "folder")) }
    }

    /// The name of a file; `None` for one that has none.
    pub fn name_of(&self, path: &Path) -> Option<String> {
        let name = path.strip_prefix(&self.root).ok()?.to_str()?;
        parts(name).ok().map(|_| name.to_owned())
    }

    /// The folder that the result of a file goes to: the folders above it are kept.
    pub fn results_of(&self, file: &Path) -> PathBuf {
        let inside = file.strip_prefix(&self.input).or_else(|_| file.strip_prefix(&self.root));
        self.output.join(inside.ok().and_then(Path::parent).unwrap_or(Path::new("")))
    }

    /// What a name leads to, part by part.
    fn find(&self, name: &str, what: &'static str) -> Result<(PathBuf, FileType), NotNamed> {
        let bad = |why| NotNamed::BadName { name: name.to_owned(), why };
        let failed = |errno: Errno| match errno {
            Errno::NOENT | Errno::NOTDIR => not_there(name, what),
            errno => NotNamed::Unreadable { name: name.to_owned(), why: errno.to_string() },
        };
        let mut path = self.root.clone();
        let mut place = open(None, self.root.as_os_str(), true).map_err(failed)?;
        let mut kind = FileType::Directory;
        for part in parts(name).map_err(bad)? {
            path.push(part);
            if self.is_closed(&path) {
                return Err(bad("it is in a folder of the server's own"));
            }
            // Where videos are dropped may be a link that the owner made, as to a share.
            place = open(Some(&place), OsStr::new(part), path == self.input).map_err(failed)?;
            kind = FileType::from_raw_mode(fstat(&place).map_err(failed)?.st_mode);
            if kind == FileType::Symlink {
                return Err(bad("links are not followed"));
            }
        }
        Ok((path, kind))
    }

    /// True for a folder into which no name leads.
    fn is_closed(&self, path: &Path) -> bool {
        path == self.output || self.closed.iter().any(|closed| closed == path)
    }
}

fn not_there(name: &str, what: &'static str) -> NotNamed {
    NotNamed::NotThere { name: name.to_owned(), what }
}

/// Opens what is at a name in a folder, without the right to read it.
fn open(place: Option<&OwnedFd>, name: &OsStr, follows: bool) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::CLOEXEC | if follows { OFlags::empty() } else { OFlags::NOFOLLOW };
    match place {
        Some(place) => openat(place, name, flags, Mode::empty()),
        None => openat(CWD, name, flags, Mode::empty()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// A root with a film in `input/show`, one elsewhere, and links.
    fn made() -> (tempfile::TempDir, FileTree) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        for place in ["input/show", "state", "output", "models", "tree/deep", "logs"] {
            fs::create_dir_all(root.join(place)).unwrap();
        }
        for file in ["input/show/a.mkv", "tree/deep/b.mkv", "state/ledger.db", "output/a_upscaled.mkv"] {
            fs::write(root.join(file), "film").unwrap();
        }
        fs::write(folder.path().join("secret.mkv"), "secret").unwrap();
        symlink("../../secret.mkv", root.join("input/out.mkv")).unwrap();
        symlink(folder.path(), root.join("tree/up")).unwrap();
        symlink("deep", root.join("tree/same")).unwrap();
        let closed = ["state", "models", "logs"].map(|name| root.join(name)).to_vec();
        let tree = FileTree::new(root.clone(), root.join("input"), root.join("output"), closed);
        (folder, tree)
    }

    #[test]
    fn names_lead_to_files_below_the_root() {
        let (folder, tree) = made();
        let root = folder.path().join("root");
        for name in ["input/show/a.mkv", "tree/deep/b.mkv"] {
            assert_eq!(tree.file(name), Ok(root.join(name)));
            assert_eq!(tree.name_of(&root.join(name)).as_deref(), Some(name));
        }
        assert_eq!(tree.results_of(&root.join("input/show/a.mkv")), root.join("output/show"));
        assert_eq!(tree.results_of(&root.join("tree/deep/b.mkv")), root.join("output/tree/deep"));
        assert_eq!(tree.folder(""), Ok(root.clone()));
        assert_eq!(tree.folder("input/show"), Ok(root.join("input/show")));
        assert!(matches!(tree.file("input/show"), Err(NotNamed::NotThere { .. })));
        assert!(matches!(tree.folder("input/show/a.mkv"), Err(NotNamed::NotThere { .. })));
        assert_eq!(tree.name_of(&folder.path().join("secret.mkv")), None);
    }

    #[test]
    fn no_name_leads_out_of_the_root() {
        let (folder, tree) = made();
        let absolute = folder.path().join("secret.mkv").to_str().unwrap().to_owned();
        for name in [
            "",
            "/",
            ".",
            "..",
            "/etc/passwd",
            &absolute,
            "../secret.mkv",
            "input/../../secret.mkv",
            "input/show/../../../secret.mkv",
            "input/./show/a.mkv",
            "input//show/a.mkv",
            "input/show/a.mkv/",
            "input/show/a.mkv\0",
            "input/out.mkv",
            "tree/up/secret.mkv",
            "tree/same/b.mkv",
            "state/ledger.db",
            "output/a_upscaled.mkv",
            "input/.hidden.mkv",
            ".git/config",
            "~/secret.mkv",
            "input/show\\..\\..\\secret.mkv",
            "input/%2e%2e/%2e%2e/secret.mkv",
            &format!("input/{}", "a/".repeat(3000)),
        ] {
            assert!(tree.file(name).is_err(), "{name}");
            assert!(name.is_empty() || tree.folder(name).is_err(), "{name}");
        }
    }

    #[test]
    fn the_input_folder_may_be_a_link_of_the_owner() {
        let folder = tempfile::tempdir().unwrap();
        let (root, share) = (folder.path().join("root"), folder.path().join("share"));
        fs::create_dir_all(&root).unwrap();
        fs::create_dir_all(&share).unwrap();
        fs::write(share.join("a.mkv"), "film").unwrap();
        symlink(&share, root.join("input")).unwrap();
        let tree = FileTree::new(root.clone(), root.join("input"), root.join("output"), Vec::new());
        assert_eq!(tree.file("input/a.mkv"), Ok(root.join("input/a.mkv")));
        symlink(share.join("a.mkv"), share.join("b.mkv")).unwrap();
        assert!(tree.file("input/b.mkv").is_err());
    }
}
