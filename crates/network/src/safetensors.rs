//! safetensors: a JSON header that names tensors, then their numbers.

use half::f16;
use safetensors::{Dtype, SafeTensors};
use serde_json::{Map, Value, json};

use crate::convert::{from_bf16, from_f16, from_f32};
use crate::error::shown;
use crate::tensors::{check_numbers, element_count, too_large};
use crate::{Error, Tensors};

const FORMAT: &str = "safetensors";
/// The longest JSON header; 702 tensors of an RRDBNet need 80 kB.
const MAX_HEADER: usize = 4 << 20;

/// How the weights of convolutions are stored. Biases and slopes are always fp32: they are few, and half precision
/// would lose some of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WeightType {
    /// Half precision, rounded to nearest where a weight has more digits.
    F16,
    /// Single precision: exact.
    F32,
}

/// Reads the tensors under the names that the file gives them.
pub(crate) fn read(bytes: &[u8]) -> Result<Tensors, Error> {
    // The JSON becomes objects several times its size, so its length is checked before it is parsed.
    let header = bytes.first_chunk::<8>().map(|length| u64::from_le_bytes(*length));
    let Some(header) = header else {
        return Err(Error::Truncated { format: FORMAT, what: "its header".to_owned() });
    };
    if header > MAX_HEADER as u64 {
        let what = "the size of the safetensors header in bytes".to_owned();
        return Err(Error::TooLarge { what, found: header, limit: MAX_HEADER as u64 });
    }
    let file = SafeTensors::deserialize(bytes)
        .map_err(|error| Error::Malformed { format: FORMAT, reason: shown(&error.to_string()) })?;

    let mut tensors = Tensors::new();
    for (name, view) in file.iter() {
        let numbers = element_count(view.shape()).unwrap_or(usize::MAX);
        check_numbers(tensors.parameters().saturating_add(numbers))?;
        let data = match view.dtype() {
            Dtype::F32 => from_f32(view.data()),
            Dtype::F16 => from_f16(view.data()),
            Dtype::BF16 => from_bf16(view.data()),
            other => {
                return Err(Error::Unsupported {
                    found: format!("the tensor `{}` of type {other}", shown(name)),
                    supported: "save the model's weights as F32, F16 or BF16".to_owned(),
                });
            }
        };
        tensors.insert(name, view.shape().to_vec(), data)?;
    }
    Ok(tensors)
}

/// Writes a safetensors file. `metadata` is for people: origin, licence, architecture. The same tensors and metadata
/// give the same bytes.
///
/// # Errors
///
/// If a weight is too large for the type, or the header grows beyond what the reader takes.
pub fn write_safetensors(
    tensors: &Tensors,
    weights: WeightType,
    metadata: &[(&str, &str)],
) -> Result<Vec<u8>, Error> {
    // Written by hand, because the crate keeps metadata in a hash map and so writes a different file every time.
    let mut header = Map::new();
    let metadata: Map<_, _> = metadata.iter().map(|&(key, value)| (key.to_owned(), json!(value))).collect();
    header.insert("__metadata__".to_owned(), Value::Object(metadata));
    let mut data = Vec::new();
    // Wider types first, so that every tensor is aligned.
    for half in [false, true] {
        for (name, tensor) in tensors.iter() {
            let is_half = weights == WeightType::F16 && tensor.shape().len() == 4;
            if is_half != half {
                continue;
            }
            let start = data.len();
            if half {
                for &number in tensor.data() {
                    let rounded = f16::from_f32(number);
                    if !rounded.is_finite() {
                        return Err(Error::NotFinite { name: format!("{name} as F16") });
                    }
                    data.extend(rounded.to_le_bytes());
                }
            } else {
                data.extend(tensor.data().iter().flat_map(|number| number.to_le_bytes()));
            }
            let dtype = if half { "F16" } else { "F32" };
            let info = json!({"dtype": dtype, "shape": tensor.shape(), "data_offsets": [start, data.len()]});
            header.insert(name.to_owned(), info);
        }
    }
    let mut header = Value::Object(header).to_string().into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    if header.len() > MAX_HEADER {
        return Err(too_large("the size of the safetensors header in bytes", header.len(), MAX_HEADER));
    }
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.append(&mut header);
    file.append(&mut data);
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Tensors {
        let mut tensors = Tensors::new();
        tensors.insert("b.weight", vec![1, 2, 1, 1], vec![0.5, -2.0]).unwrap();
        tensors.insert("a.bias", vec![1], vec![0.1]).unwrap();
        tensors.insert("empty", vec![0], vec![]).unwrap();
        tensors
    }

    #[test]
    fn what_is_written_is_read() {
        for weights in [WeightType::F16, WeightType::F32] {
            let file =
                write_safetensors(&sample(), weights, &[("licence", "MIT"), ("origin", "here")]).unwrap();
            assert_eq!(read(&file).unwrap(), sample());
            let again = write_safetensors(&sample(), weights, &[("licence", "MIT"), ("origin", "here")]);
            assert_eq!(again.unwrap(), file);
            let (_, metadata) = SafeTensors::read_metadata(&file).unwrap();
            assert_eq!(metadata.metadata().as_ref().unwrap()["licence"], "MIT");
        }
    }

    #[test]
    fn weights_too_large_for_half_precision_are_refused() {
        let mut tensors = Tensors::new();
        tensors.insert("a.weight", vec![1, 1, 1, 1], vec![1e6]).unwrap();
        assert!(matches!(write_safetensors(&tensors, WeightType::F16, &[]), Err(Error::NotFinite { .. })));
        assert!(write_safetensors(&tensors, WeightType::F32, &[]).is_ok());
    }

    #[test]
    fn brain_floats_are_read_and_integers_refused() {
        let file = |dtype: &str| {
            let header = format!(r#"{{"a":{{"dtype":"{dtype}","shape":[1],"data_offsets":[0,2]}}}}"#);
            let mut file = (header.len() as u64).to_le_bytes().to_vec();
            file.extend(header.bytes());
            file.extend([0x80, 0x3f]);
            file
        };
        assert_eq!(read(&file("BF16")).unwrap().get("a").unwrap().data(), [1.0]);
        assert!(matches!(read(&file("I16")), Err(Error::Unsupported { .. })));
    }

    #[test]
    fn a_cut_or_lying_file_is_refused() {
        let file = write_safetensors(&sample(), WeightType::F16, &[]).unwrap();
        for length in 0..file.len() {
            assert!(read(&file[..length]).is_err(), "{length}");
        }
        let mut huge = file;
        huge[..8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(matches!(read(&huge), Err(Error::TooLarge { .. })));
    }
}
