//! What memory holds before it is written.

/// From now on, memory that is allocated holds zeros, whatever it was used for before: a library that reads memory before it
/// writes it reads the same each time. Where `MALLOC_PERTURB_` is set, as in tests, new memory holds what that says.
///
/// This goes for what the system's allocator gives out, whatever its size and alignment, but for pieces of up to a kilobyte
/// that a thread has freed itself. It does not reach memory that a library keeps and uses again.
pub(crate) fn clear_new() {
    #[cfg(target_env = "gnu")]
    if std::env::var_os("MALLOC_PERTURB_").is_none() {
        /// glibc fills freed memory with this byte, and new memory with its complement.
        const FREED: libc::c_int = 0xff;
        // SAFETY: a setting of the allocator, which it may be given at any time.
        let is_set = unsafe { libc::mallopt(libc::M_PERTURB, FREED) };
        if is_set != 1 {
            tracing::debug!("the allocator does not clear new memory");
        }
    }
}

#[cfg(all(test, target_env = "gnu"))]
mod tests {
    use std::ptr;

    use super::*;

    /// The first and the last bytes of a new piece of memory, which is left with others.
    fn edges(size: usize, alignment: usize) -> [u8; 2] {
        let mut memory = ptr::null_mut();
        // SAFETY: the piece is as long as asked for; its bytes are read as what they are, by reads that are not optimised.
        unsafe {
            assert_eq!(libc::posix_memalign(&raw mut memory, alignment, size), 0);
            let memory = memory.cast::<u8>();
            let found = [memory.read_volatile(), memory.add(size - 1).read_volatile()];
            ptr::write_bytes(memory, 0x5a, size);
            libc::free(memory.cast());
            found
        }
    }

    #[test]
    fn memory_that_was_used_before_is_empty() {
        if std::env::var_os("MALLOC_PERTURB_").is_some() {
            return;
        }
        clear_new();
        for alignment in [16, 64, 2 << 20] {
            // From the heap, and of whole pages.
            for size in [2000, 50_000, 8 << 20] {
                for _ in 0..4 {
                    assert_eq!(edges(size, alignment), [0, 0], "{size} bytes at {alignment}");
                }
            }
        }
    }
}
