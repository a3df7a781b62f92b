//! Films that are interlaced in parts: which parts are found, that the others stay as they are, and where segments may begin.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod common;

use std::ops::Range;
use std::path::{Path, PathBuf};

use common::{decode, ffmpeg, index, psnr};
use frame::RgbF32;
use media::{Deinterlace, FieldOrder, Index, Made, Source, Stretch, deinterlace};

/// Something that moves in every frame, with as much detail as a camera would see.
const SOURCE: &str = "mandelbrot=size=320x240:rate=50:start_scale=0.8:end_scale=0.8,loop=loop=-1:size=1:start=0,\
                      setpts=N/50/TB,gblur=sigma=1.0,scroll=horizontal=0.013:vertical=0.006,crop=160:120,\
                      format=yuv420p";

/// A part of a film.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Progressive,
    Top,
    Bottom,
}

use Kind::{Bottom, Progressive, Top};

/// A name, the parts, and the kinds of flags.
type Film = (&'static str, &'static [(Kind, u32)], &'static [&'static str]);

impl Kind {
    const fn filters(self) -> &'static str {
        match self {
            Progressive => "framestep=2",
            Top => "interlace=scan=tff:lowpass=off",
            Bottom => "interlace=scan=bff:lowpass=off",
        }
    }
}

/// The parts with their frames.
fn places(parts: &[(Kind, u32)]) -> Vec<(Kind, Range<u32>)> {
    let mut end = 0;
    let place = |&(kind, frames): &(Kind, u32)| {
        end += frames;
        (kind, end - frames..end)
    };
    parts.iter().map(place).collect()
}

/// A film of 25 frames a second of these parts.
fn make(folder: &tempfile::TempDir, name: &str, parts: &[(Kind, u32)], encoder: &[&str]) -> PathBuf {
    let path = folder.path().join(name);
    let label = |letter: char| {
        let labels = (0..parts.len()).map(|part| format!("[{letter}{part}]"));
        labels.collect::<Vec<_>>().concat()
    };
    let chains: Vec<String> = (0..)
        .zip(places(parts))
        .map(|(part, (kind, frames))| {
            let (start, end, filters) = (2 * frames.start, 2 * frames.end, kind.filters());
            format!(
                "[s{part}]trim=start_frame={start}:end_frame={end},setpts=PTS-STARTPTS,{filters},setfield=prog[p{part}]"
            )
        })
        .collect();
    let count = parts.len();
    let graph = format!(
        "{SOURCE},split={count}{};{};{}concat=n={count}:v=1,setpts=N/25/TB[out0]",
        label('s'),
        chains.join(";"),
        label('p')
    );
    ffmpeg(&[&["-f", "lavfi", "-i", &graph, "-r", "25"][..], encoder].concat(), &path);
    path
}

/// The same in MPEG-2, in which only some frames are flagged interlaced.
fn make_flagged(
    folder: &tempfile::TempDir,
    name: &str,
    parts: &[(Kind, u32)],
    is_flagged: impl Fn(Kind) -> bool,
) -> PathBuf {
    let encoder = ["-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-b:v", "6M", "-g", "12", "-bf", "0"];
    let stream = make(folder, "flags.m2v", parts, &encoder);
    let flags: Vec<bool> =
        parts.iter().flat_map(|&(kind, frames)| vec![is_flagged(kind); frames as usize]).collect();
    let mut bytes = std::fs::read(&stream).unwrap();
    let mut pictures = 0;
    for at in 0..bytes.len() - 8 {
        // Each picture's coding extension says whether it is progressive.
        if bytes[at..at + 4] == [0, 0, 1, 0xb5] && bytes[at + 4] >> 4 == 8 {
            let progressive = if flags[pictures] { 0 } else { 0x80 };
            bytes[at + 8] = bytes[at + 8] & 0x7f | progressive;
            pictures += 1;
        }
    }
    assert_eq!(pictures, flags.len());
    std::fs::write(&stream, bytes).unwrap();
    let path = folder.path().join(name);
    ffmpeg(&["-i", stream.to_str().unwrap(), "-c", "copy"], &path);
    path
}

fn list(path: &Path, wanted: Deinterlace) -> (Index, String) {
    let (list, note) = deinterlace(&Source::file(path), index(path), wanted, &mut |_| {}).unwrap();
    (list, note.unwrap_or_default())
}

/// The stretches of a film as it was made.
fn stretches(parts: &[(Kind, u32)]) -> Vec<Stretch> {
    let stretch = |(kind, frames)| {
        let order = match kind {
            Progressive => return None,
            Top => FieldOrder::TopFirst,
            Bottom => FieldOrder::BottomFirst,
        };
        Some(Stretch { frames, order })
    };
    places(parts).into_iter().filter_map(stretch).collect()
}

