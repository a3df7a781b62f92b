//! What an opened file says of one of its streams.

use std::ffi::c_int;
use std::ptr;

use frame::{ChromaLocation, ColorDescription, Matrix, Orientation, Primaries, Rational, Size, Transfer};

use super::color::{chroma_location, range};
use super::pixel::PixelFormat;
use super::side_data::{SideData, ne_i32, orientation_of_matrix};
use super::{dictionary, ffi, rational, text};

/// The kinds of side data that describe a whole stream. Listed, because FFmpeg 5.1 and 6.1 keep them in different
/// places, and the call that works with both asks for one kind.
const STREAM_SIDE_DATA: [ffi::AVPacketSideDataType; 11] = [
    ffi::AVPacketSideDataType::DISPLAYMATRIX,
    ffi::AVPacketSideDataType::STEREO3D,
    ffi::AVPacketSideDataType::SPHERICAL,
    ffi::AVPacketSideDataType::MASTERING_DISPLAY_METADATA,
    ffi::AVPacketSideDataType::CONTENT_LIGHT_LEVEL,
    ffi::AVPacketSideDataType::ICC_PROFILE,
    ffi::AVPacketSideDataType::REPLAYGAIN,
    ffi::AVPacketSideDataType::AUDIO_SERVICE_TYPE,
    ffi::AVPacketSideDataType::FALLBACK_TRACK,
    ffi::AVPacketSideDataType::CPB_PROPERTIES,
    ffi::AVPacketSideDataType::DOVI_CONF,
];

/// Those that describe the picture, not how it is encoded: they hold for the enlarged video too.
const PICTURE_SIDE_DATA: usize = 6;

/// The kind of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Video,
    Audio,
    Subtitle,
    Attachment,
    Data,
}

/// A stream of an open file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stream<'a>(pub(super) &'a ffi::AVStream);

