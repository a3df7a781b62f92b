//! What only the join can see is found before the first frame is upscaled, and what is decided then is what the result is.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

mod common;

use std::path::{Path, PathBuf};

use common::{ffmpeg, ffprobe, run};

const QUICK: [&str; 6] = ["--model", "none", "--scale", "1", "--preset", "ultrafast"];
const PICTURE: [&str; 4] = ["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=2"];
const SOUND: [&str; 4] = ["-f", "lavfi", "-i", "sine=440:r=48000:d=2"];

/// What a run said and made.
struct Made {
    /// What was said before the first frame was told.
    before: String,
    errors: String,
    result: PathBuf,
}

/// Upscales a file, which must succeed.
fn up(source: &Path, more: &[&str]) -> Made {
    let folder = source.parent().unwrap();
    let name = source.file_name().unwrap().to_str().unwrap();
    let container = if more.contains(&"mp4") { "mp4" } else { "mkv" };
    let result = folder.join(format!("{name}_result.{container}"));
    let output = run(folder, &[&["up", name, "-o", result.to_str().unwrap()], &QUICK[..], more].concat());
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{name} {more:?}: {errors}");
    let first_frames = errors.lines().position(|line| line.contains(" frames, ")).unwrap();
    let before = errors.lines().take(first_frames).collect::<Vec<_>>().join("\n");
    // It decodes from start to end.
    let decoded = std::process::Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i", result.to_str().unwrap(), "-f", "null", "-"])
        .output()
        .unwrap();
    assert!(decoded.status.success(), "{name}: {}", String::from_utf8_lossy(&decoded.stderr));
    Made { before, errors, result }
}

/// Times of packets of a stream in seconds, as they are shown.
fn times(path: &Path, stream: &str) -> Vec<f64> {
    let lines = ffprobe(path, &["-select_streams", stream, "-show_entries", "packet=pts_time"]);
    let mut times: Vec<f64> = lines.iter().filter_map(|line| line.split(',').next()?.parse().ok()).collect();
    times.sort_by(f64::total_cmp);
    times
}

/// What a stream is.
fn stream(path: &Path, stream: &str, what: &str) -> String {
    ffprobe(path, &["-select_streams", stream, "-show_entries", &format!("stream={what}")]).join(" ")
}

/// All times of a stream are those of the source and one amount, to a tick of 1 ms.
fn assert_moved(source: &Path, result: &Path, streams: &[&str], name: &str) {
    let amount = streams.iter().map(|stream| times(source, stream)[0]).fold(f64::INFINITY, f64::min);
    for stream in streams {
        let (before, after) = (times(source, stream), times(result, stream));
        assert_eq!(before.len(), after.len(), "{name} {stream}");
        for (before, after) in before.iter().zip(&after) {
            assert!((before - amount - after).abs() < 0.001_1, "{name} {stream}: {before} became {after}");
        }
    }
}

#[test]
fn recordings_begin_at_zero_wherever_their_clock_does() {
    let folder = tempfile::tempdir().unwrap();
    // 1200 s, hours, and two seconds before a clock of 33 bits is full.
    for (name, offset) in
        [("late.ts", "1200"), ("later.ts", "40000.25"), ("wraps.ts", "95440.1"), ("late.mkv", "7")]
    {
        let source = folder.path().join(name);
        let codecs = ["-c:v", "libx264", "-bf", "2", "-c:a", "mp2", "-output_ts_offset", offset];
        ffmpeg(&[&PICTURE[..], &SOUND, &codecs, &[source.to_str().unwrap()]].concat());
        for container in ["mkv", "mp4"] {
            let made = up(&source, &["--container", container]);
            assert!(made.before.contains("all streams were moved by"), "{name}: {}", made.errors);
            assert!(made.before.contains("so that the result begins at 0"), "{name}: {}", made.errors);
            assert_moved(&source, &made.result, &["v", "a"], name);
        }
    }
}

#[test]
fn films_that_begin_at_zero_stay_where_they_are() {
    let folder = tempfile::tempdir().unwrap();
    for (name, codecs) in [
        ("aac.mp4", ["-c:v", "libx264", "-c:a", "aac"]),
        ("opus.mkv", ["-c:v", "libx264", "-c:a", "libopus"]),
        ("vorbis.mkv", ["-c:v", "libx264", "-c:a", "libvorbis"]),
    ] {
        let source = folder.path().join(name);
        ffmpeg(&[&PICTURE[..], &SOUND, &codecs, &[source.to_str().unwrap()]].concat());
        let made = up(&source, &[]);
        assert!(!made.errors.contains("moved"), "{name}: {}", made.errors);
    }
}

