//! Damaged sources: a result has every frame that its source promises, or the job fails and names those that are
//! missing, or, on request, they are filled and named.
//!
//! `UPSCALED_DAMAGED_FILES` sets the number of files with random damage (20 by default; a release needs 200).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

mod common;

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use common::{Random, ffmpeg, ffprobe, frame_checksums, number, pts, run, upscaled};
use serde_json::Value;

const FRAMES: u32 = 120;
/// Lossless, so that pictures that are shown twice stay the same.
const SETTINGS: [&str; 9] =
    ["--model", "none", "--scale", "1", "--preset", "ultrafast", "--crf", "0", "--json"];
/// No job of this size takes so long on any machine.
const HANG: Duration = Duration::from_mins(2);

/// A clip with sound and groups of 30 frames.
fn make(path: &Path, more: &[&str]) {
    let (picture, seconds) = ("testsrc2=size=96x64:rate=25", f64::from(FRAMES) / 25.0);
    let sound = format!("sine=frequency=440:sample_rate=48000:duration={seconds}");
    let frames = FRAMES.to_string();
    let video = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "30", "-frames:v", &frames, "-c:a", "aac"];
    let inputs = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", &sound];
    ffmpeg(&[&inputs[..], &video, more, &[path.to_str().unwrap()]].concat());
}

/// Overwrites the packets of some frames, so that no decoder makes anything of them.
fn wipe(path: &Path, frames: std::ops::Range<usize>) {
    let entries = ["-select_streams", "v:0", "-show_entries", "packet=pts,size,pos"];
    let mut packets: Vec<Vec<i64>> = ffprobe(path, &entries)
        .iter()
        .map(|line| line.split(',').map(|number| number.parse().unwrap()).collect())
        .collect();
    packets.sort_unstable();
    let mut bytes = std::fs::read(path).unwrap();
    for packet in &packets[frames] {
        let (size, position) = (packet[1] as usize, packet[2] as usize);
        bytes[position..position + size].fill(0xff);
    }
    std::fs::write(path, bytes).unwrap();
}

fn up(folder: &Path, source: &str, result: &str, more: &[&str]) -> Output {
    run(folder, &[&["up", source, "-o", result, "--segment-frames", "30"], &SETTINGS[..], more].concat())
}

/// The last report of a job that was done.
fn done(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(String::from_utf8_lossy(&output.stdout).lines().last().unwrap()).unwrap()
}

fn filled(report: &Value) -> Vec<(u64, u64)> {
    let gaps = report["filled"].as_array().unwrap().iter();
    gaps.map(|gap| (gap["first"].as_u64().unwrap(), gap["end"].as_u64().unwrap())).collect()
}

/// Checksums of the packets of the sound.
fn sound(path: &Path) -> Vec<String> {
    let entries = ["-select_streams", "a", "-show_entries", "packet=data_hash", "-show_data_hash", "md5"];
    // A packet with side data fills more than one line.
    let text = ffprobe(path, &entries).join("");
    text.split("MD5:").skip(1).map(|hash| hash[..32].to_owned()).collect()
}

/// Times of the packets of a stream in seconds, ascending.
fn times(path: &Path, stream: &str) -> Vec<f64> {
    let lines = ffprobe(path, &["-select_streams", stream, "-show_entries", "packet=pts_time"]);
    let mut times: Vec<f64> = lines.iter().filter_map(|line| line.split(',').next()?.parse().ok()).collect();
    times.sort_unstable_by(f64::total_cmp);
    times
}

