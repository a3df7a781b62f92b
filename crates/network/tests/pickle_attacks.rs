//! Pickles that would run code in Python, exhaust memory or run for ever. All are refused, and nothing runs.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::time::{Duration, Instant};

use network::{Error, ModelBytes, read_tensors};
use support::pth::{dict_of, tensor, with_pickle};

fn refusal(pickle: &[u8]) -> Error {
    let start = Instant::now();
    let error = read_tensors(ModelBytes::Pth(&with_pickle(pickle))).unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(10), "{error}");
    error
}

/// What the attacks would do if anything were run.
const COMMAND: &str = "touch upscaled-was-here";

fn short_text(text: &str) -> Vec<u8> {
    [&[0x8c, text.len() as u8], text.as_bytes()].concat()
}

/// A call of a global with the command, in the usual way: GLOBAL, a tuple of a text, REDUCE.
fn call(module: &str, name: &str) -> Vec<u8> {
    let global = format!("c{module}\n{name}\n");
    [b"\x80\x02", global.as_bytes(), &short_text(COMMAND), b"\x85R."].concat()
}

#[test]
fn every_function_that_could_run_code_is_refused_by_name() {
    let functions = [
        ("os", "system"),
        ("posix", "system"),
        ("nt", "system"),
        ("os", "popen"),
        ("os", "execvp"),
        ("builtins", "eval"),
        ("builtins", "exec"),
        ("builtins", "compile"),
        ("builtins", "getattr"),
        ("builtins", "__import__"),
        ("__builtin__", "eval"),
        ("subprocess", "Popen"),
        ("subprocess", "check_output"),
        ("runpy", "_run_code"),
        ("importlib", "import_module"),
        ("pickle", "loads"),
        ("torch", "load"),
        ("torch.storage", "_load_from_bytes"),
        ("torch.jit._serialization", "load"),
        ("torch._utils", "_rebuild_tensor"),
        ("torch.hub", "load"),
        ("codecs", "encode"),
        ("functools", "partial"),
        ("operator", "attrgetter"),
        ("webbrowser", "open"),
        ("collections", "OrderedDict.__init__"),
        ("collections.abc", "OrderedDict"),
        ("torch", "FloatStorage.from_file"),
        ("torch ", "FloatStorage"),
        ("", ""),
    ];
    for (module, name) in functions {
        let error = refusal(&call(module, name));
        assert_eq!(error, Error::ForbiddenCode { name: format!("{module}.{name}") });
        assert!(error.to_string().contains(&format!("asks to run `{module}.{name}`; refused")), "{error}");
        // The same by STACK_GLOBAL, and by INST, which calls at once.
        let stacked = [
            b"\x80\x04",
            &short_text(module)[..],
            &short_text(name),
            b"\x93",
            &short_text(COMMAND),
            b"\x85R.",
        ];
        assert!(matches!(refusal(&stacked.concat()), Error::ForbiddenCode { .. }), "{module}.{name}");
        let inst = format!("(\u{8c}i{module}\n{name}\n.");
        assert!(read_tensors(ModelBytes::Pth(&with_pickle(inst.as_bytes()))).is_err());
        let inst =
            [b"\x80\x02(", &short_text(COMMAND)[..], format!("i{module}\n{name}\n.").as_bytes()].concat();
        assert!(matches!(refusal(&inst), Error::ForbiddenCode { .. }), "{module}.{name}");
    }
    assert!(!std::path::Path::new("upscaled-was-here").exists());
}