#[test]
fn chapters_and_subtitles_move_with_the_film() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("a.srt"), "1\n00:00:00,500 --> 00:00:00,900\nHola\n\n").unwrap();
    std::fs::write(
        at("meta.txt"),
        ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=6000\ntitle=one\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=6000\nEND=99000\ntitle=two\n",
    )
    .unwrap();
    let (subtitles, meta) = (at("a.srt"), at("meta.txt"));
    let inputs = ["-itsoffset", "5", "-i", subtitles.to_str().unwrap(), "-f", "ffmetadata", "-i"];
    let picture = [&["-itsoffset", "5"][..], &PICTURE].concat();
    let source = at("late.mkv");
    let arguments = [
        &picture[..],
        &inputs,
        &[meta.to_str().unwrap(), "-map", "0", "-map", "1", "-map_chapters", "2", "-c:v", "libx264"],
        &["-bf", "0", source.to_str().unwrap()],
    ];
    ffmpeg(&arguments.concat());
    for container in ["mkv", "mp4"] {
        let made = up(&source, &["--container", container]);
        assert!(made.before.contains("moved by -5.000 s"), "{}", made.errors);
        // MP4 files have no place for SubRip.
        if container == "mkv" {
            assert_eq!(times(&made.result, "s"), [0.5]);
        }
        let chapters = ffprobe(&made.result, &["-show_entries", "chapter=start_time"]);
        let starts: Vec<f64> =
            chapters.iter().map(|line| line.split(',').next().unwrap().parse().unwrap()).collect();
        assert_eq!(starts, [0.0, 1.0], "{container}");
    }
}

#[test]
fn sound_that_changes_is_heard_to_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for (name, container, skip, change) in [
        ("channels.ts", "mpegts", 0, ["-ac", "2", "-ac", "6"]),
        ("rate.ts", "mpegts", 0, ["-ar", "44100", "-ar", "48000"]),
        // A file of FLV begins with a head of 13 bytes; its sound says anew what it is.
        ("channels.flv", "flv", 13, ["-ac", "1", "-ac", "2"]),
    ] {
        let mut bytes = Vec::new();
        for (number, part) in change.chunks(2).enumerate() {
            let path = at(&format!("{number}-{name}"));
            let offset = (number * 2).to_string();
            let codecs = ["-c:v", "libx264", "-c:a", "aac", "-f", container, "-output_ts_offset", &offset];
            ffmpeg(&[&PICTURE[..], &SOUND, &codecs, part, &[path.to_str().unwrap()]].concat());
            let part = std::fs::read(path).unwrap();
            bytes.extend(&part[if number == 0 { 0 } else { skip }..]);
        }
        std::fs::write(at(name), bytes).unwrap();
        for (container, codec) in [("mkv", "pcm_f32le"), ("mp4", "aac")] {
            let made = up(&at(name), &["--container", container]);
            assert!(made.before.contains("stream 1 (aac): its sound changes from "), "{}", made.errors);
            assert_eq!(stream(&made.result, "a", "codec_name"), codec, "{name}");
            let wanted = change[3];
            let found =
                stream(&made.result, "a", if change[2] == "-ac" { "channels" } else { "sample_rate" });
            assert_eq!(found, wanted, "{name} {container}");
            // A tone in both halves: nothing is silent for long.
            let silent = std::process::Command::new("ffmpeg")
                .args(["-nostdin", "-v", "info", "-i", made.result.to_str().unwrap()])
                .args(["-af", "silencedetect=noise=-50dB:d=0.3", "-vn", "-f", "null", "-"])
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&silent.stderr);
            assert!(silent.status.success() && !said.contains("silence_start"), "{name} {container}: {said}");
            let last = times(&made.result, "a").last().copied().unwrap();
            assert!(last > 3.8, "{name} {container}: {last}");
        }
    }
}