#[test]
fn missing_frames_end_the_job_and_are_named_or_are_filled_on_request() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    make(&at("whole.mp4"), &["-bf", "0"]);
    let wanted = pts(&at("whole.mp4"));
    // Within a segment, over the border of two, at the end of the file.
    for (gap, words) in [
        (40..45, "frames 40-44 (0:00:01.600 to 0:00:01.800) are missing"),
        (58..63, "frames 58-"),
        (118..120, "frames 118-119 (0:00:04.720 to the end) are missing"),
    ] {
        std::fs::copy(at("whole.mp4"), at("damaged.mp4")).unwrap();
        wipe(&at("damaged.mp4"), gap.clone());
        let output = up(folder.path(), "damaged.mp4", "result.mp4", &[]);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{errors}");
        assert!(errors.contains(words) && errors.contains("--fill-gaps"), "{errors}");
        assert!(!at("result.mp4").exists());

        let report = done(&up(folder.path(), "damaged.mp4", "result.mp4", &["--fill-gaps"]));
        let filled = filled(&report);
        assert_eq!(filled.first().unwrap().0, gap.start as u64, "{report}");
        assert!(report["notes"].to_string().contains(words), "{report}");
        assert_eq!(pts(&at("result.mp4")), wanted);
        assert_eq!(sound(&at("result.mp4")), sound(&at("whole.mp4")));
        let pictures = frame_checksums(&at("result.mp4"));
        for (first, end) in filled {
            let same = &pictures[first as usize - 1..end as usize];
            assert!(same.iter().all(|picture| *picture == same[0]), "{same:?}");
        }
        std::fs::remove_file(at("result.mp4")).unwrap();
    }
}

#[test]
fn frames_that_are_missing_at_the_beginning_show_the_first_picture_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    make(&at("clip.mp4"), &["-bf", "0"]);
    let wanted = pts(&at("clip.mp4"));
    // Nothing of the first group can be decoded without its first frame.
    wipe(&at("clip.mp4"), 0..30);
    let report = done(&up(folder.path(), "clip.mp4", "result.mp4", &["--fill-gaps", "--no-reuse"]));
    assert_eq!(filled(&report), [(0, 30)]);
    assert_eq!(pts(&at("result.mp4")), wanted);
    let pictures = frame_checksums(&at("result.mp4"));
    assert!(pictures[..31].iter().all(|picture| *picture == pictures[30]));
    assert_ne!(pictures[31], pictures[30]);
}

#[test]
fn a_file_that_is_cut_off_is_taken_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let cases: [(&str, &[&str]); 4] = [
        ("a.mp4", &["-movflags", "+faststart"]),
        ("a.mkv", &[]),
        ("a.flv", &["-c:v", "flv", "-c:a", "mp3", "-ar", "44100"]),
        ("a.avi", &["-c:v", "mpeg4", "-c:a", "mp3"]),
    ];
    for (name, options) in cases {
        make(&at(name), options);
        let bytes = std::fs::read(at(name)).unwrap();
        let whole = done(&up(folder.path(), name, "whole.mkv", &["--overwrite"]));
        assert!(!whole["notes"].to_string().contains("cut off"), "{name}: {whole}");
        for share in [40, 75] {
            std::fs::write(at(name), &bytes[..bytes.len() * share / 100]).unwrap();
            let report = done(&up(folder.path(), name, "result.mkv", &["--overwrite"]));
            let notes = report["notes"].to_string();
            assert!(
                notes.contains("the file is cut off: the file says 4.8 s and ends after"),
                "{name}: {notes}"
            );
            let frames = pts(&at("result.mkv")).len();
            let share_of_frames = frames * 100 / FRAMES as usize;
            assert!(
                share_of_frames > share / 3 && share_of_frames < 100,
                "{name}: {frames} frames of {share} %"
            );
            // All that is there is in the result, but for a frame whose packet is cut through.
            assert!(frames + 1 >= frame_checksums(&at(name)).len(), "{name}: {frames} frames of {share} %");
        }
    }
}

