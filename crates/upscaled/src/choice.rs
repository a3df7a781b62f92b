//! Values of the command line and of `upscaled.toml`: how each is read, and what is said of one that cannot be.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::str::FromStr;

use coordinator::Scope;
use job::encoder::{ENCODERS, Encoder};
use job::{Codec, Container, Crop, Deinterlace, FilmTime, LARGEST_SIDE, Scale};
use storage::Bytes;

/// The format of a result's video, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tonemap;

impl FromStr for Tonemap {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        if name == "sdr" { Ok(Self) } else { Err(format!("HDR cannot be brought to `{name}`: choose sdr")) }
    }
}

/// What the holder of a token may do.
pub(crate) fn token_scope(text: &str) -> Result<Scope, String> {
    let found = Scope::ALL.into_iter().find(|scope| scope.name() == text);
    found.ok_or_else(|| "choose read, control or admin".to_owned())
}

/// An address to listen on. A port alone is one of loopback.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix("localhost:").unwrap_or(text).parse().ok();
    let loopback = port.map(|port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
    loopback
        .or_else(|| text.parse().ok())
        .ok_or_else(|| "write an address and a port, for example 127.0.0.1:8100 or [::1]:8100".to_owned())
}

/// The name of a host, without a port.
pub(crate) fn host(text: &str) -> Result<String, String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if text.is_empty() || text.len() > 253 || !text.chars().all(is_name) {
        return Err("write the name of a host without a port, for example films.example.org".to_owned());
    }
    Ok(text.to_ascii_lowercase())
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

/// Disk that a job may take: a size with its unit, since a bare number is never meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DiskLimit(pub(crate) Bytes);

impl FromStr for DiskLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        if number == Some(0.0) {
            return Err(NO_ROOM.to_owned());
        }
        if number.is_some() && !text.starts_with(['+', '-']) {
            return Err(format!("a size needs its unit: did you mean \"{text}GB\"?"));
        }
        match text.parse() {
            Ok(Bytes(0)) => Err(NO_ROOM.to_owned()),
            Ok(bytes) => Ok(Self(bytes)),
            Err(error) => Err(storage::NoBytes::to_string(&error)),
        }
    }
}

const NO_ROOM: &str =
    "no job could make anything on no disk: name a size such as \"20GB\", or leave it out for no limit";

/// How many times larger results are.
pub(crate) fn scale(text: &str) -> Result<Scale, String> {
    text.parse().map_err(|error: job::ScaleError| error.to_string())
}

/// Rows or columns of a result.
pub(crate) fn side(text: &str) -> Result<u32, String> {
    whole(text, 2..=LARGEST_SIDE).ok_or_else(|| format!("choose a whole number from 2 to {LARGEST_SIDE}"))
}

/// A quality that some encoder takes; which it is, is known later.
pub(crate) fn crf(text: &str) -> Result<u8, String> {
    let ranges = || ENCODERS.iter().filter_map(|encoder| encoder.crf.as_ref());
    let is_taken = |crf: &u8| ranges().any(|range| range.contains(crf));
    let most = ranges().map(RangeInclusive::end).max().copied().unwrap_or_default();
    whole(text, 0..=u32::from(most))
        .map(|crf| crf as u8)
        .filter(is_taken)
        .ok_or_else(|| format!("choose a whole number from 0 (best) to 51, for AV1 from 1 to {most}"))
}

/// Share of the network.
pub(crate) fn strength(text: &str) -> Result<f32, String> {
    share(text).ok_or_else(|| "choose a number from 0 (no network) to 1 (the network alone)".to_owned())
}

/// Film grain.
pub(crate) fn grain(text: &str) -> Result<f32, String> {
    share(text).ok_or_else(|| "choose a number from 0 (none) to 1".to_owned())
}

/// Strength of the denoising.
pub(crate) fn denoise(text: &str) -> Result<f32, String> {
    share(text).ok_or_else(|| "choose a number from 0 to 1".to_owned())
}

/// Levels of 255.
pub(crate) fn levels(text: &str) -> Result<u8, String> {
    let levels = whole(text, 0..=255).map(|levels| levels as u8);
    levels.ok_or_else(|| "choose a whole number from 0 to 255".to_owned())
}

/// Frames of a segment.
pub(crate) fn frames(text: &str) -> Result<u32, String> {
    whole(text, 1..=u32::MAX).ok_or_else(|| "choose a whole number from 1 on".to_owned())
}

