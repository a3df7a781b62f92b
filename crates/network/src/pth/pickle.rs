//! The interpreter: a stack machine for the operations that weights need, over values that are plain records.
//!
//! Containers lie in lists of the machine and values are handles to them, so copying a value costs nothing, cycles do
//! no harm, and nothing recurses however deep a file nests.

use std::collections::HashMap;

use super::globals::{Global, StorageKind};
use super::{FORMAT, malformed, opcodes as op};
use crate::Error;
use crate::tensors::{element_count, too_large};

/// The most operations; the largest RRDBNet has 60,000, and each costs less than 100 bytes of memory.
const MAX_OPERATIONS: usize = 500_000;
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

struct Machine<'a> {
    rest: &'a [u8],
    stack: Vec<Value>,
    memo: HashMap<u32, Value>,
    made: Pickle<'a>,
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
        let mut machine = Machine { rest: bytes, stack: Vec::new(), memo: HashMap::new(), made };
        for _ in 0..MAX_OPERATIONS {
            let [operation] = machine.bytes()?;
            if operation == op::STOP {
                machine.made.root = machine.pop()?;
                return Ok(machine.made);
            }
            machine.step(operation)?;
        }
        Err(too_large("the number of operations of the pickle", MAX_OPERATIONS + 1, MAX_OPERATIONS))
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

