//! The only place that talks to FFmpeg's C interface: owners of its objects, safe to use.
//!
//! Everything above this module is safe Rust. The types here free what they own, keep pointers to themselves and
//! turn error codes into [`Error`].
#![allow(unsafe_code, reason = "FFmpeg is a C library")]

pub(crate) mod avi;
pub(crate) mod bitstream;
pub(crate) mod codec;
pub(crate) mod color;
pub(crate) mod dictionary;
mod entries;
pub(crate) mod filter;
pub(crate) mod frame;
pub(crate) mod hardware;
pub(crate) mod input;
pub(crate) mod log;
pub(crate) mod memory;
mod outliers;
pub(crate) mod output;
pub(crate) mod packet;
mod parts;
pub(crate) mod pixel;
pub(crate) mod side_data;
pub(crate) mod sound;
mod stills;
pub(crate) mod stream;

use std::ffi::{CStr, CString, c_char, c_int};
use std::io;

use ::frame::Rational;
pub(crate) use ffmpeg_sys_the_third as ffi;

use crate::Error;

/// FFmpeg's text for an error code.
pub(crate) fn error_text(code: c_int) -> String {
    let mut buffer = [0 as c_char; 256];
    // SAFETY: the buffer is as long as said; FFmpeg ends the text with a zero byte.
    unsafe {
        ffi::av_strerror(code, buffer.as_mut_ptr(), buffer.len());
        CStr::from_ptr(buffer.as_ptr()).to_string_lossy().into_owned()
    }
}

/// Passes a result that is not negative; else the error of FFmpeg while `doing` something.
pub(crate) fn check(code: c_int, doing: &'static str) -> Result<c_int, Error> {
    if code < 0 { Err(Error::Ffmpeg { doing, reason: error_text(code) }) } else { Ok(code) }
}

/// True when the call must be repeated after its counterpart (send after receive, or the other way round).
pub(crate) fn is_again(code: c_int) -> bool {
    code < 0 && io::Error::from_raw_os_error(-code).kind() == io::ErrorKind::WouldBlock
}

/// The error for an allocation that FFmpeg refused.
pub(crate) fn out_of_memory() -> Error {
    Error::Ffmpeg { doing: "allocate memory", reason: "out of memory".to_owned() }
}

/// A text for C. What follows a zero byte is cut off: no name or option of FFmpeg has one.
pub(crate) fn c_text(text: &str) -> CString {
    let end = text.bytes().position(|byte| byte == 0).unwrap_or(text.len());
    CString::new(&text[..end]).unwrap_or_default()
}

/// The text behind a pointer of FFmpeg; empty for a null pointer.
///
/// # Safety
/// `text` is null or points to a text with a zero byte at its end.
pub(crate) unsafe fn text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: as the caller promises.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

pub(crate) const fn rational(value: ffi::AVRational) -> Rational {
    Rational { num: value.num, den: value.den }
}

pub(crate) const fn av_rational(value: Rational) -> ffi::AVRational {
    ffi::AVRational { num: value.num, den: value.den }
}

/// `value` ticks of `from` in ticks of `to`, to the nearest.
pub(crate) fn rescale(value: i64, from: Rational, to: Rational) -> i64 {
    let rounding = ffi::AVRounding(ffi::AVRounding::NEAR_INF.0 | ffi::AVRounding::PASS_MINMAX.0);
    // SAFETY: a pure function.
    unsafe { ffi::av_rescale_q_rnd(value, av_rational(from), av_rational(to), rounding) }
}

/// The product of two fractions in lowest terms.
pub(crate) fn multiply(a: Rational, b: Rational) -> Rational {
    // SAFETY: a pure function.
    rational(unsafe { ffi::av_mul_q(av_rational(a), av_rational(b)) })
}

/// What samples stand for, by FFmpeg's names.
pub(crate) fn color_names(color: ::frame::ColorDescription) -> String {
    let range = match color.range {
        ::frame::Range::Full => "full",
        ::frame::Range::Limited => "limited",
        ::frame::Range::Unspecified => "unknown",
    };
    // SAFETY: pure functions that give null or static texts.
    let (matrix, primaries, transfer) = unsafe {
        (
            text(ffi::av_color_space_name(ffi::AVColorSpace(color.matrix.0.into()))),
            text(ffi::av_color_primaries_name(ffi::AVColorPrimaries(color.primaries.0.into()))),
            text(ffi::av_color_transfer_name(ffi::AVColorTransferCharacteristic(color.transfer.0.into()))),
        )
    };
    format!("matrix {matrix}, primaries {primaries}, transfer {transfer}, range {range}")
}

/// True when the Matroska muxer says that Opus begins early, but does not count the times from there. (Those of FFmpeg 5.)
pub(crate) fn matroska_forgets_codec_delay() -> bool {
    // SAFETY: a function that returns a number.
    unsafe { ffi::avformat_version() >> 16 < 60 }
}

/// Name and version of the FFmpeg that is linked.
pub(crate) fn version() -> String {
    // SAFETY: these functions return static texts and numbers.
    let (release, codec, format, filter) = unsafe {
        (
            text(ffi::av_version_info()),
            ffi::avcodec_version(),
            ffi::avformat_version(),
            ffi::avfilter_version(),
        )
    };
    let dotted = |v: u32| format!("{}.{}.{}", v >> 16, (v >> 8) & 0xff, v & 0xff);
    format!(
        "FFmpeg {release} (libavcodec {}, libavformat {}, libavfilter {})",
        dotted(codec),
        dotted(format),
        dotted(filter)
    )
}
