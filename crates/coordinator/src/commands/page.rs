//! Pages of the list of jobs: for readers that show a part of it, however long it is.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use job::{JobId, Millis, Priority};
use ledger::{End, Ended, Ledger, Outline, Record};
use serde::{Deserialize, Serialize};

use super::message::Refusal;
use crate::view::{JobView, Seen};

/// A kind of jobs on the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// They are worked on.
    Running,
    /// They wait for their turn, for space or for a folder.
    Waiting,
    /// A person lets them wait.
    Paused,
    /// They failed.
    Failed,
    /// Their results are made.
    Done,
    /// A person ended them.
    Canceled,
}

impl Kind {
    /// All kinds, in the order of the list.
    pub const ALL: [Self; 6] =
        [Self::Running, Self::Waiting, Self::Paused, Self::Failed, Self::Done, Self::Canceled];

    /// That of a status, by its name.
    fn named(status: &str) -> Self {
        match status {
            "running" => Self::Running,
            "paused" => Self::Paused,
            "failed" => Self::Failed,
            "done" => Self::Done,
            "canceled" => Self::Canceled,
            _ => Self::Waiting,
        }
    }

    const fn end(self) -> Option<End> {
        match self {
            Self::Running | Self::Waiting | Self::Paused => None,
            Self::Failed => Some(End::Failed),
            Self::Done => Some(End::Done),
            Self::Canceled => Some(End::Canceled),
        }
    }
}

/// A page that is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PageQuery {
    /// Kinds of jobs; all where it is empty.
    pub kinds: BTreeSet<Kind>,
    /// Text that the path of the source has, whatever the case of its ASCII letters.
    pub search: Option<String>,
    /// Only what comes after this.
    pub after: Option<Cursor>,
    /// So many jobs at most.
    pub limit: u32,
}

/// A place in the list: what the jobs up to there have in common, so that jobs that come and go do not move it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cursor {
    /// Among the jobs that have not ended, which come first.
    Unfinished(Order),
    /// Among those that have ended: when, and the number.
    Ended(Reverse<Millis>, Reverse<JobId>),
}

impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unfinished((waits, Reverse(priority), place, id)) => {
                write!(formatter, "u.{}.{}.{place}.{id}", u8::from(*waits), priority.name())
            }
            Self::Ended(Reverse(at), Reverse(id)) => write!(formatter, "e.{}.{id}", at.0),
        }
    }
}

impl FromStr for Cursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, NoCursor> {
        let number = |text: &str| text.parse::<i64>().map_err(|_| NoCursor);
        match *text.split('.').collect::<Vec<_>>() {
            ["u", waits, priority, place, id] => {
                let named = Priority::ALL.into_iter().find(|known| known.name() == priority);
                let order =
                    (waits == "1", Reverse(named.ok_or(NoCursor)?), number(place)?, JobId(number(id)?));
                Ok(Self::Unfinished(order))
            }
            ["e", at, id] => Ok(Self::Ended(Reverse(Millis(number(at)?)), Reverse(JobId(number(id)?)))),
            _ => Err(NoCursor),
        }
    }
}

/// The text is not that of a [`Cursor`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no place in the list: leave it out to begin anew")]
pub struct NoCursor;

/// The order of jobs that have not ended: those that are worked on, then the others, each by priority and place.
type Order = (bool, Reverse<Priority>, i64, JobId);

/// A page of the list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// What is worked on, then what will be, in that order, then what has come to its end, the newest first.
    pub jobs: Vec<JobView>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<Cursor>,
    /// How many jobs all pages have.
    pub total: u64,
}

/// How many jobs of each kind there are on the list, in the order of [`Kind::ALL`], whatever is searched for.
pub type Counts = [u64; Kind::ALL.len()];

fn order(outline: &Outline) -> Order {
    let waits = Kind::named(&outline.status) != Kind::Running;
    (waits, Reverse(outline.priority), outline.position, outline.id)
}

fn is_found(outline: &Outline, search: Option<&str>) -> bool {
    let Some(search) = search else { return true };
    outline.source.to_string_lossy().to_ascii_lowercase().contains(&search.to_ascii_lowercase())
}

/// The records of a page, where the next one begins, and how many jobs all have.
///
/// # Errors
/// When the ledger fails.
pub(crate) async fn page(
    ledger: &Ledger,
    query: &PageQuery,
) -> Result<(Vec<Record>, Option<Cursor>, u64), Refusal> {
    let PageQuery { kinds, search, after, limit } = query;
    let has = |kind: Kind| kinds.is_empty() || kinds.contains(&kind);
    let limit = *limit as usize;
    let (mut records, mut total, mut last) = (Vec::new(), 0, None);
    let (mut more, mut room) = (false, limit);
    if Kind::ALL.into_iter().any(|kind| has(kind) && kind.end().is_none()) {
        let mut outlines = ledger.outlines().await?;
        outlines.retain(|outline| has(Kind::named(&outline.status)) && is_found(outline, search.as_deref()));
        total = outlines.len() as u64;
        outlines.sort_by_key(order);
        outlines.retain(|outline| after.is_none_or(|after| Cursor::Unfinished(order(outline)) > after));
        more = outlines.len() > limit;
        outlines.truncate(limit);
        room -= outlines.len();
        last = outlines.last().map(|outline| Cursor::Unfinished(order(outline)));
        for outline in &outlines {
            records.extend(ledger.get(outline.id).await?);
        }
    }
    let how: Vec<End> = Kind::ALL.into_iter().filter(|&kind| has(kind)).filter_map(Kind::end).collect();
    if !how.is_empty() {
        let mut wanted = Ended { how, search: search.clone(), ..Ended::default() };
        total += ledger.count_ended(&wanted).await?;
        if !more {
            wanted.before = match after {
                Some(Cursor::Ended(Reverse(at), Reverse(id))) => Some((*at, *id)),
                _ => None,
            };
            let mut ended =
                ledger.ended(&wanted, u32::try_from(room).unwrap_or(u32::MAX).saturating_add(1)).await?;
            more = ended.len() > room;
            ended.truncate(room);
            let cursor = |record: &Record| Cursor::Ended(Reverse(record.changed), Reverse(record.id));
            last = ended.last().map(cursor).or(last);
            records.extend(ended);
        }
    }
    let next = last.filter(|_| more);
    Ok((records, next, total))
}

