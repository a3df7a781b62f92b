//! Weights in the order in which the kernels read them.

use network::ir::{Activation, Conv};

use super::winograd::transform_filter;
use super::{Kernels, dot};

/// The kernel that runs a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// `[group][position][input channel][channel of the group]`, transformed.
    Winograd,
    /// `[group][tap][input channel][channel of the group]`.
    Direct,
    /// `[output channel][tap][input channel]`.
    Dot,
}

impl Method {
    /// What suits a convolution.
    pub(crate) fn of(conv: &Conv, kernels: &Kernels) -> Self {
        if conv.kernel == 1 || conv.in_channels <= 4 {
            Self::Direct
        // SiLU is the epilogue's, which the kernel for few channels does without.
        } else if conv.out_channels <= dot::MAX_OUTPUTS
            && conv.in_channels.is_multiple_of(kernels.lanes)
            && conv.activation != Activation::Silu
        {
            Self::Dot
        } else {
            Self::Winograd
        }
    }
}

/// Floats in a cache line.
const LINE: usize = 16;

/// Floats that begin at a cache line: a vector that lies across two lines takes two loads.
#[derive(Debug)]
pub(crate) struct Lines(Vec<Line>);

#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Line([f32; LINE]);

impl Lines {
    fn new(numbers: &[f32]) -> Self {
        let line = |numbers: &[f32]| {
            let mut line = Line([0.0; LINE]);
            line.0[..numbers.len()].copy_from_slice(numbers);
            line
        };
        Self(numbers.chunks(LINE).map(line).collect())
    }

    /// The address of the first.
    pub(crate) fn as_ptr(&self) -> *const f32 {
        self.0.as_ptr().cast()
    }

    fn bytes(&self) -> u64 {
        size_of_val(&self.0[..]) as u64
    }
}

/// A convolution's numbers, ready for a kernel.
#[derive(Debug)]
pub(crate) struct Packed {
    pub(crate) method: Method,
    pub(crate) kernel: usize,
    pub(crate) in_channels: usize,
    pub(crate) out_channels: usize,
    pub(crate) weights: Lines,
    /// Output channels rounded up to whole groups; the rest is 0.
    pub(crate) bias: Vec<f32>,
    /// As the bias; empty for no activation.
    pub(crate) slopes: Vec<f32>,
    /// The activation is SiLU.
    pub(crate) silu: bool,
}

impl Packed {
    /// Packs a convolution whose numbers of weights have been checked.
    pub(crate) fn new(conv: &Conv, kernels: &Kernels) -> Self {
        let method = Method::of(conv, kernels);
        let rounded = conv.out_channels.next_multiple_of(kernels.group);
        let fill = |numbers: &[f32]| {
            let mut filled = numbers.to_vec();
            filled.resize(rounded, 0.0);
            filled
        };
        Self {
            method,
            kernel: conv.kernel,
            in_channels: conv.in_channels,
            out_channels: conv.out_channels,
            weights: Lines::new(&match method {
                Method::Winograd => pack(conv, kernels.group, transform_filter),
                Method::Direct if conv.kernel == 1 => pack(conv, kernels.group, |filter| [filter[0]]),
                Method::Direct => pack(conv, kernels.group, |filter| {
                    let mut taps = [0.0; 9];
                    taps.copy_from_slice(filter);
                    taps
                }),
                Method::Dot => by_output(conv),
            }),
            bias: fill(&conv.bias),
            slopes: match &conv.activation {
                Activation::None | Activation::Silu => Vec::new(),
                Activation::Prelu(slopes) => fill(slopes),
                Activation::LeakyRelu(slope) => fill(&vec![*slope; conv.out_channels]),
            },
            silu: conv.activation == Activation::Silu,
        }
    }

    /// Bytes of all numbers.
    pub(crate) fn bytes(&self) -> u64 {
        self.weights.bytes() + 4 * (self.bias.len() + self.slopes.len()) as u64
    }
}

/// `[group][position][input channel][channel of the group]`, where `transform` gives a filter's positions.
fn pack<const P: usize>(conv: &Conv, group: usize, transform: impl Fn(&[f32]) -> [f32; P]) -> Vec<f32> {
    let (inputs, outputs) = (conv.in_channels, conv.out_channels);
    let filter = conv.kernel * conv.kernel;
    let mut packed = vec![0.0; outputs.next_multiple_of(group) * P * inputs];
    for o in 0..outputs {
        let panel = &mut packed[o / group * group * P * inputs..];
        for k in 0..inputs {
            let values = transform(&conv.weight[(o * inputs + k) * filter..][..filter]);
            for (position, value) in values.into_iter().enumerate() {
                panel[(position * inputs + k) * group + o % group] = value;
            }
        }
    }
    packed
}

/// `[output channel][tap][input channel]`.
fn by_output(conv: &Conv) -> Vec<f32> {
    let (inputs, filter) = (conv.in_channels, conv.kernel * conv.kernel);
    let mut packed = vec![0.0; conv.out_channels * inputs * filter];
    for o in 0..conv.out_channels {
        for k in 0..inputs {
            for tap in 0..filter {
                packed[(o * filter + tap) * inputs + k] = conv.weight[(o * inputs + k) * filter + tap];
            }
        }
    }
    packed
}
