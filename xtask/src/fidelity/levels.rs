//! The pictures themselves: the result is made as small as its source and compared with it.

use std::io::Read;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use anyhow::ensure;

use super::compare::picture::{is_gray, is_rgb, rotation};
use super::media::Stream;
use super::tool;

/// Frames that are compared; a fault of levels shows in the first of them.
const FRAMES: &str = "250";
/// Planes of a picture.
const PLANES: usize = 3;
/// Likeness of pictures that are the same.
const SAME: f64 = 99.0;

/// Gives the largest difference between the mean levels of two planes, of 255, and the likeness of the least alike
/// frame in dB.
///
/// `step` is the number of frames of the result for each of the source, of which the first is compared.
///
/// Levels are those of YCbCr in limited range: each file's own range is what its tags say, and RGB goes through the
/// matrix of BT.709.
pub(super) fn compare(
    (of_source, of_result): (&Path, &Path),
    (source, result): (&Stream, &Stream),
    step: usize,
    limit: Duration,
) -> anyhow::Result<(f64, f64)> {
    // Where pixels were turned, both are compared upright.
    let is_turned = rotation(source) != 0 && rotation(result) == 0;
    let swaps = is_turned && rotation(source).rem_euclid(180) == 90;
    let (width, height) = if swaps { (source.height, source.width) } else { (source.width, source.height) };
    let bytes = width as usize * height as usize;
    ensure!(bytes > 0, "the source says nothing of its size");
    let filter = |stream: &Stream| {
        // A palette is resolved before anything is scaled.
        let (before, matrix) =
            if is_rgb(&stream.pix_fmt) { ("format=gbrp,", ":out_color_matrix=bt709") } else { ("", "") };
        let range = range(stream);
        format!(
            "{before}scale={width}:{height}:flags=area:in_range={range}:out_range=tv{matrix},format=yuv444p"
        )
    };
    thread::scope(|scope| {
        let start = |path, stream: &Stream, step: usize| {
            let (send, receive) = sync_channel(2);
            let filter = format!("select=not(mod(n\\,{step})),{}", filter(stream));
            let index = stream.index;
            scope.spawn(move || decode(path, index, (&filter, is_turned), bytes * PLANES, &send, limit));
            receive
        };
        measure(&start(of_source, source, 1), &start(of_result, result, step), bytes)
    })
}

fn range(stream: &Stream) -> &'static str {
    let is_full = match stream.color_range.as_str() {
        "pc" => true,
        "tv" => false,
        _ => is_rgb(&stream.pix_fmt) || is_gray(&stream.pix_fmt) || stream.pix_fmt.starts_with("yuvj"),
    };
    if is_full { "pc" } else { "tv" }
}

/// Sends the pictures of a stream; stops when nobody takes them any more.
fn decode(
    path: &Path,
    stream: usize,
    (filter, turn): (&str, bool),
    bytes: usize,
    pictures: &SyncSender<Vec<u8>>,
    limit: Duration,
) {
    let mut command = tool::ffmpeg(if turn { &[] } else { &["-noautorotate"] }, path);
    command.args(["-map", &format!("0:{stream}"), "-vf", filter, "-fps_mode", "passthrough"]);
    command.args(["-frames:v", FRAMES, "-f", "rawvideo", "-"]);
    // A file that cannot be decoded gives no pictures, which the other side notices.
    let _ = tool::run_with(&mut command, limit, |mut pipe| {
        let mut picture = vec![0; bytes];
        while pipe.read_exact(&mut picture).is_ok() && pictures.send(picture.clone()).is_ok() {}
    });
}

fn measure(
    source: &Receiver<Vec<u8>>,
    result: &Receiver<Vec<u8>>,
    plane: usize,
) -> anyhow::Result<(f64, f64)> {
    let (mut frames, mut sums, mut least) = (0_u32, [0.0_f64; PLANES], SAME);
    while let (Ok(a), Ok(b)) = (source.recv(), result.recv()) {
        frames += 1;
        let mut squares = 0.0;
        for ((a, b), sum) in a.chunks(plane).zip(b.chunks(plane)).zip(&mut sums) {
            let differences = || a.iter().zip(b).map(|(&a, &b)| i64::from(b) - i64::from(a));
            *sum += differences().sum::<i64>() as f64 / plane as f64;
            squares += differences().map(|difference| difference * difference).sum::<i64>() as f64;
        }
        let error = squares / (plane * PLANES) as f64;
        let likeness = if error > 0.0 { 10.0 * (255.0_f64 * 255.0 / error).log10() } else { SAME };
        least = least.min(likeness);
    }
    ensure!(frames > 0, "no pictures can be decoded");
    let error = sums.iter().map(|sum| (sum / f64::from(frames)).abs()).fold(0.0, f64::max);
    Ok((error, least))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(source: &[u8], result: &[u8]) -> (f64, f64) {
        let (send, a) = sync_channel(1);
        send.send(source.to_vec()).unwrap();
        drop(send);
        let (send, b) = sync_channel(1);
        send.send(result.to_vec()).unwrap();
        drop(send);
        measure(&a, &b, source.len() / PLANES).unwrap()
    }

    #[test]
    fn levels_and_likeness_are_measured() {
        assert_eq!(measured(&[10, 20, 30, 40, 50, 60], &[10, 20, 30, 40, 50, 60]), (0.0, SAME));
        let (error, psnr) = measured(&[10, 20, 30, 40, 50, 60], &[14, 24, 30, 40, 50, 60]);
        assert!((error - 4.0).abs() < 1e-9, "{error}");
        assert!((psnr - 10.0 * (255.0_f64 * 255.0 * 6.0 / 32.0).log10()).abs() < 1e-9, "{psnr}");
    }
}
