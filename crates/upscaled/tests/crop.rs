//! What is cut off of the pictures: black bars that are found, and parts that are asked for.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use common::{ffmpeg, ffprobe, frame_checksums, names, run, run_well, segments, size, upscaled, wait_for};
use serde_json::Value;

/// A picture that moves in all of its parts and is bright at its border.
const PICTURE: &str = "testsrc2=size=160x80:rate=25,eq=brightness=0.1";

/// Makes a lossless film of a picture that goes through some filters.
fn film(path: &Path, picture: &str, filters: &str, frames: u32, encoder: &[&str]) {
    let (picture, frames) = (format!("{picture},{filters}"), frames.to_string());
    let ends = ["-frames:v", &frames, path.to_str().unwrap()];
    ffmpeg(&[&["-f", "lavfi", "-i", &picture][..], encoder, &ends].concat());
}

const FFV1: [&str; 2] = ["-c:v", "ffv1"];

/// Upscales to a lossless result and gives the report of the job.
fn up(folder: &Path, source: &str, result: &str, more: &[&str]) -> Value {
    let mut arguments = vec!["up", source, "-o", result, "--codec", "ffv1", "--json", "--overwrite"];
    for usual in [["--model", "none"], ["--scale", "2"]] {
        arguments.extend(usual.into_iter().filter(|_| !more.contains(&usual[0])));
    }
    arguments.extend(more);
    let printed = run_well(folder, &arguments);
    serde_json::from_str(printed.lines().last().unwrap()).unwrap()
}

/// What a job cut off by itself.
fn found(folder: &Path, source: &str) -> Option<String> {
    let report = up(folder, source, "found.mkv", &["--crop", "auto"]);
    let crop = report["crop"].as_str().map(str::to_owned);
    let is_said = report["notes"].to_string().contains("black bars are cut off");
    assert_eq!(is_said, crop.is_some(), "{report}");
    crop
}

#[test]
fn black_bars_are_found_and_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let x264 = ["-c:v", "libx264", "-crf", "16", "-pix_fmt", "yuv420p"];
    let deep = ["-c:v", "ffv1", "-pix_fmt", "yuv420p10le"];
    let mjpeg = ["-c:v", "mjpeg", "-q:v", "2", "-pix_fmt", "yuvj422p"];
    let noisy = "pad=160:120:0:20,noise=alls=9:allf=t";
    for (name, filters, encoder, wanted) in [
        ("letterboxed.mkv", "pad=160:120:0:20", &FFV1[..], Some("160:80:0:20")),
        ("odd.mkv", "format=yuv444p,pad=160:121:0:21", &FFV1[..], Some("160:82:0:20")),
        ("lossy.mp4", "pad=160:112:0:16", &x264[..], Some("160:80:0:16")),
        ("pillarboxed.mkv", "pad=240:80:40:0", &FFV1[..], Some("160:80:40:0")),
        ("both.mkv", "pad=240:120:40:20", &FFV1[..], Some("160:80:40:20")),
        ("noisy.mkv", noisy, &FFV1[..], Some("160:80:0:20")),
        ("deep.mkv", "pad=160:120:0:20", &deep[..], Some("160:80:0:20")),
        ("full-range.avi", "format=yuv422p,pad=160:120:0:24", &mjpeg[..], Some("160:80:0:24")),
        ("rgb.mkv", "format=gbrp,pad=160:120:0:20", &FFV1[..], Some("160:80:0:20")),
        // From black, and to black.
        ("fades.mkv", "pad=160:120:0:20,fade=in:0:10,fade=out:20:10", &FFV1[..], Some("160:80:0:20")),
        // One scene in full height, a subtitle below the picture, and the blanking beside analog pictures.
        ("scene.mkv", "pad=160:120:0:20,drawbox=t=fill:c=gray:enable='eq(n,17)'", &FFV1[..], None),
        (
            "subtitle.mkv",
            "pad=160:120:0:20,drawbox=60:108:20:6:white:fill:enable='gt(n,25)'",
            &FFV1[..],
            Some("160:94:0:20"),
        ),
        ("blanking.mkv", "pad=164:80:2:0", &FFV1[..], None),
        ("black.mkv", "drawbox=t=fill:c=black", &FFV1[..], None),
        ("without.mkv", "null", &FFV1[..], None),
    ] {
        film(&at(name), PICTURE, filters, 30, encoder);
        assert_eq!(found(folder.path(), name).as_deref(), wanted, "{name}");
        if let Some(crop) = wanted {
            let parts: Vec<u32> = crop.split(':').map(|part| part.parse().unwrap()).collect();
            assert_eq!(size(&at("found.mkv")), format!("{},{}", 2 * parts[0], 2 * parts[1]), "{name}");
        }
    }
    // It is off unless it is asked for.
    let report = up(folder.path(), "letterboxed.mkv", "whole.mkv", &[]);
    assert!(report["crop"].is_null(), "{report}");
    assert_eq!(size(&at("whole.mkv")), "320,240");
}

