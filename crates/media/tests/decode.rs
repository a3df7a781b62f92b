//! Frame lists and decoding: every range of a video gives the frames that decoding it whole gives.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{clip, decode, ffmpeg, index, shared};
use media::{Error, IndexMethod, RangeDecoder, Source, probe};

#[test]
fn any_range_equals_that_part_of_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let x264 = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "12", "-bf", "3"];
    let open_gop = [&x264[..], &["-x264-params", "open-gop=1:b-pyramid=normal"]].concat();
    let mpeg2 = ["-c:v", "mpeg2video", "-g", "12", "-bf", "2", "-b:v", "1M"];
    let hevc =
        ["-c:v", "libx265", "-pix_fmt", "yuv420p", "-x265-params", "keyint=12:open-gop=1:log-level=error"];
    let cases: [(&str, &[&str]); 11] = [
        ("closed.mp4", &x264),
        ("open.mkv", &open_gop),
        ("open.ts", &open_gop),
        ("mpeg2.ts", &mpeg2),
        ("mpeg2.mpg", &mpeg2),
        ("hevc.mkv", &hevc),
        ("mpeg4.avi", &["-c:v", "mpeg4", "-g", "12", "-bf", "2"]),
        ("vp9.webm", &["-c:v", "libvpx-vp9", "-g", "12", "-b:v", "300k", "-cpu-used", "8"]),
        (
            "vp8.webm",
            &["-c:v", "libvpx", "-g", "12", "-b:v", "300k", "-auto-alt-ref", "1", "-lag-in-frames", "16"],
        ),
        // Its keyframes become whole pictures only a second later.
        (
            "refresh.mp4",
            &["-c:v", "libx264", "-pix_fmt", "yuv420p", "-x264-params", "intra-refresh=1:keyint=12"],
        ),
        // Its colors come with the first frame alone.
        ("palette.avi", &["-vf", "format=rgb8,format=pal8", "-c:v", "rawvideo", "-pix_fmt", "pal8"]),
    ];
    for (name, encoder) in cases {
        let path = clip(&folder, name, "96x64", 40, encoder);
        let index = index(&path);
        assert_eq!(index.pts.len(), 40, "{name}: {index:?}");
        // Files without times are few; all others are indexed without decoding, and entered at any keyframe.
        assert_eq!(index.seekable, name != "mpeg4.avi", "{name}");
        // Nothing that is whole is taken for damaged.
        for method in [IndexMethod::Check, IndexMethod::Decode] {
            let checked = media::index(&Source::file(&path), method, &mut |_| {}).unwrap();
            assert_eq!((checked.pts, checked.missing), (index.pts.clone(), Vec::new()), "{name}: {method:?}");
        }
        let whole = decode(&path, &index, 0, 40);
        assert_eq!(whole.iter().map(|frame| frame.0).collect::<Vec<_>>(), index.pts, "{name}");
        for (first, end) in [(0, 5), (11, 14), (12, 13), (13, 40), (25, 31), (39, 40)] {
            let part = decode(&path, &index, first, end);
            assert!(
                part[..] == whole[first as usize..end as usize],
                "{name}: frames {first} to {end} differ"
            );
        }
    }
}

#[test]
fn times_that_no_frame_rate_gives_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vfr.mkv");
    let times = "settb=1/1000,setpts='if(lt(N,10),N*40,400+(N-10)*17)'";
    let source = "testsrc2=size=64x64:rate=25";
    ffmpeg(
        &[
            "-f",
            "lavfi",
            "-i",
            source,
            "-frames:v",
            "20",
            "-vf",
            times,
            "-fps_mode",
            "passthrough",
            "-enc_time_base",
            "1:1000",
            "-c:v",
            "libx264",
        ],
        &path,
    );
    let wanted: Vec<i64> = (0..20).map(|n| if n < 10 { n * 40 } else { 400 + (n - 10) * 17 }).collect();
    assert_eq!(index(&path).pts, wanted);
    let decoded = media::index(&Source::file(&path), IndexMethod::Decode, &mut |_| {}).unwrap();
    assert_eq!((decoded.pts, decoded.seekable), (wanted, false));
}

