//! The interpreter: a stack machine for the operations that weights need.

use std::collections::HashMap;

use super::{Pickle, Value};
use crate::Error;
use crate::pth::globals::Global;
use crate::pth::{FORMAT, malformed, opcodes as op};
use crate::tensors::too_large;

/// The most operations; the largest RRDBNet has 60,000, and each costs less than 100 bytes of memory.
const MAX_OPERATIONS: usize = 500_000;

/// An interpreter at work.
pub(super) struct Machine<'a> {
    rest: &'a [u8],
    stack: Vec<Value>,
    memo: HashMap<u32, Value>,
    made: Pickle<'a>,
}

impl<'a> Machine<'a> {
    pub(super) fn new(bytes: &'a [u8], made: Pickle<'a>) -> Self {
        Self { rest: bytes, stack: Vec::new(), memo: HashMap::new(), made }
    }

    /// Does all operations.
    pub(super) fn run(mut self) -> Result<Pickle<'a>, Error> {
        for _ in 0..MAX_OPERATIONS {
            let [operation] = self.bytes()?;
            if operation == op::STOP {
                self.made.root = self.pop()?;
                return Ok(self.made);
            }
            self.step(operation)?;
        }
        Err(too_large("the number of operations of the pickle", MAX_OPERATIONS + 1, MAX_OPERATIONS))
    }

    fn step(&mut self, operation: u8) -> Result<(), Error> {
        match operation {
            op::PROTO | op::FRAME => self.frame(operation),
            op::MARK => {
                self.stack.push(Value::Mark);
                Ok(())
            }
            op::POP => self.pop().map(drop),
            op::NONE | op::NEWTRUE | op::NEWFALSE | op::BINFLOAT => self.other(operation),
            op::BININT | op::BININT1 | op::BININT2 | op::LONG1 => self.integer(operation),
            op::BINUNICODE | op::SHORT_BINUNICODE => self.read_text(operation),
            op::EMPTY_TUPLE | op::TUPLE | op::TUPLE1 | op::TUPLE2 | op::TUPLE3 => self.tuple(operation),
            op::EMPTY_LIST | op::APPEND | op::APPENDS => self.list(operation),
            op::EMPTY_DICT | op::SETITEM | op::SETITEMS => self.dict(operation),
            op::BINPUT | op::LONG_BINPUT | op::MEMOIZE => self.memorise(operation),
            op::BINGET | op::LONG_BINGET => self.recall(operation),
            op::GLOBAL | op::INST | op::STACK_GLOBAL => self.global(operation),
            op::BINPERSID => self.storage(),
            op::REDUCE => self.reduce(),
            op::BUILD => self.build(),
            other => Err(forbidden(other)),
        }
    }

    /// What stands around the operations.
    fn frame(&mut self, operation: u8) -> Result<(), Error> {
        if operation == op::FRAME {
            let _: [u8; 8] = self.bytes()?;
            return Ok(());
        }
        let [protocol] = self.bytes()?;
        if (2..=5).contains(&protocol) {
            Ok(())
        } else {
            Err(malformed(format!("its pickle protocol is {protocol}, not 2 to 5")))
        }
    }

    /// A value of no consequence.
    fn other(&mut self, operation: u8) -> Result<(), Error> {
        if operation == op::BINFLOAT {
            let _: [u8; 8] = self.bytes()?;
        }
        self.stack.push(Value::Other);
        Ok(())
    }

    fn tuple(&mut self, operation: u8) -> Result<(), Error> {
        let values = match operation {
            op::EMPTY_TUPLE => Vec::new(),
            op::TUPLE => self.pop_to_mark()?,
            _ => {
                let length = usize::from(operation - op::TUPLE1) + 1;
                let start = self.stack.len().checked_sub(length).ok_or_else(underflow)?;
                self.stack.split_off(start)
            }
        };
        self.made.tuples.push(values);
        self.stack.push(Value::Tuple(self.made.tuples.len() - 1));
        Ok(())
    }

    fn list(&mut self, operation: u8) -> Result<(), Error> {
        match operation {
            op::EMPTY_LIST => {
                self.stack.push(Value::List);
                return Ok(());
            }
            op::APPEND => drop(self.pop()?),
            _ => drop(self.pop_to_mark()?),
        }
        self.expect_list()
    }

    fn dict(&mut self, operation: u8) -> Result<(), Error> {
        match operation {
            op::EMPTY_DICT => {
                let dict = self.made.new_dict();
                self.stack.push(dict);
            }
            op::SETITEM => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.top_dict()?.push((key, value));
            }
            _ => {
                let values = self.pop_to_mark()?;
                let (pairs, []) = values.as_chunks::<2>() else { return Err(underflow()) };
                self.top_dict()?.extend(pairs.iter().map(|&[key, value]| (key, value)));
            }
        }
        Ok(())
    }

    /// Something by its name.
    fn global(&mut self, operation: u8) -> Result<(), Error> {
        let global = if operation == op::STACK_GLOBAL {
            let (name, module) = (self.pop()?, self.pop()?);
            let (Some(module), Some(name)) = (self.made.text(module), self.made.text(name)) else {
                return Err(malformed("a name in its pickle is not text".to_owned()));
            };
            Global::named(module, name)?
        } else {
            let (module, name) = (self.line()?, self.line()?);
            Global::named(module, name)?
        };
        if operation == op::INST {
            return Err(forbidden(op::INST));
        }
        self.stack.push(Value::Global(global));
        Ok(())
    }

    /// A file of numbers.
    fn storage(&mut self) -> Result<(), Error> {
        let id = self.pop()?;
        let storage = self.made.storage(id);
        let storage =
            storage.ok_or_else(|| malformed("it refers to something that is no storage".to_owned()))?;
        self.made.storages.push(storage);
        self.stack.push(Value::Storage(self.made.storages.len() - 1));
        Ok(())
    }

    /// Dictionaries of weights carry attributes, such as versions of layers; weights do not need them.
    fn build(&mut self) -> Result<(), Error> {
        let attributes = self.pop()?;
        match (self.stack.last(), attributes) {
            (Some(Value::Dict(_)), Value::Dict(_)) => Ok(()),
            _ => Err(forbidden(op::BUILD)),
        }
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

    fn integer(&mut self, operation: u8) -> Result<(), Error> {
        let integer = match operation {
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
        };
        self.stack.push(Value::Integer(integer));
        Ok(())
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

fn forbidden(operation: u8) -> Error {
    Error::ForbiddenOperation { operation: op::name(operation) }
}

fn underflow() -> Error {
    malformed("its pickle takes values that are not there".to_owned())
}

fn cut() -> Error {
    Error::Truncated { format: FORMAT, what: "its pickle".to_owned() }
}
