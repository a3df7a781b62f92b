//! What a file holds.

mod choice;
mod container;

use frame::{Canvas, ChromaLocation, ColorDescription, Orientation, Rational, Size};

use crate::color::guessed;
use crate::dolby_vision::DolbyVision;
use crate::frame_list::Index;
use crate::raw::input::Input;
use crate::raw::pixel::PixelFormat;
use crate::raw::stream::{Kind, Stream};
use crate::{Error, MAX_PIXELS, Source};

/// What a file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// FFmpeg's names of the format, separated by commas.
    pub format: String,
    /// Duration by the word of the container.
    pub duration_seconds: Option<f64>,
    /// What a result says of how it was made; `None` for files that are none.
    pub made_by: Option<String>,
    /// Which of several videos is upscaled, in words; `None` where there is one.
    pub choice: Option<String>,
    /// The video that is upscaled: the one that was chosen, else the film by a rule.
    pub video: VideoInfo,
    /// All streams, in order.
    pub streams: Vec<StreamInfo>,
}

/// What is known of the video stream.
#[derive(Debug, Clone, PartialEq)]
pub struct VideoInfo {
    /// Its number in the file.
    pub stream_index: usize,
    /// FFmpeg's name of the codec.
    pub codec: String,
    /// Size of the pictures, before any rotation.
    pub size: Size,
    /// FFmpeg's name of the pixel format.
    pub pixel_format: String,
    /// Bits of a sample.
    pub bit_depth: u8,
    /// Width of a pixel as a multiple of its height; 0/1 where it is not known.
    pub sample_aspect_ratio: Rational,
    /// Seconds a tick.
    pub time_base: Rational,
    /// Frames a second, for display and encoders only: it may be wrong.
    pub frame_rate: Rational,
    /// The colours, as far as the file says.
    pub color: ColorDescription,
    /// Where the chroma samples lie.
    pub chroma_location: ChromaLocation,
    /// How far the picture must be turned to stand upright, in degrees counter-clockwise.
    pub rotation: Option<f64>,
    /// What must be done to the pictures so that they stand upright; `None` where they lie askew.
    pub orientation: Option<Orientation>,
    /// The file says that each frame consists of two fields of different times.
    pub is_interlaced: bool,
    /// It is Dolby Vision, by the word of the container.
    pub dolby_vision: Option<DolbyVision>,
    /// The pictures have transparent parts, which results do not keep.
    pub has_alpha: bool,
}

impl VideoInfo {
    /// As its frames are, which may be of several kinds, and of which something may be cut off.
    #[must_use]
    pub fn as_decoded(self, index: &Index) -> Self {
        let canvas = index.canvas.unwrap_or(Canvas { size: self.size, pixel: self.sample_aspect_ratio });
        let pixel_format = index.pixel_format.clone().unwrap_or(self.pixel_format);
        let bit_depth = crate::bit_depth(&pixel_format);
        let format = PixelFormat::named(&pixel_format).filter(|_| index.crop.is_some());
        let color = format.map_or(self.color, |format| guessed(self.color, canvas.size, format));
        let size = index.crop.map_or(canvas.size, |area| area.size);
        Self { size, sample_aspect_ratio: canvas.pixel, pixel_format, bit_depth, color, ..self }
    }

    /// As the pictures are once they were turned.
    #[must_use]
    pub fn turned(self, orientation: Orientation) -> Self {
        let Rational { num, den } = self.sample_aspect_ratio;
        let pixel = if orientation.transposed && num > 0 {
            Rational::new(den, num)
        } else {
            self.sample_aspect_ratio
        };
        let rotation = self.rotation.filter(|_| orientation == Orientation::UPRIGHT);
        Self { size: orientation.size(self.size), sample_aspect_ratio: pixel, rotation, ..self }
    }
}

/// The kind of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamKind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
    /// Subtitles.
    Subtitle,
    /// A file that is attached, such as a font.
    Attachment,
    /// Anything else.
    Data,
}

impl StreamKind {
    /// The name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Subtitle => "subtitle",
            Self::Attachment => "attachment",
            Self::Data => "data",
        }
    }
}