#[test]
fn a_decoder_that_gives_other_frames_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = clip(&folder, "a.mp4", "64x64", 20, &["-c:v", "libx264", "-g", "5"]);
    let mut list = index(&path);
    list.pts[12] += 1;
    let mut decoder = RangeDecoder::open(&Source::file(&path), &list, 10, 15, 1).unwrap();
    let mut picture = frame::RgbF32::new(frame::Size::new(0, 0));
    let error = loop {
        match decoder.next(&mut picture) {
            Ok(frame) => assert!(frame.is_some(), "the lie was not noticed"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::FramesDiffer { frame: 12, .. }), "{error}");
}

#[test]
fn every_pixel_format_becomes_the_same_picture() {
    let folder = tempfile::tempdir().unwrap();
    // A plain picture: the subsampling of chroma changes nothing.
    let source = "color=c=0x4080C0:size=128x96:rate=25";
    let make = |format: &str| {
        let path = folder.path().join(format!("{format}.mkv"));
        let convert = format!(
            "scale=out_color_matrix=bt601:out_range={},format={format}",
            if format.starts_with("yuvj") { "full" } else { "limited" }
        );
        let codec: &[&str] = if format == "rgb24" { &["-c:v", "ffvhuff"] } else { &["-c:v", "ffv1"] };
        let mut arguments = vec!["-f", "lavfi", "-i", source, "-frames:v", "1", "-vf", &convert];
        arguments.extend(codec);
        ffmpeg(&arguments, &path);
        decode(&path, &index(&path), 0, 1).remove(0).1
    };
    let reference = make("gbrp");
    for format in [
        "yuv420p",
        "yuv422p",
        "yuv444p",
        "yuvj420p",
        "yuv420p10le",
        "yuv422p10le",
        "yuv444p12le",
        "yuva420p",
        "rgb24",
    ] {
        let picture = make(format);
        let mean = |plane: usize| {
            let differences =
                picture.plane(plane).iter().zip(reference.plane(plane)).map(|(a, b)| (a - b).abs());
            differences.sum::<f32>() / 12288.0 * 255.0
        };
        let worst = (0..3).map(mean).fold(0.0, f32::max);
        assert!(worst < 1.0, "{format}: mean difference {worst} of 255");
    }
}

#[test]
fn gray_keeps_its_levels() {
    let folder = tempfile::tempdir().unwrap();
    for (format, codec) in [("gray", "ffv1"), ("gray10le", "ffv1")] {
        let path = folder.path().join(format!("{format}.mkv"));
        let convert = format!("geq=lum='255*X/W',format={format}");
        ffmpeg(
            &[
                "-f",
                "lavfi",
                "-i",
                "color=black:size=64x16",
                "-frames:v",
                "1",
                "-vf",
                &convert,
                "-c:v",
                codec,
            ],
            &path,
        );
        let picture = decode(&path, &index(&path), 0, 1).remove(0).1;
        assert_eq!(picture.plane(0), picture.plane(2));
        assert!(picture.row(0, 3).is_sorted(), "{format}: {:?}", picture.row(0, 3));
        assert!(picture.row(0, 3)[63] - picture.row(0, 3)[0] > 0.9, "{format}");
    }
}

/// Recordings of pictures of several kinds, one after the other in a transport stream.
fn glued(folder: &tempfile::TempDir, name: &str, parts: &[(&str, &[&str])]) -> std::path::PathBuf {
    let mut joined = Vec::new();
    for (number, (size, encoder)) in parts.iter().enumerate() {
        let offset = (10 * number).to_string();
        let options = [encoder, &["-f", "mpegts", "-output_ts_offset", &offset][..]].concat();
        joined.extend(std::fs::read(clip(folder, &format!("{number}.ts"), size, 10, &options)).unwrap());
    }
    let path = folder.path().join(name);
    std::fs::write(&path, joined).unwrap();
    path
}

