//! What FFmpeg and the encoders have to say: told to `tracing`, not printed.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::Mutex;

use super::ffi;

/// While something is only tried: its first error, empty as long as there is none.
static TRIED: Mutex<Option<String>> = Mutex::new(None);

/// Does what may well fail. Its errors are no news for the log; the first of them comes back, without the name of its
/// part, or an empty text.
pub(crate) fn trying<R>(attempt: impl FnOnce() -> R) -> (R, String) {
    let set = |to| TRIED.lock().map_or(None, |mut tried| std::mem::replace(&mut *tried, to));
    set(Some(String::new()));
    let result = attempt();
    (result, set(None).unwrap_or_default())
}

/// Sends FFmpeg's messages to `tracing` instead of to the terminal.
pub(crate) fn init() {
    // SAFETY: the callback is a static function that may be called from any thread.
    unsafe {
        ffi::av_log_set_level(ffi::AV_LOG_WARNING);
        // The type of a C argument list differs by machine, and only this one is bound in a usable way.
        #[cfg(target_arch = "x86_64")]
        ffi::av_log_set_callback(Some(on_line));
        #[cfg(not(target_arch = "x86_64"))]
        ffi::av_log_set_level(ffi::AV_LOG_QUIET);
    }
}

#[cfg(target_arch = "x86_64")]
unsafe extern "C" fn on_line(
    context: *mut c_void,
    level: c_int,
    format: *const c_char,
    arguments: *mut ffi::__va_list_tag,
) {
    // SAFETY: the arguments are FFmpeg's own; the buffer is as long as said, and the text ends with a zero byte.
    let line = unsafe {
        if level > ffi::av_log_get_level() {
            return;
        }
        let mut buffer = [0 as c_char; 1024];
        let mut print_prefix: c_int = 1;
        ffi::av_log_format_line(
            context,
            level,
            format,
            arguments,
            buffer.as_mut_ptr(),
            buffer.len() as c_int,
            &raw mut print_prefix,
        );
        CStr::from_ptr(buffer.as_ptr()).to_string_lossy().trim_end().to_owned()
    };
    tell(&line, level <= ffi::AV_LOG_ERROR);
}

/// Tells a line. Damaged files make thousands of errors; only the last are kept.
fn tell(line: &str, is_error: bool) {
    if line.is_empty() {
        return;
    }
    if let Ok(mut tried) = TRIED.lock()
        && let Some(first) = &mut *tried
    {
        if is_error && first.is_empty() {
            line.split_once("] ").map_or(line, |(_, rest)| rest).clone_into(first);
        }
        tracing::debug!(target: "ffmpeg", "{line}");
    } else if is_error {
        tracing::warn!(target: "ffmpeg", "{line}");
    } else {
        tracing::debug!(target: "ffmpeg", "{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_error_of_a_try_is_its_reason() {
        let ((), said) = trying(|| {
            tell("[h264_nvenc @ 0x1] loading", false);
            tell("[h264_nvenc @ 0x1] Cannot load libcuda.so.1", true);
            tell("Nothing works", true);
        });
        assert_eq!(said, "Cannot load libcuda.so.1");
        assert_eq!(trying(|| ()).1, "");
    }
}