/// Overwrites all of a file from the head of one video packet to that of another, sound and all.
fn wipe_all(path: &Path, frames: std::ops::Range<usize>) {
    let places: Vec<usize> = ffprobe(path, &["-select_streams", "v:0", "-show_entries", "packet=pos"])
        .iter()
        .map(|line| line.trim_end_matches(',').parse().unwrap())
        .collect();
    let mut bytes = std::fs::read(path).unwrap();
    bytes[places[frames.start] - 8..places[frames.end] - 8].fill(0);
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn what_follows_destroyed_chunks_of_an_avi_keeps_its_times() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let cases: [(&str, &[&str]); 3] = [
        ("mjpeg", &["-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-c:a", "pcm_s16le"]),
        ("ffv1", &["-c:v", "ffv1", "-g", "1", "-c:a", "mp3"]),
        ("mpeg4", &["-c:v", "mpeg4", "-g", "12", "-c:a", "ac3"]),
    ];
    for (name, codecs) in cases {
        make(&at("source.avi"), codecs);
        let up =
            |more: &[&str]| up(folder.path(), "source.avi", "result.mkv", &[&["--overwrite"], more].concat());
        done(&up(&[]));
        let (shown, heard) = (pts(&at("result.mkv")), times(&at("result.mkv"), "a"));
        wipe_all(&at("source.avi"), 50..60);
        let output = up(&[]);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{name}: {errors}");
        assert!(errors.contains("frames 50-59 (") && errors.contains("are missing"), "{name}: {errors}");

        let report = done(&up(&["--fill-gaps"]));
        assert_eq!(filled(&report), [(50, 60)], "{name}: {report}");
        assert_eq!(pts(&at("result.mkv")), shown, "{name}");
        // The sound of the gap is lost, and the rest is where it was. A chunk of it may be longer than a frame.
        let left = times(&at("result.mkv"), "a");
        assert!(left.len() < heard.len(), "{name}: {} of {} packets of sound", left.len(), heard.len());
        for pair in [(left[0], heard[0]), (left[left.len() - 1], heard[heard.len() - 1])] {
            assert!((pair.0 - pair.1).abs() < 0.002, "{name}: {pair:?}");
        }
    }
}

/// Damage as disks and receivers do it.
fn damage(bytes: &mut Vec<u8>, is_transport: bool, random: &mut Random) {
    // Behind the head; an MP4's table is at the end, where the sound and the last packets are spared too.
    let (first, last) = (bytes.len() as u64 / 50, bytes.len() as u64 * 9 / 10);
    match random.below(3) {
        // Lost packets of a transport stream, in a row.
        0 if is_transport => {
            let packet = (first + random.below(last - first)) as usize / 188 * 188;
            bytes.drain(packet..packet + 188 * (1 + random.below(30) as usize));
        }
        // A sector that reads as zeros.
        1 => {
            let start = (first + random.below(last - first)) as usize;
            bytes[start..start + 512].fill(0);
        }
        _ => {
            for _ in 0..=random.below(20) {
                let byte = (first + random.below(last - first)) as usize;
                bytes[byte] ^= 1 << random.below(8);
            }
        }
    }
}

/// Runs the program, which must come to an end.
fn up_in_time(folder: &Path, source: &str, result: &str, more: &[&str]) -> Output {
    let mut command = upscaled(folder);
    command.args(["up", source, "-o", result, "--segment-frames", "30"]).args(SETTINGS).args(more);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (start, id) = (Instant::now(), child.id());
    let waiting = std::thread::spawn(move || child.wait_with_output().unwrap());
    while !waiting.is_finished() {
        assert!(start.elapsed() < HANG, "process {id} hangs over {source}");
        std::thread::sleep(Duration::from_millis(10));
    }
    waiting.join().unwrap()
}

/// Times of the video's packets in seconds, from the first keyframe on.
fn promised(path: &Path) -> Vec<f64> {
    let entries = ["-select_streams", "v:0", "-show_entries", "packet=pts_time,flags"];
    let lines = ffprobe(path, &entries);
    let packets = lines.iter().map(|line| line.split_once(',').unwrap());
    let mut start = None;
    let mut times = Vec::new();
    for (time, flags) in packets {
        let Ok(time) = time.parse::<f64>() else { continue };
        if flags.starts_with('K') {
            start = start.or(Some(time));
        }
        if start.is_some_and(|start| time >= start) {
            times.push(time);
        }
    }
    times.sort_unstable_by(f64::total_cmp);
    times
}

/// True when damage makes a decoder give frames in another order than that of their times.
fn mixes_order(path: &Path) -> bool {
    let entries = ["-select_streams", "v:0", "-show_entries", "frame=pts_time"];
    let times: Vec<f64> = ffprobe(path, &entries).iter().filter_map(|time| time.parse().ok()).collect();
    times.windows(2).any(|pair| pair[1] <= pair[0])
}

/// No film here lasts so long, in seconds: a later time is a damaged one.
const LATEST: f64 = 10.0;

/// How far all streams of a result were moved, in seconds, by its report.
fn moved(report: &Value) -> f64 {
    let notes = report["notes"].as_array().unwrap().iter().filter_map(Value::as_str);
    let mut seconds = notes.filter_map(|note| note.strip_prefix("all streams were moved by "));
    seconds.next().map_or(0.0, |rest| rest.split(' ').next().unwrap().parse().unwrap())
}

