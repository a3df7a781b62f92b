//! Small networks with random weights, of the shapes of the real ones.

use frame::{RgbF32, Size};
use network::ir::{Activation, Conv, Network, Op, ValueId};

/// A generator of repeatable noise (xorshift64*).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(2) + 0x9E37_79B9_7F4A_7C15)
    }

    /// Uniform in −1..1.
    pub fn number(&mut self) -> f32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    pub fn numbers(&mut self, count: usize, size: f32) -> Vec<f32> {
        (0..count).map(|_| self.number() * size).collect()
    }

    /// A whole number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.number().abs() * end as f32) as usize % end
    }
}

/// A picture of noise in 0..1.
pub fn noise(size: Size, seed: u64) -> RgbF32 {
    let (mut picture, mut random) = (RgbF32::new(size), Random::new(seed));
    for plane in 0..3 {
        picture.plane_mut(plane).fill_with(|| random.number().abs());
    }
    picture
}

/// Nodes and noise.
pub struct Builder {
    pub nodes: Vec<Op>,
    pub random: Random,
}

impl Builder {
    pub fn new(seed: u64) -> Self {
        Self { nodes: vec![Op::Input { channels: 3 }], random: Random::new(seed) }
    }

    pub fn push(&mut self, op: Op) -> ValueId {
        self.nodes.push(op);
        ValueId(self.nodes.len() - 1)
    }

    pub fn conv(
        &mut self,
        input: ValueId,
        in_channels: usize,
        out_channels: usize,
        kernel: usize,
        activation: Activation,
    ) -> ValueId {
        let taps = in_channels * kernel * kernel;
        // Keeps the size of the numbers through the layers.
        let weight = self.random.numbers(out_channels * taps, (2.5 / taps as f32).sqrt());
        let bias = self.random.numbers(out_channels, 0.1);
        self.push(Op::Conv(Conv { input, in_channels, out_channels, kernel, weight, bias, activation }))
    }

    pub fn prelu(&mut self, channels: usize) -> Activation {
        Activation::Prelu(self.random.numbers(channels, 0.5))
    }

    pub fn network(self, scale: usize) -> Network {
        Network { nodes: self.nodes, scale }
    }
}

/// As SRVGGNetCompact: convolutions with PReLU, depth to space, plus the enlarged input.
pub fn srvgg(features: usize, body: usize, scale: usize, seed: u64) -> Network {
    let mut net = Builder::new(seed);
    let activation = net.prelu(features);
    let mut value = net.conv(ValueId(0), 3, features, 3, activation);
    for _ in 0..body {
        let activation = net.prelu(features);
        value = net.conv(value, features, features, 3, activation);
    }
    value = net.conv(value, features, 3 * scale * scale, 3, Activation::None);
    let a = net.push(Op::PixelShuffle { input: value, factor: scale });
    let b = net.push(Op::UpsampleNearest { input: ValueId(0), factor: scale });
    net.push(Op::Add { a, b, scale_a: 1.0, scale_b: 1.0 });
    net.network(scale)
}

/// As RRDBNet: dense blocks with residuals, then two doublings. `unshuffle` 2 makes it a network that doubles.
pub fn rrdb(features: usize, growth: usize, blocks: usize, unshuffle: usize, seed: u64) -> Network {
    let mut net = Builder::new(seed);
    let leaky = || Activation::LeakyRelu(0.2);
    let (mut value, mut channels) = (ValueId(0), 3);
    if unshuffle > 1 {
        value = net.push(Op::PixelUnshuffle { input: value, factor: unshuffle });
        channels = 3 * unshuffle * unshuffle;
    }
    let first = net.conv(value, channels, features, 3, Activation::None);
    let mut trunk = first;
    for _ in 0..blocks {
        let start = trunk;
        for _ in 0..3 {
            let mut parts = vec![trunk];
            for layer in 0..5 {
                let joined = if layer == 0 { trunk } else { net.push(Op::Concat { inputs: parts.clone() }) };
                let width = features + layer * growth;
                if layer < 4 {
                    let part = net.conv(joined, width, growth, 3, leaky());
                    parts.push(part);
                } else {
                    let made = net.conv(joined, width, features, 3, Activation::None);
                    trunk = net.push(Op::Add { a: made, b: trunk, scale_a: 0.2, scale_b: 1.0 });
                }
            }
        }
        trunk = net.push(Op::Add { a: trunk, b: start, scale_a: 0.2, scale_b: 1.0 });
    }
    let body = net.conv(trunk, features, features, 3, Activation::None);
    value = net.push(Op::Add { a: first, b: body, scale_a: 1.0, scale_b: 1.0 });
    for _ in 0..2 {
        value = net.push(Op::UpsampleNearest { input: value, factor: 2 });
        value = net.conv(value, features, features, 3, leaky());
    }
    value = net.conv(value, features, features, 3, leaky());
    net.conv(value, features, 3, 3, Activation::None);
    net.network(4 / unshuffle)
}

