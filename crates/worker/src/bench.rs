//! How fast a network runs on this machine: frames through the engine as a job does it, without decoding and encoding.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Instant;

use engine::{Engine, Kind, RowBand, Session};
use frame::{Planar, RgbF32, Size, round_to_8_bits};
use job::{Notice, Remedy, Settings};
use protocol::message::{BenchReport, BenchRequest, Response};

use crate::failure::Failed;
use crate::scene::Scene;
use crate::wire::Progress;
use crate::{memory, model};

/// Fewer frames say too little.
const LEAST_FRAMES: u32 = 2;

/// Measures, and tells the frames that are done meanwhile.
pub(crate) fn run(request: &BenchRequest, progress: &Progress) -> Result<Response, Failed> {
    let done = AtomicU32::new(0);
    progress.during_frames("bench", &done, || measure(request, &done))?.map(Response::Bench)
}

fn measure(request: &BenchRequest, done: &AtomicU32) -> Result<BenchReport, Failed> {
    let size = Size::new(request.width, request.height);
    let settings = Settings { model: request.model.clone(), ..Settings::default() };
    let network = model::network(&settings)?;
    let flops_per_frame = network.flops_per_pixel() * size.pixels() as f64;
    let threads = NonZeroUsize::new(request.threads as usize).unwrap_or(NonZeroUsize::MIN);
    let engine = match request.engine.as_str() {
        name if name == Kind::Cpu.name() => engine::cpu(&network, engine::Options { threads })?,
        name => return Err(Failed::last(format!("there is no engine `{name}` in this worker"))),
    };
    // Not needed any more, and its memory is not the engine's.
    drop(network);
    require_memory(engine.as_ref(), size)?;
    let mut session = engine.session(size)?;
    let (frames, seconds) = frames(session.as_mut(), size, engine.scale(), request.seconds, done)?;
    Ok(BenchReport {
        description: engine.describe(),
        frames,
        seconds,
        flops_per_frame,
        peak_rss_bytes: memory::peak()
            .ok_or_else(|| Failed::transient("the system does not say how much memory was used"))?,
    })
}

/// Refuses a size that would drive the machine out of memory.
fn require_memory(engine: &dyn Engine, size: Size) -> Result<(), Failed> {
    let samples = 3 * size.pixels();
    let output = samples.saturating_mul(u64::from(engine.scale()).pow(2));
    let needed = engine.session_memory(size)?.saturating_add(4 * samples).saturating_add(output);
    match storage::available_memory() {
        Some(free) if needed > free => {
            let text = format!(
                "pictures of {size} need {:.1} GB of memory, and {:.1} GB are free",
                needed as f64 / 1e9,
                free as f64 / 1e9
            );
            Err(Failed::last(Notice::new(text, Remedy::SmallerPictures)))
        }
        _ => Ok(()),
    }
}

/// Runs a frame to warm up, then frames for so many seconds. Gives how many frames took how many seconds.
fn frames(
    session: &mut dyn Session,
    size: Size,
    scale: u32,
    seconds: f64,
    done: &AtomicU32,
) -> Result<(u32, f64), Failed> {
    let scene = Scene::new();
    let mut input = RgbF32::new(size);
    let mut output = Planar::new(size.scaled(scale));
    let mut frame = |number| -> Result<(), Failed> {
        scene.draw(number, &mut input);
        let mut sound = true;
        session.run(&input, &mut |band| sound &= take(&band, &mut output))?;
        if sound { Ok(()) } else { Err(Failed::last("the engine gives no numbers: try another model")) }
    };
    frame(0)?;
    let begin = Instant::now();
    let mut number = 0;
    loop {
        number += 1;
        frame(number)?;
        done.store(number, Relaxed);
        let elapsed = begin.elapsed().as_secs_f64();
        if number >= LEAST_FRAMES && elapsed >= seconds {
            return Ok((number, elapsed));
        }
    }
}

/// Copies rows into an 8-bit picture, clipped to its range. False when a sample is not a number.
fn take(band: &RowBand<'_>, output: &mut Planar<u8>) -> bool {
    let start = band.y as usize * band.width as usize;
    let mut sound = true;
    for (index, plane) in band.planes.iter().enumerate() {
        sound &= round_to_8_bits(plane, &mut output.plane_mut(index)[start..start + plane.len()]);
    }
    sound
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> BenchRequest {
        BenchRequest {
            model: Settings::default().model,
            engine: "cpu".to_owned(),
            threads: 2,
            width: 20,
            height: 10,
            seconds: 0.0,
        }
    }

    #[test]
    fn the_program_and_the_engine_know_the_same_kinds() {
        assert_eq!([Kind::Cpu.name()], job::ENGINES);
    }

    #[test]
    fn frames_are_measured_and_counted() {
        let done = AtomicU32::new(0);
        let report = measure(&request(), &done).unwrap();
        assert_eq!((report.frames, done.into_inner()), (LEAST_FRAMES, LEAST_FRAMES));
        assert!(report.seconds > 0.0 && report.description.starts_with("cpu"), "{report:?}");
        // The default network has 1.2 million weights, each used once a pixel.
        assert!((2.4..2.5).contains(&(report.flops_per_frame / 200.0 / 1e6)), "{report:?}");
        assert!(report.peak_rss_bytes > 4 << 20, "{report:?}");
    }

    #[test]
    fn what_cannot_be_measured_is_said() {
        let done = AtomicU32::new(0);
        for (wrong, words) in [
            (BenchRequest { engine: "steam".to_owned(), ..request() }, "no engine `steam`"),
            (BenchRequest { model: job::Model::None, ..request() }, "no network"),
            (BenchRequest { width: 0, ..request() }, "no pixels"),
            (BenchRequest { width: 16_384, height: 1 << 20, ..request() }, "of memory"),
        ] {
            let Failed(failure) = measure(&wrong, &done).unwrap_err();
            assert!(failure.message.text.contains(words), "{failure:?}");
        }
    }

    #[test]
    fn a_picture_is_clipped_and_rounded() {
        let mut output = Planar::new(Size::new(2, 2));
        let planes: [&[f32]; 3] = [&[-0.5, 2.0], &[0.5, 0.0], &[1.0, f32::NAN]];
        take(&RowBand { y: 1, rows: 1, width: 2, planes }, &mut output);
        assert_eq!([output.row(0, 1), output.row(1, 1), output.row(2, 1)], [[0, 255], [128, 0], [255, 0]]);
        assert_eq!(output.row(0, 0), [0, 0]);
    }
}