/// Checks a result: all promised frames at their times, all of them decodable, the sound as it was and where it was.
fn check(source: &Path, result: &Path, report: &Value, what: &str) {
    let (shown, heard) = (times(result, "v:0"), times(result, "a"));
    assert_eq!(frame_checksums(result).len(), shown.len(), "{what}");
    let (source_heard, moved) = (times(source, "a"), moved(report));
    // Half a tick of Matroska for each of the two, and what printing rounds off, here and in the report.
    let is_there = |times: &[f64], time: f64| {
        let after = times.partition_point(|&other| other < time);
        times[after.saturating_sub(1)..times.len().min(after + 1)]
            .iter()
            .any(|other| (other - time).abs() < 0.001_51)
    };
    let promised = promised(source);
    if mixes_order(source) {
        // What the decoder gives too late has to be shown later, and is shown all the same.
        assert!(shown.len() >= promised.len(), "{what}: {} of {} frames", shown.len(), promised.len());
    } else {
        for time in promised.into_iter().filter(|&time| time < LATEST) {
            assert!(is_there(&shown, time + moved), "{what}: no frame at {time} s");
        }
    }
    if what.contains("aac.ts") {
        // Packets get another head in Matroska, and one that is damaged is left out.
        let strange = heard.iter().filter(|&&time| !is_there(&source_heard, time - moved)).count();
        let damaged = source_heard.iter().filter(|&&time| time > LATEST).count();
        assert!(strange <= damaged, "{what}: {strange} packets of sound at other times");
        assert!(heard.len() + 3 > source_heard.len(), "{what}: the sound");
    } else {
        assert_eq!(sound(result), sound(source), "{what}: the sound");
    }
}

#[test]
fn no_damage_makes_a_result_without_the_frames_that_were_promised() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    make(&at("whole.mp4"), &["-bf", "2"]);
    make(&at("whole.ts"), &["-bf", "2", "-c:a", "mp2"]);
    make(&at("whole.aac.ts"), &["-bf", "2"]);
    let files = number("UPSCALED_DAMAGED_FILES", 20);
    let mut random = Random(15);
    let (mut whole, mut named, mut other, mut gaps) = (0, 0, 0, 0);
    for file in 0..files {
        let kind = ["mp4", "ts", "mp4", "aac.ts"][file % 4];
        let (source, what) = (format!("damaged.{kind}"), format!("file {file} ({kind})"));
        let mut bytes = std::fs::read(at(&format!("whole.{kind}"))).unwrap();
        damage(&mut bytes, kind != "mp4", &mut random);
        std::fs::write(at(&source), &bytes).unwrap();
        let plain = up_in_time(folder.path(), &source, "plain.mkv", &["--overwrite"]);
        let errors = String::from_utf8_lossy(&plain.stderr).into_owned();
        let on_request = up_in_time(folder.path(), &source, "filled.mkv", &["--overwrite", "--fill-gaps"]);
        match plain.status.code() {
            Some(0) => {
                whole += 1;
                check(&at(&source), &at("plain.mkv"), &done(&plain), &what);
                assert_eq!(filled(&done(&on_request)), [], "{what}");
            }
            Some(1) if errors.contains("are missing in the damaged file") => {
                named += 1;
                let report = done(&on_request);
                gaps += filled(&report).len();
                assert!(!filled(&report).is_empty(), "{what}: {report}");
            }
            Some(1) => {
                other += 1;
                println!("{what}: {errors}");
            }
            code => panic!("{what}: {code:?} {errors}"),
        }
        if on_request.status.success() {
            check(&at(&source), &at("filled.mkv"), &done(&on_request), &what);
        }
        for name in ["plain.mkv", "filled.mkv"] {
            let _ = std::fs::remove_file(at(name));
            let _ = std::fs::remove_dir_all(at(&format!("{source}.job")));
        }
    }
    println!(
        "{files} damaged files: {whole} with all frames, {named} failed and named theirs (filled: {gaps} gaps), {other} \
         failed for other reasons; 0 hung, 0 incomplete results"
    );
    assert!(whole > 0 && named > 0, "this damage shows nothing");
}
