//! AVI files whose chunks are destroyed: what the index lists and the file no longer holds is missing, and what follows keeps its
//! times.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{decode, ffmpeg};
use media::{Index, IndexMethod, Source};

const FRAMES: u32 = 120;

/// How chunks are destroyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Damage {
    /// The heads of the video's chunks are zero.
    Heads,
    /// All bytes are zero, those of the sound between them too.
    Zeros,
    /// All bytes are noise.
    Noise,
    /// The size of the chunk before says that it holds them.
    Size,
}

/// A clip with sound in chunks beside the video.
fn clip(folder: &Path, name: &str, sound: &[&str], video: &[&str]) -> PathBuf {
    let path = folder.join(name);
    let picture = ["-f", "lavfi", "-i", "testsrc2=size=96x64:rate=25"];
    let heard = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=4.8"];
    ffmpeg(&[&picture[..], &heard, &["-frames:v", "120"], video, sound].concat(), &path);
    path
}

/// Where the data of a stream's packets lies in the file.
fn packets(path: &Path, stream: &str) -> Vec<usize> {
    let entries = ["-v", "error", "-select_streams", stream, "-show_entries", "packet=pos", "-of", "csv=p=0"];
    let output = Command::new("ffprobe").args(entries).arg(path).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.trim_end_matches(',').parse().unwrap()).collect()
}

/// A copy in which the chunks of some frames are destroyed.
fn damaged(path: &Path, frames: Range<usize>, how: Damage) -> PathBuf {
    let places = packets(path, "v");
    let mut bytes = std::fs::read(path).unwrap();
    let (begin, end) =
        (places[frames.start] - 8, places.get(frames.end).map_or(places[frames.end - 1] + 8, |end| end - 8));
    match how {
        Damage::Heads => places[frames].iter().for_each(|&place| bytes[place - 8..place].fill(0)),
        Damage::Zeros => bytes[begin..end].fill(0),
        Damage::Size => {
            let before = places[frames.start - 1];
            bytes[before - 4..before].copy_from_slice(&((end - before) as u32).to_le_bytes());
        }
        Damage::Noise => {
            let mut seed = 1_u64;
            for byte in &mut bytes[begin..end] {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                *byte = (seed >> 56) as u8;
            }
        }
    }
    let damaged = path.with_file_name(format!("damaged-{}", path.file_name().unwrap().to_str().unwrap()));
    std::fs::write(&damaged, bytes).unwrap();
    damaged
}

fn check(path: &Path) -> Index {
    media::index(&Source::file(path), IndexMethod::Check, &mut |_| {}).unwrap()
}

/// Gives other names to the parts of a file that say where its chunks are.
fn without_index(path: &Path) -> PathBuf {
    let mut bytes = std::fs::read(path).unwrap();
    for name in [b"idx1", b"indx", b"ix00", b"ix01"] {
        for at in 0..bytes.len() - 4 {
            if bytes[at..at + 4] == *name {
                bytes[at..at + 4].copy_from_slice(b"JUNK");
            }
        }
    }
    let other = path.with_file_name("without-index.avi");
    std::fs::write(&other, bytes).unwrap();
    other
}