#[test]
fn pictures_of_another_size_are_fitted_into_the_largest() {
    let folder = tempfile::tempdir().unwrap();
    let x264 = ["-c:v", "libx264", "-pix_fmt", "yuv420p"];
    for (name, encoder) in [("mpeg2.ts", &["-c:v", "mpeg2video", "-bf", "2"][..]), ("h264.ts", &x264)] {
        let path = glued(&folder, name, &[("96x64", encoder), ("64x128", encoder), ("128x128", encoder)]);
        let list = media::index(&Source::file(&path), IndexMethod::Check, &mut |_| {}).unwrap();
        assert_eq!(
            (list.pts.len(), &list.missing[..]),
            (30, &[][..]),
            "{name}: no picture is lost at a change"
        );
        let note = list.notes.iter().find(|note| note.contains("fitted into 128x128"));
        let note = note.unwrap_or_else(|| panic!("{name}: {:?}", list.notes));
        assert!(note.contains("96x64 from frame 0 (0:00:00.000), 64x128 from frame 10 (0:00:"), "{note}");
        let whole = decode(&path, &list, 0, 30);
        for (number, (_, picture)) in whole.iter().enumerate() {
            assert_eq!(picture.size(), frame::Size::new(128, 128));
            let is_black = |x: usize, y: u32| (0..3).all(|plane| picture.row(plane, y)[x] == 0.0);
            // 96x64 becomes 128x85, 64x128 stays between columns 32 and 96.
            assert_eq!(is_black(64, 10), number < 10, "{name} {number}");
            assert_eq!(is_black(10, 64), (10..20).contains(&number), "{name} {number}");
        }
        for (first, end) in [(9, 11), (10, 12), (19, 21), (20, 30), (29, 30)] {
            assert!(
                decode(&path, &list, first, end)[..] == whole[first as usize..end as usize],
                "{name} {first}"
            );
        }
    }
}

#[test]
fn a_change_from_usual_screens_to_hdr_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let hevc = |transfer| ["-c:v", "libx265", "-x265-params", transfer];
    let (sdr, hdr) = (hevc("log-level=none:transfer=bt709"), hevc("log-level=none:transfer=smpte2084"));
    let path = glued(&folder, "both.ts", &[("96x64", &sdr), ("96x64", &hdr)]);
    let error = media::index(&Source::file(&path), IndexMethod::Check, &mut |_| {}).unwrap_err();
    assert!(matches!(error, Error::PictureChanged { frame: 10, .. }), "{error}");
    // A list by packets alone does not know.
    assert_eq!(index(&path).pts.len(), 20);
}

#[test]
fn a_change_of_size_that_no_list_knows_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let mpeg2 = ["-c:v", "mpeg2video"];
    let path = glued(&folder, "both.ts", &[("96x64", &mpeg2), ("128x64", &mpeg2)]);
    let list = index(&path);
    let mut decoder = RangeDecoder::open(&Source::file(&path), &list, 0, list.pts.len() as u32, 1).unwrap();
    let mut picture = frame::RgbF32::new(frame::Size::new(0, 0));
    let error = loop {
        match decoder.next(&mut picture) {
            Ok(frame) => assert!(frame.is_some(), "the change was not noticed"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::PictureChanged { .. }), "{error}");
}

