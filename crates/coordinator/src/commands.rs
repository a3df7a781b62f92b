//! What people do with jobs: what is asked, what comes of it, and how it is done.
//!
//! [`Request`] and [`Reply`] say all of it in types that travel as JSON, over a socket or within a process; [`understand`]
//! is where a request that came from elsewhere is looked at. [`crate::Handle`] does what is asked.

mod add;
mod adopt;
mod arrival;
mod change;
mod forget;
mod list;
mod load;
mod message;
mod page;
mod pages;
mod position;
mod retry;
mod select;
mod take_in;

pub use add::{Add, AddError, Added, Others};
pub(crate) use add::{add, describe};
pub(crate) use adopt::adopt;
pub use arrival::{LARGEST_REQUEST, understand};
pub(crate) use arrival::{check, take_reply};
pub use list::{JobList, ListFilter};
pub use message::{
    Adopt, Became, Candidate, Moved, NewPosition, Outcome, Refusal, Reply, Request, Submit, Submitted,
    TakenIn,
};
pub use page::{Counts, Cursor, Kind, NoCursor, Page, PageQuery};
pub use select::{Selector, Which};
pub use take_in::take_in;

pub(crate) use change::{Change, change, set_removed};
pub(crate) use forget::{Forgetting, forget};
#[cfg(test)]
pub(crate) use list::tests::queued;
pub(crate) use load::{chosen, listed, waiting_files};
pub(crate) use page::{counts, files, page};
pub(crate) use pages::{PAGE, append, pages};
pub(crate) use position::set_position;
pub(crate) use retry::{Retry, retry};
