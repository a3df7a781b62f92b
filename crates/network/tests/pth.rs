//! `.pth` files as PyTorch writes them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use network::{Architecture, Error, ModelBytes, Tensors, build, read_tensors};
use support::pth::{Kind, dict_of, strides, tensor, with_pickle, write, zip};
use support::{compact, esrgan, span};
use zip::CompressionMethod;

fn read(bytes: &[u8]) -> Result<Tensors, Error> {
    read_tensors(ModelBytes::Pth(bytes))
}

#[test]
fn what_torch_save_writes_is_read() {
    for tensors in [compact(5, 4, 4), esrgan(4, 3, 2, 1), span(4, 2, true, 2), span(3, 1, false, 4)] {
        for kind in [Kind::Half, Kind::Float, Kind::Double] {
            for under in [Some("params_ema"), Some("params"), Some("state_dict"), None] {
                assert_eq!(read(&write(&tensors, kind, under)).as_ref(), Ok(&tensors), "{kind:?} {under:?}");
            }
        }
    }
    // Brain floats have 8 bits, so only numbers that need no more survive.
    let mut few = Tensors::new();
    few.insert("a", vec![2], vec![0.5, -3.0]).unwrap();
    assert_eq!(read(&write(&few, Kind::Brain, None)), Ok(few));
}

/// Made by Python's own pickler, with protocol 2 under `params_ema` and with protocol 4 as a plain state dict with
/// attributes. The numbers are 0, 1/1024, 2/1024, … in the order of the layers.
#[test]
fn what_python_pickles_is_read() {
    let expected = Architecture::SrvggNetCompact { features: 3, convs: 2, scale: 2 };
    for file in
        [&include_bytes!("data/compact-protocol2.pth")[..], include_bytes!("data/compact-protocol4.pth")]
    {
        let tensors = read(file).unwrap();
        assert_eq!(build(&tensors).unwrap().0, expected);
        let mut next = 0_u16;
        for name in ["body.0.weight", "body.0.bias", "body.1.weight", "body.2.weight", "body.2.bias"] {
            for number in tensors.get(name).unwrap().data() {
                assert!((number - f32::from(next) / 1024.0).abs() < f32::EPSILON, "{name}");
                next += 1;
            }
        }
        for length in 0..file.len() {
            assert!(read(&file[..length]).is_err(), "{length}");
        }
    }
}

#[test]
fn averaged_weights_are_preferred() {
    let mut pickle = b"\x80\x02}(X\x06\x00\x00\x00params}X\x01\x00\x00\x00a".to_vec();
    pickle.extend(tensor("FloatStorage", "0", 16, 0, &[1], &[1]));
    pickle.extend(b"sX\x0a\x00\x00\x00params_ema}X\x01\x00\x00\x00b");
    pickle.extend(tensor("FloatStorage", "0", 16, 0, &[1], &[1]));
    pickle.extend(b"su.");
    let tensors = read(&with_pickle(&pickle)).unwrap();
    assert!(tensors.get("b").is_some() && tensors.get("a").is_none());
}

