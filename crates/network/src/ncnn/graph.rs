//! Layers and their numbers to operations.

use std::collections::HashMap;

use super::bin::Bin;
use super::param::{Layer, malformed};
use crate::Error;
use crate::ir::{Activation, Conv, Network, Op, ValueId};

mod arithmetic;

/// The most channels of a convolution.
const MAX_CHANNELS: i64 = 4096;

/// A value that no layer has taken yet. Each is taken once: ncnn copies values with `Split` layers.
#[derive(Clone, Copy)]
struct Open {
    value: ValueId,
    pending: Pending,
}

/// What layers have done to a value that has a meaning only together with the layer that takes it.
#[derive(Clone, Copy, PartialEq)]
enum Pending {
    /// A multiplication, which exports by pnnx do before they add. 1 is nothing.
    Factor(f32),
    /// `sigmoid(x)`, half of a gate.
    Sigmoid,
    /// `sigmoid(x) − ½`, what a gate multiplies with.
    Attention,
}

/// A value as an operation has made it.
const PLAIN: Pending = Pending::Factor(1.0);

struct Builder<'a> {
    nodes: Vec<Op>,
    /// For each node how many channels it has, and how many open or taken names it has got.
    channels: Vec<usize>,
    names: Vec<usize>,
    open: HashMap<&'a str, Open>,
    /// Numbers of the file that are values themselves, one per channel.
    constants: HashMap<&'a str, Vec<f32>>,
    bin: Bin<'a>,
}

/// Makes a network of the layers. Every value must be used, every byte read, and exactly one value be left: the output.
pub(super) fn network<'a>(layers: &[Layer<'a>], bin: &'a [u8]) -> Result<Network, Error> {
    let mut builder = Builder {
        nodes: Vec::new(),
        channels: Vec::new(),
        names: Vec::new(),
        open: HashMap::new(),
        constants: HashMap::new(),
        bin: Bin::new(bin),
    };
    for layer in layers {
        builder.layer(layer)?;
    }
    builder.bin.finish()?;
    let left: Vec<&Open> = builder.open.values().collect();
    let [output] = left.as_slice() else {
        return Err(malformed(format!("the graph has {} outputs instead of one", left.len())));
    };
    if !builder.constants.is_empty() {
        return Err(malformed("the graph has numbers that nothing uses".to_owned()));
    }
    if output.pending != PLAIN || output.value.0 + 1 != builder.nodes.len() {
        return Err(malformed("the graph does not end with its output".to_owned()));
    }
    let scale = scale(&builder.nodes);
    let network = Network { nodes: builder.nodes, scale };
    network.validate()?;
    Ok(network)
}

/// The size of the output, followed back to the input along each operation's first value; `validate` checks that the
/// other values agree.
fn scale(nodes: &[Op]) -> usize {
    let (mut up, mut down) = (1_usize, 1_usize);
    let mut node = nodes.len().saturating_sub(1);
    while let Some(op) = nodes.get(node) {
        let before = match op {
            Op::Input { .. } => break,
            Op::Conv(conv) => conv.input,
            Op::Concat { inputs } => inputs.first().copied().unwrap_or(ValueId(0)),
            Op::Normalize { input, .. } => *input,
            Op::Add { a, .. } | Op::Gate { value: a, .. } => *a,
            Op::UpsampleNearest { input, factor } | Op::PixelShuffle { input, factor } => {
                up = up.saturating_mul(*factor);
                *input
            }
            Op::PixelUnshuffle { input, factor } => {
                down = down.saturating_mul(*factor);
                *input
            }
        };
        node = before.0;
    }
    up / down.max(1)
}

impl<'a> Builder<'a> {
    fn layer(&mut self, layer: &Layer<'a>) -> Result<(), Error> {
        match layer.kind {
            "Input" => {
                layer.knows_only(&[0, 1, 2])?;
                if !self.nodes.is_empty() || !layer.inputs.is_empty() {
                    return Err(layer.malformed("is not the first and only input"));
                }
                self.push(layer, Op::Input { channels: 3 }, 3)
            }
            "Split" => self.split(layer),
            "Convolution" => self.convolution(layer),
            "PReLU" | "ReLU" | "Swish" => self.activation(layer),
            "Sigmoid" => self.sigmoid(layer),
            "MemoryData" => self.constant(layer),
            "Concat" => self.concat(layer),
            "Eltwise" | "BinaryOp" => self.arithmetic(layer),
            "Interp" | "PixelShuffle" | "Reorg" => self.resize(layer),
            _ => Err(layer.unsupported("of this type")),
        }
    }

