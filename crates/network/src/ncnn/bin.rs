//! The bytes of a `.bin` file, read from front to back.

use super::FORMAT;
use super::param::malformed;
use crate::Error;
use crate::convert::{from_f16, from_f32};
use crate::error::shown;
use crate::tensors::{check_numbers, element_count};

/// Says that fp16 weights follow.
const FLAG_F16: u32 = 0x0130_6B47;
/// Says that fp32 weights follow.
const FLAG_F32: u32 = 0;

pub(super) struct Bin<'a> {
    rest: &'a [u8],
    numbers: usize,
}

impl<'a> Bin<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, numbers: 0 }
    }

    /// A flag that says how wide they are, then the weights of a convolution.
    pub(super) fn weights(&mut self, shape: [usize; 4], layer: &str) -> Result<Vec<f32>, Error> {
        let count = self.count(&shape)?;
        let flag = self.take(4, layer)?;
        let flag = flag.first_chunk().map_or(u32::MAX, |flag| u32::from_le_bytes(*flag));
        match flag {
            // Padded to whole words.
            FLAG_F16 => {
                let bytes = self.take(count.saturating_mul(2).next_multiple_of(4), layer)?;
                let (weights, padding) = bytes.split_at(count * 2);
                if padding.iter().any(|&byte| byte != 0) {
                    return Err(malformed(format!(
                        "after the weights of `{}` stands something else than padding",
                        shown(layer)
                    )));
                }
                Ok(from_f16(weights))
            }
            FLAG_F32 => Ok(from_f32(self.take(count.saturating_mul(4), layer)?)),
            other => Err(Error::Unsupported {
                found: format!("the weight type 0x{other:08X} of the ncnn layer `{}`", shown(layer)),
                supported: "use an ncnn model with fp16 or fp32 weights".to_owned(),
            }),
        }
    }

    /// Plain fp32 numbers: biases and slopes.
    pub(super) fn floats(&mut self, count: usize, layer: &str) -> Result<Vec<f32>, Error> {
        let count = self.count(&[count])?;
        Ok(from_f32(self.take(count.saturating_mul(4), layer)?))
    }

    pub(super) fn finish(self) -> Result<(), Error> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(malformed(format!("{} bytes are left after the last layer", self.rest.len())))
    }

    fn count(&mut self, shape: &[usize]) -> Result<usize, Error> {
        let count = element_count(shape).unwrap_or(usize::MAX);
        self.numbers = self.numbers.saturating_add(count);
        check_numbers(self.numbers)?;
        Ok(count)
    }

    fn take(&mut self, length: usize, layer: &str) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(|| Error::Truncated {
            format: FORMAT,
            what: format!("the weights of the layer `{}`", shown(layer)),
        })?;
        self.rest = rest;
        Ok(taken)
    }
}
