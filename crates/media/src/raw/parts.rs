//! Several files, read as if they were one.

use std::ffi::{c_int, c_void};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::ptr;

use super::{ffi, out_of_memory};
use crate::Error;

/// Bytes that are read at once; what FFmpeg uses for files.
const BUFFER_BYTES: usize = 32 * 1024;

/// Files one after the other.
#[derive(Debug)]
struct Parts {
    /// Each file with the place of its first byte in the whole.
    files: Vec<(u64, File)>,
    length: u64,
    /// Where the next byte is read.
    position: u64,
}

impl Parts {
    fn open(paths: &[PathBuf]) -> io::Result<Self> {
        let (mut files, mut length) = (Vec::with_capacity(paths.len()), 0);
        for path in paths {
            let file = File::open(path)?;
            let size = file.metadata()?.len();
            files.push((length, file));
            length += size;
        }
        Ok(Self { files, length, position: 0 })
    }

    /// Reads from one of the files; 0 at the end of the last.
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.length {
            return Ok(0);
        }
        let number = self.files.partition_point(|(start, _)| *start <= self.position) - 1;
        let end = self.files.get(number + 1).map_or(self.length, |(start, _)| *start);
        let (start, file) = &mut self.files[number];
        file.seek(SeekFrom::Start(self.position - *start))?;
        let most = bytes.len().min(usize::try_from(end - self.position).unwrap_or(usize::MAX));
        // A file that became shorter ends the whole.
        let read = file.read(&mut bytes[..most])?;
        self.position += read as u64;
        Ok(read)
    }

    fn seek(&mut self, offset: i64, whence: c_int) -> Option<u64> {
        let from = match whence & !ffi::AVSEEK_FORCE {
            ffi::AVSEEK_SIZE => return Some(self.length),
            0 => 0,
            1 => self.position,
            _ => self.length,
        };
        self.position = from.checked_add_signed(offset)?;
        Some(self.position)
    }
}

/// FFmpeg's object for reading files one after the other.
#[derive(Debug)]
pub(super) struct PartsIo {
    io: *mut ffi::AVIOContext,
    parts: *mut Parts,
}

impl PartsIo {
    pub(super) fn open(paths: &[PathBuf]) -> Result<Self, Error> {
        let parts = Box::into_raw(Box::new(Parts::open(paths).map_err(Error::Unreadable)?));
        let mut this = Self { io: ptr::null_mut(), parts };
        // SAFETY: the buffer comes from FFmpeg's allocator, as it must; the parts outlive the object.
        this.io = unsafe {
            let buffer = ffi::av_malloc(BUFFER_BYTES).cast::<u8>();
            let (opaque, size) = (parts.cast::<c_void>(), BUFFER_BYTES as c_int);
            ffi::avio_alloc_context(buffer, size, 0, opaque, Some(read), None, Some(seek))
        };
        if this.io.is_null() { Err(out_of_memory()) } else { Ok(this) }
    }

    pub(super) fn get(&self) -> *mut ffi::AVIOContext {
        self.io
    }
}

impl Drop for PartsIo {
    fn drop(&mut self) {
        // SAFETY: both objects are ours. The buffer may have been replaced by FFmpeg, so it is freed through the object.
        unsafe {
            if !self.io.is_null() {
                ffi::av_freep((&raw mut (*self.io).buffer).cast());
                ffi::avio_context_free(&raw mut self.io);
            }
            drop(Box::from_raw(self.parts));
        }
    }
}

unsafe extern "C" fn read(opaque: *mut c_void, bytes: *mut u8, count: c_int) -> c_int {
    // SAFETY: FFmpeg hands back the parts, and a buffer of its own with room for as many bytes as it says.
    let (parts, bytes) = unsafe {
        (&mut *opaque.cast::<Parts>(), std::slice::from_raw_parts_mut(bytes, count.max(0) as usize))
    };
    match parts.read(bytes) {
        Ok(0) => ffi::AVERROR_EOF,
        Ok(read) => read as c_int,
        Err(error) => -error.raw_os_error().unwrap_or(5),
    }
}

unsafe extern "C" fn seek(opaque: *mut c_void, offset: i64, whence: c_int) -> i64 {
    // SAFETY: FFmpeg hands back the parts.
    let parts = unsafe { &mut *opaque.cast::<Parts>() };
    parts.seek(offset, whence).map_or(-22, |position| position as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_one_after_the_other_from_anywhere() {
        let folder = tempfile::tempdir().unwrap();
        let paths: Vec<PathBuf> = ["abc", "", "defgh"]
            .iter()
            .enumerate()
            .map(|(number, text)| {
                let path = folder.path().join(number.to_string());
                std::fs::write(&path, text).unwrap();
                path
            })
            .collect();
        let mut parts = Parts::open(&paths).unwrap();
        let rest = |parts: &mut Parts| {
            let (mut all, mut some) = (Vec::new(), [0; 2]);
            while let read @ 1.. = parts.read(&mut some).unwrap() {
                all.extend_from_slice(&some[..read]);
            }
            String::from_utf8(all).unwrap()
        };
        assert_eq!(rest(&mut parts), "abcdefgh");
        assert_eq!(parts.seek(0, ffi::AVSEEK_SIZE), Some(8));
        assert_eq!(parts.seek(-6, 2), Some(2));
        assert_eq!(rest(&mut parts), "cdefgh");
        assert_eq!(parts.seek(4, 0), Some(4));
        assert_eq!(rest(&mut parts), "efgh");
        assert_eq!(parts.seek(-9, 2), None);
    }
}
