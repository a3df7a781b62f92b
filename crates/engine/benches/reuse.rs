//! What reuse saves on films of several kinds, beside computing every picture of the same film in the same run.
//!
//! `cargo bench -p engine --bench reuse -- [MODEL WIDTHxHEIGHT THREADS FRAMES TOLERANCE]`
#![allow(clippy::print_stdout, reason = "a program for people")]

use std::error::Error;
use std::num::NonZeroUsize;
use std::time::Instant;

use engine::{Changes, Options, Reuse};
use frame::{RgbF32, Size};
use network::{build, catalogue, read_tensors};

/// Times that each film is shown; the fastest counts.
const REPEATS: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let argument = |index: usize, usual: &str| arguments.get(index).map_or(usual, String::as_str).to_owned();
    let model = argument(0, "realesr-animevideov3");
    let size = argument(1, "320x180");
    let (width, height) = size.split_once('x').ok_or("the size is not of the form WIDTHxHEIGHT")?;
    let size = Size::new(width.parse()?, height.parse()?);
    let threads: NonZeroUsize = argument(2, "2").parse()?;
    let frames: u32 = argument(3, "24").parse()?;
    let tolerance: u8 = argument(4, "0").parse()?;
    let network = build(&read_tensors(catalogue::built_in(&model)?.bytes())?)?.1;
    let mut reuse = Reuse::new(engine::cpu(&network, Options { threads })?, &network);
    println!("{model} {size}, {}, tolerance {tolerance}", reuse.engine().describe());
    for (name, film) in [
        ("film", film as fn(&mut RgbF32, u32)),
        ("on twos", twos),
        ("still", still),
        ("screen", screen),
        ("cursor", cursor),
    ] {
        let (mut every, mut reused) = (f64::INFINITY, Shown::default());
        reused.seconds = f64::INFINITY;
        for _ in 0..REPEATS {
            every = every.min(show(&mut reuse, size, frames, None, film)?.seconds);
            let shown = show(&mut reuse, size, frames, Some(tolerance), film)?;
            reused = if shown.seconds < reused.seconds { shown } else { reused };
        }
        let per_frame = |seconds: f64| seconds * 1e3 / f64::from(frames);
        println!(
            "{name:8} {:8.2} ms a frame, {:8.2} with reuse: {:5.2} times as fast; {:5.1} % of the pixels computed, \
             comparing {:.2} ms a frame; {:.1} MiB",
            per_frame(every),
            per_frame(reused.seconds),
            every / reused.seconds,
            reused.pixels as f64 * 100.0 / (size.pixels() * u64::from(frames)) as f64,
            per_frame(reused.comparing),
            reuse.memory() as f64 / f64::from(1 << 20)
        );
    }
    Ok(())
}

#[derive(Default)]
struct Shown {
    seconds: f64,
    comparing: f64,
    pixels: u64,
}

fn show(
    reuse: &mut Reuse,
    size: Size,
    frames: u32,
    tolerance: Option<u8>,
    film: fn(&mut RgbF32, u32),
) -> Result<Shown, Box<dyn Error>> {
    reuse.begin(size, tolerance)?;
    let (mut picture, mut shown) = (RgbF32::new(size), Shown::default());
    for number in 0..frames {
        film(&mut picture, number);
        let start = Instant::now();
        let changes = reuse.compare(&picture);
        shown.comparing += start.elapsed().as_secs_f64();
        if changes != Changes::Nothing {
            shown.pixels += reuse.run(&picture, &mut |patch| {
                std::hint::black_box(patch.row(0, 0));
            })?;
        }
        shown.seconds += start.elapsed().as_secs_f64();
    }
    Ok(shown)
}

fn fill(picture: &mut RgbF32, seed: u32) {
    for plane in 0..3 {
        for (i, sample) in picture.plane_mut(plane).iter_mut().enumerate() {
            *sample = ((i as u32 + seed).wrapping_mul(2_654_435_761) >> 16) as f32 / 65536.0;
        }
    }
}

fn paint(picture: &mut RgbF32, x: u32, y: u32, width: u32, height: u32, value: f32) {
    for plane in 0..3 {
        for row in y..y + height {
            picture.row_mut(plane, row)[x as usize..][..width as usize].fill(value);
        }
    }
}

/// Noise: every picture is new.
fn film(picture: &mut RgbF32, number: u32) {
    fill(picture, number);
}

/// A drawn film: every picture is shown twice.
fn twos(picture: &mut RgbF32, number: u32) {
    fill(picture, number / 2);
}

fn still(picture: &mut RgbF32, _: u32) {
    fill(picture, 0);
}

/// A desktop: a small box moves every second frame, a cursor blinks elsewhere.
fn screen(picture: &mut RgbF32, number: u32) {
    cursor(picture, number);
    let size = picture.size();
    paint(picture, size.width / 8 + number / 2 * 2, size.height / 8, 16, 16, 0.9);
}

/// A desktop where only a cursor blinks.
fn cursor(picture: &mut RgbF32, number: u32) {
    fill(picture, 0);
    let size = picture.size();
    let value = if (number / 4).is_multiple_of(2) { 0.0 } else { 1.0 };
    paint(picture, size.width * 5 / 8, size.height * 3 / 4, 2, 12, value);
}
