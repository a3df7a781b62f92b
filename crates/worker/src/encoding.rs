//! The choice of the encoder: before the first segment is made, each candidate is tried at the real size and depth.

use frame::Size;
use job::encoder::{Codec, Encoder, Encoding};
use job::{Container, Notice, Remedy, Settings, SettingsError};
use media::{EncodeSettings, Index, Probe, Source};

use crate::failure::Failed;
use crate::trial;

/// Largest side of H.264 that players and hardware decoders take.
const LARGEST_H264: u32 = 4096;

/// The kind of file, as `media` has it.
pub(crate) const fn media_container(container: Container) -> media::Container {
    match container {
        Container::Mp4 => media::Container::Mp4,
        Container::Matroska => media::Container::Matroska,
    }
}

/// What was chosen.
pub(crate) struct Choice {
    /// The encoder, and what takes over when it fails.
    pub(crate) encodings: Vec<Encoding>,
    /// Encoders that do not work here, each with the reason.
    pub(crate) refused: Vec<String>,
    /// What the result loses of the source.
    pub(crate) loss: Option<String>,
}

/// The video that a job makes: what all its segments have in common for the encoder.
pub(crate) struct Output<'a> {
    pub(crate) source: &'a Source,
    pub(crate) settings: &'a Settings,
    pub(crate) probe: &'a Probe,
    pub(crate) index: &'a Index,
    pub(crate) size: Size,
    pub(crate) threads: u32,
}

impl Output<'_> {
    /// HDR is brought to the range of usual screens.
    pub(crate) fn is_tonemapped(&self) -> bool {
        self.settings.tonemap && media::is_hdr(self.probe.video.color.transfer)
    }

    /// All that an encoder must know.
    pub(crate) fn encode_settings(
        &self,
        encoding: &Encoding,
        parameter_set: u8,
    ) -> Result<EncodeSettings, Failed> {
        let video = &self.probe.video;
        let about = encoding.about().ok_or_else(|| {
            Failed::last(format!("this version has no encoder `{}`: start the job again", encoding.encoder))
        })?;
        let (crf, preset) = self.settings.quality(about);
        let color = media::output_color(video, self.settings.tonemap);
        let hdr = if media::is_hdr(color.transfer) { Some(media::hdr(self.source)?) } else { None };
        let (encoder, pixel_format) = (&encoding.encoder, &encoding.pixel_format);
        Ok(EncodeSettings {
            color,
            hdr,
            crf,
            preset,
            options: self.settings.encoder_options.clone(),
            parameter_set,
            threads: self.threads,
            frame_rate: self.index.frame_rate(video.frame_rate),
            ..EncodeSettings::new(video, encoder, pixel_format, self.size, self.index.time_base)
        })
    }

    /// Goes down the ladder to the first encoder that works, and on to the first that needs no hardware, which takes over
    /// when the other fails.
    pub(crate) fn choose(&self, container: Option<Container>) -> Result<Choice, Failed> {
        let mut choice = Choice { encodings: Vec::new(), refused: Vec::new(), loss: None };
        let mut lossy = Vec::new();
        for encoder in self.candidates() {
            if container == Some(Container::Mp4) && !encoder.codec.fits_mp4() {
                return Err(SettingsError::NoPlace(encoder.codec.name()).into());
            }
            let Some(format) = media::output_format(&self.probe.video, encoder.name, self.is_tonemapped())
            else {
                choice.refused.push(format!("{}: this FFmpeg does not have it", encoder.name));
                continue;
            };
            let encoding = Encoding { encoder: encoder.name.to_owned(), pixel_format: format.name };
            if let Some(loss) = format.loss {
                lossy.push((encoding, loss));
            } else if self.works(&encoding, &mut choice.refused)? {
                choice.encodings.push(encoding);
                if !encoder.is_hardware {
                    break;
                }
            }
        }
        // Of several that work, one is enough to take over: the one that needs no hardware.
        if let [first, .., last] = choice.encodings.as_slice() {
            choice.encodings = vec![first.clone(), last.clone()];
        }
        if choice.encodings.is_empty() {
            for (encoding, loss) in lossy {
                if self.works(&encoding, &mut choice.refused)? {
                    choice.encodings.push(encoding);
                    choice.loss = Some(loss);
                    break;
                }
            }
        }
        // Options that no encoder takes are not the fault of the encoders.
        let tried = self.candidates().into_iter().find(|encoder| !encoder.is_hardware);
        if choice.encodings.is_empty()
            && let Some(encoder) = tried
            && let Some(format) = media::output_format(&self.probe.video, encoder.name, self.is_tonemapped())
        {
            let encoding = Encoding { encoder: encoder.name.to_owned(), pixel_format: format.name };
            if let Some(fault) = trial::fault(&self.encode_settings(&encoding, 0)?) {
                return Err(Failed::last(fault));
            }
        }
        if let Some(name) = &self.settings.encoder
            && choice.encodings.first().is_none_or(|encoding| encoding.encoder != *name)
        {
            let text = format!("the encoder does not work here ({})", choice.refused.join("; "));
            return Err(Failed::last(Notice::new(text, Remedy::AnyEncoder)));
        }
        if choice.encodings.is_empty() {
            let text = format!("no encoder can make this result ({})", choice.refused.join("; "));
            return Err(Failed::last(Notice::new(text, Remedy::OtherCodec)));
        }
        Ok(choice)
    }

    /// The encoders to try, in their order.
    fn candidates(&self) -> Vec<&'static Encoder> {
        let ladder = |codec: Codec| codec.ladder();
        if let Some(encoder) = self.settings.encoder.as_deref().and_then(Encoder::named) {
            // The one without hardware behind it, should it fail.
            let last = ladder(encoder.codec).last().filter(|last| *last != encoder);
            return std::iter::once(encoder).chain(last).collect();
        }
        if let Some(codec) = self.settings.codec {
            return ladder(codec).collect();
        }
        let is_deep = self.probe.video.bit_depth > 8 && !self.is_tonemapped();
        if is_deep || self.size.width.max(self.size.height) > LARGEST_H264 {
            // Better an H.264 of an unusual kind than none.
            return ladder(Codec::Hevc).chain(ladder(Codec::H264)).collect();
        }
        ladder(Codec::H264).collect()
    }

    fn works(&self, encoding: &Encoding, refused: &mut Vec<String>) -> Result<bool, Failed> {
        let settings = self.encode_settings(encoding, 0)?;
        match trial::attempt(&settings) {
            Ok(()) => Ok(true),
            Err(reason) => {
                refused.push(format!("{}: {reason}", encoding.encoder));
                Ok(false)
            }
        }
    }
}
