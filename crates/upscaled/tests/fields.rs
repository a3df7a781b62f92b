//! Interlaced sources, from the file to the result.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::path::Path;

use common::{clip, ffmpeg, ffprobe, frame_checksums, pts, run, run_well, size};
use serde_json::Value;

/// A film with sound, whose pictures go through some filters.
fn make(path: &Path, rate: &str, filters: &str, frames: u32, encoder: &[&str]) {
    let picture = format!(
        "mandelbrot=size=320x240:rate={rate}:start_scale=0.8:end_scale=0.8,loop=loop=-1:size=1:start=0,\
         setpts=N/({rate})/TB,gblur=sigma=1.2,scroll=horizontal=0.013:vertical=0.006,crop=160:120,\
         format=yuv420p,{filters},setsar=4/3"
    );
    let frames = frames.to_string();
    let inputs = ["-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", "sine=frequency=440:duration=2"];
    let ends = ["-frames:v", &frames, "-c:a", "mp2", path.to_str().unwrap()];
    ffmpeg(&[&inputs[..], encoder, &ends].concat());
}

const MPEG2: [&str; 8] = ["-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-b:v", "4M", "-g", "12"];
const INTERLACED: &str = "interlace=scan=tff:lowpass=off,setfield=tff";
const TELECINE: &str = "telecine=first_field=top:pattern=23,setfield=tff";

/// Upscales to a lossless result, with segments of so many frames; gives the notes of the job.
fn up(folder: &Path, source: &str, result: &str, segment: u32, more: &[&str]) -> String {
    let segment = segment.to_string();
    let settings = ["--model", "none", "--scale", "1", "--preset", "ultrafast", "--crf", "0", "--json"];
    let place = ["up", source, "-o", result, "--overwrite", "--segment-frames", &segment];
    let printed = run_well(folder, &[&place[..], &settings, more].concat());
    let report: Value = serde_json::from_str(printed.lines().last().unwrap()).unwrap();
    report["notes"].to_string()
}

/// Field order, shape and rate of a result.
fn kind(path: &Path) -> String {
    let entries = "stream=field_order,sample_aspect_ratio,avg_frame_rate";
    ffprobe(path, &["-select_streams", "v:0", "-show_entries", entries]).join(" ")
}

#[test]
fn fields_become_frames_with_their_times_however_the_film_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let x264 = ["-c:v", "libx264", "-crf", "12", "-g", "12", "-x264opts", "tff=1"];
    make(&at("a.mp4"), "50", INTERLACED, 50, &x264);
    make(&at("a.ts"), "50", INTERLACED, 50, &MPEG2);
    for source in ["a.mp4", "a.ts"] {
        for (wanted, each, rate) in [("auto", 1, "25/1"), ("field", 2, "50/1")] {
            let more = ["--deinterlace", wanted];
            let notes = up(folder.path(), source, "whole.mp4", 1000, &more);
            let words = "interlaced, top field first (idet: 50 of 50 frames): deinterlaced with bwdif";
            assert!(notes.contains(words), "{source}: {notes}");
            assert_eq!(up(folder.path(), source, "cut.mp4", 7, &more), notes);
            let whole = frame_checksums(&at("whole.mp4"));
            assert_eq!(whole.len(), 50 * each, "{source}");
            assert!(whole == frame_checksums(&at("cut.mp4")), "{source} {wanted}: another cut, other frames");
            assert_eq!(kind(&at("cut.mp4")), format!("4:3,progressive,{rate}"), "{source}");
            // A frame of the source's time is the first of each.
            let times = pts(&at("cut.mp4"));
            let of_frames: Vec<i64> = times.iter().step_by(each).map(|time| time - times[0]).collect();
            let of_source = pts(&at(source));
            assert_eq!(of_frames, of_source.iter().map(|time| time - of_source[0]).collect::<Vec<_>>());
            assert!(times.windows(2).all(|pair| pair[1] - pair[0] == times[1] - times[0]), "{times:?}");
        }
    }
}