/// Has every packet called a keyframe, by the index of an AVI file.
fn call_all_keyframes(path: &std::path::Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let at = bytes.windows(4).rposition(|window| window == b"idx1").unwrap() + 8;
    for entry in bytes[at..].chunks_exact_mut(16) {
        entry[4] |= 0x10;
    }
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn decoding_starts_where_it_can_whatever_the_container_says() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [(&str, &[&str]); 8] = [
        ("wmv2.avi", &["-c:v", "wmv2", "-g", "12"]),
        ("msmpeg4.avi", &["-c:v", "msmpeg4", "-g", "12"]),
        ("h263.avi", &["-c:v", "h263", "-s", "128x96", "-g", "12"]),
        ("mpeg4.avi", &["-c:v", "mpeg4", "-g", "12"]),
        ("h264.avi", &["-c:v", "libx264", "-pix_fmt", "yuv420p", "-bf", "0", "-g", "12"]),
        ("flv1.avi", &["-c:v", "flv", "-g", "12"]),
        ("msvideo1.avi", &["-c:v", "msvideo1", "-g", "12"]),
        ("cinepak.avi", &["-c:v", "cinepak", "-g", "12"]),
    ];
    for (name, encoder) in cases {
        let path = clip(&folder, name, "96x64", 40, encoder);
        call_all_keyframes(&path);
        let list = media::index(&Source::file(&path), IndexMethod::Check, &mut |_| {}).unwrap();
        assert_eq!(list.pts.len(), 40, "{name}");
        let whole = decode(&path, &list, 0, 40);
        for first in [1, 7, 12, 13, 20, 25, 39] {
            let part = decode(&path, &list, first, 40.min(first + 6));
            assert!(
                part[..] == whole[first as usize..][..part.len()],
                "{name}: other pictures from {first} on"
            );
        }
    }
}

#[test]
fn a_list_that_lies_of_a_keyframe_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = clip(&folder, "a.avi", "96x64", 40, &["-c:v", "mpeg4", "-g", "20", "-bf", "0"]);
    call_all_keyframes(&path);
    let mut list = media::index(&Source::file(&path), IndexMethod::Check, &mut |_| {}).unwrap();
    let whole = decode(&path, &list, 0, 40);
    list.keyframes = (0..40).collect();
    list.seekable = true;
    list.by_time = true;
    assert!(decode(&path, &list, 30, 40)[..] == whole[30..]);
    // A picture that no decoder gives is not taken for another.
    list.digests[35] ^= 1;
    let mut decoder = RangeDecoder::open(&Source::file(&path), &list, 35, 36, 1).unwrap();
    let error = decoder.next(&mut frame::RgbF32::new(frame::Size::new(0, 0))).unwrap_err();
    assert!(matches!(error, Error::OtherPicture(35)), "{error}");
}

#[test]
fn real_clips_have_the_frames_that_are_known() {
    for (name, frames) in [
        ("bikes.mp4", 250),
        ("bigbuckbunny.mp4", 132),
        ("carphone_pristine.mp4", 120),
        ("cityCC0.mpg", 190),
        ("cup.mp4", 217),
    ] {
        let Some(path) = shared(&format!("clips/public/{name}")) else { continue };
        let list = index(&path);
        assert_eq!(list.pts.len(), frames, "{name}");
        let middle = frames as u32 / 2;
        assert_eq!(decode(&path, &list, middle, middle + 2).len(), 2, "{name}");
        assert!(probe(&Source::file(&path)).unwrap().video.size.width > 0);
    }
}

#[test]
fn what_is_no_video_is_refused_with_the_right_reason() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("empty.mp4"), b"").unwrap();
    std::fs::write(at("text.mp4"), "words\n".repeat(500)).unwrap();
    std::fs::write(at("script.mp4"), "ffconcat version 1.0\nfile 'other.mp4'\n").unwrap();
    std::fs::write(
        at("playlist.mp4"),
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nother.ts\n#EXT-X-ENDLIST\n",
    )
    .unwrap();
    std::fs::create_dir(at("folder.mp4")).unwrap();
    ffmpeg(&["-f", "lavfi", "-i", "sine=duration=1"], &at("sound.mp4"));
    ffmpeg(&["-f", "lavfi", "-i", "testsrc2", "-frames:v", "1", "-f", "image2"], &at("still.jpg"));
    std::fs::rename(at("still.jpg"), at("still.mp4")).unwrap();
    let refusal = |name: &str| probe(&Source::file(&at(name))).unwrap_err();
    assert!(matches!(refusal("missing.mp4"), Error::NotFound));
    assert!(matches!(refusal("folder.mp4"), Error::NotAFile));
    assert!(matches!(refusal("empty.mp4"), Error::Empty));
    assert!(matches!(refusal("text.mp4"), Error::NotAVideo { .. } | Error::FormatNotAllowed { .. }));
    assert!(matches!(refusal("sound.mp4"), Error::NoVideoStream));
    assert!(matches!(refusal("still.mp4"), Error::StillPicture));
    for name in ["script.mp4", "playlist.mp4"] {
        let error = refusal(name);
        assert!(matches!(error, Error::FormatNotAllowed { .. } | Error::NotAVideo { .. }), "{name}: {error}");
    }
}