/// Days since the end of a job.
pub(crate) fn days(text: &str) -> Result<u32, String> {
    whole(text, 0..=36_500).ok_or_else(|| "choose a whole number of days from 0 to 36500".to_owned())
}

/// Jobs that are kept.
pub(crate) fn jobs(text: &str) -> Result<u32, String> {
    whole(text, 0..=1_000_000_000).ok_or_else(|| "choose a whole number from 0 to 1000000000".to_owned())
}

/// Threads of the engine.
pub(crate) fn threads(text: &str) -> Result<u32, String> {
    whole(text, 1..=1024).ok_or_else(|| "choose a whole number from 1 to 1024".to_owned())
}

/// Workers that make segments at the same time.
pub(crate) fn workers(text: &str) -> Result<u32, String> {
    whole(text, 1..=16).ok_or_else(|| "choose a whole number from 1 to 16".to_owned())
}

/// FFmpeg's name of an encoder.
pub(crate) fn encoder(text: &str) -> Result<String, String> {
    let known = || ENCODERS.each_ref().map(|encoder| encoder.name).join(", ");
    Encoder::named(text)
        .map(|encoder| encoder.name.to_owned())
        .ok_or_else(|| format!("there is no encoder `{text}`: choose one of {}", known()))
}

/// What is done to interlaced video.
pub(crate) fn deinterlace(text: &str) -> Result<Deinterlace, String> {
    let found = Deinterlace::ALL.into_iter().find(|kind| kind.name() == text);
    found.ok_or_else(|| "choose auto, off, frame, field or telecine".to_owned())
}

/// What is cut off of the pictures.
pub(crate) fn crop(text: &str) -> Result<Crop, String> {
    text.parse().map_err(|error: job::CropError| error.to_string())
}

/// A time within a film.
pub(crate) fn film_time(text: &str) -> Result<FilmTime, String> {
    text.parse().map_err(|error: job::FilmTimeError| error.to_string())
}

fn whole(text: &str, range: RangeInclusive<u32>) -> Option<u32> {
    text.trim().parse().ok().filter(|number| range.contains(number))
}

fn share(text: &str) -> Option<f32> {
    text.trim().parse().ok().filter(|share| (0.0..=1.0).contains(share))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_of_the_disk_has_a_unit() {
        assert_eq!("20GB".parse(), Ok(DiskLimit(Bytes(20_000_000_000))));
        assert_eq!("7 bytes".parse(), Ok(DiskLimit(Bytes(7))));
        for (text, meant) in [("200", "200GB"), (" 1.5 ", "1.5GB")] {
            let error = text.parse::<DiskLimit>().unwrap_err();
            assert!(error.contains(&format!("did you mean \"{meant}\"")), "{error}");
        }
        for text in ["0", "0.0", "0GB", "0 bytes"] {
            assert!(text.parse::<DiskLimit>().unwrap_err().contains("on no disk"), "{text}");
        }
        for text in ["much", "-200", "", "inf"] {
            assert!(text.parse::<DiskLimit>().unwrap_err().contains("20GB"), "{text}");
        }
    }

    #[test]
    fn numbers_are_checked_against_their_ranges() {
        assert_eq!((scale("8"), side("2"), crf("0"), crf("63")), (Ok(Scale::whole(8)), Ok(2), Ok(0), Ok(63)));
        assert_eq!((strength("0.5"), grain("1"), threads("1024")), (Ok(0.5), Ok(1.0), Ok(1024)));
        for text in ["0", "9", "-1", "2.555", "two", ""] {
            assert!(scale(text).unwrap_err().contains("from 1 to 8"), "{text}");
        }
        for text in ["-1", "64", "x"] {
            assert!(crf(text).unwrap_err().contains("0 (best) to 51"), "{text}");
        }
        assert_eq!((workers("1"), workers("16")), (Ok(1), Ok(16)));
        for text in ["0", "17", "-1", "two"] {
            assert!(workers(text).unwrap_err().contains("from 1 to 16"), "{text}");
        }
        for text in ["-0.1", "1.1", "NaN", "x"] {
            assert!(strength(text).is_err() && grain(text).is_err() && denoise(text).is_err(), "{text}");
        }
        assert!(
            side("16385").is_err() && frames("0").is_err() && threads("0").is_err() && levels("256").is_err()
        );
    }
}
