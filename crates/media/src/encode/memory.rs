//! How much memory encoders and decoders take, before they are opened.
//!
//! Formulas follow from what a library holds (pictures that wait for the look-ahead, pictures that others refer to, rows of
//! costs); their numbers were fitted to measured peaks: see `docs/memory.md`. They err upwards.

use frame::Size;

use super::EncodeSettings;
use super::options::options;
use crate::raw::pixel::PixelFormat;

const MIB: f64 = 1_048_576.0;
/// Pictures that a decoder keeps for others to refer to: no codec here has more than 16, and one is at work.
const REFERENCES: u64 = 17;
/// Pictures that encoders here have a decoder keep.
const OWN_REFERENCES: u64 = 9;
/// What decoders note of a picture beside its samples, such as motion, in bytes a pixel.
const NOTES: f64 = 0.5;

/// Bytes of a picture in the pixel format with FFmpeg's name `format`; as one of four bytes a pixel for an unknown one.
pub fn picture_bytes(format: &str, size: Size) -> u64 {
    PixelFormat::named(format).filter(|format| format.planes() > 0).map_or(4 * size.pixels(), |format| {
        let plane =
            |plane| format.row_bytes(size.width, plane) as u64 * u64::from(format.rows(size.height, plane));
        (0..format.planes()).map(plane).sum()
    })
}

/// Bytes that a decoder with so many threads takes for a source.
pub fn decoder_memory(format: &str, size: Size, threads: usize) -> u64 {
    pictures(format, size, REFERENCES + threads as u64)
}

/// Bytes that decoding so many frames that were encoded with these settings takes, with up to `waiting` packets that wait.
pub fn checking_memory(settings: &EncodeSettings, frames: u32, waiting: u32) -> u64 {
    let (format, pixels) = (settings.pixel_format.as_str(), settings.size.pixels() as f64);
    let (references, packet) = match settings.encoder.as_str() {
        "prores_ks" => (3, 1.5 * pixels),
        "ffv1" => (3, 0.7 * picture_bytes(format, settings.size) as f64),
        // Noise at a high quality.
        _ => (OWN_REFERENCES, 0.4 * pixels),
    };
    pictures(format, settings.size, references.min(u64::from(frames)))
        + (packet * f64::from(waiting.min(frames))) as u64
}

fn pictures(format: &str, size: Size, count: u64) -> u64 {
    count * (picture_bytes(format, size) + (NOTES * size.pixels() as f64) as u64)
}

/// Bytes that an encoder takes for so many frames.
pub fn encoder_memory(settings: &EncodeSettings, frames: u32) -> u64 {
    let pixels = settings.size.pixels() as f64;
    // Samples beside those of 8 bits in 4:2:0, for which the numbers stand.
    let samples = picture_bytes(&settings.pixel_format, settings.size) as f64 / (1.5 * pixels).max(1.0);
    let bytes = match settings.encoder.as_str() {
        "libx264" => Held::of(settings, &X264).x264(settings.size, frames) * samples,
        "libx265" => Held::of(settings, &X265).x265(pixels, frames, samples),
        "libsvtav1" => svt_av1(settings, pixels) * deeper(samples),
        "prores_ks" => 6.0 * pixels + 8.0 * MIB,
        "ffv1" => 170.0 * pixels + 8.0 * MIB,
        // Those of hardware keep their pictures on the device; what is on the way there is here.
        _ => 30.0 * 1.5 * samples * pixels + 256.0 * MIB,
    };
    bytes as u64
}

/// Pictures that an encoder holds: how far it looks ahead, B-frames in a row, pictures that others refer to.
struct Held {
    ahead: f64,
    between: f64,
    references: f64,
}