#[test]
fn a_crop_is_the_crop_of_ffmpeg() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let tags = ["-colorspace", "smpte170m", "-color_primaries", "smpte170m", "-color_trc", "smpte170m"];
    for (name, format, crop) in [
        ("420", "yuv420p", "100:60:22:14"),
        ("420-deep", "yuv420p10le", "100:60:22:14"),
        ("422", "yuv422p", "100:61:22:13"),
        ("444", "yuv444p", "99:61:21:13"),
        ("411", "yuv411p", "96:61:24:13"),
        ("rgb", "gbrp", "99:61:21:13"),
        ("packed", "bgr0", "99:61:21:13"),
        ("gray", "gray", "99:61:21:13"),
    ] {
        let (source, cut) = (format!("{name}.mkv"), format!("{name}-cut.mkv"));
        let filters = format!("format={format},setsar=16/15");
        film(&at(&source), PICTURE, &filters, 12, &[&FFV1[..], &tags].concat());
        let filter = format!("crop={crop}:exact=1");
        let (from, to) = (at(&source), at(&cut));
        ffmpeg(&["-i", from.to_str().unwrap(), "-vf", &filter, "-c:v", "ffv1", to.to_str().unwrap()]);
        for model in ["none", "realesr-animevideov3"] {
            let report = up(folder.path(), &source, "a.mkv", &["--crop", crop, "--model", model]);
            assert_eq!(report["crop"], crop, "{report}");
            up(folder.path(), &cut, "b.mkv", &["--model", model]);
            assert_eq!(size(&at("a.mkv")), size(&at("b.mkv")), "{name}");
            assert!(frame_checksums(&at("a.mkv")) == frame_checksums(&at("b.mkv")), "{name} {model}");
        }
        let shape = ffprobe(&at("a.mkv"), &["-show_entries", "stream=sample_aspect_ratio"]);
        assert_eq!(shape, ["16:15"], "{name}");
    }
}

#[test]
fn interlaced_films_keep_the_order_of_their_fields() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let moving = "testsrc2=size=160x96:rate=50,scroll=horizontal=0.01";
    let filters = "interlace=scan=tff:lowpass=off,setfield=tff,pad=160:128:0:18";
    let mpeg2 = ["-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-q:v", "2"];
    film(&at("a.mpg"), moving, filters, 50, &mpeg2);
    let report = up(folder.path(), "a.mpg", "whole.mkv", &["--crop", "auto", "--deinterlace", "field"]);
    let notes = report["notes"].to_string();
    assert!(notes.contains("deinterlaced"), "{notes}");
    // Four rows hold a sample of chroma of each field.
    let crop: Vec<u32> =
        report["crop"].as_str().unwrap().split(':').map(|part| part.parse().unwrap()).collect();
    assert!(crop[3] == 16 && crop[1].is_multiple_of(4) && (100..=108).contains(&crop[1]), "{crop:?}");
    let cut = up(
        folder.path(),
        "a.mpg",
        "cut.mkv",
        &["--crop", "auto", "--deinterlace", "field", "--segment-frames", "13"],
    );
    assert_eq!(cut["crop"], report["crop"]);
    assert!(frame_checksums(&at("whole.mkv")) == frame_checksums(&at("cut.mkv")));
    // What is asked for is rounded to the same.
    let report = up(folder.path(), "a.mpg", "b.mkv", &["--crop", "160:90:0:18", "--deinterlace", "field"]);
    assert_eq!(report["crop"], "160:88:0:20", "{report}");
    // The rows beside the bars are as if there had never been any.
    let filters = "interlace=scan=tff:lowpass=off,pad=160:128:0:16,setfield=tff";
    film(&at("c.mkv"), moving, filters, 50, &["-c:v", "ffv1", "-pix_fmt", "yuv420p"]);
    let (from, to) = (at("c.mkv"), at("d.mkv"));
    let cut = ["-vf", "crop=160:96:0:16,setfield=tff", "-c:v", "ffv1"];
    ffmpeg(&[&["-i", from.to_str().unwrap()][..], &cut, &[to.to_str().unwrap()]].concat());
    for (name, more) in [("c", &["--crop", "160:96:0:16"][..]), ("d", &[])] {
        let (source, result) = (format!("{name}.mkv"), format!("{name}2.mkv"));
        up(folder.path(), &source, &result, &[&["--deinterlace", "field"], more].concat());
    }
    assert_eq!(frame_checksums(&at("c2.mkv")).len(), 100);
    assert!(frame_checksums(&at("c2.mkv")) == frame_checksums(&at("d2.mkv")));
}

