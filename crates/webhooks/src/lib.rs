//! Webhooks: what happens to jobs, told to addresses that a person chose.
//!
//! Goals: each event is delivered at least once and in order to each hook, however often the server stops; a hook that answers
//! slowly or not at all holds up neither a job nor another hook, and takes bounded memory; no address reaches the machine itself
//! or its neighbours unless a person allowed it.
//! Non-goals: deciding anything about jobs; a store of its own (the ledger keeps the events and how far each hook is).

mod address;
mod client;
mod deliver;
mod event;
mod hook;
mod message;
mod public;
mod run;

pub use address::Address;
pub use client::{Answer, Client, SendError};
pub use event::{Event, NAMES};
pub use hook::{Format, Hook, HookSecret};
pub use message::{Message, sign};
pub use run::{Options, Webhooks, test_message};
