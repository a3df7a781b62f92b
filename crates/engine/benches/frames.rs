//! Milliseconds a frame and useful GFLOP/s, which count the multiply-adds of the convolutions as written, beside the most
//! that the processor's multiply-adds could do. Winograd's convolutions need about a fifth of the multiplications as
//! written, so that useful GFLOP/s may exceed the ceiling.
//!
//! `cargo bench -p engine --bench frames` runs the built-in models; `… -- MODEL WIDTHxHEIGHT THREADS [SECONDS]` one case,
//! where MODEL is the name of a built-in one or the path of an ncnn model without its ending. The variable `PORTABLE`
//! selects the kernels that run everywhere.
#![allow(clippy::print_stdout, reason = "a program for people")]

mod ceiling;

use std::error::Error;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use engine::Options;
use frame::{RgbF32, Size};
use network::ir::Network;
use network::{ModelBytes, build, catalogue, read_tensors};

use ceiling::Ceiling;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match &arguments[..] {
        [] => {
            let all = std::thread::available_parallelism()?;
            for model in &catalogue::BUILT_IN {
                for size in [Size::new(320, 180), Size::new(640, 360)] {
                    measure(model.name, size, all, 5.0)?;
                }
            }
            Ok(())
        }
        [model, size, threads, rest @ ..] => {
            let (width, height) = size.split_once('x').ok_or("the size is not of the form WIDTHxHEIGHT")?;
            let size = Size::new(width.parse()?, height.parse()?);
            let seconds: f64 = rest.first().map_or(Ok(5.0), |seconds| seconds.parse())?;
            measure(model, size, threads.parse()?, seconds)
        }
        _ => Err("arguments: MODEL WIDTHxHEIGHT THREADS [SECONDS], or none".into()),
    }
}

fn load(model: &str) -> Result<Network, Box<dyn Error>> {
    let tensors = if let Ok(built_in) = catalogue::built_in(model) {
        read_tensors(built_in.bytes())?
    } else {
        let param = std::fs::read_to_string(format!("{model}.param"))?;
        let bin = std::fs::read(format!("{model}.bin"))?;
        read_tensors(ModelBytes::Ncnn { param: &param, bin: &bin })?
    };
    Ok(build(&tensors)?.1)
}

fn measure(model: &str, size: Size, threads: NonZeroUsize, seconds: f64) -> Result<(), Box<dyn Error>> {
    let network = load(model)?;
    let engine = if std::env::var_os("PORTABLE").is_some() { engine::cpu_portable } else { engine::cpu }(
        &network,
        Options { threads },
    )?;
    println!("{} {size}, {}", model.rsplit('/').next().unwrap_or(model), engine.describe());
    // Just before the frames, since clocks change with heat and with what else runs.
    let ceiling = Ceiling::measure(&engine.describe(), threads.get());
    println!("{ceiling}");
    let mut session = engine.session(size)?;
    let mut picture = RgbF32::new(size);
    for plane in 0..3 {
        for (i, sample) in picture.plane_mut(plane).iter_mut().enumerate() {
            *sample = ((i * 2_654_435_761 + plane) % 1009) as f32 / 1008.0;
        }
    }
    let mut times = Vec::new();
    let begin = Instant::now();
    let mut check = 0.0_f32;
    while times.len() < 3 || begin.elapsed() < Duration::from_secs_f64(seconds) {
        let start = Instant::now();
        session.run(&picture, &mut |band| check += band.planes[0][0])?;
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    let flops = network.flops_per_pixel() * size.pixels() as f64;
    let report = |what: &str, time: f64| {
        let speed = flops / time / 1e9;
        let ratio = speed / ceiling.all;
        println!("{what:8} {:9.2} ms  {speed:7.1} useful GFLOP/s, {ratio:.2} of the ceiling", time * 1e3);
    };
    report("fastest", times[0]);
    report("median", times[times.len() / 2]);
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    println!(
        "memory: session {:.1} MiB, weights {:.1} MiB; {} frames, check {check}",
        mib(session.memory()),
        mib(engine.memory()),
        times.len()
    );
    Ok(())
}
