//! How results look, and how large they are.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::path::Path;
use std::process::Command;

use common::{ffmpeg, frame_checksums, make_clip, run, run_well, size};

/// Upscales `clip.mkv` without loss, with more arguments, and gives the checksums of the frames.
fn frames(folder: &Path, arguments: &[&str]) -> Vec<String> {
    let job = ["up", "clip.mkv", "-o", "result.mkv", "--overwrite", "--crf", "0", "--preset", "ultrafast"];
    run_well(folder, &[&job[..], arguments].concat());
    frame_checksums(&folder.join("result.mkv"))
}

/// A clip of 12 frames, of which many repeat the one before, in soft colours: what a resampler makes of hard ones leaves the
/// range and is clipped, before or after colours are converted.
fn twos(folder: &Path) {
    let graph = "testsrc2=size=64x48:rate=12.5,fps=25,\
                 lutyuv=y='clip(val,60,190)':u='(val-128)/4+128':v='(val-128)/4+128'";
    let arguments = ["-f", "lavfi", "-i", graph, "-frames:v", "12", "-pix_fmt", "yuv420p", "-c:v", "ffv1"];
    ffmpeg(&[&arguments[..], &[folder.join("clip.mkv").to_str().unwrap()]].concat());
}

/// Peak signal to noise of `result.mkv` against another video, in dB.
fn psnr(folder: &Path, other: &str) -> f64 {
    let output = Command::new("ffmpeg")
        .current_dir(folder)
        .args(["-nostdin", "-i", "result.mkv", "-i", other, "-lavfi", "psnr", "-f", "null", "-"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let average = text.rsplit_once("average:").unwrap().1;
    average.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn strength_goes_from_the_classic_resampler_to_the_network() {
    let folder = tempfile::tempdir().unwrap();
    twos(folder.path());
    let model = ["--model", "realesr-animevideov3"];
    let with = |more: &[&str]| frames(folder.path(), &[&model[..], more].concat());
    let network = with(&[]);
    assert_eq!(with(&["--strength", "1"]), network);
    let classic = frames(folder.path(), &["--model", "none"]);
    std::fs::copy(folder.path().join("result.mkv"), folder.path().join("classic.mkv")).unwrap();
    assert_eq!(with(&["--strength", "0", "--anchor"]), classic);
    // Next to nothing of the network is next to nothing of a difference: both ways enlarge alike.
    with(&["--strength", "0.0001"]);
    assert!(psnr(folder.path(), "classic.mkv") > 55.0, "{}", psnr(folder.path(), "classic.mkv"));
    let half = with(&["--strength", "0.5"]);
    let of_half = psnr(folder.path(), "classic.mkv");
    with(&["--strength", "0.8"]);
    let of_most = psnr(folder.path(), "classic.mkv");
    assert!(half != network && half != classic && of_half > of_most + 2.0, "{of_half} {of_most}");
}

#[test]
fn a_look_is_the_same_whatever_is_cut_and_reused() {
    let folder = tempfile::tempdir().unwrap();
    twos(folder.path());
    let model = ["--model", "realesr-animevideov3", "--strength", "0.7", "--anchor"];
    for grain in [&[][..], &["--grain", "0.3"], &["--grain", "0.3", "--height", "100"]] {
        let with = |more: &[&str]| frames(folder.path(), &[&model[..], grain, more].concat());
        let whole = with(&[]);
        assert_eq!(whole.len(), 12);
        assert_eq!(with(&["--segment-frames", "5"]), whole, "{grain:?}");
        assert_eq!(with(&["--no-reuse", "--threads", "1"]), whole, "{grain:?}");
        // Grain does not stand still, and else a repeat is one.
        let repeats = |frames: &[String]| frames.windows(2).filter(|pair| pair[0] == pair[1]).count();
        let of_source = repeats(&frame_checksums(&folder.path().join("clip.mkv")));
        assert!(of_source >= 6);
        assert_eq!(repeats(&whole), if grain.is_empty() { of_source } else { 0 }, "{grain:?}");
    }
}

#[test]
fn grain_needs_no_network() {
    let folder = tempfile::tempdir().unwrap();
    twos(folder.path());
    let classic = frames(folder.path(), &["--model", "none"]);
    std::fs::copy(folder.path().join("result.mkv"), folder.path().join("classic.mkv")).unwrap();
    assert_ne!(frames(folder.path(), &["--model", "none", "--grain", "0.2"]), classic);
    // A deviation of at most 0.01 in luma, and none in colour: about 40 dB.
    let noise = psnr(folder.path(), "classic.mkv");
    assert!((38.0..46.0).contains(&noise), "{noise}");
}

#[test]
fn results_fit_a_screen_or_have_a_side_that_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    make_clip(&at("clip.mp4"), "64x36", 5, false);
    let wide = at("wide.mkv");
    let shape = ["-vf", "setsar=2/1", "-c:v", "ffv1", wide.to_str().unwrap()];
    ffmpeg(&[&["-i", at("clip.mp4").to_str().unwrap()], &shape[..]].concat());
    let turned = at("turned.mp4");
    let copy = ["-c", "copy", "-metadata:s:v:0", "rotate=90", turned.to_str().unwrap()];
    ffmpeg(&[&["-i", at("clip.mp4").to_str().unwrap()], &copy[..]].concat());
    for (name, option, value, wanted) in [
        ("clip.mp4", "--width", "320", "320,180"),
        ("clip.mp4", "--fit", "1000x180", "320,180"),
        ("clip.mp4", "--fit", "320x1000", "320,180"),
        ("wide.mkv", "--fit", "640x1000", "320,180"),
        // Matroska has no rotation, so that the pictures are turned.
        ("turned.mp4", "--fit", "180x1000", "180,320"),
    ] {
        run_well(
            folder.path(),
            &["up", name, "--model", "none", option, value, "-o", "result.mkv", "--overwrite"],
        );
        assert_eq!(size(&at("result.mkv")), wanted, "{name} {option} {value}");
    }
    let output = run(folder.path(), &["up", "clip.mp4", "--model", "none", "--fit", "32x32"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("32x18 is smaller than the source of 64x36"), "{said}");
    assert_eq!(size(&at("clip_upscaled.mp4")), "32,18");
    for (arguments, code, words) in [
        (["--strength", "1.5"], 2, "choose a number from 0 (no network) to 1"),
        (["--grain", "-0.5"], 2, "choose a number from 0 (none) to 1"),
        (["--width", "1"], 2, "choose a whole number from 2 to 16384"),
        (["--fit", "1x100"], 2, "choose 2 to 16384 pixels"),
        (["--width", "16384"], 1, "choose a smaller --scale, --height, --width or --fit"),
    ] {
        let argument = format!("{}={}", arguments[0], arguments[1]);
        make_clip(&at("high.mp4"), "32x64", 2, false);
        let output = run(folder.path(), &["up", "high.mp4", "--model", "none", &argument]);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {errors}");
        assert!(errors.contains(words), "{arguments:?}: {errors}");
    }
}