    /// Takes all inputs of a layer.
    fn take(&mut self, layer: &Layer<'a>) -> Result<Vec<Open>, Error> {
        let taken = layer.inputs.iter().map(|name| self.open.remove(name));
        let taken: Option<Vec<Open>> = taken.collect();
        taken.ok_or_else(|| layer.malformed("uses a value that is not there or already taken"))
    }

    /// Takes the only input of a layer, which must be a plain value.
    fn take_one(&mut self, layer: &Layer<'a>) -> Result<ValueId, Error> {
        let taken = self.take(layer)?;
        let [Open { value, pending }] = taken.as_slice() else {
            return Err(layer.malformed("does not have exactly one input"));
        };
        if *pending != PLAIN {
            return Err(layer.unsupported("after a multiplication or sigmoid"));
        }
        Ok(*value)
    }

    fn give(&mut self, layer: &Layer<'a>, open: Open) -> Result<(), Error> {
        for name in &layer.outputs {
            if self.constants.contains_key(name) || self.open.insert(name, open).is_some() {
                return Err(layer.malformed("gives a value a name that is taken"));
            }
            if let Some(names) = self.names.get_mut(open.value.0) {
                *names += 1;
            }
        }
        Ok(())
    }

    fn push(&mut self, layer: &Layer<'a>, op: Op, channels: usize) -> Result<(), Error> {
        if layer.outputs.len() != 1 {
            return Err(layer.malformed("does not have exactly one output"));
        }
        let value = ValueId(self.nodes.len());
        self.nodes.push(op);
        self.channels.push(channels);
        self.names.push(0);
        self.give(layer, Open { value, pending: PLAIN })
    }

    fn channels(&self, value: ValueId) -> usize {
        self.channels.get(value.0).copied().unwrap_or(0)
    }

    fn split(&mut self, layer: &Layer<'a>) -> Result<(), Error> {
        layer.knows_only(&[])?;
        let value = self.take_one(layer)?;
        if layer.outputs.is_empty() {
            return Err(layer.malformed("has no output"));
        }
        self.give(layer, Open { value, pending: PLAIN })
    }

    fn convolution(&mut self, layer: &Layer<'a>) -> Result<(), Error> {
        layer.knows_only(&[0, 1, 2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 14, 15, 16, 18])?;
        let input = self.take_one(layer)?;
        let kernel = layer.integer(1, 0)?;
        let padding = layer.integer(4, 0)?;
        let square = layer.integer(11, kernel)? == kernel;
        let (dilation, stride) = (layer.integer(2, 1)?, layer.integer(3, 1)?);
        let plain = [(12, dilation), (13, stride), (14, padding), (15, padding), (16, padding), (18, 0)];
        for (key, expected) in plain {
            if layer.integer(key, expected)? != expected {
                return Err(layer.unsupported("that is not the same in all directions"));
            }
        }
        if !square || (kernel != 1 && kernel != 3) || dilation != 1 || stride != 1 || padding != kernel / 2 {
            return Err(layer.unsupported("that is not 1×1 or 3×3 with stride 1 and the size kept"));
        }
        if layer.integer(5, 0)? != 1 {
            return Err(layer.unsupported("without bias"));
        }
        let out_channels = layer.integer(0, 0)?;
        if !(1..=MAX_CHANNELS).contains(&out_channels) {
            return Err(layer.malformed(&format!("has {out_channels} channels")));
        }
        let (out_channels, kernel, in_channels) =
            (out_channels as usize, kernel as usize, self.channels(input));
        let shape = [out_channels, in_channels, kernel, kernel];
        let count = shape.iter().try_fold(1_i64, |count, &extent| count.checked_mul(extent as i64));
        if Some(layer.integer(6, 0)?) != count {
            return Err(
                layer.malformed(&format!("does not have the weights for {in_channels} input channels"))
            );
        }
        let activation = match (layer.integer(9, 0)?, layer.floats(10)?.as_slice()) {
            (0, _) => Activation::None,
            (2, [slope]) => Activation::LeakyRelu(*slope),
            _ => return Err(layer.unsupported("with another activation than leaky ReLU")),
        };
        let weight = self.bin.weights(shape, layer.name)?;
        let bias = self.bin.floats(out_channels, layer.name)?;
        let conv = Conv { input, in_channels, out_channels, kernel, weight, bias, activation };
        self.push(layer, Op::Conv(conv), out_channels)
    }

