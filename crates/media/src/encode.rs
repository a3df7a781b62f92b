//! From RGB to packets.

use frame::{ColorDescription, Matrix, Planar, Primaries, Range, Rational, Size, Transfer};

use crate::raw::codec::{Encoder, EncoderConfig, Output};
use crate::raw::filter::Graph;
use crate::raw::frame::RawFrame;
use crate::raw::packet::RawPacket;
use crate::raw::pixel::PixelFormat;
use crate::resize::{RESAMPLER, RGB};
use crate::{CodecParameters, Error, VideoInfo};

/// The encoder of results.
const ENCODER: &str = "libx264";
/// The smallest blocks that libx264 tries. What was enlarged has no detail that needs smaller ones than 16 × 16 in motion
/// and 8 × 8 without: trying them takes a third more time and gives no smaller files.
const PARTITIONS: &str = "i8x8";

/// How a segment is encoded. Equal settings and pictures give equal packets.
#[derive(Debug, Clone, PartialEq)]
pub struct EncodeSettings {
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
    /// FFmpeg's name of the pixel format: see [`output_pixel_format`].
    pub pixel_format: String,
    /// Constant rate factor, 0 (lossless) to 51.
    pub crf: u8,
    /// One of libx264's presets.
    pub preset: String,
    /// Threads; another number gives other packets.
    pub threads: u32,
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

/// The pixel format of the result for a source: its chroma and depth, as far as the encoder has them.
pub fn output_pixel_format(source: &VideoInfo) -> String {
    let format = PixelFormat::named(&source.pixel_format);
    let chroma = match format {
        Some(format) if format.is_rgb() => "444",
        Some(format) if format.is_gray() => "420",
        Some(format) => match format.chroma_shift() {
            (0, 0) => "444",
            (1, 0) => "422",
            _ => "420",
        },
        None => "420",
    };
    let depth = if source.bit_depth > 8 { "10le" } else { "" };
    format!("yuv{chroma}p{depth}")
}

/// The colours of the result for a source: its own where the result can have them, the gaps filled. The result is
/// always YCbCr; RGB becomes BT.709 in limited range, which is what players expect.
pub fn output_color(source: &VideoInfo) -> ColorDescription {
    let format = PixelFormat::named(&source.pixel_format);
    let mut tagged = source.color;
    let is_gray = format.is_some_and(PixelFormat::is_gray) && tagged.range == Range::Unspecified;
    if is_gray || source.pixel_format.starts_with("yuvj") {
        tagged.range = Range::Full;
    }
    if format.is_some_and(PixelFormat::is_rgb) {
        tagged.matrix = Matrix::BT709;
        tagged.range = Range::Limited;
        let open = tagged.primaries == Primaries::UNSPECIFIED;
        tagged.primaries = if open { Primaries::BT709 } else { tagged.primaries };
        let open = tagged.transfer == Transfer::UNSPECIFIED;
        tagged.transfer = if open { Transfer::SRGB } else { tagged.transfer };
    }
    tagged.completed(source.size, false)
}

/// Encodes the pictures of a segment: the first is a keyframe, and nothing refers beyond the last.
#[derive(Debug)]
pub struct SegmentEncoder {
    encoder: Encoder,
    parameters: CodecParameters,
    graph: Graph,
    rgb: RawFrame,
    rgb_color: ColorDescription,
    color: ColorDescription,
    converted: RawFrame,
    packet: RawPacket,
    means: Vec<f32>,
}

impl SegmentEncoder {
    /// Opens an encoder for pictures of size `pictures`, which are brought to the size of the result.
    ///
    /// # Errors
    /// When the encoder does not take the settings.
    pub fn open(settings: &EncodeSettings, pictures: Size) -> Result<Self, Error> {
        let named = |name: &str| {
            PixelFormat::named(name).ok_or_else(|| Error::UnsupportedPixelFormat(name.to_owned()))
        };
        let encoder = Encoder::open(&EncoderConfig {
            name: ENCODER,
            size: settings.size,
            format: named(&settings.pixel_format)?,
            time_base: settings.time_base,
            frame_rate: settings.frame_rate,
            sample_aspect_ratio: settings.sample_aspect_ratio,
            color: settings.color,
            threads: settings.threads,
            options: &[
                ("crf", settings.crf.to_string()),
                ("preset", settings.preset.clone()),
                ("partitions", PARTITIONS.to_owned()),
            ],
        })?;
        let color = settings.color;
        let description = format!(
            "zscale=width={}:height={}:{RESAMPLER}:matrix={}:range={},format={}",
            settings.size.width,
            settings.size.height,
            color.matrix.0,
            if color.range == Range::Full { "full" } else { "limited" },
            settings.pixel_format,
        );
        Ok(Self {
            parameters: encoder.parameters()?.to_plain(ENCODER),
            encoder,
            graph: Graph::new(named(RGB)?, pictures, &description)?,
            rgb: RawFrame::allocate(named(RGB)?, pictures)?,
            rgb_color: ColorDescription { matrix: Matrix::IDENTITY, range: Range::Full, ..color },
            color,
            converted: RawFrame::new()?,
            packet: RawPacket::new()?,
            means: Vec::new(),
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
            return Err(Error::Encoder { encoder: ENCODER.to_owned(), reason }.into());
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
            packet(Packet {
                pts,
                dts: self.packet.dts().unwrap_or(pts),
                duration: self.packet.duration(),
                keyframe: self.packet.is_keyframe(),
                data: self.packet.data(),
            })?;
        }
        Ok(())
    }
}
