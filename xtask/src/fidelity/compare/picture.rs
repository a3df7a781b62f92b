//! What the samples of the video stand for, their depth, and the shape of the picture.

use serde_json::Value;

use super::super::allowed::Allowed;
use super::super::media::{Frame, Media, Stream, is_kind, ratio};
use super::{Compared, Pair};

/// Side data that describes the light of the film: of the stream, or of its frames.
const OF_LIGHT: [&str; 2] = ["Mastering display metadata", "Content light level metadata"];
/// Side data of frames with text for viewers.
const CAPTIONS: &str = "ATSC A53 Part 4 Closed Captions";
/// Most that the shape of a picture may differ by: sizes are whole and even numbers.
const SHAPE: f64 = 2.0;

/// Compares colour tags, HDR data, captions, aspect ratio, rotation and depth.
pub(super) fn compare(
    pair: &Pair<'_>,
    (source, result): (&Stream, &Stream),
    allowed: Allowed,
    compared: &mut Compared,
) {
    if !allowed.other_colors {
        compare_colors(source, result, compared);
        for kind in OF_LIGHT {
            compare_light(pair, kind, compared);
        }
    }
    let captions = |media: &Media| media.frames.iter().filter(|frame| has(frame, CAPTIONS)).count();
    compared.captions = (captions(pair.source), captions(pair.result));
    if compared.captions.0 != compared.captions.1 {
        let (wanted, found) = compared.captions;
        match pair.notes.iter().find(|note| note.contains("closed captions were left out")) {
            Some(note) => compared.change(note),
            None => compared.fault(format!("{found} of {wanted} frames have closed captions")),
        }
    }
    compare_shape(source, result, allowed, compared);
    compared.bits = (bits(&source.pix_fmt), bits(&result.pix_fmt));
    // No encoder of films has more than 10 bits, so that more are rounded to those.
    if compared.bits.1 < compared.bits.0.min(10) && !allowed.other_colors {
        compared.fault(format!("{} bits became {}", compared.bits.0, compared.bits.1));
    }
    if chroma(&result.pix_fmt) < chroma(&source.pix_fmt) {
        compared.fault(format!("chroma is coarser: {} became {}", source.pix_fmt, result.pix_fmt));
    }
}

/// Every tag that the source has is the result's. What the source leaves open may be filled.
fn compare_colors(source: &Stream, result: &Stream, compared: &mut Compared) {
    let was_rgb = is_rgb(&source.pix_fmt);
    let was_subsampled = chroma(&source.pix_fmt) < 2 && !is_gray(&source.pix_fmt);
    let tags = [
        // Results are YCbCr: RGB gets a matrix and the usual range.
        ("matrix", &source.color_space, &result.color_space, !was_rgb),
        ("range", &source.color_range, &result.color_range, !was_rgb),
        ("primaries", &source.color_primaries, &result.color_primaries, true),
        ("transfer", &source.color_transfer, &result.color_transfer, true),
        // Without subsampling, chroma is where luma is; and H.264 and HEVC can tell the place for 4:2:0 only.
        (
            "chroma location",
            &source.chroma_location,
            &result.chroma_location,
            was_subsampled && chroma(&result.pix_fmt) == 0,
        ),
    ];
    for (name, wanted, found, counts) in tags {
        if !counts || is_open(wanted) {
            continue;
        }
        compared.colors.1 += 1;
        // H.264 says so of 4:2:0 alone, and means the left otherwise.
        let is_implied = name == "chroma location" && wanted == "left" && is_open(found);
        if wanted == found || is_implied {
            compared.colors.0 += 1;
        } else {
            let found = if found.is_empty() { "open" } else { found };
            compared.fault(format!("{name} is {found} instead of {wanted}"));
        }
    }
}

fn is_open(tag: &str) -> bool {
    ["", "unknown", "unspecified", "reserved"].contains(&tag)
}

fn compare_light(pair: &Pair<'_>, kind: &str, compared: &mut Compared) {
    let get = |media: &Media| -> Option<Value> {
        let of_stream = media.video().and_then(|video| video.side_data(kind).cloned());
        let of_frame = || {
            let frame = media.frames.first()?;
            frame.side_data_list.iter().find(|data| is_kind(data, kind)).cloned()
        };
        of_stream.or_else(of_frame)
    };
    let Some(wanted) = get(pair.source) else { return };
    compared.colors.1 += 1;
    match get(pair.result) {
        Some(found) if is_same_light(&wanted, &found) => compared.colors.0 += 1,
        Some(_) => compared.fault(format!("{kind} has other values")),
        None => compared.fault(format!("{kind} is lost")),
    }
}