#[test]
fn a_cut_in_the_middle_of_a_group_needs_no_decoding() {
    let folder = tempfile::tempdir().unwrap();
    let whole =
        clip(&folder, "whole.mp4", "96x64", 40, &["-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "20"]);
    let cut = folder.path().join("cut.mp4");
    ffmpeg(&["-ss", "0.5", "-i", whole.to_str().unwrap(), "-c", "copy"], &cut);
    let list = index(&cut);
    assert!(list.seekable && list.pts[0] == 0 && list.pts.len() < 30, "{list:?}");
    let pictures = decode(&cut, &list, 0, list.pts.len() as u32);
    let of_whole = decode(&whole, &index(&whole), 40 - pictures.len() as u32, 40);
    assert!(pictures.iter().map(|frame| &frame.1).eq(of_whole.iter().map(|frame| &frame.1)));
}

#[test]
fn recordings_that_were_glued_together_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let part =
        std::fs::read(clip(&folder, "a.ts", "96x64", 30, &["-c:v", "mpeg2video", "-bf", "2"])).unwrap();
    let path = folder.path().join("twice.ts");
    std::fs::write(&path, [&part[..], &part].concat()).unwrap();
    let list = index(&path);
    assert_eq!((list.pts.len(), list.last_duration), (60, 3600));
    assert!(list.pts.windows(2).all(|pair| pair[1] - pair[0] == 3600), "{:?}", list.pts);
    assert_eq!(decode(&path, &list, 28, 33).len(), 5);
}

#[test]
fn damaged_frames_are_the_same_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let encoder = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-b:v", "1M"];
    let mut bytes = std::fs::read(clip(&folder, "a.ts", "320x192", 50, &encoder)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 900].fill(0);
    let path = folder.path().join("damaged.ts");
    std::fs::write(&path, bytes).unwrap();
    let list = index(&path);
    let decode_some = || {
        let mut decoder =
            RangeDecoder::open(&Source::file(&path), &list, 0, list.pts.len() as u32, 2).unwrap();
        let mut picture = frame::RgbF32::new(frame::Size::new(0, 0));
        let mut pictures = Vec::new();
        while let Ok(Some(pts)) = decoder.next(&mut picture) {
            pictures.push((pts, picture.clone()));
        }
        pictures
    };
    let first = decode_some();
    assert!(first.len() > 20);
    for _ in 0..4 {
        assert!(decode_some() == first, "another run gave other pictures");
    }
}

#[test]
fn one_bit_and_transparent_gray_pictures_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let read = |format: &str| {
        let path = folder.path().join(format!("{format}.nut"));
        let ramp = format!("geq=lum='255*X/W',format=gray,format={format}");
        let raw = ["-c:v", "rawvideo"];
        let source = ["-f", "lavfi", "-i", "color=black:size=64x16", "-frames:v", "1", "-vf", &ramp];
        ffmpeg(&[&source[..], &raw].concat(), &path);
        decode(&path, &index(&path), 0, 1).remove(0).1
    };
    let gray = read("gray");
    let ends = |picture: &frame::RgbF32| (picture.row(0, 3)[0], picture.row(0, 3)[63]);
    assert!(ends(&gray).0.abs() < 0.01 && ends(&gray).1 > 0.95, "{:?}", ends(&gray));
    assert_eq!(read("ya8"), gray);
    assert_eq!(ends(&read("monob")), (0.0, 1.0));
}

