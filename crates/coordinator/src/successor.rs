//! The result of a file that was not whole gives way to that of the whole one.

use std::path::Path;
use std::time::UNIX_EPOCH;

use job::Container;
use job::state::Status;
use ledger::Record;

use crate::error::Error;
use crate::scheduler::Scheduler;

/// How much later than its job came to an end a result may have been written, by clocks that count in different steps.
const SLACK_MILLISECONDS: i64 = 1000;

impl Scheduler {
    /// Takes over the name of an earlier job of the same path, which had other content then: one that was not whole, or that
    /// came to nothing. False where there is none, or where the name has a file that is not that job's result.
    pub(crate) async fn inherit_name(&self, record: &Record, container: Container) -> Result<bool, Error> {
        let ledger = &self.options.ledger;
        let others = ledger.of_source(&record.request.source).await?;
        for earlier in others.into_iter().rev().filter(|earlier| gives_way(earlier, record)) {
            let Some(name) = &earlier.request.result else { continue };
            let is_of_kind = name.extension().is_some_and(|extension| extension == container.extension());
            if !is_of_kind || name.parent() != Some(&*record.request.output) {
                continue;
            }
            let replaced = match &earlier.job.status {
                Status::Done => Some(earlier.clone()),
                _ => self.replaced_by(&earlier).await?,
            };
            let is_free = name.symlink_metadata().is_err()
                || replaced.as_ref().is_some_and(|replaced| is_result_of(replaced, name));
            let replaced = replaced.map(|replaced| replaced.id);
            if is_free && ledger.inherit_result(earlier.id, record.id, name, replaced).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// True when the file that has the name of a job's result is the very result that this one's is to replace.
    pub(crate) async fn may_replace(&self, record: &Record, target: &Path) -> Result<bool, Error> {
        let replaced = self.replaced_by(record).await?;
        Ok(replaced.is_some_and(|replaced| is_result_of(&replaced, target)))
    }

    /// The job whose result that of this one replaces.
    async fn replaced_by(&self, record: &Record) -> Result<Option<Record>, Error> {
        let Some(id) = record.replaces else { return Ok(None) };
        let replaced = self.options.ledger.get(id).await?;
        Ok(replaced.filter(|replaced| replaced.request.source == record.request.source))
    }
}

/// True when an earlier job has nothing that another of the same path with other content should keep away from.
fn gives_way(earlier: &Record, record: &Record) -> bool {
    let is_of_other_content =
        earlier.id != record.id && earlier.request.fingerprint != record.request.fingerprint;
    let gave_nothing_whole = match earlier.job.status {
        Status::Done => earlier.job.facts.as_ref().is_some_and(|facts| facts.cut_off.is_some()),
        Status::Failed { .. } | Status::Canceled => true,
        Status::Queued | Status::Running | Status::WaitingForSpace { .. } | Status::Paused => false,
    };
    is_of_other_content && gave_nothing_whole
}

/// True when a file is the result that a job made, as far as its size and time tell: it has not been written since.
fn is_result_of(job: &Record, file: &Path) -> bool {
    let Ok(found) = file.symlink_metadata() else { return false };
    let written = found.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    found.is_file()
        && job.job.status == Status::Done
        && Some(found.len()) == job.job.result_bytes
        && written.is_some_and(|time| time.as_millis() as i64 <= job.changed.0 + SLACK_MILLISECONDS)
}
