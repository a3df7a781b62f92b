//! The encoders that results are made with: which there are, in which order they are tried, and what can be chosen of each.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// The format of a result's video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Codec {
    /// H.264: plays everywhere.
    H264,
    /// HEVC (H.265): 10 and 12 bits, HDR, pictures wider than 4096.
    Hevc,
    /// AV1.
    Av1,
    /// Apple `ProRes`, for editing.
    Prores,
    /// FFV1, lossless, for archives.
    Ffv1,
}

impl Codec {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::H264, Self::Hevc, Self::Av1, Self::Prores, Self::Ffv1];

    /// The name on the command line and in settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::H264 => "h264",
            Self::Hevc => "hevc",
            Self::Av1 => "av1",
            Self::Prores => "prores",
            Self::Ffv1 => "ffv1",
        }
    }

    /// The codec of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| codec.name() == name)
    }

    /// True when MP4 files have a place for it.
    pub const fn fits_mp4(self) -> bool {
        matches!(self, Self::H264 | Self::Hevc | Self::Av1)
    }

    /// The encoders of the codec, in the order in which they are tried: the hardware's first, which leave the processor to
    /// the network.
    pub fn ladder(self) -> impl Iterator<Item = &'static Encoder> {
        ENCODERS.iter().filter(move |encoder| encoder.codec == self)
    }
}

/// What is known of an encoder.
#[derive(Debug, PartialEq, Eq)]
pub struct Encoder {
    /// FFmpeg's name of it.
    pub name: &'static str,
    /// What it makes.
    pub codec: Codec,
    /// It runs on a device that may be missing, busy or too old.
    pub is_hardware: bool,
    /// The quality numbers that it takes, lower is better; `None` for one without a choice.
    pub crf: Option<RangeInclusive<u8>>,
    /// The number that is used when none is chosen.
    pub default_crf: u8,
    /// Its presets, from the fastest; none where there is no choice.
    pub presets: &'static [&'static str],
    /// The preset that is used when none is chosen.
    pub default_preset: &'static str,
}

const X264: [&str; 9] =
    ["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"];
const NVENC: [&str; 7] = ["p1", "p2", "p3", "p4", "p5", "p6", "p7"];
const QSV: [&str; 7] = ["veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"];
const AMF: [&str; 3] = ["speed", "balanced", "quality"];
const SVT_AV1: [&str; 13] = ["12", "11", "10", "9", "8", "7", "6", "5", "4", "3", "2", "1", "0"];

const fn hardware(
    name: &'static str,
    codec: Codec,
    default_crf: u8,
    presets: &'static [&'static str],
    default_preset: &'static str,
) -> Encoder {
    Encoder { name, codec, is_hardware: true, crf: Some(0..=51), default_crf, presets, default_preset }
}

/// All encoders, those of a codec in the order in which they are tried.
///
/// The quality numbers are each encoder's own scale; the defaults make about the same quality, which is high: a result is
/// made once and kept.
pub static ENCODERS: [Encoder; 17] = [
    hardware("h264_nvenc", Codec::H264, 19, &NVENC, "p5"),
    hardware("h264_qsv", Codec::H264, 18, &QSV, "medium"),
    hardware("h264_vaapi", Codec::H264, 18, &[], ""),
    hardware("h264_amf", Codec::H264, 18, &AMF, "balanced"),
    Encoder {
        name: "libx264",
        codec: Codec::H264,
        is_hardware: false,
        crf: Some(0..=51),
        default_crf: 16,
        presets: &X264,
        default_preset: "veryfast",
    },
    hardware("hevc_nvenc", Codec::Hevc, 21, &NVENC, "p5"),
    hardware("hevc_qsv", Codec::Hevc, 20, &QSV, "medium"),
    hardware("hevc_vaapi", Codec::Hevc, 20, &[], ""),
    hardware("hevc_amf", Codec::Hevc, 20, &AMF, "balanced"),
    Encoder {
        name: "libx265",
        codec: Codec::Hevc,
        is_hardware: false,
        crf: Some(0..=51),
        default_crf: 18,
        presets: &X264,
        default_preset: "veryfast",
    },
    hardware("av1_nvenc", Codec::Av1, 24, &NVENC, "p5"),
    hardware("av1_qsv", Codec::Av1, 24, &QSV, "medium"),
    hardware("av1_vaapi", Codec::Av1, 24, &[], ""),
    hardware("av1_amf", Codec::Av1, 24, &AMF, "balanced"),
    Encoder {
        name: "libsvtav1",
        codec: Codec::Av1,
        is_hardware: false,
        crf: Some(1..=63),
        default_crf: 22,
        presets: &SVT_AV1,
        default_preset: "8",
    },
    Encoder {
        name: "prores_ks",
        codec: Codec::Prores,
        is_hardware: false,
        crf: None,
        default_crf: 0,
        presets: &[],
        default_preset: "",
    },
    Encoder {
        name: "ffv1",
        codec: Codec::Ffv1,
        is_hardware: false,
        crf: None,
        default_crf: 0,
        presets: &[],
        default_preset: "",
    },
];

impl Encoder {
    /// The encoder of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ENCODERS.iter().find(|encoder| encoder.name == name)
    }
}

/// How the video of a result is encoded: found by trying before the first segment is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encoding {
    /// FFmpeg's name of the encoder, one of [`ENCODERS`].
    pub encoder: String,
    /// FFmpeg's name of the pixel format.
    pub pixel_format: String,
}

impl Encoding {
    /// What is known of the encoder.
    pub fn about(&self) -> Option<&'static Encoder> {
        Encoder::named(&self.encoder)
    }

    /// True when video of both encoders can stand in one file that every reader takes: H.264, whose packets name the
    /// parameter set that they need. All of the others would need two kinds of samples in a track.
    pub fn can_follow(&self, before: &Self) -> bool {
        let is_h264 = |encoding: &Self| encoding.about().is_some_and(|about| about.codec == Codec::H264);
        // Only libx264 lets its parameter sets be numbered.
        is_h264(before) && self.encoder == "libx264" && self.pixel_format == before.pixel_format
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ladder_ends_with_an_encoder_that_needs_no_hardware() {
        for codec in Codec::ALL {
            let ladder: Vec<_> = codec.ladder().collect();
            let (last, others) = ladder.split_last().unwrap();
            assert!(!last.is_hardware, "{codec:?}");
            assert!(others.iter().all(|encoder| encoder.is_hardware), "{codec:?}");
        }
    }

    #[test]
    fn defaults_are_among_the_choices() {
        for encoder in &ENCODERS {
            assert!(
                encoder.crf.as_ref().is_none_or(|range| range.contains(&encoder.default_crf)),
                "{encoder:?}"
            );
            let is_known = encoder.presets.contains(&encoder.default_preset);
            assert!(is_known || encoder.presets.is_empty(), "{encoder:?}");
        }
    }

    #[test]
    fn only_h264_of_the_same_format_can_follow() {
        let encoding = |encoder: &str, pixel_format: &str| Encoding {
            encoder: encoder.to_owned(),
            pixel_format: pixel_format.to_owned(),
        };
        let nvenc = encoding("h264_nvenc", "yuv420p");
        assert!(encoding("libx264", "yuv420p").can_follow(&nvenc));
        assert!(!encoding("libx264", "yuv444p").can_follow(&nvenc));
        assert!(!encoding("libx265", "yuv420p").can_follow(&encoding("hevc_nvenc", "yuv420p")));
        assert!(!nvenc.can_follow(&encoding("libx264", "yuv420p")));
    }
}
