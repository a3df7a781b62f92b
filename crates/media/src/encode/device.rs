//! An encoder, wherever it runs, and the try whether it does.

use crate::raw::codec::{Decoder, Encoder, EncoderConfig, Output, Parameters, Threads};
use crate::raw::frame::RawFrame;
use crate::raw::hardware::VaapiEncoder;
use crate::raw::log;
use crate::raw::packet::RawPacket;
use crate::raw::pixel::PixelFormat;
use crate::{CodecParameters, EncodeSettings, Error};

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

/// Packets that stand in for those of a film: all that a container can see of them is like that of the film's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandIn {
    /// What describes them.
    pub parameters: CodecParameters,
    /// The packet of a first picture.
    pub first: Vec<u8>,
    /// One of a picture that is like the one before, which is small.
    pub next: Vec<u8>,
}

/// Whether an encoder works with these settings: it is opened and encodes a picture of the real size and depth, which is
/// then decoded. Being listed proves nothing, and some encoders end at 4096 columns or say yes to what they cannot do.
///
/// # Errors
/// With the first thing that fails, in FFmpeg's own words where it has any.
pub fn try_encoder(settings: &EncodeSettings) -> Result<(), Error> {
    telling(|| attempt(settings, 1)).map(drop)
}

/// Encodes two pictures of the real size and depth for packets that stand in for a film's.
///
/// # Errors
/// As for [`try_encoder`].
pub fn stand_in(settings: &EncodeSettings) -> Result<StandIn, Error> {
    /// Most bytes of a packet whose codec has no small ones; containers do not look into those.
    const MOST: usize = 1 << 10;
    telling(|| {
        let (parameters, mut packets) = attempt(settings, 2)?;
        let parameters = parameters.to_plain(&settings.encoder);
        let mut next = packets.pop().unwrap_or_default();
        let mut first = packets.pop().unwrap_or_else(|| next.clone());
        if matches!(parameters.codec.as_str(), "prores" | "ffv1") {
            first.truncate(MOST);
            next.truncate(MOST);
        }
        Ok(StandIn { parameters, first, next })
    })
}

/// Does what may fail, with FFmpeg's own words.
fn telling<T>(attempt: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let (tried, said) = log::trying(attempt);
    match (tried, said) {
        (Err(Error::Encoder { encoder, reason }), said) if !said.is_empty() => {
            Err(Error::Encoder { encoder, reason: format!("{reason}: {said}") })
        }
        (tried, _) => tried,
    }
}

/// Encodes so many like pictures and decodes the first; gives what describes the packets, and the packets.
fn attempt(settings: &EncodeSettings, pictures: u8) -> Result<(Parameters, Vec<Vec<u8>>), Error> {
    let mut device = Device::open(settings)?;
    let mut picture = RawFrame::allocate(named(&settings.pixel_format)?, settings.size)?;
    picture.fill(0x55);
    picture.set_color(settings.color);
    let mut packets: Vec<RawPacket> = Vec::new();
    let mut send = |device: &mut Device, picture: Option<&mut RawFrame>| -> Result<(), Error> {
        device.send(picture)?;
        // Some encoders take no second picture before they have given the first.
        loop {
            let mut packet = RawPacket::new()?;
            if device.receive(&mut packet)? != Output::Some {
                return Ok(());
            }
            packets.push(packet);
        }
    };
    for number in 0..pictures {
        picture.set_pts(number.into());
        send(&mut device, Some(&mut picture))?;
    }
    send(&mut device, None)?;
    let bytes = packets.iter().map(|packet| packet.data().to_vec()).collect();
    let Some(first) = packets.first_mut() else {
        return Err(refused(settings, "it makes no packet out of a picture"));
    };
    let parameters = device.parameters()?;
    let mut decoder = Decoder::open(parameters.get(), settings.time_base, Threads::One)?;
    decoder.send(Some(first))?;
    decoder.send(None)?;
    let mut decoded = RawFrame::new()?;
    if decoder.receive(&mut decoded)? != Output::Some || decoded.size() != settings.size {
        return Err(refused(settings, "what it makes of a picture cannot be decoded"));
    }
    Ok((parameters, bytes))
}

fn refused(settings: &EncodeSettings, reason: &str) -> Error {
    Error::Encoder { encoder: settings.encoder.clone(), reason: reason.to_owned() }
}
