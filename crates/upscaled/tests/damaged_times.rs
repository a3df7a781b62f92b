//! Transport streams in which the time of a packet is damaged: the result is that of the whole file.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

mod common;

use std::path::Path;

use common::{ffmpeg, ffprobe, frame_checksums, run};

/// Bytes of a packet of a transport stream.
const PACKET: usize = 188;
/// What heads of packets with video and with sound have.
const VIDEO: u8 = 0xe0;
const SOUND: u8 = 0xc0;

/// Where the `number`-th head of a stream (PES, ISO/IEC 13818-1, 2.4.3.6) has its times: that of showing, and that of decoding if it has
/// one.
fn times_of(bytes: &[u8], stream: u8, number: usize) -> Vec<usize> {
    let mut heads = bytes.chunks_exact(PACKET).enumerate().filter_map(|(packet, bytes)| {
        let has_adaptation = bytes[3] & 0x20 != 0;
        let head = 4 + if has_adaptation { 1 + usize::from(bytes[4]) } else { 0 };
        let begins = bytes[1] & 0x40 != 0 && bytes.get(head..head + 4) == Some(&[0, 0, 1, stream]);
        begins.then_some(packet * PACKET + head)
    });
    let head = heads.nth(number).unwrap();
    match bytes[head + 7] & 0xc0 {
        0xc0 => vec![head + 9, head + 14],
        flags => {
            assert_eq!(flags, 0x80, "a time");
            vec![head + 9]
        }
    }
}

/// Flips a bit of a time of 33 bits, which five bytes hold in groups of 3, 15 and 15 that each end with a mark.
fn flip(bytes: &mut [u8], time: usize, bit: u32) {
    let place = bit + 1 + u32::from(bit >= 15) + u32::from(bit >= 30);
    bytes[time + 4 - place as usize / 8] ^= 1 << (place % 8);
}

/// Times of a stream's packets in the order of the file.
fn packets(path: &Path, stream: &str) -> Vec<String> {
    ffprobe(path, &["-select_streams", stream, "-show_entries", "packet=pts_time"])
}

#[test]
fn a_flipped_bit_of_a_time_moves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let inputs =
        ["-f", "lavfi", "-i", "testsrc2=size=96x64:rate=25", "-f", "lavfi", "-i", "sine=sample_rate=48000"];
    let codecs =
        ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "30", "-bf", "2", "-c:a", "aac", "-t", "4.8"];
    ffmpeg(&[&inputs[..], &codecs, &[at("whole.ts").to_str().unwrap()]].concat());
    let whole = std::fs::read(at("whole.ts")).unwrap();
    let result = |source: &str| {
        let settings =
            ["--model", "none", "--scale", "1", "--preset", "ultrafast", "--crf", "0", "--overwrite"];
        let output = run(
            folder.path(),
            &[&["up", source, "-o", "result.mkv", "--segment-frames", "30"], &settings[..]].concat(),
        );
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let result = at("result.mkv");
        (packets(&result, "v:0"), packets(&result, "a:0"), frame_checksums(&result))
    };
    let wanted = result("whole.ts");
    assert_eq!(wanted.0.len(), 120);
    // At the beginning, in the middle, one behind the other, near the end; by 0.7 s to 13 hours, forwards and backwards.
    let cases: [(u8, &[usize], u32); 12] = [
        (VIDEO, &[0], 26),
        (VIDEO, &[60], 32),
        (VIDEO, &[60], 26),
        (VIDEO, &[61], 16),
        (VIDEO, &[80, 81], 24),
        (VIDEO, &[30], 17),
        (SOUND, &[0], 26),
        (SOUND, &[0], 32),
        (SOUND, &[6], 18),
        (SOUND, &[7], 17),
        (SOUND, &[6, 7], 26),
        (SOUND, &[9], 31),
    ];
    for (stream, heads, bit) in cases {
        let mut bytes = whole.clone();
        for &head in heads {
            for time in times_of(&whole, stream, head) {
                flip(&mut bytes, time, bit);
            }
        }
        assert_ne!(bytes, whole);
        std::fs::write(at("damaged.ts"), &bytes).unwrap();
        assert_eq!(result("damaged.ts"), wanted, "bit {bit} of {heads:?} of stream {stream:x}");
    }
}

#[test]
fn one_of_two_times_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let inputs = ["-f", "lavfi", "-i", "testsrc2=size=96x64:rate=25"];
    let codecs = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "30", "-bf", "2", "-frames:v", "90"];
    ffmpeg(&[&inputs[..], &codecs, &[at("whole.ts").to_str().unwrap()]].concat());
    let whole = std::fs::read(at("whole.ts")).unwrap();
    for which in [0, 1] {
        let mut bytes = whole.clone();
        let number = (40..60).find(|&number| times_of(&whole, VIDEO, number).len() == 2).unwrap();
        flip(&mut bytes, times_of(&whole, VIDEO, number)[which], 26);
        std::fs::write(at("damaged.ts"), &bytes).unwrap();
        let settings =
            ["--model", "none", "--scale", "1", "--preset", "ultrafast", "--crf", "0", "--overwrite"];
        let mut results = Vec::new();
        for source in ["whole.ts", "damaged.ts"] {
            let output = run(folder.path(), &[&["up", source, "-o", "result.mkv"], &settings[..]].concat());
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            results.push((packets(&at("result.mkv"), "v:0"), frame_checksums(&at("result.mkv"))));
        }
        assert_eq!(results[0], results[1], "time {which} of the two");
    }
}

#[test]
fn a_recording_in_which_a_second_is_lost_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let inputs = ["-f", "lavfi", "-i", "testsrc2=size=96x64:rate=25"];
    let codecs = ["-c:v", "mpeg2video", "-b:v", "2M", "-g", "12", "-bf", "0", "-frames:v", "100"];
    ffmpeg(&[&inputs[..], &codecs, &[at("whole.ts").to_str().unwrap()]].concat());
    let whole = std::fs::read(at("whole.ts")).unwrap();
    // From one keyframe to another, so that no frame is damaged.
    let head = |number: usize| times_of(&whole, VIDEO, number)[0] / PACKET * PACKET;
    std::fs::write(at("holed.ts"), [&whole[..head(36)], &whole[head(60)..]].concat()).unwrap();
    let settings = ["--model", "none", "--scale", "1", "--preset", "ultrafast", "--json"];
    for (source, pauses) in [("whole.ts", false), ("holed.ts", true)] {
        let output =
            run(folder.path(), &[&["up", source, "-o", "result.mkv", "--overwrite"], &settings[..]].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8_lossy(&output.stdout);
        let words = "the recording has no frames between 0:00:01.400 and 0:00:02.400";
        assert_eq!(said.contains(words), pauses, "{source}: {said}");
    }
}
