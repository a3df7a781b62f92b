//! What is said of an import.

use std::collections::BTreeMap;

use job::{FilePath, JobId};
use serde::Serialize;

use super::plan::{Entry, Fate};
use crate::output::width;
use crate::terminal;
use crate::wrap::{GAP, hang};

/// Entries of a kind that are listed; the others are counted.
const MOST: usize = 1000;

/// An entry, for programs.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    path: Option<FilePath>,
    /// What was not understood.
    #[serde(skip_serializing_if = "Option::is_none")]
    given: Option<&'a str>,
    from: &'a str,
    /// `done`, `failed`, `canceled`, `interrupted` or `waiting` there.
    was: Option<&'static str>,
    /// `job`, `done`, `known`, `left`, `past` or `unclear`.
    becomes: &'static str,
    reason: Option<&'a str>,
    model: Option<&'a str>,
    result: Option<&'a FilePath>,
    job: Option<i64>,
    /// The command that makes what is left.
    command: Option<&'a str>,
}

impl<'a> Line<'a> {
    /// With the job that became of it, where one did.
    pub(super) fn of(entry: &'a Entry, job: Option<JobId>) -> Self {
        let (submit, made_with) = match &entry.fate {
            Fate::Job(submit) => (Some(&**submit), None),
            Fate::Done(adopt) => (Some(&adopt.submit), adopt.made_with.as_deref()),
            _ => (None, None),
        };
        let known = if let Fate::Known(id) = entry.fate { Some(id) } else { None };
        Self {
            path: entry.path.clone().map(FilePath),
            given: entry.path.is_none().then_some(&*entry.name),
            from: &entry.from,
            was: entry.was.map(super::status::State::word),
            becomes: entry.fate.word(),
            reason: entry.why.as_deref(),
            model: made_with.or(submit.map(|submit| submit.settings.model.name())),
            result: submit.and_then(|submit| submit.result.as_ref()),
            job: known.or(job).map(|id| id.0),
            command: if let Fate::Left(command) = &entry.fate { Some(command) } else { None },
        }
    }
}

/// The columns that the lines of the table have, where there is a terminal.
pub(super) fn columns() -> Option<usize> {
    terminal::columns(&std::io::stdout())
}

/// A line for each entry, and the reason below it. No line is wider than so many columns.
pub(super) fn table(entries: &[Entry], columns: Option<usize>) -> Vec<String> {
    let words = entries.iter().map(|entry| width(entry.fate.word())).max().unwrap_or_default();
    let mut counts = BTreeMap::<&str, usize>::new();
    let mut lines = Vec::new();
    for entry in entries {
        let word = entry.fate.word();
        let count = counts.entry(word).or_default();
        *count += 1;
        if *count > MOST {
            continue;
        }
        lines.extend(hang(&format!("{word:<words$}  "), &entry.name, columns));
        let place = if entry.path.is_none() { format!("{}: ", entry.from) } else { String::new() };
        if let Some(why) = &entry.why {
            lines.extend(hang(&" ".repeat(words + GAP), &format!("{place}{why}"), columns));
        }
    }
    for (word, count) in counts.into_iter().filter(|(_, count)| *count > MOST) {
        let rest = format!("and {} more: --json lists all", count - MOST);
        lines.extend(hang(&format!("{word:<words$}  "), &rest, columns));
    }
    lines
}

/// What all of it comes to.
pub(super) fn totals(entries: &[Entry], repeated: usize) -> String {
    let count = |word: &str| entries.iter().filter(|entry| entry.fate.word() == word).count();
    let repeated = (repeated > 0).then(|| format!(", {repeated} named more than once"));
    format!(
        "{} to make, {} done there, {} already jobs, {} left to you, {} done and gone, {} not understood{}",
        count("job"),
        count("done"),
        count("known"),
        count("left"),
        count("past"),
        count("unclear"),
        repeated.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, fate: Fate, why: Option<&str>) -> Entry {
        Entry {
            name: name.to_owned(),
            path: Some(name.into()),
            from: "queue.txt, line 3".to_owned(),
            was: None,
            fate,
            why: why.map(str::to_owned),
        }
    }

    #[test]
    fn the_table_fits_narrow_terminals_and_says_all() {
        let long = "/srv/old/input/a show with a long name/season 1/an episode with a name that is longer than a line.mkv";
        let mut unclear = entry("gone.mkv", Fate::Unclear, Some("no such file is there"));
        unclear.path = None;
        let entries = [
            entry(long, Fate::Known(JobId(3)), Some("job 3, queued")),
            entry("/srv/old/input/b.mkv", Fate::Left("upscaled up b.mkv".to_owned()), Some("failed there")),
            unclear,
        ];
        for columns in [40, 60, 80] {
            let lines = table(&entries, Some(columns));
            assert!(lines.iter().all(|line| width(line) <= columns), "{lines:#?}");
            let all: String = lines.concat().split_whitespace().collect();
            for word in [long, "failed there", "queue.txt, line 3: no such file"] {
                assert!(all.contains(&word.split_whitespace().collect::<String>()), "{word}: {lines:#?}");
            }
        }
        let totals = totals(&entries, 2);
        assert!(totals.starts_with("0 to make, 0 done there, 1 already jobs, 1 left to you"), "{totals}");
        assert!(totals.ends_with("1 not understood, 2 named more than once"), "{totals}");
    }

    #[test]
    fn a_long_list_ends_in_a_count() {
        let entries: Vec<Entry> = (0..MOST + 7).map(|_| entry("x.mkv", Fate::Past, None)).collect();
        let lines = table(&entries, None);
        assert_eq!((lines.len(), &**lines.last().unwrap()), (MOST + 1, "past  and 7 more: --json lists all"));
    }
}
