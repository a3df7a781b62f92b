//! The options of each encoder for a quality and a preset.

use super::EncodeSettings;
use crate::raw::pixel::PixelFormat;

/// The smallest blocks that libx264 tries. What was enlarged has no detail that needs smaller ones than 16 × 16 in motion
/// and 8 × 8 without: trying them takes a third more time and gives no smaller files.
const X264_PARTITIONS: &str = "i8x8";
/// Slices of a picture of FFV1. Their number changes the packets, so it does not follow the machine.
const FFV1_SLICES: &str = "16";

/// The options, by FFmpeg's names. What the user adds comes last and goes over ours.
pub(super) fn options(settings: &EncodeSettings) -> Vec<(String, String)> {
    let mut options = Vec::new();
    let mut set = |name: &str, value: String| options.push((name.to_owned(), value));
    let (crf, preset) = (settings.crf.to_string(), settings.preset.clone());
    match settings.encoder.as_str() {
        "libx264" => {
            set("crf", crf);
            set("preset", preset);
            set("partitions", X264_PARTITIONS.to_owned());
            let mut parameters = Vec::new();
            if let Some(instructions) = x264_instructions() {
                parameters.push(format!("asm={instructions}"));
            }
            if settings.parameter_set > 0 {
                parameters.push(format!("sps-id={}", settings.parameter_set));
            }
            if !parameters.is_empty() {
                set("x264-params", parameters.join(":"));
            }
        }
        "libx265" => {
            set("crf", crf);
            set("preset", preset);
            // The thread of the encoder's own, and nothing in the stream that tells of the machine.
            let mut parameters = vec![
                "log-level=error".to_owned(),
                format!("pools={}", settings.threads),
                "info=0".to_owned(),
            ];
            let hdr = settings.hdr.iter().flat_map(crate::Hdr::x265).collect::<Vec<_>>();
            if !hdr.is_empty() {
                parameters.push("hdr10=1".to_owned());
                parameters.extend(hdr);
            }
            set("x265-params", parameters.join(":"));
        }
        "libsvtav1" => {
            set("crf", crf);
            set("preset", preset);
            let hdr = settings.hdr.iter().flat_map(crate::Hdr::svt_av1).collect::<Vec<_>>();
            if !hdr.is_empty() {
                set("svtav1-params", hdr.join(":"));
            }
        }
        "prores_ks" => {
            let is_444 =
                PixelFormat::named(&settings.pixel_format).is_some_and(|f| f.chroma_shift() == (0, 0));
            set("profile", if is_444 { "4444" } else { "hq" }.to_owned());
            set("vendor", "apl0".to_owned());
        }
        "ffv1" => {
            set("level", "3".to_owned());
            set("slices", FFV1_SLICES.to_owned());
            set("slicecrc", "1".to_owned());
            set("g", "1".to_owned());
        }
        name if name.ends_with("_nvenc") => {
            set("preset", preset);
            set("rc", "vbr".to_owned());
            set("cq", crf);
            set("b", "0".to_owned());
            set("forced-idr", "1".to_owned());
        }
        name if name.ends_with("_qsv") => {
            set("preset", preset);
            set("global_quality", crf);
        }
        name if name.ends_with("_vaapi") => {
            set("rc_mode", "CQP".to_owned());
            set("global_quality", crf);
        }
        name if name.ends_with("_amf") => {
            set("quality", preset);
            set("rc", "cqp".to_owned());
            set("qp_i", crf.clone());
            set("qp_p", crf);
        }
        _ => {}
    }
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

/// The instructions that libx264 may use on a processor with AVX-512; `None` where it may choose.
///
/// Its macroblock tree adds up, for each row of macroblocks, what later frames take from them. The code for AVX-512 takes
/// eight macroblocks at a time and does not leave out those behind the end of the row, so that motion vectors, costs and
/// amounts of whatever lies behind count, too: at the last row, memory that nobody wrote or that an earlier frame left there.
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
