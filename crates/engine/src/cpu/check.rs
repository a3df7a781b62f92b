//! Is the network sound? Nothing is trusted: the representation has public fields.

use network::ir::{Activation, Conv, Network, Op, ValueId};

use super::scale::Scale;
use crate::Error;

/// More channels than any network of the supported kinds has; keeps products far from overflow.
const MAX_CHANNELS: usize = 1 << 16;
/// The largest factor of an enlargement.
const MAX_FACTOR: usize = 16;

/// Channels and size of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) channels: usize,
    /// Height and width relative to the network's input.
    pub(crate) scale: Scale,
}

/// The values that an operation uses.
pub(crate) fn inputs(op: &Op) -> Vec<usize> {
    match op {
        Op::Input { .. } => Vec::new(),
        Op::Conv(conv) => vec![conv.input.0],
        Op::Gate { value, gate } => vec![value.0, gate.0],
        Op::Concat { inputs } => inputs.iter().map(|id| id.0).collect(),
        Op::Add { a, b, .. } => vec![a.0, b.0],
        Op::Normalize { input, .. }
        | Op::UpsampleNearest { input, .. }
        | Op::PixelShuffle { input, .. }
        | Op::PixelUnshuffle { input, .. } => {
            vec![input.0]
        }
    }
}

/// The shapes of all values.
pub(crate) fn shapes(network: &Network) -> Result<Vec<Shape>, Error> {
    let mut shapes: Vec<Shape> = Vec::with_capacity(network.nodes.len());
    for (index, op) in network.nodes.iter().enumerate() {
        let shape = shape(op, &shapes).map_err(|what| Error::Network(format!("operation {index} {what}")))?;
        if shape.channels == 0 || shape.channels > MAX_CHANNELS {
            return Err(Error::Network(format!("operation {index} makes {} channels", shape.channels)));
        }
        if !shape.scale.is_modest() {
            return Err(Error::Network(format!("operation {index} enlarges too much")));
        }
        if (index == 0) != matches!(op, Op::Input { .. }) {
            return Err(Error::Network(format!("operation {index} is in the wrong place")));
        }
        shapes.push(shape);
    }
    let Some(last) = shapes.last() else {
        return Err(Error::Network("it has no operations".into()));
    };
    if last.channels != 3 || shapes[0].channels != 3 {
        return Err(Error::Network("input and output must have 3 channels".into()));
    }
    if last.scale != Scale::ONE.times(network.scale) {
        return Err(Error::Network(format!("its output is not {} times enlarged", network.scale)));
    }
    Ok(shapes)
}

fn shape(op: &Op, known: &[Shape]) -> Result<Shape, String> {
    let get = |id: &ValueId| known.get(id.0).copied().ok_or_else(|| format!("uses value {} too early", id.0));
    match op {
        Op::Input { channels } => Ok(Shape { channels: *channels, scale: Scale::ONE }),
        Op::Normalize { input, mean, .. } => {
            let input = get(input)?;
            if mean.len() == input.channels {
                return Ok(input);
            }
            Err(format!("has {} means for {} channels", mean.len(), input.channels))
        }
        Op::Conv(conv) => {
            let input = get(&conv.input)?;
            check_conv(conv, input.channels)?;
            Ok(Shape { channels: conv.out_channels, scale: input.scale })
        }
        Op::Concat { inputs } => {
            let parts = inputs.iter().map(get).collect::<Result<Vec<_>, _>>()?;
            let Some(first) = parts.first() else {
                return Err("joins nothing".into());
            };
            if parts.iter().any(|part| part.scale != first.scale) {
                return Err("joins values of different sizes".into());
            }
            Ok(Shape { channels: parts.iter().map(|part| part.channels).sum(), scale: first.scale })
        }
        Op::Add { a, b, .. } => {
            let (a, b) = (get(a)?, get(b)?);
            if a == b { Ok(a) } else { Err("adds values of different shapes".into()) }
        }
        Op::Gate { value, gate } => {
            let (value, gate) = (get(value)?, get(gate)?);
            if value == gate { Ok(value) } else { Err("gates a value of another shape".into()) }
        }
        Op::UpsampleNearest { input, factor } => {
            let input = get(input)?;
            check_factor(*factor)?;
            Ok(Shape { channels: input.channels, scale: input.scale.times(*factor) })
        }
        Op::PixelShuffle { input, factor } => {
            let input = get(input)?;
            check_factor(*factor)?;
            if !input.channels.is_multiple_of(factor * factor) {
                return Err(format!("shuffles {} channels by {factor}", input.channels));
            }
            Ok(Shape { channels: input.channels / (factor * factor), scale: input.scale.times(*factor) })
        }
        Op::PixelUnshuffle { input, factor } => {
            let input = get(input)?;
            check_factor(*factor)?;
            Ok(Shape { channels: input.channels * factor * factor, scale: input.scale.over(*factor) })
        }
    }
}

fn check_factor(factor: usize) -> Result<(), String> {
    if (1..=MAX_FACTOR).contains(&factor) { Ok(()) } else { Err(format!("has the factor {factor}")) }
}

fn check_conv(conv: &Conv, channels: usize) -> Result<(), String> {
    if conv.kernel != 1 && conv.kernel != 3 {
        return Err(format!("has a kernel of {0}×{0}; only 1×1 and 3×3 are known", conv.kernel));
    }
    if conv.in_channels != channels {
        return Err(format!("expects {} channels and gets {channels}", conv.in_channels));
    }
    if conv.out_channels > MAX_CHANNELS {
        return Err(format!("makes {} channels", conv.out_channels));
    }
    let weights = conv.in_channels * conv.out_channels * conv.kernel * conv.kernel;
    if conv.weight.len() != weights || conv.bias.len() != conv.out_channels {
        return Err(format!("has {} weights and {} biases", conv.weight.len(), conv.bias.len()));
    }
    if let Activation::Prelu(slopes) = &conv.activation
        && slopes.len() != conv.out_channels
    {
        return Err(format!("has {} slopes for {} channels", slopes.len(), conv.out_channels));
    }
    Ok(())
}
