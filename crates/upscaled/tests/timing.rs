//! Nothing drifts, however many segments a result is made of, and one file has one set of parameters.
//!
//! `UPSCALED_SEGMENTS` sets the number of segments (90 by default; a release needs 3600).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

mod common;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{ffmpeg, ffprobe, frame_checksums, make_clip, number, run_well, segments, upscaled, wait_for};

/// Times of the packets of a stream in seconds, in the order in which they are shown.
fn times(path: &Path, stream: &str) -> Vec<f64> {
    let lines = ffprobe(path, &["-select_streams", stream, "-show_entries", "packet=pts_time"]);
    let mut times: Vec<f64> = lines.iter().map(|line| line.parse().unwrap()).collect();
    times.sort_unstable_by(f64::total_cmp);
    times
}

fn packets_of_sound(path: &Path) -> Vec<String> {
    ffprobe(path, &["-select_streams", "a", "-show_entries", "packet=data_hash", "-show_data_hash", "md5"])
}

#[test]
fn every_frame_of_thousands_of_segments_is_shown_when_it_was() {
    let frames = number("UPSCALED_SEGMENTS", 90);
    let folder = tempfile::tempdir().unwrap();
    // Each at its own pace: times that no frame rate gives.
    let variable = "settb=1/1000,setpts='N*40+15*mod(N,3)+if(gt(N,20),777,0)'";
    for (name, rate, filter, tick) in [
        ("film.mp4", "24000/1001", "null", "-1"),
        ("film.mkv", "24000/1001", "null", "-1"),
        ("video.mp4", "30000/1001", "null", "-1"),
        ("variable.mkv", "25", variable, "1:1000"),
    ] {
        let source = folder.path().join(name);
        let (video, seconds) = (format!("testsrc2=size=32x32:rate={rate}"), (frames / 24 + 1).to_string());
        let count = frames.to_string();
        let inputs = ["-f", "lavfi", "-i", &video, "-f", "lavfi", "-t", &seconds, "-i", "sine=440:r=48000"];
        let coding = ["-vf", filter, "-fps_mode", "passthrough", "-enc_time_base", tick, "-frames:v", &count];
        let codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", source.to_str().unwrap()];
        ffmpeg(&[&inputs[..], &coding, &codecs].concat());

        let settings = ["--model", "none", "--scale", "1", "--preset", "ultrafast", "--segment-frames", "1"];
        let arguments = [&["up", name, "--json"], &settings[..]].concat();
        let printed = run_well(folder.path(), &arguments);
        let report: serde_json::Value = serde_json::from_str(printed.lines().last().unwrap()).unwrap();
        assert_eq!(report["segments"].as_u64(), Some(frames as u64), "{name}");
        let result = Path::new(report["result"].as_str().unwrap());

        let (before, after) = (times(&source, "v"), times(result, "v"));
        assert_eq!((before.len(), after.len()), (frames, frames), "{name}");
        let offset = after[0] - before[0];
        let errors = before.iter().zip(&after).map(|(before, after)| (after - before - offset).abs());
        let largest = errors.fold(0.0, f64::max) * 1000.0;
        let lag = |path: &Path, video: &[f64]| times(path, "a")[0] - video[0];
        let moved = (lag(result, &after) - lag(&source, &before)).abs() * 1000.0;
        println!(
            "{name}: {frames} segments, times off by {largest:.3} ms at most, sound moved by {moved:.3} ms"
        );
        // Half a tick of Matroska, and what printing rounds off.
        assert!(largest <= 0.51 && moved <= 1.0, "{name}");
        assert_eq!(packets_of_sound(result), packets_of_sound(&source), "{name}");
    }
}

