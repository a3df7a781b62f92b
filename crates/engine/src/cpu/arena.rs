//! The memory of a session: one allocation that all its threads read and write.
#![allow(unsafe_code, reason = "threads write disjoint parts of one allocation, by pointer")]

use std::alloc::{Layout, alloc, dealloc};
use std::ptr::NonNull;

/// A huge page of most systems: what begins at one can be made of them.
const ALIGNMENT: usize = 2 << 20;

/// Zeroed floats that are addressed by pointer; who writes where and when is the plan's matter.
#[derive(Debug)]
pub(crate) struct Arena {
    data: NonNull<f32>,
    layout: Layout,
}

// SAFETY: the arena is memory without an owner's thread; what is done through its pointers is the users' matter.
unsafe impl Send for Arena {}
// SAFETY: as above; the arena itself never reads or writes the memory after it is made.
unsafe impl Sync for Arena {}

impl Arena {
    /// So many floats, all zero; nothing when the memory is not to be had.
    pub(crate) fn new(floats: usize) -> Option<Self> {
        let bytes = floats.max(1).checked_mul(size_of::<f32>())?;
        let layout = Layout::from_size_align(bytes, if bytes < ALIGNMENT { 64 } else { ALIGNMENT }).ok()?;
        // SAFETY: the size is not 0.
        let data = NonNull::new(unsafe { alloc(layout) })?;
        // SAFETY: just allocated with this size. Writing the zeros also makes the system commit the memory now.
        unsafe { data.as_ptr().write_bytes(0, bytes) };
        Some(Self { data: data.cast(), layout })
    }

    /// The address of a float.
    pub(crate) fn at(&self, index: usize) -> *mut f32 {
        debug_assert!(index * size_of::<f32>() < self.layout.size());
        self.data.as_ptr().wrapping_add(index)
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this layout; the sessions' threads have ended.
        unsafe { dealloc(self.data.as_ptr().cast(), self.layout) }
    }
}