#[test]
fn a_transposed_tensor_is_put_in_order() {
    let numbers: Vec<u8> = (0..6).flat_map(|number| (number as f32).to_le_bytes()).collect();
    let pickle = dict_of(&tensor("FloatStorage", "0", 6, 0, &[3, 2], &[1, 3]));
    let file = zip(&[("data.pkl", &pickle), ("data/0", &numbers)], CompressionMethod::Deflated);
    let tensors = read(&file).unwrap();
    assert_eq!(tensors.get("a").unwrap().data(), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
}

#[test]
fn views_that_do_not_fit_their_storage_are_refused() {
    let class = "FloatStorage";
    let views = [
        // Beyond the end, by size, by offset, by stride.
        tensor(class, "0", 16, 0, &[17], &[1]),
        tensor(class, "0", 16, 1, &[16], &[1]),
        tensor(class, "0", 16, 0, &[2], &[16]),
        tensor(class, "0", 16, i32::MAX, &[2], &[i32::MAX]),
        // Repeated numbers: an expanded tensor of any size from a few bytes.
        tensor(class, "0", 16, 0, &[i32::MAX], &[0]),
        tensor(class, "0", 16, 0, &[i32::MAX; 8], &[0; 8]),
        tensor(class, "0", 16, 0, &[4, 8], &[1, 1]),
        // Claims about the storage that are not so.
        tensor(class, "0", i32::MAX, 0, &[1], &[1]),
        tensor(class, "0", 8, 0, &[1], &[1]),
        tensor("HalfStorage", "0", 16, 0, &[1], &[1]),
        tensor(class, "missing", 16, 0, &[1], &[1]),
        tensor(class, "../data.pkl", 16, 0, &[1], &[1]),
        // Sizes that make no sense.
        tensor(class, "0", -1, 0, &[1], &[1]),
        tensor(class, "0", 16, -1, &[1], &[1]),
        tensor(class, "0", 16, 0, &[-1], &[1]),
        tensor(class, "0", 16, 0, &[1], &[-1]),
        tensor(class, "0", 16, 0, &[1, 1], &[1]),
        tensor(class, "0", 16, 0, &[1; 9], &[1; 9]),
    ];
    for (index, view) in views.iter().enumerate() {
        assert!(read(&with_pickle(&dict_of(view))).is_err(), "{index}");
    }
    let sound = tensor(class, "0", 16, 0, &[4, 4], &strides(&[4, 4]));
    assert!(read(&with_pickle(&dict_of(&sound))).is_ok());
}

#[test]
fn tensors_that_share_numbers_cannot_ask_for_more_than_there_are() {
    let whole = tensor("FloatStorage", "0", 16, 0, &[16], &[1]);
    let mut pickle = b"\x80\x02}(".to_vec();
    for name in ["a", "b"] {
        support::pth::text(&mut pickle, name);
        pickle.extend(&whole);
    }
    pickle.extend(b"u.");
    let error = read(&with_pickle(&pickle)).unwrap_err().to_string();
    assert!(error.contains("more numbers than the file stores"), "{error}");
}

#[test]
fn what_is_packed_beyond_reason_is_refused() {
    let pickle = dict_of(&tensor("FloatStorage", "0", 4 << 20, 0, &[4 << 20], &[1]));
    let zeros = vec![0; 16 << 20];
    let bomb = zip(&[("data.pkl", &pickle), ("data/0", &zeros)], CompressionMethod::Deflated);
    assert!(bomb.len() < 100_000);
    assert!(matches!(read(&bomb), Err(Error::TooLarge { .. })));
    let pickle = vec![b'N'; 5 << 20];
    let bomb = zip(&[("data.pkl", &pickle)], CompressionMethod::Stored);
    assert!(matches!(read(&bomb), Err(Error::TooLarge { .. })));
    let entries: Vec<u8> = b"PK\x01\x02".repeat(20_000);
    assert!(matches!(read(&entries), Err(Error::TooLarge { .. })));
}

#[test]
fn files_that_are_no_weights_say_what_they_are() {
    let old = read(b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.").unwrap_err().to_string();
    assert!(old.contains("before 1.6"), "{old}");
    let big = zip(&[("data.pkl", b"\x80\x02}."), ("byteorder", b"big")], CompressionMethod::Stored);
    assert!(read(&big).unwrap_err().to_string().contains("big-endian"));
    let empty = zip(&[("readme.txt", b"hello")], CompressionMethod::Stored);
    assert!(read(&empty).unwrap_err().to_string().contains("data.pkl"));
    let epoch = with_pickle(b"\x80\x02}X\x05\x00\x00\x00epochK\x03s.");
    assert!(read(&epoch).unwrap_err().to_string().contains("`epoch` is not a tensor"));
    assert!(read(b"").is_err());
    assert!(read(&with_pickle(b"\x80\x02].")).is_err());
}
