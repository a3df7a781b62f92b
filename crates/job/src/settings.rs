//! What a user can choose for a job.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bounds::MOST_SEGMENTS;
use crate::encoder::{ENCODERS, Encoder};
use crate::{
    Codec, Container, Crop, Deinterlace, FilePath, LARGEST_SIDE, Notice, Part, Remedy, Scale, Setting, Target,
};

/// The model that is used when none is named.
pub const DEFAULT_MODEL: &str = "realesr-general-x4v3";

/// The models that are part of the program.
pub const BUILT_IN_MODELS: [&str; 2] = [DEFAULT_MODEL, "realesr-animevideov3"];

/// The model that [`DEFAULT_MODEL`] is blended with for a denoise strength below 1; it is not part of the program.
pub const WDN_MODEL: &str = "realesr-general-wdn-x4v3";

/// The kinds of engines, by the names that messages and the command line use.
pub const ENGINES: [&str; 1] = ["cpu"];

/// Which network enlarges the pictures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Model {
    /// None: a classic resampler.
    None,
    /// One that is part of the program.
    BuiltIn {
        /// Its name, one of [`BUILT_IN_MODELS`].
        name: String,
    },
    /// A file of the user's. The checksum makes sure that all segments of a job come from the same weights.
    File {
        /// The name for people.
        name: String,
        /// The file: `.safetensors`, `.pth`, or `.param` with a `.bin` beside it.
        path: FilePath,
        /// BLAKE3 of the file's bytes (of the `.bin` for `.param`), in hex.
        blake3: String,
    },
}

impl Model {
    /// The name that people know it by.
    pub fn name(&self) -> &str {
        match self {
            Self::None => "none",
            Self::BuiltIn { name } | Self::File { name, .. } => name,
        }
    }
}

/// The files that a model in a file is read from: the one that is named, and for `.param` the weights beside it.
fn files(path: &FilePath) -> impl Iterator<Item = FilePath> {
    let weights = path.with_extension("bin");
    let is_graph = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("param"));
    std::iter::once(path.clone()).chain(is_graph.then_some(FilePath(weights)))
}

/// The second set of weights that a denoise strength below 1 is blended with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WdnWeights {
    /// The file.
    pub path: FilePath,
    /// BLAKE3 of its bytes, in hex.
    pub blake3: String,
}

/// Everything about a job that changes its frames.
#[expect(clippy::struct_excessive_bools, reason = "choices that have nothing to do with each other")]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The network.
    pub model: Model,
    /// Strength of the denoising, 0..1: 1 takes the model as it is, 0 its WDN weights trained to denoise less, and
    /// between them the weights are blended.
    pub denoise: f32,
    /// The WDN weights, present when `denoise` is below 1.
    #[serde(rename = "twin")]
    pub wdn: Option<WdnWeights>,
    /// The size of the result.
    pub target: Target,
    /// Quality on the encoder's own scale, lower is better; `None` takes its default.
    pub crf: Option<u8>,
    /// Speed of the encoder: one of its presets; `None` takes its default.
    pub preset: Option<String>,
    /// The kind of file, when the user wants another than the one that follows from the source.
    pub container: Option<Container>,
    /// Frames of a segment, when the user wants another length than the plan's.
    pub segment_frames: Option<u32>,
    /// By how many levels of 255 a sample may differ from what the last result was computed from and still count as
    /// unchanged: what did not change is not computed again. `None` computes every picture whole.
    #[serde(default = "exact_reuse")]
    pub reuse: Option<u8>,
    /// Frames that are missing in a damaged source are filled with the picture before; else the job fails and names them.
    #[serde(default)]
    pub fill_gaps: bool,
    /// Format of the result's video; `None` follows from the source.
    #[serde(default)]
    pub codec: Option<Codec>,
    /// The encoder, by FFmpeg's name; `None` takes the first of the codec's ladder that works.
    #[serde(default)]
    pub encoder: Option<String>,
    /// More options of the encoder, by FFmpeg's names.
    #[serde(default)]
    pub encoder_options: Vec<(String, String)>,
    /// HDR pictures are brought to the range of usual screens (BT.709) before they are enlarged.
    #[serde(default)]
    pub tonemap: bool,
    /// A source that is a result of this program already is enlarged once more.
    #[serde(default)]
    pub again: bool,
    /// What is done to interlaced video.
    #[serde(default = "Deinterlace::none")]
    pub deinterlace: Deinterlace,
    /// Share of the network in the result, 0..1: 1 takes its pictures alone, 0 those of a classic resampler, without
    /// running the network.
    #[serde(default = "full_strength")]
    pub strength: f32,
    /// The colours of wide areas are kept as the source has them, whatever the network makes of them.
    #[serde(default)]
    pub anchor: bool,
    /// Film grain that is added to the result, 0..1: at 1, mid-tones vary by a standard deviation of a twentieth of white.
    #[serde(default)]
    pub grain: f32,
    /// The video stream to enlarge, by its number in the file; `None` takes the film by a rule.
    #[serde(default)]
    pub stream: Option<u32>,
    /// What is cut off of the pictures before the network sees them.
    #[serde(default)]
    pub crop: Crop,
    /// The part of the film that is made; `None` for all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
}

