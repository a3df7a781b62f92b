//! The names of uploads: who knows one may go on with the upload, so they cannot be guessed.

use std::fmt;
use std::str::FromStr;

const BYTES: usize = 16;

/// The name of an upload: random, and in lower case, so that each has one spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct UploadId([u8; BYTES]);

impl UploadId {
    /// One that was never used.
    pub(super) fn random() -> std::io::Result<Self> {
        let mut id = [0; BYTES];
        getrandom::fill(&mut id).map_err(std::io::Error::other)?;
        Ok(Self(id))
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for UploadId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() != 2 * BYTES || !text.bytes().all(is_digit) {
            return Err(());
        }
        let number = u128::from_str_radix(text, 16).map_err(|_| ())?;
        Ok(Self(number.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_spelling() {
        let id = UploadId::random().unwrap();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_ne!(UploadId::random().unwrap(), id);
        let zeros = "0".repeat(32);
        assert_eq!(UploadId([0; BYTES]).to_string(), zeros);
        for wrong in
            ["", "..", "../../../../../../../../../../etc", &zeros[1..], &"A".repeat(32), &"é".repeat(16)]
        {
            assert_eq!(wrong.parse::<UploadId>(), Err(()), "{wrong}");
        }
        assert_eq!(format!("+{}", &zeros[1..]).parse::<UploadId>(), Err(()));
    }
}
