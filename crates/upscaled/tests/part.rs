//! A part of a film: its frames are those of the whole result, and all that goes with them is cut to it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use common::{ffmpeg, ffprobe, frame_checksums, names, run, run_well, segments, upscaled, wait_for};
use serde_json::Value;

const PICTURE: &str = "testsrc2=size=96x64:rate=25:duration=8";
const SOUND: &str = "sine=frequency=440:sample_rate=48000:duration=8,aeval=val(0)*(0.1+t/10):c=same";
const X264: [&str; 8] = ["-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-g", "40"];

/// Makes a film of a picture and a sound.
fn film(path: &Path, picture: &str, arguments: &[&[&str]]) {
    let inputs = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", SOUND];
    ffmpeg(&[&inputs[..], &arguments.concat(), &[path.to_str().unwrap()]].concat());
}

/// Upscales to a lossless result; gives what was said.
fn up(folder: &Path, source: &str, result: &str, more: &[&str]) -> String {
    let arguments = ["up", source, "-o", result, "--codec", "ffv1", "--model", "none", "--scale", "2"];
    run_well(folder, &[&arguments[..], more].concat())
}

/// Times of the packets of a stream and checksums of what is in them, in the order of their times.
fn packets(path: &Path, stream: &str) -> Vec<(f64, String)> {
    let entries = ["-show_entries", "packet=pts_time,data_hash", "-show_data_hash", "md5"];
    let lines = ffprobe(path, &[&["-select_streams", stream][..], &entries].concat());
    // Data beside packets have lines of their own.
    let packet = |line: &String| {
        let (time, hash) = line.split_once(',')?;
        Some((time.parse().ok()?, hash.trim_end_matches(',').to_owned()))
    };
    let mut packets: Vec<(f64, String)> = lines.iter().filter_map(packet).collect();
    packets.sort_by(|a, b| a.0.total_cmp(&b.0));
    packets
}

fn times(path: &Path) -> Vec<f64> {
    packets(path, "v:0").into_iter().map(|(time, _)| time).collect()
}

/// Makes all of a film and a part, and compares them. Gives the seconds by which the part was moved.
fn compare(folder: &Path, source: &str, from: Option<&str>, to: Option<&str>, more: &[&str]) -> f64 {
    let at = |name: &str| folder.join(name);
    let mut part = more.to_vec();
    part.extend(from.iter().flat_map(|from| ["--from", from]));
    part.extend(to.iter().flat_map(|to| ["--to", to]));
    for (result, options) in [("whole.mkv", more), ("part.mkv", &part)] {
        up(folder, source, result, &[options, &["--overwrite"]].concat());
    }
    let seconds = |text: Option<&str>, usual: f64| text.map_or(usual, |text| text.parse::<f64>().unwrap());
    let (from_seconds, to) = (seconds(from, f64::MIN), seconds(to, f64::MAX));
    let (all, made) = (times(&at("whole.mkv")), times(&at("part.mkv")));
    // Matroska's times are whole milliseconds.
    let first = all.iter().position(|&time| time >= from_seconds - 0.000_5).unwrap();
    let end = all.iter().position(|&time| time >= to - 0.000_5).unwrap_or(all.len());
    let (pictures, pictures_made) = (frame_checksums(&at("whole.mkv")), frame_checksums(&at("part.mkv")));
    assert_eq!(pictures.len(), all.len(), "{source}");
    assert_eq!(pictures_made, pictures[first..end], "{source}: frames {first} to {end}");
    let shift = all[first] - made[0];
    let is_near = |(whole, made): (&f64, &f64)| (whole - made - shift).abs() < 0.001_1;
    assert!(all[first..end].iter().zip(&made).all(is_near), "{source}: {made:?} of {all:?}");
    if from.is_some() {
        assert!(made[0].abs() < 0.000_5, "{source}: it begins at {}", made[0]);
    }

    let behind = if end < all.len() { to } else { f64::MAX };
    let (all, made) = (packets(&at("whole.mkv"), "a:0"), packets(&at("part.mkv"), "a:0"));
    let begins = if from.is_some() { shift - 0.000_5 } else { f64::MIN };
    let within: Vec<_> = all.iter().filter(|(time, _)| (begins..behind - 0.000_5).contains(time)).collect();
    assert_eq!(made.len(), within.len(), "{source}: packets of sound of {}", all.len());
    for (made, wanted) in made.iter().zip(within) {
        assert!((made.0 + shift - wanted.0).abs() < 0.002_1, "{source}: {made:?} is not {wanted:?}");
        assert_eq!(made.1, wanted.1, "{source}");
    }
    shift
}

