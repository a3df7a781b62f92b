//! Frames that are the one before once more: found by the decoder, and given to the encoder without work.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{decode, ffmpeg, index, to_u16};
use frame::{RgbF32, Size};
use media::{EncodeSettings, Error, NextFrame, RangeDecoder, SegmentEncoder, Source, probe};

#[test]
fn frames_that_are_repeated_are_found_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    for (name, format) in
        [("a.mkv", "yuv420p"), ("b.mkv", "gray"), ("c.mkv", "yuv444p10le"), ("d.mkv", "bgr0")]
    {
        let path = folder.path().join(name);
        let graph = "testsrc2=size=63x37:rate=12.5,fps=25";
        let format = ["-pix_fmt", format, "-c:v", "ffv1"];
        ffmpeg(&[&["-f", "lavfi", "-i", graph, "-frames:v", "12"], &format[..]].concat(), &path);
        let list = index(&path);
        let wanted = decode(&path, &list, 1, 12);
        let mut decoder = RangeDecoder::open(&Source::file(&path), &list, 1, 12, 2).unwrap();
        let mut picture = RgbF32::new(Size::new(0, 0));
        let mut repeats = Vec::new();
        for (time, whole) in &wanted {
            let NextFrame { pts, is_repeat } = decoder.next_unless_repeated(&mut picture).unwrap().unwrap();
            assert_eq!((pts, &picture), (*time, whole), "{name}");
            repeats.push(is_repeat);
        }
        assert_eq!(decoder.next_unless_repeated(&mut picture).unwrap(), None);
        // Whatever the generator makes: two pictures are the same or not.
        let same: Vec<bool> = wanted.windows(2).map(|two| two[0].1 == two[1].1).collect();
        assert_eq!(repeats, [&[false], &same[..]].concat(), "{name}");
        assert!(same.contains(&true) && same.contains(&false), "{name}");
    }
}

#[test]
fn a_picture_that_is_pushed_again_gives_the_packets_of_pushing_it_twice() {
    let folder = tempfile::tempdir().unwrap();
    let path = common::clip(&folder, "a.mkv", "64x36", 6, &["-c:v", "ffv1"]);
    let list = index(&path);
    let video = probe(&Source::file(&path)).unwrap().video;
    let settings = EncodeSettings {
        crf: 20,
        preset: "fast".to_owned(),
        threads: 2,
        ..EncodeSettings::new(&video, "libx264", &common::format(&video), Size::new(128, 72), list.time_base)
    };
    let pictures = decode(&path, &list, 0, 6);
    let packets = |again: bool| {
        let mut encoder = SegmentEncoder::open(&settings, video.size).unwrap();
        let mut packets = Vec::new();
        let mut keep = |packet: media::Packet<'_>| {
            packets.push((packet.pts, packet.data.to_vec()));
            Ok::<_, Error>(())
        };
        for (pts, picture) in &pictures {
            encoder.push(&to_u16(picture), 3 * pts, &mut keep).unwrap();
            if again {
                encoder.push_again(3 * pts + 40, &mut keep).unwrap();
            } else {
                encoder.push(&to_u16(picture), 3 * pts + 40, &mut keep).unwrap();
            }
        }
        encoder.finish(&mut keep).unwrap();
        let means = encoder.means().to_vec();
        (packets, means)
    };
    assert_eq!(packets(true).0.len(), 12);
    assert_eq!(packets(true), packets(false));
    let mut encoder = SegmentEncoder::open(&settings, video.size).unwrap();
    assert!(encoder.push_again(0, &mut |_| Ok::<_, Error>(())).is_err());
}
