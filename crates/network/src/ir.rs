//! The intermediate representation: a network as a list of operations, each on values made before it.
//!
//! A value is a picture with channels, `channels × height × width`, height and width relative to the network's
//! input. All convolutions have stride 1 and zero padding that keeps the size.

/// Index of the node in [`Network::nodes`] that makes the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(pub usize);

/// What follows a convolution, element by element.
#[derive(Debug, Clone, PartialEq)]
pub enum Activation {
    /// Nothing.
    None,
    /// `max(x, 0) + slope[channel] · min(x, 0)`; one slope per output channel.
    Prelu(Vec<f32>),
    /// `max(x, 0) + slope · min(x, 0)`.
    LeakyRelu(f32),
    /// `x · sigmoid(x)`, where `sigmoid(x) = 1 / (1 + exp(−x))`; also known as Swish.
    Silu,
}

/// A square convolution with bias, stride 1, zero padding `kernel / 2`.
#[derive(Debug, Clone, PartialEq)]
pub struct Conv {
    /// The value that is convolved.
    pub input: ValueId,
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the result.
    pub out_channels: usize,
    /// Rows and columns of the kernel: 1 or 3.
    pub kernel: usize,
    /// Weights in the order out, in, y, x: `out_channels · in_channels · kernel²` numbers.
    pub weight: Vec<f32>,
    /// One number per output channel.
    pub bias: Vec<f32>,
    /// What follows.
    pub activation: Activation,
}

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// The picture given to the network: RGB, nominal range 0..1. Only the first node is an input.
    Input {
        /// Channels, 3.
        channels: usize,
    },
    /// `(x − mean[channel]) · factor`. Not the same as other biases of the convolution behind it, because that one's
    /// zero padding lies around the result of this.
    Normalize {
        /// The value that is normalized.
        input: ValueId,
        /// One number per channel.
        mean: Vec<f32>,
        /// One number for all channels.
        factor: f32,
    },
    /// Convolution, bias and activation.
    Conv(Conv),
    /// The channels of the inputs one after the other; all have the same size.
    Concat {
        /// At least two values.
        inputs: Vec<ValueId>,
    },
    /// `scale_a · a + scale_b · b`, element by element.
    Add {
        /// First summand.
        a: ValueId,
        /// Second summand.
        b: ValueId,
        /// Factor of the first.
        scale_a: f32,
        /// Factor of the second.
        scale_b: f32,
    },
    /// `value · (sigmoid(gate) − ½)`, element by element: attention without parameters.
    Gate {
        /// What is let through.
        value: ValueId,
        /// What says how much, between −½ and ½ of it.
        gate: ValueId,
    },
    /// Every pixel repeated `factor` × `factor` times.
    UpsampleNearest {
        /// The value that is enlarged.
        input: ValueId,
        /// Factor in both directions.
        factor: usize,
    },
    /// Depth to space: channel `c · factor² + dy · factor + dx` at (y, x) goes to channel `c` at
    /// (y · factor + dy, x · factor + dx).
    PixelShuffle {
        /// The value that is rearranged.
        input: ValueId,
        /// Factor in both directions.
        factor: usize,
    },
    /// Space to depth, the inverse of [`Op::PixelShuffle`]; width and height must be multiples of the factor.
    PixelUnshuffle {
        /// The value that is rearranged.
        input: ValueId,
        /// Factor in both directions.
        factor: usize,
    },
}

/// A network: operations in an order in which each uses only values made before it. The last is the output.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// The operations; the first is the only [`Op::Input`], the last one's value is the output, 3 channels.
    pub nodes: Vec<Op>,
    /// How many times wider and higher the output is than the input.
    pub scale: usize,
}
