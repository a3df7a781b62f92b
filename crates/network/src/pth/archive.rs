//! The zip file around the pickle, unpacked only as far as the file's own size warrants.

use std::io::{Cursor, Read};

use zip::ZipArchive;

use super::{FORMAT, malformed};
use crate::Error;
use crate::error::shown;
use crate::tensors::too_large;

/// The largest file.
const MAX_FILE: usize = 512 << 20;
/// The most entries; the largest RRDBNet has 1400, twice that with averaged and plain weights.
const MAX_ENTRIES: usize = 16_384;
/// The largest pickle; that of the largest RRDBNet has 200 kB.
const MAX_PICKLE: u64 = 4 << 20;
/// What may be unpacked beyond twice the size of the file. Weights hardly compress; what does is a bomb.
const SLACK: u64 = 1 << 20;

pub(super) struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    /// The folder in which everything lies, with a slash, or nothing.
    folder: String,
    /// How many bytes may still be unpacked.
    budget: u64,
}

impl<'a> Archive<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_FILE {
            return Err(too_large("the size of the .pth file in bytes", bytes.len(), MAX_FILE));
        }
        // The zip crate makes a record of some hundred bytes for each entry of 46 before it can be asked how many there
        // are. Each entry begins with these bytes; that they are in the numbers too makes no difference worth knowing.
        let entries = bytes.windows(4).filter(|bytes| *bytes == b"PK\x01\x02").count();
        if entries > MAX_ENTRIES {
            return Err(too_large("the number of entries of the .pth file", entries, MAX_ENTRIES));
        }
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| {
            malformed(format!("as a zip file it cannot be read: {}", shown(&error.to_string())))
        })?;
        let folder = zip
            .file_names_raw()
            .filter_map(|name| std::str::from_utf8(name).ok()?.strip_suffix("data.pkl"))
            .find(|folder| folder.is_empty() || folder.ends_with('/'))
            .map(str::to_owned)
            .ok_or_else(|| malformed("the zip file has no data.pkl".to_owned()))?;
        let budget = (bytes.len() as u64).saturating_mul(2).saturating_add(SLACK);
        Ok(Self { zip, folder, budget })
    }

    /// The pickle that names the tensors.
    pub(super) fn pickle(&mut self) -> Result<Vec<u8>, Error> {
        if let Some(order) = self.entry("byteorder", 16)?
            && order.trim_ascii() != b"little"
        {
            return Err(Error::Unsupported {
                found: "a .pth file with numbers in big-endian order".to_owned(),
                supported: "save the weights on a usual machine, or as .safetensors".to_owned(),
            });
        }
        self.entry("data.pkl", MAX_PICKLE)?.ok_or_else(|| missing("data.pkl"))
    }

    /// The bytes of a storage.
    pub(super) fn storage(&mut self, key: &str) -> Result<Vec<u8>, Error> {
        let name = format!("data/{key}");
        self.entry(&name, u64::MAX)?.ok_or_else(|| missing(&name))
    }

    fn entry(&mut self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        let name = format!("{}{name}", self.folder);
        let Some(index) = self.zip.index_for_name(&name) else { return Ok(None) };
        let unreadable = |error: &dyn std::fmt::Display| {
            malformed(format!("`{}` cannot be unpacked: {}", shown(&name), shown(&error.to_string())))
        };
        let entry = self.zip.by_index(index).map_err(|error| unreadable(&error))?;
        let limit = limit.min(self.budget);
        let size = entry.size();
        if size > limit {
            let what = format!("the unpacked size of `{}` in bytes", shown(&name));
            return Err(Error::TooLarge { what, found: size, limit });
        }
        // The size is only what the file claims: memory grows with what is really unpacked, and stops there too.
        let mut unpacked = Vec::new();
        entry.take(size.saturating_add(1)).read_to_end(&mut unpacked).map_err(|error| unreadable(&error))?;
        if unpacked.len() as u64 != size {
            return Err(unreadable(&"its size is not what the file says"));
        }
        self.budget -= size;
        Ok(Some(unpacked))
    }
}

fn missing(name: &str) -> Error {
    Error::Truncated { format: FORMAT, what: format!("its list of contents: `{}` is missing", shown(name)) }
}