impl<'a> Stream<'a> {
    pub(crate) fn parameters(self) -> &'a ffi::AVCodecParameters {
        // SAFETY: every stream has parameters for as long as it lives.
        unsafe { &*self.0.codecpar }
    }

    pub(crate) fn kind(self) -> Kind {
        match self.parameters().codec_type {
            ffi::AVMediaType::VIDEO => Kind::Video,
            ffi::AVMediaType::AUDIO => Kind::Audio,
            ffi::AVMediaType::SUBTITLE => Kind::Subtitle,
            ffi::AVMediaType::ATTACHMENT => Kind::Attachment,
            _ => Kind::Data,
        }
    }

    /// FFmpeg's name of the codec; for one that FFmpeg does not know, the name that the file has for it.
    pub(crate) fn codec(self) -> String {
        let parameters = self.parameters();
        if parameters.codec_id == ffi::AVCodecID::NONE
            && let Some(name) = name_of_tag(parameters.codec_tag)
        {
            return name;
        }
        // SAFETY: FFmpeg gives a static text.
        unsafe { text(ffi::avcodec_get_name(parameters.codec_id)) }
    }

    /// What the decoder takes off the beginning of the sound, in seconds as a number of samples and their rate.
    pub(crate) fn initial_padding(self) -> (i64, i32) {
        let parameters = self.parameters();
        (i64::from(parameters.initial_padding.max(0)), parameters.sample_rate.max(1))
    }

    /// It is known what its sound is like.
    pub(crate) fn has_sound_parameters(self) -> bool {
        let parameters = self.parameters();
        parameters.sample_rate > 0 && parameters.ch_layout.nb_channels > 0
    }

    /// Samples a second of sound.
    pub(crate) fn sample_rate(self) -> Option<i32> {
        Some(self.parameters().sample_rate).filter(|&rate| rate > 0 && self.kind() == Kind::Audio)
    }

    /// Frames that the decoder of a video holds back to bring them into order.
    pub(crate) fn reorder_depth(self) -> i64 {
        i64::from(self.parameters().video_delay.max(0))
    }

    /// What a decoder must know before the first packet; empty where there is nothing.
    pub(crate) fn extradata(self) -> &'a [u8] {
        let parameters = self.parameters();
        if parameters.extradata.is_null() || parameters.extradata_size <= 0 {
            return &[];
        }
        // SAFETY: the extradata has as many bytes as said, and lives as long as the stream.
        unsafe { std::slice::from_raw_parts(parameters.extradata, parameters.extradata_size as usize) }
    }

    pub(crate) fn codec_is(self, id: ffi::AVCodecID) -> bool {
        self.parameters().codec_id == id
    }

    pub(crate) fn time_base(self) -> Rational {
        rational(self.0.time_base)
    }

    pub(crate) fn size(self) -> Size {
        let parameters = self.parameters();
        Size::new(parameters.width.max(0) as u32, parameters.height.max(0) as u32)
    }

    pub(crate) fn pixel_format(self) -> PixelFormat {
        PixelFormat::from_number(self.parameters().format)
    }

    /// The aspect ratio of a pixel; the container's word counts more than the codec's, as in players.
    pub(crate) fn sample_aspect_ratio(self) -> Rational {
        let of_stream = rational(self.0.sample_aspect_ratio);
        if of_stream.is_known() { of_stream } else { rational(self.parameters().sample_aspect_ratio) }
    }

    pub(crate) fn average_frame_rate(self) -> Rational {
        rational(self.0.avg_frame_rate)
    }

    pub(crate) fn lowest_frame_rate(self) -> Rational {
        rational(self.0.r_frame_rate)
    }

    pub(crate) fn color(self) -> ColorDescription {
        let parameters = self.parameters();
        ColorDescription {
            matrix: Matrix(parameters.color_space.0 as u8),
            primaries: Primaries(parameters.color_primaries.0 as u8),
            transfer: Transfer(parameters.color_trc.0 as u8),
            range: range(parameters.color_range),
        }
    }

    /// Where the chroma samples lie.
    pub(crate) fn chroma_location(self) -> ChromaLocation {
        chroma_location(self.parameters().chroma_location)
    }

    /// True when the stream says that its frames consist of two fields of different times.
    pub(crate) fn is_interlaced(self) -> bool {
        !matches!(self.parameters().field_order, ffi::AVFieldOrder::UNKNOWN | ffi::AVFieldOrder::PROGRESSIVE)
    }

    /// True for cover pictures and the like, which are no video.
    pub(crate) fn is_picture(self) -> bool {
        let pictures = ffi::AV_DISPOSITION_ATTACHED_PIC | ffi::AV_DISPOSITION_TIMED_THUMBNAILS;
        self.0.disposition & pictures != 0
    }

    /// It is marked as one that players show unless told otherwise.
    pub(crate) fn is_default(self) -> bool {
        self.0.disposition & ffi::AV_DISPOSITION_DEFAULT != 0
    }

    /// How long it lasts by the word of the file: its duration, else its tag of Matroska files, else that of its frames.
    pub(crate) fn seconds(self) -> Option<f64> {
        let duration = Some(self.0.duration).filter(|&ticks| ticks > 0).map(|ticks| ticks as f64);
        let rate = Some(self.average_frame_rate()).filter(|rate| rate.is_known());
        let frames = Some(self.0.nb_frames).filter(|&frames| frames > 0).zip(rate);
        duration
            .map(|ticks| ticks * self.time_base().to_f64())
            .or_else(|| self.tag("DURATION").as_deref().and_then(clock_time))
            .or_else(|| frames.map(|(frames, rate)| frames as f64 / rate.to_f64()))
    }

    /// How many frames it has by the word of the file; 0 where that says nothing.
    pub(super) fn stated_frames(self) -> i64 {
        self.0.nb_frames
    }

    pub(crate) fn disposition(self) -> c_int {
        self.0.disposition
    }

    /// True for a track of timecode; the demuxer gives its first one as a tag of the video too.
    pub(crate) fn is_timecode(self) -> bool {
        self.parameters().codec_tag == u32::from_le_bytes(*b"tmcd")
    }

    /// True for a track of an MPEG-4 file that holds the titles of chapters.
    pub(crate) fn is_chapter_titles(self) -> bool {
        self.kind() == Kind::Data && self.parameters().codec_tag == u32::from_le_bytes(*b"text")
    }

    /// True for what sports cameras measure beside the film.
    pub(crate) fn is_camera_metadata(self) -> bool {
        self.parameters().codec_tag == u32::from_le_bytes(*b"gpmd")
    }

    /// The picture of a cover.
    pub(crate) fn attached_picture(self) -> &'a [u8] {
        let packet = &self.0.attached_pic;
        if packet.data.is_null() || packet.size <= 0 {
            return &[];
        }
        // SAFETY: the data of a packet has `size` bytes and lives as long as the stream.
        unsafe { std::slice::from_raw_parts(packet.data, packet.size as usize) }
    }

    pub(crate) fn metadata(self) -> Vec<(String, String)> {
        // SAFETY: the list belongs to the stream, which is not changed.
        unsafe { dictionary::entries(self.0.metadata) }
    }

    pub(crate) fn tag(self, name: &str) -> Option<String> {
        self.metadata().into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Side data of the whole stream; `of_picture` leaves out what depends on the encoding.
    pub(crate) fn side_data(self, of_picture: bool) -> Vec<SideData> {
        let kinds = if of_picture { &STREAM_SIDE_DATA[..PICTURE_SIDE_DATA] } else { &STREAM_SIDE_DATA[..] };
        let get = |&kind: &ffi::AVPacketSideDataType| {
            let mut size = 0;
            // SAFETY: the stream is valid; FFmpeg gives null or `size` bytes that live as long as the stream.
            let bytes = unsafe {
                let data = ffi::av_stream_get_side_data(ptr::from_ref(self.0), kind, &raw mut size);
                if data.is_null() {
                    return None;
                }
                std::slice::from_raw_parts(data, size)
            };
            Some(SideData { kind, bytes: bytes.to_vec() })
        };
        kinds.iter().filter_map(get).collect()
    }

    /// FFmpeg's record of how a decoder of Dolby Vision is configured.
    pub(crate) fn dolby_vision_record(self) -> Option<Vec<u8>> {
        let is_record = |data: &SideData| data.kind == ffi::AVPacketSideDataType::DOVI_CONF;
        self.side_data(false).into_iter().find(is_record).map(|data| data.bytes)
    }

    /// What must be done to the picture so that it stands upright; `None` where it lies askew.
    pub(crate) fn orientation(self) -> Option<Orientation> {
        let Some(matrix) = self.side_data(true).into_iter().find(SideData::is_display_matrix) else {
            return Some(Orientation::UPRIGHT);
        };
        orientation_of_matrix(&matrix.bytes)
    }

    /// How far the picture must be turned to stand upright, in degrees counter-clockwise.
    pub(crate) fn rotation(self) -> Option<f64> {
        let matrix = self.side_data(true).into_iter().find(SideData::is_display_matrix)?;
        let numbers: Vec<i32> = matrix.bytes.chunks_exact(4).map(ne_i32).collect();
        if numbers.len() < 9 {
            return None;
        }
        // SAFETY: the matrix has nine numbers.
        Some(unsafe { ffi::av_display_rotation_get(numbers.as_ptr()) }).filter(|angle| angle.is_finite())
    }
}

