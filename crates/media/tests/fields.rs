//! Interlaced video: what is seen of it, the frames that are made, and that they do not depend on where decoding starts.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::path::{Path, PathBuf};

use common::{decode, ffmpeg, index, psnr};
use frame::{Rational, RgbF32};
use media::{Deinterlace, Error, FieldOrder, Index, Made, RangeDecoder, Source, Stretch, deinterlace};

/// Something that moves in every frame, with as much detail as a camera would see.
const SOURCE: &str = "mandelbrot=size=640x480:rate=50:start_scale=0.8:end_scale=0.8,loop=loop=-1:size=1:start=0,\
                      setpts=N/50/TB,gblur=sigma=1.2,scroll=horizontal=0.007:vertical=0.003,crop=320:240,\
                      format=yuv420p";
const X264: [&str; 8] = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "12", "-g", "12"];
const MPEG2: [&str; 13] = [
    "-c:v",
    "mpeg2video",
    "-flags",
    "+ildct+ilme",
    "-b:v",
    "8M",
    "-maxrate",
    "9M",
    "-bufsize",
    "2M",
    "-g",
    "12",
    "-an",
];

/// A clip of a source that goes through filters.
fn make(folder: &tempfile::TempDir, name: &str, filters: &str, frames: u32, encoder: &[&str]) -> PathBuf {
    let path = folder.path().join(name);
    let (graph, frames) = (format!("{SOURCE},{filters}"), frames.to_string());
    let arguments = ["-f", "lavfi", "-i", &graph, "-frames:v", &frames];
    ffmpeg(&[&arguments[..], encoder].concat(), &path);
    path
}

fn interlaced(top_first: bool) -> &'static str {
    if top_first {
        "interlace=scan=tff:lowpass=off,setfield=tff"
    } else {
        "interlace=scan=bff:lowpass=off,setfield=bff"
    }
}

/// The list of a clip, and what is said of it.
fn list(path: &Path, wanted: Deinterlace) -> (Index, String) {
    let (list, note) = deinterlace(&Source::file(path), index(path), wanted, &mut |_| {}).unwrap();
    (list, note.unwrap_or_default())
}

/// Every cut of a list gives the frames that the whole gives.
fn check_cuts(name: &str, path: &Path, list: &Index) -> Vec<(i64, RgbF32)> {
    let end = list.pts.len() as u32;
    let whole = decode(path, list, 0, end);
    let times: Vec<i64> = whole.iter().map(|frame| frame.0).collect();
    assert_eq!(times, list.pts, "{name}");
    let mut cuts: Vec<(u32, u32)> = (0..end).step_by(3).map(|first| (first, (first + 4).min(end))).collect();
    cuts.extend([(0, 1), (1, 2), (end - 1, end), (end / 2, end)]);
    for (first, to) in cuts {
        let part = decode(path, list, first, to);
        assert!(part[..] == whole[first as usize..to as usize], "{name}: frames {first} to {to} differ");
    }
    whole
}

#[test]
fn any_cut_of_what_is_made_equals_that_part_of_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let mbaff = [&X264[..], &["-bf", "3", "-x264opts", "tff=1"]].concat();
    let open = [&X264[..], &["-bf", "3", "-x264opts", "tff=1:open-gop=1:b-pyramid=normal"]].concat();
    let bottom = [&X264[..], &["-x264opts", "bff=1"]].concat();
    let mpeg2 = [&MPEG2[..], &["-top", "1", "-bf", "2"]].concat();
    let cases: [(&str, bool, &[&str]); 6] = [
        ("mbaff.mkv", true, &mbaff),
        ("open.ts", true, &open),
        ("bottom.mp4", false, &bottom),
        ("mpeg2.ts", true, &mpeg2),
        // Without a time for every frame.
        ("mpeg2.mpg", true, &mpeg2),
        // Without times.
        ("mpeg2.m2v", true, &mpeg2),
    ];
    for (name, top_first, encoder) in cases {
        let path = make(&folder, name, interlaced(top_first), 30, encoder);
        for wanted in [Deinterlace::Auto, Deinterlace::Field] {
            let (list, note) = list(&path, wanted);
            let words =
                if top_first { "interlaced, top field first" } else { "interlaced, bottom field first" };
            assert!(note.starts_with(words) && note.contains("bwdif"), "{name}: {note}");
            let fields = list.fields.as_ref().unwrap();
            let order = if top_first { FieldOrder::TopFirst } else { FieldOrder::BottomFirst };
            assert_eq!(fields.stretches, [Stretch { frames: 0..30, order }], "{name}");
            let frames = if wanted == Deinterlace::Auto { 30 } else { 60 };
            assert_eq!(check_cuts(name, &path, &list).len(), frames, "{name}");
        }
    }
}

