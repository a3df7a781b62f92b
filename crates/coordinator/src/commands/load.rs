//! The jobs that a command is about, and no others: thousands may have ended, and none of them is read for a word on another.

use std::collections::{BTreeMap, HashMap};

use job::state::Status;
use job::{FilePath, JobId, Millis, Notice};
use ledger::{End, Ended, Ledger, Record, SeenFile};

use super::list::ListFilter;
use super::message::Refusal;
use super::select::{Selector, Which, select, select_exactly};

/// Jobs that are read at once.
const AT_ONCE: u32 = 500;

/// The jobs that something is to be done to, in the order of their numbers: `can` tells of which it can be asked, and `exactly`
/// how names are taken.
///
/// # Errors
/// When a selector means none, or, `exactly`, several videos; when the ledger fails.
pub(crate) async fn chosen(
    ledger: &Ledger,
    which: &Which,
    exactly: bool,
    can: impl Fn(&Status) -> bool,
) -> Result<Vec<Record>, Refusal> {
    let mut records = match which {
        Which::Named(selectors) => {
            let records = named(ledger, selectors).await?;
            return if exactly { select_exactly(&records, selectors) } else { select(&records, selectors) };
        }
        Which::Failed => all_ended(ledger, vec![End::Failed]).await?,
        Which::All => {
            let how: Vec<End> =
                ends().into_iter().filter(|(_, status)| can(status)).map(|(end, _)| end).collect();
            let mut records = if how.is_empty() { Vec::new() } else { all_ended(ledger, how).await? };
            if unfinished().iter().any(&can) {
                records.extend(ledger.unfinished().await?);
            }
            records.retain(|record| can(&record.job.status) && !record.is_removed);
            records
        }
    };
    records.sort_by_key(|record| record.id);
    Ok(records)
}

/// All jobs that one of the selectors may mean, in the order of their numbers.
///
/// # Errors
/// When the ledger fails.
pub(super) async fn named(ledger: &Ledger, selectors: &[Selector]) -> Result<Vec<Record>, Refusal> {
    let mut found: BTreeMap<JobId, Record> = BTreeMap::new();
    for selector in selectors {
        if let Selector::Numbers(first, last) = selector {
            let records = ledger.between(*first, *last).await?;
            found.extend(records.into_iter().map(|record| (record.id, record)));
        }
    }
    if selectors.iter().any(|selector| matches!(selector, Selector::Name { .. })) {
        for (id, source, _) in ledger.sources().await? {
            if selectors.iter().any(|selector| selector.may_name(&source)) && !found.contains_key(&id) {
                found.extend(ledger.get(id).await?.map(|record| (id, record)));
            }
        }
    }
    Ok(found.into_values().collect())
}

/// The jobs that a list has, and how many more it leaves out since they ended before those.
///
/// # Errors
/// When the ledger fails.
pub(crate) async fn listed(ledger: &Ledger, filter: &ListFilter) -> Result<(Vec<Record>, usize), Refusal> {
    let takes = |status: &Status| filter.takes_kind(status);
    let mut records = if unfinished().iter().any(takes) { ledger.unfinished().await? } else { Vec::new() };
    let how: Vec<End> = ends().into_iter().filter(|(_, status)| takes(status)).map(|(end, _)| end).collect();
    if how.is_empty() {
        return Ok((records, 0));
    }
    let wanted = Ended { how, since: filter.since, ..Ended::default() };
    let before = records.iter().filter(|record| filter.takes(record)).count();
    let limit = filter.limit.map_or(usize::MAX, |limit| limit as usize).saturating_sub(before);
    let ended = pages(ledger, wanted.clone(), limit).await?;
    let left_out = if ended.len() < limit {
        0
    } else {
        ledger.count_ended(&wanted).await?.saturating_sub(ended.len() as u64)
    };
    records.extend(ended);
    Ok((records, usize::try_from(left_out).unwrap_or(usize::MAX)))
}

/// The files that are no jobs yet. The server notes that one has become a job a moment after it has.
///
/// # Errors
/// When the ledger fails.
pub(crate) async fn waiting_files(ledger: &Ledger) -> Result<Vec<SeenFile>, Refusal> {
    let mut seen = ledger.seen().await?;
    if !seen.is_empty() {
        let mut latest: HashMap<FilePath, Millis> = HashMap::new();
        for (_, source, created) in ledger.sources().await? {
            let known = latest.entry(source).or_insert(created);
            *known = created.max(*known);
        }
        seen.retain(|file| latest.get(&file.path).is_none_or(|&created| created < file.since));
    }
    Ok(seen)
}