#[test]
fn its_frames_and_its_sound_are_those_of_the_whole_result() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, at) = (folder.path(), |name: &str| folder.path().join(name));
    film(&at("b.mp4"), PICTURE, &[&X264, &["-c:a", "aac"]]);
    film(&at("b.mkv"), PICTURE, &[&X264, &["-c:a", "libopus"]]);
    for source in ["b.mp4", "b.mkv"] {
        compare(folder, source, Some("2"), Some("5"), &["--segment-frames", "20"]);
        compare(folder, source, Some("1.01"), Some("1.05"), &[]);
        compare(folder, source, None, Some("3.33"), &[]);
        compare(folder, source, Some("6.5"), None, &[]);
        compare(folder, source, Some("7"), Some("100"), &[]);
    }
    // In AVI, sound has a tick a packet.
    film(&at("b.avi"), PICTURE, &[&["-c:v", "mpeg4", "-c:a", "ac3"]]);
    for (from, to) in [("1.2", "1.6"), ("2.04", "2.5"), ("3.4", "4")] {
        compare(folder, "b.avi", Some(from), Some(to), &[]);
    }
    // Its clock starts elsewhere, and the sound begins before the picture.
    let delayed = [&X264[..], &["-c:a", "mp2", "-output_ts_offset", "5000", "-f", "mpegts"]].concat();
    film(&at("clock.ts"), &format!("{PICTURE},setpts=PTS+0.3/TB"), &[&delayed]);
    compare(folder, "clock.ts", Some("2"), Some("5"), &[]);
    compare(folder, "clock.ts", None, Some("1"), &[]);
    // An edit list cuts the beginning off, in the middle of a group of pictures.
    ffmpeg(&[
        "-ss",
        "1.5",
        "-i",
        at("b.mp4").to_str().unwrap(),
        "-c",
        "copy",
        at("edited.mp4").to_str().unwrap(),
    ]);
    compare(folder, "edited.mp4", Some("2"), Some("4"), &[]);
    compare(folder, "edited.mp4", None, Some("0.5"), &[]);
}

#[test]
fn frames_that_are_shown_for_longer_or_shorter_are_cut_by_their_times() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, at) = (folder.path(), |name: &str| folder.path().join(name));
    let varying = format!("{PICTURE},select='not(mod(n,3))+lt(mod(n,50),20)'");
    film(&at("v.mkv"), &varying, &[&X264, &["-fps_mode", "vfr", "-c:a", "flac"]]);
    film(&at("v.mp4"), &varying, &[&X264, &["-fps_mode", "vfr", "-c:a", "aac"]]);
    for source in ["v.mkv", "v.mp4"] {
        compare(folder, source, Some("2.9"), Some("4.7"), &["--segment-frames", "9"]);
        compare(folder, source, Some("0.05"), Some("0.9"), &[]);
    }
    // A picture that is shown for long does not make the part longer.
    let slides = format!("{PICTURE},select='lt(n,50)+gt(n,150)'");
    film(&at("slides.mkv"), &slides, &[&X264, &["-fps_mode", "vfr", "-c:a", "flac"]]);
    compare(folder, "slides.mkv", Some("1"), Some("3"), &[]);
    let length = ffprobe(&at("part.mkv"), &["-show_entries", "format=duration"]);
    let length: f64 = length[0].parse().unwrap();
    assert!((1.9..2.2).contains(&length), "{length}");
}

