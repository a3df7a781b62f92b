//! The options of each encoder for a quality and a preset.

use super::EncodeSettings;
use crate::raw::pixel::PixelFormat;

/// The smallest blocks that libx264 tries. What was enlarged has no detail that needs smaller ones than 16 × 16 in motion
/// and 8 × 8 without: trying them takes a third more time and gives no smaller files.
const X264_PARTITIONS: &str = "i8x8";
/// Slices of a picture of FFV1. Their number changes the packets, so it does not follow the machine.
const FFV1_SLICES: &str = "16";

/// Options by their names.
type Options = Vec<(&'static str, String)>;

/// The options, by FFmpeg's names. What the user adds comes last and goes over ours.
pub(super) fn options(settings: &EncodeSettings) -> Vec<(String, String)> {
    let own = own(settings);
    let mut options: Vec<_> = own.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    for (name, value) in &settings.options {
        // Lists of an encoder's own parameters are added to, not replaced.
        match options.iter_mut().find(|(known, _)| known == name) {
            Some((_, list)) if name.ends_with("-params") => *list = format!("{list}:{value}"),
            Some((_, known)) => value.clone_into(known),
            None => options.push((name.clone(), value.clone())),
        }
    }
    options
}

/// Those that come of the settings.
fn own(settings: &EncodeSettings) -> Options {
    let (crf, preset) = (settings.crf.to_string(), settings.preset.clone());
    match settings.encoder.as_str() {
        "libx264" => x264(settings),
        "libx265" => x265(settings),
        "libsvtav1" => {
            let hdr = settings.hdr.iter().flat_map(crate::Hdr::svt_av1).collect::<Vec<_>>();
            let hdr = (!hdr.is_empty()).then(|| ("svtav1-params", hdr.join(":")));
            [("crf", crf), ("preset", preset)].into_iter().chain(hdr).collect()
        }
        "prores_ks" => {
            let format = PixelFormat::named(&settings.pixel_format);
            let is_444 = format.is_some_and(|format| format.chroma_shift() == (0, 0));
            let profile = if is_444 { "4444" } else { "hq" };
            vec![("profile", profile.to_owned()), ("vendor", "apl0".to_owned())]
        }
        "ffv1" => [("level", "3"), ("slices", FFV1_SLICES), ("slicecrc", "1"), ("g", "1")]
            .map(|(name, value)| (name, value.to_owned()))
            .into(),
        name if name.ends_with("_nvenc") => vec![
            ("preset", preset),
            ("rc", "vbr".to_owned()),
            ("cq", crf),
            ("b", "0".to_owned()),
            ("forced-idr", "1".to_owned()),
        ],
        name if name.ends_with("_qsv") => vec![("preset", preset), ("global_quality", crf)],
        name if name.ends_with("_vaapi") => vec![("rc_mode", "CQP".to_owned()), ("global_quality", crf)],
        name if name.ends_with("_amf") => {
            vec![("quality", preset), ("rc", "cqp".to_owned()), ("qp_i", crf.clone()), ("qp_p", crf)]
        }
        _ => Vec::new(),
    }
}

fn x264(settings: &EncodeSettings) -> Options {
    let asm = x264_instructions().map(|instructions| format!("asm={instructions}"));
    let number = settings.parameter_set;
    let set = (number > 0).then(|| format!("sps-id={number}"));
    let parameters: Vec<String> = asm.into_iter().chain(set).collect();
    let parameters = (!parameters.is_empty()).then(|| ("x264-params", parameters.join(":")));
    let options = [
        ("crf", settings.crf.to_string()),
        ("preset", settings.preset.clone()),
        ("partitions", X264_PARTITIONS.to_owned()),
    ];
    options.into_iter().chain(parameters).collect()
}

fn x265(settings: &EncodeSettings) -> Options {
    // The thread of the encoder's own, and nothing in the stream that tells of the machine.
    let mut parameters =
        vec!["log-level=error".to_owned(), format!("pools={}", settings.threads), "info=0".to_owned()];
    let hdr = settings.hdr.iter().flat_map(crate::Hdr::x265).collect::<Vec<_>>();
    if !hdr.is_empty() {
        parameters.push("hdr10=1".to_owned());
        parameters.extend(hdr);
    }
    vec![
        ("crf", settings.crf.to_string()),
        ("preset", settings.preset.clone()),
        ("x265-params", parameters.join(":")),
    ]
}

/// The instructions that libx264 may use on a processor with AVX-512; `None` where it may choose.
///
/// Its macroblock tree adds up, for each row of macroblocks, what later frames take from them. The code for AVX-512 takes
/// eight macroblocks at a time and does not leave out those behind the end of the row, so that motion vectors, costs and
/// amounts of whatever lies behind count, too: at the last row, memory that was never written or that an earlier frame left there.
/// Which frame that was follows from how threads were scheduled. (Up to the version of 2024 at least.) The code for AVX2
/// leaves them out.
fn x264_instructions() -> Option<&'static str> {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx512f") {
        let has_all_of_avx2 = std::arch::is_x86_feature_detected!("avx2")
            && std::arch::is_x86_feature_detected!("fma")
            && std::arch::is_x86_feature_detected!("bmi1")
            && std::arch::is_x86_feature_detected!("bmi2")
            && std::arch::is_x86_feature_detected!("lzcnt");
        return Some(if has_all_of_avx2 { "AVX2" } else { "AVX" });
    }
    None
}
