//! ncnn files: every style of export gives the same tensors, and whatever is not understood is refused.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod support;

use network::{Error, ModelBytes, Tensors, build, read_tensors};
use support::ncnn::{PLAIN, Style, write};
use support::{compact, esrgan, span};

fn read(param: &str, bin: &[u8]) -> Result<Tensors, Error> {
    read_tensors(ModelBytes::Ncnn { param, bin })
}

fn models() -> Vec<Tensors> {
    vec![
        compact(5, 4, 4),
        compact(3, 2, 2),
        compact(4, 3, 1),
        esrgan(4, 3, 2, 1),
        esrgan(4, 2, 1, 2),
        span(4, 2, true, 4),
        span(5, 1, false, 2),
        span(3, 3, true, 1),
    ]
}

#[test]
fn every_style_gives_the_same_tensors() {
    for tensors in models() {
        let (_, network) = build(&tensors).unwrap();
        for half in [true, false] {
            for crlf in [true, false] {
                for pnnx in [true, false] {
                    let style = Style { half, crlf, pnnx };
                    let (param, bin) = write(&network, style);
                    assert_eq!(read(&param, &bin).as_ref(), Ok(&tensors), "{style:?}");
                }
            }
        }
    }
}

#[test]
fn every_byte_must_be_there_and_used() {
    let (_, network) = build(&compact(3, 2, 2)).unwrap();
    let (param, bin) = write(&network, PLAIN);
    for length in 0..bin.len() {
        assert!(matches!(read(&param, &bin[..length]), Err(Error::Truncated { .. })), "{length}");
    }
    let longer = [&bin[..], &[0; 4]].concat();
    assert!(matches!(read(&param, &longer), Err(Error::Malformed { .. })));
    // The last line's end says nothing that is not said by default, so a cut there may do no harm.
    let whole = read(&param, &bin).unwrap();
    for length in 0..param.len() {
        let cut = read(&param[..length], &bin);
        assert!(cut.is_err() || length + 30 > param.len() && cut.as_ref() == Ok(&whole), "{length}");
    }
}

#[test]
fn another_graph_with_the_same_shapes_is_refused() {
    let (_, network) = build(&compact(3, 3, 2)).unwrap();
    let (param, bin) = write(&network, PLAIN);
    let (_, esrgan) = build(&esrgan(4, 4, 1, 1)).unwrap();
    let (esrgan, esrgan_bin) = write(&esrgan, PLAIN);
    let changes = [
        // Bicubic, another slope, another factor of the sum, a difference, an activation that is left out of the graph.
        (&param, &bin, "Interp       layer_8 1 1 v0_split_0 v5 0=1", "Interp x 1 1 v0_split_0 v5 0=3"),
        (&esrgan, &esrgan_bin, "-23310=1,2e-1", "-23310=1,1e-1"),
        (&esrgan, &esrgan_bin, "-23301=2,2e-1,1e0", "-23301=2,3e-1,1e0"),
        (&esrgan, &esrgan_bin, "-23301=2,2e-1,1e0", "-23301=2,2e-1,-1e0"),
        (&esrgan, &esrgan_bin, " 9=2 -23310=1,2e-1", ""),
        (&esrgan, &esrgan_bin, "Concat ", "Clip "),
    ];
    for (param, bin, from, to) in changes {
        let changed = param.replacen(from, to, 1);
        assert_ne!(&changed, param, "{from} is not there:\n{param}");
        let error = read(&changed, bin).expect_err(to);
        assert!(matches!(error, Error::Unsupported { .. } | Error::UnknownArchitecture { .. }), "{error}");
    }
}

