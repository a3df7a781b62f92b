//! Which jobs a command is about.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::path::Path;
use std::str::FromStr;

use anyhow::{bail, ensure};
use ledger::Record;

use crate::output;

/// Some jobs, as a person names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Selector {
    /// The first and the last number.
    Numbers(i64, i64),
    /// A video: its path, the end of its path from a folder on, its name, or these without the extension.
    Name(String),
}

impl FromStr for Selector {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let number = |text: &str| {
            text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<i64>().ok()).flatten()
        };
        Ok(match (number(first), number(last)) {
            (Some(first), Some(last)) => Self::Numbers(first, last),
            _ => Self::Name(text.to_owned()),
        })
    }
}

impl Selector {
    /// The jobs that it stands for.
    fn of<'a>(&self, records: &'a [Record]) -> Vec<&'a Record> {
        match self {
            Self::Numbers(first, last) => {
                records.iter().filter(|record| (*first..=*last).contains(&record.id.0)).collect()
            }
            Self::Name(name) => named(Path::new(name), records),
        }
    }

    /// That no job is meant.
    fn none(&self) -> anyhow::Error {
        match self {
            Self::Numbers(first, last) if first == last => ledger::Error::NoJob(job::JobId(*first)).into(),
            Self::Numbers(first, last) => {
                anyhow::anyhow!("there are no jobs {first}-{last}: see `upscaled list`")
            }
            Self::Name(name) => anyhow::anyhow!(
                "no job is of a video named `{}`: see `upscaled list`",
                output::path(Path::new(name))
            ),
        }
    }
}

/// The jobs of a video. A path that leads to a source means that one alone, whatever else ends so.
fn named<'a>(name: &Path, records: &'a [Record]) -> Vec<&'a Record> {
    if let Ok(path) = name.canonicalize() {
        let here: Vec<&Record> = records.iter().filter(|record| *path == *record.request.source).collect();
        if !here.is_empty() {
            return here;
        }
    }
    let is_meant = |record: &&Record| {
        let source: &Path = &record.request.source;
        // Every path ends with an empty one.
        !name.as_os_str().is_empty() && (source.ends_with(name) || source.with_extension("").ends_with(name))
    };
    let (off_the_list, listed): (Vec<&Record>, Vec<&Record>) =
        records.iter().filter(is_meant).partition(|record| record.is_removed);
    if listed.is_empty() { off_the_list } else { listed }
}

/// The jobs that are meant, in their order, each once.
///
/// # Errors
/// When a selector means none: it is mistyped, and the others are not to be touched.
pub(crate) fn select(records: &[Record], selectors: &[Selector]) -> anyhow::Result<Vec<Record>> {
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
pub(crate) fn select_exactly(records: &[Record], selectors: &[Selector]) -> anyhow::Result<Vec<Record>> {
    for selector in selectors {
        let Selector::Name(name) = selector else { continue };
        let found = selector.of(records);
        if found.windows(2).any(|pair| pair[0].request.source != pair[1].request.source) {
            bail!(
                "`{}` is the name of several videos: {}; choose by number, or by more of the path",
                output::path(Path::new(name)),
                candidates(&found)
            );
        }
    }
    select(records, selectors)
}

/// The only job that is meant.
///
/// # Errors
/// When none is meant, or several are.
pub(crate) fn select_one(records: &[Record], selector: &Selector) -> anyhow::Result<Record> {
    let mut found = select_exactly(records, std::slice::from_ref(selector))?;
    ensure!(
        found.len() == 1,
        "one job is to be named here, not several: {}",
        candidates(&found.iter().collect::<Vec<_>>())
    );
    Ok(found.remove(0))
}

/// Jobs with what tells them from each other.
fn candidates(records: &[&Record]) -> String {
    let words = records.iter().map(|record| {
        format!(
            "job {} (`{}`, {})",
            record.id,
            output::path(&record.request.source),
            record.job.status.name()
        )
    });
    words.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made_up;

    fn selectors(texts: &[&str]) -> Vec<Selector> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn numbers(found: anyhow::Result<Vec<Record>>) -> Result<Vec<i64>, String> {
        found.map(|found| found.iter().map(|job| job.id.0).collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn jobs_are_named_by_numbers_ranges_and_videos() {
        let records: Vec<Record> = (1..=9).map(made_up::queued).collect();
        let select = |texts: &[&str]| numbers(select(&records, &selectors(texts)));
        assert_eq!(select(&["3", "7-8", "3"]).unwrap(), [3, 7, 8]);
        assert_eq!(select(&["film 4.mkv", "film 5", "8-20"]).unwrap(), [4, 5, 8, 9]);
        for wrong in ["0", "10", "12-15", "9-3", "film", "-1", "", "99999999999999999999"] {
            assert!(select(&["3", wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_longer_end_of_the_path_tells_videos_of_one_name_apart() {
        let records: Vec<Record> = [(1, "a"), (2, "b"), (3, "b/c"), (4, "b/c")]
            .into_iter()
            .map(|(id, folder)| {
                let mut record = made_up::queued(id);
                record.request.source = format!("/srv/video/input/{folder}/film.mkv").as_str().into();
                record.is_removed = id == 1;
                record
            })
            .collect();
        let all = |text| numbers(select(&records, &selectors(&[text])));
        let exactly = |text| numbers(select_exactly(&records, &selectors(&[text])));
        assert_eq!(all("film.mkv").unwrap(), [2, 3, 4]);
        // What is off the list is meant where nothing else is.
        assert_eq!(all("a/film.mkv").unwrap(), [1]);
        assert_eq!(exactly("b/film").unwrap(), [2]);
        assert_eq!(exactly("input/b/film.mkv").unwrap(), [2]);
        assert_eq!(exactly("c/film.mkv").unwrap(), [3, 4]);
        assert!(all("d/film.mkv").is_err() && all("/film.mkv").is_err());
        let refused = exactly("film.mkv").unwrap_err();
        assert!(
            refused.contains("job 2 (`/srv/video/input/b/film.mkv`, queued), job 3 (")
                && refused.contains("job 4"),
            "{refused}"
        );
        let one = |text: &str| select_one(&records, &text.parse().unwrap()).map(|record| record.id.0);
        assert_eq!(one("b/film.mkv").unwrap(), 2);
        assert!(one("c/film.mkv").is_err() && one("1-2").is_err());
    }
}
