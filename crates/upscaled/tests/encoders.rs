//! Encoders: which one is chosen, and what comes of one that fails or lies.
//!
//! No test machine has hardware that encodes, so a library that is loaded before FFmpeg's plays it, with its faults.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::{executable, ffmpeg, ffprobe, library, make_clip, pts, run, run_well, upscaled, worker};

/// Ticks of a frame in clips of 25 frames a second.
const FRAME: i64 = 512;

/// The library that plays encoders of hardware; `None` where it cannot be compiled.
fn faulty_encoder(folder: &Path) -> Option<PathBuf> {
    library("faulty_encoder.c", &folder.join("faulty_encoder.so"))
}

/// Upscales `clip.mp4` without a network, in segments of ten frames, where encoders of hardware have a fault from a frame on.
fn up(folder: &Path, library: &Path, fault: &str, from: i64, result: &str, more: &[&str]) -> Output {
    // A worker gets nothing of the environment that is not its own.
    let wrapper = folder.join("worker.sh");
    let script = format!(
        "#!/bin/sh\nexport LD_PRELOAD='{}' FAULT='{fault}' FAULT_PTS={}\nexec '{}' \"$@\"\n",
        library.display(),
        from * FRAME,
        worker().display()
    );
    executable(&wrapper, &script);
    let mut command = upscaled(folder);
    command.env("UPSCALED_WORKER", wrapper);
    command.args(["up", "clip.mp4", "--model", "none", "--segment-frames", "10", "-o", result]);
    command.args(more).output().unwrap()
}

/// Decodes a file as strictly as FFmpeg can, from its beginning and from a place in it; gives the frames of each.
fn decode_strictly(path: &Path, from: &str) -> [usize; 2] {
    [&["-ss", "0"][..], &["-ss", from]].map(|seek| {
        let output = Command::new("ffmpeg")
            .args(["-nostdin", "-v", "warning", "-xerror", "-err_detect", "explode"])
            .args(seek)
            .arg("-i")
            .arg(path)
            .args(["-map", "0:v", "-fps_mode", "passthrough", "-f", "framemd5", "-"])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{} from {seek:?}: {said}", path.display());
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().filter(|line| !line.starts_with('#')).count()
    })
}

/// Bytes of a stream that come before its packets.
fn extradata(path: &Path) -> String {
    ffprobe(path, &["-select_streams", "v", "-show_data", "-show_entries", "stream=extradata"]).concat()
}

