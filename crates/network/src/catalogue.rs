//! The models that the program brings along.

use crate::{Error, ModelBytes};

/// The name of the model that is used when none is asked for.
pub const DEFAULT: &str = "realesr-general-x4v3";

/// A model whose weights are part of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuiltIn {
    /// What it is called everywhere.
    pub name: &'static str,
    /// What it is for, in a few words.
    pub title: &'static str,
    /// SPDX identifier and owner.
    pub licence: &'static str,
    /// Where the weights come from.
    pub origin: &'static str,
    /// SHA-256 of the embedded file, in hexadecimal.
    pub sha256: &'static str,
    /// The name of the model that keeps noise, with which denoise strength blends; it is not built in.
    pub wdn: Option<&'static str>,
    safetensors: &'static [u8],
}

const LICENCE: &str = "BSD-3-Clause, (c) 2021 Xintao Wang";

/// All built-in models, the default first.
pub static BUILT_IN: [BuiltIn; 2] = [
    BuiltIn {
        name: DEFAULT,
        title: "Real-ESRGAN general ×4: films, series, anything",
        licence: LICENCE,
        origin: "https://github.com/xinntao/Real-ESRGAN/releases/tag/v0.2.5.0",
        sha256: "ccc76cc667962ab007996ea6f01fd4263a7c9dbeb2067cd424a72e048dfa1a86",
        wdn: Some("realesr-general-wdn-x4v3"),
        safetensors: include_bytes!("../../../models/realesr-general-x4v3.safetensors"),
    },
    BuiltIn {
        name: "realesr-animevideov3",
        title: "Real-ESRGAN anime video ×4: drawn films, twice as fast",
        licence: LICENCE,
        origin: "https://github.com/xinntao/Real-ESRGAN/releases/tag/v0.2.5.0",
        sha256: "00141b61846d7f78d584b94abe6e1f4abda606189a4de1a9d9faaa6e4992175b",
        wdn: None,
        safetensors: include_bytes!("../../../models/realesr-animevideov3.safetensors"),
    },
];

impl BuiltIn {
    /// The embedded file, for [`read_tensors`](crate::read_tensors).
    pub fn bytes(&self) -> ModelBytes<'static> {
        ModelBytes::Safetensors(self.safetensors)
    }
}

/// The built-in model of this name.
///
/// # Errors
///
/// If there is none; the message lists those that there are.
pub fn built_in(name: &str) -> Result<&'static BuiltIn, Error> {
    BUILT_IN.iter().find(|model| model.name == name).ok_or_else(|| {
        let known: Vec<String> = BUILT_IN.iter().map(|model| format!("`{}`", model.name)).collect();
        Error::UnknownModel { name: name.to_owned(), known: known.join(", ") }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{build, read_tensors};

    #[test]
    fn every_built_in_model_is_sound() {
        for model in &BUILT_IN {
            let (architecture, network) = build(&read_tensors(model.bytes()).unwrap()).unwrap();
            assert_eq!((architecture.name(), network.scale), ("SRVGGNetCompact", 4));
            assert_eq!(built_in(model.name).unwrap(), model);
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = built_in("realesr-genral").unwrap_err().to_string();
        for model in &BUILT_IN {
            assert!(error.contains(model.name), "{error}");
        }
    }
}
