//! Small random networks against a naive run, and the promises: any size, same bits with any number of threads.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::nets::{Random, networks, noise, rrdb, srvgg};
use common::tiled::upscale;
use common::{difference, engines, naive, same, threads, whole};
use engine::{Error, Reuse, Tiling};
use frame::{RgbF32, Size};
use network::ir::Network;

fn check(name: &str, network: &Network, size: Size) {
    let input = noise(size, u64::from(size.width) * 1000 + u64::from(size.height));
    let expected = naive::run(network, &input);
    let largest = common::samples(&expected).fold(1.0_f32, |largest, sample| largest.max(sample.abs()));
    for engine in engines(network, 2) {
        let error = difference(&whole(engine.as_ref(), &input), &expected);
        assert!(error < 2e-5 * largest, "{name} {size} {}: {error} of {largest}", engine.describe());
    }
}

#[test]
fn networks_of_all_sizes_are_right() {
    for (name, network) in networks() {
        for (width, height) in [(1, 1), (2, 1), (1, 7), (3, 2), (6, 6), (16, 16), (13, 29), (37, 23)] {
            check(name, &network, Size::new(width, height));
        }
    }
}

#[test]
fn random_sizes_are_right() {
    let (networks, mut random) = (networks(), Random::new(7));
    for _ in 0..12 {
        let (name, network) = &networks[random.below(networks.len())];
        check(name, network, Size::new(1 + random.below(50) as u32, 1 + random.below(40) as u32));
    }
}

#[test]
fn wide_pictures_have_the_right_size_and_content() {
    check("srvgg x2", &srvgg(8, 1, 2, 8), Size::new(2562, 3));
}

#[test]
fn threads_do_not_change_a_bit() {
    for (name, network) in networks() {
        for (width, height) in [(5, 3), (61, 40), (150, 14)] {
            let input = noise(Size::new(width, height), 9);
            let alone = engines(&network, 1);
            for count in [2, 3, 5] {
                for (one, many) in alone.iter().zip(engines(&network, count)) {
                    let same = same(&whole(one.as_ref(), &input), &whole(many.as_ref(), &input));
                    assert!(same, "{name} {width}x{height} {}", many.describe());
                }
            }
        }
    }
}

#[test]
fn tiles_do_not_change_a_bit() {
    for (name, network) in networks() {
        for engine in engines(&network, 2) {
            let Tiling { grid, left, right, .. } = engine.tiling();
            let size = Size::new(3 * (left + right) + 7 * grid + 5, 40);
            let input = noise(size, 10);
            let (wanted, scale, described) =
                (whole(engine.as_ref(), &input), engine.scale(), engine.describe());
            let all = engine.session_memory(size).unwrap();
            let mut reuse = Reuse::new(engine, &network);
            let Err(Error::Memory { bytes: least, .. }) = reuse.begin_within(size, None, 0) else {
                panic!("{name}: a picture without memory")
            };
            // Tiles with more and more memory.
            let mut counts = Vec::new();
            for most in [least, least + (all - least) / 3, all - 1, all] {
                reuse.begin_within(size, None, most).unwrap();
                assert_eq!(reuse.sessions_within(size, most), Ok(reuse.memory() - reuse.engine().memory()));
                assert!(reuse.memory() - reuse.engine().memory() <= most);
                let mut output = RgbF32::new(size.scaled(scale));
                let mut tops = 0;
                let run = reuse.run(&input, &mut |patch| {
                    tops += usize::from(patch.y == 0);
                    for plane in 0..3 {
                        for y in 0..patch.rows {
                            let row = &mut output.row_mut(plane, patch.y + y)[patch.x as usize..];
                            row[..patch.width as usize].copy_from_slice(patch.row(plane, y));
                        }
                    }
                });
                assert_eq!(run, Ok(size.pixels()));
                assert!(same(&output, &wanted), "{name} {size} in {most} of {all} bytes: {described}");
                counts.push(tops);
            }
            let is_ordered = counts.is_sorted_by(|less, more| less >= more);
            assert!(is_ordered && counts[0] > 1 && counts[3] == 1, "{name}: {counts:?}");
        }
    }
}

#[test]
fn a_session_runs_many_frames() {
    let network = srvgg(16, 2, 4, 13);
    for engine in engines(&network, 2) {
        let mut session = engine.session(Size::new(31, 22)).unwrap();
        assert_eq!(engine.session_memory(Size::new(31, 22)), Ok(session.memory()));
        let mut output = RgbF32::new(Size::new(0, 0));
        for seed in 0..4 {
            let input = noise(Size::new(31, 22), seed);
            upscale(session.as_mut(), &input, &mut output);
            assert!(same(&output, &whole(engine.as_ref(), &input)), "frame {seed}");
        }
    }
}

#[test]
fn bands_come_in_order_and_cover_the_output() {
    let network = rrdb(16, 8, 1, 1, 14);
    let engine = engine::cpu(&network, threads(2)).unwrap();
    let input = noise(Size::new(33, 41), 15);
    let mut next = 0;
    let mut session = engine.session(input.size()).unwrap();
    let run = session.run(&input, &mut |band| {
        assert_eq!((band.y, band.width), (next, 132));
        assert!(band.rows > 0 && band.planes.iter().all(|plane| plane.len() == band.rows as usize * 132));
        next += band.rows;
    });
    assert_eq!((run, next), (Ok(()), 164));
}

#[test]
fn what_cannot_be_is_refused() {
    let network = srvgg(8, 1, 2, 16);
    let engine = engine::cpu(&network, threads(1)).unwrap();
    let size = Size::new(0, 7);
    assert_eq!(engine.session(size).err(), Some(Error::Empty(size)));
    let size = Size::new(u32::MAX, u32::MAX);
    assert_eq!(engine.session(size).err(), Some(Error::TooLarge(size)));
    let size = Size::new(u32::MAX / 2, 100);
    assert!(matches!(engine.session(size).err(), Some(Error::Memory { .. })));
    let mut session = engine.session(Size::new(4, 4)).unwrap();
    let found = session.run(&noise(Size::new(4, 5), 1), &mut |_| {});
    assert_eq!(found, Err(Error::Size { expected: Size::new(4, 4), found: Size::new(4, 5) }));
    let mut broken = network;
    broken.scale = 3;
    assert!(matches!(engine::cpu(&broken, threads(1)).err(), Some(Error::Network(_))));
}

#[test]
fn a_panic_in_the_receiver_of_rows_leaves_nobody_waiting() {
    let engine = engine::cpu(&srvgg(8, 1, 2, 17), threads(2)).unwrap();
    let input = noise(Size::new(20, 20), 1);
    let mut session = engine.session(input.size()).unwrap();
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        session.run(&input, &mut |_| panic!("expected by the test"))
    }));
    assert!(caught.is_err());
    assert_eq!(session.run(&input, &mut |_| {}), Err(Error::Failed));
}