#[test]
fn interlaced_frames_are_made_with_the_neighbours_that_they_have_in_the_film() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, at) = (folder.path(), |name: &str| folder.path().join(name));
    let fields = "testsrc2=size=96x64:rate=50:duration=8,interlace=lowpass=off";
    let mpeg2 =
        ["-c:v", "mpeg2video", "-q:v", "3", "-g", "12", "-bf", "2", "-flags", "+ilme+ildct", "-c:a", "mp2"];
    film(&at("i.ts"), fields, &[&mpeg2, &["-f", "mpegts"]]);
    film(&at("i.mpg"), fields, &[&mpeg2, &["-f", "vob"]]);
    for source in ["i.ts", "i.mpg"] {
        compare(folder, source, Some("2"), Some("3.5"), &["--segment-frames", "10"]);
        compare(folder, source, Some("2.01"), Some("3.53"), &["--deinterlace", "field"]);
    }
    let pulldown = "testsrc2=size=96x64:rate=24000/1001:duration=8,telecine=pattern=23";
    film(&at("film.ts"), pulldown, &[&mpeg2, &["-f", "mpegts"]]);
    compare(folder, "film.ts", Some("2"), Some("5"), &["--deinterlace", "telecine"]);
}

#[test]
fn grain_is_that_of_the_frames_in_the_film() {
    let folder = tempfile::tempdir().unwrap();
    film(&folder.path().join("a.mp4"), PICTURE, &[&X264, &["-c:a", "aac"]]);
    compare(folder.path(), "a.mp4", Some("1"), Some("2"), &["--grain", "0.3"]);
}

/// A film with subtitles and chapters.
fn with_subtitles(folder: &Path, name: &str, codec: &str) {
    let subtitles = "1\n00:00:00,500 --> 00:00:01,500\nbefore\n\n2\n00:00:01,600 --> 00:00:02,500\nearly\n\n\
        3\n00:00:03,000 --> 00:00:03,400\nwithin\n\n4\n00:00:04,500 --> 00:00:07,000\nlate\n\n\
        5\n00:00:06,000 --> 00:00:07,000\nbehind\n\n";
    let chapters = "[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=2000\ntitle=one\n\
        [CHAPTER]\nTIMEBASE=1/1000\nSTART=2000\nEND=4000\ntitle=two\n\
        [CHAPTER]\nTIMEBASE=1/1000\nSTART=4000\nEND=6000\ntitle=three\n\
        [CHAPTER]\nTIMEBASE=1/1000\nSTART=6000\nEND=8000\ntitle=four\n";
    fs::write(folder.join("s.srt"), subtitles).unwrap();
    fs::write(folder.join("c.txt"), format!(";FFMETADATA1\n{chapters}")).unwrap();
    let (s, c) = (folder.join("s.srt"), folder.join("c.txt"));
    let more = ["-i", s.to_str().unwrap(), "-i", c.to_str().unwrap(), "-map", "0", "-map", "1", "-map", "2"];
    let chapters = ["-map_chapters", "3", "-c:a", "pcm_s16le", "-c:s", codec];
    let chapters =
        if codec == "srt" { chapters } else { ["-map_chapters", "3", "-c:a", "mp2", "-c:s", codec] };
    film(&folder.join(name), PICTURE, &[&more, &chapters, &X264]);
}

