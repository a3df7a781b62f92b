//! A hook: where deliveries go, of which events, and in which form.

use std::collections::BTreeSet;
use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::address::Address;
use crate::event::Event;

/// A hook.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Hook {
    /// Its number among the hooks, from 1 on.
    pub number: usize,
    /// Where deliveries go.
    pub url: Address,
    /// What is told.
    pub events: BTreeSet<Event>,
    /// By which bodies are signed; with [`Format::Ntfy`], the access token.
    pub secret: Option<HookSecret>,
    /// What is sent.
    pub format: Format,
    /// It may lie on this machine or in its neighbourhood.
    pub allow_private: bool,
    /// Where people find the page, without a slash at its end.
    pub page: Option<String>,
}

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// An object that programs read.
    Json,
    /// A message of ntfy.
    Ntfy,
}

/// A secret, which is never shown.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct HookSecret(String);

impl HookSecret {
    /// A secret.
    pub const fn new(secret: String) -> Self {
        Self(secret)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for HookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// For people: without what is secret.
impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "webhook {} ({})", self.number, self.url)
    }
}

impl Hook {
    /// By which the ledger knows how far it is: the same as long as it gets the same at the same address.
    pub(crate) fn key(&self) -> [u8; 32] {
        let format = match self.format {
            Format::Json => "json",
            Format::Ntfy => "ntfy",
        };
        Sha256::digest(format!("{format} {}", self.url.whole())).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_in_what_is_printed_and_no_part_of_what_a_hook_is() {
        let hook = |secret: &str| Hook {
            number: 1,
            url: "https://example.org/topic".parse().unwrap(),
            events: BTreeSet::from([Event::DONE]),
            secret: Some(HookSecret::new(secret.to_owned())),
            format: Format::Json,
            allow_private: false,
            page: None,
        };
        let shown = format!("{:?}", hook("correct horse"));
        assert!(!shown.contains("horse") && !shown.contains("topic"), "{shown}");
        assert_eq!(hook("a").key(), hook("b").key());
        assert_ne!(hook("a").key(), Hook { format: Format::Ntfy, ..hook("a") }.key());
    }
}
