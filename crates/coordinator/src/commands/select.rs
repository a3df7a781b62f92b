//! Which jobs are meant.

use std::collections::BTreeSet;
use std::path::Path;

use job::{FilePath, JobId};
use ledger::Record;
use serde::{Deserialize, Serialize};

use super::message::{Candidate, Refusal};

/// Some jobs, as a person names them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selector {
    /// The first and the last number.
    Numbers(JobId, JobId),
    /// A video.
    Name {
        /// Its path, the end of its path from a folder on, its name, or these without the extension.
        name: String,
        /// Where that leads to for the person, as an absolute path without links; `None` where nothing is there.
        path: Option<FilePath>,
    },
}

/// Which jobs something is to be done to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// Those that are named.
    Named(Vec<Selector>),
    /// All on the list that have failed.
    Failed,
    /// All on the list of which it can be asked.
    All,
}

impl Selector {
    /// One job.
    pub const fn number(id: JobId) -> Self {
        Self::Numbers(id, id)
    }

    /// The jobs that it stands for.
    fn of<'a>(&self, records: &'a [Record]) -> Vec<&'a Record> {
        match self {
            Self::Numbers(first, last) => {
                records.iter().filter(|record| (*first..=*last).contains(&record.id)).collect()
            }
            Self::Name { name, path } => named(Path::new(name), path.as_ref(), records),
        }
    }

    /// True where a source may be one that is meant by its name.
    pub(super) fn may_name(&self, source: &FilePath) -> bool {
        match self {
            Self::Numbers(..) => false,
            Self::Name { name, path } => path.as_ref() == Some(source) || is_named(source, Path::new(name)),
        }
    }

    /// That no job is meant.
    fn none(&self) -> Refusal {
        match self {
            Self::Numbers(first, last) if first == last => Refusal::NoJob(*first),
            Self::Numbers(first, last) => Refusal::NoJobs(*first, *last),
            Self::Name { name, .. } => Refusal::NoVideo(name.clone()),
        }
    }
}

/// The jobs of a video. A path that leads to a source means that one alone, whatever else ends so.
fn named<'a>(name: &Path, path: Option<&FilePath>, records: &'a [Record]) -> Vec<&'a Record> {
    if let Some(path) = path {
        let here: Vec<&Record> = records.iter().filter(|record| *path == record.request.source).collect();
        if !here.is_empty() {
            return here;
        }
    }
    let is_meant = |record: &&Record| is_named(&record.request.source, name);
    let (off_the_list, listed): (Vec<&Record>, Vec<&Record>) =
        records.iter().filter(is_meant).partition(|record| record.is_removed);
    if listed.is_empty() { off_the_list } else { listed }
}

/// True where a name is the end of a source's path, with its extension or without.
fn is_named(source: &Path, name: &Path) -> bool {
    // Every path ends with an empty one.
    !name.as_os_str().is_empty() && (source.ends_with(name) || source.with_extension("").ends_with(name))
}

/// The jobs that are meant, in their order, each once.
///
/// # Errors
/// When a selector means none: it is mistyped, and the others are not to be touched.
pub(crate) fn select(records: &[Record], selectors: &[Selector]) -> Result<Vec<Record>, Refusal> {
    let mut meant = BTreeSet::new();
    for selector in selectors {
        let found = selector.of(records);
        if found.is_empty() {
            return Err(selector.none());
        }
        meant.extend(found.into_iter().map(|record| record.id));
    }
    Ok(records.iter().filter(|record| meant.contains(&record.id)).cloned().collect())
}

/// As [`select`], for what is not easily undone.
///
/// # Errors
/// As for [`select`], and when a name is that of several videos.
pub(crate) fn select_exactly(records: &[Record], selectors: &[Selector]) -> Result<Vec<Record>, Refusal> {
    for selector in selectors {
        let Selector::Name { name, .. } = selector else { continue };
        let found = selector.of(records);
        if found.windows(2).any(|pair| pair[0].request.source != pair[1].request.source) {
            return Err(Refusal::SeveralVideos { name: name.clone(), jobs: candidates(found) });
        }
    }
    select(records, selectors)
}

