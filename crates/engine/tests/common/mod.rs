//! What the tests share: models and pictures on disk, random networks, and a naive run of the representation.
#![allow(dead_code, unreachable_pub, reason = "each test file is a crate of its own that uses a part")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests")]

pub mod files;
pub mod naive;
pub mod nets;
pub mod tiled;

use std::num::NonZeroUsize;

use engine::{Engine, Options};
use frame::{RgbF32, Size};
use network::ir::Network;

pub fn threads(count: usize) -> Options {
    Options { threads: NonZeroUsize::new(count).unwrap() }
}

/// The engine with the best kernels and with the portable ones.
pub fn engines(network: &Network, count: usize) -> [Box<dyn Engine>; 2] {
    [engine::cpu(network, threads(count)).unwrap(), engine::cpu_portable(network, threads(count)).unwrap()]
}

pub fn whole(engine: &dyn Engine, input: &RgbF32) -> RgbF32 {
    let mut output = RgbF32::new(Size::new(0, 0));
    tiled::upscale(engine.session(input.size()).unwrap().as_mut(), input, &mut output);
    output
}

/// All samples of a picture.
pub fn samples(picture: &RgbF32) -> impl Iterator<Item = f32> {
    (0..3).flat_map(|plane| picture.plane(plane).iter().copied())
}

/// Whether two pictures have the same bits.
pub fn same(a: &RgbF32, b: &RgbF32) -> bool {
    a.size() == b.size() && samples(a).zip(samples(b)).all(|(a, b)| a.to_bits() == b.to_bits())
}

/// The largest difference of two pictures of one size.
pub fn difference(a: &RgbF32, b: &RgbF32) -> f32 {
    assert_eq!(a.size(), b.size());
    samples(a)
        .zip(samples(b))
        .map(|(a, b)| if a.is_finite() { (a - b).abs() } else { f32::INFINITY })
        .fold(0.0, f32::max)
}