/// What a decoder must know before the first packet; empty where there is nothing.
pub(crate) fn extradata(parameters: &ffi::AVCodecParameters) -> &[u8] {
    if parameters.extradata.is_null() || parameters.extradata_size <= 0 {
        return &[];
    }
    // SAFETY: the extradata has as many bytes as its size says, and lives as long as the parameters.
    unsafe { std::slice::from_raw_parts(parameters.extradata, parameters.extradata_size as usize) }
}

/// The letters of a tag, such as `apac`; of one without letters its number; `None` for no tag.
fn name_of_tag(tag: u32) -> Option<String> {
    let letters = tag.to_le_bytes();
    let is_text = letters.iter().all(|letter| letter.is_ascii_graphic() || *letter == b' ');
    match tag {
        0 => None,
        _ if is_text => Some(String::from_utf8_lossy(&letters).trim().to_owned()),
        _ => Some(format!("{tag:#06x}")),
    }
}

/// Seconds of a time such as `01:02:03.500000000`.
fn clock_time(text: &str) -> Option<f64> {
    text.split(':').try_fold(0.0, |seconds, part| {
        let number = part.parse::<f64>().ok().filter(|number| *number >= 0.0 && number.is_finite())?;
        Some(seconds * 60.0 + number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codecs_that_nobody_knows_have_the_name_that_the_file_has_for_them() {
        assert_eq!(name_of_tag(u32::from_le_bytes(*b"apac")).as_deref(), Some("apac"));
        assert_eq!(name_of_tag(u32::from_le_bytes(*b"ac4 ")).as_deref(), Some("ac4"));
        assert_eq!(name_of_tag(0x1ff).as_deref(), Some("0x01ff"));
        assert_eq!(name_of_tag(0), None);
    }
}