#[test]
fn another_encoder_takes_over_in_the_middle_and_strict_readers_take_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let Some(library) = faulty_encoder(folder.path()) else { return };
    make_clip(&folder.path().join("clip.mp4"), "96x64", 50, true);
    for (fault, result) in
        [("late", "late.mp4"), ("late", "late.mkv"), ("black", "black.mp4"), ("black", "black.mkv")]
    {
        let output = up(folder.path(), &library, fault, 30, result, &["--scale", "2"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{result}: {said}");
        assert!(said.contains("h264_nvenc failed again and again: libx264 takes over"), "{result}: {said}");
        let path = folder.path().join(result);
        // The last second is of the other encoder, and can be decoded by itself.
        let [all, rest] = decode_strictly(&path, "1.5");
        assert_eq!(all, 50, "{result}");
        assert!((12..=13).contains(&rest), "{result}: {rest}");
        let times = pts(&path);
        let wanted: Vec<i64> = if result.ends_with("mkv") {
            (0..50).map(|i| i * 40).collect()
        } else {
            (0..50).map(|i| i * FRAME).collect()
        };
        let offset = times[0];
        assert_eq!(times.iter().map(|time| time - offset).collect::<Vec<_>>(), wanted, "{result}");
        // Both encoders' parameter sets stand at the beginning of the file.
        let one = tempfile::tempdir().unwrap();
        let whole = one.path().join(result);
        std::fs::copy(folder.path().join("clip.mp4"), one.path().join("clip.mp4")).unwrap();
        run_well(one.path(), &["up", "clip.mp4", "--model", "none", "--scale", "2", "-o", result]);
        assert!(extradata(&path).len() > extradata(&whole).len(), "{result}");
        // Nothing of the picture is lost: what libx264 makes of all of it looks the same.
        let psnr = psnr(&path, &whole);
        assert!(psnr > 35.0, "{result}: {psnr}");
    }
}

/// The lowest peak signal-to-noise ratio of luma among the frames of two videos.
fn psnr(one: &Path, other: &Path) -> f64 {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(one)
        .arg("-i")
        .arg(other)
        .args([
            "-lavfi",
            "[0:v]settb=1/90000,setpts=N[a];[1:v]settb=1/90000,setpts=N[b];[a][b]psnr=stats_file=-",
            "-f",
            "null",
            "-",
        ])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let values =
        text.lines().filter_map(|line| line.split("psnr_y:").nth(1)?.split(' ').next()?.parse().ok());
    values.fold(f64::INFINITY, f64::min)
}

#[test]
fn hevc_of_two_encoders_is_made_again_by_the_second() {
    let folder = tempfile::tempdir().unwrap();
    let Some(library) = faulty_encoder(folder.path()) else { return };
    make_clip(&folder.path().join("clip.mp4"), "96x64", 30, false);
    let output = up(folder.path(), &library, "late", 20, "r.mp4", &["--scale", "1", "--codec", "hevc"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("libx265 takes over; all segments are made again"), "{said}");
    assert_eq!(decode_strictly(&folder.path().join("r.mp4"), "0.8")[0], 30);
}

#[test]
fn encoders_are_tried_at_the_real_size() {
    let folder = tempfile::tempdir().unwrap();
    let Some(library) = faulty_encoder(folder.path()) else { return };
    ffmpeg(&[
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=2400x16:rate=25",
        "-frames:v",
        "2",
        folder.path().join("clip.mp4").to_str().unwrap(),
    ]);
    // 4800 columns are HEVC by themselves, and this hardware ends at 4096.
    for (codec, wanted) in [(None, "hevc"), (Some("h264"), "h264")] {
        let chosen: Vec<&str> = codec.iter().flat_map(|codec| ["--codec", codec]).collect();
        let arguments = [&["--scale", "2", "--overwrite"][..], &chosen].concat();
        let output = up(folder.path(), &library, "wide", 0, "r.mkv", &arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let found = ffprobe(
            &folder.path().join("r.mkv"),
            &["-select_streams", "v", "-show_entries", "stream=codec_name,width"],
        );
        assert_eq!(found, [format!("{wanted},4800")]);
    }
    // Named, it must work or the job fails with the reason.
    let output =
        up(folder.path(), &library, "wide", 0, "n.mkv", &["--scale", "2", "--encoder", "h264_nvenc"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && said.contains("does not work here (h264_nvenc: Invalid argument)"),
        "{said}"
    );
}

#[test]
fn every_codec_makes_a_file_and_wrong_choices_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    make_clip(&folder.path().join("clip.mp4"), "96x64", 5, true);
    let make = |codec: &str, more: &[&str]| {
        let arguments =
            ["up", "clip.mp4", "--model", "none", "--scale", "2", "--overwrite", "--codec", codec];
        run(folder.path(), &[&arguments[..], more].concat())
    };
    for (codec, file, format) in [
        ("h264", "clip_upscaled.mp4", "h264,yuv420p"),
        ("hevc", "clip_upscaled.mp4", "hevc,yuv420p"),
        ("av1", "clip_upscaled.mp4", "av1,yuv420p"),
        ("prores", "clip_upscaled.mkv", "prores,yuv422p10le"),
        ("ffv1", "clip_upscaled.mkv", "ffv1,yuv420p"),
    ] {
        let output = make(codec, &[]);
        let said = String::from_utf8_lossy(&output.stderr);
        if codec == "av1" && said.contains("this FFmpeg does not have it") {
            println!("skipped: {said}");
            continue;
        }
        assert!(output.status.success(), "{codec}: {said}");
        let path = folder.path().join(file);
        let found = ffprobe(&path, &["-select_streams", "v", "-show_entries", "stream=codec_name,pix_fmt"]);
        assert_eq!(found, [format], "{codec}");
        assert_eq!(pts(&path).len(), 5, "{codec}");
    }
    for (codec, more, wanted) in [
        ("prores", &["--container", "mp4"][..], "MP4 files have no place for prores"),
        ("h264", &["--encoder-option", "tune=nonsense"], "Invalid argument"),
        ("h264", &["--encoder-option", "nonsense=1"], "libx264 has no option `nonsense`"),
        ("h264", &["--encoder", "libx265"], "does not make h264"),
        ("av1", &["--crf", "0"], "choose a number from 1 (best) to 63"),
        ("h264", &["--preset", "p5"], "has no preset `p5`"),
    ] {
        let output = make(codec, more);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(wanted), "{codec} {more:?}: {said}");
    }
    let output = make("h264", &["--encoder-option", "tune=film", "--encoder-option", "x264-params=ref=2"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