async fn all_ended(ledger: &Ledger, how: Vec<End>) -> Result<Vec<Record>, Refusal> {
    pages(ledger, Ended { how, ..Ended::default() }, usize::MAX).await
}

/// So many of the jobs that ended last, at most.
async fn pages(ledger: &Ledger, mut wanted: Ended, most: usize) -> Result<Vec<Record>, Refusal> {
    let mut records: Vec<Record> = Vec::new();
    while records.len() < most {
        let limit = AT_ONCE.min(u32::try_from(most - records.len()).unwrap_or(AT_ONCE));
        let page = ledger.ended(&wanted, limit).await?;
        let Some(last) = page.last() else { break };
        wanted.before = Some((last.changed, last.id));
        records.extend(page);
    }
    Ok(records)
}

/// How jobs end, and their status then.
const fn ends() -> [(End, Status); 3] {
    let failed = Status::Failed { reason: Notice { text: String::new(), remedy: None } };
    [(End::Done, Status::Done), (End::Failed, failed), (End::Canceled, Status::Canceled)]
}

/// Every status of jobs that have not ended.
const fn unfinished() -> [Status; 5] {
    [
        Status::Queued,
        Status::Running,
        Status::WaitingForSpace { bytes: 0 },
        Status::WaitingForFolder { reason: String::new() },
        Status::Paused,
    ]
}

#[cfg(test)]
mod tests {
    use job::NewJob;
    use job::state::Event;
    use sqlx::Connection as _;

    use super::*;
    use crate::Handle;
    use crate::commands::list::tests::queued;
    use crate::commands::{Became, NewPosition, Outcome};

    /// The job whose row is damaged: whatever reads it fails.
    const DAMAGED: i64 = 3;

    struct Fixture {
        _folder: tempfile::TempDir,
        ledger: Ledger,
        handle: Handle,
    }

