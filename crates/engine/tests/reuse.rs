//! What did not change is not computed again, and the result is the same.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use common::nets::{Random, noise, rrdb, srvgg};
use common::{difference, engines, same, samples, threads, whole};
use engine::{Changes, Engine, Error, Reuse, RowBand, Session, Tiling};
use frame::{RgbF32, Size};
use network::ir::Network;

/// An engine that counts the pixels it is given.
struct Counting {
    engine: Box<dyn Engine>,
    pixels: Arc<AtomicU64>,
}

struct CountingSession {
    session: Box<dyn Session>,
    pixels: Arc<AtomicU64>,
}

impl Engine for Counting {
    fn name(&self) -> &'static str {
        self.engine.name()
    }
    fn describe(&self) -> String {
        self.engine.describe()
    }
    fn scale(&self) -> u32 {
        self.engine.scale()
    }
    fn memory(&self) -> u64 {
        self.engine.memory()
    }
    fn tiling(&self) -> Tiling {
        self.engine.tiling()
    }
    fn session_memory(&self, input: Size) -> Result<u64, Error> {
        self.engine.session_memory(input)
    }
    fn session(&self, input: Size) -> Result<Box<dyn Session>, Error> {
        let session = self.engine.session(input)?;
        Ok(Box::new(CountingSession { session, pixels: Arc::clone(&self.pixels) }))
    }
    fn thin_session_memory(&self, input: Size) -> Result<u64, Error> {
        self.engine.thin_session_memory(input)
    }
    fn thin_session(&self, input: Size) -> Result<Box<dyn Session>, Error> {
        self.engine.thin_session(input)
    }
}

impl Session for CountingSession {
    fn run(&mut self, input: &RgbF32, rows: &mut dyn FnMut(RowBand<'_>)) -> Result<(), Error> {
        self.pixels.fetch_add(input.size().pixels(), Ordering::Relaxed);
        self.session.run(input, rows)
    }
    fn memory(&self) -> u64 {
        self.session.memory()
    }
}

/// A video that is upscaled, and the result so far.
struct Film {
    reuse: Reuse,
    output: RgbF32,
}

impl Film {
    fn new(engine: Box<dyn Engine>, network: &Network, size: Size, tolerance: Option<u8>) -> Self {
        let output = RgbF32::new(size.scaled(engine.scale()));
        let mut reuse = Reuse::new(engine, network);
        reuse.begin(size, tolerance).unwrap();
        Self { reuse, output }
    }

