//! Milliseconds a frame of what may be done to pictures after the network.
//!
//! `cargo bench -p media --bench look -- [WIDTHxHEIGHT TIMES FRAMES]`
#![allow(clippy::print_stdout, reason = "a program for people")]

use std::error::Error;
use std::time::Instant;

use frame::{Anchor, Grain, Planar, RgbF32, Size, blend, round_to_16_bits};
use media::Resizer;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let argument = |index: usize, usual: &str| arguments.get(index).map_or(usual, String::as_str).to_owned();
    let size = argument(0, "640x360");
    let (width, height) = size.split_once('x').ok_or("the size is not of the form WIDTHxHEIGHT")?;
    let source = Size::new(width.parse()?, height.parse()?);
    let large = source.scaled(argument(1, "4").parse()?);
    let frames: u32 = argument(2, "20").parse()?;
    media::init();

    let mut picture = RgbF32::new(source);
    for plane in 0..3 {
        for (at, sample) in picture.plane_mut(plane).iter_mut().enumerate() {
            *sample = (at * 7919 % 1009) as f32 / 1009.0;
        }
    }
    let mut rounded = Planar::new(source);
    let mut classic = Planar::new(large);
    let mut result = Planar::new(large);
    let mut resizer = Resizer::new(source, large)?;
    let mut smaller = Resizer::new(large, Size::new(large.width / 2, large.height / 2))?;
    let mut anchor = Anchor::default();
    let mut grain = Grain::new(0.2, 7);
    println!("{source} to {large}, {frames} frames, one thread");
    let each =
        |name: &str, work: &mut dyn FnMut(u32) -> Result<(), media::Error>| -> Result<(), media::Error> {
            work(0)?;
            let mut spent: Vec<f64> = Vec::new();
            for number in 1..=frames {
                let start = Instant::now();
                work(number)?;
                spent.push(start.elapsed().as_secs_f64() * 1e3);
            }
            spent.sort_by(f64::total_cmp);
            println!("{name:<32} {:7.2} ms (median)", spent[spent.len() / 2]);
            Ok(())
        };
    each("strength: enlarge classically", &mut |_| {
        (0..3).for_each(|plane| {
            round_to_16_bits(picture.plane(plane), rounded.plane_mut(plane));
        });
        resizer.resize(&rounded, &mut classic)
    })?;
    let network = classic.clone();
    each("strength: blend", &mut |_| {
        blend(&network, &classic, 0.7, &mut result);
        Ok(())
    })?;
    each("anchor", &mut |_| {
        anchor.correct(&picture, &mut result);
        Ok(())
    })?;
    let mut grained = Planar::new(large);
    each("grain", &mut |number| {
        grain.add(&result, number, &mut grained);
        Ok(())
    })?;
    let mut half = Planar::new(smaller.size());
    each("grain: to half of that size first", &mut |_| smaller.resize(&result, &mut half))?;
    Ok(())
}