#[test]
fn a_film_without_times_of_presentation_is_shown_in_the_order_of_its_decoder() {
    let folder = tempfile::tempdir().unwrap();
    let x264 = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-bf", "3", "-g", "12"];
    let whole = clip(&folder, "whole.mp4", "96x64", 40, &x264);
    let mut bytes = std::fs::read(&whole).unwrap();
    let at = bytes.windows(4).position(|window| window == b"ctts").unwrap();
    bytes[at..at + 4].copy_from_slice(b"free");
    let path = folder.path().join("without.mp4");
    std::fs::write(&path, bytes).unwrap();
    let list = media::index(&Source::file(&path), IndexMethod::Check, &mut |_| {}).unwrap();
    let step = list.pts[1] - list.pts[0];
    assert!(list.pts.windows(2).all(|pair| pair[1] - pair[0] == step), "{:?}", list.pts);
    assert!(list.notes.iter().any(|note| note.contains("no times of presentation")), "{:?}", list.notes);
    let pictures = |path: &std::path::Path, list: &media::Index, first: u32| -> Vec<frame::RgbF32> {
        decode(path, list, first, 40).into_iter().map(|frame| frame.1).collect()
    };
    let wanted = pictures(&whole, &index(&whole), 0);
    for first in [0, 11, 12, 25] {
        assert!(pictures(&path, &list, first)[..] == wanted[first as usize..], "{first}");
    }
}

#[test]
fn frames_before_the_first_time_are_counted_back_from_it() {
    let folder = tempfile::tempdir().unwrap();
    // Matroska's reader gives no times below zero.
    let early = ["-c:v", "mpeg4", "-bf", "0", "-output_ts_offset", "-0.4", "-avoid_negative_ts", "disabled"];
    let path = clip(&folder, "early.mkv", "96x64", 40, &early);
    let list = media::index(&Source::file(&path), IndexMethod::Check, &mut |_| {}).unwrap();
    let wanted: Vec<i64> = (0..40).map(|number| number * 40 - 400).collect();
    assert_eq!(list.pts, wanted);
    let whole = decode(&path, &list, 0, 40);
    assert!(decode(&path, &list, 15, 30)[..] == whole[15..30]);
}

/// Has the parameters of an H.264 video in an MPEG-4 file say that one frame less is reordered: two become one.
fn understate_reordering(path: &std::path::Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let at = bytes.windows(4).position(|window| window == b"avcC").unwrap() + 12;
    let sps = at..at + usize::from(bytes[at - 2]) * 256 + usize::from(bytes[at - 1]);
    let (mut end, bit) = (sps.end * 8, |bytes: &[u8], at: usize| bytes[at / 8] >> (7 - at % 8) & 1);
    while bit(&bytes, end - 1) == 0 {
        end -= 1;
    }
    // Before the last set bit stand the size of the buffer, 4, and the number of reordered frames, 2, as Exp-Golomb codes.
    let last: Vec<u8> = (end - 9..end).map(|at| bit(&bytes, at)).collect();
    assert_eq!(last, [0, 1, 1, 0, 0, 1, 0, 1, 1], "x264 writes something else");
    let at = end - 7;
    bytes[at / 8] ^= 1 << (7 - at % 8);
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn frames_are_in_the_order_of_their_times_where_the_video_understates_its_reordering() {
    let folder = tempfile::tempdir().unwrap();
    let x264 = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "20", "-bf", "3", "-refs", "4"];
    let encoder = [&x264[..], &["-x264-params", "b-pyramid=normal:b-adapt=0"]].concat();
    let whole = clip(&folder, "whole.mp4", "96x64", 60, &encoder);
    let path = folder.path().join("understated.mp4");
    std::fs::copy(&whole, &path).unwrap();
    understate_reordering(&path);
    let right = media::index(&Source::file(&whole), IndexMethod::Check, &mut |_| {}).unwrap();
    let list = media::index(&Source::file(&path), IndexMethod::Check, &mut |_| {}).unwrap();
    assert_eq!((&list.pts, &list.missing[..]), (&right.pts, &[][..]));
    let wanted = decode(&whole, &right, 0, 60);
    for first in [0, 3, 19, 20, 21, 41] {
        assert!(decode(&path, &list, first, 60)[..] == wanted[first as usize..], "{first}");
    }
}
