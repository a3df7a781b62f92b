//! Layers that work element by element: sums, and the several layers that together are a normalization or a gate.

use super::{Builder, MAX_CHANNELS, Open, PLAIN, Pending, same};
use crate::Error;
use crate::ir::Op;
use crate::ncnn::param::Layer;

impl<'a> Builder<'a> {
    pub(super) fn sigmoid(&mut self, layer: &Layer<'a>) -> Result<(), Error> {
        layer.knows_only(&[])?;
        let value = self.take_one(layer)?;
        self.give(layer, Open { value, pending: Pending::Sigmoid })
    }

    /// Numbers of their own: the means that are subtracted from the input.
    pub(super) fn constant(&mut self, layer: &Layer<'a>) -> Result<(), Error> {
        layer.knows_only(&[0, 1, 2, 21])?;
        let channels = layer.integer(2, 0)?;
        let plain = layer.integer(0, 0)? == 1 && layer.integer(1, 0)? == 1 && layer.integer(21, 1)? == 1;
        if !plain || !(1..=MAX_CHANNELS).contains(&channels) {
            return Err(layer.unsupported("that is not one fp32 number per channel"));
        }
        let ([], [name]) = (layer.inputs.as_slice(), layer.outputs.as_slice()) else {
            return Err(layer.malformed("does not have exactly one output and no input"));
        };
        let numbers = self.bin.floats(channels as usize, layer.name)?;
        if self.open.contains_key(name) || self.constants.insert(name, numbers).is_some() {
            return Err(layer.malformed("gives a value a name that is taken"));
        }
        Ok(())
    }

    /// Sums, with factors or without, gates, and what is done to a value by numbers.
    pub(super) fn arithmetic(&mut self, layer: &Layer<'a>) -> Result<(), Error> {
        let is_binary = layer.kind == "BinaryOp";
        layer.knows_only(if is_binary { &[0, 1, 2] } else { &[0, 1] })?;
        let operation = layer.integer(0, 0)?;
        let with_scalar = is_binary && layer.integer(1, 0)? != 0;
        if let [input, constant] = layer.inputs.as_slice()
            && (is_binary, with_scalar, operation) == (true, false, 1)
            && let Some(mean) = self.constants.remove(constant)
        {
            return self.normalization(layer, input, mean);
        }
        let taken = self.take(layer)?;
        match (taken.as_slice(), with_scalar) {
            ([a, b], false) => match (a.pending, b.pending) {
                (Pending::Factor(scale_a), Pending::Factor(scale_b)) => {
                    // Eltwise: 1 is the sum; BinaryOp: 0 is.
                    if operation != i64::from(!is_binary) {
                        return Err(layer.unsupported("that is not a sum"));
                    }
                    let factors = if is_binary { Vec::new() } else { layer.floats(1)? };
                    let (factor_a, factor_b) = match factors.as_slice() {
                        [] => (1.0, 1.0),
                        [a, b] => (*a, *b),
                        _ => return Err(layer.malformed("does not have one factor per input")),
                    };
                    let (scale_a, scale_b) = (factor_a * scale_a, factor_b * scale_b);
                    let channels = self.channels(a.value);
                    self.push(layer, Op::Add { a: a.value, b: b.value, scale_a, scale_b }, channels)
                }
                (PLAIN, Pending::Attention) if is_binary && operation == 2 => self.gate(layer, a, b),
                (Pending::Attention, PLAIN) if is_binary && operation == 2 => self.gate(layer, b, a),
                _ => Err(layer.unsupported("that is neither a sum nor a gate by a sigmoid less one half")),
            },
            ([open], true) if layer.outputs.len() == 1 => self.with_number(layer, *open, operation),
            _ => Err(layer.unsupported("that is not a known operation on two values or a number")),
        }
    }

    fn gate(&mut self, layer: &Layer<'a>, value: &Open, gate: &Open) -> Result<(), Error> {
        let channels = self.channels(value.value);
        self.push(layer, Op::Gate { value: value.value, gate: gate.value }, channels)
    }

    fn normalization(&mut self, layer: &Layer<'a>, input: &'a str, mean: Vec<f32>) -> Result<(), Error> {
        match self.open.remove(input) {
            Some(Open { value, pending: PLAIN }) => {
                let channels = self.channels(value);
                self.push(layer, Op::Normalize { input: value, mean, factor: 1.0 }, channels)
            }
            _ => Err(layer.malformed("uses a value that is not there or already taken")),
        }
    }

    /// A multiplication, or the second half of what makes a gate.
    fn with_number(&mut self, layer: &Layer<'a>, open: Open, operation: i64) -> Result<(), Error> {
        let number = layer.float(2, 0.0)?;
        let value = open.value;
        let pending = match (operation, open.pending) {
            (2, PLAIN)
                if self.is_alone(value)
                    && let Some(Op::Normalize { factor, .. }) = self.nodes.get_mut(value.0) =>
            {
                *factor *= number;
                return self.rename(layer, value);
            }
            (2, Pending::Factor(factor)) => Pending::Factor(factor * number),
            (1, Pending::Sigmoid) if same(number, 0.5) => Pending::Attention,
            _ => return Err(layer.unsupported("that is neither a multiplication nor part of a gate")),
        };
        self.give(layer, Open { value, pending })
    }
}
