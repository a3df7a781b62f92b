//! Single convolutions: the shapes that the supported networks are made of, by one thread and by all.
//!
//! `cargo bench -p engine --bench kernels`; `… -- FILTER` runs the cases whose names match. Gitem/s are useful GFLOP/s,
//! which count the multiply-adds as written; the first line says what the processor's multiply-adds could do at most.
//!
//! The engine runs networks, not layers, so each case is a network that is almost nothing but the layer: a 1×1
//! convolution makes its input, several copies read it, their results are added up, which the engine does while it
//! writes them, and a 1×1 convolution makes a picture of the sum. The share of the copies in the multiply-adds is part of
//! each case's name.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

mod ceiling;

use std::fmt;
use std::num::NonZeroUsize;

use divan::Bencher;
use divan::counter::ItemsCount;
use engine::{Error, Options};
use frame::{RgbF32, Size};
use network::ir::{Activation, Conv, Network, Op, ValueId};

use ceiling::Ceiling;

/// Channels before and after, and rows and columns of the filter.
const LAYERS: [(usize, usize, usize); 10] = [
    // SRVGGNetCompact: the body, the head, the tail.
    (64, 64, 3),
    (3, 64, 3),
    (64, 48, 3),
    // RRDBNet: the tail and the dense block.
    (64, 3, 3),
    (64, 32, 3),
    (96, 32, 3),
    (128, 32, 3),
    (160, 32, 3),
    (192, 64, 3),
    (192, 48, 1),
];
const SIZES: [Size; 2] = [Size::new(320, 180), Size::new(640, 360)];
/// Copies of the layer: enough that the rest hardly counts.
const COPIES: usize = 4;
/// The input of everything.
const PICTURE: ValueId = ValueId(0);

/// A layer with pictures of a size.
struct Case {
    before: usize,
    after: usize,
    kernel: usize,
    size: Size,
}

fn cases() -> impl Iterator<Item = Case> {
    LAYERS.into_iter().flat_map(|(before, after, kernel)| {
        SIZES.into_iter().map(move |size| Case { before, after, kernel, size })
    })
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { before, after, kernel, size } = self;
        let share = 100.0 * self.layers_flops() / self.network().flops_per_pixel();
        write!(f, "{kernel}x{kernel} {before} to {after}, {size} ({share:.0} %)")
    }
}

impl Case {
    /// Floating-point operations of all copies for a pixel.
    fn layers_flops(&self) -> f64 {
        (2 * COPIES * self.kernel * self.kernel * self.before * self.after) as f64
    }

    fn network(&self) -> Network {
        let mut nodes = vec![Op::Input { channels: 3 }];
        let mut source = PICTURE;
        if self.before != 3 {
            nodes.push(conv(PICTURE, 3, self.before, 1, false));
            source = ValueId(1);
        }
        let layer = conv(source, self.before, self.after, self.kernel, true);
        nodes.push(layer.clone());
        for _ in 1..COPIES {
            let sum = ValueId(nodes.len() - 1);
            nodes.push(layer.clone());
            nodes.push(Op::Add { a: ValueId(nodes.len() - 1), b: sum, scale_a: 1.0, scale_b: 1.0 });
        }
        nodes.push(conv(ValueId(nodes.len() - 1), self.after, 3, 1, false));
        Network { nodes, scale: 1 }
    }

    /// Runs the network over and over.
    fn bench(&self, bencher: Bencher<'_, '_>, threads: NonZeroUsize) -> Result<(), Error> {
        let network = self.network();
        let engine = engine::cpu(&network, Options { threads })?;
        let mut session = engine.session(self.size)?;
        let mut picture = RgbF32::new(self.size);
        for plane in 0..3 {
            for (index, sample) in picture.plane_mut(plane).iter_mut().enumerate() {
                *sample = pseudo_random(index + plane) + 0.5;
            }
        }
        session.run(&picture, &mut |_| ())?;
        let flops = network.flops_per_pixel() * self.size.pixels() as f64;
        let mut result = Ok(());
        bencher.counter(ItemsCount::new(flops as u64)).bench_local(|| {
            if let Err(error) = session.run(&picture, &mut |band| {
                divan::black_box(band);
            }) {
                result = Err(error);
            }
        });
        result
    }
}

/// A convolution with weights that keep the magnitude of what goes through.
fn conv(input: ValueId, in_channels: usize, out_channels: usize, kernel: usize, prelu: bool) -> Op {
    let inputs = in_channels * kernel * kernel;
    let largest = (3.0 / inputs as f32).sqrt();
    Op::Conv(Conv {
        input,
        in_channels,
        out_channels,
        kernel,
        weight: (0..inputs * out_channels).map(|index| 2.0 * largest * pseudo_random(index)).collect(),
        bias: (0..out_channels).map(|index| 0.01 * pseudo_random(index)).collect(),
        activation: if prelu { Activation::Prelu(vec![0.25; out_channels]) } else { Activation::None },
    })
}

/// A number in −0.5..0.5 that differs from its neighbors.
fn pseudo_random(index: usize) -> f32 {
    (index * 2_654_435_761 % 1009) as f32 / 1008.0 - 0.5
}

fn all_cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

#[divan::bench(args = cases(), max_time = 2, sample_size = 1, sample_count = 20)]
fn one_thread(bencher: Bencher<'_, '_>, case: &Case) {
    run(bencher, case, NonZeroUsize::MIN);
}

#[divan::bench(args = cases(), max_time = 2, sample_size = 1, sample_count = 20)]
fn all_threads(bencher: Bencher<'_, '_>, case: &Case) {
    run(bencher, case, all_cores());
}

fn run(bencher: Bencher<'_, '_>, case: &Case, threads: NonZeroUsize) {
    if let Err(error) = case.bench(bencher, threads) {
        eprintln!("error: {case}: {error}");
        std::process::exit(1);
    }
}

fn main() -> Result<(), Error> {
    let network = Case { before: 3, after: 3, kernel: 3, size: SIZES[0] }.network();
    let engine = engine::cpu(&network, Options { threads: all_cores() })?;
    println!("{}; {}", engine.describe(), Ceiling::measure(&engine.describe(), all_cores().get()));
    divan::main();
    Ok(())
}
