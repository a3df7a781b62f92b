//! A frame allocates nothing.
#![allow(unsafe_code, reason = "an allocator that counts")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use common::nets::{noise, rrdb, span, srvgg};
use common::threads;
use engine::{Changes, Reuse};
use frame::Size;

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
/// Held by the test that counts.
static COUNTER: Mutex<()> = Mutex::new(());

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
    let _alone = COUNTER.lock().unwrap_or_else(PoisonError::into_inner);
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

#[test]
fn comparing_and_computing_parts_allocates_nothing() {
    let _alone = COUNTER.lock().unwrap_or_else(PoisonError::into_inner);
    let network = srvgg(8, 1, 2, 4);
    let size = Size::new(160, 120);
    let mut reuse = Reuse::new(engine::cpu(&network, threads(1)).unwrap(), &network);
    reuse.begin(size, Some(0)).unwrap();
    let mut pictures = [noise(size, 5), noise(size, 5), noise(size, 5)];
    pictures[1].row_mut(0, 3)[4] = 0.0;
    pictures[2].row_mut(0, 3)[4] = 0.0;
    let mut parts = 0;
    let mut frames = |count| {
        for picture in pictures.iter().cycle().take(count) {
            let changes = reuse.compare(picture);
            parts += usize::from(changes == Changes::Parts);
            if changes != Changes::Nothing {
                reuse.run(picture, &mut |_| {}).unwrap();
            }
        }
    };
    frames(6);
    let fewest = (0..10).map(|_| {
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        frames(6);
        ALLOCATIONS.load(Ordering::Relaxed) - before
    });
    assert_eq!(fewest.min(), Some(0));
    assert_eq!(parts, 11 * 4 - 1);
}
