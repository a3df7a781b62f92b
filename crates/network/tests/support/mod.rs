//! What the tests share: small models, and writers of the formats that the crate only reads.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "each test uses a part; a test that cannot go on has failed"
)]

use std::path::{Path, PathBuf};

use network::Tensors;

pub(crate) mod ncnn;
pub(crate) mod pth;

/// Numbers that half precision holds, all different from their neighbours.
fn fill(tensors: &mut Tensors, name: &str, shape: &[usize]) {
    let start = tensors.parameters();
    let numbers = shape.iter().product::<usize>();
    let data = (start..start + numbers).map(|index| ((index * 7 % 2039) as f32 - 1000.0) / 1024.0);
    tensors.insert(name, shape.to_vec(), data.collect()).unwrap();
}

fn conv(tensors: &mut Tensors, name: &str, from: usize, to: usize) {
    conv_of(tensors, name, from, to, 3);
}

fn conv_of(tensors: &mut Tensors, name: &str, from: usize, to: usize, kernel: usize) {
    fill(tensors, &format!("{name}.weight"), &[to, from, kernel, kernel]);
    fill(tensors, &format!("{name}.bias"), &[to]);
}

/// An `SRVGGNetCompact`.
pub(crate) fn compact(features: usize, convs: usize, scale: usize) -> Tensors {
    let mut tensors = Tensors::new();
    for index in 0..convs {
        let from = if index == 0 { 3 } else { features };
        let to = if index + 1 == convs { 3 * scale * scale } else { features };
        conv(&mut tensors, &format!("body.{}", 2 * index), from, to);
        if index + 1 < convs {
            fill(&mut tensors, &format!("body.{}.weight", 2 * index + 1), &[to]);
        }
    }
    tensors
}

/// An `RRDBNet` with two doublings of size after an unshuffle.
pub(crate) fn esrgan(features: usize, growth: usize, blocks: usize, unshuffle: usize) -> Tensors {
    let mut tensors = Tensors::new();
    conv(&mut tensors, "conv_first", 3 * unshuffle * unshuffle, features);
    for block in 0..blocks {
        for dense in 1..=3 {
            for index in 1..=5 {
                let to = if index == 5 { features } else { growth };
                let name = format!("body.{block}.rdb{dense}.conv{index}");
                conv(&mut tensors, &name, features + (index - 1) * growth, to);
            }
        }
    }
    for name in ["conv_body", "conv_up1", "conv_up2", "conv_hr"] {
        conv(&mut tensors, name, features, features);
    }
    conv(&mut tensors, "conv_last", features, 3);
    tensors
}

/// A `SPAN` in the form that runs; without a normalization it says so.
pub(crate) fn span(features: usize, blocks: usize, normalized: bool, scale: usize) -> Tensors {
    let mut tensors = Tensors::new();
    if normalized {
        fill(&mut tensors, "mean", &[3]);
        tensors.insert("img_range", vec![1], vec![255.0]).unwrap();
    } else {
        tensors.insert("no_norm", vec![1], vec![0.0]).unwrap();
    }
    conv(&mut tensors, "conv_1.eval_conv", 3, features);
    for block in 1..=blocks {
        for index in 1..=3 {
            conv(&mut tensors, &format!("block_{block}.c{index}_r.eval_conv"), features, features);
        }
    }
    conv(&mut tensors, "conv_2.eval_conv", features, features);
    conv_of(&mut tensors, "conv_cat", 4 * features, features, 1);
    conv(&mut tensors, "upsampler.0", features, 3 * scale * scale);
    tensors
}

/// A folder of test data that is not part of the repository; none, with a printed reason, where it is not there.
pub(crate) fn data_folder(name: &str) -> Option<PathBuf> {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = std::env::var_os("UPSCALED_TEST_DATA").map_or_else(default, PathBuf::from).join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: {} is not there; set UPSCALED_TEST_DATA to the test data", folder.display());
    None
}
