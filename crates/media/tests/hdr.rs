//! Metadata that change with the pictures: which are said to be lost, and which pictures are refused without them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use common::{ffmpeg, shared};
use media::{DolbyVision, Error, Source, dynamic_metadata, probe};

const HDR10: &str = "colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:log-level=none";
const HEVC: [&str; 8] =
    ["-vf", "format=yuv420p10le", "-c:v", "libx265", "-preset", "ultrafast", "-tag:v", "hvc1"];

/// Profile, compatibility, whether there are pictures, the clip, and what is said.
type Case<'a> = (u8, u8, bool, &'a Path, Result<&'static str, &'static str>);

/// A clip of HEVC with 10 bits, with parameters for the encoder.
fn hevc(folder: &Path, name: &str, parameters: &str) -> PathBuf {
    let path = folder.join(name);
    let source = ["-f", "lavfi", "-i", "testsrc2=size=160x96:rate=25", "-frames:v", "5"];
    ffmpeg(&[&source[..], &HEVC, &["-x265-params", parameters]].concat(), &path);
    path
}

/// Writes a box that says how a decoder of Dolby Vision is configured into a file whose index is at its end.
fn configure(path: &Path, profile: u8, compatibility: u8, has_base: bool) {
    let mut bytes = std::fs::read(path).unwrap();
    let name: &[u8; 4] = if profile > 7 { b"dvvC" } else { b"dvcC" };
    let flags = 4 | u8::from(profile == 7) << 1 | u8::from(has_base);
    let mut record = [&32_u32.to_be_bytes()[..], name, &[1, 0, profile << 1, 6 << 3 | flags]].concat();
    record.push(compatibility << 4);
    record.resize(32, 0);
    let find = |name: &[u8]| bytes.windows(4).rposition(|window| window == name).unwrap() - 4;
    // It stands behind the decoder's configuration, in the description of the pictures.
    let parents = [&b"moov"[..], b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"hvc1"].map(find);
    let size = |bytes: &[u8], at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    assert!(find(b"mdat") < parents[0]);
    let place = find(b"hvcC");
    let place = place + size(&bytes, place) as usize;
    for parent in parents {
        let larger = (size(&bytes, parent) + 32).to_be_bytes();
        bytes[parent..parent + 4].copy_from_slice(&larger);
    }
    bytes.splice(place..place, record);
    std::fs::write(path, bytes).unwrap();
}

/// What is said of a file.
fn notes(path: &Path) -> Result<String, Error> {
    let source = Source::file(path);
    dynamic_metadata(&source, &probe(&source)?.video).map(|notes| notes.join("; "))
}

#[test]
fn dolby_vision_is_refused_where_its_pictures_are_nothing_without_its_metadata() {
    let folder = tempfile::tempdir().unwrap();
    let hdr10 = hevc(folder.path(), "hdr10.mp4", HDR10);
    let unsaid = hevc(folder.path(), "unsaid.mp4", "log-level=none");
    assert_eq!((notes(&hdr10).unwrap(), notes(&unsaid).unwrap()), (String::new(), String::new()));
    let cases: [Case<'_>; 11] = [
        (5, 0, true, &unsaid, Err("profile 5, whose colours need")),
        (5, 0, true, &hdr10, Err("profile 5, whose colours need")),
        (
            7,
            6,
            true,
            &hdr10,
            Ok("profile 7: its HDR10 pictures are upscaled, its metadata and its enhancement layer"),
        ),
        (8, 1, true, &hdr10, Ok("profile 8.1: its HDR10 pictures")),
        (8, 2, true, &unsaid, Ok("profile 8.2: its SDR pictures")),
        (8, 4, true, &unsaid, Ok("profile 8.4: its HLG pictures")),
        (4, 2, true, &unsaid, Ok("profile 4: its SDR pictures")),
        (9, 2, true, &unsaid, Ok("profile 9: its SDR pictures")),
        (8, 0, true, &unsaid, Err("profile 8, whose colours need")),
        (8, 0, true, &hdr10, Ok("profile 8: its HDR10 pictures")),
        (7, 6, false, &hdr10, Err("profile 7, without its base layer")),
    ];
    let path = folder.path().join("vision.mp4");
    for (profile, compatibility, has_base, clip, wanted) in cases {
        std::fs::copy(clip, &path).unwrap();
        configure(&path, profile, compatibility, has_base);
        // Matroska has it, too.
        let matroska = folder.path().join("vision.mkv");
        ffmpeg(&["-i", path.to_str().unwrap(), "-c", "copy", "-strict", "unofficial"], &matroska);
        for path in [&path, &matroska] {
            let vision = probe(&Source::file(path)).unwrap().video.dolby_vision;
            assert_eq!(vision, Some(DolbyVision { profile, compatibility, has_base }), "{}", path.display());
            match (notes(path), wanted) {
                (Ok(notes), Ok(words)) => {
                    assert!(notes.starts_with(&format!("Dolby Vision {words}")), "{notes}");
                }
                (Err(error @ Error::DolbyVision { .. }), Err(words)) => {
                    assert!(error.to_string().contains(words), "{error}");
                }
                other => panic!("{profile}.{compatibility}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_file_with_profile_5_is_refused() {
    let Some(path) = shared("cases/dv5.mp4") else { return };
    assert!(matches!(notes(&path), Err(Error::DolbyVision { .. })));
}

#[test]
fn hdr10_plus_is_said_to_be_lost() {
    let folder = tempfile::tempdir().unwrap();
    let stream = hevc(folder.path(), "a.hevc", HDR10);
    let mut bytes = std::fs::read(&stream).unwrap();
    // A message of ITU-T T.35 with SMPTE ST 2094-40 in version 1: one window, no curves.
    let mut bits = String::new();
    for (value, count) in
        [(1, 2), (1000, 27), (0, 1), (500, 17), (600, 17), (700, 17), (300, 17), (0, 4), (9, 10)]
    {
        write!(bits, "{value:0count$b}").unwrap();
    }
    bits.push_str("000");
    while !bits.len().is_multiple_of(8) {
        bits.push('0');
    }
    let packed = bits.as_bytes().chunks(8);
    let packed = packed.map(|bits| u8::from_str_radix(std::str::from_utf8(bits).unwrap(), 2).unwrap());
    let mut message = vec![0xb5, 0, 0x3c, 0, 1, 4, 1];
    message.extend(packed);
    let mut unit = vec![0, 0, 0, 1, 39 << 1, 1, 4, message.len() as u8];
    // Two zeros in a row are followed by a three where the third byte would be small.
    let mut zeros = 0;
    for byte in message.into_iter().chain([0x80]) {
        if zeros == 2 && byte < 4 {
            unit.push(3);
            zeros = 0;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        unit.push(byte);
    }
    // Before the first picture, which is an IDR frame.
    let is_picture = |at: usize| bytes[at..at + 3] == [0, 0, 1] && matches!(bytes[at + 3] >> 1, 16..=21);
    let picture = (1..bytes.len() - 4).find(|&at| is_picture(at)).unwrap();
    bytes.splice(picture..picture, unit);
    std::fs::write(&stream, bytes).unwrap();
    let path = folder.path().join("a.mkv");
    ffmpeg(&["-f", "hevc", "-i", stream.to_str().unwrap(), "-c", "copy", "-bsf:v", "setts=ts=N*40"], &path);
    assert_eq!(notes(&path).unwrap(), "HDR10+: what it says of each scene is lost, and the result is HDR10");
}
