//! PyTorch's `.pth`: a zip of a pickle, which names tensors, and of storages, which hold their numbers.
//!
//! A pickle is a program. This reader never runs one: its interpreter knows the few operations that weights need, and
//! gives them the only meaning that weights need.

use std::collections::BTreeMap;

use crate::error::shown;
use crate::{Error, Tensors};

mod archive;
mod globals;
mod opcodes;
mod pickle;
mod strides;

use archive::Archive;
use pickle::{Pickle, TensorRecord, Value};

/// Name of the format in messages.
const FORMAT: &str = ".pth";
/// How files begin that PyTorch before 1.6 wrote: a pickle of a magic number.
const OLD_FILE: &[u8] = &[0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46];
/// Under which names training scripts keep the weights, best first. The averaged weights are the published ones.
const WEIGHTS: [&str; 3] = ["params_ema", "params", "state_dict"];

/// Reads the tensors under the names that the file gives them.
pub(crate) fn read(bytes: &[u8]) -> Result<Tensors, Error> {
    if bytes.starts_with(OLD_FILE) {
        return Err(Error::Unsupported {
            found: "a .pth file of PyTorch before 1.6".to_owned(),
            supported: "save the weights again with a newer PyTorch, or as .safetensors".to_owned(),
        });
    }
    let mut archive = Archive::open(bytes)?;
    let text = archive.pickle()?;
    let pickle = Pickle::load(&text)?;

    // By storage, so that each is unpacked once and only one is held at a time.
    let mut by_storage: BTreeMap<&str, Vec<(&str, &TensorRecord<'_>)>> = BTreeMap::new();
    for &(key, value) in weights(&pickle)? {
        let Some(name) = pickle.text(key) else {
            return Err(malformed("a weight has a name that is not text".to_owned()));
        };
        let Some(tensor) = pickle.tensor(value) else {
            return Err(malformed(format!("`{}` is not a tensor", shown(name))));
        };
        by_storage.entry(tensor.storage.key).or_default().push((name, tensor));
    }
    let mut tensors = Tensors::new();
    for (key, stored) in by_storage {
        let bytes = archive.storage(key)?;
        let mut left = usize::MAX;
        for (name, tensor) in stored {
            let storage = tensor.storage;
            if storage.kind.width().checked_mul(storage.numbers) != Some(bytes.len()) {
                return Err(malformed(format!(
                    "the storage of `{name}` does not have the size that it should"
                )));
            }
            // Tensors may share numbers, which would let a small file ask for any amount of memory.
            left = left.min(storage.numbers).checked_sub(tensor.count()).ok_or_else(|| {
                malformed(format!(
                    "the tensors up to `{name}` hold more numbers than the file stores for them"
                ))
            })?;
            let packed = strides::gather(&bytes, tensor).ok_or_else(|| {
                malformed(format!("the tensor `{}` reaches beyond its storage", shown(name)))
            })?;
            tensors.insert(name, tensor.size.clone(), storage.kind.decode(&packed))?;
        }
    }
    Ok(tensors)
}

/// The dictionary of weights: under a well-known name, or the whole file.
fn weights<'p>(pickle: &'p Pickle<'_>) -> Result<&'p [(Value, Value)], Error> {
    let Some(root) = pickle.dict(pickle.root) else {
        return Err(malformed("it does not hold a dictionary of weights".to_owned()));
    };
    for wanted in WEIGHTS {
        let found = root.iter().rev().find(|(key, _)| pickle.text(*key) == Some(wanted));
        if let Some(inner) = found.and_then(|(_, value)| pickle.dict(*value)) {
            return Ok(inner);
        }
    }
    Ok(root)
}

fn malformed(reason: String) -> Error {
    Error::Malformed { format: FORMAT, reason }
}
