//! The command `fidelity` with the real program, and with one that loses what it should keep.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs the command on a folder; gives whether all was well, what it printed, and the table.
fn fidelity(folder: &Path, program: &Path) -> (bool, String, serde_json::Value) {
    let table = folder.with_extension("json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.arg("fidelity").arg(folder).arg("--upscaled").arg(program).arg("--json").arg(&table);
    let preset = "--model none --scale 2 --preset ultrafast";
    let output = command.args(["--limit", "120", "--arguments", preset]).output().unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    let table = serde_json::from_slice(&fs::read(table).expect(&text)).unwrap();
    (output.status.success(), text, table)
}

fn ffmpeg(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("ffmpeg");
    command.current_dir(folder).args(["-nostdin", "-hide_banner", "-v", "error", "-y"]).args(arguments);
    let output = command.output().expect("ffmpeg is needed for the tests: ./test installs it");
    assert!(output.status.success(), "ffmpeg {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Pictures and sound of 20 frames.
const FILM: [&str; 8] = [
    "-f",
    "lavfi",
    "-i",
    "testsrc2=size=96x64:rate=25:duration=0.8",
    "-f",
    "lavfi",
    "-i",
    "sine=duration=0.8",
];
const X264: [&str; 6] = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"];

/// Puts closed captions in front of each picture of an H.264 stream: two bytes of text that differ from frame to frame.
fn with_captions(stream: &[u8]) -> Vec<u8> {
    let mut made = Vec::new();
    let mut frame = 0_u8;
    for place in 0..stream.len() {
        if stream[place..].starts_with(&[0, 0, 1])
            && matches!(stream.get(place + 3).map(|head| head & 31), Some(1 | 5))
        {
            made.extend([0, 0, 1, 6, 4, 14, 0xb5, 0, 0x31]);
            made.extend(b"GA94\x03");
            made.extend([0x41, 0xff, 0xfc, 0x20 + frame, 0x80, 0xff, 0x80]);
            frame += 1;
        }
        made.push(stream[place]);
    }
    made
}

/// A film with captions, a second video with reordered frames, and sound.
fn make_mkv(folder: &Path) {
    ffmpeg(folder, &[&FILM[..4], &X264, &["-bf", "0", "-f", "h264", "plain.bin"]].concat());
    let captioned = with_captions(&fs::read(folder.join("plain.bin")).unwrap());
    fs::write(folder.join("captions.bin"), captioned).unwrap();
    let inputs = ["-r", "25", "-f", "h264", "-i", "captions.bin"];
    let rest =
        ["-map", "0:v", "-map", "1:v", "-map", "2:a", "-c:v:0", "copy", "-c:v:1", "libx264", "-bf", "3"];
    let tags = [
        "-c:a",
        "libopus",
        "-metadata",
        "title=Zwei – ü",
        "-metadata:s:a:0",
        "language=deu",
        "./-two videos\n.mkv",
    ];
    ffmpeg(folder, &[&inputs, &FILM[..], &rest, &tags].concat());
    fs::remove_file(folder.join("plain.bin")).unwrap();
    fs::remove_file(folder.join("captions.bin")).unwrap();
}

/// A film with a cover, subtitles, chapters, tags of a phone, a timecode, and sound that MPEG-4 seldom has.
fn make_mp4(folder: &Path) {
    let chapters = ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=400\ntitle=One\n\
                    [CHAPTER]\nTIMEBASE=1/1000\nSTART=400\nEND=800\ntitle=Zwei\n";
    fs::write(folder.join("chapters"), chapters).unwrap();
    fs::write(folder.join("words.srt"), "1\n00:00:00,100 --> 00:00:00,600\nHola <i>días</i>\n").unwrap();
    ffmpeg(folder, &[&FILM[..4], &["-frames:v", "1", "cover.jpg"]].concat());
    let inputs = ["-i", "cover.jpg", "-i", "words.srt", "-f", "ffmetadata", "-i", "chapters"];
    let maps =
        ["-map", "0:v", "-map", "1:a", "-map", "2:v", "-map", "3:s", "-map_chapters", "4", "-c:v", "copy"];
    let codecs = [
        "-c:v:0",
        "libx264",
        "-c:a",
        "flac",
        "-strict",
        "-2",
        "-c:s",
        "mov_text",
        "-disposition:v:1",
        "attached_pic",
    ];
    let tags = [
        "-metadata:s:s:0",
        "language=spa",
        "-metadata",
        "com.android.version=13",
        "-metadata",
        "title=A film",
    ];
    let end = ["-movflags", "use_metadata_tags", "-timecode", "01:02:03:04", "-t", "0.8", "./--film.mp4"];
    ffmpeg(folder, &[&FILM[..], &inputs, &maps, &codecs, &tags, &end].concat());
    for name in ["chapters", "words.srt", "cover.jpg"] {
        fs::remove_file(folder.join(name)).unwrap();
    }
}

/// A film of a telephone that was held upright, with sound that no result holds, in a container without rotations.
fn make_turned(folder: &Path) {
    let path = folder.join("turned.mov");
    ffmpeg(folder, &[&FILM[..], &X264, &["-c:a", "adpcm_ima_qt", "turned.mov"]].concat());
    let mut bytes = fs::read(&path).unwrap();
    // The matrix of the first track: a quarter clockwise.
    let track = bytes.windows(4).position(|word| word == b"tkhd").unwrap() + 44;
    let matrix = [0_i32, 1 << 16, 0, -1 << 16, 0, 0, 64 << 16, 0, 1 << 30];
    bytes[track..track + 36].copy_from_slice(&matrix.map(i32::to_be_bytes).concat());
    fs::write(path, bytes).unwrap();
}

#[test]
fn real_results_are_good_and_what_is_no_video_is_refused() {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_xtask")).with_file_name("upscaled");
    let is_there = program.is_file() && program.with_file_name("upscaled-worker").is_file();
    assert!(is_there, "`{}` is missing: run `cargo build --workspace --bins` first", program.display());
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("clips");
    fs::create_dir_all(folder.join("deep er")).unwrap();
    make_mkv(&folder);
    make_mp4(&folder.join("deep er"));
    make_turned(&folder);
    fs::write(folder.join("text.mp4"), "This is no video.\n".repeat(50)).unwrap();
    let (is_well, text, table) = fidelity(&folder, &program);
    assert!(is_well, "{text}");
    let verdicts: Vec<_> = (0..4).map(|row| table[row]["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["good", "good", "refused", "good"], "{text}");
    assert_eq!(table[0]["compared"]["frames"], serde_json::json!([20, 20]), "{text}");
    assert_eq!(table[1]["compared"]["frames"], serde_json::json!([20, 20]), "{text}");
    assert_eq!(table[0]["compared"]["streams"], serde_json::json!([2, 2]), "{text}");
    assert_eq!(table[0]["compared"]["captions"], serde_json::json!([20, 20]), "{text}");
    // Sound, cover, subtitles, titles of chapters, timecode.
    assert_eq!(table[1]["compared"]["streams"], serde_json::json!([5, 5]), "{text}");
    // It is compared upright.
    assert!(table[3]["notes"].to_string().contains("turned upright"), "{text}");
    let said = "stream 1 (adpcm_ima_qt): sound was converted to PCM, without loss";
    assert_eq!(table[3]["reasons"], serde_json::json!([said]), "{text}");
    assert!(text.contains("4 files: 3 good, 1 refused, 0 BAD"), "{text}");
}

#[test]
fn a_program_that_loses_things_is_found_out() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("clips");
    fs::create_dir_all(&folder).unwrap();
    ffmpeg(&folder, &[&FILM[..], &X264, &["-metadata:s:a:0", "language=deu", "clip.mkv"]].concat());
    let program = temporary.path().join("careless");
    // It takes the sound away and shows everything 5 ms late.
    let script = "#!/bin/sh\nwhile [ \"$1\" != -- ]; do [ \"$1\" = --output ] && to=\"$2\"; shift; done\n\
                  exec ffmpeg -nostdin -v error -i \"$2\" -an -vf 'scale=iw*2:ih*2,setpts=PTS+0.005/TB' \
                  -fps_mode passthrough -enc_time_base 1:1000 \"$to/made.mkv\"\n";
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let (is_well, text, table) = fidelity(&folder, &program);
    assert!(!is_well, "{text}");
    let reasons = table[0]["reasons"].to_string();
    assert!(reasons.contains("is shown 5.0 ms off"), "{text}");
    assert!(reasons.contains("stream 1 (vorbis audio) is lost, and nothing was said"), "{text}");
}