#[test]
fn sound_that_says_itself_what_it_is_stays() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for codec in ["ac3", "eac3", "mp2"] {
        let mut bytes = Vec::new();
        for (number, channels) in ["1", "2"].into_iter().enumerate() {
            let (path, offset) = (at(&format!("{number}.ts")), (number * 3).to_string());
            let codecs = ["-c:v", "libx264", "-c:a", codec, "-ac", channels, "-output_ts_offset", &offset];
            ffmpeg(&[&PICTURE[..], &SOUND, &codecs, &[path.to_str().unwrap()]].concat());
            bytes.extend(std::fs::read(path).unwrap());
        }
        let source = at(&format!("{codec}.ts"));
        std::fs::write(&source, bytes).unwrap();
        let made = up(&source, &[]);
        assert!(!made.errors.contains("its sound"), "{codec}: {}", made.errors);
        assert_eq!(stream(&made.result, "a", "codec_name"), codec);
        assert_moved(&source, &made.result, &["v", "a"], codec);
    }
}

#[test]
fn a_track_that_is_empty_is_left_out_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let long = ["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=22", "-itsoffset", "20"];
    let codecs = ["-map", "0", "-map", "1", "-c:v", "mpeg2video", "-c:a", "aac"];
    ffmpeg(&[&long[..], &SOUND, &codecs, &[at("long.mkv").to_str().unwrap()]].concat());
    let cut = ["-map", "0", "-c", "copy", "-t", "2", at("empty.ts").to_str().unwrap()].map(str::to_owned);
    let long = at("long.mkv").to_str().unwrap().to_owned();
    ffmpeg(&[&["-i", &long][..], &cut.each_ref().map(String::as_str)].concat());
    for container in ["mkv", "mp4"] {
        let made = up(&at("empty.ts"), &["--container", container]);
        assert!(made.before.contains("stream 1 (aac) is empty: it was left out"), "{}", made.errors);
        assert_eq!(stream(&made.result, "a", "codec_name"), "");
    }
}

#[test]
fn what_mp4_has_no_place_for_becomes_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let source = at("pcm.mkv");
    let codecs = ["-c:v", "libx264", "-c:a", "pcm_s16le", source.to_str().unwrap()];
    ffmpeg(&[&PICTURE[..], &SOUND, &codecs].concat());
    let made = up(&source, &["--container", "mp4"]);
    assert!(made.before.contains("stream 1 (pcm_s16le): sound was converted to AAC"), "{}", made.errors);
    assert_eq!(made.errors.matches("stream 1").count(), 1, "{}", made.errors);
    assert_eq!(stream(&made.result, "a", "codec_name,sample_rate,channels"), "aac,48000,1");
    // Sound and picture begin together still.
    assert!(times(&made.result, "a")[1].abs() < 0.001);
    let made = up(&source, &[]);
    assert_eq!(stream(&made.result, "a", "codec_name"), "pcm_s16le");
}

#[test]
fn packets_that_a_muxer_merges_are_counted_as_it_writes_them() {
    let folder = tempfile::tempdir().unwrap();
    // At such rates a frame of E-AC-3 has fewer than six blocks.
    let source = folder.path().join("eac3.mkv");
    let codecs = ["-c:v", "libx264", "-c:a", "eac3", "-b:a", "3000k", source.to_str().unwrap()];
    ffmpeg(&[&PICTURE[..], &SOUND, &codecs].concat());
    let made = up(&source, &["--container", "mp4"]);
    let (before, after) = (times(&source, "a").len(), times(&made.result, "a").len());
    assert!(after < before, "{before} packets became {after}");
    assert_eq!(stream(&made.result, "a", "codec_name"), "eac3");
}

#[test]
fn gaps_of_hours_and_last_packets_without_durations_pass_the_muxers() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let gap = ["-vf", "setpts='PTS+if(gt(N,30),8*3600/TB,0)'", "-fps_mode", "passthrough"];
    let codecs = ["-c:v", "libx264", "-bf", "0", at("gap.ts").to_str().unwrap()].map(str::to_owned);
    ffmpeg(&[&PICTURE[..], &gap, &codecs.each_ref().map(String::as_str)].concat());
    // The last subtitle appears while another is shown, and nothing says how long.
    let overlap = "1\n00:00:00,200 --> 00:00:01,900\nHola\n\n2\n00:00:01,000 --> 00:00:01,500\nX\n\n";
    std::fs::write(at("a.srt"), overlap).unwrap();
    let subtitles = at("a.srt");
    let codecs = ["-c:v", "libx264", "-c:s", "mov_text", at("text.mp4").to_str().unwrap()].map(str::to_owned);
    let inputs = [&PICTURE[..], &["-i", subtitles.to_str().unwrap()]].concat();
    ffmpeg(&[&inputs[..], &codecs.each_ref().map(String::as_str)].concat());
    for name in ["gap.ts", "text.mp4"] {
        for container in ["mkv", "mp4"] {
            let made = up(&at(name), &["--container", container]);
            assert_moved(&at(name), &made.result, &["v"], name);
        }
    }
}