/// What jobs have that were taken in before there was a choice.
#[allow(clippy::unnecessary_wraps, reason = "a default has the type of its field")]
const fn exact_reuse() -> Option<u8> {
    Some(0)
}

/// The network alone.
const fn full_strength() -> f32 {
    1.0
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            model: Model::BuiltIn { name: DEFAULT_MODEL.to_owned() },
            denoise: 1.0,
            wdn: None,
            target: Target::times(4),
            crf: None,
            preset: None,
            container: None,
            segment_frames: None,
            reuse: exact_reuse(),
            fill_gaps: false,
            codec: None,
            encoder: None,
            encoder_options: Vec::new(),
            tonemap: false,
            again: false,
            deinterlace: Deinterlace::Auto,
            strength: full_strength(),
            anchor: false,
            grain: 0.0,
            stream: None,
            crop: Crop::Off,
            part: None,
        }
    }
}

/// Longest name or value of an encoder's option.
const LONGEST_OPTION: usize = 1000;

impl Settings {
    /// Checks every value against its range.
    ///
    /// # Errors
    /// The first value that is out of its range, with the range.
    pub fn validate(&self) -> Result<(), SettingsError> {
        if !(0.0..=1.0).contains(&self.denoise) {
            return Err(SettingsError::Denoise(self.denoise));
        }
        if self.denoise < 1.0 && self.wdn.is_none() {
            return Err(SettingsError::NoTwin(self.model.name().to_owned()));
        }
        match self.target {
            Target::Scale(factor) if !factor.is_usable() => return Err(SettingsError::Scale(factor)),
            Target::Height(rows) if !(2..=LARGEST_SIDE).contains(&rows) => {
                return Err(SettingsError::Height(rows));
            }
            Target::Width(columns) if !(2..=LARGEST_SIDE).contains(&columns) => {
                return Err(SettingsError::Width(columns));
            }
            Target::Fit { width, height }
                if [width, height].iter().any(|side| !(2..=LARGEST_SIDE).contains(side)) =>
            {
                return Err(SettingsError::Fit { width, height });
            }
            Target::Scale(_) | Target::Height(_) | Target::Width(_) | Target::Fit { .. } => {}
        }
        self.validate_encoder()?;
        if self.segment_frames == Some(0) {
            return Err(SettingsError::SegmentFrames);
        }
        if !(0.0..=1.0).contains(&self.strength) {
            return Err(SettingsError::Strength(self.strength));
        }
        if !(0.0..=1.0).contains(&self.grain) {
            return Err(SettingsError::Grain(self.grain));
        }
        if let Some(part) = self.part.filter(|part| !part.is_usable()) {
            return Err(SettingsError::Part(part));
        }
        Ok(())
    }