/// The only job that is meant.
///
/// # Errors
/// When none is meant, or several are.
pub(crate) fn select_one(records: &[Record], selector: &Selector) -> Result<Record, Refusal> {
    let mut found = select_exactly(records, std::slice::from_ref(selector))?;
    if found.len() != 1 {
        return Err(Refusal::SeveralJobs(candidates(&found)));
    }
    Ok(found.remove(0))
}

/// Jobs with what tells them from each other.
fn candidates<'a>(records: impl IntoIterator<Item = &'a Record>) -> Vec<Candidate> {
    let candidate = |record: &Record| Candidate {
        id: record.id,
        source: record.request.source.clone(),
        status: record.job.status.name().to_owned(),
    };
    records.into_iter().map(candidate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::list::tests::queued;

    fn selector(text: &str) -> Selector {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        match (first.parse(), last.parse()) {
            (Ok(first), Ok(last)) => Selector::Numbers(JobId(first), JobId(last)),
            _ => Selector::Name { name: text.to_owned(), path: None },
        }
    }

    fn numbers(found: Result<Vec<Record>, Refusal>) -> Result<Vec<i64>, Refusal> {
        found.map(|found| found.iter().map(|job| job.id.0).collect())
    }

    #[test]
    fn jobs_are_named_by_numbers_ranges_and_videos() {
        let records: Vec<Record> = (1..=9).map(queued).collect();
        let of = |texts: &[&str]| texts.iter().map(|text| selector(text)).collect::<Vec<_>>();
        let select = |texts: &[&str]| numbers(select(&records, &of(texts)));
        assert_eq!(select(&["3", "7-8", "3"]).unwrap(), [3, 7, 8]);
        assert_eq!(select(&["film 4.mkv", "film 5", "8-20"]).unwrap(), [4, 5, 8, 9]);
        for wrong in ["0", "10", "12-15", "9-3", "film", "-1", "", "99999999999999999999"] {
            assert!(select(&["3", wrong]).is_err(), "{wrong}");
        }
        assert_eq!(select(&["77"]), Err(Refusal::NoJob(JobId(77))));
    }

    #[test]
    fn a_longer_end_of_the_path_tells_videos_of_one_name_apart() {
        let records: Vec<Record> = [(1, "a"), (2, "b"), (3, "b/c"), (4, "b/c")]
            .into_iter()
            .map(|(id, folder)| {
                let mut record = queued(id);
                record.request.source = format!("/srv/video/input/{folder}/film.mkv").as_str().into();
                record.is_removed = id == 1;
                record
            })
            .collect();
        let all = |text| numbers(select(&records, &[selector(text)]));
        let exactly = |text| numbers(select_exactly(&records, &[selector(text)]));
        assert_eq!(all("film.mkv").unwrap(), [2, 3, 4]);
        // What is off the list is meant where nothing else is.
        assert_eq!(all("a/film.mkv").unwrap(), [1]);
        assert_eq!(exactly("b/film").unwrap(), [2]);
        assert_eq!(exactly("input/b/film.mkv").unwrap(), [2]);
        assert_eq!(exactly("c/film.mkv").unwrap(), [3, 4]);
        assert!(all("d/film.mkv").is_err() && all("/film.mkv").is_err());
        let Err(Refusal::SeveralVideos { jobs, .. }) = exactly("film.mkv") else { unreachable!() };
        let ids: Vec<i64> = jobs.iter().map(|job| job.id.0).collect();
        assert_eq!((ids, &*jobs[0].status), (vec![2, 3, 4], "queued"));
        let one = |text: &str| select_one(&records, &selector(text)).map(|record| record.id.0);
        assert_eq!(one("b/film.mkv").unwrap(), 2);
        assert!(one("c/film.mkv").is_err() && one("1-2").is_err());
        // What lies where the person is goes before what only ends so.
        let here =
            Selector::Name { name: "film.mkv".to_owned(), path: Some(records[1].request.source.clone()) };
        assert_eq!(numbers(select_exactly(&records, &[here])).unwrap(), [2]);
    }
}