#[test]
fn a_frame_of_each_field_looks_like_the_source_before_it_was_interlaced() {
    let folder = tempfile::tempdir().unwrap();
    let original = make(&folder, "original.mkv", "null", 60, &["-c:v", "ffv1"]);
    let path = make(&folder, "fields.mkv", interlaced(true), 30, &["-c:v", "ffv1"]);
    let (whole, note) = list(&path, Deinterlace::Field);
    assert_eq!((whole.pts.len(), whole.time_base), (60, Rational::new(1, 1000)), "{note}");
    assert_eq!(whole.frame_rate(Rational::new(25, 1)), Rational::new(50, 1));
    assert!(whole.pts.iter().zip(0..).all(|(&time, frame)| time == 20 * frame), "{:?}", whole.pts);
    let (originals, made) = (decode(&original, &index(&original), 0, 60), decode(&path, &whole, 0, 60));
    let as_it_is = decode(&path, &index(&path), 0, 30);
    // At either end, a field has a neighbour on one side only.
    for (number, ((_, original), (_, made))) in originals.iter().zip(&made).enumerate().skip(2).take(56) {
        let (of_made, of_source) = (psnr(original, made), psnr(original, &as_it_is[number / 2].1));
        assert!(
            of_made > 35.0 && of_made > of_source + 6.0,
            "frame {number}: {of_made:.1}, {of_source:.1} dB"
        );
    }
}

#[test]
fn pulldown_is_undone_and_every_frame_of_the_film_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let film = "setpts=N*1001/24000/TB,fps=24000/1001";
    let original = make(&folder, "original.mkv", film, 48, &["-r", "24000/1001", "-c:v", "ffv1"]);
    let telecine = format!("{film},telecine=first_field=top:pattern=23,setfield=tff");
    let rate = ["-r", "30000/1001"];
    let mpeg2 = [&MPEG2[..], &["-top", "1", "-bf", "2"], &rate].concat();
    let x264 = [&X264[..], &["-x264opts", "tff=1"], &rate].concat();
    for (name, encoder) in [("a.mpg", &mpeg2[..]), ("a.ts", &mpeg2), ("a.mkv", &x264), ("a.mp4", &x264)] {
        let path = make(&folder, name, &telecine, 60, encoder);
        let (list, note) = list(&path, Deinterlace::Auto);
        assert_eq!(
            note, "film in 29.97 frames (2:3 pulldown, 12 of 12 cycles): inverse telecine gives 23.976",
            "{name}"
        );
        assert_eq!(list.frame_rate(Rational::new(30000, 1001)), Rational::new(24000, 1001));
        let made = check_cuts(name, &path, &list);
        assert_eq!(made.len(), 48, "{name}");
        // The times are those of 24 frames, where the container has fine ticks.
        if name != "a.mkv" {
            let ticks = |time: i64| time as f64 * list.time_base.to_f64() * 24000.0 / 1001.0;
            let worst =
                (0..48).map(|n| (ticks(list.pts[n] - list.pts[0]) - n as f64).abs()).fold(0.0, f64::max);
            assert!(worst < 0.001, "{name}: {:?} {}", list.pts, list.time_base);
        }
        let originals = decode(&original, &index(&original), 0, 48);
        for (number, ((_, original), (_, made))) in originals.iter().zip(&made).enumerate() {
            let ratio = psnr(original, made);
            // The field of the last frame that the end of the clip cuts off is made up.
            assert!(ratio > 30.0 || number == 47, "{name}: frame {number} {ratio:.1} dB");
        }
    }
}