    fn validate_encoder(&self) -> Result<(), SettingsError> {
        let encoder = match &self.encoder {
            None => None,
            Some(name) => Some(Encoder::named(name).ok_or_else(|| SettingsError::Encoder(name.clone()))?),
        };
        let codec = self.codec.or(encoder.map(|encoder| encoder.codec));
        if let Some(codec) = codec.filter(|codec| self.container == Some(Container::Mp4) && !codec.fits_mp4())
        {
            return Err(SettingsError::NoPlace(codec.name()));
        }
        if let Some((encoder, codec)) = encoder.zip(self.codec)
            && encoder.codec != codec
        {
            return Err(SettingsError::WrongEncoder { encoder: encoder.name.to_owned(), codec });
        }
        // Where none is named, quality and preset are those of the one that needs no hardware.
        let codec = self.codec.unwrap_or(Codec::H264);
        let Some(speaking) = encoder.or_else(|| codec.ladder().last()) else { return Ok(()) };
        if let Some(crf) = self.crf
            && !speaking.crf.as_ref().is_some_and(|range| range.contains(&crf))
        {
            return Err(match speaking.crf.clone() {
                Some(range) => SettingsError::Crf { crf, least: *range.start(), most: *range.end() },
                None => SettingsError::NoCrf(speaking.name),
            });
        }
        if let Some(preset) = &self.preset
            && !speaking.presets.contains(&preset.as_str())
        {
            let known = speaking.presets;
            return Err(SettingsError::Preset { preset: preset.clone(), encoder: speaking.name, known });
        }
        for (name, value) in &self.encoder_options {
            if let Some(own) = [Setting::Crf, Setting::Preset].into_iter().find(|own| name == own.name()) {
                return Err(SettingsError::OwnOption(own));
            }
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            let is_sound = !name.is_empty() && name.chars().all(is_name) && !value.contains('\0');
            if !is_sound || name.len().max(value.len()) > LONGEST_OPTION {
                return Err(SettingsError::EncoderOption(name.clone()));
            }
        }
        Ok(())
    }

    /// The quality and the preset for an encoder: what was chosen as far as it has it, else its own defaults.
    pub fn quality(&self, encoder: &Encoder) -> (u8, String) {
        let crf = self.crf.unwrap_or(encoder.default_crf);
        let crf = encoder.crf.as_ref().map_or(0, |range| crf.clamp(*range.start(), *range.end()));
        let chosen = self.preset.as_deref().filter(|preset| encoder.presets.contains(preset));
        (crf, chosen.unwrap_or(encoder.default_preset).to_owned())
    }

    /// True when a network has a share in the pictures.
    pub fn has_network(&self) -> bool {
        self.model != Model::None && self.strength > 0.0
    }

    /// The files that the network is read from; none for one that is part of the program.
    pub fn model_files(&self) -> impl Iterator<Item = FilePath> {
        let model = match &self.model {
            Model::File { path, .. } => Some(path),
            Model::None | Model::BuiltIn { .. } => None,
        };
        model.into_iter().chain(self.wdn.as_ref().map(|wdn| &wdn.path)).flat_map(files)
    }

    /// The places of the files that the network is read from, to be looked for elsewhere.
    pub fn paths_mut(&mut self) -> impl Iterator<Item = &mut FilePath> {
        let model = match &mut self.model {
            Model::File { path, .. } => Some(path),
            Model::None | Model::BuiltIn { .. } => None,
        };
        model.into_iter().chain(self.wdn.as_mut().map(|wdn| &mut wdn.path))
    }

    /// BLAKE3 over all settings, in hex: equal settings have equal hashes. Where the files of a model lie is no part of
    /// them, since their checksums say what they are. A setting that has its default is left out, so that unfinished work
    /// keeps its hash when a version of the program brings a new setting. A default that changes needs another name.
    pub fn hash(&self) -> String {
        let mut settings = self.clone();
        for path in settings.paths_mut() {
            *path = FilePath(PathBuf::new());
        }
        blake3::hash(settings.chosen().to_string().as_bytes()).to_hex().to_string()
    }

