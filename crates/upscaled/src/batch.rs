//! Several files one after the other: which one it is, what became of each, and of all.

use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::exit::{Ending, is_usage};
use crate::output;

/// The files of one command.
#[derive(Debug)]
pub(crate) struct Batch {
    files: usize,
    json: bool,
    begun: Instant,
    /// When the file that is worked on was begun.
    file_begun: Instant,
    number: usize,
    done: usize,
    /// Their names.
    failed: Vec<String>,
}

/// A file that came to nothing before it was a job, as a line of JSON.
#[derive(Serialize)]
struct Refused<'a> {
    source: String,
    status: &'static str,
    reason: &'a str,
}

impl Batch {
    pub(crate) fn new(files: usize, json: bool) -> Self {
        let now = Instant::now();
        Self { files, json, begun: now, file_begun: now, number: 0, done: 0, failed: Vec::new() }
    }

    /// The next file comes.
    pub(crate) fn begin(&mut self, file: &Path) {
        self.number += 1;
        self.file_begun = Instant::now();
        if self.files > 1 {
            output::say(&format!("{} of {}: {}", self.number, self.files, output::path(file)));
        }
    }

    /// Says what became of the file.
    ///
    /// # Errors
    /// When the others would not fare better, since what was asked for cannot be or nothing can be written.
    pub(crate) fn end(&mut self, file: &Path, ended: anyhow::Result<Ending>) -> anyhow::Result<Ending> {
        match ended {
            Ok(Ending::Done) => {
                self.done += 1;
                if self.files > 1 {
                    let (file, all) = (self.file_begun.elapsed(), self.begun.elapsed());
                    output::say(&format!("{} of {} took {}", self.number, self.files, times(file, all)));
                }
            }
            Ok(Ending::Stopped) => return Ok(Ending::Stopped),
            Ok(Ending::Failed) => self.failed.push(output::path(file)),
            Err(error) => {
                let reason = format!("{error:#}");
                if self.json {
                    let source = file.to_string_lossy().into_owned();
                    output::json(&Refused { source, status: "failed", reason: &reason })?;
                }
                if is_usage(&error) {
                    return Err(error);
                }
                output::error(&reason);
                self.failed.push(output::path(file));
                return Ok(Ending::Failed);
            }
        }
        ended
    }

    /// What became of all; nothing where there was only one.
    pub(crate) fn summary(&self) -> Option<String> {
        let Self { files, done, failed, begun, .. } = self;
        let time = output::duration(begun.elapsed().as_secs_f64());
        let open = files - done - failed.len();
        let open = if open > 0 { format!(", {open} not finished") } else { String::new() };
        match failed.as_slice() {
            _ if *files < 2 => None,
            [] if open.is_empty() => Some(format!("all {files} done in {time}")),
            [] => Some(format!("{done} done{open} in {time}")),
            failed => {
                Some(format!("{done} done, {} failed{open} in {time}: {}", failed.len(), failed.join(", ")))
            }
        }
    }
}

/// The time of a file, and of all so far where that is more.
fn times(file: Duration, all: Duration) -> String {
    let [file, all] = [file, all].map(|time| output::duration(time.as_secs_f64()));
    if file == all { file } else { format!("{file}, {all} in all") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(files: usize, endings: Vec<anyhow::Result<Ending>>) -> Option<String> {
        let mut batch = Batch::new(files, false);
        for (number, ending) in (1..).zip(endings) {
            let file = format!("{number}.mkv");
            batch.begin(Path::new(&file));
            let _ = batch.end(Path::new(&file), ending);
        }
        batch.summary()
    }

    #[test]
    fn what_became_of_all_is_said_at_the_end() {
        let done = || Ok(Ending::Done);
        assert_eq!(after(1, vec![done()]), None);
        assert_eq!(after(2, vec![done(), done()]).unwrap(), "all 2 done in 0 s");
        let mixed = vec![done(), Ok(Ending::Failed), Err(anyhow::anyhow!("gone")), done()];
        assert_eq!(after(4, mixed).unwrap(), "2 done, 2 failed in 0 s: 2.mkv, 3.mkv");
        assert_eq!(after(3, vec![done(), Ok(Ending::Stopped)]).unwrap(), "1 done, 2 not finished in 0 s");
    }

    #[test]
    fn wrong_usage_ends_the_whole_batch() {
        let mut batch = Batch::new(2, false);
        batch.begin(Path::new("a"));
        assert!(batch.end(Path::new("a"), Err(crate::exit::wrong("no"))).is_err());
        assert_eq!(batch.end(Path::new("a"), Err(anyhow::anyhow!("no"))).unwrap(), Ending::Failed);
    }

    #[test]
    fn the_time_in_all_is_said_where_it_is_another() {
        let seconds = Duration::from_secs;
        assert_eq!(times(seconds(5), seconds(5)), "5 s");
        assert_eq!(times(seconds(65), seconds(3725)), "1 min 05 s, 1 h 02 min in all");
    }
}
