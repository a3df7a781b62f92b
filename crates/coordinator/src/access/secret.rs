//! What browsers and programs send to be known again: random, and known here by its digest alone.

use std::fmt;

use ledger::SecretDigest;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Random bytes of a secret.
const RANDOM: usize = 32;

/// The secret of a session or a token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Secret {
    /// A new one that begins with these characters.
    pub(super) fn new(prefix: &str) -> Result<Self, String> {
        let mut random = [0; RANDOM];
        getrandom::fill(&mut random)
            .map_err(|error| format!("the system gives no random numbers: {error}"))?;
        let digits = random.iter().map(|byte| format!("{byte:02x}"));
        Ok(Self(std::iter::once(prefix.to_owned()).chain(digits).collect()))
    }

    /// One that came from elsewhere.
    pub fn received(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text that is sent.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// A fast hash is enough: 256 random bits cannot be guessed, however fast each guess is.
    pub(super) fn digest(&self) -> SecretDigest {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_long_and_no_two_are_the_same() {
        let (one, other) = (Secret::new("upscaled_").unwrap(), Secret::new("upscaled_").unwrap());
        assert_eq!(one.text().len(), "upscaled_".len() + 64);
        assert!(one.text().starts_with("upscaled_") && one != other && one.digest() != other.digest());
        assert_eq!(Secret::received(one.text()).digest(), one.digest());
        assert!(!format!("{one:?}").contains(one.text()));
    }
}
