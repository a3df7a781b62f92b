//! The socket by which commands talk to a running server, and how they find it.
//!
//! It lies in the folder of the server's state. The server says [`Hello`] first; the other side writes one [`Request`]; the
//! server says that it has understood it, again and again until it is done, and then gives the [`Reply`] in parts, or a
//! [`Refusal`]. A message is a `u32` length, little endian, and so many bytes of JSON.
//!
//! Only the user of the server and root may talk. A client that sends nothing, too much, or too slowly, is disconnected: a server
//! has few connections at once, each with little memory and time.

mod address;
mod client;
mod messages;
mod server;

pub use client::{Client, ClientError, connect};
pub use messages::{Hello, Role};
pub use server::Listener;

#[cfg(doc)]
use crate::commands::{Refusal, Reply, Request};

#[cfg(test)]
mod tests;
