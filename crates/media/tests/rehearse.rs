//! What a container does not take is found before a frame is made, and brought in another way.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that cannot go on has failed")]

mod common;

use std::path::{Path, PathBuf};

use common::{ffmpeg, format, index};
use frame::Size;
use media::{
    Container, EncodeSettings, Error, Rehearsal, Rehearsed, Shift, Source, StreamChange, probe, rehearse,
    stand_in,
};

fn rehearsed(path: &Path, container: Container, is_forced: bool) -> Result<Rehearsed, Error> {
    let source = Source::file(path);
    let video = probe(&source).unwrap().video;
    let index = index(path);
    let size = Size::new(video.size.width, video.size.height);
    let settings = EncodeSettings::new(&video, "libx264", &format(&video), size, index.time_base);
    let file = path.with_file_name("rehearsal");
    let stand_in = stand_in(&settings).unwrap();
    let plan =
        Rehearsal { source: &source, index: &index, stand_in: &stand_in, container, is_forced, file: &file };
    let found = rehearse(&plan, &mut || {});
    assert!(!file.exists(), "the file of the rehearsal stays");
    found
}

/// A file whose sound has a gap that is too long for MPEG-4, which has 31 bits for a number of samples.
fn with_long_gap(folder: &Path) -> PathBuf {
    let path = folder.join("gap.mkv");
    let inputs = [
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=64x48:rate=25:duration=1",
        "-f",
        "lavfi",
        "-i",
        "sine=d=1:r=48000",
    ];
    let gap = ["-af", "asetpts='PTS+if(gt(N,20),14*3600/TB,0)'", "-c:v", "mpeg4", "-c:a", "mp2"];
    ffmpeg(&[&inputs[..], &gap].concat(), &path);
    path
}

#[test]
fn a_stream_that_a_muxer_fails_on_is_found_and_the_next_thing_tried() {
    let folder = tempfile::tempdir().unwrap();
    let source = with_long_gap(folder.path());
    let free = rehearsed(&source, Container::Mp4, false).unwrap();
    assert_eq!(free.container, Container::Matroska);
    assert!(free.carry.streams.is_empty(), "{free:?}");
    assert!(free.notes[0].contains("MP4 files do not take stream 1 (mp2)"), "{free:?}");

    let forced = rehearsed(&source, Container::Mp4, true).unwrap();
    assert_eq!(forced.container, Container::Mp4);
    assert_eq!(forced.carry.streams.get(&1), Some(&StreamChange::LeaveOut), "{forced:?}");
    let said = forced.left_out.join("\n");
    assert!(said.contains("stream 1 (mp2) was left out: the result cannot hold it"), "{said}");
}

#[test]
fn what_every_container_takes_is_taken_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let inputs =
        ["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=1", "-f", "lavfi", "-i", "sine=d=1"];
    for (name, codecs) in [
        ("aac.mp4", ["-c:v", "libx264", "-c:a", "aac"]),
        ("opus.mkv", ["-c:v", "mpeg4", "-c:a", "libopus"]),
        ("flac.mkv", ["-c:v", "mpeg4", "-c:a", "flac"]),
        ("dts.mkv", ["-strict", "-2", "-c:a", "dca"]),
        ("vp9.webm", ["-c:v", "libvpx-vp9", "-c:a", "libvorbis"]),
    ] {
        let path = folder.path().join(name);
        ffmpeg(&[&inputs[..], &codecs].concat(), &path);
        for container in [Container::Mp4, Container::Matroska] {
            let found = rehearsed(&path, container, true).unwrap();
            assert_eq!(found.container, container, "{name}");
            assert_eq!((found.carry.shift, found.carry.streams.len()), (Shift::NONE, 0), "{name}: {found:?}");
            assert!(found.notes.is_empty(), "{name}: {found:?}");
        }
    }
}

#[test]
fn a_second_video_with_frames_that_are_not_shown_is_counted_as_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("two.mkv");
    let one = ["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=2"];
    let other = ["-f", "lavfi", "-i", "mandelbrot=size=32x32:rate=25:end_pts=50"];
    let codecs = ["-map", "0", "-map", "1", "-t", "2", "-c:v:0", "mpeg4", "-c:v:1", "libvpx-vp9"];
    let ahead = ["-auto-alt-ref", "1", "-lag-in-frames", "16", "-b:v", "50k"];
    ffmpeg(&[&one[..], &other, &codecs, &ahead].concat(), &path);
    for container in [Container::Mp4, Container::Matroska] {
        let found = rehearsed(&path, container, true).unwrap();
        assert!(found.carry.streams.is_empty(), "{found:?}");
    }
}