#[test]
fn what_is_progressive_stays_as_it_is_whatever_its_flags_say() {
    let folder = tempfile::tempdir().unwrap();
    let flagged = [&X264[..], &["-x264opts", "tff=1"]].concat();
    let cases: [(&str, &str, &[&str], &str); 3] = [
        ("flagged.mkv", "setfield=tff", &flagged, "flagged interlaced, but its frames are progressive"),
        ("plain.mkv", "null", &X264, ""),
        ("film.mpg", "fps=24000/1001", &["-c:v", "mpeg2video", "-b:v", "8M"], ""),
    ];
    for (name, filters, encoder, words) in cases {
        let path = make(&folder, name, filters, 40, encoder);
        let (list, note) = list(&path, Deinterlace::Auto);
        assert!(list.fields.is_none() && list == index(&path), "{name}");
        assert!(note.starts_with(words) && note.is_empty() == words.is_empty(), "{name}: {note}");
    }
}

#[test]
fn fields_that_a_player_repeats_are_counted_in_the_times_of_their_frames() {
    let folder = tempfile::tempdir().unwrap();
    let encoder = ["-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-b:v", "8M", "-g", "12", "-bf", "0"];
    let rate = ["-r", "30000/1001"];
    let path = make(&folder, "a.m2v", "setpts=N*1001/30000/TB", 48, &[&encoder[..], &rate].concat());
    // Fields a frame as on a film DVD: three, two, three, two, by a flag in each picture's coding extension.
    let mut bytes = std::fs::read(&path).unwrap();
    let mut pictures = 0;
    for at in 0..bytes.len() - 8 {
        if bytes[at..at + 4] == [0, 0, 1, 0xb5] && bytes[at + 4] >> 4 == 8 {
            let (top_first, repeats) = [(1, 1), (0, 0), (0, 1), (1, 0)][pictures % 4];
            bytes[at + 7] = bytes[at + 7] & !0x82 | top_first << 7 | repeats << 1;
            bytes[at + 8] |= 0x80;
            pictures += 1;
        }
    }
    assert_eq!(pictures, 48);
    std::fs::write(&path, bytes).unwrap();
    let film = folder.path().join("a.vob");
    ffmpeg(&["-i", path.to_str().unwrap(), "-c", "copy"], &film);
    let (list, note) = list(&film, Deinterlace::Auto);
    assert_eq!((list.fields.is_none(), note, list.pts.len()), (true, String::new(), 48));
    for (frame, time) in list.pts.iter().enumerate() {
        let fields = frame / 2 * 5 + frame % 2 * 3;
        let wanted = fields as f64 * 1001.0 / 60000.0;
        let got = (time - list.pts[0]) as f64 * list.time_base.to_f64();
        assert!((got - wanted).abs() < 0.0001, "frame {frame}: {got} instead of {wanted}");
    }
}

#[test]
fn what_is_interlaced_and_does_not_say_so_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = make(&folder, "a.mkv", "interlace=scan=bff:lowpass=off,setfield=prog", 30, &X264);
    let (list, note) = list(&path, Deinterlace::Auto);
    assert!(note.starts_with("interlaced, though not flagged, bottom field first"), "{note}");
    let fields = list.fields.as_ref().unwrap();
    let whole = Stretch { frames: 0..30, order: FieldOrder::BottomFirst };
    assert_eq!((&fields.made, &fields.stretches[..]), (&Made::Frames, &[whole][..]));
}

