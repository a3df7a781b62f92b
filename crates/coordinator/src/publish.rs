//! The name of a result, and how it gets it.

use std::fs::Metadata;
use std::path::Path;
use std::sync::Arc;

use job::state::{Event, Task, TaskKey};
use job::{FailureKind, NewJob, Notice, Remedy, SourceFacts};
use ledger::Record;
use protocol::Made;
use storage::{checksum, workers_bytes};

use crate::blocking::blocking;
use crate::error::Error;
use crate::known::{is_known_as_result, is_of_another_source};
use crate::names::{Naming, result_names};
use crate::service::Existing;
use crate::shared::Shared;
use crate::subtitles::{self, Along};
use crate::{report, task};

impl Shared {
    /// Reserves a name for the result that no other job and no file has; else says why there is none.
    pub(crate) async fn reserve_name(
        &self,
        record: &Record,
        facts: &SourceFacts,
    ) -> Result<Result<(), Notice>, Error> {
        if record.request.result.is_some() {
            return Ok(Ok(()));
        }
        if self.inherit_name(record, facts.container).await? {
            return Ok(Ok(()));
        }
        let NewJob { source, settings, output, .. } = &record.request;
        let made = Made::of(settings, facts);
        let folders = self.folders();
        let template = folders.name_of(source, output);
        let Some(naming) = Naming::new(template, settings, made) else {
            return Ok(Err(format!("the size of the result is not known, which `{template}` says").into()));
        };
        for name in result_names(source, output, facts.container, &naming) {
            // Names are known sooner for the most part, but for the container, and for what templates say.
            let is_of_another =
                || self.options.existing != Existing::NextName && is_of_another_source(&name, source);
            if name == *source || self.options.taken.contains(&name.0) || is_of_another() {
                continue;
            }
            let is_there = name.symlink_metadata().is_ok();
            if self.options.existing == Existing::Replace && is_there && !is_known_as_result(&name) {
                return Ok(Err(no_result(&name)));
            }
            if self.options.existing != Existing::Replace && is_there {
                if self.options.existing == Existing::Refuse {
                    let is_result = is_known_as_result(&name);
                    return Ok(Err(if is_result { already_there(&name) } else { no_result(&name) }));
                }
            } else if self.options.ledger.reserve_result(record.id, &name).await? {
                return Ok(Ok(()));
            }
        }
        Ok(Err("all names for the result are taken".into()))
    }

    /// Gives a result that has its name what belongs to it: the source's subtitle files, its report, and the source's time where
    /// that is wanted. May be called again.
    fn finish(&self, record: &Record, result: &Path) {
        let NewJob { source, settings, .. } = &record.request;
        let along = match settings.part {
            _ if !self.limits().subtitle_files => Along::default(),
            None => subtitles::take_along(source, result),
            Some(_) => subtitles::left_behind(source),
        };
        for line in along.lines() {
            self.note(record, line);
        }
        if let Some(trouble) = report::leave(record, result, &along) {
            tracing::warn!("job {}: {trouble}", record.id);
            self.note(record, trouble);
        }
        if self.limits().keep_time
            && let Err(error) = copy_time(&record.request.source, result)
        {
            tracing::warn!("`{}` does not have the time of its source: {error}", result.display());
        }
    }

