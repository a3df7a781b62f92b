//! Other places for jobs.

use ledger::{Ledger, QueuePosition, Record};

use super::load::named;
use super::message::{Moved, NewPosition, Refusal};
use super::select::{Selector, select_exactly, select_one};
use crate::clock::now;

/// Gives jobs other places among those of their priority. Nothing is moved where one of them cannot be.
pub(crate) async fn set_position(
    ledger: &Ledger,
    jobs: &[Selector],
    to: &NewPosition,
) -> Result<Moved, Refusal> {
    let mut chosen = select_exactly(&named(ledger, jobs).await?, jobs)?;
    let before = match to {
        NewPosition::Before(other) => {
            Some(select_one(&named(ledger, std::slice::from_ref(other)).await?, other)?)
        }
        NewPosition::First | NewPosition::Last => None,
    };
    if let Some(record) = chosen.iter().chain(&before).find(|record| record.job.status.is_final()) {
        return Err(Refusal::HasEnded { id: record.id, status: record.job.status.name().to_owned() });
    }
    if let Some(other) = &before {
        check_neighbours(&chosen, other)?;
    }
    let position = match (&before, to) {
        (Some(other), _) => QueuePosition::Before(other.id),
        (None, NewPosition::First) => QueuePosition::First,
        (None, _) => QueuePosition::Last,
    };
    chosen.sort_by_key(|record| record.position);
    if position == QueuePosition::First {
        // Each goes before the one that was moved last: so they stay in their order.
        chosen.reverse();
    }
    for record in &chosen {
        ledger.set_position(record.id, position, now()).await?;
    }
    Ok(Moved {
        jobs: chosen.iter().map(|record| (record.id, record.job.priority)).collect(),
        before: before.map(|other| other.id),
    })
}

/// Looks whether jobs can stand before another one.
fn check_neighbours(chosen: &[Record], other: &Record) -> Result<(), Refusal> {
    for record in chosen {
        if record.id == other.id {
            return Err(Refusal::BeforeItself(record.id));
        }
        let (priority, other_priority) = (record.job.priority, other.job.priority);
        if priority != other_priority {
            return Err(Refusal::OtherPriority { id: record.id, priority, other: other.id, other_priority });
        }
    }
    Ok(())
}
