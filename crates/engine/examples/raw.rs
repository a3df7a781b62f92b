//! Runs a network over one raw picture, so that results can be compared with those of other programs.
//!
//! `cargo run --release -p engine --example raw -- MODEL WIDTHxHEIGHT IN OUT`, where MODEL is the name of a built-in
//! one, a `.safetensors` file, or the path of an ncnn model without its ending. Pictures are planar RGB of `f32`,
//! little endian, 0..1; the result is not clipped. All processors of the machine work.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write as _};

use engine::Options;
use frame::{RgbF32, Size};
use network::ir::Network;
use network::{ModelBytes, build, catalogue, read_tensors};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, size, input, output] = &arguments[..] else {
        return Err("arguments: MODEL WIDTHxHEIGHT IN OUT".into());
    };
    let (width, height) = size.split_once('x').ok_or("the size is not of the form WIDTHxHEIGHT")?;
    let size = Size::new(width.parse()?, height.parse()?);
    let network = load(model)?;
    let engine = engine::cpu(&network, Options { threads: std::thread::available_parallelism()? })?;
    let picture = read_picture(input, size)?;
    let mut result = RgbF32::new(size.scaled(engine.scale()));
    engine.session(size)?.run(&picture, &mut |band| {
        for (plane, samples) in band.planes.iter().enumerate() {
            let at = band.y as usize * band.width as usize;
            result.plane_mut(plane)[at..at + samples.len()].copy_from_slice(samples);
        }
    })?;
    write_picture(output, &result)?;
    Ok(())
}

fn load(model: &str) -> Result<Network, Box<dyn Error>> {
    let tensors = if let Ok(built_in) = catalogue::built_in(model) {
        read_tensors(built_in.bytes())?
    } else if model.ends_with(".safetensors") {
        read_tensors(ModelBytes::Safetensors(&std::fs::read(model)?))?
    } else {
        let param = std::fs::read_to_string(format!("{model}.param"))?;
        let bin = std::fs::read(format!("{model}.bin"))?;
        read_tensors(ModelBytes::Ncnn { param: &param, bin: &bin })?
    };
    Ok(build(&tensors)?.1)
}

fn read_picture(path: &str, size: Size) -> Result<RgbF32, Box<dyn Error>> {
    let bytes = std::fs::read(path)?;
    let expected = size.pixels() * 3 * size_of::<f32>() as u64;
    if bytes.len() as u64 != expected {
        return Err(format!("{path} has {} bytes instead of the {expected} of {size}", bytes.len()).into());
    }
    let mut samples = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let mut picture = RgbF32::new(size);
    for plane in 0..3 {
        for (sample, value) in picture.plane_mut(plane).iter_mut().zip(&mut samples) {
            *sample = value;
        }
    }
    Ok(picture)
}

fn write_picture(path: &str, picture: &RgbF32) -> Result<(), Box<dyn Error>> {
    let mut file = BufWriter::new(File::create(path)?);
    for plane in 0..3 {
        for sample in picture.plane(plane) {
            file.write_all(&sample.to_le_bytes())?;
        }
    }
    Ok(file.flush()?)
}
