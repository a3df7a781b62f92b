//! From RGB to packets.

mod device;
mod format;
mod memory;
mod options;

use std::collections::BTreeMap;

use frame::{ChromaLocation, ColorDescription, Matrix, Planar, Range, Rational, Size};

use crate::captions::CaptionSyntax;
use crate::raw::codec::Output;
use crate::raw::filter::Graph;
use crate::raw::frame::RawFrame;
use crate::raw::packet::RawPacket;
use crate::raw::pixel::PixelFormat;
use crate::resize::{RESAMPLER, RGB};
use crate::{CodecParameters, Error, Hdr, VideoInfo, bit_depth};

pub use device::{StandIn, stand_in, try_encoder};
pub use format::{OutputFormat, output_color, output_format};
pub use memory::{checking_memory, decoder_memory, encoder_memory, picture_bytes};

use device::{Device, named};

/// How a segment is encoded. Equal settings and pictures give equal packets.
#[derive(Debug, Clone, PartialEq)]
pub struct EncodeSettings {
    /// FFmpeg's name of the encoder.
    pub encoder: String,
    /// Size of the result; even in both directions.
    pub size: Size,
    /// Seconds a tick of the times given with the pictures.
    pub time_base: Rational,
    /// Frames a second, as far as known: the encoder's hint, never a source of times.
    pub frame_rate: Rational,
    /// Width of a pixel of the result as a multiple of its height; 0/1 where it is not known.
    pub sample_aspect_ratio: Rational,
    /// What the samples of the result stand for, complete: see [`output_color`].
    pub color: ColorDescription,
    /// Where the chroma samples of the result lie.
    pub chroma_location: ChromaLocation,
    /// FFmpeg's name of the pixel format: see [`output_format`].
    pub pixel_format: String,
    /// What HDR10 says of the mastering display; `None` for other pictures.
    pub hdr: Option<Hdr>,
    /// The pictures come from deeper samples than the format has: dither hides the steps.
    pub dither: bool,
    /// Quality on the encoder's own scale.
    pub crf: u8,
    /// One of the encoder's presets; empty where it has none.
    pub preset: String,
    /// More options, by FFmpeg's names.
    pub options: Vec<(String, String)>,
    /// Number of the parameter sets, for packets that follow those of another encoder in one stream. Only libx264 has a
    /// choice.
    pub parameter_set: u8,
    /// Threads; another number gives other packets.
    pub threads: u32,
}

impl EncodeSettings {
    /// Settings for a result that has the colours and the shape of the source: libx264's usual quality, one thread.
    pub fn new(
        source: &VideoInfo,
        encoder: &str,
        pixel_format: &str,
        size: Size,
        time_base: Rational,
    ) -> Self {
        Self {
            encoder: encoder.to_owned(),
            size,
            time_base,
            frame_rate: source.frame_rate,
            sample_aspect_ratio: source.sample_aspect_ratio,
            color: output_color(source, false),
            chroma_location: chroma_location(source, pixel_format),
            pixel_format: pixel_format.to_owned(),
            hdr: None,
            dither: bit_depth(pixel_format) < source.bit_depth,
            crf: 16,
            preset: "veryfast".to_owned(),
            options: Vec::new(),
            parameter_set: 0,
            threads: 1,
        }
    }
}

/// An encoded frame.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'a> {
    /// Presentation time in ticks.
    pub pts: i64,
    /// Decoding time in ticks, as the encoder has it; a join makes its own.
    pub dts: i64,
    /// How long the frame is shown in ticks; 0 where the encoder does not know.
    pub duration: i64,
    /// Decoding can start here.
    pub keyframe: bool,
    /// The encoded bytes.
    pub data: &'a [u8],
}

/// Encodes the pictures of a segment: the first is a keyframe, and nothing refers beyond the last.
#[derive(Debug)]
pub struct SegmentEncoder {
    name: String,
    encoder: Device,
    parameters: CodecParameters,
    graph: Graph,
    rgb: RawFrame,
    rgb_color: ColorDescription,
    color: ColorDescription,
    chroma_location: ChromaLocation,
    converted: RawFrame,
    packet: RawPacket,
    means: Vec<f32>,
    /// Captions by the times of their pictures, until the packet comes out.
    captions: BTreeMap<i64, Vec<u8>>,
}

