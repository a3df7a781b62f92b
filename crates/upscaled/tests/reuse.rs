//! What did not change is not computed again: the same frames as without, and the saving is told.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::path::Path;

use common::{ffmpeg, frame_checksums, run, run_well};
use serde_json::Value;

/// A lossless clip of 12 frames out of a filter graph.
fn film(path: &Path, graph: &str) {
    let arguments = ["-f", "lavfi", "-i", graph, "-frames:v", "12", "-pix_fmt", "yuv420p", "-c:v", "ffv1"];
    ffmpeg(&[&arguments[..], &[path.to_str().unwrap()]].concat());
}

/// The job's last report after upscaling a clip with the faster network and more arguments.
fn upscale(folder: &Path, clip: &str, result: &str, more: &[&str]) -> Value {
    let model = ["--model", "realesr-animevideov3", "--preset", "ultrafast", "--segment-frames", "6"];
    let arguments = [&["up", clip, "-o", result, "--json"], &model[..], more].concat();
    let printed = run_well(folder, &arguments);
    serde_json::from_str(printed.lines().last().unwrap()).unwrap()
}

fn repeats(report: &Value) -> u64 {
    report["reuse"]["repeats"].as_u64().unwrap()
}

fn pixels(report: &Value) -> f64 {
    report["reuse"]["pixels"].as_f64().unwrap()
}

#[test]
fn reuse_changes_no_frame_and_saves_what_can_be_saved() {
    let folder = tempfile::tempdir().unwrap();
    let still =
        |size: &str| format!("testsrc2=size={size}:rate=25,trim=end_frame=1,loop=-1:1:0,setpts=N/25/TB");
    let screen = format!(
        "{}[desktop];color=red:size=12x12:rate=25[box];[desktop][box]overlay=x=40+2*n:y=20,\
         drawbox=x=200:y=70:w=2:h=10:color=white:t=fill:enable='lt(mod(n,4),2)'",
        still("640x96")
    );
    // (name, graph, fewest and most repeats, least and largest share of the pixels): the segments have 6 frames each,
    // of which the first is always computed.
    for (name, graph, fewest, most, least, largest) in [
        ("twos", "testsrc2=size=96x64:rate=12.5,fps=25".to_owned(), 6, 6, 0.49, 0.51),
        ("still", still("96x64"), 10, 10, 0.83, 0.84),
        ("screen", screen, 0, 6, 0.3, 0.84),
        ("film", "testsrc2=size=96x64:rate=25,noise=alls=20:allf=t".to_owned(), 0, 0, 0.0, 0.0),
    ] {
        let clip = format!("{name}.mkv");
        film(&folder.path().join(&clip), &graph);
        let with = upscale(folder.path(), &clip, "with.mkv", &["--overwrite"]);
        let without = upscale(folder.path(), &clip, "without.mkv", &["--overwrite", "--no-reuse"]);
        assert!((fewest..=most).contains(&repeats(&with)), "{name}: {with}");
        assert!((least..=largest).contains(&pixels(&with)), "{name}: {with}");
        assert_eq!((repeats(&without), pixels(&without)), (0, 0.0), "{name}");
        let frames = |name: &str| frame_checksums(&folder.path().join(name));
        assert_eq!(frames("with.mkv").len(), 12);
        assert_eq!(frames("with.mkv"), frames("without.mkv"), "{name}");
    }
}

#[test]
fn a_classic_resampler_repeats_too_and_the_saving_is_said() {
    let folder = tempfile::tempdir().unwrap();
    film(&folder.path().join("twos.mkv"), "testsrc2=size=96x64:rate=12.5,fps=25");
    let output = run(folder.path(), &["up", "twos.mkv", "--model", "none"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("6 of 12 frames were repeats; 50 % of the pixels were not computed again"),
        "{said}"
    );
    run_well(folder.path(), &["up", "twos.mkv", "--model", "none", "--no-reuse", "-o", "without.mkv"]);
    let frames = |name: &str| frame_checksums(&folder.path().join(name));
    assert_eq!(frames("twos_upscaled.mkv"), frames("without.mkv"));
}

#[test]
fn a_tolerance_takes_faint_noise_for_a_still_picture() {
    let folder = tempfile::tempdir().unwrap();
    film(
        &folder.path().join("faint.mkv"),
        "testsrc2=size=96x64:rate=25,trim=end_frame=1,loop=-1:1:0,setpts=N/25/TB,\
         lutyuv=y='clip(val,30,220)',noise=c0s=2:c0f=t",
    );
    let exact = upscale(folder.path(), "faint.mkv", "exact.mkv", &[]);
    let tolerant = upscale(folder.path(), "faint.mkv", "tolerant.mkv", &["--reuse-tolerance", "16"]);
    assert_eq!((repeats(&exact), repeats(&tolerant)), (0, 10), "{exact} {tolerant}");
}