/// Decodes a video without any parameter sets between the pictures: those of its head must do.
fn frame_checksums_by_head_alone(path: &Path) -> Vec<String> {
    let stripped = path.with_extension("stripped.mp4");
    let strip = ["-c:v", "copy", "-bsf:v", "filter_units=remove_types=7-8"];
    ffmpeg(
        &[&["-i", path.to_str().unwrap(), "-map", "0:v"], &strip[..], &[stripped.to_str().unwrap()]].concat(),
    );
    frame_checksums(&stripped)
}

/// The kinds of the units in the packets of an MP4, each of which says its length in four bytes.
fn kinds_of_units(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap();
    let mut kinds = Vec::new();
    for line in ffprobe(path, &["-select_streams", "v", "-show_entries", "packet=size,pos"]) {
        let (size, position) = line.split_once(',').unwrap();
        let (size, mut at): (usize, usize) = (size.parse().unwrap(), position.parse().unwrap());
        let end = at + size;
        while at < end {
            let length = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
            kinds.push(bytes[at + 4] & 0x1f);
            at += 4 + length;
        }
        assert_eq!(at, end);
    }
    kinds
}

const SETTINGS: [&str; 6] = ["--model", "realesr-animevideov3", "--segment-frames", "30", "--threads", "1"];

/// Runs a job until it has two segments, and kills it.
fn interrupt(folder: &Path, more: &[&str]) {
    let mut command = upscaled(folder);
    command.args(["up", "clip.mp4"]).args(SETTINGS).args(more);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let work = folder.join("clip.mp4.job/work");
    wait_for("two segments", Duration::from_mins(3), || segments(&work).len() >= 2);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_file_that_was_made_in_several_runs_has_one_set_of_parameters() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    make_clip(&at("clip.mp4"), "64x36", 300, true);
    let up = |more: &[&str]| {
        run_well(folder.path(), &[&["up", "clip.mp4"], &SETTINGS[..4], more].concat());
    };
    up(&["-o", "wanted.mp4"]);
    let wanted = frame_checksums(&at("wanted.mp4"));

    // Another number of threads is no other job; a damaged segment is made again in between.
    interrupt(folder.path(), &[]);
    let (index, epoch) = segments(&at("clip.mp4.job/work"))[0];
    let damaged = at("clip.mp4.job/work").join(format!("seg-{index:06}.e{epoch}.pkt"));
    let bytes = std::fs::read(&damaged).unwrap();
    std::fs::write(&damaged, &bytes[..bytes.len() - 1]).unwrap();
    up(&["--threads", "2"]);
    let result = at("clip_upscaled.mp4");
    assert_eq!(frame_checksums(&result), wanted);
    assert_eq!(frame_checksums_by_head_alone(&result), wanted);
    let tag = ["-select_streams", "v", "-show_entries", "stream=codec_tag_string"];
    assert_eq!(ffprobe(&result, &tag), ["avc1"]);
    // The head of an `avc1` file has the parameter sets (7, 8), and its packets have none.
    let kinds = kinds_of_units(&result);
    assert!(kinds.len() >= 300 && kinds.iter().all(|kind| ![7, 8].contains(kind)), "{kinds:?}");
    std::fs::remove_file(&result).unwrap();

    // Other settings are another job, which uses nothing of the first.
    interrupt(folder.path(), &[]);
    up(&["--crf", "30", "-o", "other.mp4", "--restart"]);
    up(&["--crf", "30", "-o", "fresh.mp4"]);
    assert_eq!(frame_checksums(&at("other.mp4")), frame_checksums(&at("fresh.mp4")));
    assert_eq!(frame_checksums_by_head_alone(&at("other.mp4")).len(), 300);
    let sizes = ["other.mp4", "wanted.mp4"].map(|name| at(name).metadata().unwrap().len());
    assert!(sizes[0] < sizes[1], "{sizes:?}");
    let decoded = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-err_detect", "explode", "-i", at("other.mp4").to_str().unwrap()])
        .args(["-f", "null", "-"])
        .output()
        .unwrap();
    assert!(decoded.status.success() && decoded.stderr.is_empty(), "{decoded:?}");
}
