//! The uploads on the disk: a folder for each, with the bytes that came (`data`) and what was said of them (`upload.json`).
//!
//! How far an upload is, is the length of its data, and when something last came is when that was written. The data leaves the
//! folder when it is whole, which is what tells a finished upload.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use coordinator::{ServerFolder, now};
use job::Millis;
use serde::{Deserialize, Serialize};

use super::failure::Failure;
use super::id::UploadId;
use super::name::numbered;
use super::space::Space;
use super::turns::Held;

/// Unfinished uploads at once.
pub(super) const MOST_UPLOADS: usize = 32;
/// Finished ones that are still known; the earliest is forgotten first.
const MOST_FINISHED: usize = 128;
/// An unfinished upload goes when nothing came for so long.
const EXPIRES_AFTER: i64 = 7 * DAY;
/// A finished one is known for so long, for clients that missed the answer.
const KNOWN_FOR: i64 = DAY;
/// A day in milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1000;
/// Files of one name that lie beside each other.
const MOST_OF_A_NAME: u32 = 10_000;

const RECORD: &str = "upload.json";
const DATA: &str = "data";

/// What was said of an upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// The name that its file is to have.
    pub(super) name: String,
    /// The bytes that it is to have.
    pub(super) length: u64,
    /// When it was begun.
    pub(super) created: Millis,
    /// The metadata as the client gave them.
    pub(super) metadata: String,
    /// The file is not put into the input folder before a person decides what is to be made of it.
    #[serde(default)]
    pub(super) held: bool,
    /// Data from here on is not proven by its checksum yet, and does not count.
    unproven_from: Option<u64>,
    /// The name under which the file is put into the input folder, noted before that is done.
    goes_to: Option<String>,
}

/// What the metadata of an upload say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Described {
    /// The name that its file is to have.
    pub(super) name: String,
    /// The metadata as the client gave them.
    pub(super) metadata: String,
    /// See [`Record::held`].
    pub(super) held: bool,
}

/// An upload as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Upload {
    pub(super) id: UploadId,
    pub(super) record: Record,
    /// The bytes that are there.
    pub(super) offset: u64,
    /// When it goes if nothing more comes.
    pub(super) expires: Millis,
    is_finished: bool,
}

impl Upload {
    /// The name that its file got in the input folder; `None` before that.
    pub(super) fn finished_as(&self) -> Option<&str> {
        self.record.goes_to.as_deref().filter(|_| self.is_finished)
    }

    /// It is whole, and waits for a decision.
    pub(super) fn is_held(&self) -> bool {
        self.record.held && !self.is_finished && self.remaining() == 0
    }

    /// The bytes that are missing.
    pub(super) fn remaining(&self) -> u64 {
        self.record.length.saturating_sub(self.offset)
    }
}

/// The folder of all uploads.
#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
    input: ServerFolder,
    /// One is begun after the other: each sees what those before it need of the disk.
    beginning: Mutex<()>,
}

impl Store {
    pub(super) fn new(folder: PathBuf, input: ServerFolder) -> Self {
        Self { folder, input, beginning: Mutex::new(()) }
    }

    /// Where a file of this name is in the input folder.
    pub(super) fn in_input(&self, name: &str) -> PathBuf {
        self.input.path().join(name)
    }

    fn folder_of(&self, id: UploadId) -> PathBuf {
        self.folder.join(id.to_string())
    }

    /// An upload that has not expired.
    pub(super) fn find(&self, id: UploadId, now: Millis) -> Result<Upload, Failure> {
        let upload = self.read(id)?.ok_or(Failure::NoUpload)?;
        if upload.expires <= now { Err(Failure::Expired) } else { Ok(upload) }
    }

    /// All uploads, the earliest first.
    pub(super) fn list(&self) -> Result<Vec<Upload>, Failure> {
        let mut uploads = Vec::new();
        for id in self.ids()? {
            match self.read(id) {
                Ok(upload) => uploads.extend(upload),
                Err(error) => tracing::warn!("the upload {id} cannot be read: {error}"),
            }
        }
        uploads.sort_by_key(|upload| upload.record.created);
        Ok(uploads)
    }