#[test]
fn subtitles_and_chapters_are_cut_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, at) = (folder.path(), |name: &str| folder.path().join(name));
    with_subtitles(folder, "s.mkv", "srt");
    with_subtitles(folder, "s.mp4", "mov_text");
    for source in ["s.mkv", "s.mp4"] {
        let said = run(
            folder,
            &[
                "up",
                source,
                "-o",
                "part.mkv",
                "--model",
                "none",
                "--scale",
                "2",
                "--from",
                "2",
                "--to",
                "5",
                "--overwrite",
            ],
        );
        let said = String::from_utf8(said.stderr).unwrap();
        assert!(!said.contains("left out"), "{said}");
        let lines = ffprobe(
            &at("part.mkv"),
            &["-select_streams", "s:0", "-show_entries", "packet=pts_time,duration_time"],
        );
        let shown: Vec<Vec<f64>> =
            lines.iter().map(|line| line.split(',').map(|time| time.parse().unwrap()).collect()).collect();
        assert_eq!(shown, [[0.0, 0.5], [1.0, 0.4], [2.5, 0.5]], "{source}");
        let chapters = ffprobe(
            &at("part.mkv"),
            &["-show_chapters", "-show_entries", "chapter=start_time,end_time:chapter_tags=title"],
        );
        assert_eq!(chapters, ["0.000000,2.000000,two", "2.000000,3.000000,three"], "{source}");
    }
}

#[test]
fn what_is_behind_it_is_not_decoded() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    film(&at("a.ts"), PICTURE, &[&X264, &["-c:a", "mp2", "-f", "mpegts"]]);
    let mut bytes = fs::read(at("a.ts")).unwrap();
    // The last quarter, but for the heads of its packets.
    let packets = bytes.len() / 188;
    for packet in packets * 3 / 4..packets {
        bytes[packet * 188 + 30..packet * 188 + 180].fill(0x55);
    }
    fs::write(at("a.ts"), bytes).unwrap();
    let usual = ["up", "a.ts", "--model", "none", "--scale", "2"];
    let part = [&usual[..], &["--from", "1", "--to", "3", "--json"]].concat();
    let said = run_well(folder.path(), &part);
    let report: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!((&report["frames"], &report["part"]), (&50.into(), &"00:00:01-00:00:03".into()), "{report}");
    assert_eq!(report["notes"], Value::Array(Vec::new()), "{report}");
    // The whole film has something to say.
    let whole = run(folder.path(), &[&usual[..], &["--json", "-o", "whole.mkv"]].concat());
    assert!(!whole.status.success() || !String::from_utf8_lossy(&whole.stdout).contains("\"notes\":[]"));
}

#[test]
fn bars_are_looked_for_in_its_frames_and_those_before_and_subtitle_files_stay() {
    let folder = tempfile::tempdir().unwrap();
    let bars = "testsrc2=size=160x88:rate=25:duration=2,pad=160:120:0:16[a];testsrc2=size=160x120:rate=25:duration=2,\
                null[b];[a][b]concat=n=2";
    ffmpeg(&["-filter_complex", bars, "-c:v", "ffv1", folder.path().join("a.mkv").to_str().unwrap()]);
    fs::write(folder.path().join("a.srt"), "1\n00:00:00,000 --> 00:00:01,000\nA\n").unwrap();
    let usual = ["up", "a.mkv", "--model", "none", "--scale", "2", "--crop", "auto", "--json"];
    for (to, crop) in [("2", "160:88:0:16".into()), ("3", Value::Null)] {
        let part = [&usual[..], &["--to", to]].concat();
        let told = |arguments: &[&str]| -> Value {
            serde_json::from_str(run_well(folder.path(), arguments).lines().last().unwrap()).unwrap()
        };
        let (said, made) = (told(&[&part[..], &["--dry-run"]].concat()), told(&part));
        assert_eq!((&said["crop"], &made["crop"]), (&crop, &crop), "{to}");
        let report = fs::read_to_string(format!("{}.json", made["result"].as_str().unwrap())).unwrap();
        assert!(report.contains("subtitle files beside the film"), "{report}");
    }
    let is_subtitle =
        |name: &&std::ffi::OsString| Path::new(name).extension().is_some_and(|end| end == "srt");
    assert_eq!(names(folder.path()).iter().filter(is_subtitle).count(), 1);
}

