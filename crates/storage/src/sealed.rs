//! Small JSON files that are read back by the program: whole or not at all.
//!
//! Such a file has two lines: the value, and BLAKE3 of the first line in quotes, because a flipped digit is valid JSON,
//! too.

use std::io::Read as _;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, open, write_atomic};

/// The largest file that is read; real ones have a few thousand bytes.
const MAX: u64 = 1 << 20;

/// Writes a value with its checksum. When this returns, it is on the disk.
///
/// # Errors
/// As [`write_atomic`].
pub fn write_sealed<T: Serialize>(path: &Path, value: &T) -> Result<(), Error> {
    let cause = |cause: serde_json::Error| Error::io("write", path)(cause.into());
    let text = serde_json::to_string(value).map_err(cause)?;
    write_atomic(path, format!("{text}\n\"{}\"\n", seal(&text)).as_bytes())
}

/// Reads a value that [`write_sealed`] wrote; `None` where there is no such file.
///
/// # Errors
/// [`Error::Damaged`] where it is not what was written, [`Error::Io`] where it cannot be read.
pub fn read_sealed<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    let file = match open::workers_file(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(Error::io("open", path))?,
    };
    let mut bytes = Vec::new();
    file.take(MAX).read_to_end(&mut bytes).map_err(Error::io("read", path))?;
    let damaged = |reason: &str| Error::Damaged { path: path.to_owned(), reason: reason.to_owned() };
    let text = std::str::from_utf8(&bytes).map_err(|_| damaged("it is no text"))?;
    let (text, check) = text.split_once('\n').ok_or_else(|| damaged("its checksum is missing"))?;
    if check.trim_end().trim_matches('"') != seal(text) {
        return Err(damaged("its checksum does not fit"));
    }
    serde_json::from_str(text).map(Some).map_err(|error| damaged(&error.to_string()))
}

fn seal(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    type Value = (String, Vec<f64>);

    #[test]
    fn what_is_read_is_what_was_written_or_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("value.json");
        assert_eq!(read_sealed::<Value>(&path).unwrap(), None);
        let value: Value = ("two\nlines".to_owned(), vec![0.5, 3.0]);
        write_sealed(&path, &value).unwrap();
        assert_eq!(read_sealed::<Value>(&path).unwrap(), Some(value.clone()));
        let whole = fs::read(&path).unwrap();
        for bit in 0..whole.len() * 8 {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, &damaged).unwrap();
            match read_sealed::<Value>(&path) {
                // Around the checksum there is nothing to protect.
                Ok(read) => assert_eq!(read, Some(value.clone()), "bit {bit}"),
                Err(error) => assert!(matches!(error, Error::Damaged { .. }), "{error}"),
            }
        }
        fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        assert!(matches!(read_sealed::<Value>(&path), Err(Error::Damaged { .. })));
    }
}
