//! `upscaled preview`: pictures of single frames before a job takes hours.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{ffmpeg, make_clip, run, run_well, size};
use serde_json::Value;

/// The pictures that were listed.
fn pictures(printed: &str) -> Vec<Value> {
    printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn path(picture: &Value) -> PathBuf {
    picture["path"].as_str().unwrap().into()
}

/// The samples of a picture, or of frame `number` of a video, in RGB.
fn samples(path: &Path, number: u32) -> Vec<u8> {
    samples_in(path, number, "rgb24")
}

fn samples_in(path: &Path, number: u32, format: &str) -> Vec<u8> {
    let select = format!("select=eq(n\\,{number})");
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i", path.to_str().unwrap(), "-vf", &select, "-frames:v", "1"])
        .args(["-pix_fmt", format, "-f", "rawvideo", "-"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn mean_difference(one: &[u8], other: &[u8]) -> f64 {
    assert_eq!(one.len(), other.len());
    one.iter().zip(other).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / one.len() as f64
}

#[test]
fn every_model_has_a_picture_and_a_sheet_has_all() {
    let folder = tempfile::tempdir().unwrap();
    make_clip(&folder.path().join("clip.mp4"), "64x36", 40, false);
    let printed =
        run_well(folder.path(), &["preview", "clip.mp4", "--at", "0.5", "--at", "0:01.2", "--json"]);
    let pictures = pictures(&printed);
    let told: Vec<_> = pictures
        .iter()
        .map(|picture| {
            let name = path(picture).file_name().unwrap().to_str().unwrap().to_owned();
            let number = |key: &str| picture[key].as_u64().unwrap();
            (name, number("frame"), number("width"), number("height"))
        })
        .collect();
    let wanted: Vec<_> = [(12, "0-00-00.480"), (30, "0-00-01.200")]
        .into_iter()
        .flat_map(|(frame, time)| {
            [
                ("0-classic", 256),
                ("1-realesr-general-x4v3", 256),
                ("2-realesr-animevideov3", 256),
                ("sheet", 3 * 256 + 2 * 8),
            ]
            .map(|(what, width)| (format!("clip_{time}_{what}.png"), frame, width, 144))
        })
        .collect();
    assert_eq!(told, wanted);
    assert_eq!(pictures[0]["seconds"], 0.48);
    assert_eq!(pictures[1]["kind"], "network");
    assert_eq!(pictures[1]["model"], "realesr-general-x4v3");
    for picture in &pictures {
        assert_eq!(
            path(picture).parent().unwrap(),
            folder.path().canonicalize().unwrap().join("clip_preview")
        );
        assert_eq!(size(&path(picture)), format!("{},{}", picture["width"], picture["height"]));
    }
    let panels: Vec<_> = pictures[..3].iter().map(|picture| samples(&path(picture), 0)).collect();
    let sheet = samples(&path(&pictures[3]), 0);
    for (index, panel) in panels.iter().enumerate() {
        let left = 3 * index * (256 + 8);
        let rows = sheet.chunks(3 * (3 * 256 + 16)).map(|row| &row[left..][..3 * 256]);
        assert!(rows.eq(panel.chunks(3 * 256)), "picture {index} of the sheet");
    }
    assert!(mean_difference(&panels[0], &panels[1]) > 0.5 && mean_difference(&panels[1], &panels[2]) > 0.5);
}

#[test]
fn pictures_are_those_that_a_job_makes() {
    let folder = tempfile::tempdir().unwrap();
    make_clip(&folder.path().join("clip.mp4"), "64x36", 12, false);
    let look = [
        "--model",
        "realesr-animevideov3",
        "--strength",
        "0.6",
        "--grain",
        "0.4",
        "--anchor",
        "--fit",
        "200x200",
    ];
    run_well(folder.path(), &[&["up", "clip.mp4", "-o", "job.mkv", "--crf", "0"], &look[..]].concat());
    let printed = run_well(
        folder.path(),
        &[&["preview", "clip.mp4", "--at", "0.28", "-o", "out", "--json"], &look[..]].concat(),
    );
    let pictures = pictures(&printed);
    assert_eq!(pictures.len(), 3);
    assert!(path(&pictures[1]).starts_with(folder.path().canonicalize().unwrap().join("out")));
    // In luma, since the job's colours have a quarter of the samples. The next frame has other grain.
    let of_job = |number| samples_in(&folder.path().join("job.mkv"), number, "gray");
    let shown = samples_in(&path(&pictures[1]), 0, "gray");
    let (close, next) = (mean_difference(&shown, &of_job(7)), mean_difference(&shown, &of_job(8)));
    assert!(close < 1.0 && next > 3.0 * close, "{close} {next}");
}

#[test]
fn pictures_stand_upright_and_say_the_shape_of_their_pixels() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    make_clip(&at("plain.mp4"), "64x36", 5, false);
    let (plain, turned) = (at("plain.mp4"), at("turned.mp4"));
    let copy = ["-c", "copy", "-metadata:s:v:0", "rotate=90", turned.to_str().unwrap()];
    ffmpeg(&[&["-i", plain.to_str().unwrap()], &copy[..]].concat());
    let wide = at("wide.mkv");
    let shape = ["-vf", "setsar=4/3", "-c:v", "ffv1", wide.to_str().unwrap()];
    ffmpeg(&[&["-i", plain.to_str().unwrap()], &shape[..]].concat());
    let picture = |name: &str| {
        let arguments = ["preview", name, "--at", "0.08", "--model", "none", "--scale", "1", "--json"];
        pictures(&run_well(folder.path(), &arguments)).remove(0)
    };
    let upright = picture("turned.mp4");
    assert_eq!((&upright["width"], &upright["height"]), (&36.into(), &64.into()));
    // FFmpeg turns what it decodes. In luma, since it enlarges colours in another way.
    let luma = |path: &Path, number| samples_in(path, number, "gray");
    let off = mean_difference(&luma(&path(&upright), 0), &luma(&turned, 2));
    assert!(off < 3.0, "{off}");
    // Four units high and three wide are three and four pixels in the same length.
    let bytes = std::fs::read(path(&picture("wide.mkv"))).unwrap();
    let shape = bytes.windows(4).position(|window| window == b"pHYs").unwrap() + 4;
    assert_eq!(bytes[shape..][..9], [0, 0, 0, 3, 0, 0, 0, 4, 0]);
}

#[test]
fn what_cannot_be_shown_is_said() {
    let folder = tempfile::tempdir().unwrap();
    make_clip(&folder.path().join("clip.mp4"), "64x36", 10, false);
    std::fs::write(folder.path().join("text.mp4"), "this is no video\n".repeat(99)).unwrap();
    for (arguments, code, words) in [
        (
            &["clip.mp4", "--at", "9"][..],
            1,
            "9 s lies beyond the end of the video, which lasts 0.400 s: its last frame is shown at 0.360 s",
        ),
        (&["clip.mp4", "--at", "-1"], 2, "--at"),
        (&["clip.mp4", "--at", "soon"], 2, "MM:SS"),
        (&["clip.mp4"], 2, "--at"),
        (&["text.mp4", "--at", "0"], 1, "not a video"),
        (&["missing.mp4", "--at", "0"], 1, "cannot be found"),
        (&["clip.mp4", "--at", "0", "--model", "other"], 2, "no model `other`"),
        (&["clip.mp4", "--at", "0", "--strength", "2"], 2, "from 0 (no network) to 1"),
        (&["clip.mp4", "--at", "0", "--fit", "99999x5"], 2, "1 to 16384 pixels"),
        (&["clip.mp4", "--at", "0", "--scale", "2", "--fit", "9x9"], 2, "cannot be used with"),
    ] {
        let output = run(folder.path(), &[&["preview"], arguments].concat());
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {errors}");
        assert!(errors.contains(words) && output.stdout.is_empty(), "{arguments:?}: {errors}");
    }
    // A model that cannot be read does not take the others along.
    std::fs::create_dir(folder.path().join("models")).unwrap();
    std::fs::write(folder.path().join("models/broken.safetensors"), b"no weights").unwrap();
    let output = run(folder.path(), &["preview", "clip.mp4", "--at", "0.1", "--scale", "2"]);
    let (printed, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1));
    assert!(
        errors.contains("broken: the model") && errors.contains("frame 2, shown at 0.080 s, in 128x72"),
        "{errors}"
    );
    assert_eq!(printed.lines().count(), 4, "{printed}");
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 4, "two files, the models and the pictures");
}
