//! The graphs of the architectures. Where the weights come from is the caller's: a file, or nowhere.

use super::Architecture;
use crate::ir::{Activation, Conv, Network, Op, ValueId};
use crate::span::{MEAN, NO_NORM, RANGE};

/// Slope of an RRDBNet's activations.
const SLOPE: f32 = 0.2;
/// What RRDBNet multiplies a block's result with before it adds the block's input.
const RESIDUAL: f32 = 0.2;

/// Lays out a network; `take` gives the numbers of a tensor by its name and shape.
pub(super) fn network<E>(
    architecture: &Architecture,
    take: impl FnMut(&str, &[usize]) -> Result<Vec<f32>, E>,
) -> Result<Network, E> {
    let mut builder = Builder { nodes: vec![Op::Input { channels: 3 }], take };
    match *architecture {
        Architecture::SrvggNetCompact { features, convs, scale } => {
            builder.compact(features, convs, scale)?;
        }
        Architecture::RrdbNet { features, growth, blocks, unshuffle, scale } => {
            builder.esrgan(features, growth, blocks, unshuffle, scale)?;
        }
        Architecture::Span { features, blocks, normalized, scale } => {
            builder.span(features, blocks, normalized, scale)?;
        }
    }
    Ok(Network { nodes: builder.nodes, scale: architecture.scale() })
}

struct Builder<F> {
    nodes: Vec<Op>,
    take: F,
}

/// What follows a convolution.
enum After<'a> {
    Nothing,
    LeakyRelu,
    Silu,
    /// The name under which the slopes are found.
    Prelu(&'a str),
}

impl<E, F: FnMut(&str, &[usize]) -> Result<Vec<f32>, E>> Builder<F> {
    fn push(&mut self, op: Op) -> ValueId {
        self.nodes.push(op);
        ValueId(self.nodes.len() - 1)
    }

    fn conv(
        &mut self,
        name: &str,
        input: ValueId,
        in_channels: usize,
        out_channels: usize,
        after: &After<'_>,
    ) -> Result<ValueId, E> {
        self.conv_of(3, name, input, in_channels, out_channels, after)
    }

    fn conv_of(
        &mut self,
        kernel: usize,
        name: &str,
        input: ValueId,
        in_channels: usize,
        out_channels: usize,
        after: &After<'_>,
    ) -> Result<ValueId, E> {
        let weight = (self.take)(&format!("{name}.weight"), &[out_channels, in_channels, kernel, kernel])?;
        let bias = (self.take)(&format!("{name}.bias"), &[out_channels])?;
        let activation = match after {
            After::Nothing => Activation::None,
            After::LeakyRelu => Activation::LeakyRelu(SLOPE),
            After::Silu => Activation::Silu,
            After::Prelu(slopes) => {
                Activation::Prelu((self.take)(&format!("{slopes}.weight"), &[out_channels])?)
            }
        };
        Ok(self.push(Op::Conv(Conv { input, in_channels, out_channels, kernel, weight, bias, activation })))
    }

    fn add(&mut self, a: ValueId, scale_a: f32, b: ValueId) -> ValueId {
        self.push(Op::Add { a, b, scale_a, scale_b: 1.0 })
    }

    fn compact(&mut self, features: usize, convs: usize, scale: usize) -> Result<(), E> {
        let input = ValueId(0);
        let mut value = input;
        let last = convs.saturating_sub(1);
        for index in 0..=last {
            let from = if index == 0 { 3 } else { features };
            let to = if index == last { 3 * scale * scale } else { features };
            let slopes = format!("body.{}", 2 * index + 1);
            let after = if index == last { After::Nothing } else { After::Prelu(&slopes) };
            value = self.conv(&format!("body.{}", 2 * index), value, from, to, &after)?;
        }
        let mut base = input;
        if scale > 1 {
            value = self.push(Op::PixelShuffle { input: value, factor: scale });
            base = self.push(Op::UpsampleNearest { input: base, factor: scale });
        }
        self.add(value, 1.0, base);
        Ok(())
    }

