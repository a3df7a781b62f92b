//! What a pickle of weights says: values that are plain records.
//!
//! Containers lie in lists and values are handles to them, so copying a value costs nothing, cycles do no harm, and nothing
//! recurses however deep a file nests.

mod machine;

use super::globals::{Global, StorageKind};
use crate::Error;
use crate::tensors::element_count;

use machine::Machine;

/// The most axes of a tensor.
const MAX_AXES: usize = 8;

/// A value on the stack. Numbers are handles to the machine's lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    Mark,
    Integer(i64),
    Text(usize),
    Tuple(usize),
    Dict(usize),
    Tensor(usize),
    Storage(usize),
    Global(Global),
    /// A list. Weights have none that matter, so what is appended is forgotten.
    List,
    /// None, booleans and floats: allowed, and of no consequence.
    Other,
}

/// A file of numbers beside the pickle.
#[derive(Debug, Clone, Copy)]
pub(super) struct Storage<'a> {
    pub(super) kind: StorageKind,
    pub(super) key: &'a str,
    pub(super) numbers: usize,
}

/// A view of a storage.
#[derive(Debug)]
pub(super) struct TensorRecord<'a> {
    pub(super) storage: Storage<'a>,
    pub(super) offset: usize,
    pub(super) size: Vec<usize>,
    pub(super) stride: Vec<usize>,
}

impl TensorRecord<'_> {
    /// How many numbers it has.
    pub(super) fn count(&self) -> usize {
        element_count(&self.size).unwrap_or(usize::MAX)
    }
}

/// What a pickle says.
pub(super) struct Pickle<'a> {
    pub(super) root: Value,
    texts: Vec<&'a str>,
    tuples: Vec<Vec<Value>>,
    dicts: Vec<Vec<(Value, Value)>>,
    storages: Vec<Storage<'a>>,
    tensors: Vec<TensorRecord<'a>>,
}

impl<'a> Pickle<'a> {
    /// Reads a pickle of weights.
    pub(super) fn load(bytes: &'a [u8]) -> Result<Self, Error> {
        let made = Self {
            root: Value::Other,
            texts: Vec::new(),
            tuples: Vec::new(),
            dicts: Vec::new(),
            storages: Vec::new(),
            tensors: Vec::new(),
        };
        Machine::new(bytes, made).run()
    }

    pub(super) fn text(&self, value: Value) -> Option<&'a str> {
        if let Value::Text(index) = value { self.texts.get(index).copied() } else { None }
    }

    pub(super) fn dict(&self, value: Value) -> Option<&[(Value, Value)]> {
        if let Value::Dict(index) = value { self.dicts.get(index).map(Vec::as_slice) } else { None }
    }

    pub(super) fn tensor(&self, value: Value) -> Option<&TensorRecord<'a>> {
        if let Value::Tensor(index) = value { self.tensors.get(index) } else { None }
    }

    fn tuple(&self, value: Value) -> Option<&[Value]> {
        if let Value::Tuple(index) = value { self.tuples.get(index).map(Vec::as_slice) } else { None }
    }

    /// A tuple of whole numbers: the size or the strides of a tensor.
    fn extents(&self, value: Value) -> Option<Vec<usize>> {
        let values = self.tuple(value).filter(|values| values.len() <= MAX_AXES)?;
        values.iter().map(|&value| whole(value)).collect()
    }

    fn new_dict(&mut self) -> Value {
        self.dicts.push(Vec::new());
        Value::Dict(self.dicts.len() - 1)
    }

    /// `('storage', kind, key, device, numbers)`, perhaps with a view that is always none.
    fn storage(&self, id: Value) -> Option<Storage<'a>> {
        let [tag, Value::Global(Global::Storage(kind)), key, device, numbers, view @ ..] = self.tuple(id)?
        else {
            return None;
        };
        if self.text(*tag) != Some("storage")
            || self.text(*device).is_none()
            || !matches!(view, [] | [Value::Other])
        {
            return None;
        }
        Some(Storage { kind: *kind, key: self.text(*key)?, numbers: whole(*numbers)? })
    }

    /// `(storage, offset, size, strides, needs gradient, hooks)`, perhaps with metadata.
    fn rebuilt_tensor(&self, arguments: &[Value]) -> Option<TensorRecord<'a>> {
        let [Value::Storage(storage), offset, size, stride, Value::Other, Value::Dict(_), metadata @ ..] =
            arguments
        else {
            return None;
        };
        let (size, stride) = (self.extents(*size)?, self.extents(*stride)?);
        if size.len() != stride.len() || metadata.len() > 1 {
            return None;
        }
        Some(TensorRecord { storage: *self.storages.get(*storage)?, offset: whole(*offset)?, size, stride })
    }
}

fn whole(value: Value) -> Option<usize> {
    if let Value::Integer(integer) = value { usize::try_from(integer).ok() } else { None }
}
