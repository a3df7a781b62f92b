//! A frame allocates nothing.
#![allow(unsafe_code, reason = "an allocator that counts")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use common::nets::{noise, rrdb, span, srvgg};
use common::threads;
use frame::Size;

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: the system's allocator does the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn frames_allocate_nothing() {
    for network in [srvgg(16, 2, 4, 1), rrdb(16, 8, 1, 2, 2), span(16, 1, 2, true, 3)] {
        for count in [1, 2] {
            let engine = engine::cpu(&network, threads(count)).unwrap();
            let input = noise(Size::new(45, 37), 3);
            let mut session = engine.session(input.size()).unwrap();
            let mut rows = 0;
            // The first frame may set up what the standard library keeps for each thread.
            session.run(&input, &mut |band| rows += band.rows).unwrap();
            // The test harness allocates now and then beside this thread; what a frame allocates, every frame does.
            let fewest = (0..10).map(|_| {
                let before = ALLOCATIONS.load(Ordering::Relaxed);
                session.run(&input, &mut |band| rows += band.rows).unwrap();
                ALLOCATIONS.load(Ordering::Relaxed) - before
            });
            assert_eq!(fewest.min(), Some(0), "{count} threads");
        }
    }
}
