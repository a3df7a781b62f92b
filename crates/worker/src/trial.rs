//! A try of an encoder's options before any job needs them.

use frame::{ChromaLocation, ColorDescription, Rational, Size};
use job::encoder::{Codec, Encoder};
use job::message::Response;
use job::{Encoding, Settings};
use media::{EncodeSettings, VideoInfo};

use crate::failure::Failed;

/// Size of the picture that is tried; hardware encoders take no smaller ones.
const SIZE: Size = Size::new(320, 192);
/// Characters of FFmpeg's own words that are told.
const WORDS: usize = 120;

/// Opens the encoders of the settings until one takes their options.
pub(crate) fn run(settings: &Settings) -> Result<Response, Failed> {
    let mut first = None;
    for encoder in encoders(settings) {
        let Some(trial) = trial(settings, encoder) else { continue };
        match fault(&trial) {
            // Where it does not work at all, that says nothing of the options.
            None if media::try_encoder(&trial).is_err() => {}
            None => return Ok(Response::EncoderTried),
            Some(fault) => {
                first.get_or_insert(fault);
            }
        }
    }
    first.map_or(Ok(Response::EncoderTried), |fault| Err(Failed::last(fault)))
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

/// The settings of an encoder for a small usual film; `None` for one that this FFmpeg does not have.
fn trial(settings: &Settings, encoder: &Encoder) -> Option<EncodeSettings> {
    let video = VideoInfo {
        stream_index: 0,
        codec: "h264".to_owned(),
        size: SIZE,
        pixel_format: "yuv420p".to_owned(),
        bit_depth: 8,
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
    };
    let format = media::output_format(&video, encoder.name, false)?;
    let encoding = Encoding { encoder: encoder.name.to_owned(), pixel_format: format.name };
    let (crf, preset) = settings.quality(encoder);
    Some(EncodeSettings {
        crf,
        preset,
        options: settings.encoder_options.clone(),
        ..EncodeSettings::new(&video, &encoding.encoder, &encoding.pixel_format, SIZE, video.time_base)
    })
}

/// Which of its options an encoder does not take, in a sentence; `None` where they are not at fault.
pub(crate) fn fault(settings: &EncodeSettings) -> Option<String> {
    if settings.options.is_empty() || media::try_encoder(settings).is_ok() {
        return None;
    }
    let with = |options: &[(String, String)]| {
        media::try_encoder(&EncodeSettings { options: options.to_vec(), ..settings.clone() })
    };
    with(&[]).ok()?;
    let encoder = &settings.encoder;
    for option in &settings.options {
        let Err(error) = with(std::slice::from_ref(option)) else { continue };
        let (name, value) = option;
        let reason = match error {
            media::Error::Encoder { reason, .. } | media::Error::Ffmpeg { reason, .. } => reason,
            other => other.to_string(),
        };
        return Some(if reason.starts_with("it has no option") {
            format!("{encoder} has no option `{name}`: leave it out, or see `ffmpeg -h encoder={encoder}`")
        } else {
            let reason = reason.lines().next().unwrap_or_default();
            let reason: String = reason.chars().take(WORDS).collect();
            format!("{encoder} does not take {name}={value} ({reason}): see `ffmpeg -h encoder={encoder}`")
        });
    }
    Some(format!("{encoder} takes each of its options alone, but not all together: leave some out"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(encoder: Option<&str>, options: &[(&str, &str)]) -> Result<Response, String> {
        media::init();
        let options = options.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let encoder = encoder.map(ToOwned::to_owned);
        let settings = Settings { encoder, encoder_options: options, ..Settings::default() };
        run(&settings).map_err(|failed| failed.0.message)
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