    fn esrgan(
        &mut self,
        features: usize,
        growth: usize,
        blocks: usize,
        unshuffle: usize,
        scale: usize,
    ) -> Result<(), E> {
        let mut value = ValueId(0);
        if unshuffle > 1 {
            value = self.push(Op::PixelUnshuffle { input: value, factor: unshuffle });
        }
        let channels = 3 * unshuffle * unshuffle;
        let first = self.conv("conv_first", value, channels, features, &After::Nothing)?;
        value = first;
        for block in 0..blocks {
            let before = value;
            for dense in 1..=3 {
                value = self.dense(&format!("body.{block}.rdb{dense}"), value, features, growth)?;
            }
            value = self.add(value, RESIDUAL, before);
        }
        let body = self.conv("conv_body", value, features, features, &After::Nothing)?;
        value = self.add(body, 1.0, first);
        for doubling in 1..=(unshuffle * scale).ilog2() {
            value = self.push(Op::UpsampleNearest { input: value, factor: 2 });
            value = self.conv(&format!("conv_up{doubling}"), value, features, features, &After::LeakyRelu)?;
        }
        value = self.conv("conv_hr", value, features, features, &After::LeakyRelu)?;
        self.conv("conv_last", value, features, 3, &After::Nothing)?;
        Ok(())
    }

    /// Five convolutions, each over the input and everything made so far; the last one's result is a correction.
    fn dense(&mut self, name: &str, input: ValueId, features: usize, growth: usize) -> Result<ValueId, E> {
        let mut made = vec![input];
        for index in 1..=4 {
            let from = self.concat(&made);
            let channels = features + (index - 1) * growth;
            made.push(self.conv(
                &format!("{name}.conv{index}"),
                from,
                channels,
                growth,
                &After::LeakyRelu,
            )?);
        }
        let from = self.concat(&made);
        let result =
            self.conv(&format!("{name}.conv5"), from, features + 4 * growth, features, &After::Nothing)?;
        Ok(self.add(result, RESIDUAL, input))
    }

    fn concat(&mut self, values: &[ValueId]) -> ValueId {
        match values {
            [only] => *only,
            _ => self.push(Op::Concat { inputs: values.to_vec() }),
        }
    }

    fn span(&mut self, features: usize, blocks: usize, normalized: bool, scale: usize) -> Result<(), E> {
        let mut value = ValueId(0);
        if normalized {
            let mean = (self.take)(MEAN, &[3])?;
            let factor = (self.take)(RANGE, &[1])?.first().copied().unwrap_or(1.0);
            value = self.push(Op::Normalize { input: value, mean, factor });
        } else {
            (self.take)(NO_NORM, &[1])?;
        }
        let first = self.conv("conv_1.eval_conv", value, 3, features, &After::Nothing)?;
        value = first;
        let (mut first_block, mut inner) = (first, first);
        for block in 1..=blocks {
            let name = |conv: usize| format!("block_{block}.c{conv}_r.eval_conv");
            inner = self.conv(&name(1), value, features, features, &After::Silu)?;
            let second = self.conv(&name(2), inner, features, features, &After::Silu)?;
            let gate = self.conv(&name(3), second, features, features, &After::Nothing)?;
            let sum = self.add(gate, 1.0, value);
            value = self.push(Op::Gate { value: sum, gate });
            if block == 1 {
                first_block = value;
            }
        }
        let second = self.conv("conv_2.eval_conv", value, features, features, &After::Nothing)?;
        // The inner value joins activated: the original activates in place.
        value = self.concat(&[first, second, first_block, inner]);
        value = self.conv_of(1, "conv_cat", value, 4 * features, features, &After::Nothing)?;
        value = self.conv("upsampler.0", value, features, 3 * scale * scale, &After::Nothing)?;
        if scale > 1 {
            self.push(Op::PixelShuffle { input: value, factor: scale });
        }
        Ok(())
    }
}
