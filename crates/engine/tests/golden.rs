//! The real models: the outputs of PyTorch, and for SPAN those of the naive run.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

mod common;

use common::{difference, engines, files, naive, samples, whole};
use frame::{RgbF32, Size};
use network::ir::Network;
use network::{blend, build};

/// `10 · log10(1 / mean squared difference)`, both clipped to 0..1.
fn psnr(a: &RgbF32, b: &RgbF32) -> f64 {
    let square = |(a, b): (f32, f32)| f64::from(a.clamp(0.0, 1.0) - b.clamp(0.0, 1.0)).powi(2);
    let sum: f64 = samples(a).zip(samples(b)).map(square).sum();
    -10.0 * (sum / samples(a).count() as f64).log10()
}

fn compare(network: &Network, reference: &str) {
    for folder in ["golden", "golden/hard"] {
        let input = files::png(&format!("{folder}/input.png")).unwrap();
        let expected = files::npy(&format!("{folder}/{reference}.npy")).unwrap();
        for engine in engines(network, 2) {
            let output = whole(engine.as_ref(), &input);
            let (psnr, largest) = (psnr(&output, &expected), difference(&output, &expected));
            println!(
                "{folder}/{reference}, {}: {psnr:.1} dB, largest difference {largest:.1e}",
                engine.describe()
            );
            assert!(psnr > 90.0 && largest < 1e-3);
        }
    }
}

#[test]
fn general_x4v3() {
    let Some(network) = files::network("realesr-general-x4v3") else { return };
    compare(&network, "realesr-general-x4v3");
}

#[test]
fn general_wdn_x4v3() {
    let Some(network) = files::network("realesr-general-wdn-x4v3") else { return };
    compare(&network, "realesr-general-wdn-x4v3");
}

#[test]
fn a_blend_of_both() {
    let Some(general) = files::tensors("realesr-general-x4v3") else { return };
    let wdn = files::tensors("realesr-general-wdn-x4v3").unwrap();
    let network = build(&blend(&general, &wdn, 0.5).unwrap()).unwrap().1;
    compare(&network, "realesr-general-x4v3-dn0.5");
}

#[test]
fn animevideov3() {
    let Some(network) = files::network("realesr-animevideov3-x4") else { return };
    compare(&network, "realesr-animevideov3");
}

#[test]
fn x4plus_anime() {
    let Some(network) = files::network("realesrgan-x4plus-anime") else { return };
    compare(&network, "realesrgan-x4plus-anime-6b");
}

#[test]
fn spans() {
    let names =
        ["spanx2_ch48", "spanx2_ch52", "spanx4_ch48", "spanx4_ch52", "2xHFA2kSPAN_27k", "4xSPANkendata"];
    for name in names {
        let Some(network) = files::span(name) else { return };
        let picture = files::png("golden/input.png").unwrap();
        // A part, because the naive run takes its time.
        let mut input = RgbF32::new(Size::new(23, 17));
        for plane in 0..3 {
            for y in 0..17 {
                input.row_mut(plane, y).copy_from_slice(&picture.row(plane, y + 20)[30..53]);
            }
        }
        let expected = naive::run(&network, &input);
        for engine in engines(&network, 2) {
            let output = whole(engine.as_ref(), &input);
            let (psnr, largest) = (psnr(&output, &expected), difference(&output, &expected));
            println!("{name}, {}: {psnr:.1} dB, largest difference {largest:.1e}", engine.describe());
            assert!(psnr > 90.0 && largest < 1e-3);
        }
    }
}