#[test]
fn the_frames_of_a_film_come_back_out_of_pulldown() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    make(&at("a.vob"), "24000/1001", TELECINE, 60, &[&MPEG2[..], &["-r", "30000/1001"]].concat());
    let notes = up(folder.path(), "a.vob", "whole.mkv", 1000, &[]);
    let words = "film in 29.97 frames (2:3 pulldown, 12 of 12 cycles): inverse telecine gives 23.976";
    assert!(notes.contains(words), "{notes}");
    assert_eq!(up(folder.path(), "a.vob", "cut.mkv", 7, &[]), notes);
    let whole = frame_checksums(&at("whole.mkv"));
    assert_eq!(whole.len(), 48);
    assert!(whole == frame_checksums(&at("cut.mkv")));
    assert_eq!(kind(&at("cut.mkv")), "4:3,progressive,24000/1001");
    let exact = |frame: i64| (frame as f64 * 1001.0 / 24.0).round() as i64;
    let times = pts(&at("cut.mkv"));
    let off = |(frame, time): (usize, &i64)| (time - times[0] - exact(frame as i64)).abs();
    assert!(times.iter().enumerate().map(off).all(|off| off <= 1), "{times:?}");
}

#[test]
fn a_film_that_is_interlaced_in_its_second_half_is_deinterlaced_there() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let halves = "split[a][b];[a]trim=end_frame=60,framestep=2[c];\
                  [b]trim=start_frame=60:end_frame=120,setpts=PTS-STARTPTS,interlace=scan=bff:lowpass=off[d];\
                  [c][d]concat,setpts=N/25/TB,setfield=prog";
    make(&at("a.mkv"), "50", halves, 60, &["-r", "25", "-c:v", "libx264", "-crf", "12", "-g", "12"]);
    let notes = up(folder.path(), "a.mkv", "whole.mkv", 1000, &[]);
    let words = "interlaced, though not flagged, from 0:00:01.2";
    let rest = "deinterlaced with bwdif there; the rest is progressive and stays as it is";
    assert!(notes.contains(words) && notes.contains(rest), "{notes}");
    assert_eq!(up(folder.path(), "a.mkv", "cut.mkv", 7, &[]), notes);
    up(folder.path(), "a.mkv", "off.mkv", 1000, &["--deinterlace", "off"]);
    let [whole, cut, off] = ["whole.mkv", "cut.mkv", "off.mkv"].map(|name| frame_checksums(&at(name)));
    assert!(whole == cut, "another cut, other frames");
    assert_eq!((whole.len(), off.len()), (60, 60));
    // Lossless, but for the conversion, which is the same.
    let is_same: Vec<bool> = whole.iter().zip(&off).map(|(a, b)| a == b).collect();
    assert!(is_same[..29].iter().all(|&same| same) && !is_same[30..].contains(&true), "{is_same:?}");
}

#[test]
fn dolby_vision_of_profile_5_is_refused_before_any_work() {
    let Some(source) = clip("../../cases/dv5.mp4") else { return };
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["up", source.to_str().unwrap(), "-o", "a.mkv", "--model", "none"]);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && errors.contains("Dolby Vision profile 5"), "{errors}");
    assert!(!folder.path().join("a.mkv").exists());
}

#[test]
fn frames_are_left_as_they_are_on_request_and_it_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    make(&at("a.ts"), "50", INTERLACED, 25, &MPEG2);
    let notes = up(folder.path(), "a.ts", "off.mkv", 7, &["--deinterlace", "off"]);
    assert!(notes.contains("the video is interlaced: its frames are upscaled as they are"), "{notes}");
    assert_eq!((pts(&at("off.mkv")).len(), size(&at("off.mkv"))), (25, "160,120".to_owned()));
    let output = run(folder.path(), &["up", "a.ts", "--deinterlace", "perhaps"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("choose auto, off, frame, field or telecine"));
}

#[test]
fn real_clips_are_progressive_and_stay_as_they_are() {
    for name in ["bikes.mp4", "carphone_pristine.mp4", "cityCC0.mpg"] {
        let Some(source) = clip(name) else { continue };
        let folder = tempfile::tempdir().unwrap();
        let notes = up(folder.path(), source.to_str().unwrap(), "a.mkv", 1000, &[]);
        assert!(!notes.contains("interlace") && !notes.contains("film"), "{name}: {notes}");
    }
}
