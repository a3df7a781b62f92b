//! The source of a job as it lies there, for those who play it beside what was made of it.

use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::path::Path;

use job::JobId;
use ledger::{Ledger, Record};
use storage::{Stamp, open_users_file, parts};

use super::ViewError;
use crate::blocking::blocking;
use crate::commands::Refusal;
use crate::source::{self, SourceCheck, stamp_text};

/// A source that is open: the file that the job was taken in with.
#[derive(Debug)]
pub struct OpenSource {
    /// The file.
    pub file: File,
    /// Its name.
    pub name: String,
}

/// Opens the source of a job.
pub(crate) async fn open_source(ledger: &Ledger, id: JobId) -> Result<OpenSource, ViewError> {
    let record = ledger.get(id).await?.ok_or(Refusal::NoJob(id))?;
    blocking(move || open(&record)).await
}

/// Others may write where sources lie: what was opened must be what was looked at. One that was touched is taken for the same when samples
/// of it are.
fn open(record: &Record) -> Result<OpenSource, ViewError> {
    let path: &Path = &record.request.source;
    if parts(path).len() > 1 {
        return Err(ViewError::SourceInParts);
    }
    let stamp = match source::check(record) {
        SourceCheck::Gone(failure) => return Err(ViewError::SourceAway(failure.message.text)),
        SourceCheck::Same(stamp) | SourceCheck::SameContent(stamp) | SourceCheck::Touched(stamp) => stamp,
    };
    let away = |error: storage::Error| ViewError::SourceAway(format!("the source cannot be read: {error}"));
    let file = open_users_file(path).map_err(away)?;
    let opened = Stamp::of(Path::new(&format!("/proc/self/fd/{}", file.as_raw_fd()))).map_err(away)?;
    if stamp_text(&opened) != stamp {
        return Err(ViewError::SourceAway("the source was replaced by another file just now".to_owned()));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(OpenSource { file, name })
}