#[test]
fn where_flags_tell_progressive_frames_stay_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    // Three seconds: interlaced, progressive, interlaced, each flagged rightly.
    let mpeg2 = [&MPEG2[..], &["-top", "1"]].concat();
    let parts = [
        make(&folder, "a.ts", interlaced(true), 25, &mpeg2),
        make(
            &folder,
            "b.ts",
            "select='not(mod(n,2))',setpts=N/25/TB,setfield=prog",
            25,
            &["-c:v", "mpeg2video", "-r", "25", "-b:v", "8M", "-output_ts_offset", "1"],
        ),
        make(&folder, "c.ts", interlaced(true), 25, &[&mpeg2[..], &["-output_ts_offset", "2"]].concat()),
    ];
    let path = folder.path().join("mixed.ts");
    std::fs::write(&path, parts.map(|part| std::fs::read(part).unwrap()).concat()).unwrap();
    let decoded = media::index(&Source::file(&path), media::IndexMethod::Decode, &mut |_| {}).unwrap();
    let (list, note) =
        deinterlace(&Source::file(&path), decoded.clone(), Deinterlace::Field, &mut |_| {}).unwrap();
    assert!(
        note.as_ref().unwrap().ends_with("each of its frames stays as it is, and is shown twice"),
        "{note:?}"
    );
    let made = check_cuts("mixed.ts", &path, &list);
    let as_they_are = decode(&path, &decoded, 0, decoded.pts.len() as u32);
    let same: Vec<bool> =
        made.chunks(2).zip(&as_they_are).map(|(two, one)| two.iter().all(|made| made.1 == one.1)).collect();
    // The decoder drops a frame where the parts meet.
    let runs: Vec<usize> = same.chunk_by(|a, b| a == b).map(<[bool]>::len).collect();
    assert!(matches!(runs[..], [24..=25, 24..=25, 24..=25]) && same[30], "{same:?}");
    // And the second of each is known to be the first again.
    let mut decoder = RangeDecoder::open(&Source::file(&path), &list, 60, 64, 1).unwrap();
    let mut picture = RgbF32::new(frame::Size::new(0, 0));
    let mut repeats = Vec::new();
    while let Some(next) = decoder.next_unless_repeated(&mut picture).unwrap() {
        repeats.push(next.is_repeat);
    }
    assert_eq!(repeats, [false, true, false, true]);
}

#[test]
fn missing_frames_are_filled_with_the_last_picture_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    // Two at the beginning, and some in the middle.
    for run in [0..2, 17..20] {
        let (first, last) = (run.start, run.end - 1);
        let filters = format!("{},select='not(between(n,{first},{last}))'", interlaced(true));
        let lossless = ["-c:v", "ffv1", "-fps_mode", "passthrough"];
        let path = make(&folder, "a.mkv", &filters, 40 - run.len() as u32, &lossless);
        let mut damaged = index(&path);
        assert_eq!(damaged.pts.len(), 40 - run.len());
        let last = damaged.pts[damaged.pts.len() - 1];
        damaged.pts = (0..40).map(|frame| last - (39 - frame) * 40).collect();
        damaged.keyframes = (0..40).filter(|frame| !run.contains(frame)).collect();
        damaged.missing = std::iter::once(run.clone()).collect();
        for (wanted, each) in [(Deinterlace::Auto, 1), (Deinterlace::Field, 2)] {
            let (list, _) = deinterlace(&Source::file(&path), damaged.clone(), wanted, &mut |_| {}).unwrap();
            let run = run.start * each..run.end * each;
            assert_eq!(list.missing, std::slice::from_ref(&run));
            let made = check_cuts("gap", &path, &list);
            let (run, shown) =
                (run.start as usize..run.end as usize, if run.start > 0 { run.start - 1 } else { run.end });
            assert!(made[run.clone()].iter().all(|frame| frame.1 == made[shown as usize].1), "{run:?}");
            assert!(made[run.end].1 != made[run.end + 1].1);
        }
        let error =
            deinterlace(&Source::file(&path), damaged, Deinterlace::Telecine, &mut |_| {}).unwrap_err();
        assert!(error.to_string().contains("frames are missing"), "{error}");
    }
}

#[test]
fn what_cannot_be_done_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = make(&folder, "deep.mkv", "format=yuv420p10le", 12, &["-c:v", "ffv1"]);
    let error =
        deinterlace(&Source::file(&path), index(&path), Deinterlace::Telecine, &mut |_| {}).unwrap_err();
    assert!(matches!(error, Error::Fields(_)), "{error}");
    assert!(error.to_string().contains("yuv420p10le"), "{error}");
    let (list, _) = list(&path, Deinterlace::Frame);
    assert_eq!(check_cuts("deep.mkv", &path, &list).len(), 12);
}
