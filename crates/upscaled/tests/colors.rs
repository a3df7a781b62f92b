//! Colours: what goes through without a network and without enlargement comes back, whatever the pixel format, and HDR keeps
//! what it says of itself.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

mod common;

use std::path::Path;
use std::process::Command;

use common::{ffmpeg, ffprobe, run_well};

/// Least peak signal-to-noise ratio of a plane after the way to RGB and back, in dB.
const LEAST_PSNR: f64 = 50.0;
/// Largest difference of the mean of a plane, in levels of 255.
const LARGEST_MEAN_ERROR: f64 = 0.5;

/// Samples of a video after a filter, as numbers of 0 to 1, a plane after the other in each frame.
fn samples(path: &Path, filter: &str, format: &str, depth: u32) -> Vec<f64> {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(path)
        .args(["-vf", filter, "-pix_fmt", format, "-f", "rawvideo", "-"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let white = f64::from((1_u32 << depth) - 1);
    match depth {
        8 => output.stdout.iter().map(|&byte| f64::from(byte) / white).collect(),
        _ => output
            .stdout
            .as_chunks::<2>()
            .0
            .iter()
            .map(|&b| f64::from(u16::from_le_bytes(b)) / white)
            .collect(),
    }
}

/// Says how far two lists of samples are apart, which must not be far.
fn compare(what: &str, one: &[f64], other: &[f64]) {
    assert!(!one.is_empty() && one.len() == other.len(), "{what}: {} and {} samples", one.len(), other.len());
    let count = one.len() as f64;
    let error: f64 = one.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum::<f64>() / count;
    let mean = (one.iter().sum::<f64>() - other.iter().sum::<f64>()).abs() / count * 255.0;
    let psnr = -10.0 * error.log10();
    println!("{what}: {psnr:.1} dB, the mean differs by {mean:.3} of 255");
    assert!(psnr >= LEAST_PSNR, "{what}: {psnr} dB");
    assert!(mean <= LARGEST_MEAN_ERROR, "{what}: the mean differs by {mean}");
}

/// How the pictures of a format are compared.
enum Planes {
    /// All, as they are.
    All(&'static str, u32),
    /// Luma: the result has other chroma samples.
    Luma,
    /// As RGB.
    Rgb(&'static str, u32),
}

/// Pixel formats, with a container and an encoder that take them, and what is compared.
const FORMATS: [(&str, &str, &str, Planes); 24] = [
    ("yuv420p", "mkv", "ffv1", Planes::All("yuv420p", 8)),
    ("yuv422p", "mkv", "ffv1", Planes::All("yuv422p", 8)),
    ("yuv444p", "mkv", "ffv1", Planes::All("yuv444p", 8)),
    ("yuvj420p", "avi", "mjpeg", Planes::All("yuvj420p", 8)),
    ("yuv420p10le", "mkv", "ffv1", Planes::All("yuv420p10le", 10)),
    ("yuv422p10le", "mkv", "ffv1", Planes::All("yuv422p10le", 10)),
    ("yuv444p10le", "mkv", "ffv1", Planes::All("yuv444p10le", 10)),
    ("yuv420p12le", "mkv", "ffv1", Planes::All("yuv420p12le", 12)),
    ("yuv444p12le", "mkv", "ffv1", Planes::All("yuv444p12le", 12)),
    ("yuv444p16le", "mkv", "ffv1", Planes::Luma),
    ("yuv410p", "mkv", "ffv1", Planes::Luma),
    ("yuv411p", "mkv", "ffv1", Planes::Luma),
    ("yuv440p", "mkv", "ffv1", Planes::Luma),
    ("yuva420p", "mkv", "ffv1", Planes::All("yuv420p", 8)),
    ("nv12", "nut", "rawvideo", Planes::All("yuv420p", 8)),
    ("yuyv422", "nut", "rawvideo", Planes::All("yuv422p", 8)),
    ("gray", "mkv", "ffv1", Planes::Luma),
    ("gray10le", "mkv", "ffv1", Planes::Luma),
    ("gbrp", "mkv", "ffv1", Planes::Rgb("gbrp", 8)),
    ("gbrp10le", "mkv", "ffv1", Planes::Rgb("gbrp10le", 10)),
    ("gbrp12le", "mkv", "ffv1", Planes::Rgb("gbrp12le", 12)),
    ("rgb24", "nut", "rawvideo", Planes::Rgb("gbrp", 8)),
    ("bgra", "nut", "rawvideo", Planes::Rgb("gbrp", 8)),
    ("pal8", "nut", "rawvideo", Planes::Rgb("gbrp", 8)),
];

#[test]
fn every_pixel_format_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    // Soft shapes in all colours, which move: hard edges between pure colours are no picture that a camera makes.
    let picture = "gradients=size=160x96:rate=25:x0=0:y0=0:x1=159:y1=95:nb_colors=4:c0=0x305080:c1=0xd0a060:c2=0x40a050:c3=0x903060,format=gbrp16le";
    for (format, container, encoder, planes) in FORMATS {
        let source = folder.path().join(format!("{format}.{container}"));
        let path = source.to_str().unwrap();
        ffmpeg(&[
            "-f",
            "lavfi",
            "-i",
            picture,
            "-frames:v",
            "4",
            "-pix_fmt",
            format,
            "-c:v",
            encoder,
            "-q:v",
            "1",
            path,
        ]);
        let result = folder.path().join(format!("{format}_result.mkv"));
        let arguments = [
            "up",
            path,
            "--model",
            "none",
            "--scale",
            "1",
            "--codec",
            "ffv1",
            "-o",
            result.to_str().unwrap(),
        ];
        run_well(folder.path(), &arguments);
        match planes {
            Planes::All(name, depth) => {
                compare(
                    format,
                    &samples(&result, "null", name, depth),
                    &samples(&source, "null", name, depth),
                );
            }
            Planes::Luma => {
                let luma = |path: &Path| samples(path, "extractplanes=y,format=gray16le", "gray16le", 16);
                compare(format, &luma(&result), &luma(&source));
            }
            Planes::Rgb(name, depth) => {
                let filter = format!("zscale=matrix=gbr:range=full,format={name}");
                compare(
                    format,
                    &samples(&result, &filter, name, depth),
                    &samples(&source, "null", name, depth),
                );
            }
        }
    }
}

/// What `ffprobe` says of the mastering display and of the light level of the first frame, as numbers.
fn hdr_of_frame(path: &Path) -> Vec<String> {
    let entries = ["-select_streams", "v:0", "-read_intervals", "%+#1", "-show_frames"];
    let all = Command::new("ffprobe").args(["-v", "error"]).args(entries).arg(path).output().unwrap();
    let text = String::from_utf8_lossy(&all.stdout).into_owned();
    let keys = ["red_", "green_", "blue_", "white_", "min_lum", "max_lum", "max_content", "max_average"];
    text.lines().filter(|line| keys.iter().any(|key| line.starts_with(key))).map(str::to_owned).collect()
}

#[test]
fn hdr10_stays_hdr10() {
    let folder = tempfile::tempdir().unwrap();
    let picture =
        "gradients=size=160x96:rate=25:c0=0x305080:c1=0xd0a060:x0=0:y0=0:x1=159:y1=95,format=yuv420p10le";
    let display = "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1):max-cll=1000,400";
    let parameters = format!(
        "log-level=error:lossless=1:hdr10=1:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:{display}"
    );
    let encoder = ["-c:v", "libx265", "-x265-params", &parameters];
    let tags = [
        "-color_primaries",
        "bt2020",
        "-color_trc",
        "smpte2084",
        "-colorspace",
        "bt2020nc",
        "-color_range",
        "tv",
    ];
    for name in ["hdr.mp4", "hdr.mkv", "hdr.ts"] {
        let source = folder.path().join(name);
        let path = source.to_str().unwrap();
        ffmpeg(&[&["-f", "lavfi", "-i", picture, "-frames:v", "5"], &encoder[..], &tags, &[path]].concat());
        let result = folder
            .path()
            .join(format!("{name}_result.{}", if name.ends_with("mp4") { "mp4" } else { "mkv" }));
        let arguments =
            ["up", path, "--model", "none", "--scale", "1", "--crf", "0", "-o", result.to_str().unwrap()];
        run_well(folder.path(), &arguments);
        let entries =
            "stream=codec_name,profile,pix_fmt,color_range,color_space,color_transfer,color_primaries";
        let tags = ffprobe(&result, &["-select_streams", "v", "-show_entries", entries]).concat();
        assert!(tags.contains("hevc,Main 10,yuv420p10le,tv,bt2020nc,smpte2084,bt2020"), "{name}: {tags}");
        assert_eq!(hdr_of_frame(&source).len(), 12, "{name}");
        assert_eq!(hdr_of_frame(&result), hdr_of_frame(&source), "{name}");
        // The container says it too.
        let of_container = ffprobe(
            &result,
            &["-select_streams", "v", "-show_entries", "stream_side_data=max_content,max_average"],
        );
        assert!(of_container.concat().contains("1000,400"), "{name}: {of_container:?}");
        let planes = |path: &Path| samples(path, "null", "yuv420p10le", 10);
        compare(name, &planes(&result), &planes(&source));
    }
    let sdr = folder.path().join("sdr.mp4");
    let source = folder.path().join("hdr.mkv");
    let arguments = ["up", source.to_str().unwrap(), "--model", "none", "--scale", "1", "--tonemap", "sdr"];
    run_well(folder.path(), &[&arguments[..], &["-o", sdr.to_str().unwrap()]].concat());
    let entries = ["-select_streams", "v", "-show_entries", "stream=codec_name,pix_fmt,color_transfer"];
    assert_eq!(ffprobe(&sdr, &entries), ["h264,yuv420p,bt709"]);
    assert!(hdr_of_frame(&sdr).is_empty());
}
