//! A frame allocates nothing on its way into and out of FFmpeg, which has its own pools.
#![allow(unsafe_code, reason = "an allocator that counts")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{clip, index};
use frame::{Anchor, Grain, Planar, RgbF32, Size, WHITE, blend, mean_difference, round_to_16_bits};
use media::{
    EncodeSettings, Error, Packet, RangeDecoder, Resizer, SegmentDecoder, SegmentEncoder, Source, probe,
};

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
    let folder = tempfile::tempdir().unwrap();
    for (name, format) in
        [("color", "yuv420p"), ("deep", "yuv422p10le"), ("gray", "gray"), ("odd", "yuv420p")]
    {
        let size = if name == "odd" { "97x63" } else { "96x64" };
        let path = clip(&folder, &format!("{name}.mkv"), size, 40, &["-c:v", "ffv1", "-pix_fmt", format]);
        let list = index(&path);
        let video = probe(&Source::file(&path)).unwrap().video;
        let settings = EncodeSettings {
            crf: 16,
            preset: "ultrafast".to_owned(),
            threads: 2,
            ..EncodeSettings::new(
                &video,
                "libx264",
                &common::format(&video),
                Size::new(192, 128),
                list.time_base,
            )
        };
        let mut decoder = RangeDecoder::open(&Source::file(&path), &list, 0, 40, 1).unwrap();
        let large = video.size.scaled(2);
        let mut encoder = SegmentEncoder::open(&settings, large).unwrap();
        let mut segment = SegmentDecoder::open(encoder.parameters(), list.time_base).unwrap();
        let mut decode = |packet: Packet<'_>| segment.push(packet.pts, packet.keyframe, packet.data);
        let mut picture = RgbF32::new(video.size);
        let mut deep = Planar::new(video.size);
        let mut resizer = Resizer::new(video.size, large).unwrap();
        let (mut anchor, mut grain) = (Anchor::default(), Grain::new(0.1, 7));
        let [mut enlarged, mut mixed, mut grained] = [(); 3].map(|()| Planar::new(large));
        let mut frame = || -> Result<bool, Error> {
            let Some(pts) = decoder.next(&mut picture)? else { return Ok(false) };
            for plane in 0..3 {
                assert!(round_to_16_bits(picture.plane(plane), deep.plane_mut(plane)));
            }
            assert!(mean_difference(&picture, &deep, WHITE) < 0.1);
            resizer.resize(&deep, &mut enlarged)?;
            blend(&enlarged, &grained, 0.9, &mut mixed);
            anchor.correct(&picture, &mut mixed);
            grain.add(&mixed, pts as u32, &mut grained);
            encoder.push(&grained, pts, &mut decode)?;
            Ok(true)
        };
        // The first ones set up the conversions. The lists of what was found grow now and then, and the test harness
        // allocates beside this thread; what a frame allocates, every frame does.
        let count = |_| {
            let before = ALLOCATIONS.load(Ordering::Relaxed);
            assert!(frame().unwrap(), "{name} has too few frames");
            ALLOCATIONS.load(Ordering::Relaxed) - before
        };
        assert_eq!((0..40).map(count).skip(20).min(), Some(0), "{name}");
    }
}