impl SegmentEncoder {
    /// Opens an encoder for pictures of size `pictures`, which are brought to the size of the result.
    ///
    /// # Errors
    /// When the encoder does not take the settings.
    pub fn open(settings: &EncodeSettings, pictures: Size) -> Result<Self, Error> {
        let encoder = Device::open(settings)?;
        let color = settings.color;
        // Where the depth stays, 16 bits are
        // rounded to it without dither: the noise of the source or the encoder's hides the steps, and dither costs bits.
        let description = format!(
            "zscale=width={}:height={}:{RESAMPLER}:dither={}:matrix={}:range={}:chromal={},format={}",
            settings.size.width,
            settings.size.height,
            if settings.dither { "ordered" } else { "none" },
            color.matrix.0,
            if color.range == Range::Full { "full" } else { "limited" },
            zscale_name(settings.chroma_location),
            settings.pixel_format,
        );
        Ok(Self {
            name: settings.encoder.clone(),
            parameters: encoder.parameters()?.to_plain(&settings.encoder),
            encoder,
            graph: Graph::new(named(RGB)?, pictures, &description)?,
            rgb: RawFrame::allocate(named(RGB)?, pictures)?,
            rgb_color: ColorDescription { matrix: Matrix::IDENTITY, range: Range::Full, ..color },
            color,
            chroma_location: settings.chroma_location,
            converted: RawFrame::new()?,
            packet: RawPacket::new()?,
            means: Vec::new(),
            captions: BTreeMap::new(),
        })
    }

    /// What a decoder must know of the packets.
    pub fn parameters(&self) -> &CodecParameters {
        &self.parameters
    }

    /// The mean of the first plane of each picture so far, as it went into the encoder, 0 to 1 of all code values.
    pub fn means(&self) -> &[f32] {
        &self.means
    }

    /// Gives closed captions, in constructs of three bytes, to the picture that is shown at `pts` and pushed next. Codecs
    /// without a place for them leave them out.
    pub fn set_captions(&mut self, pts: i64, captions: &[u8]) {
        if !captions.is_empty() && CaptionSyntax::of(&self.parameters.codec).is_some() {
            self.captions.insert(pts, captions.to_vec());
        }
    }

    /// Encodes a picture, RGB of 16 bits in full range, shown at `pts`, which must be later than those before.
    ///
    /// # Errors
    /// When the encoder fails, or what `packet` returns.
    pub fn push<E: From<Error>>(
        &mut self,
        picture: &Planar<u16>,
        pts: i64,
        packet: &mut dyn FnMut(Packet<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.rgb.write_rgb16(picture)?;
        self.rgb.set_color(self.rgb_color);
        self.graph.run(&mut self.rgb, &mut self.converted)?;
        self.means.push(self.converted.mean_of_first_plane());
        self.converted.set_pts(pts);
        self.converted.set_color(self.color);
        self.converted.set_chroma_location(self.chroma_location);
        self.converted.clear_type();
        self.encoder.send(Some(&mut self.converted))?;
        self.drain(packet)
    }

    /// Encodes the picture before once more, shown at `pts`, with the packets that pushing it again would give.
    ///
    /// # Errors
    /// As for [`push`](Self::push), and when there is no picture before.
    pub fn push_again<E: From<Error>>(
        &mut self,
        pts: i64,
        packet: &mut dyn FnMut(Packet<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(&mean) = self.means.last() else {
            let reason = "there is no picture to repeat".to_owned();
            return Err(Error::Encoder { encoder: self.name.clone(), reason }.into());
        };
        self.means.push(mean);
        self.converted.set_pts(pts);
        self.encoder.send(Some(&mut self.converted))?;
        self.drain(packet)
    }

    /// Takes out what the encoder still holds. Nothing can be pushed afterwards.
    ///
    /// # Errors
    /// When the encoder fails, or what `packet` returns.
    pub fn finish<E: From<Error>>(
        &mut self,
        packet: &mut dyn FnMut(Packet<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.encoder.send(None)?;
        self.drain(packet)
    }

    fn drain<E: From<Error>>(
        &mut self,
        packet: &mut dyn FnMut(Packet<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        while self.encoder.receive(&mut self.packet)? == Output::Some {
            let pts = self.packet.pts().unwrap_or_default();
            let syntax = CaptionSyntax::of(&self.parameters.codec);
            let captions = self.captions.remove(&pts);
            let with_captions = captions.and_then(|captions| syntax?.insert(self.packet.data(), &captions));
            packet(Packet {
                pts,
                dts: self.packet.dts().unwrap_or(pts),
                duration: self.packet.duration(),
                keyframe: self.packet.is_keyframe(),
                data: with_captions.as_deref().unwrap_or(self.packet.data()),
            })?;
        }
        Ok(())
    }
}

/// Where the chroma samples of a result lie: where those of the source do, as far as it can be told. H.264 and HEVC tell it for
/// 4:2:0 only, and have it on the left for 4:2:2.
fn chroma_location(source: &VideoInfo, pixel_format: &str) -> ChromaLocation {
    match PixelFormat::named(pixel_format).map(PixelFormat::chroma_shift) {
        Some((1, 0)) => ChromaLocation::Left,
        _ => source.chroma_location,
    }
}

/// zscale's name of a place of chroma samples.
const fn zscale_name(location: ChromaLocation) -> &'static str {
    match location {
        ChromaLocation::Unspecified | ChromaLocation::Left => "left",
        ChromaLocation::Center => "center",
        ChromaLocation::TopLeft => "topleft",
        ChromaLocation::Top => "top",
        ChromaLocation::BottomLeft => "bottomleft",
        ChromaLocation::Bottom => "bottom",
    }
}
