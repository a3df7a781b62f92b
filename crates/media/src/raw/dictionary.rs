//! FFmpeg's lists of names and values.

use std::ptr;

use super::{c_text, ffi, text};

/// A list of names and values that is owned. Laid out like FFmpeg's pointer to one.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Dictionary(*mut ffi::AVDictionary);

impl Dictionary {
    pub(crate) fn new() -> Self {
        Self(ptr::null_mut())
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        // SAFETY: FFmpeg copies both texts; a null dictionary is an empty one.
        unsafe { ffi::av_dict_set(&raw mut self.0, c_text(name).as_ptr(), c_text(value).as_ptr(), 0) };
    }

    /// For calls that take options and leave those that they do not know.
    pub(crate) fn as_mut_ptr(&mut self) -> *mut *mut ffi::AVDictionary {
        &raw mut self.0
    }

    /// What is in the list; after a call that took options, those that it did not know.
    pub(crate) fn entries(&self) -> Vec<(String, String)> {
        // SAFETY: the dictionary is null or owned.
        unsafe { entries(self.0) }
    }
}

impl Drop for Dictionary {
    fn drop(&mut self) {
        // SAFETY: the dictionary is null or owned.
        unsafe { ffi::av_dict_free(&raw mut self.0) };
    }
}

/// The names and values of a list.
///
/// # Safety
/// `dictionary` is null or a list that is not changed during the call.
pub(crate) unsafe fn entries(dictionary: *const ffi::AVDictionary) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut entry: *const ffi::AVDictionaryEntry = ptr::null();
    loop {
        // SAFETY: an empty name with this flag walks over all entries; the entry before is a valid start.
        unsafe {
            entry = ffi::av_dict_get(dictionary, c"".as_ptr(), entry, ffi::AV_DICT_IGNORE_SUFFIX);
            if entry.is_null() {
                return found;
            }
            found.push((text((*entry).key), text((*entry).value)));
        }
    }
}

/// Adds the entries for which `wanted` holds to the list at `to`.
///
/// # Safety
/// `to` points to a list that may be changed (a null list is an empty one).
pub(crate) unsafe fn add(
    to: *mut *mut ffi::AVDictionary,
    from: &[(String, String)],
    wanted: impl Fn(&str) -> bool,
) {
    for (name, value) in from.iter().filter(|(name, _)| wanted(name)) {
        // SAFETY: as the caller promises; FFmpeg copies both texts.
        unsafe { ffi::av_dict_set(to, c_text(name).as_ptr(), c_text(value).as_ptr(), 0) };
    }
}
