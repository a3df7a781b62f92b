//! The one way in: the bytes of a model file to tensors.

use crate::{Error, Tensors, names, ncnn, pth, safetensors};

/// A kind of model file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `.safetensors`.
    Safetensors,
    /// PyTorch's zip of a pickle and storages, `.pth` or `.pt`.
    Pth,
    /// ncnn's pair of `.param` (graph) and `.bin` (weights).
    Ncnn,
}

impl Format {
    /// The format that a file of this name has, if it is a model of a kind that this crate reads. Of ncnn's two files
    /// either says so.
    pub fn of(file_name: &str) -> Option<Self> {
        let (stem, ending) = file_name.rsplit_once('.')?;
        if stem.is_empty() {
            return None;
        }
        match ending.to_ascii_lowercase().as_str() {
            "safetensors" => Some(Self::Safetensors),
            "pth" | "pt" => Some(Self::Pth),
            "param" | "bin" => Some(Self::Ncnn),
            _ => None,
        }
    }
}

/// The contents of a model file.
#[derive(Debug, Clone, Copy)]
pub enum ModelBytes<'a> {
    /// A `.safetensors` file.
    Safetensors(&'a [u8]),
    /// A `.pth` file.
    Pth(&'a [u8]),
    /// ncnn's two files.
    Ncnn {
        /// The `.param` file.
        param: &'a str,
        /// The `.bin` file.
        bin: &'a [u8],
    },
}

/// Reads a model file. The tensors have the names of the official state dicts (`body.0.weight`, `conv_first.bias`, …),
/// whatever the file calls them.
///
/// # Errors
///
/// If the file is damaged, hostile, too large or not a model.
pub fn read_tensors(model: ModelBytes<'_>) -> Result<Tensors, Error> {
    match model {
        ModelBytes::Safetensors(bytes) => names::official(safetensors::read(bytes)?),
        ModelBytes::Pth(bytes) => names::official(pth::read(bytes)?),
        ModelBytes::Ncnn { param, bin } => ncnn::read(param, bin),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_tells_the_format() {
        assert_eq!(Format::of("a.b.SafeTensors"), Some(Format::Safetensors));
        assert_eq!(Format::of("x.pth"), Some(Format::Pth));
        assert_eq!((Format::of("x.param"), Format::of("x.bin")), (Some(Format::Ncnn), Some(Format::Ncnn)));
        for other in ["x.onnx", "pth", ".pth", "", "x.pth.part"] {
            assert_eq!(Format::of(other), None, "{other}");
        }
    }
}
