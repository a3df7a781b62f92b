//! Which encoders really work: they are opened and encode a picture, since being listed proves nothing.

use frame::{ChromaLocation, ColorDescription, Rational, Size};

use crate::Error;
use crate::raw::codec::{Encoder, EncoderConfig, Output};
use crate::raw::frame::RawFrame;
use crate::raw::hardware::VaapiEncoder;
use crate::raw::packet::RawPacket;
use crate::raw::pixel::PixelFormat;

/// The encoders that are tried, with the format of their pictures.
const ENCODERS: [(&str, &str); 7] = [
    ("libx264", "yuv420p"),
    ("libx265", "yuv420p10le"),
    ("libsvtav1", "yuv420p10le"),
    ("h264_nvenc", "yuv420p"),
    ("hevc_nvenc", "p010le"),
    ("h264_qsv", "nv12"),
    ("h264_vaapi", "vaapi"),
];

/// Size of the picture that is tried; hardware encoders take no smaller ones.
const SIZE: Size = Size::new(320, 192);

/// Whether an encoder works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncoderStatus {
    /// FFmpeg's name of it.
    pub name: String,
    /// Why it does not work; `None` when it does.
    pub error: Option<String>,
}

/// Tries the encoders that matter.
pub fn doctor() -> Vec<EncoderStatus> {
    let status = |(name, format): (&str, &str)| EncoderStatus {
        name: name.to_owned(),
        error: attempt(name, format).err().map(|error| match error {
            Error::Encoder { reason, .. } | Error::Ffmpeg { reason, .. } => reason,
            other => other.to_string(),
        }),
    };
    ENCODERS.into_iter().map(status).collect()
}

fn attempt(name: &str, format: &str) -> Result<(), Error> {
    let named =
        |name: &str| PixelFormat::named(name).ok_or_else(|| Error::UnsupportedPixelFormat(name.to_owned()));
    let format = named(format)?;
    let config = EncoderConfig {
        name,
        size: SIZE,
        format,
        time_base: Rational::new(1, 25),
        frame_rate: Rational::new(25, 1),
        sample_aspect_ratio: Rational::new(1, 1),
        color: ColorDescription::UNSPECIFIED,
        chroma_location: ChromaLocation::Unspecified,
        threads: 1,
        options: &[],
    };
    if !format.is_hardware() {
        let encoder = Encoder::open(&config)?;
        return encode(encoder, RawFrame::allocate(format, SIZE)?);
    }
    let uploaded = named("nv12")?;
    let device = VaapiEncoder::open(&config, uploaded)?;
    let picture = device.upload(&mut RawFrame::allocate(uploaded, SIZE)?)?;
    encode(device.encoder, picture)
}

fn encode(mut encoder: Encoder, mut picture: RawFrame) -> Result<(), Error> {
    picture.set_pts(0);
    encoder.send(Some(&mut picture))?;
    encoder.send(None)?;
    let mut packet = RawPacket::new()?;
    match encoder.receive(&mut packet)? {
        Output::Some => Ok(()),
        Output::NeedsInput | Output::End => {
            Err(Error::Verification("it made no packet out of a picture".to_owned()))
        }
    }
}
