//! Small JSON files that are read back by the program: whole or not at all.
//!
//! Such a file has two lines: the value, and BLAKE3 of the first line in quotes, because a flipped digit is valid JSON,
//! too. One that lies where others write has a third line: what only the owner of a key can make of the first.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::key::Key;
use crate::{Error, open, write_atomic};

/// The largest file that is read; real ones have a few thousand bytes.
const MAX: u64 = 1 << 20;

/// Writes a value with its checksum. When this returns, it is on the disk.
///
/// # Errors
/// As [`write_atomic`].
pub fn write_sealed<T: Serialize>(path: &Path, value: &T) -> Result<(), Error> {
    let text = text_of(path, value)?;
    write_atomic(path, format!("{text}\n\"{}\"\n", seal(&text)).as_bytes())
}

/// As [`write_sealed`], so that [`read_keyed`] knows it again.
///
/// # Errors
/// As [`write_atomic`].
pub fn write_keyed<T: Serialize>(path: &Path, value: &T, key: &Key) -> Result<(), Error> {
    let text = text_of(path, value)?;
    let lines = format!("{text}\n\"{}\"\n\"{}\"\n", seal(&text), key.seal(&text));
    write_atomic(path, lines.as_bytes())
}

fn text_of<T: Serialize>(path: &Path, value: &T) -> Result<String, Error> {
    let cause = |cause: serde_json::Error| Error::io("write", path)(cause.into());
    serde_json::to_string(value).map_err(cause)
}

/// Reads a value that [`write_sealed`] wrote; `None` where there is no such file.
///
/// # Errors
/// [`Error::Damaged`] where it is not what was written, [`Error::Io`] where it cannot be read.
pub fn read_sealed<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    Ok(read(path, None)?.map(|(value, _)| value))
}

/// Reads a value that [`write_sealed`] or [`write_keyed`] wrote, and says whether the owner of the key did; `None` where there
/// is no such file.
///
/// # Errors
/// As [`read_sealed`].
pub fn read_keyed<T: DeserializeOwned>(path: &Path, key: &Key) -> Result<Option<(T, bool)>, Error> {
    read(path, Some(key))
}

fn read<T: DeserializeOwned>(path: &Path, key: Option<&Key>) -> Result<Option<(T, bool)>, Error> {
    let Some(bytes) = open::read_workers_file(path, MAX)? else { return Ok(None) };
    let damaged = |reason: &str| Error::Damaged { path: path.to_owned(), reason: reason.to_owned() };
    let text = std::str::from_utf8(&bytes).map_err(|_| damaged("it is no text"))?;
    let (text, checks) = text.split_once('\n').ok_or_else(|| damaged("its checksum is missing"))?;
    let mut checks = checks.lines().map(|check| check.trim_end().trim_matches('"'));
    if checks.next() != Some(&seal(text)) {
        return Err(damaged("its checksum does not fit"));
    }
    // Hashes are compared in the same time, whatever differs.
    let sealed = checks.next().and_then(|check| blake3::Hash::from_hex(check).ok());
    let is_keyed = key.zip(sealed).is_some_and(|(key, sealed)| sealed == key.seal(text));
    serde_json::from_str(text)
        .map(|value| Some((value, is_keyed)))
        .map_err(|error| damaged(&error.to_string()))
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

    #[test]
    fn only_the_owner_of_the_key_makes_a_seal() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = folder.path().join("value.json");
        let (key, strange) = (Key::of(folder.path()).unwrap(), Key::of(other.path()).unwrap());
        write_keyed(&path, &7, &key).unwrap();
        assert_eq!(read_keyed::<u32>(&path, &key).unwrap(), Some((7, true)));
        assert_eq!(read_keyed::<u32>(&path, &strange).unwrap(), Some((7, false)));
        assert_eq!(read_sealed::<u32>(&path).unwrap(), Some(7));
        // Another value with the seal of the first.
        let seal = fs::read_to_string(&path).unwrap().lines().nth(2).unwrap().to_owned();
        write_sealed(&path, &8).unwrap();
        assert_eq!(read_keyed::<u32>(&path, &key).unwrap(), Some((8, false)));
        let forged = fs::read_to_string(&path).unwrap() + &seal;
        fs::write(&path, forged).unwrap();
        assert_eq!(read_keyed::<u32>(&path, &key).unwrap(), Some((8, false)));
    }
}