    /// Joins an activation to the convolution before it.
    fn activation(&mut self, layer: &Layer<'a>) -> Result<(), Error> {
        layer.knows_only(if layer.kind == "Swish" { &[] } else { &[0] })?;
        let value = self.take_one(layer)?;
        let activation = match layer.kind {
            "Swish" => Activation::Silu,
            "ReLU" => Activation::LeakyRelu(layer.float(0, 0.0)?),
            _ => {
                let channels = self.channels(value);
                if layer.integer(0, 0)? != channels as i64 {
                    return Err(layer.unsupported("that does not have one slope per channel"));
                }
                Activation::Prelu(self.bin.floats(channels, layer.name)?)
            }
        };
        let alone = self.is_alone(value);
        match self.nodes.get_mut(value.0) {
            Some(Op::Conv(conv)) if alone && conv.activation == Activation::None => {
                conv.activation = activation;
            }
            _ => return Err(layer.unsupported("that does not directly follow a convolution")),
        }
        if layer.outputs.len() != 1 {
            return Err(layer.malformed("does not have exactly one output"));
        }
        self.rename(layer, value)
    }

    /// Whether a value has had a single name; under a second one it is still used as it was.
    fn is_alone(&self, value: ValueId) -> bool {
        self.names.get(value.0) == Some(&1)
    }

    /// Gives a changed value, which must have been alone, its new name.
    fn rename(&mut self, layer: &Layer<'a>, value: ValueId) -> Result<(), Error> {
        if let Some(names) = self.names.get_mut(value.0) {
            *names = 0;
        }
        self.give(layer, Open { value, pending: PLAIN })
    }

    fn concat(&mut self, layer: &Layer<'a>) -> Result<(), Error> {
        layer.knows_only(&[0])?;
        if layer.integer(0, 0)? != 0 {
            return Err(layer.unsupported("along another axis than the channels"));
        }
        let taken = self.take(layer)?;
        if taken.iter().any(|open| open.pending != PLAIN) {
            return Err(layer.unsupported("after a multiplication or sigmoid"));
        }
        let inputs: Vec<ValueId> = taken.iter().map(|open| open.value).collect();
        let channels = inputs.iter().map(|&input| self.channels(input)).fold(0, usize::saturating_add);
        self.push(layer, Op::Concat { inputs }, channels)
    }

    fn resize(&mut self, layer: &Layer<'a>) -> Result<(), Error> {
        let input = self.take_one(layer)?;
        let channels = self.channels(input);
        if layer.kind == "Interp" {
            layer.knows_only(&[0, 1, 2, 3, 4])?;
            let factor = layer.float(1, 1.0)?;
            let given = layer.integer(3, 0)? != 0 || layer.integer(4, 0)? != 0;
            if layer.integer(0, 0)? != 1 || given || !same(factor, layer.float(2, 1.0)?) {
                return Err(layer.unsupported("that does not enlarge by nearest neighbour"));
            }
            let Some(whole) = (1..=16_u8).find(|&whole| same(f32::from(whole), factor)) else {
                return Err(layer.unsupported("that does not enlarge by a whole factor"));
            };
            return self.push(layer, Op::UpsampleNearest { input, factor: usize::from(whole) }, channels);
        }
        layer.knows_only(&[0, 1])?;
        let factor = layer.integer(0, 1)?;
        if layer.integer(1, 0)? != 0 || !(1..=16).contains(&factor) {
            return Err(layer.unsupported("with channels in another order or by another factor"));
        }
        let factor = factor as usize;
        if layer.kind == "PixelShuffle" {
            self.push(layer, Op::PixelShuffle { input, factor }, channels / (factor * factor))
        } else {
            self.push(layer, Op::PixelUnshuffle { input, factor }, channels.saturating_mul(factor * factor))
        }
    }
}

/// Whether two parameters are the same number.
fn same(a: f32, b: f32) -> bool {
    (a - b).abs() <= 0.0
}
