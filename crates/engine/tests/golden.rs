//! The outputs of PyTorch for the real models.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

mod common;

use common::{difference, engines, files, samples, whole};
use frame::RgbF32;
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
