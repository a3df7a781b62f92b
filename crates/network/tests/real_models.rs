//! The published models in ncnn's format, where they are at hand.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that cannot go on has failed")]

mod support;

use std::fs;
use std::path::Path;

use network::{Architecture, ModelBytes, Tensors, WeightType, blend, build, read_tensors, write_safetensors};
use support::pth::Kind;

fn read(folder: &Path, name: &str) -> Tensors {
    let param = fs::read_to_string(folder.join(format!("{name}.param"))).unwrap();
    let bin = fs::read(folder.join(format!("{name}.bin"))).unwrap();
    let tensors = read_tensors(ModelBytes::Ncnn { param: &param, bin: &bin }).unwrap();
    let crlf = param.replace('\n', "\r\n");
    assert_eq!(read_tensors(ModelBytes::Ncnn { param: &crlf, bin: &bin }).as_ref(), Ok(&tensors));
    assert!(read_tensors(ModelBytes::Ncnn { param: &param, bin: &bin[..bin.len() - 4] }).is_err());
    tensors
}

#[test]
fn the_published_models_are_recognised() {
    let Some(folder) = support::data_folder("models") else { return };
    let general = Architecture::SrvggNetCompact { features: 64, convs: 34, scale: 4 };
    let anime = Architecture::SrvggNetCompact { features: 64, convs: 18, scale: 4 };
    let anime_6b = Architecture::RrdbNet { features: 64, growth: 32, blocks: 6, unshuffle: 1, scale: 4 };
    let models = [
        ("realesr-general-x4v3", general, 1_213_296),
        ("realesr-general-wdn-x4v3", general, 1_213_296),
        ("realesr-animevideov3-x4", anime, 621_424),
        ("realesrgan-x4plus-anime", anime_6b, 4_467_779),
    ];
    for (name, expected, parameters) in models {
        let tensors = read(&folder, name);
        assert_eq!(tensors.parameters(), parameters, "{name}");
        let (architecture, network) = build(&tensors).unwrap();
        assert_eq!(architecture, expected, "{name}");
        println!("{name}: {architecture}, {:.0} FLOP a pixel", network.flops_per_pixel());

        let safetensors = write_safetensors(&tensors, WeightType::F16, &[]).unwrap();
        assert_eq!(read_tensors(ModelBytes::Safetensors(&safetensors)).as_ref(), Ok(&tensors), "{name}");
        for under in [Some("params_ema"), Some("params"), None] {
            let pth = support::pth::write(&tensors, Kind::Float, under);
            assert_eq!(read_tensors(ModelBytes::Pth(&pth)).as_ref(), Ok(&tensors), "{name}");
        }
    }
}

#[test]
fn the_built_in_models_are_the_published_ones() {
    let Some(folder) = support::data_folder("models") else { return };
    for (built_in, ncnn) in [
        ("realesr-general-x4v3", "realesr-general-x4v3"),
        ("realesr-animevideov3", "realesr-animevideov3-x4"),
    ] {
        let embedded = network::catalogue::built_in(built_in).unwrap().bytes();
        assert_eq!(read_tensors(embedded).unwrap(), read(&folder, ncnn), "{built_in}");
    }
}

#[test]
fn the_default_and_its_twin_blend() {
    let Some(folder) = support::data_folder("models") else { return };
    let general = read(&folder, "realesr-general-x4v3");
    let wdn = read(&folder, "realesr-general-wdn-x4v3");
    assert_ne!(general, wdn);
    assert_eq!(blend(&general, &wdn, 1.0).as_ref(), Ok(&general));
    assert_eq!(blend(&general, &wdn, 0.0).as_ref(), Ok(&wdn));
    build(&blend(&general, &wdn, 0.5).unwrap()).unwrap();
    assert!(blend(&general, &read(&folder, "realesr-animevideov3-x4"), 0.5).is_err());
}

/// The means of the official code, as fp32 in the files.
const DIV2K: [f32; 3] = [0.4488, 0.4371, 0.4040];
const IMAGENET: [f32; 3] = [0.485, 0.456, 0.406];

#[test]
fn the_published_spans_are_recognised() {
    let Some(folder) = support::data_folder("span") else { return };
    let models = [
        ("spanx2_ch48", 48, 2, DIV2K, 255.0),
        ("spanx2_ch52", 52, 2, DIV2K, 255.0),
        ("spanx4_ch48", 48, 4, DIV2K, 255.0),
        ("spanx4_ch52", 52, 4, DIV2K, 255.0),
        ("2xHFA2kSPAN_27k", 48, 2, DIV2K, 255.0),
        ("4xSPANkendata", 48, 4, IMAGENET, 1.0),
    ];
    for (name, features, scale, mean, range) in models {
        let tensors = read(&folder, name);
        let (architecture, network) = build(&tensors).unwrap();
        assert_eq!(
            architecture,
            Architecture::Span { features, blocks: 6, normalized: true, scale },
            "{name}"
        );
        assert_eq!(network.scale, scale, "{name}");
        assert_eq!(tensors.get("mean").unwrap().data(), mean, "{name}");
        assert_eq!(tensors.get("img_range").unwrap().data(), [range], "{name}");
        println!("{name}: {architecture}, {:.0} FLOP a pixel", network.flops_per_pixel());

        let safetensors = write_safetensors(&tensors, WeightType::F16, &[]).unwrap();
        assert_eq!(read_tensors(ModelBytes::Safetensors(&safetensors)).as_ref(), Ok(&tensors), "{name}");
        let pth = support::pth::write(&tensors, Kind::Float, Some("params"));
        assert_eq!(read_tensors(ModelBytes::Pth(&pth)).as_ref(), Ok(&tensors), "{name}");
    }
}
