//! A second copy of the ledger, and what becomes of one that is damaged.

use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::{Error, Ledger, private};

/// How often a ledger that is being closed is looked at, and how long between two looks.
const CLOSING_LOOKS: u32 = 1000;
const CLOSING_PAUSE: Duration = Duration::from_millis(5);

/// What happened to a ledger that was damaged or gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rescue {
    /// What was wrong with it.
    pub finding: String,
    /// Where the damaged database is now; `None` where there was none left.
    pub aside: Option<PathBuf>,
    /// True when the backup took its place, false when a new ledger did.
    pub from_backup: bool,
}

impl fmt::Display for Rescue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the ledger was damaged ({})", self.finding)?;
        if let Some(aside) = &self.aside {
            write!(f, " and is kept as `{}`", aside.display())?;
        }
        let successor = if self.from_backup { "its backup takes" } else { "a new one takes" };
        write!(f, ": {successor} its place, and finished segments are found by what lies beside them")
    }
}

impl Ledger {
    /// Opens the ledger in a file. One that is damaged in any way is put aside under another name; its backup takes its
    /// place, else a new one does. What happened is told. The backup does not bring the password, sessions and tokens back:
    /// they may have been changed or revoked since.
    ///
    /// Only for a caller that holds the lock of the folder: no other process may have the ledger open.
    ///
    /// # Errors
    /// As [`Ledger::open`], except for damage; and when files cannot be renamed.
    pub async fn open_or_rescue(path: &Path) -> Result<(Self, Option<Rescue>), Error> {
        let backup = beside(path, ".backup");
        let finding = if !path.exists() && backup.exists() {
            "it is gone".to_owned()
        } else {
            match Self::open_whole(path, backup.exists()).await {
                Ok(ledger) => return Ok((ledger, None)),
                Err(Error::Damaged { finding, .. } | Error::Corrupt(finding)) => finding,
                Err(error) => return Err(error),
            }
        };
        let aside = put_aside(path).await?;
        if backup.exists() {
            restore(&backup, path)?;
            match Self::open_whole(path, false).await {
                Ok(ledger) => {
                    ledger.forget_access().await?;
                    return Ok((ledger, Some(Rescue { finding, aside, from_backup: true })));
                }
                Err(error) if error.is_damage() => put_aside(path).await?,
                Err(error) => return Err(error),
            };
        }
        Ok((Self::open(path).await?, Some(Rescue { finding, aside, from_backup: false })))
    }

    /// Opens the ledger and reads every row.
    async fn open_whole(path: &Path, had_tables: bool) -> Result<Self, Error> {
        let ledger = Self::open_tables(path, had_tables).await?;
        match ledger.read_all().await {
            Ok(()) => Ok(ledger),
            Err(error) => {
                ledger.close().await;
                Err(error)
            }
        }
    }

    /// Writes a copy of the ledger beside it, `ledger.db.backup`, in place of the one before, and folds the log into the
    /// database, so that what is in the copy does not depend on the log either.
    ///
    /// # Errors
    /// When the ledger is damaged or fails, or the copy does; the copy from before is still there then.
    pub async fn back_up(&self) -> Result<(), Error> {
        // A copy of a damaged row would be as damaged.
        self.read_all().await?;
        self.copy().await
    }

    /// Writes a copy where the ledger was removed or replaced while it is open, and says so: what is written to it from now on would
    /// be lost.
    ///
    /// # Errors
    /// That it was removed or replaced, or that there is no copy.
    pub async fn check_place(&self) -> Result<(), Error> {
        if self.is_in_place() {
            return Ok(());
        }
        self.back_up().await?;
        Err(Error::Replaced { path: self.path.clone() })
    }

    /// As [`Ledger::back_up`], for tables of any version.
    pub(crate) async fn copy(&self) -> Result<(), Error> {
        let part = beside(&self.path, ".backup.part");
        if part.exists() {
            fs::remove_file(&part).map_err(file("remove", &part))?;
        }
        // An empty file is as good as none to the database, and keeps its rights.
        private::make(&part).map_err(file("create", &part))?;
        let name = part.to_string_lossy();
        sqlx::query("VACUUM INTO $1").bind(&*name).execute(&self.pool).await?;
        let synced = File::open(&part).and_then(|file| file.sync_all());
        synced.map_err(file("sync", &part))?;
        rename(&part, &beside(&self.path, ".backup"))?;
        sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(&self.pool).await?;
        Ok(())
    }
}

/// The file of a name that begins like the ledger's.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Renames a ledger and its log to names that are free. Gives the new name of the database.
async fn put_aside(path: &Path) -> Result<Option<PathBuf>, Error> {
    // A connection that came to nothing is closed by a thread of its own. It would remove the log of the database that
    // has the name by then.
    let mut looks = 0;
    while is_open(path) && looks < CLOSING_LOOKS {
        tokio::time::sleep(CLOSING_PAUSE).await;
        looks += 1;
    }
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let mut seconds = since.as_secs();
    let mut aside = beside(path, &format!(".damaged-{seconds}"));
    while ["", "-wal", "-shm"].iter().any(|suffix| beside(&aside, suffix).exists()) {
        seconds += 1;
        aside = beside(path, &format!(".damaged-{seconds}"));
    }
    // The log first: beside another database it would be taken for that one's.
    for suffix in ["-wal", "-shm", ""] {
        let from = beside(path, suffix);
        if from.exists() {
            rename(&from, &beside(&aside, suffix))?;
        }
    }
    Ok(aside.exists().then_some(aside))
}

/// True when this process has a ledger open.
fn is_open(path: &Path) -> bool {
    let (Ok(path), Ok(files)) = (path.canonicalize(), fs::read_dir("/proc/self/fd")) else { return false };
    files.flatten().any(|entry| fs::read_link(entry.path()).is_ok_and(|open| open == path))
}

/// Puts a copy of the backup in the place of the ledger.
fn restore(backup: &Path, path: &Path) -> Result<(), Error> {
    let part = beside(path, ".part");
    fs::copy(backup, &part).map_err(file("copy the backup to", &part))?;
    let synced = File::open(&part).and_then(|file| file.sync_all());
    synced.map_err(file("sync", &part))?;
    rename(&part, path)
}

fn rename(from: &Path, to: &Path) -> Result<(), Error> {
    fs::rename(from, to).map_err(file("rename to", to))?;
    let folder = to.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(file("sync", folder))
}

fn file(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    move |cause| Error::File { action, path: path.to_owned(), cause }
}