    /// The settings that differ from the defaults, as a JSON object with its keys in order.
    fn chosen(&self) -> Value {
        // Plain fields always have a JSON form.
        let of = |settings: &Self| serde_json::to_value(settings).unwrap_or_default();
        let (mut all, defaults) = (of(self), of(&Self::default()));
        if let Some(fields) = all.as_object_mut() {
            fields.retain(|name, value| defaults.get(name) != Some(value));
            fields.sort_keys();
        }
        all
    }
}

/// Settings that cannot be.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SettingsError {
    /// A source without pixels.
    #[error("the source has no pixels: it is not a picture that can be enlarged")]
    EmptySource,
    /// A result that no encoder takes.
    #[error(
        "the result would be {width}x{height}, and the H.264 encoder takes at most {LARGEST_SIDE} pixels a side"
    )]
    TooLarge {
        /// Width of the result.
        width: u64,
        /// Height of the result.
        height: u64,
    },
    /// More segments than a ledger keeps.
    #[error("the film would have more than {MOST_SEGMENTS} segments")]
    TooManySegments,
    /// A container that does not hold the codec.
    #[error("MP4 files have no place for {0}")]
    NoPlace(&'static str),
    /// Denoise strength out of range.
    #[error("the denoise strength {0} is out of range: choose a number from 0 to 1")]
    Denoise(f32),
    /// Denoise strength below 1 without the second set of weights.
    #[error("a denoise strength below 1 blends model {0} with its WDN weights, and those are not there")]
    NoTwin(String),
    /// Scale out of range.
    #[error("the scale {0} is out of range: choose a number from 1 to 8")]
    Scale(Scale),
    /// Height out of range.
    #[error("the height {0} is out of range: choose a number from 2 to {LARGEST_SIDE}")]
    Height(u32),
    /// Width out of range.
    #[error("the width {0} is out of range: choose a number from 2 to {LARGEST_SIDE}")]
    Width(u32),
    /// A screen that no result fits.
    #[error("a result cannot fit {width}x{height}: choose 2 to {LARGEST_SIDE} pixels for each side")]
    Fit {
        /// Width of the screen.
        width: u32,
        /// Height of the screen.
        height: u32,
    },
    /// Quality out of range.
    #[error("the quality {crf} is out of range: choose a number from {least} (best) to {most}")]
    Crf {
        /// What was chosen.
        crf: u8,
        /// The best.
        least: u8,
        /// The worst.
        most: u8,
    },
    /// A quality for an encoder that has only one.
    #[error("the encoder {0} has no choice of quality")]
    NoCrf(&'static str),
    /// Unknown preset.
    #[error("the encoder {encoder} has no preset `{preset}`: {}", choices(known))]
    Preset {
        /// What was chosen.
        preset: String,
        /// The encoder that was meant.
        encoder: &'static str,
        /// Its presets.
        known: &'static [&'static str],
    },
    /// Unknown encoder.
    #[error("there is no encoder `{0}`: {known}", known = choices(&ENCODERS.each_ref().map(|encoder| encoder.name)))]
    Encoder(String),
    /// An encoder of another codec.
    #[error("the encoder {encoder} does not make {}", codec.name())]
    WrongEncoder {
        /// The encoder.
        encoder: String,
        /// The codec that was chosen.
        codec: Codec,
    },
    /// An option that no encoder can have.
    #[error("`{0}` is no option of an encoder: write NAME=VALUE with a name of letters, digits, - and _")]
    EncoderOption(String),
    /// An option that has a place of its own.
    #[error("`{name}` is no other option of the encoder", name = .0.name())]
    OwnOption(Setting),
    /// Segments without frames.
    #[error("a segment needs at least one frame: choose a number from 1 on")]
    SegmentFrames,
    /// Share of the network out of range.
    #[error("the strength {0} is out of range: choose a number from 0 (no network) to 1 (the network alone)")]
    Strength(f32),
    /// Film grain out of range.
    #[error("the grain {0} is out of range: choose a number from 0 (none) to 1")]
    Grain(f32),
    /// A part that ends before it begins.
    #[error("the part {0} of the film ends before it begins")]
    Part(Part),
}

