//! Values of the command line and of `upscaled.toml` that are words.

use std::str::FromStr;

use job::{Codec, Container};
use serde::Deserialize;

/// The format of a result's video, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct CodecName(pub(crate) Codec);

impl FromStr for CodecName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Codec::ALL.map(Codec::name).join(", ");
        Codec::named(name)
            .map(Self)
            .ok_or_else(|| format!("there is no codec `{name}`: choose one of {known}"))
    }
}

/// The kind of a result's file, by its extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct ContainerName(pub(crate) Container);

impl FromStr for ContainerName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "mp4" => Ok(Self(Container::Mp4)),
            "mkv" => Ok(Self(Container::Matroska)),
            _ => Err(format!("there is no container `{name}`: choose mp4 or mkv")),
        }
    }
}

/// What HDR is brought to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Tonemap;

impl FromStr for Tonemap {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        if name == "sdr" { Ok(Self) } else { Err(format!("HDR cannot be brought to `{name}`: choose sdr")) }
    }
}

/// An option of an encoder: its name and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EncoderOption(pub(crate) (String, String));

impl FromStr for EncoderOption {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, value)) => Ok(Self((name.to_owned(), value.to_owned()))),
            None => Err("write NAME=VALUE, for example tune=film".to_owned()),
        }
    }
}

macro_rules! from_string {
    ($($name:ident),*) => {
        $(impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        })*
    };
}

from_string!(CodecName, ContainerName, Tonemap);