#[test]
fn frames_behind_destroyed_chunks_keep_their_times() {
    let folder = tempfile::tempdir().unwrap();
    let mp3: &[&str] = &["-c:a", "mp3"];
    let cases: [(&str, &[&str], &[&str]); 5] = [
        ("mjpeg.avi", mp3, &["-c:v", "mjpeg"]),
        ("silent.avi", &["-an"], &["-c:v", "mjpeg"]),
        ("ffv1.avi", &["-c:a", "pcm_s16le"], &["-c:v", "ffv1", "-g", "1"]),
        ("mpeg4.avi", mp3, &["-c:v", "mpeg4", "-g", "12", "-bf", "0"]),
        ("reordered.avi", &["-c:a", "ac3"], &["-c:v", "mpeg4", "-g", "12", "-bf", "2"]),
    ];
    for (name, sound, video) in cases {
        let path = clip(folder.path(), name, sound, video);
        let whole = check(&path);
        assert_eq!(
            (whole.pts.len(), &whole.missing[..]),
            (FRAMES as usize, &[][..]),
            "{name}: {:?}",
            whole.notes
        );
        let pictures = decode(&path, &whole, 0, FRAMES);
        // Pictures are compared from the next keyframe on. The last two gaps are longer than the demuxer bears: it then reads
        // by the index.
        for (lost, how) in [
            (50..60, Damage::Heads),
            (50..60, Damage::Noise),
            (71..72, Damage::Zeros),
            (24..108, Damage::Zeros),
            (24..108, Damage::Heads),
        ] {
            let what = format!("{name}: {lost:?} {how:?}");
            let damaged = damaged(&path, lost.clone(), how);
            let index = check(&damaged);
            assert_eq!(index.pts, whole.pts, "{what}: {:?} {:?}", index.missing, index.notes);
            let missing: Vec<u32> = index.missing.iter().cloned().flatten().collect();
            let count = missing.iter().filter(|frame| lost.contains(&(**frame as usize))).count();
            // Frames that are shown in another order than they are decoded in may be others by the order.
            let is_reordered = name == "reordered.avi";
            assert!(count + usize::from(is_reordered) >= lost.len(), "{what}: {missing:?}");
            assert!(missing.len() <= lost.len() + usize::from(is_reordered), "{what}: {missing:?}");
            let from = lost.end.next_multiple_of(12) as u32;
            let behind = decode(&damaged, &index, from, FRAMES);
            if !is_reordered {
                assert!(behind == pictures[from as usize..], "{what}: pictures differ");
            }
        }
    }
}

#[test]
fn chunks_that_are_lost_at_an_end_or_inside_another_are_missing() {
    let folder = tempfile::tempdir().unwrap();
    let path = clip(folder.path(), "mjpeg.avi", &["-c:a", "mp3"], &["-c:v", "mjpeg"]);
    let whole = check(&path);
    let frames = |index: &Index| match &index.missing[..] {
        [run] => run.start as usize..run.end as usize,
        _ => 0..0,
    };
    for (lost, how) in
        [(0..3, Damage::Heads), (117..120, Damage::Heads), (50..60, Damage::Size), (117..120, Damage::Size)]
    {
        let index = check(&damaged(&path, lost.clone(), how));
        assert_eq!(frames(&index), lost, "{how:?}: {:?}", index.notes);
        assert_eq!(index.pts, whole.pts, "{lost:?} {how:?}");
    }
}

#[test]
fn without_an_index_it_is_said_how_many_frames_are_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = clip(folder.path(), "mjpeg.avi", &["-an"], &["-c:v", "mjpeg"]);
    let plain = without_index(&path);
    let index = check(&plain);
    assert_eq!((index.pts.len(), &index.missing[..], &index.notes[..]), (FRAMES as usize, &[][..], &[][..]));
    let index = check(&damaged(&plain, 50..60, Damage::Zeros));
    let notes = index.notes.join("; ");
    assert!(
        notes.contains("states 120 frames") && notes.contains("110 were found"),
        "{notes} {:?}",
        index.missing
    );
}

#[test]
fn chunks_without_bytes_are_no_missing_frames() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rare.avi");
    // Every other frame is dropped: the file has empty chunks in their places.
    let input = ["-f", "lavfi", "-i", "testsrc2=size=96x64:rate=25,select='mod(n,2)+eq(n,0)'"];
    let more = ["-frames:v", "40", "-fps_mode", "passthrough", "-c:v", "mjpeg"];
    ffmpeg(&[&input[..], &more].concat(), &path);
    let index = check(&path);
    assert_eq!((index.pts.len(), &index.missing[..], &index.notes[..]), (40, &[][..], &[][..]));
    let lost = check(&damaged(&path, 20..22, Damage::Heads));
    assert_eq!(lost.pts, index.pts);
    assert_eq!(lost.missing.iter().cloned().flatten().collect::<Vec<_>>(), [20, 21]);
}
