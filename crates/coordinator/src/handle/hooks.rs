//! How far webhooks are in the events.

use ledger::{HookCursor, HookKey, JobEvent, What};

use super::Handle;
use crate::commands::Refusal;

impl Handle {
    /// How far a hook is. One that is new begins behind the latest event.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn hook_cursor(&self, key: &HookKey) -> Result<HookCursor, Refusal> {
        Ok(self.0.ledger.hook_cursor(key).await?)
    }

    /// Notes how far a hook is.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn note_hook(&self, key: &HookKey, cursor: &HookCursor) -> Result<(), Refusal> {
        Ok(self.0.ledger.note_hook(key, cursor).await?)
    }

    /// Forgets all hooks but these.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn keep_hooks(&self, keys: &[HookKey]) -> Result<(), Refusal> {
        Ok(self.0.ledger.keep_hooks(keys).await?)
    }

    /// How the job of an event was before that, as far as it is kept.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn event_before(&self, event: &JobEvent) -> Result<Option<What>, Refusal> {
        Ok(self.0.ledger.event_before(event).await?)
    }
}
