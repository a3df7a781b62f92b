//! How much RAM working files may take, and how much they have taken.

use std::sync::atomic::{AtomicU64, Ordering};

/// A share of the memory that shrinks when memory becomes scarce.
#[derive(Debug)]
pub(super) struct Budget {
    /// The limit that was set.
    most: u64,
    /// What memory allows, as of the last look.
    allowed: AtomicU64,
    used: AtomicU64,
    /// Bytes granted since the last look.
    unseen: AtomicU64,
    available: fn() -> Option<u64>,
}

/// Looking at the memory takes tens of microseconds, so it is done once for this many bytes.
const LOOK_EVERY: u64 = 16 << 20;

/// The part of the available memory that may be used, as a divisor.
const SHARE: u64 = 4;

impl Budget {
    pub(super) fn new(most: u64, available: fn() -> Option<u64>) -> Self {
        let budget = Self {
            most,
            allowed: AtomicU64::new(0),
            used: AtomicU64::new(0),
            unseen: AtomicU64::new(0),
            available,
        };
        budget.look();
        budget
    }

    /// The bytes that may be used in all.
    pub(super) fn limit(&self) -> u64 {
        self.most.min(self.allowed.load(Ordering::Relaxed))
    }

    /// The bytes that can still be taken.
    pub(super) fn left(&self) -> u64 {
        self.limit().saturating_sub(self.used.load(Ordering::Relaxed))
    }

    /// Takes all of `bytes` or nothing.
    pub(super) fn take(&self, bytes: u64) -> bool {
        if self.unseen.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes) >= LOOK_EVERY {
            self.unseen.store(0, Ordering::Relaxed);
            self.look();
        }
        let limit = self.limit();
        let more = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= limit);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    /// Gives back what was taken.
    pub(super) fn give_back(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// What we use ourselves no longer counts as available, so it is added back: else the limit would fall as we fill
    /// it. Where nothing can be found out about the memory, none is used.
    fn look(&self) {
        let ours = self.used.load(Ordering::Relaxed);
        let allowed = (self.available)().map_or(0, |free| free.saturating_add(ours) / SHARE);
        self.allowed.store(allowed, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smaller_of_setting_and_share_counts() {
        assert_eq!(Budget::new(1000, || Some(8000)).limit(), 1000);
        assert_eq!(Budget::new(u64::MAX, || Some(8000)).limit(), 2000);
        assert_eq!(Budget::new(1000, || None).limit(), 0);
    }

    #[test]
    fn all_or_nothing_is_taken() {
        let budget = Budget::new(100, || Some(u64::MAX));
        assert!(budget.take(60));
        assert!(!budget.take(41));
        assert!(!budget.take(u64::MAX));
        assert!(budget.take(40));
        assert_eq!(budget.left(), 0);
        budget.give_back(100);
        assert_eq!(budget.left(), 100);
    }

    #[test]
    fn scarce_memory_lowers_the_limit() {
        static FREE: AtomicU64 = AtomicU64::new(1 << 30);
        let budget = Budget::new(u64::MAX, || Some(FREE.load(Ordering::Relaxed)));
        assert!(budget.take(LOOK_EVERY));
        FREE.store(0, Ordering::Relaxed);
        assert!(!budget.take(LOOK_EVERY));
        assert_eq!(budget.limit(), LOOK_EVERY / SHARE);
        assert_eq!(budget.left(), 0);
    }
}