#[test]
fn operations_that_make_objects_are_refused() {
    let dict = b"ccollections\nOrderedDict\n";
    let storage = b"ctorch\nFloatStorage\n";
    let operations: Vec<(&str, Vec<u8>)> = vec![
        ("INST", [b"(".as_slice(), b"icollections\nOrderedDict\n."].concat()),
        ("OBJ", [b"(".as_slice(), dict, b"o."].concat()),
        ("NEWOBJ", [dict.as_slice(), b")\x81."].concat()),
        ("NEWOBJ_EX", [dict.as_slice(), b")}\x92."].concat()),
        // State set on what is no dictionary, or that is no dictionary.
        ("BUILD", [storage.as_slice(), b"}b."].concat()),
        ("BUILD", [dict.as_slice(), b"}b."].concat()),
        ("BUILD", [dict.as_slice(), b")RNb."].concat()),
        ("BUILD", [dict.as_slice(), b")R]b."].concat()),
        ("BUILD", [dict.as_slice(), b")R}}\x86b."].concat()),
        // Calls of what is allowed by name, in another way than weights do.
        ("REDUCE", [storage.as_slice(), b")R."].concat()),
        ("REDUCE", [dict.as_slice(), b"K\x01\x85R."].concat()),
        ("REDUCE", [dict.as_slice(), b"NR."].concat()),
        ("REDUCE", b"X\x02\x00\x00\x00os)R.".to_vec()),
        ("REDUCE", b"ctorch._utils\n_rebuild_parameter\nN\x89}\x87R.".to_vec()),
        ("PERSID", b"Pstorage\n.".to_vec()),
        ("EXT1", b"\x82\x01.".to_vec()),
        ("EXT2", b"\x83\x01\x00.".to_vec()),
        ("EXT4", b"\x84\x01\x00\x00\x00.".to_vec()),
        ("DUP", b"N2.".to_vec()),
        ("GET", b"g0\n.".to_vec()),
        ("BYTEARRAY8", b"\x96\xff\xff\xff\xff\xff\xff\xff\x7f.".to_vec()),
        ("BINBYTES8", b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.".to_vec()),
        ("BINUNICODE8", b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7f.".to_vec()),
        ("LONG4", b"\x8b\xff\xff\xff\x7f.".to_vec()),
        ("FROZENSET", b"(\x91.".to_vec()),
        ("0xff", b"\xff.".to_vec()),
    ];
    for (name, operation) in operations {
        let pickle = [b"\x80\x02".as_slice(), &operation].concat();
        assert_eq!(
            refusal(&pickle),
            Error::ForbiddenOperation { operation: name.to_owned() },
            "{operation:x?}"
        );
    }
}

#[test]
fn persistent_ids_other_than_storages_are_refused() {
    let ids: [&[u8]; 7] = [
        b"NQ.",
        b")Q.",
        b"X\x07\x00\x00\x00storageQ.",
        b"(X\x06\x00\x00\x00moduleccollections\nOrderedDict\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x01tQ.",
        b"(X\x07\x00\x00\x00storageccollections\nOrderedDict\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x01tQ.",
        b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nK\x01X\x03\x00\x00\x00cpuK\x01tQ.",
        b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x01}tQ.",
    ];
    for id in ids {
        assert!(matches!(refusal(id), Error::Malformed { .. }), "{id:x?}");
    }
}

#[test]
fn bombs_are_harmless() {
    const SIZE: usize = 4_000_000;
    // A million nested tuples, lists, dictionaries; marks without end; a value that contains itself.
    for pair in [&b")\x85"[..], b"]a", b"}Ns", b"((", b")\x86", b"(t", b"NN"] {
        let pickle = [b"\x80\x02NNNN".as_slice(), &pair.repeat(SIZE / pair.len() - 10), b"."].concat();
        refusal(&pickle);
    }
    let nested = [b"\x80\x02)".as_slice(), &b"\x85".repeat(400_000), b"."].concat();
    assert!(matches!(refusal(&nested), Error::Malformed { .. }));
    // Doubling: each tuple holds the one before it twice, 2^100,000 values if they were copied.
    let billion_laughs = [b"\x80\x02)".as_slice(), &b"q\x00h\x00\x86".repeat(100_000), b"."].concat();
    assert!(matches!(refusal(&billion_laughs), Error::Malformed { .. }));
    assert!(matches!(refusal(b"\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s."), Error::Malformed { .. }));
    // A memo at the largest places.
    let mut memo = b"\x80\x02}".to_vec();
    for index in (u32::MAX - 60_000)..u32::MAX {
        memo.push(b'r');
        memo.extend(index.to_le_bytes());
    }
    memo.push(b'.');
    assert!(read_tensors(ModelBytes::Pth(&with_pickle(&memo))).unwrap().is_empty());
    assert!(matches!(refusal(&b"\x80\x02N".repeat(500_000)), Error::TooLarge { .. }));
    // Lengths beyond the file.
    refusal(b"\x80\x02X\xff\xff\xff\xff");
    refusal(b"\x80\x02\x8a\xffabc");
    refusal(b"\x80\x02cos");
    refusal(b"\x80\x02\x95\xff");
}

#[test]
fn broken_stacks_are_refused() {
    let pickles: [&[u8]; 16] = [
        b"",
        b".",
        b"0",
        b"(.",
        b"(0.",
        b"t.",
        b"\x85.",
        b"N\x86.",
        b"u.",
        b"}(Nu.",
        b"Nq",
        b"q\x00.",
        b"h\x07.",
        b"NNs.",
        b"\x80\x06N.",
        b"R.",
    ];
    for pickle in pickles {
        refusal(pickle);
    }
}

#[test]
fn control_characters_of_a_file_do_not_reach_the_message() {
    let error = refusal(&call("os\u{1b}[2J", "system")).to_string();
    assert!(!error.contains('\u{1b}'), "{error}");
    let long = refusal(&call("os", &"x".repeat(100_000)));
    assert!(long.to_string().len() < 500);
}

#[test]
fn a_parameter_is_its_tensor() {
    let inner = tensor("FloatStorage", "0", 16, 0, &[16], &[1]);
    let parameter =
        [b"ctorch._utils\n_rebuild_parameter\n(", &inner[..], b"\x88ccollections\nOrderedDict\n)RtR"]
            .concat();
    let tensors = read_tensors(ModelBytes::Pth(&with_pickle(&dict_of(&parameter)))).unwrap();
    assert_eq!(tensors.get("a").unwrap().shape(), [16]);
}