/// As SPAN: blocks of three convolutions that gate themselves, four values joined, depth to space.
pub fn span(features: usize, blocks: usize, scale: usize, normalized: bool, seed: u64) -> Network {
    let mut net = Builder::new(seed);
    let mut value = ValueId(0);
    if normalized {
        let mean = vec![0.45, 0.4, 0.5];
        value = net.push(Op::Normalize { input: value, mean, factor: 8.0 });
    }
    let first = net.conv(value, 3, features, 3, Activation::None);
    value = first;
    let (mut first_block, mut inner) = (first, first);
    for block in 0..blocks {
        inner = net.conv(value, features, features, 3, Activation::Silu);
        let second = net.conv(inner, features, features, 3, Activation::Silu);
        let gate = net.conv(second, features, features, 3, Activation::None);
        let sum = net.push(Op::Add { a: gate, b: value, scale_a: 1.0, scale_b: 1.0 });
        value = net.push(Op::Gate { value: sum, gate });
        if block == 0 {
            first_block = value;
        }
    }
    let second = net.conv(value, features, features, 3, Activation::None);
    value = net.push(Op::Concat { inputs: vec![first, second, first_block, inner] });
    value = net.conv(value, 4 * features, features, 1, Activation::None);
    value = net.conv(value, features, 3 * scale * scale, 3, Activation::None);
    net.push(Op::PixelShuffle { input: value, factor: scale });
    net.network(scale)
}

/// Every operation in unusual company: nested and repeated joins, 1×1, a shuffle in the middle, a join at the end.
pub fn odd(seed: u64) -> Network {
    let mut net = Builder::new(seed);
    let activation = net.prelu(20);
    let a = net.conv(ValueId(0), 3, 20, 3, activation);
    let b = net.conv(a, 20, 7, 1, Activation::LeakyRelu(0.1));
    let inner = net.push(Op::Concat { inputs: vec![b, a] });
    let outer = net.push(Op::Concat { inputs: vec![ValueId(0), inner, b] });
    let c = net.conv(outer, 37, 12, 3, Activation::Silu);
    let unused = net.conv(c, 12, 12, 3, Activation::None);
    net.push(Op::Add { a: unused, b: c, scale_a: 1.0, scale_b: 2.0 });
    let large = net.push(Op::PixelShuffle { input: c, factor: 2 });
    let d = net.conv(large, 3, 5, 3, Activation::None);
    let e = net.conv(d, 5, 2, 3, Activation::LeakyRelu(0.3));
    let wide = net.push(Op::UpsampleNearest { input: ValueId(0), factor: 2 });
    let twice = net.push(Op::Add { a: wide, b: wide, scale_a: 0.5, scale_b: 0.25 });
    let mixed = net.push(Op::Add { a: large, b: twice, scale_a: 0.5, scale_b: 1.5 });
    let few = net.conv(mixed, 3, 16, 1, Activation::Silu);
    let g = net.conv(few, 16, 3, 3, Activation::Silu);
    let centered = net.push(Op::Normalize { input: g, mean: vec![0.5, -0.25, 1.0], factor: -3.0 });
    let gated = net.push(Op::Gate { value: centered, gate: large });
    let itself = net.push(Op::Gate { value: gated, gate: gated });
    // Gates of their own: by the kernel for few channels, and with a sum or a gate that something else needs too.
    let own = net.conv(few, 16, 3, 3, Activation::LeakyRelu(0.1));
    let sum = net.push(Op::Add { a: itself, b: own, scale_a: 0.5, scale_b: 2.0 });
    let itself = net.push(Op::Gate { value: sum, gate: own });
    let own = net.conv(few, 16, 3, 3, Activation::Silu);
    let sum = net.push(Op::Add { a: own, b: itself, scale_a: 1.0, scale_b: -1.0 });
    let opened = net.push(Op::Gate { value: sum, gate: own });
    let itself = net.push(Op::Add { a: opened, b: sum, scale_a: 1.0, scale_b: 1.0 });
    let own = net.conv(few, 16, 3, 1, Activation::Silu);
    let sum = net.push(Op::Add { a: own, b: own, scale_a: 1.0, scale_b: 0.5 });
    let doubled = net.push(Op::Gate { value: sum, gate: own });
    let itself = net.push(Op::Add { a: doubled, b: itself, scale_a: 1.0, scale_b: 1.0 });
    let own = net.conv(few, 16, 3, 1, Activation::None);
    let sum = net.push(Op::Add { a: itself, b: own, scale_a: 0.5, scale_b: 2.0 });
    let opened = net.push(Op::Gate { value: sum, gate: own });
    let itself = net.push(Op::Add { a: opened, b: itself, scale_a: 0.25, scale_b: 1.0 });
    let both = net.push(Op::Add { a: itself, b: mixed, scale_a: 2.0, scale_b: 1.0 });
    let f = net.conv(both, 3, 1, 1, Activation::None);
    net.push(Op::Concat { inputs: vec![e, f] });
    net.network(2)
}

/// One of each kind of network, with names.
pub fn networks() -> Vec<(&'static str, Network)> {
    vec![
        ("srvgg x4", srvgg(16, 3, 4, 1)),
        ("srvgg x2", srvgg(24, 2, 2, 2)),
        ("srvgg x3", srvgg(10, 1, 3, 3)),
        ("rrdb x4", rrdb(16, 8, 1, 1, 4)),
        ("rrdb x2", rrdb(16, 8, 1, 2, 5)),
        ("span x2", span(16, 2, 2, true, 18)),
        ("span x4", span(13, 1, 4, false, 19)),
        ("odd", odd(6)),
    ]
}
