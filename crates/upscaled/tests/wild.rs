//! Films from the field: what is odd in them is carried through, adapted and said, or refused before any work.
//!
//! The files in `cases/` of the test data are small files that people have reported in one program or another; where they are
//! missing, that is said. What a file needs beside them is made here.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

mod common;

use std::path::{Path, PathBuf};

use common::{checksums, ffmpeg, ffprobe, frame_checksums, pts, run, run_well};

/// Lossless, so that pictures can be compared.
const LOSSLESS: [&str; 9] =
    ["up", "--model", "none", "--scale", "1", "--codec", "ffv1", "--container", "mkv"];

/// What has to come of a file.
enum Wanted {
    /// So many frames, and a note with these words, unless they are empty.
    Done(usize, &'static str),
    /// No result, and a reason with these words.
    Refused(&'static str),
}

use Wanted::{Done, Refused};

/// Every case, with what a careful player makes of it.
const CASES: [(&str, Wanted); 25] = [
    ("aac-2.0-to-5.1.ts", Done(100, "channels")),
    ("all-keyframes-index-wmv2.avi", Done(100, "")),
    ("audio-starts-after-10s.ts", Done(325, "")),
    ("cut-off.flv", Done(105, "the file is cut off: the file says 8.0 s and ends after")),
    ("cut-off.mkv", Done(111, "the file is cut off: the file says 8.0 s and ends after")),
    ("dv5.mp4", Refused("Dolby Vision")),
    ("game.roq", Done(12, "")),
    ("h263.avi", Done(100, "")),
    ("hybrid-progressive-then-interlaced.mpg", Done(400, "deinterlaced with bwdif")),
    ("late-aac-to-mp4.mkv", Done(203, "")),
    ("movtext-overlap.mp4", Done(100, "")),
    ("negative-start.mkv", Done(50, "so that the result begins at 0")),
    ("no-ctts.mp4", Done(50, "no times of presentation")),
    ("no-stss-hevc.mp4", Done(100, "")),
    ("pgs-bluray.m2ts", Done(100, "")),
    ("raw.mjpeg", Done(25, "")),
    ("rpza.mov", Done(75, "")),
    ("sar-change.ts", Done(50, "each part is fitted into 160x128 with pixels of 16:15")),
    ("size-change-h264.mkv", Done(50, "each part is fitted into 320x240")),
    ("size-change-vp8-grow.webm", Done(50, "each part is fitted into 320x240")),
    ("size-change-vp8-turned.webm", Done(50, "each part is fitted into 320x240")),
    ("thumbnail-track-first.mov", Done(50, "video stream 1")),
    ("ts-starts-at-1200s.ts", Done(75, "so that the result begins at 0")),
    ("ts-starts-just-before-33bit-wrap.ts", Done(100, "so that the result begins at 0")),
    ("video-starts-after-9s.ts", Done(25, "")),
];

fn case(name: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = std::env::var_os("UPSCALED_TEST_DATA").map_or(beside, PathBuf::from).join("cases");
    let path = folder.join(name);
    if path.is_file() {
        return Some(path);
    }
    println!("skipped: `{name}` is not in `{}`", folder.display());
    None
}

/// Runs the program into the folder; gives the exit code and what it said.
fn up(folder: &Path, source: &Path, more: &[&str]) -> (Option<i32>, String) {
    let output = folder.to_str().unwrap().to_owned() + "/";
    let place = ["-o", &output, "--overwrite", source.to_str().unwrap()];
    let output = run(folder, &[&LOSSLESS[..], more, &place].concat());
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn result(folder: &Path, source: &Path) -> PathBuf {
    let stem = source.file_stem().unwrap().to_str().unwrap();
    folder.join(format!("{stem}_upscaled.mkv"))
}

/// Checksums of the frames of the film, which is the video with the most frames.
fn film_checksums(path: &Path) -> Vec<String> {
    let entries = ["-select_streams", "v", "-count_packets", "-show_entries", "stream=nb_read_packets"];
    let counts: Vec<u32> = ffprobe(path, &entries).iter().map(|count| count.parse().unwrap()).collect();
    let film = (0..counts.len()).max_by_key(|&number| counts[number]).unwrap();
    checksums(path, &format!("0:v:{film}"))
}

#[test]
fn every_case_is_done_and_said_or_refused_and_is_the_same_in_any_segments() {
    let mut wrong = Vec::new();
    for (name, wanted) in &CASES {
        let Some(source) = case(name) else { continue };
        // Of its own, since some have the same stem, and no result replaces another source's.
        let folder = tempfile::tempdir().unwrap();
        let (code, said) = up(folder.path(), &source, &["--segment-frames", "100000"]);
        match wanted {
            Refused(reason) => {
                if code != Some(1) || !said.contains(reason) || result(folder.path(), &source).exists() {
                    wrong.push(format!("{name}: {code:?} {said}"));
                }
            }
            Done(frames, note) => {
                if code != Some(0) || !said.contains(note) {
                    wrong.push(format!("{name}: {code:?} {said}"));
                    continue;
                }
                let whole = film_checksums(&result(folder.path(), &source));
                let (code, said) = up(folder.path(), &source, &["--segment-frames", "20"]);
                let in_segments = film_checksums(&result(folder.path(), &source));
                if code != Some(0) || whole.len() != *frames || in_segments != whole {
                    let same = whole.iter().zip(&in_segments).filter(|(a, b)| a == b).count();
                    wrong.push(format!("{name}: {same} of {} frames of {frames}: {said}", whole.len()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_parts_of_a_dvd_are_one_film() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let whole = at("whole.vob");
    let inputs =
        ["-f", "lavfi", "-i", "testsrc2=size=176x144:rate=25", "-f", "lavfi", "-i", "sine", "-t", "6"];
    let encoder = ["-c:v", "mpeg2video", "-b:v", "1M", "-c:a", "ac3", "-f", "vob", whole.to_str().unwrap()];
    ffmpeg(&[&inputs[..], &encoder].concat());
    let bytes = std::fs::read(&whole).unwrap();
    // Parts end with a sector, in the middle of a frame.
    let part = bytes.len() / 3 / 2048 * 2048;
    for (number, bytes) in [&bytes[..part], &bytes[part..2 * part], &bytes[2 * part..]].iter().enumerate() {
        std::fs::write(at(&format!("VTS_01_{}.VOB", number + 1)), bytes).unwrap();
    }
    let more = ["--segment-frames", "25"];
    assert_eq!(up(folder.path(), &whole, &more).0, Some(0));
    let (code, said) = up(folder.path(), &at("VTS_01_1.VOB"), &more);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("the film is in 3 files, VTS_01_1.VOB to VTS_01_3.VOB"), "{said}");
    let (of_parts, of_whole) = (at("VTS_01_1_upscaled.mkv"), at("whole_upscaled.mkv"));
    assert_eq!(frame_checksums(&of_parts), frame_checksums(&of_whole));
    let sound = ["-select_streams", "a", "-show_entries", "packet=pts,size"];
    assert_eq!(ffprobe(&of_parts, &sound), ffprobe(&of_whole, &sound));
    let (code, said) = up(folder.path(), &at("VTS_01_2.VOB"), &more);
    assert!(code == Some(1) && said.contains("VTS_01_1.VOB"), "{said}");
}

#[test]
fn the_film_among_several_videos_is_chosen_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("two.mkv");
    let large = ["-f", "lavfi", "-i", "testsrc2=size=160x96:rate=25:duration=2"];
    let small = ["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=2"];
    let encode = ["-map", "1", "-map", "0", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-disposition", "0"];
    ffmpeg(&[&large[..], &small, &encode, &[source.to_str().unwrap()]].concat());
    let (code, said) = up(folder.path(), &source, &[]);
    assert!(code == Some(0) && said.contains("video stream 1 (h264 160x96) is upscaled, of 2"), "{said}");
    let height = |stream: &str| {
        let entries = ["-select_streams", stream, "-show_entries", "stream=height"];
        ffprobe(&result(folder.path(), &source), &entries).join("")
    };
    run_well(
        folder.path(),
        &["up", "--model", "none", "--scale", "2", "--overwrite", source.to_str().unwrap()],
    );
    assert_eq!((height("v:0"), height("v:1")), ("48".to_owned(), "192".to_owned()));
    let chosen =
        ["up", "--model", "none", "--scale", "2", "--stream", "0", "--overwrite", source.to_str().unwrap()];
    run_well(folder.path(), &chosen);
    assert_eq!((height("v:0"), height("v:1")), ("96".to_owned(), "96".to_owned()));
    let (code, said) = up(folder.path(), &source, &["--stream", "7"]);
    assert!(code == Some(1) && said.contains("stream 7 is no video of this file"), "{said}");
    assert!(said.contains("0, 1"), "{said}");
}

#[test]
fn times_without_composition_leave_the_sound_where_it_was() {
    let Some(source) = case("no-ctts.mp4") else { return };
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(up(folder.path(), &source, &[]).0, Some(0));
    let times = pts(&result(folder.path(), &source));
    assert!(times.windows(2).all(|pair| (39..=41).contains(&(pair[1] - pair[0]))), "{times:?}");
    assert_eq!(times[0], 0);
}