/// True for stretches that are the parts, but for a frame beside each.
fn are_near(stretches: &[Stretch], wanted: &[Stretch]) -> bool {
    stretches.len() == wanted.len()
        && stretches.iter().zip(wanted).all(|(a, b)| {
            let is_near = |a: u32, b: u32| a.abs_diff(b) <= 1;
            let is_near = is_near(a.frames.start, b.frames.start) && is_near(a.frames.end, b.frames.end);
            a.order == b.order && is_near
        })
}

/// Asks that the interlaced parts are filtered, well, and the same from any cut, and nothing else (but for a frame beside them,
/// where it is not exact). Gives what is said of it.
fn check(
    name: &str,
    path: &Path,
    parts: &[(Kind, u32)],
    originals: &[(i64, RgbF32)],
    is_exact: bool,
) -> String {
    let (made, note) = list(path, Deinterlace::Auto);
    let fields = made.fields.as_ref().unwrap_or_else(|| panic!("{name}: {note}"));
    assert_eq!(fields.made, Made::Frames);
    if is_exact {
        assert_eq!(fields.stretches, stretches(parts), "{name}: {note}");
    } else {
        assert!(are_near(&fields.stretches, &stretches(parts)), "{name}: {note}");
    }
    let of_file = index(path);
    let end = of_file.pts.len() as u32;
    assert_eq!(made.pts, of_file.pts, "{name}");
    let (whole, as_they_are) = (decode(path, &made, 0, end), decode(path, &of_file, 0, end));
    for (kind, frames) in places(parts) {
        for frame in frames.start as usize..frames.end as usize {
            let is_inner = frame > frames.start as usize && frame + 1 < frames.end as usize;
            if kind == Progressive && (is_inner || is_exact) {
                assert!(whole[frame] == as_they_are[frame], "{name}: frame {frame} is another");
                continue;
            }
            let (before, after) = (
                psnr(&originals[frame].1, &as_they_are[frame].1),
                psnr(&originals[frame].1, &whole[frame].1),
            );
            // Beside a change, a field has a neighbour of its kind on one side only.
            assert!(!is_inner || after > before + 4.0, "{name}: frame {frame} {before:.1} {after:.1} dB");
        }
    }
    let mut cuts: Vec<u32> = (1..end).step_by(29).collect();
    for (_, frames) in places(parts) {
        cuts.extend(frames.start.saturating_sub(2)..(frames.start + 2).min(end));
    }
    for first in cuts {
        let to = (first + 2).min(end);
        let part = decode(path, &made, first, to);
        assert!(part[..] == whole[first as usize..to as usize], "{name}: frames {first} to {to} differ");
    }
    note
}

#[test]
fn what_is_interlaced_is_deinterlaced_wherever_it_is_and_whatever_its_flags_say() {
    let folder = tempfile::tempdir().unwrap();
    let films: [Film; 4] = [
        ("ends", &[(Progressive, 40), (Top, 40)], &["no flags", "all flagged", "right flags", "wrong flags"]),
        ("begins", &[(Top, 40), (Progressive, 40)], &["no flags", "right flags"]),
        (
            "turns",
            &[(Progressive, 40), (Top, 40), (Progressive, 40), (Top, 40)],
            &["no flags", "all flagged"],
        ),
        ("orders", &[(Top, 40), (Bottom, 40)], &["all flagged", "wrong flags"]),
    ];
    let x264 = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "12", "-g", "12", "-bf", "2"];
    let all = [&x264[..], &["-x264opts", "tff=1"]].concat();
    for (film, parts, clips) in films {
        let frames: u32 = parts.iter().map(|part| part.1).sum();
        let original = make(&folder, "original.mkv", &[(Progressive, frames)], &["-c:v", "ffv1"]);
        let originals = decode(&original, &index(&original), 0, frames);
        let is_flagged = |kind| kind != Progressive;
        for &flags in clips {
            let path = match flags {
                "no flags" => make(&folder, "none.mkv", parts, &x264),
                "all flagged" => make(&folder, "all.mkv", parts, &all),
                "right flags" => make_flagged(&folder, "right.vob", parts, is_flagged),
                _ => make_flagged(&folder, "wrong.vob", parts, |kind| !is_flagged(kind)),
            };
            // A frame beside two kinds may look like neither, and only its flag can say that it is progressive.
            let is_exact = flags == "right flags";
            let note = check(&format!("{film}, {flags}"), &path, parts, &originals, is_exact);
            let words = match film {
                "ends" => "interlaced from 0:00:01.600 to 0:00:03.200 (top field first, idet: ",
                "begins" => "interlaced from 0:00:00.000 to 0:00:01.600 (top field first, idet: ",
                "turns" => " from 0:00:01.600 to 0:00:03.200 (top",
                _ => ") and from 0:00:01.600 to 0:00:03.200 (bottom field first, idet: ",
            };
            assert!(note.contains(words) || !is_exact, "{film}, {flags}: {note}");
            let is_silent = matches!(flags, "no flags" | "wrong flags");
            assert_eq!(note.contains("though not flagged"), is_silent, "{film}, {flags}: {note}");
            let rest = "deinterlaced with bwdif there; the rest is progressive and stays as it is";
            assert_eq!(note.ends_with(rest), film != "orders", "{film}, {flags}: {note}");
        }
    }
}

