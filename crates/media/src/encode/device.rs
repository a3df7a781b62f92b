//! An encoder, wherever it runs, and the try whether it does.

use crate::raw::codec::{Decoder, Encoder, EncoderConfig, Output, Parameters, Threads};
use crate::raw::frame::RawFrame;
use crate::raw::hardware::VaapiEncoder;
use crate::raw::log;
use crate::raw::packet::RawPacket;
use crate::raw::pixel::PixelFormat;
use crate::{EncodeSettings, Error};

use super::options::options;

/// An encoder that is open.
#[derive(Debug)]
pub(super) enum Device {
    /// It takes pictures from memory.
    Memory(Encoder),
    /// It takes pictures from a VA-API device.
    Vaapi(VaapiEncoder),
}

impl Device {
    pub(super) fn open(settings: &EncodeSettings) -> Result<Self, Error> {
        let format = named(&settings.pixel_format)?;
        let options = options(settings);
        let config = EncoderConfig {
            name: &settings.encoder,
            size: settings.size,
            format,
            time_base: settings.time_base,
            frame_rate: settings.frame_rate,
            sample_aspect_ratio: settings.sample_aspect_ratio,
            color: settings.color,
            chroma_location: settings.chroma_location,
            threads: settings.threads,
            options: &options,
        };
        if settings.encoder.ends_with("_vaapi") {
            let config = EncoderConfig { format: named("vaapi")?, ..config };
            return Ok(Self::Vaapi(VaapiEncoder::open(&config, format)?));
        }
        Ok(Self::Memory(Encoder::open(&config)?))
    }

    pub(super) fn send(&mut self, frame: Option<&mut RawFrame>) -> Result<(), Error> {
        match (self, frame) {
            (Self::Memory(encoder), frame) => encoder.send(frame),
            (Self::Vaapi(device), None) => device.encoder.send(None),
            (Self::Vaapi(device), Some(frame)) => {
                let mut uploaded = device.upload(frame)?;
                device.encoder.send(Some(&mut uploaded))
            }
        }
    }

    pub(super) fn receive(&mut self, packet: &mut RawPacket) -> Result<Output, Error> {
        match self {
            Self::Memory(encoder) => encoder.receive(packet),
            Self::Vaapi(device) => device.encoder.receive(packet),
        }
    }

    pub(super) fn parameters(&self) -> Result<Parameters, Error> {
        match self {
            Self::Memory(encoder) => encoder.parameters(),
            Self::Vaapi(device) => device.encoder.parameters(),
        }
    }
}

pub(super) fn named(format: &str) -> Result<PixelFormat, Error> {
    PixelFormat::named(format).ok_or_else(|| Error::UnsupportedPixelFormat(format.to_owned()))
}

/// Whether an encoder works with these settings: it is opened and encodes a picture of the real size and depth, which is
/// then decoded. Being listed proves nothing, and some encoders end at 4096 columns or say yes to what they cannot do.
///
/// # Errors
/// With the first thing that fails, in FFmpeg's own words where it has any.
pub fn try_encoder(settings: &EncodeSettings) -> Result<(), Error> {
    let (tried, said) = log::trying(|| attempt(settings));
    match (tried, said) {
        (Err(Error::Encoder { encoder, reason }), said) if !said.is_empty() => {
            Err(Error::Encoder { encoder, reason: format!("{reason}: {said}") })
        }
        (tried, _) => tried,
    }
}

fn attempt(settings: &EncodeSettings) -> Result<(), Error> {
    let mut device = Device::open(settings)?;
    let mut picture = RawFrame::allocate(named(&settings.pixel_format)?, settings.size)?;
    picture.fill(0x55);
    picture.set_color(settings.color);
    picture.set_pts(0);
    device.send(Some(&mut picture))?;
    device.send(None)?;
    let mut packet = RawPacket::new()?;
    if device.receive(&mut packet)? != Output::Some {
        return Err(refused(settings, "it makes no packet out of a picture"));
    }
    let parameters = device.parameters()?;
    let mut decoder = Decoder::open(parameters.get(), settings.time_base, Threads::One)?;
    decoder.send(Some(&mut packet))?;
    decoder.send(None)?;
    let mut decoded = RawFrame::new()?;
    if decoder.receive(&mut decoded)? != Output::Some || decoded.size() != settings.size {
        return Err(refused(settings, "what it makes of a picture cannot be decoded"));
    }
    Ok(())
}

fn refused(settings: &EncodeSettings, reason: &str) -> Error {
    Error::Encoder { encoder: settings.encoder.clone(), reason: reason.to_owned() }
}
