//! Who works on which upload: one at a time.
//!
//! A request takes the place of one that has brought nothing for a while: a client may come back over another network before the
//! server can know that its first connection is dead.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex as Turn, Notify, OwnedMutexGuard};

use super::id::UploadId;

/// After this time without a byte, another request may take the place.
const SILENCE: Duration = Duration::from_secs(5);
/// The one that is asked to end does so within this time, or keeps its place.
const ENDS_WITHIN: Duration = Duration::from_secs(2);

/// Whose turn it is, for each upload.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<UploadId, Arc<Place>>>);

#[derive(Debug)]
struct Place {
    turn: Arc<Turn<()>>,
    heard: Mutex<Instant>,
    give_way: Notify,
}

/// The right to work on an upload, until it is dropped.
#[derive(Debug)]
pub(super) struct Held {
    id: UploadId,
    place: Arc<Place>,
    _turn: OwnedMutexGuard<()>,
}

impl Turns {
    /// The right to work on an upload, unless another has it.
    pub(super) fn try_take(&self, id: UploadId) -> Option<Held> {
        let place = self.place(id);
        let turn = Arc::clone(&place.turn).try_lock_owned().ok()?;
        Some(Held::new(id, place, turn))
    }

    /// As [`Turns::try_take`]; one that has been silent for a while is asked to end.
    pub(super) async fn take(&self, id: UploadId) -> Option<Held> {
        if let Some(held) = self.try_take(id) {
            return Some(held);
        }
        let place = self.place(id);
        if open(&place.heard).elapsed() < SILENCE {
            return None;
        }
        place.give_way.notify_waiters();
        let turn = tokio::time::timeout(ENDS_WITHIN, Arc::clone(&place.turn).lock_owned()).await.ok()?;
        Some(Held::new(id, place, turn))
    }

    /// Forgets an upload that is no more.
    pub(super) fn forget(&self, held: &Held) {
        open(&self.0).remove(&held.id);
    }

    fn place(&self, id: UploadId) -> Arc<Place> {
        let new =
            || Place { turn: Arc::default(), heard: Mutex::new(Instant::now()), give_way: Notify::new() };
        Arc::clone(open(&self.0).entry(id).or_insert_with(|| Arc::new(new())))
    }
}

impl Held {
    fn new(id: UploadId, place: Arc<Place>, turn: OwnedMutexGuard<()>) -> Self {
        let held = Self { id, place, _turn: turn };
        held.heard();
        held
    }

    pub(super) fn id(&self) -> UploadId {
        self.id
    }

    /// Notes that bytes came.
    pub(super) fn heard(&self) {
        *open(&self.place.heard) = Instant::now();
    }

    /// Waits until another request wants to take the place.
    pub(super) async fn asked_to_end(&self) {
        self.place.give_way.notified().await;
    }
}

/// What a lock guards; nothing that could panic is done under one.
fn open<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_a_silent_one_gives_way() {
        let turns = Arc::new(Turns::default());
        let id = UploadId::random().unwrap();
        let held = turns.try_take(id).unwrap();
        assert!(turns.take(id).await.is_none());
        *open(&held.place.heard) = Instant::now().checked_sub(SILENCE).unwrap();
        // One that does not hear keeps its place.
        assert!(turns.take(id).await.is_none());
        let first = tokio::spawn(async move { held.asked_to_end().await });
        tokio::task::yield_now().await;
        let second = turns.take(id).await.unwrap();
        first.await.unwrap();
        assert!(turns.try_take(id).is_none());
        drop(second);
        turns.forget(&turns.try_take(id).unwrap());
        assert!(open(&turns.0).is_empty());
    }
}