    /// What is in the folder; one that is not there has nothing in it.
    pub(super) fn ids(&self) -> Result<Vec<UploadId>, Failure> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut ids = Vec::new();
        for entry in entries {
            ids.extend(entry?.file_name().to_str().and_then(|name| name.parse::<UploadId>().ok()));
        }
        Ok(ids)
    }

    fn read(&self, id: UploadId) -> Result<Option<Upload>, Failure> {
        let folder = self.folder_of(id);
        let Some(record) = storage::read_sealed::<Record>(&folder.join(RECORD))? else { return Ok(None) };
        let upload = match (inspect(&folder.join(DATA))?, &record.goes_to) {
            (Some(data), _) => {
                let offset = data.len().min(record.unproven_from.unwrap_or(u64::MAX));
                // A whole file stays for as long as the input folder is away, and waits a while for a decision.
                let expires = if offset >= record.length && !record.held {
                    Millis(now().0 + EXPIRES_AFTER)
                } else {
                    expiry(&data)
                };
                Upload { id, offset, expires, is_finished: false, record }
            }
            (None, Some(_)) => {
                let since = inspect(&folder.join(RECORD))?.map_or(record.created, |found| changed(&found));
                let expires = Millis(since.0 + KNOWN_FOR);
                Upload { id, offset: record.length, expires, is_finished: true, record }
            }
            // Its data was taken away.
            (None, None) => return Ok(None),
        };
        Ok(Some(upload))
    }

    /// What one more upload may have.
    pub(super) fn space(&self) -> Result<Space, Failure> {
        self.space_beside(&self.list()?)
    }

    fn space_beside(&self, uploads: &[Upload]) -> Result<Space, Failure> {
        storage::make_folder(&self.folder)?;
        let unfinished = || uploads.iter().filter(|upload| !upload.is_finished);
        let space = Space::of(&self.folder)?.beside(unfinished().map(Upload::remaining).sum());
        let input = self.input.path();
        if self.input.trouble().is_some() || storage::device(input)? == storage::device(&self.folder)? {
            return Ok(space);
        }
        // Files are copied to the other disk when they are whole.
        let whole = unfinished().map(|upload| upload.record.length).sum();
        Ok(space.and(Space::of(input)?.beside(whole)))
    }

    /// Begins an upload, when the disk has room for it.
    pub(super) fn begin(&self, described: Described, length: u64) -> Result<Upload, Failure> {
        let _turn = self.beginning.lock().unwrap_or_else(PoisonError::into_inner);
        let uploads = self.list()?;
        let (finished, unfinished): (Vec<_>, Vec<_>) = uploads.iter().partition(|upload| upload.is_finished);
        if unfinished.len() >= MOST_UPLOADS {
            return Err(Failure::TooMany { most: MOST_UPLOADS });
        }
        self.space_beside(&uploads)?.admit(length)?;
        for earliest in finished.iter().take((finished.len() + 1).saturating_sub(MOST_FINISHED)) {
            self.remove(earliest.id)?;
        }
        let id = UploadId::random()?;
        let Described { name, metadata, held } = described;
        let record =
            Record { name, length, created: now(), metadata, held, unproven_from: None, goes_to: None };
        let made = self.make(id, &record);
        if made.is_err() {
            let _ = self.remove(id);
        }
        made?;
        self.read(id)?.ok_or(Failure::NoUpload)
    }

    fn make(&self, id: UploadId, record: &Record) -> Result<(), Failure> {
        let folder = self.folder_of(id);
        storage::make_folder(&folder)?;
        File::create_new(folder.join(DATA))?;
        // The last, since it makes the upload one; it syncs the folder.
        Ok(storage::write_sealed(&folder.join(RECORD), record)?)
    }

    /// Opens the data of an unfinished upload for more. What is `checked` counts only once it is kept.
    pub(super) fn open(&self, upload: &mut Upload, checked: bool) -> Result<File, Failure> {
        let folder = self.folder_of(upload.id);
        let data = OpenOptions::new().append(true).open(folder.join(DATA))?;
        data.set_len(upload.offset)?;
        let unproven_from = checked.then_some(upload.offset);
        if upload.record.unproven_from != unproven_from {
            // What was thrown away must be gone for good before it would count.
            data.sync_all()?;
            upload.record.unproven_from = unproven_from;
            storage::write_sealed(&folder.join(RECORD), &upload.record)?;
        }
        Ok(data)
    }

    /// Ends what [`Store::open`] began: what came is kept, durably, or thrown away.
    pub(super) fn close(&self, upload: &mut Upload, data: &File, is_kept: bool) -> Result<(), Failure> {
        if !is_kept {
            data.set_len(upload.offset)?;
        }
        data.sync_all()?;
        if upload.record.unproven_from.take().is_some() {
            storage::write_sealed(&self.folder_of(upload.id).join(RECORD), &upload.record)?;
        }
        let found = data.metadata()?;
        (upload.offset, upload.expires) = (found.len(), expiry(&found));
        Ok(())
    }

    /// The file of an upload that is whole and waits for a decision.
    pub(super) fn held_file(&self, id: UploadId, now: Millis) -> Result<PathBuf, Failure> {
        let upload = self.find(id, now)?;
        if upload.is_held() { Ok(self.folder_of(id).join(DATA)) } else { Err(Failure::NotHeld) }
    }

    /// Lets the file of an upload go to the input folder; gives the name that it has there. Done before, it is that name.
    pub(super) fn release(&self, held: &Held) -> Result<String, Failure> {
        let mut upload = self.find(held.id(), now())?;
        if upload.remaining() > 0 {
            return Err(Failure::NotHeld);
        }
        if upload.is_held() {
            upload.record.held = false;
            storage::write_sealed(&self.folder_of(upload.id).join(RECORD), &upload.record)?;
        }
        let finished = self.finish(held)?;
        finished.finished_as().map(str::to_owned).ok_or(Failure::NotHeld)
    }

    /// Puts a whole file that is not held into the input folder, where that was not done yet; gives the upload as it is then.
    pub(super) fn finish(&self, held: &Held) -> Result<Upload, Failure> {
        let mut upload = self.read(held.id())?.ok_or(Failure::NoUpload)?;
        if upload.is_finished || upload.remaining() > 0 || upload.is_held() {
            return Ok(upload);
        }
        if let Some(trouble) = self.input.trouble() {
            return Err(Failure::Away(trouble));
        }
        let folder = self.folder_of(upload.id);
        // A name that was chosen before the server died comes first: the file may be there already, and nothing but the end of
        // the move be missing.
        let before = upload.record.goes_to.take();
        let name = upload.record.name.clone();
        let names = (1..=MOST_OF_A_NAME).map(|number| numbered(&name, number));
        let free = names.filter(|name| self.input.path().join(name).symlink_metadata().is_err());
        for name in before.into_iter().chain(free) {
            upload.record.goes_to = Some(name.clone());
            storage::write_sealed(&folder.join(RECORD), &upload.record)?;
            match storage::publish(&folder.join(DATA), &self.input.path().join(&name)) {
                Err(storage::Error::TargetExists { .. }) => {}
                published => {
                    published?;
                    tracing::info!("an upload is whole: `{name}`");
                    upload.is_finished = true;
                    return Ok(upload);
                }
            }
        }
        Err(io::Error::other(format!("too many files are called `{name}`")).into())
    }

    /// Removes an upload, or what is left of one. The file of a finished one stays in the input folder.
    pub(super) fn remove(&self, id: UploadId) -> Result<(), Failure> {
        Ok(storage::remove_folder(&self.folder_of(id))?)
    }

    /// Removes what has expired: an upload, or what is left of one.
    pub(super) fn remove_expired(&self, id: UploadId, now: Millis) -> Result<bool, Failure> {
        let expires = if let Ok(Some(upload)) = self.read(id) {
            upload.expires
        } else {
            // Begun or removed by half, or damaged.
            expiry(&inspect(&self.folder_of(id))?.ok_or(Failure::NoUpload)?)
        };
        if expires <= now { self.remove(id).map(|()| true) } else { Ok(false) }
    }
}

/// What is at a path; `None` where nothing is.
fn inspect(path: &Path) -> io::Result<Option<Metadata>> {
    match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        found => found.map(Some),
    }
}

/// When unfinished data goes that nothing is added to.
fn expiry(data: &Metadata) -> Millis {
    Millis(changed(data).0 + EXPIRES_AFTER)
}

/// When something was written last.
fn changed(found: &Metadata) -> Millis {
    let since = found.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    Millis(since.unwrap_or_default().as_millis() as i64)
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
