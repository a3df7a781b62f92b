//! The look at a source before work on it, and where that failed. One that was touched is read whole: that may take minutes, and
//! is done once.

use std::sync::Arc;

use job::Content;
use job::state::Event;
use ledger::Record;

use crate::blocking::blocking;
use crate::clock::now;
use crate::error::Error;
use crate::lanes::Given;
use crate::shared::Shared;
use crate::source::{SourceCheck, check, compare, content};

/// What became of the source of a job: never [`SourceCheck::Touched`]. What was found out by reading is noted at once, so that neither
/// another lane nor the next attempt reads it again. `None` where the attempt is to be given up.
pub(crate) async fn look_at_source(shared: &Shared, given: &Given) -> Result<Option<SourceCheck>, Error> {
    tokio::select! {
        found = look_and_compare(shared, given) => found,
        () = given.stop.requested() => Ok(None),
    }
}

async fn look_and_compare(shared: &Shared, given: &Given) -> Result<Option<SourceCheck>, Error> {
    let found = look_beside(&given.record).await;
    if !matches!(found, SourceCheck::Touched(_)) {
        note_same(shared, &given.record, &found).await?;
        return Ok(Some(found));
    }
    let _turn = shared.comparing.lock().await;
    // Another lane may have read it meanwhile.
    let Some(record) = shared.options.ledger.get(given.record.id).await? else { return Ok(None) };
    let record = Arc::new(record);
    let mut found = look_beside(&record).await;
    if matches!(found, SourceCheck::Touched(_)) {
        let text = "the source was touched: its whole content is compared with what was read before";
        shared.note(&record, text.to_owned());
    }
    while let SourceCheck::Touched(stamp) = found {
        let (record, stop) = (Arc::clone(&record), given.stop.clone());
        let compared = blocking(move || compare(&record, stamp, || !stop.is_requested())).await;
        let Some(compared) = compared else { return Ok(None) };
        found = compared;
    }
    note_same(shared, &record, &found).await?;
    Ok(Some(found))
}

async fn look_beside(record: &Arc<Record>) -> SourceCheck {
    let record = Arc::clone(record);
    blocking(move || check(&record)).await
}

/// Notes the new stamp of a source that is the same.
async fn note_same(shared: &Shared, record: &Record, found: &SourceCheck) -> Result<(), Error> {
    let SourceCheck::SameContent(stamp) = found else { return Ok(()) };
    let ledger = &shared.options.ledger;
    ledger.set_stamp(record.id, stamp).await?;
    if let Some(known) = content(record) {
        let compared = Event::Compared(Content { stamp: stamp.clone(), ..known.clone() });
        ledger.apply(record.id, compared, now()).await?;
    }
    Ok(())
}
