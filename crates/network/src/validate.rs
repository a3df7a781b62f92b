//! Whether the operations of a network fit together.

use crate::Error;
use crate::ir::{Activation, Conv, Network, Op, ValueId};
use crate::tensors::{element_count, too_large};

/// The most operations; an RRDBNet of 23 blocks has 700.
const MAX_NODES: usize = 8192;
/// The most channels of a value.
const MAX_CHANNELS: usize = 4096;
/// The largest factor of an enlargement or reduction, and of all of them together.
const MAX_FACTOR: usize = 16;

/// A value's channels, and its size as a fraction of the input's: `up / down`, reduced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) channels: usize,
    pub(crate) up: usize,
    pub(crate) down: usize,
}

impl Network {
    /// Checks everything that an engine relies on: each operation uses only earlier values, channels and sizes agree,
    /// weights have the right number, the output has 3 channels and [`Network::scale`] times the size of the input, and
    /// nothing is larger than any real network.
    ///
    /// # Errors
    ///
    /// If any of this does not hold.
    pub fn validate(&self) -> Result<(), Error> {
        let shapes = self.shapes()?;
        for (node, op) in self.nodes.iter().enumerate() {
            let checked = match op {
                Op::Conv(conv) => check_weights(conv),
                Op::Normalize { mean, factor, .. } => check_normalization(mean, *factor, shapes.get(node)),
                _ => Ok(()),
            };
            checked.map_err(|reason| Error::InvalidNetwork { node, reason })?;
        }
        Ok(())
    }

    /// Shape of every value. Does not look at weights, so that it holds for a network without them too.
    pub(crate) fn shapes(&self) -> Result<Vec<Shape>, Error> {
        if self.nodes.len() > MAX_NODES {
            return Err(too_large("the number of operations", self.nodes.len(), MAX_NODES));
        }
        let mut shapes: Vec<Shape> = Vec::with_capacity(self.nodes.len());
        for (node, op) in self.nodes.iter().enumerate() {
            let shape = shape_of(op, &shapes).map_err(|reason| Error::InvalidNetwork { node, reason })?;
            shapes.push(shape);
        }
        let node = shapes.len().saturating_sub(1);
        let Some(output) = shapes.last() else {
            return Err(Error::InvalidNetwork { node, reason: "there is none".to_owned() });
        };
        let expected = Shape { channels: 3, up: self.scale, down: 1 };
        if *output != expected {
            let reason = format!(
                "the output has {} channels and {}/{} of the input's size, not 3 channels and {} times the size",
                output.channels, output.up, output.down, self.scale
            );
            return Err(Error::InvalidNetwork { node, reason });
        }
        Ok(shapes)
    }
}

fn shape_of(op: &Op, earlier: &[Shape]) -> Result<Shape, String> {
    let shape = match op {
        Op::Input { channels } => {
            if !earlier.is_empty() || *channels != 3 {
                return Err("only the first operation is an input, of 3 channels".to_owned());
            }
            Shape { channels: *channels, up: 1, down: 1 }
        }
        Op::Normalize { input, .. } => value(*input, earlier)?,
        Op::Conv(conv) => {
            let input = value(conv.input, earlier)?;
            if input.channels != conv.in_channels {
                return Err(format!(
                    "a convolution over {} channels has {}",
                    conv.in_channels, input.channels
                ));
            }
            if conv.kernel != 1 && conv.kernel != 3 {
                return Err(format!("a kernel of {0}×{0}, neither 1×1 nor 3×3", conv.kernel));
            }
            Shape { channels: conv.out_channels, ..input }
        }
        Op::Concat { inputs } => {
            let [first, others @ ..] = inputs.as_slice() else {
                return Err("a concatenation of nothing".to_owned());
            };
            let mut shape = value(*first, earlier)?;
            if others.is_empty() {
                return Err("a concatenation of a single value".to_owned());
            }
            for &other in others {
                let other = value(other, earlier)?;
                same_size(shape, other)?;
                shape.channels = shape.channels.saturating_add(other.channels);
            }
            shape
        }
        Op::Add { a, b, scale_a, scale_b } => {
            let sum = alike(*a, *b, earlier)?;
            if !scale_a.is_finite() || !scale_b.is_finite() {
                return Err("a sum with a factor that is not a number".to_owned());
            }
            sum
        }
        Op::Gate { value, gate } => alike(*value, *gate, earlier)?,
        Op::UpsampleNearest { input, factor } => resized(value(*input, earlier)?, checked(*factor)?, 1)?,
        Op::PixelShuffle { input, factor } => {
            let (input, factor) = (value(*input, earlier)?, checked(*factor)?);
            if input.channels % (factor * factor) != 0 {
                return Err(format!("a pixel shuffle by {factor} of {} channels", input.channels));
            }
            let channels = input.channels / (factor * factor);
            Shape { channels, ..resized(input, factor, 1)? }
        }
        Op::PixelUnshuffle { input, factor } => {
            let (input, factor) = (value(*input, earlier)?, checked(*factor)?);
            let channels = input.channels.saturating_mul(factor * factor);
            Shape { channels, ..resized(input, 1, factor)? }
        }
    };
    if shape.channels == 0 || shape.channels > MAX_CHANNELS {
        return Err(format!("{} channels, not 1 to {MAX_CHANNELS}", shape.channels));
    }
    Ok(shape)
}