/// What is known of any stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamInfo {
    /// Its number in the file.
    pub index: usize,
    /// Its kind.
    pub kind: StreamKind,
    /// FFmpeg's name of the codec.
    pub codec: String,
    /// Its language, by the word of the file.
    pub language: Option<String>,
    /// Its title, by the word of the file.
    pub title: Option<String>,
    /// It is a cover picture.
    pub is_cover: bool,
    /// MPEG-4 files have a place for it.
    pub fits_mp4: bool,
    /// Matroska files have a place for it.
    pub fits_matroska: bool,
}

/// Looks into a file.
///
/// # Errors
/// When the file cannot be read or is not a video.
pub fn probe(source: &Source) -> Result<Probe, Error> {
    let input = Input::open(source)?;
    let video = video_stream(&input)?;
    let format = video.1.pixel_format();
    Ok(Probe {
        format: input.format(),
        duration_seconds: input.duration_seconds(),
        made_by: made_by(&input.metadata()),
        choice: choice::in_words(&input),
        video: VideoInfo {
            stream_index: video.0,
            codec: video.1.codec(),
            size: video.1.size(),
            pixel_format: format.name(),
            bit_depth: format.bit_depth(),
            sample_aspect_ratio: video.1.sample_aspect_ratio(),
            time_base: video.1.time_base(),
            frame_rate: frame_rate(video.1),
            color: video.1.color(),
            chroma_location: video.1.chroma_location(),
            rotation: video.1.rotation(),
            orientation: video.1.orientation(),
            is_interlaced: video.1.is_interlaced(),
            dolby_vision: DolbyVision::of_stream(video.1),
            has_alpha: format.has_alpha() || video.1.tag("alpha_mode").is_some_and(|mode| mode == "1"),
        },
        streams: input.streams().enumerate().map(|(index, stream)| info(index, stream)).collect(),
    })
}

/// The tags that tell how a result was made: the first is of Matroska, the second is what MPEG-4 has in place of it.
pub(crate) const PROVENANCE: [&str; 2] = ["UPSCALED", "encoding_tool"];

fn made_by(metadata: &[(String, String)]) -> Option<String> {
    // Read back, MPEG-4's has another name.
    let is_ours = |key: &str| key.eq_ignore_ascii_case(PROVENANCE[0]) || key.eq_ignore_ascii_case("encoder");
    let mut ours = metadata.iter().filter(|(key, value)| is_ours(key) && value.starts_with("upscaled "));
    ours.next().map(|(_, value)| value.clone())
}

/// The video stream that is upscaled, and its number.
pub(crate) fn video_stream(input: &Input) -> Result<(usize, Stream<'_>), Error> {
    let (index, stream) = choice::film(input)?;
    let size = stream.size();
    if size.pixels() == 0 {
        let reason = "its video says nothing of its size".to_owned();
        return Err(Error::NotAVideo { reason });
    }
    if size.pixels() > MAX_PIXELS {
        return Err(Error::TooLarge(size));
    }
    Ok((index, stream))
}

/// A frame rate that encoders can use, whatever the file says.
fn frame_rate(stream: Stream<'_>) -> Rational {
    let known =
        [stream.average_frame_rate(), stream.lowest_frame_rate()].into_iter().find(|rate| rate.is_known());
    known.unwrap_or(Rational::new(25, 1))
}

fn info(index: usize, stream: Stream<'_>) -> StreamInfo {
    StreamInfo {
        index,
        kind: match stream.kind() {
            Kind::Video => StreamKind::Video,
            Kind::Audio => StreamKind::Audio,
            Kind::Subtitle => StreamKind::Subtitle,
            Kind::Attachment => StreamKind::Attachment,
            Kind::Data => StreamKind::Data,
        },
        codec: stream.codec(),
        language: stream.tag("language"),
        title: stream.tag("title"),
        is_cover: stream.is_picture(),
        fits_mp4: crate::Container::Mp4.holds(stream),
        fits_matroska: crate::Container::Matroska.holds(stream),
    }
}