impl SettingsError {
    /// What to do about it, where the sentence does not say it.
    pub const fn remedy(&self) -> Option<Remedy> {
        Some(match self {
            Self::TooLarge { .. } => Remedy::SmallerResult,
            Self::TooManySegments => Remedy::LongerSegments,
            Self::NoPlace(_) => Remedy::Container(Container::Matroska),
            Self::NoTwin(_) => Remedy::NoBlend,
            Self::NoCrf(_) => Remedy::LeaveOut(Setting::Crf),
            Self::WrongEncoder { .. } => Remedy::LeaveOutEither(Setting::Codec, Setting::Encoder),
            Self::OwnOption(setting) => Remedy::Set(*setting),
            Self::Part(_) => Remedy::LaterEnd,
            _ => return None,
        })
    }
}

impl From<SettingsError> for Notice {
    fn from(error: SettingsError) -> Self {
        Self { text: error.to_string(), remedy: error.remedy() }
    }
}

/// What to do about a wrong name.
fn choices(known: &[&str]) -> String {
    if known.is_empty() { "leave it out".to_owned() } else { format!("choose one of {}", known.join(", ")) }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{CropArea, FilmTime};

    #[test]
    fn every_setting_is_in_the_hash() {
        let base = Settings::default();
        let area = |top| CropArea { width: 720, height: 432, left: 0, top };
        let variants = [
            Settings { model: Model::None, ..base.clone() },
            Settings { denoise: 0.5, ..base.clone() },
            Settings { target: Target::Height(4), ..base.clone() },
            Settings { crf: Some(17), ..base.clone() },
            Settings { preset: Some("slow".to_owned()), ..base.clone() },
            Settings { codec: Some(Codec::Hevc), ..base.clone() },
            Settings { encoder: Some("libx264".to_owned()), ..base.clone() },
            Settings { encoder_options: vec![("tune".to_owned(), "film".to_owned())], ..base.clone() },
            Settings { tonemap: true, ..base.clone() },
            Settings { container: Some(Container::Matroska), ..base.clone() },
            Settings { segment_frames: Some(9), ..base.clone() },
            Settings { reuse: Some(1), ..base.clone() },
            Settings { reuse: None, ..base.clone() },
            Settings { fill_gaps: true, ..base.clone() },
            Settings { deinterlace: Deinterlace::Off, ..base.clone() },
            Settings { deinterlace: Deinterlace::Field, ..base.clone() },
            Settings { target: Target::Width(4), ..base.clone() },
            Settings { target: Target::Fit { width: 4, height: 4 }, ..base.clone() },
            Settings { strength: 0.999, ..base.clone() },
            Settings { anchor: true, ..base.clone() },
            Settings { grain: 0.001, ..base.clone() },
            Settings { crop: Crop::Auto, ..base.clone() },
            Settings { crop: Crop::To(area(72)), ..base.clone() },
            Settings { part: Part::of(Some(FilmTime(1)), None), ..base.clone() },
        ];
        for variant in variants {
            assert_ne!(variant.hash(), base.hash(), "{variant:?}");
        }
        assert_eq!(base.hash(), base.clone().hash());
    }

    #[test]
    fn settings_with_their_defaults_do_not_count() {
        assert_eq!(Settings::default().chosen(), serde_json::json!({}));
        let chosen = Settings { grain: 0.1, crf: Some(17), ..Settings::default() }.chosen();
        assert_eq!(chosen.to_string(), format!("{{\"crf\":17,\"grain\":{}}}", f64::from(0.1_f32)));
    }

    #[test]
    fn a_model_is_the_same_wherever_it_lies() {
        let with = |path: &str, blake3: &str| {
            let path = FilePath::from(Path::new(path));
            let model = Model::File { name: "a".to_owned(), path, blake3: blake3.to_owned() };
            Settings { model, ..Settings::default() }.hash()
        };
        assert_eq!(with("/m/a.pth", "1"), with("/n/a.pth", "1"));
        assert_ne!(with("/m/a.pth", "1"), with("/m/a.pth", "2"));
    }

    #[test]
    fn a_graph_has_its_weights_beside_it() {
        let path = |name: &str| FilePath::from(Path::new(name));
        let model = |name: &str| Model::File { name: String::new(), path: path(name), blake3: String::new() };
        let wdn = WdnWeights { path: path("/m/wdn.param"), blake3: String::new() };
        let settings = Settings { model: model("/m/a.pth"), wdn: Some(wdn), ..Settings::default() };
        let files: Vec<FilePath> = settings.model_files().collect();
        assert_eq!(files, ["/m/a.pth", "/m/wdn.param", "/m/wdn.bin"].map(path));
        assert_eq!(Settings::default().model_files().count(), 0);
    }

    #[test]
    fn an_encoder_gets_what_it_understands() {
        let settings = Settings { crf: Some(60), preset: Some("8".to_owned()), ..Settings::default() };
        let named = |name| Encoder::named(name).unwrap();
        assert_eq!(settings.quality(named("libsvtav1")), (60, "8".to_owned()));
        assert_eq!(settings.quality(named("av1_nvenc")), (51, "p5".to_owned()));
        assert_eq!(Settings::default().quality(named("libx264")), (16, "veryfast".to_owned()));
    }

    #[test]
    fn jobs_from_before_there_was_a_choice_have_the_network_alone() {
        let mut older = serde_json::to_value(Settings::default()).unwrap();
        for key in ["reuse", "fill_gaps", "strength", "anchor", "grain", "crop"] {
            assert!(older.as_object_mut().unwrap().remove(key).is_some(), "{key}");
        }
        assert_eq!(serde_json::from_value::<Settings>(older).unwrap(), Settings::default());
    }

    #[test]
    fn no_network_runs_that_has_no_share() {
        let base = Settings::default();
        assert!(base.has_network() && Settings { strength: 0.1, ..base.clone() }.has_network());
        assert!(!Settings { strength: 0.0, ..base.clone() }.has_network());
        assert!(!Settings { model: Model::None, ..base }.has_network());
    }

    #[test]
    fn values_out_of_range_are_refused() {
        let base = Settings::default();
        assert_eq!(base.validate(), Ok(()));
        for wrong in [
            Settings { denoise: 1.5, ..base.clone() },
            Settings { denoise: f32::NAN, ..base.clone() },
            Settings { denoise: 0.5, ..base.clone() },
            Settings { target: Target::times(0), ..base.clone() },
            Settings { target: Target::Height(1), ..base.clone() },
            Settings { crf: Some(52), ..base.clone() },
            Settings { crf: Some(0), codec: Some(Codec::Av1), ..base.clone() },
            Settings { crf: Some(9), codec: Some(Codec::Prores), ..base.clone() },
            Settings { preset: Some("best".to_owned()), ..base.clone() },
            Settings {
                preset: Some("fast".to_owned()),
                encoder: Some("h264_nvenc".to_owned()),
                ..base.clone()
            },
            Settings { encoder: Some("libx266".to_owned()), ..base.clone() },
            Settings { encoder: Some("libx264".to_owned()), codec: Some(Codec::Hevc), ..base.clone() },
            Settings { encoder_options: vec![("a b".to_owned(), String::new())], ..base.clone() },
            Settings { encoder_options: vec![("crf".to_owned(), "1".to_owned())], ..base.clone() },
            Settings { segment_frames: Some(0), ..base.clone() },
            Settings { target: Target::Width(LARGEST_SIDE + 1), ..base.clone() },
            Settings { target: Target::Fit { width: 100, height: 0 }, ..base.clone() },
            Settings { strength: -0.1, ..base.clone() },
            Settings { grain: f32::NAN, ..base.clone() },
        ] {
            assert!(wrong.validate().is_err(), "{wrong:?}");
        }
    }
}