impl<'a> Machine<'a> {
    fn step(&mut self, operation: u8) -> Result<(), Error> {
        match operation {
            op::PROTO => {
                let [protocol] = self.bytes()?;
                if !(2..=5).contains(&protocol) {
                    return Err(malformed(format!("its pickle protocol is {protocol}, not 2 to 5")));
                }
            }
            op::FRAME => {
                let _: [u8; 8] = self.bytes()?;
            }
            op::MARK => self.stack.push(Value::Mark),
            op::POP => {
                self.pop()?;
            }
            op::NONE | op::NEWTRUE | op::NEWFALSE => self.stack.push(Value::Other),
            op::BINFLOAT => {
                let _: [u8; 8] = self.bytes()?;
                self.stack.push(Value::Other);
            }
            op::BININT | op::BININT1 | op::BININT2 | op::LONG1 => {
                let integer = self.integer(operation)?;
                self.stack.push(Value::Integer(integer));
            }
            op::BINUNICODE | op::SHORT_BINUNICODE => self.read_text(operation)?,
            op::EMPTY_TUPLE => self.make_tuple(Vec::new()),
            op::TUPLE => {
                let values = self.pop_to_mark()?;
                self.make_tuple(values);
            }
            op::TUPLE1 | op::TUPLE2 | op::TUPLE3 => {
                let length = usize::from(operation - op::TUPLE1) + 1;
                let start = self.stack.len().checked_sub(length).ok_or_else(underflow)?;
                let values = self.stack.split_off(start);
                self.make_tuple(values);
            }
            op::EMPTY_LIST => self.stack.push(Value::List),
            op::APPEND => {
                self.pop()?;
                self.expect_list()?;
            }
            op::APPENDS => {
                self.pop_to_mark()?;
                self.expect_list()?;
            }
            op::EMPTY_DICT => {
                let dict = self.made.new_dict();
                self.stack.push(dict);
            }
            op::SETITEM => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.top_dict()?.push((key, value));
            }
            op::SETITEMS => {
                let values = self.pop_to_mark()?;
                let (pairs, []) = values.as_chunks::<2>() else { return Err(underflow()) };
                self.top_dict()?.extend(pairs.iter().map(|&[key, value]| (key, value)));
            }
            op::BINPUT | op::LONG_BINPUT | op::MEMOIZE => self.memorise(operation)?,
            op::BINGET | op::LONG_BINGET => self.recall(operation)?,
            op::GLOBAL | op::INST => {
                let (module, name) = (self.line()?, self.line()?);
                let global = Global::named(module, name)?;
                if operation == op::INST {
                    return Err(forbidden(op::INST));
                }
                self.stack.push(Value::Global(global));
            }
            op::STACK_GLOBAL => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Some(module), Some(name)) = (self.made.text(module), self.made.text(name)) else {
                    return Err(malformed("a name in its pickle is not text".to_owned()));
                };
                self.stack.push(Value::Global(Global::named(module, name)?));
            }
            op::BINPERSID => {
                let id = self.pop()?;
                let storage = self.made.storage(id);
                let storage = storage
                    .ok_or_else(|| malformed("it refers to something that is no storage".to_owned()))?;
                self.made.storages.push(storage);
                self.stack.push(Value::Storage(self.made.storages.len() - 1));
            }
            op::REDUCE => self.reduce()?,
            op::BUILD => {
                // Dictionaries of weights carry attributes, such as versions of layers; weights do not need them.
                let attributes = self.pop()?;
                if !matches!((self.stack.last(), attributes), (Some(Value::Dict(_)), Value::Dict(_))) {
                    return Err(forbidden(op::BUILD));
                }
            }
            other => return Err(forbidden(other)),
        }
        Ok(())
    }

    /// A call, of which only those mean something that make dictionaries and tensors.
    fn reduce(&mut self) -> Result<(), Error> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let Some(arguments) = self.made.tuple(arguments) else { return Err(forbidden(op::REDUCE)) };
        let made = match (function, arguments) {
            (Value::Global(Global::OrderedDict), []) => self.made.new_dict(),
            (Value::Global(Global::RebuildTensor), arguments) => {
                let tensor = self.made.rebuilt_tensor(arguments);
                let tensor =
                    tensor.ok_or_else(|| malformed("a tensor in its pickle cannot be read".to_owned()))?;
                self.made.tensors.push(tensor);
                Value::Tensor(self.made.tensors.len() - 1)
            }
            (
                Value::Global(Global::RebuildParameter),
                [Value::Tensor(tensor), Value::Other, Value::Dict(_)],
            ) => Value::Tensor(*tensor),
            _ => return Err(forbidden(op::REDUCE)),
        };
        self.stack.push(made);
        Ok(())
    }

    fn integer(&mut self, operation: u8) -> Result<i64, Error> {
        Ok(match operation {
            op::BININT => i64::from(i32::from_le_bytes(self.bytes()?)),
            op::BININT1 => i64::from(u8::from_le_bytes(self.bytes()?)),
            op::BININT2 => i64::from(u16::from_le_bytes(self.bytes()?)),
            // Two's complement of any length.
            _ => {
                let [length] = self.bytes()?;
                let bytes = self.take(usize::from(length))?;
                if bytes.len() > 8 {
                    return Err(malformed("a whole number in its pickle is too large".to_owned()));
                }
                let negative = bytes.last().is_some_and(|&byte| byte >= 0x80);
                let mut extended = if negative { [0xff; 8] } else { [0; 8] };
                extended.iter_mut().zip(bytes).for_each(|(to, &from)| *to = from);
                i64::from_le_bytes(extended)
            }
        })
    }

    fn read_text(&mut self, operation: u8) -> Result<(), Error> {
        let length = if operation == op::BINUNICODE {
            u32::from_le_bytes(self.bytes()?) as usize
        } else {
            usize::from(u8::from_le_bytes(self.bytes()?))
        };
        let bytes = self.take(length)?;
        let text = std::str::from_utf8(bytes)
            .map_err(|_| malformed("a text in its pickle is not UTF-8".to_owned()))?;
        self.made.texts.push(text);
        self.stack.push(Value::Text(self.made.texts.len() - 1));
        Ok(())
    }

    fn memorise(&mut self, operation: u8) -> Result<(), Error> {
        let index = match operation {
            op::BINPUT => u32::from(u8::from_le_bytes(self.bytes()?)),
            op::LONG_BINPUT => u32::from_le_bytes(self.bytes()?),
            _ => self.memo.len() as u32,
        };
        let value = *self.stack.last().filter(|value| **value != Value::Mark).ok_or_else(underflow)?;
        self.memo.insert(index, value);
        Ok(())
    }

    fn recall(&mut self, operation: u8) -> Result<(), Error> {
        let index = if operation == op::BINGET {
            u32::from(u8::from_le_bytes(self.bytes()?))
        } else {
            u32::from_le_bytes(self.bytes()?)
        };
        let value = self.memo.get(&index);
        let value =
            *value.ok_or_else(|| malformed("its pickle refers to a value that is not there".to_owned()))?;
        self.stack.push(value);
        Ok(())
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(cut)?;
        self.rest = rest;
        Ok(taken)
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or_else(cut)?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn line(&mut self) -> Result<&'a str, Error> {
        let end = self.rest.iter().position(|&byte| byte == b'\n').ok_or_else(cut)?;
        let line = self.take(end)?;
        let _: [u8; 1] = self.bytes()?;
        std::str::from_utf8(line).map_err(|_| malformed("a name in its pickle is not UTF-8".to_owned()))
    }

    fn pop(&mut self) -> Result<Value, Error> {
        self.stack.pop().filter(|value| *value != Value::Mark).ok_or_else(underflow)
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Value>, Error> {
        let mark = self.stack.iter().rposition(|value| *value == Value::Mark).ok_or_else(underflow)?;
        let values = self.stack.split_off(mark + 1);
        self.stack.truncate(mark);
        Ok(values)
    }

    fn make_tuple(&mut self, values: Vec<Value>) {
        self.made.tuples.push(values);
        self.stack.push(Value::Tuple(self.made.tuples.len() - 1));
    }

    fn expect_list(&self) -> Result<(), Error> {
        match self.stack.last() {
            Some(Value::List) => Ok(()),
            _ => Err(malformed("its pickle appends to something that is no list".to_owned())),
        }
    }

    fn top_dict(&mut self) -> Result<&mut Vec<(Value, Value)>, Error> {
        let dicts = &mut self.made.dicts;
        match self.stack.last() {
            Some(Value::Dict(index)) => dicts.get_mut(*index),
            _ => None,
        }
        .ok_or_else(|| malformed("its pickle sets items of something that is no dictionary".to_owned()))
    }
}

fn whole(value: Value) -> Option<usize> {
    if let Value::Integer(integer) = value { usize::try_from(integer).ok() } else { None }
}

fn forbidden(operation: u8) -> Error {
    Error::ForbiddenOperation { operation: op::name(operation) }
}

fn underflow() -> Error {
    malformed("its pickle takes values that are not there".to_owned())
}

fn cut() -> Error {
    Error::Truncated { format: FORMAT, what: "its pickle".to_owned() }
}
