//! Writes `.pth` files as `torch.save` does: a protocol-2 pickle and a storage for each tensor, in a zip file.

use std::io::{Cursor, Write as _};

use half::{bf16, f16};
use network::Tensors;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// How the numbers are stored.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Half,
    Brain,
    Float,
    Double,
}

impl Kind {
    fn class(self) -> &'static str {
        match self {
            Self::Half => "HalfStorage",
            Self::Brain => "BFloat16Storage",
            Self::Float => "FloatStorage",
            Self::Double => "DoubleStorage",
        }
    }

    fn bytes(self, number: f32) -> Vec<u8> {
        match self {
            Self::Half => f16::from_f32(number).to_le_bytes().to_vec(),
            Self::Brain => bf16::from_f32(number).to_le_bytes().to_vec(),
            Self::Float => number.to_le_bytes().to_vec(),
            Self::Double => f64::from(number).to_le_bytes().to_vec(),
        }
    }
}

/// A zip file with these entries in a folder `archive/`.
pub(crate) fn zip(entries: &[(&str, &[u8])], compression: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(compression);
    for (name, bytes) in entries {
        writer.start_file(format!("archive/{name}"), options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A file that holds only a pickle.
pub(crate) fn with_pickle(pickle: &[u8]) -> Vec<u8> {
    zip(&[("data.pkl", pickle), ("data/0", &[0; 64]), ("version", b"3\n")], CompressionMethod::Stored)
}

/// A model file; `under` is the key that holds the weights, or none for a plain state dict with its attributes.
pub(crate) fn write(tensors: &Tensors, kind: Kind, under: Option<&str>) -> Vec<u8> {
    let mut pickle = vec![0x80, 2];
    if let Some(key) = under {
        pickle.extend(b"}q\x00");
        text(&mut pickle, key);
    }
    pickle.extend(b"ccollections\nOrderedDict\nq\x01)Rq\x02(");
    let mut storages = Vec::new();
    for (index, (name, tensor)) in tensors.iter().enumerate() {
        text(&mut pickle, name);
        let numbers = tensor.data().len() as i32;
        let shape: Vec<i32> = tensor.shape().iter().map(|&extent| extent as i32).collect();
        let key = index.to_string();
        pickle.extend(self::tensor(kind.class(), &key, numbers, 0, &shape, &strides(&shape)));
        let bytes: Vec<u8> = tensor.data().iter().flat_map(|&number| kind.bytes(number)).collect();
        storages.push((format!("data/{key}"), bytes));
    }
    pickle.push(b'u');
    if under.is_some() {
        pickle.push(b's');
    } else {
        pickle.push(b'}');
        text(&mut pickle, "_metadata");
        pickle.extend(b"h\x01)Rsb");
    }
    pickle.push(b'.');
    let mut entries: Vec<(&str, &[u8])> = vec![("data.pkl", &pickle), ("byteorder", b"little")];
    entries.extend(storages.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())));
    entries.push(("version", b"3\n"));
    zip(&entries, CompressionMethod::Stored)
}

/// The strides of a tensor that lies in one piece.
pub(crate) fn strides(shape: &[i32]) -> Vec<i32> {
    (1..=shape.len()).map(|axis| shape[axis..].iter().product()).collect()
}

/// A whole state dict of one tensor.
pub(crate) fn dict_of(tensor: &[u8]) -> Vec<u8> {
    [b"\x80\x02}X\x01\x00\x00\x00a", tensor, b"s."].concat()
}

/// The pickle of a call of `_rebuild_tensor_v2`.
pub(crate) fn tensor(
    class: &str,
    key: &str,
    numbers: i32,
    offset: i32,
    size: &[i32],
    stride: &[i32],
) -> Vec<u8> {
    let mut pickle = b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec();
    text(&mut pickle, "storage");
    pickle.extend(format!("ctorch\n{class}\n").bytes());
    text(&mut pickle, key);
    text(&mut pickle, "cpu");
    integer(&mut pickle, numbers);
    pickle.extend(b"tQ");
    integer(&mut pickle, offset);
    for extents in [size, stride] {
        pickle.push(b'(');
        for &extent in extents {
            integer(&mut pickle, extent);
        }
        pickle.push(b't');
    }
    pickle.extend(b"\x89ccollections\nOrderedDict\n)RtR");
    pickle
}

/// The pickle of a text.
pub(crate) fn text(pickle: &mut Vec<u8>, text: &str) {
    pickle.push(b'X');
    pickle.extend((text.len() as u32).to_le_bytes());
    pickle.extend(text.bytes());
}

fn integer(pickle: &mut Vec<u8>, integer: i32) {
    match (u8::try_from(integer), u16::try_from(integer)) {
        (Ok(byte), _) => pickle.extend([b'K', byte]),
        (_, Ok(word)) => {
            pickle.push(b'M');
            pickle.extend(word.to_le_bytes());
        }
        _ => {
            pickle.push(b'J');
            pickle.extend(integer.to_le_bytes());
        }
    }
}