#[test]
fn films_that_change_their_size_are_cut_where_all_of_it_is_black() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mpeg2 = ["-c:v", "mpeg2video", "-q:v", "2"];
    // The second part has bars of its own, and is smaller.
    film(&at("1.mpg"), PICTURE, "pad=160:128:0:24", 20, &mpeg2);
    film(&at("2.mpg"), PICTURE, "scale=80:40,pad=80:64:0:12", 20, &mpeg2);
    let both = [std::fs::read(at("1.mpg")).unwrap(), std::fs::read(at("2.mpg")).unwrap()].concat();
    std::fs::write(at("a.mpg"), both).unwrap();
    let report = up(folder.path(), "a.mpg", "a.mkv", &["--crop", "auto", "--scale", "1"]);
    let notes = report["notes"].to_string();
    assert!(notes.contains("changes its size"), "{notes}");
    let crop: Vec<u32> =
        report["crop"].as_str().unwrap().split(':').map(|part| part.parse().unwrap()).collect();
    assert!(crop[0] == 160 && (80..=100).contains(&crop[1]) && (14..=24).contains(&crop[3]), "{crop:?}");
    assert_eq!(size(&at("a.mkv")), format!("160,{}", crop[1]));
    assert_eq!(frame_checksums(&at("a.mkv")).len(), 40);
}

#[test]
fn a_crop_goes_before_size_and_rotation() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    film(&at("a.mkv"), PICTURE, "pad=160:120:0:20", 5, &FFV1);
    for (more, wanted) in [
        (["--height", "240"], "480,240"),
        (["--width", "320"], "320,160"),
        (["--fit", "640x480"], "640,320"),
        (["--scale", "1.5"], "240,120"),
    ] {
        let arguments = ["up", "a.mkv", "-o", "b.mkv", "--overwrite", "--model", "none", "--crop", "auto"];
        run_well(folder.path(), &[&arguments[..], &more].concat());
        assert_eq!(size(&at("b.mkv")), wanted, "{more:?}");
    }
    // Upright in Matroska, which has no place for a rotation: the bars are left and right then.
    film(
        &at("c.mp4"),
        PICTURE,
        "pad=160:120:0:20",
        5,
        &["-c:v", "libx264", "-crf", "4", "-pix_fmt", "yuv420p"],
    );
    let (from, to) = (at("c.mp4"), at("turned.mp4"));
    ffmpeg(&["-i", from.to_str().unwrap(), "-c", "copy", "-metadata:s:v", "rotate=90", to.to_str().unwrap()]);
    let report = up(folder.path(), "turned.mp4", "turned.mkv", &["--crop", "auto"]);
    assert_eq!((&report["crop"], size(&at("turned.mkv"))), (&"160:80:0:20".into(), "160,320".to_owned()));
}

#[test]
fn what_cannot_be_cut_is_refused_with_the_size_of_the_picture() {
    let folder = tempfile::tempdir().unwrap();
    film(&folder.path().join("a.mkv"), PICTURE, "null", 5, &FFV1);
    let before = names(folder.path());
    for (crop, words, code) in [
        ("160:82:0:0", "the crop 160:82:0:0 is not inside the picture of 160x80", 1),
        ("10:10:155:0", "not inside the picture of 160x80", 1),
        ("1:1:1:1", "leaves too little", 1),
        ("160:0:0:0", "WIDTH:HEIGHT:LEFT:TOP", 2),
        ("left", "choose auto, off", 2),
    ] {
        let output = run(folder.path(), &["up", "a.mkv", "--model", "none", "--crop", crop]);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(code) && errors.contains(words), "{crop}: {errors}");
        assert_eq!(names(folder.path()), before);
    }
}

#[test]
fn a_job_that_was_killed_goes_on_with_the_same_crop() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    film(&at("a.mkv"), PICTURE, "pad=160:120:0:20,noise=alls=9:allf=t", 150, &FFV1);
    let arguments = [
        "up",
        "a.mkv",
        "-o",
        "b.mkv",
        "--scale",
        "2",
        "--model",
        "realesr-animevideov3",
        "--crop",
        "auto",
        "--segment-frames",
        "10",
    ];
    let whole = [&arguments[..3], &["whole.mkv"], &arguments[4..]].concat();
    run_well(folder.path(), &whole);
    let mut child =
        upscaled(folder.path()).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let work = at("a.mkv.job/work");
    wait_for("two segments", Duration::from_mins(2), || segments(&work).len() >= 2);
    child.kill().unwrap();
    child.wait().unwrap();
    let kept = segments(&work);
    // Without a crop it is another job, which does not touch them.
    let other = run(folder.path(), &[&arguments[..8], &arguments[10..]].concat());
    let errors = String::from_utf8_lossy(&other.stderr);
    assert!(!other.status.success() && errors.contains("--crop auto"), "{errors}");
    assert!(kept.iter().all(|segment| segments(&work).contains(segment)));
    // Where the ledger is lost, the segments are found by what lies beside them.
    std::fs::remove_file(at("a.mkv.job/ledger.db")).unwrap();
    run_well(folder.path(), &arguments);
    assert_eq!(size(&at("b.mkv")), "320,160");
    assert!(frame_checksums(&at("b.mkv")) == frame_checksums(&at("whole.mkv")));
}