fn value(id: ValueId, earlier: &[Shape]) -> Result<Shape, String> {
    earlier.get(id.0).copied().ok_or_else(|| format!("it uses value {}, which is not made before it", id.0))
}

/// The shape that two values have in common.
fn alike(a: ValueId, b: ValueId, earlier: &[Shape]) -> Result<Shape, String> {
    let (a, b) = (value(a, earlier)?, value(b, earlier)?);
    same_size(a, b)?;
    if a.channels != b.channels {
        return Err(format!("values of {} and {} channels come together", a.channels, b.channels));
    }
    Ok(a)
}

fn same_size(a: Shape, b: Shape) -> Result<(), String> {
    if (a.up, a.down) == (b.up, b.down) {
        return Ok(());
    }
    Err(format!("values of {}/{} and {}/{} of the input's size come together", a.up, a.down, b.up, b.down))
}

fn checked(factor: usize) -> Result<usize, String> {
    if (1..=MAX_FACTOR).contains(&factor) {
        return Ok(factor);
    }
    Err(format!("a change of size by {factor}, not 1 to {MAX_FACTOR}"))
}

/// `up` and `down` are at most [`MAX_FACTOR`], and so are those of every shape; their products cannot overflow.
fn resized(shape: Shape, up: usize, down: usize) -> Result<Shape, String> {
    let (up, down) = (shape.up * up, shape.down * down);
    let divisor = greatest_common_divisor(up, down);
    let (up, down) = (up / divisor, down / divisor);
    checked(up)?;
    checked(down)?;
    Ok(Shape { channels: shape.channels, up, down })
}

