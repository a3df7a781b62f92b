//! Forgetting jobs that have come to their end, as a person asks for it.

use job::{JobId, Millis};
use ledger::{Kept, Ledger, Record};

use super::load::chosen;
use super::message::{Became, Outcome, Refusal};
use super::select::Which;

use crate::blocking::blocking;
use crate::clock::now;
use crate::forget;

/// Jobs that are forgotten at once.
const AT_ONCE: u32 = 100;

/// How jobs are forgotten.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Forgetting {
    /// Only those that ended before.
    pub(crate) before: Option<Millis>,
    /// It is only said what would be done.
    pub(crate) dry_run: bool,
    /// No service works on the jobs of this ledger.
    pub(crate) is_alone: bool,
}

/// Forgets jobs that have ended. [`Which::All`] means those off the list, too.
pub(crate) async fn forget(ledger: &Ledger, which: &Which, how: Forgetting) -> Result<Vec<Outcome>, Refusal> {
    let mut outcomes = Vec::new();
    if *which != Which::All {
        let mut records = chosen(ledger, which, true, job::state::Status::is_final).await?;
        records.retain(|record| how.before.is_none_or(|before| record.changed < before));
        let mut records = records.into_iter().peekable();
        while records.peek().is_some() {
            let some = records.by_ref().take(AT_ONCE as usize).collect();
            forget_some(ledger, some, how, &mut outcomes).await?;
        }
        return Ok(outcomes);
    }
    let kept = Kept { since: how.before.unwrap_or(Millis(i64::MAX)), jobs: u32::MAX };
    let mut after = None;
    loop {
        let page = ledger.not_kept(kept, after, AT_ONCE).await?;
        let Some(last) = page.last() else { return Ok(outcomes) };
        after = Some((last.changed, last.id));
        forget_some(ledger, page, how, &mut outcomes).await?;
    }
}

/// Forgets some jobs, and adds what became of them.
async fn forget_some(
    ledger: &Ledger,
    records: Vec<Record>,
    how: Forgetting,
    outcomes: &mut Vec<Outcome>,
) -> Result<(), Refusal> {
    let ids: Vec<JobId> = records.iter().map(|record| record.id).collect();
    let (kept, free) = blocking(move || {
        let (mut kept, mut free) = (Vec::new(), Vec::new());
        for record in records {
            match forget::obstacle(&record, now(), how.is_alone) {
                Some(became) => kept.push(Outcome { id: record.id, became }),
                None => free.push(record),
            }
        }
        (kept, free)
    })
    .await;
    let gone = if how.dry_run {
        free.iter().map(|record| record.id).collect()
    } else {
        forget::forget(ledger, free).await?
    };
    outcomes.extend(ids.into_iter().map(|id| {
        let kept = kept.iter().find(|outcome| outcome.id == id);
        let became = match kept {
            Some(kept) => kept.became.clone(),
            None if gone.contains(&id) => Became::Done,
            None => Became::StillNeeded,
        };
        Outcome { id, became }
    }));
    Ok(())
}
