//! Tries of encoders: whether one works at all, and with the options of a job.

use frame::{ChromaLocation, ColorDescription, Rational, Size};
use job::encoder::{Codec, ENCODERS, Encoder};
use job::{Encoding, Settings};
use media::{EncodeSettings, VideoInfo};
use protocol::message::{EncoderFacts, Response};

use crate::failure::Failed;

/// Size of the picture that is tried; hardware encoders take no smaller ones.
const SIZE: Size = Size::new(320, 192);
/// Characters of FFmpeg's own words that are told.
const WORDS: usize = 120;

/// Opens the encoders of the settings until one takes their options.
pub(crate) fn run(settings: &Settings) -> Result<Response, Failed> {
    let mut first = None;
    for encoder in encoders(settings) {
        let Some(trial) = trial(settings, encoder, &film(false)) else { continue };
        match fault(&trial) {
            // Where it does not work at all, that says nothing of the options.
            None if attempt(&trial).is_err() => {}
            None => return Ok(Response::EncoderTried),
            Some(fault) => {
                first.get_or_insert(fault);
            }
        }
    }
    first.map_or(Ok(Response::EncoderTried), |fault| Err(Failed::last(fault)))
}

/// Tries all encoders.
pub(crate) fn all() -> Response {
    let facts =
        |encoder: &Encoder| EncoderFacts { name: encoder.name.to_owned(), fault: works(encoder).err() };
    Response::Encoders(ENCODERS.iter().map(facts).collect())
}

/// Those that jobs may come to use: without a choice, films of more than 8 bits become HEVC.
fn encoders(settings: &Settings) -> Vec<&'static Encoder> {
    if let Some(encoder) = settings.encoder.as_deref().and_then(Encoder::named) {
        return vec![encoder];
    }
    match settings.codec {
        Some(codec) => codec.ladder().collect(),
        None => Codec::H264.ladder().chain(Codec::Hevc.ladder()).collect(),
    }
}

/// Opens an encoder and encodes a picture, which proves that it works. Else why it does not, in FFmpeg's own words.
pub(crate) fn attempt(settings: &EncodeSettings) -> Result<(), String> {
    media::try_encoder(settings).map_err(|error| match error {
        media::Error::Encoder { reason, .. } | media::Error::Ffmpeg { reason, .. } => reason,
        other => other.to_string(),
    })
}

/// As [`attempt`], for a small film of the usual depth of the encoder's codec, with its words in one short line.
pub(crate) fn works(encoder: &Encoder) -> Result<(), String> {
    match trial(&Settings::default(), encoder, &film(encoder.codec != Codec::H264)) {
        Some(trial) => attempt(&trial).map_err(|reason| brief(&reason)),
        None => Err("this FFmpeg does not have it".to_owned()),
    }
}

/// The first line of FFmpeg's words, cut to what people read.
fn brief(reason: &str) -> String {
    reason.lines().next().unwrap_or_default().chars().take(WORDS).collect()
}

/// A small film, of 8 or of 10 bits.
fn film(is_deep: bool) -> VideoInfo {
    VideoInfo {
        stream_index: 0,
        codec: "h264".to_owned(),
        size: SIZE,
        pixel_format: if is_deep { "yuv420p10le" } else { "yuv420p" }.to_owned(),
        bit_depth: if is_deep { 10 } else { 8 },
        sample_aspect_ratio: Rational::new(1, 1),
        time_base: Rational::new(1, 25),
        frame_rate: Rational::new(25, 1),
        color: ColorDescription::UNSPECIFIED,
        chroma_location: ChromaLocation::Unspecified,
        rotation: None,
        orientation: None,
        is_interlaced: false,
        dolby_vision: None,
        has_alpha: false,
    }
}

/// The settings of an encoder for a film; `None` for one that this FFmpeg does not have.
fn trial(settings: &Settings, encoder: &Encoder, video: &VideoInfo) -> Option<EncodeSettings> {
    let format = media::output_format(video, encoder.name, false)?;
    let encoding = Encoding { encoder: encoder.name.to_owned(), pixel_format: format.name };
    let (crf, preset) = settings.quality(encoder);
    Some(EncodeSettings {
        crf,
        preset,
        options: settings.encoder_options.clone(),
        ..EncodeSettings::new(video, &encoding.encoder, &encoding.pixel_format, SIZE, video.time_base)
    })
}

/// Which of its options an encoder does not take, in a sentence; `None` where they are not at fault.
pub(crate) fn fault(settings: &EncodeSettings) -> Option<String> {
    if settings.options.is_empty() || attempt(settings).is_ok() {
        return None;
    }
    let with = |options: &[(String, String)]| {
        attempt(&EncodeSettings { options: options.to_vec(), ..settings.clone() })
    };
    with(&[]).ok()?;
    let encoder = &settings.encoder;
    for option in &settings.options {
        let Err(reason) = with(std::slice::from_ref(option)) else { continue };
        let (name, value) = option;
        return Some(if reason.starts_with("it has no option") {
            format!("{encoder} has no option `{name}`: leave it out, or see `ffmpeg -h encoder={encoder}`")
        } else {
            let reason = brief(&reason);
            format!("{encoder} does not take {name}={value} ({reason}): see `ffmpeg -h encoder={encoder}`")
        });
    }
    Some(format!("{encoder} takes each of its options alone, but not all together: leave some out"))
}

#[cfg(test)]
mod tests {
    use job::encoder::ENCODERS;

    use super::*;

    fn tried(encoder: Option<&str>, options: &[(&str, &str)]) -> Result<Response, String> {
        media::init();
        let options = options.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let encoder = encoder.map(ToOwned::to_owned);
        let settings = Settings { encoder, encoder_options: options, ..Settings::default() };
        run(&settings).map_err(|failed| failed.0.message.text)
    }

    #[test]
    fn an_encoder_works_or_says_why_not_in_a_short_line() {
        media::init();
        for encoder in &ENCODERS {
            match works(encoder) {
                Ok(()) => {}
                Err(reason) => {
                    assert_ne!(encoder.name, "libx264", "{reason}");
                    assert!((1..=WORDS).contains(&reason.chars().count()), "{} {reason}", encoder.name);
                }
            }
        }
    }

    #[test]
    fn options_that_an_encoder_has_are_taken() {
        for options in [&[][..], &[("tune", "film")], &[("bf", "2"), ("x264-params", "ref=3")]] {
            assert_eq!(tried(Some("libx264"), options), Ok(Response::EncoderTried), "{options:?}");
            assert_eq!(tried(None, options), Ok(Response::EncoderTried), "{options:?}");
        }
        // Films of more than 8 bits may need it.
        assert_eq!(tried(None, &[("x265-params", "ref=3")]), Ok(Response::EncoderTried));
    }

    #[test]
    fn the_option_at_fault_is_named_in_one_short_sentence() {
        for (options, wanted) in [
            (&[("tune", "film"), ("foo", "bar")][..], "libx264 has no option `foo`: "),
            (&[("tune", "loud")], "libx264 does not take tune=loud ("),
        ] {
            for encoder in [None, Some("libx264")] {
                let said = tried(encoder, options).unwrap_err();
                assert!(said.starts_with(wanted) && said.len() < 250 && !said.contains('\n'), "{said}");
            }
        }
    }
}