    /// The next picture: what it needed, and the pixels that went through the network.
    fn show(&mut self, input: &RgbF32) -> (Changes, u64) {
        let changes = self.reuse.compare(input);
        let mut pixels = 0;
        if changes != Changes::Nothing {
            let output = &mut self.output;
            pixels = self
                .reuse
                .run(input, &mut |patch| {
                    for plane in 0..3 {
                        for y in 0..patch.rows {
                            let row = &mut output.row_mut(plane, patch.y + y)[patch.x as usize..];
                            row[..patch.width as usize].copy_from_slice(patch.row(plane, y));
                        }
                    }
                })
                .unwrap();
        }
        (changes, pixels)
    }
}

fn networks() -> Vec<(&'static str, Network)> {
    vec![
        ("compact x4", srvgg(12, 2, 4, 1)),
        ("compact x2", srvgg(8, 4, 2, 2)),
        ("rrdb x4", rrdb(8, 4, 1, 1, 3)),
        ("rrdb x2", rrdb(8, 4, 1, 2, 4)),
    ]
}

fn paint(picture: &mut RgbF32, x: u32, y: u32, width: u32, height: u32, random: &mut Random) {
    let size = picture.size();
    for plane in 0..3 {
        for row in y..(y + height).min(size.height) {
            for sample in &mut picture.row_mut(plane, row)[x as usize..(x + width).min(size.width) as usize] {
                *sample = random.number().abs();
            }
        }
    }
}

/// Changes a picture in one of many ways, or not at all.
fn change(picture: &mut RgbF32, random: &mut Random) {
    let size = picture.size();
    let (width, height) = (size.width as usize, size.height as usize);
    match random.below(8) {
        0 => {}
        1 => {
            // One sample in a corner.
            let (x, y) = (random.below(2) * (width - 1), random.below(2) * (height - 1));
            picture.row_mut(random.below(3), y as u32)[x] += 0.25;
        }
        2 => {
            // One sample at a border.
            let (x, y) = if random.below(2) == 0 {
                (random.below(width), random.below(2) * (height - 1))
            } else {
                (random.below(2) * (width - 1), random.below(height))
            };
            picture.row_mut(random.below(3), y as u32)[x] = random.number();
        }
        3 => {
            // The smallest change there is.
            let sample = &mut picture.row_mut(1, random.below(height) as u32)[random.below(width)];
            *sample = sample.next_up();
        }
        4 => *picture = noise(size, random.below(1000) as u64),
        _ => {
            for _ in 0..=random.below(3) {
                let (x, y) = (random.below(width) as u32, random.below(height) as u32);
                paint(picture, x, y, 1 + random.below(20) as u32, 1 + random.below(20) as u32, random);
            }
        }
    }
}

#[test]
fn any_film_gives_the_bits_of_computing_everything() {
    let mut random = Random::new(21);
    let mut kinds = [0; 3];
    for (name, network) in networks() {
        for (which, size) in [(160, 120), (233, 67), (61, 211), (31, 22)].into_iter().enumerate() {
            let size = Size::new(size.0, size.1);
            let [best, portable] = engines(&network, 2);
            let engine = if which == 1 { portable } else { best };
            let mut session = engine.session(size).unwrap();
            let mut wanted = RgbF32::new(Size::new(0, 0));
            let mut film = Film::new(engine, &network, size, Some(0));
            let mut picture = noise(size, 5);
            for frame in 0..14 {
                let (changes, _) = film.show(&picture);
                kinds[changes as usize] += 1;
                common::tiled::upscale(session.as_mut(), &picture, &mut wanted);
                assert!(same(&film.output, &wanted), "{name} {size} frame {frame}: {changes:?}");
                change(&mut picture, &mut random);
            }
        }
    }
    // Else this proves less than it says.
    assert!(kinds.iter().all(|&count| count > 20), "{kinds:?}");
}

#[test]
fn little_memory_changes_no_bit_of_a_film() {
    for tolerance in [None, Some(0), Some(3)] {
        let (network, size) = (srvgg(8, 2, 2, 31), Size::new(300, 60));
        let engine = || engine::cpu(&network, threads(2)).unwrap();
        let all = engine().session_memory(size).unwrap();
        let mut roomy = Film::new(engine(), &network, size, tolerance);
        let mut tight = Film::new(engine(), &network, Size::new(1, 1), tolerance);
        let refused = tight.reuse.begin_within(size, tolerance, 0);
        let Err(Error::Memory { bytes: least, .. }) = refused else { panic!("{refused:?}") };
        assert!(least < all / 2, "{least} of {all}");
        tight.reuse.begin_within(size, tolerance, least).unwrap();
        tight.output.resize(size.scaled(2));
        let (mut random, mut picture) = (Random::new(32), noise(size, 33));
        for frame in 0..12 {
            assert_eq!(roomy.show(&picture), tight.show(&picture));
            assert!(same(&tight.output, &roomy.output), "{tolerance:?} frame {frame}");
            let pictures = 2 * 12 * size.pixels();
            assert!(tight.reuse.memory() <= tight.reuse.engine().memory() + least + pictures);
            change(&mut picture, &mut random);
        }
    }
}

#[test]
fn what_did_not_change_is_not_computed() {
    let network = srvgg(8, 1, 2, 6);
    let pixels = Arc::new(AtomicU64::new(0));
    let engine = Box::new(Counting {
        engine: engine::cpu(&network, threads(1)).unwrap(),
        pixels: Arc::clone(&pixels),
    });
    let size = Size::new(240, 180);
    let mut film = Film::new(engine, &network, size, Some(0));
    let mut picture = noise(size, 7);
    let mut computed = |picture: &RgbF32| {
        let before = pixels.load(Ordering::Relaxed);
        let (changes, told) = film.show(picture);
        let counted = pixels.load(Ordering::Relaxed) - before;
        assert_eq!(counted, told);
        (changes, counted)
    };
    assert_eq!(computed(&picture), (Changes::Everything, size.pixels()));
    for _ in 0..3 {
        assert_eq!(computed(&picture), (Changes::Nothing, 0));
    }
    let mut random = Random::new(8);
    for (x, y) in [(3, 3), (120, 90), (230, 170)] {
        paint(&mut picture, x, y, 6, 6, &mut random);
        let (changes, pixels) = computed(&picture);
        assert_eq!(changes, Changes::Parts);
        assert!(pixels < size.pixels() / 4, "{pixels} of {}", size.pixels());
    }
    // Two spots far apart cost two small tiles, not one that holds both.
    paint(&mut picture, 2, 2, 4, 4, &mut random);
    paint(&mut picture, 230, 170, 4, 4, &mut random);
    let (changes, pixels) = computed(&picture);
    assert!(changes == Changes::Parts && pixels < size.pixels() / 2, "{changes:?} {pixels}");
    assert_eq!(computed(&noise(size, 9)), (Changes::Everything, size.pixels()));
}

#[test]
fn a_new_beginning_forgets_and_without_reuse_everything_is_computed() {
    let network = srvgg(8, 1, 2, 10);
    let size = Size::new(60, 40);
    let mut film = Film::new(engine::cpu(&network, threads(2)).unwrap(), &network, size, Some(0));
    let picture = noise(size, 11);
    assert_eq!(film.show(&picture).0, Changes::Everything);
    assert_eq!(film.show(&picture).0, Changes::Nothing);
    film.reuse.begin(size, Some(0)).unwrap();
    assert_eq!(film.show(&picture).0, Changes::Everything);
    film.reuse.begin(size, None).unwrap();
    for _ in 0..3 {
        assert_eq!(film.show(&picture), (Changes::Everything, size.pixels()));
    }
    film.reuse.begin(Size::new(30, 20), Some(0)).unwrap();
    assert_eq!(film.reuse.compare(&picture), Changes::Everything);
    let found = film.reuse.run(&picture, &mut |_| {});
    assert_eq!(found, Err(Error::Size { expected: Size::new(30, 20), found: size }));
}

#[test]
fn numbers_that_are_none_are_computed_every_time() {
    let network = srvgg(8, 1, 2, 12);
    let size = Size::new(150, 100);
    let engine = engine::cpu(&network, threads(1)).unwrap();
    let mut film = Film::new(engine, &network, size, Some(0));
    let mut picture = noise(size, 13);
    film.show(&picture);
    picture.row_mut(0, 50)[75] = f32::NAN;
    for _ in 0..3 {
        assert_eq!(film.show(&picture).0, Changes::Parts);
        assert!(samples(&film.output).any(f32::is_nan));
    }
    picture.row_mut(0, 50)[75] = 0.5;
    assert_eq!(film.show(&picture).0, Changes::Parts);
    assert!(samples(&film.output).all(f32::is_finite));
}

#[test]
fn slow_drift_does_not_add_up() {
    let network = srvgg(8, 1, 2, 14);
    let size = Size::new(90, 70);
    let engine = engine::cpu(&network, threads(1)).unwrap();
    let mut film = Film::new(engine, &network, size, Some(2));
    let mut picture = noise(size, 15);
    let shown: Vec<Changes> = (0..10)
        .map(|_| {
            let (changes, _) = film.show(&picture);
            for plane in 0..3 {
                picture.plane_mut(plane).iter_mut().for_each(|sample| *sample += 0.7 / 255.0);
            }
            changes
        })
        .collect();
    // 0.7 and 1.4 levels are within the tolerance, 2.1 are not.
    let is_new: Vec<bool> = shown.iter().map(|&changes| changes != Changes::Nothing).collect();
    assert_eq!(is_new, [true, false, false, true, false, false, true, false, false, true], "{shown:?}");
}

#[test]
fn a_tolerance_follows_what_moves_in_smaller_tiles_the_same_way_every_time() {
    let network = srvgg(8, 6, 2, 16);
    let size = Size::new(220, 170);
    let engine = |count| engine::cpu(&network, threads(count)).unwrap();
    let mut exact = Film::new(engine(1), &network, size, Some(0));
    let mut tolerant = Film::new(engine(1), &network, size, Some(1));
    let mut again = Film::new(engine(3), &network, size, Some(1));
    let mut picture = noise(size, 17);
    let mut random = Random::new(18);
    let (mut exact_pixels, mut tolerant_pixels) = (0, 0);
    for frame in 0..12 {
        exact_pixels += exact.show(&picture).1;
        tolerant_pixels += tolerant.show(&picture).1;
        again.show(&picture);
        // The rest of the picture is the same, so that only rounding differs.
        let wanted = whole(engine(1).as_ref(), &picture);
        let largest = samples(&wanted).fold(1.0_f32, |largest, sample| largest.max(sample.abs()));
        assert!(same(&exact.output, &wanted));
        assert!(difference(&tolerant.output, &wanted) < 1e-5 * largest, "frame {frame}");
        assert!(same(&again.output, &tolerant.output), "frame {frame}");
        let at = random.below(150) as u32;
        paint(&mut picture, at, at, 9, 9, &mut random);
    }
    assert!(tolerant_pixels < exact_pixels * 3 / 4, "{tolerant_pixels} {exact_pixels}");
}

#[test]
fn memory_is_that_of_the_sessions_in_use() {
    let network = srvgg(8, 1, 2, 19);
    let engine = engine::cpu(&network, threads(1)).unwrap();
    let size = Size::new(240, 180);
    let alone = engine.memory() + engine.session_memory(size).unwrap();
    let mut film = Film::new(engine, &network, size, None);
    assert_eq!(film.reuse.memory(), alone);
    film.reuse.begin(size, Some(0)).unwrap();
    let mut picture = noise(size, 20);
    film.show(&picture);
    assert_eq!(film.reuse.memory(), alone + size.pixels() * 12);
    picture.row_mut(0, 0)[0] = 2.0;
    film.show(&picture);
    let more = film.reuse.memory() - alone - size.pixels() * 12;
    assert!(more > 0 && more < alone, "{more} {alone}");
}