#[test]
fn parts_that_cannot_be_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    film(&folder.path().join("a.mp4"), PICTURE, &[&X264, &["-c:a", "aac"]]);
    let usual = ["up", "a.mp4", "--model", "none", "--scale", "2"];
    for (options, code, wanted) in [
        (&["--from", "3", "--to", "2"][..], 2, "ends before it begins"),
        (&["--from", "3", "--to", "3"], 2, "ends before it begins"),
        (&["--to", "0"], 2, "ends before it begins"),
        (&["--from", "-1"], 2, "write seconds, MM:SS or HH:MM:SS"),
        (&["--to", "soon"], 2, "write seconds, MM:SS or HH:MM:SS"),
        (&["--from", "1:75"], 2, "write seconds, MM:SS or HH:MM:SS"),
        (&["--from", "8"], 1, "8.000 s long"),
        (&["--from", "1:00:00", "--to", "1:01:00"], 1, "8.000 s long"),
        (&["--from", "1.001", "--to", "1.002"], 1, "the next frame is shown at 1.040 s"),
    ] {
        for dry in [&[][..], &["--dry-run"]] {
            let output = run(folder.path(), &[&usual[..], options, dry].concat());
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(code), "{options:?} {dry:?}: {said}");
            assert!(said.contains(wanted), "{options:?} {dry:?}: {said}");
            assert_eq!(names(folder.path()), ["a.mp4"], "{options:?} {dry:?}");
        }
    }
}

#[test]
fn a_dry_run_speaks_of_the_part() {
    let folder = tempfile::tempdir().unwrap();
    film(&folder.path().join("a.mp4"), PICTURE, &[&X264, &["-c:a", "aac"]]);
    let usual =
        ["up", "a.mp4", "--model", "none", "--scale", "2", "--dry-run", "--from", "2", "--to", "0:05"];
    let told: Value =
        serde_json::from_str(&run_well(folder.path(), &[&usual[..], &["--json"]].concat())).unwrap();
    assert_eq!((&told["frames"], &told["seconds_of_video"]), (&75.into(), &3.0.into()), "{told}");
    assert_eq!(told["part"], "00:00:02-00:00:05");
    assert!(told["result"].as_str().unwrap().ends_with("/a_00h00m02s-00h00m05s_upscaled.mp4"), "{told}");
    let lines = run_well(folder.path(), &usual);
    assert!(lines.lines().any(|line| line == "part        00:00:02-00:00:05"), "{lines}");
}

/// A film whose frames take a while.
fn long(path: &Path) {
    film(path, "testsrc2=size=320x240:rate=25:duration=8", &[&X264, &["-c:a", "aac"]]);
}

/// Starts a command and kills it when so many segments are in a folder.
fn kill_at(folder: &Path, arguments: &[&str], job: &str, finished: usize) {
    let mut child =
        upscaled(folder).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for("segments", Duration::from_mins(1), || segments(&folder.join(job)).len() >= finished);
    std::thread::sleep(Duration::from_millis(20));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(segments(&folder.join(job)).len() >= finished, "it ended too early");
}

