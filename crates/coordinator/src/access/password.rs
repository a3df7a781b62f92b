//! The owner's password, and what is kept of it.

use std::fmt;

use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use serde::{Deserialize, Serialize};

use super::AccessError;

/// Memory of argon2id in KiB, its passes and lanes: the least that OWASP recommends. More memory would be taken from the frames.
const MEMORY: u32 = 19 << 10;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// A password as a person wrote it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Password(String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

impl Password {
    /// Fewest characters.
    pub const SHORTEST: usize = 8;
    /// Most bytes.
    pub const LONGEST: usize = 1024;

    /// Text that is to be a password, or is to be compared with one.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// Looks whether this can be set.
    ///
    /// # Errors
    /// When it is too short or too long.
    pub fn check(&self) -> Result<(), AccessError> {
        if self.0.len() > Self::LONGEST {
            return Err(AccessError::TooLong);
        }
        if self.0.chars().count() < Self::SHORTEST {
            return Err(AccessError::TooShort);
        }
        Ok(())
    }

    /// What is kept of it. Takes a while, and much memory.
    pub(super) fn hash(&self) -> Result<String, String> {
        let params = Params::new(MEMORY, PASSES, LANES, None).map_err(|error| error.to_string())?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let hash = argon.hash_password(self.0.as_bytes()).map_err(|error| error.to_string())?;
        Ok(hash.to_string())
    }
}

/// Tells the owner's password from others.
pub struct Verifier(String);

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier(..)")
    }
}

impl Verifier {
    pub(super) fn new(kept: String) -> Self {
        Self(kept)
    }

    pub(super) fn kept(&self) -> &str {
        &self.0
    }

    /// Whether this is the owner's password. Takes a while, and 19 MiB of memory.
    pub fn is_right(&self, password: &Password) -> bool {
        // No password is so long, and none is worth reading so much.
        password.0.len() <= Password::LONGEST
            && Argon2::default().verify_password(password.0.as_bytes(), self.0.as_str()).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::new(text.to_owned())
    }

    #[test]
    fn only_the_password_itself_is_right() {
        let kept = password("correct horse").hash().unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert_ne!(password("correct horse").hash().unwrap(), kept, "each has a salt of its own");
        let verifier = Verifier::new(kept);
        assert!(verifier.is_right(&password("correct horse")));
        for wrong in ["", "correct hors", "correct horse ", "Correct horse"] {
            assert!(!verifier.is_right(&password(wrong)), "{wrong}");
        }
        assert!(!Verifier::new("damaged".to_owned()).is_right(&password("damaged")));
    }

    #[test]
    fn a_password_is_neither_short_nor_endless() {
        for (text, checked) in [
            (String::new(), Err(AccessError::TooShort)),
            ("1234567".to_owned(), Err(AccessError::TooShort)),
            ("üüüü".to_owned(), Err(AccessError::TooShort)),
            ("12345678".to_owned(), Ok(())),
            ("x".repeat(1024), Ok(())),
            ("x".repeat(1025), Err(AccessError::TooLong)),
        ] {
            assert_eq!(password(&text).check(), checked, "{text}");
        }
    }

    #[test]
    fn no_log_shows_it() {
        assert!(!format!("{:?}", password("correct horse")).contains("horse"));
    }
}
