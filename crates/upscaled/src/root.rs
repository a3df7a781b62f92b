//! The folder that a server lives in.

mod rights;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use ledger::{Ledger, Rescue};

/// The places below the root.
#[derive(Debug, Clone)]
pub(crate) struct Root {
    folder: PathBuf,
    settings_file: PathBuf,
}

impl Root {
    /// The root in an existing folder.
    pub(crate) fn new(folder: &Path) -> anyhow::Result<Self> {
        let folder = folder.canonicalize().with_context(|| {
            format!("the folder `{}` cannot be used; make it, or name another with --root", folder.display())
        })?;
        let settings_file = folder.join("upscaled.toml");
        Ok(Self { folder, settings_file })
    }

    /// The same with another settings file, which is to become that of this folder.
    pub(crate) fn with_settings_file(&self, file: &Path) -> Self {
        Self { settings_file: file.to_owned(), ..self.clone() }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn input(&self) -> PathBuf {
        self.folder.join("input")
    }

    pub(crate) fn output(&self) -> PathBuf {
        self.folder.join("output")
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.folder.join("logs")
    }

    pub(crate) fn models(&self) -> PathBuf {
        self.folder.join("models")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// Where videos lie that clients bring over HTTP, until they are whole.
    pub(crate) fn uploads(&self) -> PathBuf {
        self.state().join("uploads")
    }

    pub(crate) fn settings_file(&self) -> PathBuf {
        self.settings_file.clone()
    }

    /// What a server says of itself, for people and their programs.
    pub(crate) fn status_file(&self) -> PathBuf {
        self.state().join("status.json")
    }

    fn ledger_file(&self) -> PathBuf {
        ledger_file(&self.state())
    }

    /// Refuses a folder whose server's state this user may not change, before the database does so in its own words.
    pub(crate) fn check_rights(&self) -> anyhow::Result<()> {
        rights::check(&self.state(), &self.ledger_file())
    }

    /// Opens the ledger, making it when it is not there.
    pub(crate) async fn open_ledger(&self) -> anyhow::Result<Ledger> {
        self.check_rights()?;
        open_ledger(&self.state()).await
    }

    /// Opens the ledger where there is one.
    pub(crate) async fn ledger_if_any(&self) -> anyhow::Result<Option<Ledger>> {
        self.check_rights()?;
        if self.ledger_file().is_file() { self.open_ledger().await.map(Some) } else { Ok(None) }
    }
}

/// The ledger of a folder.
pub(crate) fn ledger_file(folder: &Path) -> PathBuf {
    folder.join("ledger.db")
}

/// Opens the ledger in a folder of its own, making both when they are not there.
pub(crate) async fn open_ledger(folder: &Path) -> anyhow::Result<Ledger> {
    prepare(folder)?;
    Ok(Ledger::open(&ledger_file(folder)).await?)
}

/// As [`open_ledger`], for the holder of the folder's lock: a damaged ledger is put aside.
pub(crate) async fn open_or_rescue_ledger(folder: &Path) -> anyhow::Result<(Ledger, Option<Rescue>)> {
    prepare(folder)?;
    Ok(Ledger::open_or_rescue(&ledger_file(folder)).await?)
}

/// Makes the folder of a ledger, where one can be.
fn prepare(folder: &Path) -> anyhow::Result<()> {
    make_folder(folder)?;
    // Where the file system does not say what it is, it is tried.
    storage::file_system_kind(folder).map_or(Ok(()), |kind| check_kind(folder, kind))
}

/// Refuses folders on which the ledger would be damaged sooner or later.
fn check_kind(folder: &Path, kind: storage::FileSystem) -> anyhow::Result<()> {
    if let storage::FileSystem::Network { name } = kind {
        anyhow::bail!(
            "the ledger cannot lie on a network file system ({name}), where SQLite's log does not work: `{}`; use a folder on a local disk",
            folder.display()
        );
    }
    Ok(())
}

/// Makes a folder and those above it.
pub(crate) fn make_folder(folder: &Path) -> anyhow::Result<()> {
    storage::make_folder(folder).with_context(|| {
        format!(
            "the folder `{}` cannot be made; check that the folder above it can be written",
            folder.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use storage::FileSystem;

    use super::*;

    #[test]
    fn a_ledger_lies_on_a_local_disk() {
        let folder = Path::new("/mnt/share/state");
        let refused = check_kind(folder, FileSystem::Network { name: "NFS" }).unwrap_err().to_string();
        assert!(refused.contains("NFS") && refused.contains("/mnt/share/state"), "{refused}");
        assert!(check_kind(folder, FileSystem::Local).is_ok());
    }
}