#[test]
fn a_part_and_the_whole_film_leave_each_other_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, at) = (folder.path(), |name: &str| folder.path().join(name));
    long(&at("a.mp4"));
    let whole = ["up", "a.mp4", "--model", "none", "--scale", "4", "--segment-frames", "8"];
    let part = [&whole[..], &["--from", "1", "--to", "6.04"]].concat();
    kill_at(folder, &whole, "a.mp4.job/work", 2);
    let begun = segments(&at("a.mp4.job/work"));
    let of_part = "a.mp4.00h00m01s-00h00m06.04s.job";
    kill_at(folder, &part, &format!("{of_part}/work"), 3);
    // The ledger is lost: what is finished is found again by what lies beside it.
    for entry in fs::read_dir(at(of_part)).unwrap().flatten().filter(|entry| entry.path().is_file()) {
        fs::remove_file(entry.path()).unwrap();
    }
    kill_at(folder, &part, &format!("{of_part}/work"), 5);
    let made = segments(&at(&format!("{of_part}/work")));
    let first: Vec<u32> = made.iter().filter(|(index, _)| *index == 0).map(|(_, epoch)| *epoch).collect();
    assert_eq!(first.len(), 1, "{made:?}: the first segment was made again");
    run_well(folder, &part);
    assert_eq!(segments(&at("a.mp4.job/work")), begun);
    let result = "a_00h00m01s-00h00m06.04s_upscaled.mp4";
    assert_eq!(names(folder), ["a.mp4", "a.mp4.job", result]);
    let pictures = frame_checksums(&at(result));
    assert_eq!(pictures.len(), 126);
    // It is known again, and another part is another result.
    let output = run(folder, &part);
    assert!(String::from_utf8_lossy(&output.stderr).contains("done already"), "{output:?}");
    let report: Value = serde_json::from_slice(&fs::read(at(&format!("{result}.json"))).unwrap()).unwrap();
    assert_eq!(report["source"]["part"], "00:00:01-00:00:06.04");
    run_well(folder, &[&whole[..], &["--to", "1"]].concat());
    run_well(folder, &whole);
    let results = ["a_00h00m00s-00h00m01s_upscaled.mp4", result, "a_upscaled.mp4"];
    assert_eq!(names(folder)[1..], results);
    assert_eq!(frame_checksums(&at("a_upscaled.mp4")).len(), 200);
    // Made at once, it is the same.
    run_well(folder, &[&part[..], &["--overwrite", "--restart", "-o", "at once.mp4"]].concat());
    assert_eq!(frame_checksums(&at("at once.mp4")), pictures);
}

#[test]
fn unfinished_work_on_a_part_names_the_command_that_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    long(&folder.path().join("a.mp4"));
    let part = ["up", "a.mp4", "--model", "none", "--scale", "4", "--segment-frames", "8", "--from", "0:01"];
    kill_at(folder.path(), &part, "a.mp4.00h00m01s-end.job/work", 2);
    let output = run(folder.path(), &[&part[..], &["--crf", "30"]].concat());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("--from 00:00:01"), "{said}");
}

#[test]
fn a_job_of_a_server_is_made_again_as_a_part() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, at) = (folder.path(), |name: &str| folder.path().join(name));
    film(&at("a.mp4"), PICTURE, &[&X264, &["-c:a", "aac"]]);
    run_well(folder, &["up", "a.mp4", "--model", "none", "--scale", "2", "--root", "."]);
    let refused = run(folder, &["retry", "1", "--from", "2"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--again"), "{refused:?}");
    run_well(folder, &["retry", "1", "--again", "--from", "2", "--to", "5"]);
    let list = run_well(folder, &["list", "--json"]);
    let jobs: Vec<Value> = list.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let parts: Vec<Option<&str>> = jobs.iter().map(|job| job["part"].as_str()).collect();
    assert!(parts.contains(&None) && parts.contains(&Some("00:00:02-00:00:05")), "{list}");
    let shown = run_well(folder, &["show", "2"]);
    assert!(shown.lines().any(|line| line == "part        00:00:02-00:00:05"), "{shown}");
    run_well(
        folder,
        &[
            "up", "a.mp4", "--model", "none", "--scale", "2", "--root", ".", "--from", "2", "--to", "5",
            "--again",
        ],
    );
    let made = ["a.mp4", "a_00h00m02s-00h00m05s_upscaled.mp4", "a_upscaled.mp4"];
    assert!(made.iter().all(|name| at(name).is_file()), "{:?}", names(folder));
}