/// Fractions are equal when their values are: containers write them with denominators of their own.
fn is_same_light(a: &Value, b: &Value) -> bool {
    let number = |value: &Value| match value {
        Value::String(text) => text.split_once('/').and_then(|(num, den)| {
            let (num, den): (f64, f64) = (num.parse().ok()?, den.parse().ok()?);
            Some(num / den)
        }),
        other => other.as_f64(),
    };
    a.as_object().is_some_and(|a| {
        a.iter().all(|(key, value)| match (number(value), b.get(key).and_then(number)) {
            // Chromaticities are written in steps of 0.00002, luminances in steps of 0.0001.
            (Some(a), Some(b)) => (a - b).abs() <= 0.000_11_f64.max(a.abs() * 1e-5),
            (None, None) => b.get(key) == Some(value),
            _ => false,
        })
    })
}

fn has(frame: &Frame, kind: &str) -> bool {
    frame.side_data_list.iter().any(|data| is_kind(data, kind))
}

/// Upright, and as wide for its height as before: with the same aspect ratio of pixels and rotation, or with both
/// worked into the picture.
fn compare_shape(source: &Stream, result: &Stream, allowed: Allowed, compared: &mut Compared) {
    compared.pixel = match result.sample_aspect_ratio.as_str() {
        "" | "N/A" | "0:1" => "1:1".to_owned(),
        ratio => ratio.to_owned(),
    };
    compared.rotation = rotation(result);
    let is_turned = compared.rotation == 0 && rotation(source) != 0;
    if !is_turned && compared.rotation != rotation(source) {
        compared.fault(format!("rotation is {} instead of {}", compared.rotation, rotation(source)));
    }
    if allowed.fitted.is_some() || allowed.turned && rotation(source) == 0 {
        // Parts of other shapes are compared as they lie in the picture that was said.
        return;
    }
    let pixel = |stream: &Stream| ratio(&stream.sample_aspect_ratio, ':').unwrap_or(1.0);
    let width = f64::from(source.width) * pixel(source);
    let (width, height) = if is_turned && rotation(source).rem_euclid(180) == 90 {
        (f64::from(source.height), width)
    } else {
        (width, f64::from(source.height))
    };
    let wanted = width / height * f64::from(result.height) / pixel(result);
    let error = (wanted - f64::from(result.width)).abs();
    let steps = SHAPE * (1.0 + wanted / f64::from(result.height.max(1)));
    if error > steps {
        compared.fault(format!("the picture is {} instead of {wanted:.0} pixels wide", result.width));
    }
}

/// Degrees by which players turn the picture.
pub(in super::super) fn rotation(stream: &Stream) -> i64 {
    let matrix = stream.side_data("Display Matrix");
    matrix.and_then(|matrix| matrix.get("rotation")).and_then(Value::as_i64).unwrap_or(0)
}

/// Bits of a sample, out of the name of a pixel format.
pub(super) fn bits(format: &str) -> u32 {
    let name = format.trim_end_matches("le").trim_end_matches("be");
    let digits: String = name.chars().rev().take_while(char::is_ascii_digit).collect();
    let number: u32 = digits.chars().rev().collect::<String>().parse().unwrap_or(8);
    match number {
        9 | 10 | 12 | 14 | 16 | 32 => number,
        // Of p010, p016 and the like; of rgb48, rgba64 and bayer formats.
        48 | 64 => 16,
        _ if name.starts_with("x2rgb10") || name.starts_with("x2bgr10") => 10,
        _ => 8,
    }
}

/// True for RGB, also by way of a palette.
pub(in super::super) fn is_rgb(format: &str) -> bool {
    ["rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr", "pal8", "x2rgb", "x2bgr"]
        .iter()
        .any(|start| format.starts_with(start))
}

/// True for pictures without colour.
pub(in super::super) fn is_gray(format: &str) -> bool {
    ["gray", "ya8", "ya16", "mono"].iter().any(|start| format.starts_with(start))
}

/// How fine chroma is: 0 for a quarter of the samples (or none), 1 for half of them, 2 for all.
fn chroma(format: &str) -> u32 {
    match format {
        _ if is_gray(format) => 0,
        _ if is_rgb(format) || format.contains("444") => 2,
        _ if ["422", "440", "yuyv", "uyvy", "yvyu", "p210", "p216", "y210"]
            .iter()
            .any(|part| format.contains(part)) =>
        {
            1
        }
        _ => 0,
    }
}