/// The files in which all of this was found, where they are at hand.
#[test]
fn files_from_the_field_are_done() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let data = std::env::var_os("UPSCALED_TEST_DATA").map_or(beside, PathBuf::from).join("cases");
    let folder = tempfile::tempdir().unwrap();
    for (name, container, words) in [
        ("pgs-bluray.m2ts", "mkv", "moved by -1.480 s"),
        ("negative-start.mkv", "mkv", "moved by 0.523 s"),
        ("ts-starts-just-before-33bit-wrap.ts", "mkv", "moved by 0.329 s"),
        ("ts-starts-at-1200s.ts", "mkv", "moved by -1201.379 s"),
        ("aac-2.0-to-5.1.ts", "mkv", "its sound changes from 2 to 6 channels at 0:00:02.027"),
        ("audio-starts-after-10s.ts", "mkv", "moved by -1.480 s"),
        ("late-aac-to-mp4.mkv", "mp4", ""),
        ("movtext-overlap.mp4", "mp4", ""),
    ] {
        let Ok(bytes) = std::fs::read(data.join(name)) else {
            println!("skipped: `{}` is not there", data.join(name).display());
            continue;
        };
        let source = folder.path().join(name);
        std::fs::write(&source, bytes).unwrap();
        let made = up(&source, &["--container", container]);
        assert!(made.before.contains(words), "{name}: {}", made.errors);
        let first = times(&made.result, "v")[0].min(times(&made.result, "a").first().copied().unwrap_or(9.0));
        assert!(first.abs() < 0.001, "{name}: {first}");
    }
}

#[test]
fn chapters_that_end_before_the_film_begins_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let chapter = |from: u32, to: u32| {
        format!("[CHAPTER]\nTIMEBASE=1/1000\nSTART={from}\nEND={to}\ntitle=from {from}\n")
    };
    let text = format!(";FFMETADATA1\n{}{}{}", chapter(0, 1000), chapter(1000, 4000), chapter(7000, 8000));
    std::fs::write(at("chapters.txt"), text).unwrap();
    let (chapters, film) = (at("chapters.txt"), at("late.mkv"));
    let streams = [&PICTURE[..], &SOUND, &["-i", &chapters, "-map_metadata", "2"]].concat();
    ffmpeg(&[&streams[..], &["-map", "0", "-map", "1", "-output_ts_offset", "7", &film]].concat());
    let made = up(Path::new(&film), &[]);
    assert!(
        made.before.contains("2 chapters that end before the first frame were left out"),
        "{}",
        made.errors
    );
    assert_eq!(ffprobe(&made.result, &["-show_entries", "chapter_tags=title"]), ["from 7000"]);
}

#[test]
fn sound_that_an_edit_list_cuts_off_is_not_heard_in_matroska() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (film, cut) = (at("film.mp4"), at("cut.mp4"));
    let encoder = ["-c:v", "libx264", "-g", "50", "-c:a", "aac"];
    ffmpeg(&[&PICTURE[..], &SOUND, &encoder, &[&film]].concat());
    ffmpeg(&["-ss", "1.2", "-i", &film, "-c", "copy", &cut]);
    let start = |path: &Path, stream: &str| -> f64 {
        let found = ffprobe(path, &["-select_streams", stream, "-show_entries", "packet=pts_time"]);
        found.iter().map(|time| time.parse().unwrap()).fold(f64::INFINITY, f64::min)
    };
    assert!(start(Path::new(&cut), "a") < -0.5);
    // A packet or two for the decoder to begin with.
    let made = up(Path::new(&cut), &[]);
    assert!(start(&made.result, "a") > -0.06, "{}", start(&made.result, "a"));
    assert!(start(&made.result, "v") >= 0.0);
}