/// How many jobs of each kind there are on the list.
///
/// # Errors
/// When the ledger fails.
pub(crate) async fn counts(ledger: &Ledger) -> Result<Counts, Refusal> {
    let mut counts = Counts::default();
    for (status, jobs) in ledger.listed().await? {
        counts[Kind::named(&status) as usize] += jobs;
    }
    Ok(counts)
}

/// The files that are no jobs yet.
///
/// # Errors
/// When the ledger fails.
pub(crate) async fn files(ledger: &Ledger) -> Result<Vec<Seen>, Refusal> {
    Ok(super::waiting_files(ledger).await?.into_iter().map(Seen::from).collect())
}

#[cfg(test)]
mod tests {
    use job::FilePath;
    use job::state::Event;

    use super::*;
    use crate::Handle;
    use crate::commands::list::tests::queued;

    /// Jobs 1 to 6 done, 7 failed or canceled, 8 taken off the list, 9 to 12 waiting, of which one is urgent and one paused.
    async fn jobs() -> (tempfile::TempDir, Handle, Ledger) {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("ledger.db")).await.unwrap();
        for id in 1..=12 {
            let (new, at) = (queued(id).request, Millis(id / 2));
            let result = FilePath::from(format!("/out/{id}.mkv"));
            match id {
                1..=6 | 8 => drop(ledger.submit_done(&new, &result, 1, at).await.unwrap()),
                _ => drop(ledger.submit(&new, at).await.unwrap()),
            }
        }
        let apply = async |id, event| ledger.apply(JobId(id), event, Millis(20)).await.unwrap();
        apply(7, Event::Cancel).await;
        apply(11, Event::Prioritize(Priority::High)).await;
        apply(10, Event::Pause).await;
        ledger.set_removed(&[JobId(8)], true, Millis(20)).await.unwrap();
        (folder, Handle::alone(ledger.clone()), ledger)
    }

    async fn all_pages(handle: &Handle, mut query: PageQuery) -> Vec<i64> {
        let mut ids = Vec::new();
        loop {
            let page = handle.page(&query).await.unwrap();
            assert!(page.jobs.len() <= query.limit as usize);
            ids.extend(page.jobs.iter().map(|job| job.report.id.0));
            let Some(next) = page.next else {
                assert_eq!(page.total, ids.len() as u64);
                return ids;
            };
            assert_eq!(page.jobs.len(), query.limit as usize, "only the last page is not full");
            query.after = Some(next.to_string().parse().unwrap());
        }
    }

    #[tokio::test]
    async fn pages_of_any_size_have_each_job_once_and_in_order() {
        let (_folder, handle, _) = jobs().await;
        for limit in 1..=12 {
            let all = PageQuery { limit, ..PageQuery::default() };
            assert_eq!(
                all_pages(&handle, all.clone()).await,
                [11, 9, 10, 12, 7, 6, 5, 4, 3, 2, 1],
                "{limit}"
            );
            let some = |kinds: &[Kind], search: &str| PageQuery {
                kinds: kinds.iter().copied().collect(),
                search: Some(search.to_owned()),
                ..all.clone()
            };
            assert_eq!(all_pages(&handle, some(&[Kind::Waiting, Kind::Done], "ILM 1")).await, [11, 12, 1]);
            assert_eq!(all_pages(&handle, some(&[Kind::Paused, Kind::Canceled], "film")).await, [10, 7]);
            assert!(all_pages(&handle, some(&[Kind::Failed], "film")).await.is_empty());
            assert!(all_pages(&handle, some(&[], "%_'")).await.is_empty());
        }
        assert_eq!(handle.counts().await.unwrap(), [0, 3, 1, 0, 6, 1]);
    }

    #[tokio::test]
    async fn jobs_that_come_and_end_between_pages_move_no_others() {
        let (_folder, handle, ledger) = jobs().await;
        let query = PageQuery { limit: 2, ..PageQuery::default() };
        let first = handle.page(&query).await.unwrap();
        ledger.apply(JobId(11), Event::Cancel, Millis(30)).await.unwrap();
        ledger.submit(&queued(13).request, Millis(30)).await.unwrap();
        let rest = all_pages_after(&handle, first.next).await;
        assert_eq!(rest, [10, 12, 13, 11, 7, 6, 5, 4, 3, 2, 1]);
    }

    async fn all_pages_after(handle: &Handle, after: Option<Cursor>) -> Vec<i64> {
        let page = handle.page(&PageQuery { after, limit: 50, ..PageQuery::default() }).await.unwrap();
        page.jobs.iter().map(|job| job.report.id.0).collect()
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        for text in
            ["", "u", "e.1", "e.1.x", "u.1.urgent.1.1", "u.1.high.1.1.1", "e.99999999999999999999.1", "x.1.1"]
        {
            assert_eq!(text.parse::<Cursor>(), Err(NoCursor), "{text}");
        }
    }
}
