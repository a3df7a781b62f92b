//! Encoders that take pictures from the memory of a device.

use std::ptr;

use super::codec::{Encoder, EncoderConfig};
use super::frame::RawFrame;
use super::pixel::PixelFormat;
use super::{check, ffi, out_of_memory};
use crate::Error;

/// A counted reference of FFmpeg, owned.
#[derive(Debug)]
struct Reference(*mut ffi::AVBufferRef);

impl Drop for Reference {
    fn drop(&mut self) {
        // SAFETY: the reference is null or ours.
        unsafe { ffi::av_buffer_unref(&raw mut self.0) };
    }
}

/// An encoder on a VA-API device, with the way there.
#[derive(Debug)]
pub(crate) struct VaapiEncoder {
    pub(crate) encoder: Encoder,
    frames: Reference,
}

impl VaapiEncoder {
    /// Opens the first device and the encoder on it. `config.format` is the format of the pictures on the device.
    pub(crate) fn open(config: &EncoderConfig<'_>, uploaded: PixelFormat) -> Result<Self, Error> {
        let mut device = Reference(ptr::null_mut());
        // SAFETY: FFmpeg gives null or a reference that is ours.
        let code = unsafe {
            let kind = ffi::AVHWDeviceType::VAAPI;
            ffi::av_hwdevice_ctx_create(&raw mut device.0, kind, ptr::null(), ptr::null_mut(), 0)
        };
        check(code, "open a VA-API device")?;
        // SAFETY: the device is open; its frames are described before they are set up.
        let frames = unsafe {
            let frames = Reference(ffi::av_hwframe_ctx_alloc(device.0));
            if frames.0.is_null() {
                return Err(out_of_memory());
            }
            #[expect(clippy::cast_ptr_alignment, reason = "FFmpeg allocates the description as what it is")]
            let description = &mut *(*frames.0).data.cast::<ffi::AVHWFramesContext>();
            description.format = config.format.0;
            description.sw_format = uploaded.0;
            description.width = config.size.width as i32;
            description.height = config.size.height as i32;
            description.initial_pool_size = 4;
            check(ffi::av_hwframe_ctx_init(frames.0), "set up frames on the VA-API device")?;
            frames
        };
        let encoder = Encoder::allocate(config)?;
        // SAFETY: the encoder is not open yet and takes a reference of its own.
        unsafe { (*encoder.context()).hw_frames_ctx = ffi::av_buffer_ref(frames.0) };
        Ok(Self { encoder: encoder.open_allocated(config)?, frames })
    }

    /// Copies a picture to the device.
    pub(crate) fn upload(&self, frame: &mut RawFrame) -> Result<RawFrame, Error> {
        let mut uploaded = RawFrame::new()?;
        // SAFETY: the frames are set up, and both pictures are ours.
        unsafe {
            let code = ffi::av_hwframe_get_buffer(self.frames.0, uploaded.as_mut_ptr(), 0);
            check(code, "allocate a picture on the VA-API device")?;
            let code = ffi::av_hwframe_transfer_data(uploaded.as_mut_ptr(), frame.as_mut_ptr(), 0);
            check(code, "copy a picture to the VA-API device")?;
        }
        Ok(uploaded)
    }
}
