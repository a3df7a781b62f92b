//! The system clock, by which all times in the ledger are.

use std::time::SystemTime;

use job::Millis;

/// The time of the system clock.
pub fn now() -> Millis {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Millis(since.as_millis() as i64)
}
