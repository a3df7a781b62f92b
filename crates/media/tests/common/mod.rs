//! What the tests of media share: clips made with FFmpeg.

#![allow(dead_code, unreachable_pub, reason = "every test file uses some of it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

use frame::{Planar, RgbF32, Size};
use media::{Index, IndexMethod, RangeDecoder, Source};

/// Runs an `ffmpeg` command that ends with the path of the file to make.
pub fn ffmpeg(arguments: &[&str], path: &Path) {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-hide_banner", "-v", "error", "-y"])
        .args(arguments)
        .arg(path)
        .output()
        .expect("ffmpeg is needed for the tests: ./test installs it");
    assert!(output.status.success(), "ffmpeg {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A clip of moving test pictures, encoded as the arguments say.
pub fn clip(folder: &tempfile::TempDir, name: &str, size: &str, frames: u32, encoder: &[&str]) -> PathBuf {
    let path = folder.path().join(name);
    let source = format!("testsrc2=size={size}:rate=25");
    let frames = frames.to_string();
    let mut arguments = vec!["-f", "lavfi", "-i", &source, "-frames:v", &frames];
    arguments.extend(encoder);
    ffmpeg(&arguments, &path);
    path
}

/// The frame list by packets.
pub fn index(path: &Path) -> Index {
    media::index(&Source::file(path), IndexMethod::Demux, &mut |_| {}).unwrap()
}

/// Frames `first` to `end - 1`.
pub fn decode(path: &Path, index: &Index, first: u32, end: u32) -> Vec<(i64, RgbF32)> {
    let mut decoder = RangeDecoder::open(&Source::file(path), index, first, end, 2).unwrap();
    let mut frames = Vec::new();
    let mut picture = RgbF32::new(Size::new(0, 0));
    while let Some(pts) = decoder.next(&mut picture).unwrap() {
        frames.push((pts, picture.clone()));
    }
    frames
}

/// The picture with 16-bit samples.
pub fn to_u16(picture: &RgbF32) -> Planar<u16> {
    let mut deep = Planar::new(picture.size());
    for plane in 0..3 {
        for (to, from) in deep.plane_mut(plane).iter_mut().zip(picture.plane(plane)) {
            *to = (from.clamp(0.0, 1.0) * 65535.0).round() as u16;
        }
    }
    deep
}

/// A file of the folder of test data, if it is there.
pub fn shared(name: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let path = std::env::var_os("UPSCALED_TEST_DATA").map_or(beside, PathBuf::from).join(name);
    if !path.is_file() {
        println!("skipped: `{}` is not there", path.display());
        return None;
    }
    Some(path)
}

/// The pixel format of a video that libx264 encodes again.
pub fn format(video: &media::VideoInfo) -> String {
    media::output_format(video, "libx264", false).unwrap().name
}

/// Signal-to-noise ratio of pictures of samples from 0 to 1, in decibels.
pub fn psnr(a: &RgbF32, b: &RgbF32) -> f64 {
    let (mut sum, mut count) = (0.0, 0);
    for plane in 0..3 {
        for (a, b) in a.plane(plane).iter().zip(b.plane(plane)) {
            sum += f64::from(a - b).powi(2);
            count += 1;
        }
    }
    -10.0 * (sum / f64::from(count)).max(1e-10).log10()
}