#[test]
fn another_span_with_the_same_shapes_is_refused() {
    let (_, network) = build(&span(4, 2, true, 2)).unwrap();
    let (param, bin) = write(&network, PLAIN);
    let changes = [
        // Of the normalization: a sum, a quotient, the other way round, another type or shape of the means.
        ("v1_sub 0=1", "v1_sub 0=0"),
        ("v1 0=2 1=1", "v1 0=3 1=1"),
        ("v0 v1_mean v1_sub", "v1_mean v0 v1_sub"),
        ("0=1 1=1 2=3", "0=1 1=1 2=3 21=2"),
        ("0=1 1=1 2=3", "0=1 1=3 2=1"),
        ("0=1 1=1 2=3", "0=1 1=1 2=2"),
        // Of a gate: another number, a product or sum with it, a sum instead of the gate, a sigmoid left out.
        ("0=1 1=1 2=5.000000e-01", "0=1 1=1 2=4.000000e-01"),
        ("0=1 1=1 2=5.000000e-01", "0=2 1=1 2=5.000000e-01"),
        ("0=1 1=1 2=5.000000e-01", "0=0 1=1 2=5.000000e-01"),
        ("v7_attention v7 0=2", "v7_attention v7 0=0"),
        ("Sigmoid ", "TanH "),
        ("Sigmoid ", "Split "),
        // Other activations.
        ("Swish ", "Mish "),
        ("Swish ", "Sigmoid "),
        ("Swish ", "ReLU "),
        ("Swish ", "Split "),
        // Other values joined.
        ("v2_split_0 v13 v7_split_0", "v2_split_0 v7_split_0 v13"),
        (
            "Swish        layer_18 1 1 v8 v8_activated \nSplit        layer_19 1 2 v8_activated v8_activated_split_0 ",
            "Split s 1 2 v8 v8_activated_split_0 v8_activated\nSwish s 1 1 v8_activated ",
        ),
    ];
    for (from, to) in changes {
        let mut changed = param.replacen(from, to, 1);
        assert_ne!(changed, param, "{from} is not there:\n{param}");
        if to.starts_with("Split s") {
            changed = changed.replacen("v8_activated v8_activated_split_1", "v8_activated_split_1", 1);
        }
        let error = read(&changed, &bin).expect_err(to);
        assert!(!matches!(error, Error::Truncated { .. }) || to.ends_with("2=2"), "{to}: {error}");
    }
    // What goes through the gate and what opens it, exchanged.
    let exchanged = param.replacen("v5_split_1 v2_split_1 v6", "v5_split_1 v5_split_0 v6", 1).replacen(
        "v5_split_0 v7_sigmoid",
        "v2_split_1 v7_sigmoid",
        1,
    );
    assert!(matches!(read(&exchanged, &bin), Err(Error::UnknownArchitecture { .. })));
    let unused = param.replacen("33 999", "34 999", 1) + "MemoryData m 0 1 m 0=1 1=1 2=1\n";
    assert!(matches!(read(&unused, &[&bin[..], &[0; 4]].concat()), Err(Error::Malformed { .. })));
}

#[test]
fn inputs_of_a_dense_block_in_another_order_are_refused() {
    let (_, network) = build(&esrgan(4, 4, 1, 1)).unwrap();
    let (param, bin) = write(&network, PLAIN);
    let line = param.lines().find(|line| line.starts_with("Concat") && line.contains(" 2 1 ")).unwrap();
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let swapped = format!("Concat x 2 1 {} {} {} 0=0", words[5], words[4], words[6]);
    assert!(read(&param.replace(line, &swapped), &bin).is_err());
}

#[test]
fn broken_lines_are_refused() {
    let (_, network) = build(&compact(3, 2, 2)).unwrap();
    let (param, bin) = write(&network, PLAIN);
    let swaps = [
        ("7767517", "7767518"),
        ("7767517\n", "7767517\n99999999999999999999 1\n"),
        ("7767517\n", "7767517\n1000000 1\n"),
        ("0=3 1=3", "0=4097 1=3"),
        ("0=3 1=3", "0=-3 1=3"),
        ("0=3 1=3", "0=9223372036854775807 1=3"),
        ("0=3 1=3", "0=3 0=3 1=3"),
        ("0=3 1=3", "0=3 1=5"),
        ("0=3 1=3", "0=3 1=3 3=2"),
        ("0=3 1=3", "0=3 1=3 77=1"),
        ("0=3 1=3", "0=3 1=3 -9223372036854775808=1"),
        ("4=1", "4=0"),
        ("5=1", "5=0"),
        ("6=81", "6=82"),
        ("PixelShuffle layer_5 1 1", "PixelShuffle layer_5 99999 1"),
        ("PixelShuffle layer_5 1 1", "PixelShuffle layer_5 0 1"),
        ("PixelShuffle layer_5 1 1 v2", "PixelShuffle layer_5 1 1 nothing"),
        ("0=2", "0=0"),
        ("1=2.000000e+00", "1=2.500000e+00"),
        ("1=2.000000e+00", "1=NaN"),
        ("1=2.000000e+00", "1=3.000000e+00"),
    ];
    for (from, to) in swaps {
        let changed = param.replacen(from, to, 1);
        assert_ne!(changed, param, "{from} is not there:\n{param}");
        assert!(read(&changed, &bin).is_err(), "{from} → {to}");
    }
    let mut other_type = bin.clone();
    other_type[..4].copy_from_slice(&0x000D_4B38_u32.to_le_bytes());
    let error = read(&param, &other_type).unwrap_err().to_string();
    assert!(error.contains("0x000D4B38"), "{error}");
}

#[test]
fn a_graph_that_asks_for_more_than_the_file_holds_allocates_nothing() {
    let param = "7767517\n3 3\nInput in 0 1 a\nConvolution c 1 1 a b 0=4096 1=3 4=1 5=1 6=110592\n\
                 Convolution d 1 1 b c 0=4096 1=3 4=1 5=1 6=150994944\n";
    assert!(matches!(read(param, &[0; 8]), Err(Error::Truncated { .. })));
    let bin = vec![0; 4 + 110_592 * 4 + 4096 * 4 + 8];
    assert!(matches!(read(param, &bin), Err(Error::TooLarge { .. })));
}
