//! CPU milliseconds a frame of each stage around the engine, which wants every core for itself.
//!
//! `cargo bench -p media -- SOURCE ENLARGED [PRESET [THREADS]]`: ENLARGED is what a network made of SOURCE, encoded
//! without loss (`upscaled up --crf 0`), since the cost of encoding depends on the pictures.
#![allow(clippy::print_stdout, reason = "a program for people")]

use std::error::Error;
use std::path::Path;

use frame::{Planar, RgbF32, Size, WHITE, mean_difference, round_to_16_bits};
use media::{
    EncodeSettings, IndexMethod, OwnedPacket, Packet, RangeDecoder, SegmentDecoder, SegmentEncoder, Source,
    index, output_format, probe,
};
use rustix::time::{ClockId, clock_gettime};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    media::init();
    let [source, enlarged, rest @ ..] = &arguments[..] else {
        println!("nothing is measured: name a video and its enlargement");
        return Ok(());
    };
    let preset = rest.first().map_or("veryfast", String::as_str);
    let threads = rest.get(1).map_or(Ok(2), |threads| threads.parse())?;
    measure(Path::new(source), Path::new(enlarged), preset, threads)
}

/// CPU time of this thread or of all threads so far, in ms.
fn cpu(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

/// Does a piece of work, and adds what it took of this thread and of all others to `spent`.
fn spend<T>(spent: &mut (f64, f64), work: impl FnOnce() -> T) -> T {
    let (this, all) = (cpu(ClockId::ThreadCPUTime), cpu(ClockId::ProcessCPUTime));
    let result = work();
    let this = cpu(ClockId::ThreadCPUTime) - this;
    spent.0 += this;
    spent.1 += cpu(ClockId::ProcessCPUTime) - all - this;
    result
}

fn measure(source: &Path, enlarged: &Path, preset: &str, threads: u32) -> Result<(), Box<dyn Error>> {
    let list = |path: &Path| index(&Source::file(path), IndexMethod::Demux, &mut |_| {});
    let (list, of_enlarged) = (list(source)?, list(enlarged)?);
    let count = list.pts.len().min(of_enlarged.pts.len()) as u32;
    let (video, size) = (probe(&Source::file(source))?.video, probe(&Source::file(enlarged))?.video.size);
    let settings = EncodeSettings {
        crf: 16,
        preset: preset.to_owned(),
        threads,
        ..EncodeSettings::new(
            &video,
            "libx264",
            &output_format(&video, "libx264", false).ok_or("no libx264")?.name,
            size,
            list.time_base,
        )
    };
    let mut decoder = RangeDecoder::open(&Source::file(source), &list, 0, count, 2)?;
    let mut network = RangeDecoder::open(&Source::file(enlarged), &of_enlarged, 0, count, 2)?;
    let mut encoder = SegmentEncoder::open(&settings, size)?;
    let empty = Size::new(0, 0);
    let (mut picture, mut large) = (RgbF32::new(empty), RgbF32::new(empty));
    let mut deep = Planar::new(size);
    let mut packets = Vec::new();
    let mut keep = |packet: Packet<'_>| -> Result<(), media::Error> {
        packets.push(OwnedPacket { pts: packet.pts, keyframe: packet.keyframe, data: packet.data.to_vec() });
        Ok(())
    };
    let [mut decode, mut round, mut check, mut encode, mut rest, mut verify] = [(0.0, 0.0); 6];
    let mut largest = 0.0_f32;
    while let Some(pts) = spend(&mut decode, || decoder.next(&mut picture))? {
        spend(&mut rest, || network.next(&mut large))?;
        spend(&mut round, || (0..3).all(|plane| round_to_16_bits(large.plane(plane), deep.plane_mut(plane))));
        largest = largest.max(spend(&mut check, || mean_difference(&picture, &deep, WHITE)));
        spend(&mut encode, || encoder.push(&deep, pts, &mut keep))?;
    }
    spend(&mut encode, || encoder.finish(&mut keep))?;
    // What the encoder's threads did while this thread did something else.
    let others = [decode, round, check, encode, rest].iter().map(|spent| spent.1).sum::<f64>();
    let bytes: usize = packets.iter().map(|packet| packet.data.len()).sum();
    let mut segment = SegmentDecoder::open(encoder.parameters(), list.time_base)?;
    let found = spend(&mut verify, || {
        packets.iter().try_for_each(|packet| segment.push(packet.pts, packet.keyframe, &packet.data))?;
        segment.finish()
    })?;
    let off = found.iter().zip(encoder.means()).map(|((_, mean), encoded)| (mean - encoded).abs());
    let off = off.fold(0.0, f32::max);
    let frame = |ms: f64| ms / f64::from(count);
    println!("{count} frames of {size}, preset {preset}, {threads} threads, {} kB", bytes / 1000);
    println!("decode, to RGB           {:7.2} ms", frame(decode.0));
    println!("round to 16 bits         {:7.2} ms", frame(round.0));
    println!("compare with the source  {:7.2} ms (largest difference {largest:.4})", frame(check.0));
    println!("to YCbCr, hand over      {:7.2} ms", frame(encode.0));
    println!("threads of the encoder   {:7.2} ms", frame(others));
    println!("decode again             {:7.2} ms (largest difference {off:.4})", frame(verify.0 + verify.1));
    Ok(())
}