    /// Gives the complete result its name.
    pub(crate) async fn publish(self: &Arc<Self>, record: &Record, task: &Task) -> Result<Event, Error> {
        let key = task.key();
        let Some(facts) = &record.job.facts else { return Ok(nameless(key)) };
        let mut named = record.clone();
        if named.request.result.is_none() {
            // It went to another job while this one had failed.
            if let Err(taken) = self.reserve_name(record, facts).await? {
                return Ok(task::failed(key, FailureKind::Final, taken));
            }
            named = self.options.ledger.get(record.id).await?.unwrap_or(named);
        }
        let record = &named;
        let part = task::unpublished_result(record);
        let Some(target) = record.request.result.clone() else {
            return Ok(nameless(key));
        };
        let has_successor = self.may_replace(record, &target).await?;
        let replaces = self.options.existing == Existing::Replace || has_successor;
        let (from, to, bytes) = (part, target.clone(), record.job.result_bytes);
        match blocking(move || name_result(&from, &to, bytes, replaces)).await {
            Ok(None) => Ok(Event::ResultLost { task: key }),
            Ok(Some(by_whom)) => {
                if has_successor && by_whom == Named::Now {
                    let name = target.display();
                    self.note(
                        record,
                        format!("`{name}` was made before the file was whole, and is replaced"),
                    );
                }
                let (shared, record) = (Arc::clone(self), record.clone());
                blocking(move || shared.finish(&record, &target)).await;
                Ok(Event::Published { task: key })
            }
            // A file was put there while the job ran: the result takes the next name.
            Err(storage::Error::TargetExists { .. }) if self.options.existing == Existing::NextName => {
                let renamed =
                    Record { request: NewJob { result: None, ..record.request.clone() }, ..record.clone() };
                if let Err(taken) = self.reserve_name(&renamed, facts).await? {
                    return Ok(task::failed(key, FailureKind::Final, taken));
                }
                let message = format!("`{}` exists already: the result takes another name", target.display());
                self.note(record, message.clone());
                Ok(task::failed(key, FailureKind::Transient, message))
            }
            Err(storage::Error::TargetExists { .. }) => {
                Ok(task::failed(key, FailureKind::Final, already_there(&target)))
            }
            Err(error) => Ok(task::failed_by_storage(key, &error)),
        }
    }
}

/// When a result got its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    Now,
    /// By who could not tell the ledger any more, or whose ledger was lost.
    Before,
}

/// Gives a complete result of so many bytes its name, unless it has that already; `None` where there is no result.
fn name_result(
    part: &Path,
    target: &Path,
    bytes: Option<u64>,
    replaces: bool,
) -> Result<Option<Named>, storage::Error> {
    remove_copies(target);
    if workers_bytes(part).is_err() {
        // Killed between the renaming and the ledger: the result has its name already.
        let size = target.metadata().map(|metadata| metadata.len()).ok();
        return Ok((size.is_some() && size == bytes).then_some(Named::Before));
    }
    let move_it = if replaces { storage::publish_replacing } else { storage::publish };
    match move_it(part, target) {
        // Or killed between the copy to another file system and the removal of what was copied.
        Err(storage::Error::TargetExists { .. }) if is_same(part, target) => Ok(Some(Named::Before)),
        moved => moved.map(|()| Some(Named::Now)),
    }
}

/// Gives a file the time at which another was modified.
fn copy_time(from: &Path, to: &Path) -> std::io::Result<()> {
    let time = from.metadata()?.modified()?;
    std::fs::File::options().write(true).open(to)?.set_modified(time)
}

/// True when two files have the same content.
pub(crate) fn is_same(one: &Path, other: &Path) -> bool {
    let size = |path: &Path| path.symlink_metadata().ok().filter(Metadata::is_file).map(|found| found.len());
    size(one).is_some()
        && size(one) == size(other)
        && matches!((checksum(one), checksum(other)), (Ok(one), Ok(other)) if one == other)
}

/// Removes what killed programs left of copies: of results on their way to another file system, and of subtitle files.
fn remove_copies(target: &Path) {
    let removed = target.parent().map(storage::remove_leftovers);
    if let Some(Err(error)) = removed {
        tracing::warn!("what may be left of results cannot be removed: {error}");
    }
}

fn nameless(key: TaskKey) -> Event {
    task::failed(key, FailureKind::Transient, "the result has no name")
}

/// What is said of a file that would be replaced and that this program did not make.
pub fn no_result(name: &Path) -> Notice {
    let text = format!("`{}` is there and is no result of upscaled", name.display());
    Notice::new(text, Remedy::OtherName)
}

/// What is said of a file that has the name of a result.
pub fn already_there(name: &Path) -> Notice {
    Notice::new(format!("`{}` is there already", name.display()), Remedy::Overwrite)
}