/// What presets of an encoder hold, by their names.
type Presets = [(&'static str, [u8; 3]); 9];

const X264: Presets = [
    ("ultrafast", [0, 0, 1]),
    ("superfast", [0, 3, 1]),
    ("veryfast", [10, 3, 1]),
    ("faster", [20, 3, 2]),
    ("fast", [30, 3, 2]),
    ("medium", [40, 3, 3]),
    ("slow", [50, 3, 5]),
    ("slower", [60, 3, 8]),
    ("veryslow", [60, 8, 16]),
];
const X265: Presets = [
    ("ultrafast", [5, 3, 1]),
    ("superfast", [10, 3, 1]),
    ("veryfast", [15, 4, 2]),
    ("faster", [15, 4, 2]),
    ("fast", [15, 4, 3]),
    ("medium", [20, 4, 3]),
    ("slow", [25, 4, 4]),
    ("slower", [40, 8, 5]),
    ("veryslow", [40, 8, 5]),
];

impl Held {
    /// By the preset, and what the user says beside it.
    fn of(settings: &EncodeSettings, presets: &Presets) -> Self {
        let preset = presets.iter().find(|(name, _)| *name == settings.preset);
        let [ahead, between, references] = preset.unwrap_or(&presets[8]).1;
        let all = options(settings);
        // The library's own parameters come in one text.
        let own = |name: &str| {
            all.iter().filter(|(list, _)| list.ends_with("-params")).find_map(|(_, list)| {
                list.split(':').rev().find_map(|one| one.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
            })
        };
        let said = |names: [&str; 3], preset: u8| {
            let plain = || all.iter().rev().find(|(name, _)| names.contains(&name.as_str()));
            let said = names.iter().find_map(|name| own(name));
            said.or_else(|| plain()?.1.parse().ok()).unwrap_or(f64::from(preset)).clamp(0.0, 250.0)
        };
        Self {
            ahead: said(["rc-lookahead", "rc_lookahead", "lookahead"], ahead),
            between: said(["bf", "bframes", "b"], between),
            references: said(["refs", "ref", "frameref"], references),
        }
    }

    /// Frames that the look-ahead can hold of so many.
    fn waiting(&self, frames: u32) -> f64 {
        self.ahead.max(self.between).min(f64::from(frames))
    }

    /// A picture that is referred to is kept in four phases; one that waits also in half the size. Around each lie 32 pixels.
    fn x264(&self, size: Size, frames: u32) -> f64 {
        // Few frames are not all between others, nor all referred to.
        let between = self.between.min(f64::from(frames / 8));
        let pixels = f64::from(size.width.next_multiple_of(16) + 64)
            * f64::from(size.height.next_multiple_of(16) + 64);
        let references = self.references.max(if self.between > 0.0 { 4.0 } else { 3.0 });
        let references = references.min(f64::from(frames.div_ceil(2)));
        pixels * (5.0 + 12.0 * between + 7.2 * references + 3.35 * self.waiting(frames)) + 4.0 * MIB
    }

    fn x265(&self, pixels: f64, frames: u32, samples: f64) -> f64 {
        let of_pixel = 79.0 + 5.0 * self.between + 4.0 * self.waiting(frames) + 4.5 * self.references;
        (of_pixel * pixels + 40.0 * MIB) * deeper(samples)
    }
}

/// How much more so many times the samples take: what is not samples stays as it is.
fn deeper(samples: f64) -> f64 {
    1.0 + 0.65 * (samples - 1.0).max(0.0)
}

/// SVT-AV1 allocates nearly all when it is opened.
fn svt_av1(settings: &EncodeSettings, pixels: f64) -> f64 {
    let (of_pixel, fixed) = match settings.preset.parse().unwrap_or(0_u8) {
        10.. => (175.0, 70.0),
        7..=9 => (240.0, 70.0),
        4..=6 => (330.0, 110.0),
        ..=3 => (500.0, 150.0),
    };
    of_pixel * pixels + fixed * MIB
}

#[cfg(test)]
mod tests {
    use frame::{ChromaLocation, ColorDescription, Rational};

    use super::*;

    fn settings(encoder: &str, format: &str, preset: &str, size: Size) -> EncodeSettings {
        EncodeSettings {
            encoder: encoder.to_owned(),
            size,
            time_base: Rational::new(1, 25),
            frame_rate: Rational::new(25, 1),
            sample_aspect_ratio: Rational::new(1, 1),
            color: ColorDescription::UNSPECIFIED,
            chroma_location: ChromaLocation::Left,
            pixel_format: format.to_owned(),
            hdr: None,
            dither: false,
            crf: 20,
            preset: preset.to_owned(),
            options: Vec::new(),
            parameter_set: 0,
            threads: 2,
        }
    }

    #[test]
    fn measured_peaks_are_within_the_formula() {
        // Peaks in MiB of FFmpeg 5.1 with an encoder less those without, for 75 frames at 640 × 480 and at 1920 × 1080.
        let measured = [
            ("libx264", "yuv420p", "ultrafast", 5, 46),
            ("libx264", "yuv420p", "superfast", 23, 160),
            ("libx264", "yuv420p", "veryfast", 33, 205),
            ("libx264", "yuv420p", "faster", 44, 270),
            ("libx264", "yuv420p", "fast", 55, 336),
            ("libx264", "yuv420p", "medium", 69, 407),
            ("libx264", "yuv420p", "slow", 82, 478),
            ("libx264", "yuv420p", "slower", 101, 586),
            ("libx264", "yuv420p", "veryslow", 136, 826),
            ("libx265", "yuv420p", "ultrafast", 52, 253),
            ("libx265", "yuv420p", "veryfast", 82, 353),
            ("libx265", "yuv420p", "medium", 92, 403),
            ("libx265", "yuv420p", "slow", 101, 445),
            ("libx265", "yuv420p10le", "veryfast", 134, 576),
            ("libsvtav1", "yuv420p", "12", 110, 378),
            ("libsvtav1", "yuv420p", "8", 127, 499),
            ("libsvtav1", "yuv420p", "5", 191, 693),
            ("libsvtav1", "yuv420p10le", "8", 183, 797),
            ("prores_ks", "yuv422p10le", "", 0, 10),
            ("ffv1", "yuv420p", "", 44, 312),
        ];
        for (encoder, format, preset, small, large) in measured {
            for (size, peak) in [(Size::new(640, 480), small), (Size::new(1920, 1080), large)] {
                let planned = encoder_memory(&settings(encoder, format, preset, size), 75) as f64 / MIB;
                let peak = f64::from(peak);
                let most = 1.3 * peak + 20.0;
                assert!(
                    (peak..most).contains(&planned),
                    "{encoder} {format} {preset} {size}: {planned:.0} for {peak}"
                );
            }
        }
    }

    #[test]
    fn what_the_user_says_of_an_encoder_counts() {
        let size = Size::new(640, 480);
        let with = |name: &str, value: &str| {
            let mut settings = settings("libx264", "yuv420p", "veryfast", size);
            settings.options.push((name.to_owned(), value.to_owned()));
            encoder_memory(&settings, 500)
        };
        let plain = with("tune", "film");
        for (name, value) in
            [("rc-lookahead", "60"), ("bf", "8"), ("refs", "16"), ("x264-params", "rc-lookahead=60")]
        {
            assert!(with(name, value) > plain * 5 / 4, "{name} {value}");
        }
        // Few frames fill no look-ahead.
        assert!(
            encoder_memory(&settings("libx264", "yuv420p", "medium", size), 5) < with("rc-lookahead", "40")
        );
    }

    #[test]
    fn pictures_take_what_their_format_says() {
        let size = Size::new(100, 50);
        for (format, bytes) in
            [("yuv420p", 7500), ("yuv422p10le", 20_000), ("gbrp16le", 30_000), ("no such", 20_000)]
        {
            assert_eq!(picture_bytes(format, size), bytes, "{format}");
        }
    }
}