fn greatest_common_divisor(mut a: usize, mut b: usize) -> usize {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

fn check_normalization(mean: &[f32], factor: f32, shape: Option<&Shape>) -> Result<(), String> {
    if shape.is_none_or(|shape| shape.channels != mean.len()) {
        return Err(format!("a normalization with {} means", mean.len()));
    }
    if !factor.is_finite() || mean.iter().any(|number| !number.is_finite()) {
        return Err("a normalization by something that is not a number".to_owned());
    }
    Ok(())
}

fn check_weights(conv: &Conv) -> Result<(), String> {
    let expected = element_count(&[conv.out_channels, conv.in_channels, conv.kernel, conv.kernel]);
    if expected != Some(conv.weight.len()) {
        return Err(format!(
            "{} weights for {} → {} channels and {}×{}",
            conv.weight.len(),
            conv.in_channels,
            conv.out_channels,
            conv.kernel,
            conv.kernel
        ));
    }
    if conv.bias.len() != conv.out_channels {
        return Err(format!("{} biases for {} channels", conv.bias.len(), conv.out_channels));
    }
    let slopes = match &conv.activation {
        Activation::None | Activation::Silu => &[][..],
        Activation::LeakyRelu(slope) => std::slice::from_ref(slope),
        Activation::Prelu(slopes) if slopes.len() == conv.out_channels => slopes,
        Activation::Prelu(slopes) => {
            return Err(format!("{} slopes for {} channels", slopes.len(), conv.out_channels));
        }
    };
    if [&conv.weight[..], &conv.bias, slopes].iter().any(|numbers| numbers.iter().any(|n| !n.is_finite())) {
        return Err("a weight is infinite or not a number".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conv(input: usize, from: usize, to: usize) -> Op {
        Op::Conv(Conv {
            input: ValueId(input),
            in_channels: from,
            out_channels: to,
            kernel: 3,
            weight: vec![0.0; from * to * 9],
            bias: vec![0.0; to],
            activation: Activation::None,
        })
    }

    fn checked(nodes: Vec<Op>, scale: usize) -> Result<(), Error> {
        Network { nodes, scale }.validate()
    }

    fn normalize(channels: usize, factor: f32) -> Op {
        Op::Normalize { input: ValueId(0), mean: vec![0.5; channels], factor }
    }

    const INPUT: Op = Op::Input { channels: 3 };

    #[test]
    fn a_sound_network_passes() {
        let shuffle = Op::PixelShuffle { input: ValueId(1), factor: 2 };
        checked(vec![INPUT, conv(0, 3, 12), shuffle], 2).unwrap();
        let down = Op::PixelUnshuffle { input: ValueId(0), factor: 2 };
        let up = Op::UpsampleNearest { input: ValueId(2), factor: 2 };
        checked(vec![INPUT, down, conv(1, 12, 3), up], 1).unwrap();
        let gate = Op::Gate { value: ValueId(1), gate: ValueId(2) };
        checked(vec![INPUT, normalize(3, 255.0), conv(1, 3, 3), gate], 1).unwrap();
    }

    #[test]
    fn a_network_that_does_not_fit_is_refused() {
        let up = |input, factor| Op::UpsampleNearest { input: ValueId(input), factor };
        let add = |a, b, scale| Op::Add { a: ValueId(a), b: ValueId(b), scale_a: scale, scale_b: 1.0 };
        let gate = |value, gate| Op::Gate { value: ValueId(value), gate: ValueId(gate) };
        let concat = |ids: &[usize]| Op::Concat { inputs: ids.iter().copied().map(ValueId).collect() };
        let shuffle = Op::PixelShuffle { input: ValueId(0), factor: 2 };
        let mut short = conv(0, 3, 3);
        let mut slopes = conv(0, 3, 3);
        let mut nan = conv(0, 3, 3);
        let mut large = conv(0, 3, 3);
        if let (Op::Conv(short), Op::Conv(slopes), Op::Conv(nan), Op::Conv(large)) =
            (&mut short, &mut slopes, &mut nan, &mut large)
        {
            short.weight.pop();
            slopes.activation = Activation::Prelu(vec![0.0; 2]);
            nan.bias[0] = f32::NAN;
            large.kernel = 5;
        }
        let wrong: Vec<(Vec<Op>, usize)> = vec![
            (vec![], 1),
            (vec![INPUT, INPUT], 1),
            (vec![Op::Input { channels: 4 }], 1),
            (vec![INPUT, conv(1, 3, 3)], 1),
            (vec![INPUT, conv(7, 3, 3)], 1),
            (vec![INPUT, conv(0, 4, 3)], 1),
            (vec![INPUT, conv(0, 3, 4)], 1),
            (vec![INPUT, conv(0, 3, 5000)], 1),
            (vec![INPUT, up(0, 2)], 4),
            (vec![INPUT, up(0, 0)], 0),
            (vec![INPUT, up(0, usize::MAX)], 1),
            (vec![INPUT, up(0, 16), up(1, 16)], 256),
            (vec![INPUT, up(0, 2), add(0, 1, 1.0)], 1),
            (vec![INPUT, add(0, 0, f32::NAN)], 1),
            (vec![INPUT, conv(0, 3, 4), conv(1, 4, 3), add(1, 2, 1.0)], 1),
            (vec![INPUT, normalize(2, 1.0)], 1),
            (vec![INPUT, normalize(3, f32::INFINITY)], 1),
            (vec![INPUT, gate(0, 1)], 1),
            (vec![INPUT, conv(0, 3, 4), gate(0, 1)], 1),
            (vec![INPUT, up(0, 2), gate(1, 0)], 2),
            (vec![INPUT, concat(&[])], 1),
            (vec![INPUT, concat(&[0])], 1),
            (vec![INPUT, concat(&[0, 0])], 1),
            (vec![INPUT, shuffle], 2),
            (vec![INPUT, short], 1),
            (vec![INPUT, slopes], 1),
            (vec![INPUT, nan], 1),
            (vec![INPUT, large], 1),
        ];
        for (index, (nodes, scale)) in wrong.into_iter().enumerate() {
            assert!(matches!(checked(nodes, scale), Err(Error::InvalidNetwork { .. })), "{index}");
        }
        assert!(matches!(checked(vec![INPUT; MAX_NODES + 1], 1), Err(Error::TooLarge { .. })));
    }
}
