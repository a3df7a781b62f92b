//! Decoded pictures.

mod samples;

use std::ffi::c_int;

use frame::{ChromaLocation, ColorDescription, Orientation, Rational, Size};

use super::color::{av_chroma_location, av_range, range};
use super::pixel::PixelFormat;
use super::{check, ffi, out_of_memory};
use crate::Error;
use crate::raw::packet::NO_TIME;
use crate::raw::side_data::{SideData, orientation_of_matrix};

/// A picture that is owned; its samples are shared and counted.
#[derive(Debug)]
pub(crate) struct RawFrame(*mut ffi::AVFrame);

// SAFETY: a frame is plain data with counted, atomic references to its samples.
unsafe impl Send for RawFrame {}

impl RawFrame {
    /// A frame without samples.
    pub(crate) fn new() -> Result<Self, Error> {
        // SAFETY: no arguments.
        let frame = unsafe { ffi::av_frame_alloc() };
        if frame.is_null() { Err(out_of_memory()) } else { Ok(Self(frame)) }
    }

    /// A frame with samples of unspecified content.
    pub(crate) fn allocate(format: PixelFormat, size: Size) -> Result<Self, Error> {
        let mut frame = Self::new()?;
        let raw = frame.get_mut();
        raw.format = format.number();
        raw.width = size.width as c_int;
        raw.height = size.height as c_int;
        // SAFETY: the frame is ours and has a format and a size.
        check(unsafe { ffi::av_frame_get_buffer(frame.0, 0) }, "allocate a picture")?;
        Ok(frame)
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut ffi::AVFrame {
        self.0
    }

    fn get(&self) -> &ffi::AVFrame {
        // SAFETY: never null, and ours.
        unsafe { &*self.0 }
    }

    fn get_mut(&mut self) -> &mut ffi::AVFrame {
        // SAFETY: never null, and ours.
        unsafe { &mut *self.0 }
    }

    pub(crate) fn clear(&mut self) {
        // SAFETY: the frame is ours.
        unsafe { ffi::av_frame_unref(self.0) };
    }

    pub(crate) fn size(&self) -> Size {
        Size::new(self.get().width.max(0) as u32, self.get().height.max(0) as u32)
    }

    pub(crate) fn format(&self) -> PixelFormat {
        PixelFormat::from_number(self.get().format)
    }

    /// Names the samples differently. Only for formats whose first planes are the same.
    pub(crate) fn relabel(&mut self, format: PixelFormat) {
        if format.planes() <= self.format().planes() {
            self.get_mut().format = format.number();
        }
    }

    /// Presentation time as the stream says.
    pub(crate) fn pts(&self) -> Option<i64> {
        Some(self.get().pts).filter(|&time| time != NO_TIME)
    }

    /// Presentation time as FFmpeg guesses it from all that it has.
    pub(crate) fn best_effort_time(&self) -> Option<i64> {
        Some(self.get().best_effort_timestamp).filter(|&time| time != NO_TIME)
    }

    pub(crate) fn set_pts(&mut self, pts: i64) {
        self.get_mut().pts = pts;
    }

    /// Gives the frame a number that filters pass on, also where they make new times.
    pub(crate) fn set_number(&mut self, number: u32) {
        self.get_mut().best_effort_timestamp = number.into();
    }

    /// The number that [`set_number`](Self::set_number) gave.
    pub(crate) fn number(&self) -> Option<u32> {
        self.best_effort_time().and_then(|number| number.try_into().ok())
    }

    /// The flag that the frame consists of two fields of different times.
    pub(crate) fn is_interlaced(&self) -> bool {
        self.get().interlaced_frame != 0
    }

    /// Flags the frame as two fields of different times.
    pub(crate) fn set_interlaced(&mut self, top_first: bool) {
        let raw = self.get_mut();
        (raw.interlaced_frame, raw.top_field_first) = (1, top_first.into());
    }

    /// For how many fields the frame is shown: two, and those that are repeated.
    pub(crate) fn fields_shown(&self) -> i64 {
        2 + i64::from(self.get().repeat_pict.clamp(0, 4))
    }

    /// What filters wrote to the frame.
    pub(crate) fn metadata(&self) -> Vec<(String, String)> {
        // SAFETY: the list belongs to the frame, which is not changed.
        unsafe { super::dictionary::entries(self.get().metadata) }
    }

    /// What the samples stand for, as far as the decoder says.
    pub(crate) fn color(&self) -> ColorDescription {
        let raw = self.get();
        ColorDescription {
            matrix: frame::Matrix(raw.colorspace.0 as u8),
            primaries: frame::Primaries(raw.color_primaries.0 as u8),
            transfer: frame::Transfer(raw.color_trc.0 as u8),
            range: range(raw.color_range),
        }
    }

    /// Sets what the samples stand for.
    pub(crate) fn set_color(&mut self, color: ColorDescription) {
        let raw = self.get_mut();
        raw.colorspace = ffi::AVColorSpace(color.matrix.0.into());
        raw.color_primaries = ffi::AVColorPrimaries(color.primaries.0.into());
        raw.color_trc = ffi::AVColorTransferCharacteristic(color.transfer.0.into());
        raw.color_range = av_range(color.range);
    }

    /// The samples of a frame of sound in little-endian order, all channels of a moment side by side, and the number of
    /// moments; `None` for a frame without samples.
    pub(crate) fn interleaved(&self) -> Option<(Vec<u8>, i64)> {
        let raw = self.get();
        let format = ffi::AVSampleFormat(raw.format);
        // SAFETY: pure functions.
        let (bytes, is_planar) =
            unsafe { (ffi::av_get_bytes_per_sample(format), ffi::av_sample_fmt_is_planar(format) == 1) };
        let channels = usize::try_from(raw.ch_layout.nb_channels).ok()?;
        let (bytes, moments) = (usize::try_from(bytes).ok()?, usize::try_from(raw.nb_samples).ok()?);
        if bytes == 0 || channels == 0 || moments == 0 || raw.extended_data.is_null() {
            return None;
        }
        let (planes, of_plane) = if is_planar { (channels, 1) } else { (1, channels) };
        let mut samples = vec![0; channels * moments * bytes];
        for plane in 0..planes {
            // SAFETY: a frame of sound has a plane for each channel, or one for all, with a sample for every moment.
            let source = unsafe {
                let start = *raw.extended_data.add(plane);
                if start.is_null() {
                    return None;
                }
                std::slice::from_raw_parts(start, moments * of_plane * bytes)
            };
            let targets = samples.chunks_exact_mut(bytes).skip(plane).step_by(planes);
            for (target, sample) in targets.zip(source.chunks_exact(bytes)) {
                target.copy_from_slice(sample);
                if cfg!(target_endian = "big") {
                    target.reverse();
                }
            }
        }
        Some((samples, moments as i64))
    }

    /// FFmpeg's reading of the metadata of Dolby Vision.
    pub(crate) fn dolby_vision_metadata(&self) -> Option<&[u8]> {
        self.side_data(ffi::AVFrameSideDataType::DOVI_METADATA)
    }

    /// The frame has dynamic metadata of HDR10+.
    pub(crate) fn has_hdr10_plus(&self) -> bool {
        self.side_data(ffi::AVFrameSideDataType::DYNAMIC_HDR_PLUS).is_some()
    }

    fn side_data(&self, kind: ffi::AVFrameSideDataType) -> Option<&[u8]> {
        // SAFETY: the frame is ours; FFmpeg gives null or side data that lives as long as the frame, with as many bytes as it
        // says.
        unsafe {
            let data = ffi::av_frame_get_side_data(self.0, kind).as_ref()?;
            (!data.data.is_null()).then(|| std::slice::from_raw_parts(data.data, data.size))
        }
    }

    /// Closed captions, as constructs of three bytes; empty where the frame has none.
    pub(crate) fn captions(&self) -> &[u8] {
        self.side_data(ffi::AVFrameSideDataType::A53_CC).unwrap_or_default()
    }

    /// Sets where the chroma samples lie.
    pub(crate) fn set_chroma_location(&mut self, location: ChromaLocation) {
        self.get_mut().chroma_location = av_chroma_location(location);
    }

    /// The frame's word on the mastering display and the content's light level.
    pub(crate) fn hdr_side_data(&self) -> Vec<SideData> {
        let kinds = [
            (
                ffi::AVFrameSideDataType::MASTERING_DISPLAY_METADATA,
                ffi::AVPacketSideDataType::MASTERING_DISPLAY_METADATA,
            ),
            (ffi::AVFrameSideDataType::CONTENT_LIGHT_LEVEL, ffi::AVPacketSideDataType::CONTENT_LIGHT_LEVEL),
        ];
        let get = |(of_frame, kind)| {
            // SAFETY: the frame is ours; FFmpeg gives null or side data that lives as long as the frame, with as many bytes as
            // it says.
            let bytes = unsafe {
                let data = ffi::av_frame_get_side_data(self.0, of_frame).as_ref()?;
                std::slice::from_raw_parts(data.data, data.size).to_vec()
            };
            Some(SideData { kind, bytes })
        };
        kinds.into_iter().filter_map(get).collect()
    }

    /// Gives all samples bytes of one value. Only for frames from [`RawFrame::allocate`].
    pub(crate) fn fill(&mut self, value: u8) {
        for plane in 0..self.format().planes() {
            for y in 0..self.format().rows(self.size().height, plane) {
                self.row_mut(plane, y).fill(value);
            }
        }
    }

    /// Becomes another name for the samples of a frame, with all that is known of them.
    pub(crate) fn refer_to(&mut self, other: &Self) -> Result<(), Error> {
        self.clear();
        // SAFETY: both frames are ours; this one refers to nothing.
        check(unsafe { ffi::av_frame_ref(self.0, other.0) }, "keep a picture").map(drop)
    }

    /// True when two frames are the same picture: samples and what they stand for.
    pub(crate) fn is_same_picture(&self, other: &Self) -> bool {
        let (raw, of_other) = (self.get(), other.get());
        let format = self.format();
        (self.size(), format, self.color()) == (other.size(), other.format(), other.color())
            && raw.chroma_location == of_other.chroma_location
            && raw.flags == of_other.flags
            && !format.has_palette()
            && (0..format.planes()).all(|plane| {
                let mut rows = 0..format.rows(self.size().height, plane);
                rows.all(|y| self.row(plane, y) == other.row(plane, y))
            })
    }

    /// True when the frame refers to no other, by the word of its decoder.
    pub(crate) fn is_intra(&self) -> bool {
        self.get().pict_type == ffi::AVPictureType::I || self.get().key_frame != 0
    }

    /// True when the decoder says that it had to guess a part of the picture.
    pub(crate) fn is_damaged(&self) -> bool {
        let raw = self.get();
        raw.decode_error_flags != 0 || raw.flags & ffi::AV_FRAME_FLAG_CORRUPT as c_int != 0
    }

    /// The aspect ratio of a pixel by the word of the video itself.
    pub(crate) fn sample_aspect_ratio(&self) -> Rational {
        super::rational(self.get().sample_aspect_ratio)
    }

    /// What the video itself says must be done to the picture so that it stands upright; `None` where it says nothing, or that
    /// it lies askew.
    pub(crate) fn orientation(&self) -> Option<Orientation> {
        // SAFETY: the frame is ours; FFmpeg gives null or side data that lives as long as the frame, with as many bytes as it
        // says.
        let bytes = unsafe {
            let data =
                ffi::av_frame_get_side_data(self.0, ffi::AVFrameSideDataType::DISPLAYMATRIX).as_ref()?;
            std::slice::from_raw_parts(data.data, data.size)
        };
        orientation_of_matrix(bytes)
    }

    /// A checksum of all samples, and of the colours that they are numbers of.
    pub(crate) fn digest(&self) -> u32 {
        let mut digest = crc32fast::Hasher::new();
        let format = self.format();
        for plane in 0..format.planes() {
            for y in 0..format.rows(self.size().height, plane) {
                digest.update(self.row(plane, y));
            }
        }
        let palette = self.get().data[1];
        if format.has_palette() && !palette.is_null() {
            // SAFETY: such frames have a second plane of 256 colours of four bytes.
            digest.update(unsafe { std::slice::from_raw_parts(palette, 1024) });
        }
        digest.finalize()
    }

    /// Leaves the choice of the frame type to the encoder.
    pub(crate) fn clear_type(&mut self) {
        self.get_mut().pict_type = ffi::AVPictureType::NONE;
    }

    /// The bytes of row `y` of plane `plane`.
    pub(crate) fn row(&self, plane: usize, y: u32) -> &[u8] {
        let Some((start, length)) = self.locate(plane, y) else { return &[] };
        // SAFETY: `locate` gives a row of this frame, which has that many bytes.
        unsafe { std::slice::from_raw_parts(start, length) }
    }

    /// The bytes of row `y` of plane `plane`, to write. Only for frames from [`RawFrame::allocate`].
    pub(crate) fn row_mut(&mut self, plane: usize, y: u32) -> &mut [u8] {
        let Some((start, length)) = self.locate(plane, y) else { return &mut [] };
        // SAFETY: `locate` gives a row of this frame, which has that many bytes; the samples are not shared.
        unsafe { std::slice::from_raw_parts_mut(start, length) }
    }

    /// Makes sure that no other owner reads the samples before they are written again.
    pub(crate) fn make_writable(&mut self) -> Result<(), Error> {
        // SAFETY: the frame is ours and has samples.
        check(unsafe { ffi::av_frame_make_writable(self.0) }, "allocate a picture").map(drop)
    }

    fn locate(&self, plane: usize, y: u32) -> Option<(*mut u8, usize)> {
        let raw = self.get();
        let format = self.format();
        if plane >= format.planes()
            || y >= format.rows(self.size().height, plane)
            || raw.data[plane].is_null()
        {
            return None;
        }
        // SAFETY: the row is within the plane. (A line size may be negative: then rows go upwards.)
        let start = unsafe { raw.data[plane].offset(y as isize * raw.linesize[plane] as isize) };
        Some((start, format.row_bytes(self.size().width, plane)))
    }
}

impl Drop for RawFrame {
    fn drop(&mut self) {
        // SAFETY: the frame is ours.
        unsafe { ffi::av_frame_free(&raw mut self.0) };
    }
}