#[test]
fn a_frame_for_each_field_shows_progressive_frames_twice() {
    let folder = tempfile::tempdir().unwrap();
    let parts = [(Top, 30), (Progressive, 30)];
    let path = make(&folder, "a.mkv", &parts, &["-c:v", "ffv1"]);
    let original = folder.path().join("original.mkv");
    ffmpeg(&["-f", "lavfi", "-i", SOURCE, "-frames:v", "120", "-c:v", "ffv1"], &original);
    let (made, note) = list(&path, Deinterlace::Field);
    assert!(note.ends_with("each of its frames stays as it is, and is shown twice"), "{note}");
    assert_eq!(made.pts.len(), 120);
    let (whole, as_they_are) = (decode(&path, &made, 0, 120), decode(&path, &index(&path), 0, 60));
    let originals = decode(&original, &index(&original), 0, 120);
    for frame in 60..120 {
        assert!(whole[frame].1 == as_they_are[frame / 2].1, "frame {frame}");
    }
    for frame in 2..58 {
        let ratio = psnr(&originals[frame].1, &whole[frame].1);
        assert!(ratio > 30.0, "frame {frame}: {ratio:.1} dB");
    }
    for first in 55..65 {
        assert!(decode(&path, &made, first, first + 3)[..] == whole[first as usize..first as usize + 3]);
    }
}

#[test]
fn a_frame_of_each_is_made_of_all_where_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = make(&folder, "a.mkv", &[(Progressive, 30), (Bottom, 30)], &["-c:v", "ffv1"]);
    let (made, note) = list(&path, Deinterlace::Frame);
    let all = Stretch { frames: 0..60, order: FieldOrder::BottomFirst };
    assert_eq!(made.fields.unwrap().stretches, [all]);
    assert!(note.ends_with("deinterlaced too, as was asked for"), "{note}");
}

#[test]
fn a_stretch_in_a_long_film_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let parts = [(Progressive, 300), (Top, 60), (Progressive, 240)];
    let x264 = ["-c:v", "libx264", "-crf", "18", "-g", "24"];
    let path = make(&folder, "a.mkv", &parts, &x264);
    let (made, note) = list(&path, Deinterlace::Auto);
    assert_eq!(made.fields.unwrap().stretches, stretches(&parts), "{note}");
}

#[test]
fn film_in_a_part_is_deinterlaced_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mkv");
    let graph = format!(
        "{SOURCE},setpts=N*1001/24000/TB,fps=24000/1001,split[a][b];\
         [a]trim=end_frame=64,telecine=first_field=top:pattern=23,setpts=N*1001/30000/TB[p];\
         [b]trim=start_frame=64:end_frame=144,setpts=N*1001/30000/TB[q];\
         [p][q]concat=n=2:v=1,setpts=N*1001/30000/TB[out0]"
    );
    let rate = ["-r", "30000/1001", "-c:v", "ffv1"];
    ffmpeg(&[&["-f", "lavfi", "-i", &graph][..], &rate].concat(), &path);
    let (made, note) = list(&path, Deinterlace::Auto);
    assert!(note.contains("it is film in parts (2:3 pulldown, "), "{note}");
    let stretches = made.fields.unwrap().stretches;
    assert!(
        matches!(&stretches[..], [Stretch { frames: Range { start: 0..=4, end: 76..=80 }, .. }]),
        "{note}"
    );
}

#[test]
fn film_in_all_of_a_long_video_is_found_without_flags() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mkv");
    let graph = format!("{SOURCE},setpts=N*1001/24000/TB,fps=24000/1001,telecine=first_field=top:pattern=23");
    let encoder = ["-r", "30000/1001", "-frames:v", "400", "-c:v", "libx264", "-crf", "12", "-g", "24"];
    ffmpeg(&[&["-f", "lavfi", "-i", &graph][..], &encoder].concat(), &path);
    let (made, note) = list(&path, Deinterlace::Auto);
    assert!(matches!(made.fields.unwrap().made, Made::Film { .. }), "{note}");
    assert_eq!(made.pts.len(), 320);
}
