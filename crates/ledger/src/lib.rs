//! The state machine made durable: jobs and segments in a database, changed only through [`job::state::step`].
//!
//! Goals: every change is one transaction that is on disk when the call returns; any number of processes may use the
//! ledger at once.
//! Non-goals: deciding anything (that is `job`'s), files other than the database (those are `storage`'s).

mod access;
mod apply;
mod base;
mod error;
mod events;
mod forecast;
mod forget;
mod hooks;
mod open;
mod page;
mod private;
mod queue;
mod record;
mod requests;
mod rescue;
mod rows;
mod seal;
mod seen;
mod segments;
mod sources;
mod store;
mod upgrade;
mod work_time;

pub use access::{Scope, SecretDigest, Token};
pub use apply::Applied;
pub use base::Base;
pub use error::Error;
pub use events::{Events, JobEvent, KEPT_EVENTS, Version, What};
pub use forecast::{Forecast, Waiting};
pub use forget::Kept;
pub use hooks::{HookCursor, HookKey};
pub use open::Ledger;
pub use page::{End, Ended, Outline};
pub use record::{QueuePosition, Queued, Record, Submission};
pub use requests::AnsweredRequest;
pub use rescue::Rescue;
pub use seen::SeenFile;
pub use sources::KnownSource;
pub use work_time::WorkTime;
