//! Models, pictures and reference outputs from a folder beside the workspace.

use std::path::{Path, PathBuf};

use frame::{RgbF32, Size};
use network::ir::Network;
use network::{ModelBytes, Tensors, build, read_tensors};

/// The folder with test data; nothing, and the reason printed, when it is absent.
pub fn data() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");
    let folder = std::env::var_os("UPSCALED_TEST_DATA").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    if folder.join("golden").is_dir() && folder.join("models").is_dir() {
        return Some(folder);
    }
    println!("skipped: no golden/ and models/ in {}; set UPSCALED_TEST_DATA", folder.display());
    None
}

/// The tensors of an ncnn model in the models folder.
pub fn tensors(name: &str) -> Option<Tensors> {
    Some(ncnn(&data()?.join("models"), name))
}

/// A SPAN of `span/`; nothing, and the reason printed, when there is no such folder.
pub fn span(name: &str) -> Option<Network> {
    let folder = data()?.join("span");
    if folder.is_dir() {
        return Some(build(&ncnn(&folder, name)).unwrap().1);
    }
    println!("skipped: {} is not there", folder.display());
    None
}

fn ncnn(folder: &Path, name: &str) -> Tensors {
    let param = std::fs::read_to_string(folder.join(format!("{name}.param"))).unwrap();
    let bin = std::fs::read(folder.join(format!("{name}.bin"))).unwrap();
    read_tensors(ModelBytes::Ncnn { param: &param, bin: &bin }).unwrap()
}

pub fn network(name: &str) -> Option<Network> {
    Some(build(&tensors(name)?).unwrap().1)
}

/// An 8-bit RGB picture.
pub fn png(path: &str) -> Option<RgbF32> {
    let file = std::fs::File::open(data()?.join(path)).unwrap();
    let mut reader = png::Decoder::new(std::io::BufReader::new(file)).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Rgb, png::BitDepth::Eight));
    Some(interleaved(Size::new(info.width, info.height), bytes.iter().map(|&byte| f32::from(byte) / 255.0)))
}

/// An array of `float32` in format 1 of `.npy`, height × width × 3.
pub fn npy(path: &str) -> Option<RgbF32> {
    let bytes = std::fs::read(data()?.join(path)).unwrap();
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let end = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = std::str::from_utf8(&bytes[10..end]).unwrap();
    assert!(header.contains("'<f4'") && header.contains("'fortran_order': False"), "{header}");
    let shape = header.split("'shape': (").nth(1).unwrap().split(')').next().unwrap();
    let shape: Vec<u32> = shape.split(',').map(|number| number.trim().parse().unwrap()).collect();
    let [height, width, 3] = shape[..] else { panic!("{shape:?}") };
    let numbers = bytes[end..].chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap()));
    Some(interleaved(Size::new(width, height), numbers))
}

fn interleaved(size: Size, numbers: impl Iterator<Item = f32>) -> RgbF32 {
    let mut picture = RgbF32::new(size);
    let mut count = 0;
    for (i, number) in numbers.enumerate() {
        picture.plane_mut(i % 3)[i / 3] = number;
        count += 1;
    }
    assert_eq!(count, 3 * size.pixels() as usize);
    picture
}