    impl Fixture {
        /// Jobs 1 to 9, done one after the other, of which one cannot be read, and 10 to 12, which wait.
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("ledger.db");
            let ledger = Ledger::open(&path).await.unwrap();
            for id in 1..=12 {
                let new: NewJob = queued(id).request;
                let result: FilePath = format!("/out/{id}.mkv").as_str().into();
                if id < 10 {
                    ledger.submit_done(&new, &result, 1, Millis(id)).await.unwrap().unwrap();
                } else {
                    ledger.submit(&new, Millis(id)).await.unwrap();
                }
            }
            let mut other = sqlx::SqliteConnection::connect(path.to_str().unwrap()).await.unwrap();
            let damage = "UPDATE job SET work = 'damaged' WHERE id = $1";
            sqlx::query(damage).bind(DAMAGED).execute(&mut other).await.unwrap();
            other.close().await.unwrap();
            let handle = Handle::alone(ledger.clone());
            Self { _folder: folder, ledger, handle }
        }
    }

    fn numbers(first: i64, last: i64) -> Which {
        Which::Named(vec![Selector::Numbers(JobId(first), JobId(last))])
    }

    fn name(name: &str) -> Selector {
        Selector::Name { name: name.to_owned(), path: None }
    }

    fn done(outcomes: Result<Vec<Outcome>, Refusal>) -> Vec<i64> {
        let outcomes = outcomes.unwrap();
        assert!(outcomes.iter().all(|outcome| outcome.became == Became::Done), "{outcomes:?}");
        outcomes.iter().map(|outcome| outcome.id.0).collect()
    }

    #[tokio::test]
    async fn a_command_reads_the_jobs_that_it_is_about_and_no_others() {
        let fixture = Fixture::new().await;
        let handle = &fixture.handle;
        let shown = async |which: Which| {
            let shown = handle.show(&which).await.map_err(|refusal| refusal.to_string())?;
            Ok::<_, String>(shown.iter().map(|job| job.view.report.id.0).collect::<Vec<_>>())
        };
        assert!(shown(numbers(1, 4)).await.is_err(), "the damage is read");
        assert!(shown(Which::All).await.is_err());
        assert_eq!(shown(numbers(4, 6)).await.unwrap(), [4, 5, 6]);
        let both = Which::Named(vec![name("film 7"), Selector::number(JobId(2)), name("film 2.mkv")]);
        assert_eq!(shown(both).await.unwrap(), [2, 7]);
        assert_eq!(done(handle.pause(&Which::All).await), [10, 11, 12]);
        assert_eq!(done(handle.resume(&numbers(11, 12)).await), [11, 12]);
        assert_eq!(done(handle.remove(&numbers(5, 5)).await), [5]);
        handle
            .set_position(&[Selector::number(JobId(12))], &NewPosition::Before(name("film 10")))
            .await
            .unwrap();
        assert_eq!(done(handle.cancel(&numbers(12, 12)).await), [12]);
        let retried = handle.retry(&Which::All, false, None).await.unwrap();
        assert_eq!(retried, [Outcome { id: JobId(12), became: Became::QueuedAgain }]);
        assert_eq!(handle.retry(&Which::Failed, false, None).await, Ok(Vec::new()));
    }

    #[tokio::test]
    async fn a_list_reads_as_many_jobs_as_it_has() {
        let fixture = Fixture::new().await;
        fixture.ledger.apply(JobId(11), Event::Cancel, Millis(20)).await.unwrap();
        fixture.ledger.set_removed(&[JobId(8)], true, Millis(20)).await.unwrap();
        let list = async |filter: ListFilter| {
            let list = fixture.handle.list(filter).await.unwrap();
            let ids: Vec<i64> = list.jobs.iter().map(|job| job.report.id.0).collect();
            (ids, list.unfinished, list.left_out)
        };
        assert!(fixture.handle.list(ListFilter::default()).await.is_err(), "the damage is read");
        let at_most = |limit| ListFilter { limit: Some(limit), ..ListFilter::default() };
        assert_eq!(list(at_most(7)).await, (vec![10, 12, 11, 9, 7, 6, 5], 2, 4));
        assert_eq!(list(at_most(2)).await, (vec![10, 12], 2, 9));
        assert_eq!(list(at_most(1)).await, (vec![10], 1, 10));
        let done = ListFilter { done: true, ..at_most(2) };
        assert_eq!(list(done).await, (vec![9, 7], 0, 6));
        let waiting = ListFilter { waiting: true, ..ListFilter::default() };
        assert_eq!(list(waiting).await, (vec![10, 12], 2, 0));
        let since = ListFilter { since: Some(Millis(6)), ..ListFilter::default() };
        assert_eq!(list(since).await, (vec![10, 12, 11, 9, 7, 6], 2, 0));
    }

    #[tokio::test]
    async fn an_empty_list_says_how_many_jobs_were_taken_off_it() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("ledger.db")).await.unwrap();
        let handle = Handle::alone(ledger.clone());
        let removed = async || handle.list(ListFilter::default()).await.unwrap().removed;
        assert_eq!(removed().await, 0);
        for id in 1..=3 {
            let result: FilePath = format!("/out/{id}.mkv").as_str().into();
            ledger.submit_done(&queued(id).request, &result, 1, Millis(id)).await.unwrap().unwrap();
        }
        assert_eq!(done(handle.remove(&Which::All).await), [1, 2, 3]);
        assert_eq!(removed().await, 3);
    }

    #[tokio::test]
    async fn a_file_that_has_become_a_job_is_listed_once() {
        let fixture = Fixture::new().await;
        let file = |id: i64, since: i64| SeenFile {
            path: queued(id).request.source,
            size: 5,
            modified: Millis(0),
            since: Millis(since),
            reason: "it was changed a moment ago".to_owned(),
        };
        // The fourth came back after its job, and the twentieth is none.
        let seen = [file(2, 1), file(4, 5), file(20, 1)];
        fixture.ledger.note_seen(&seen, &[], true).await.unwrap();
        let filter = ListFilter { limit: Some(0), ..ListFilter::default() };
        let list = fixture.handle.list(filter).await.unwrap();
        let mut since: Vec<i64> = list.seen.iter().map(|file| file.since.0).collect();
        since.sort_unstable();
        assert_eq!(since, [1, 5]);
    }
}
