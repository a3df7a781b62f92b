//! Bitstream filters: they cut packets anew, or join them, without decoding.

use std::ptr;

use frame::Rational;

use super::packet::RawPacket;
use super::stream::Stream;
use super::{av_rational, c_text, check, ffi, is_again, out_of_memory};
use crate::Error;

/// A bitstream filter: packets go in, packets come out.
#[derive(Debug)]
pub(crate) struct BitstreamFilter(*mut ffi::AVBSFContext);

// SAFETY: a filter may be used by one thread after another.
unsafe impl Send for BitstreamFilter {}

impl BitstreamFilter {
    /// The filter with FFmpeg's name `name` for packets of a stream; `None` where this FFmpeg does not have it.
    pub(crate) fn open(name: &str, stream: Stream<'_>) -> Result<Option<Self>, Error> {
        // SAFETY: the text ends with a zero byte; FFmpeg gives a static filter or null.
        let filter = unsafe { ffi::av_bsf_get_by_name(c_text(name).as_ptr()) };
        if filter.is_null() {
            return Ok(None);
        }
        let mut this = Self(ptr::null_mut());
        // SAFETY: the context is ours from here on, and is set up before it is used.
        unsafe {
            if ffi::av_bsf_alloc(filter, &raw mut this.0) < 0 {
                return Err(out_of_memory());
            }
            let code = ffi::avcodec_parameters_copy((*this.0).par_in, stream.parameters());
            check(code, "set up a bitstream filter")?;
            (*this.0).time_base_in = av_rational(stream.time_base());
            check(ffi::av_bsf_init(this.0), "set up a bitstream filter")?;
        }
        Ok(Some(this))
    }

    /// Seconds a tick of what comes out.
    pub(crate) fn time_base(&self) -> Rational {
        // SAFETY: the context is set up.
        super::rational(unsafe { (*self.0).time_base_out })
    }

    /// Puts a packet in, which is empty afterwards; `None` says that there are no more. False for one that is damaged.
    pub(crate) fn send(&mut self, packet: Option<&mut RawPacket>) -> Result<bool, Error> {
        let packet = packet.map_or(ptr::null_mut(), RawPacket::as_mut_ptr);
        // SAFETY: the context is set up; the packet is null or ours.
        let code = unsafe { ffi::av_bsf_send_packet(self.0, packet) };
        Self::understand(code)
    }

    /// Takes a packet out; `None` when there is none before more goes in, or none any more.
    pub(crate) fn receive(&mut self) -> Result<Option<RawPacket>, Error> {
        let mut packet = RawPacket::new()?;
        loop {
            // SAFETY: the context is set up; the packet is ours.
            let code = unsafe { ffi::av_bsf_receive_packet(self.0, packet.as_mut_ptr()) };
            if is_again(code) || code == ffi::AVERROR_EOF {
                return Ok(None);
            }
            if Self::understand(code)? {
                return Ok(Some(packet));
            }
        }
    }

    fn understand(code: i32) -> Result<bool, Error> {
        if code == ffi::AVERROR_INVALIDDATA {
            return Ok(false);
        }
        check(code, "filter a packet").map(|_| true)
    }
}

impl Drop for BitstreamFilter {
    fn drop(&mut self) {
        // SAFETY: the context is null or ours.
        unsafe { ffi::av_bsf_free(&raw mut self.0) };
    }
}
