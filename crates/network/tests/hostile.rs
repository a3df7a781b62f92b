//! Whatever the bytes, readers answer; they do not panic.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use network::{ModelBytes, Tensors, WeightType, build, read_tensors, write_safetensors};
use proptest::prelude::*;
use support::pth::{Kind, with_pickle};
use support::{compact, esrgan, span};

/// Reads, and builds what was read: either may refuse, neither may panic.
fn attempt(model: ModelBytes<'_>) {
    if let Ok(tensors) = read_tensors(model) {
        let _ = build(&tensors);
    }
}

fn models() -> [Tensors; 3] {
    [compact(3, 3, 2), esrgan(2, 2, 1, 1), span(3, 1, true, 2)]
}

/// Bytes of a file with some of them changed, dropped or repeated.
fn damaged(file: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let length = file.len();
    let change = (0..length, any::<u8>(), 0..4_u8);
    prop::collection::vec(change, 1..6).prop_map(move |changes| {
        let mut file = file.clone();
        for (place, byte, kind) in changes {
            let place = place.min(file.len().saturating_sub(1));
            match kind {
                0 => file.truncate(place),
                1 => file.insert(place, byte),
                _ => {
                    if let Some(old) = file.get_mut(place) {
                        *old = byte;
                    }
                }
            }
        }
        file
    })
}

fn damaged_of(files: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    prop::sample::select(files).prop_flat_map(damaged)
}

fn safetensors_files() -> Vec<Vec<u8>> {
    models()
        .iter()
        .map(|tensors| write_safetensors(tensors, WeightType::F16, &[("a", "b")]).unwrap())
        .collect()
}

fn pth_files() -> Vec<Vec<u8>> {
    models().iter().map(|tensors| support::pth::write(tensors, Kind::Half, Some("params"))).collect()
}

/// Pickles of operations that mean something, in any order.
fn plausible_pickle() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<Vec<u8>> = [
        &b"("[..],
        b"t",
        b")",
        b"\x85",
        b"\x86",
        b"\x87",
        b"}",
        b"]",
        b"a",
        b"e",
        b"s",
        b"u",
        b"N",
        b"\x88",
        b"0",
        b"R",
        b"Q",
        b"b",
        b"K\x00",
        b"K\x01",
        b"J\xff\xff\xff\xff",
        b"\x8a\x01\xff",
        b"q\x00",
        b"h\x00",
        b"\x94",
        b"\x93",
        b"\x8c\x07storage",
        b"\x8c\x010",
        b"\x8c\x03cpu",
        b"ccollections\nOrderedDict\n",
        b"ctorch\nFloatStorage\n",
        b"ctorch._utils\n_rebuild_tensor_v2\n",
    ]
    .map(<[u8]>::to_vec)
    .to_vec();
    prop::collection::vec(prop::sample::select(pieces), 0..60)
        .prop_map(|pieces| [b"\x80\x02".to_vec(), pieces.concat(), b".".to_vec()].concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..600), text in "\\PC{0,200}") {
        attempt(ModelBytes::Safetensors(&bytes));
        attempt(ModelBytes::Pth(&bytes));
        attempt(ModelBytes::Pth(&with_pickle(&bytes)));
        attempt(ModelBytes::Ncnn { param: &text, bin: &bytes });
    }

    #[test]
    fn any_safetensors_header_is_answered(header in "[\\[\\]{}:,\"0-9a-zF\\-]{0,80}", data in prop::collection::vec(any::<u8>(), 0..40)) {
        let file = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat();
        attempt(ModelBytes::Safetensors(&file));
    }

    #[test]
    fn damaged_safetensors_are_answered(bytes in damaged_of(safetensors_files())) {
        attempt(ModelBytes::Safetensors(&bytes));
    }

    #[test]
    fn damaged_pth_are_answered(bytes in damaged_of(pth_files())) {
        attempt(ModelBytes::Pth(&bytes));
    }

    #[test]
    fn plausible_pickles_are_answered(pickle in plausible_pickle()) {
        attempt(ModelBytes::Pth(&with_pickle(&pickle)));
    }

    #[test]
    fn damaged_ncnn_is_answered(which in 0..3_usize, (bin, param) in (0..3_usize).prop_flat_map(|which| {
        let (param, bin) = ncnn_files(which);
        (damaged(bin), damaged(param.into_bytes()))
    })) {
        let (sound_param, sound_bin) = ncnn_files(which);
        let param = String::from_utf8_lossy(&param).into_owned();
        attempt(ModelBytes::Ncnn { param: &param, bin: &sound_bin });
        attempt(ModelBytes::Ncnn { param: &sound_param, bin: &bin });
    }

    #[test]
    fn any_ncnn_lines_are_answered(lines in prop::collection::vec(
        "(Input|Split|Convolution|PReLU|ReLU|Swish|Sigmoid|MemoryData|Concat|Eltwise|BinaryOp|Interp|PixelShuffle|Reorg) n [0-2] [0-2]( [ab]){0,4}( (-23310|-23301|[0-6])=(1,2|2,1,1|[0-9]{1,3})){0,5}", 0..12,
    ), bin in prop::collection::vec(any::<u8>(), 0..300)) {
        let param = format!("7767517\n{} 0\nInput i 0 1 a\n{}\n", lines.len() + 1, lines.join("\n"));
        attempt(ModelBytes::Ncnn { param: &param, bin: &bin });
    }
}

fn ncnn_files(which: usize) -> (String, Vec<u8>) {
    let (_, network) = build(&models()[which]).unwrap();
    support::ncnn::write(&network, support::ncnn::PLAIN)
}

#[test]
fn files_cut_at_any_length_are_answered() {
    let tensors = compact(2, 2, 1);
    let safetensors = write_safetensors(&tensors, WeightType::F16, &[]).unwrap();
    for length in 0..safetensors.len() {
        assert!(read_tensors(ModelBytes::Safetensors(&safetensors[..length])).is_err(), "{length}");
    }
    let pth = support::pth::write(&tensors, Kind::Float, None);
    for length in 0..pth.len() {
        assert!(read_tensors(ModelBytes::Pth(&pth[..length])).is_err(), "{length}");
    }
}
