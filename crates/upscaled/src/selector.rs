//! Which jobs a command is about.

use std::convert::Infallible;
use std::path::Path;
use std::str::FromStr;

use anyhow::bail;
use ledger::Record;

/// Some jobs, as a person names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Selector {
    /// The first and the last number.
    Numbers(i64, i64),
    /// A video: its path, its name, or its name without the extension.
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
    fn is_meant(&self, record: &Record) -> bool {
        match self {
            Self::Numbers(first, last) => (*first..=*last).contains(&record.id.0),
            Self::Name(name) => {
                let (source, name) = (&record.request.source, Path::new(name));
                let is_named = [source.file_name(), source.file_stem()].contains(&Some(name.as_os_str()));
                is_named || name.canonicalize().is_ok_and(|path| *path == **source)
            }
        }
    }
}

/// The jobs that are meant, in their order, each once.
///
/// # Errors
/// When a selector means none: it is mistyped, and the others are not to be touched.
pub(crate) fn select(records: &[Record], selectors: &[Selector]) -> anyhow::Result<Vec<Record>> {
    for selector in selectors {
        if !records.iter().any(|record| selector.is_meant(record)) {
            match selector {
                Selector::Numbers(first, last) if first == last => {
                    return Err(ledger::Error::NoJob(job::JobId(*first)).into());
                }
                Selector::Numbers(first, last) => {
                    bail!("there are no jobs {first}-{last}: see `upscaled list`")
                }
                Selector::Name(name) => bail!(
                    "no job is of a video named `{}`: see `upscaled list`",
                    crate::output::path(Path::new(name))
                ),
            }
        }
    }
    let is_meant = |record: &&Record| selectors.iter().any(|selector| selector.is_meant(record));
    Ok(records.iter().filter(is_meant).cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made_up;

    #[test]
    fn jobs_are_named_by_numbers_ranges_and_videos() {
        let records: Vec<Record> = (1..=9).map(made_up::queued).collect();
        let select = |texts: &[&str]| {
            let selectors: Vec<Selector> = texts.iter().map(|text| text.parse().unwrap()).collect();
            select(&records, &selectors).map(|found| found.iter().map(|job| job.id.0).collect::<Vec<_>>())
        };
        assert_eq!(select(&["3", "7-8", "3"]).unwrap(), [3, 7, 8]);
        assert_eq!(select(&["film 4.mkv", "film 5", "8-20"]).unwrap(), [4, 5, 8, 9]);
        for wrong in ["0", "10", "12-15", "9-3", "film", "-1", "", "99999999999999999999"] {
            assert!(select(&["3", wrong]).is_err(), "{wrong}");
        }
    }
}
