//! Which settings a mistake is of, and where they stand.

use std::path::Path;

use job::SettingsError;

use super::effective;
use crate::cli::Choices;
use crate::exit::{wrong, wrong_in_file};
use crate::remedies;

/// Settings that cannot be.
pub(super) struct Unfit {
    /// Which they are, the one that most likely is to be changed first.
    pub(super) keys: &'static [&'static str],
    pub(super) error: anyhow::Error,
    /// The same for one who writes the file, where that is said in other words.
    pub(super) in_file: Option<String>,
}

impl From<SettingsError> for Unfit {
    fn from(error: SettingsError) -> Self {
        let keys: &[&str] = match &error {
            SettingsError::EmptySource | SettingsError::Part(_) => &[],
            SettingsError::TooLarge { .. } => &["scale", "height", "width", "fit"],
            SettingsError::Denoise(_) | SettingsError::NoTwin(_) => &["denoise", "model"],
            SettingsError::NoPlace(_) => &["container", "codec", "encoder"],
            SettingsError::Scale(_) => &["scale"],
            SettingsError::Height(_) => &["height"],
            SettingsError::Width(_) => &["width"],
            SettingsError::Fit { .. } => &["fit"],
            SettingsError::Crf { .. } | SettingsError::NoCrf(_) => &["crf", "encoder", "codec"],
            SettingsError::Preset { .. } => &["preset", "encoder", "codec"],
            SettingsError::Encoder(_) | SettingsError::WrongEncoder { .. } => &["encoder", "codec"],
            SettingsError::EncoderOption(_) | SettingsError::OwnOption(_) => &["encoder_options"],
            SettingsError::SegmentFrames | SettingsError::TooManySegments => &["segment_frames"],
            SettingsError::Strength(_) => &["strength"],
            SettingsError::Grain(_) => &["grain"],
        };
        let notice = error.into();
        let in_file = Some(remedies::sentence_in_file(&notice));
        Self { keys, error: wrong(remedies::sentence(&notice)), in_file }
    }
}

/// A mistake in settings, with the line of the file where one of these stands there and the command line does not go over it; it is
/// said then `in_file`, in the words of the file, where there are such.
pub(crate) fn blame(
    line: &Choices,
    path: &Path,
    keys: &[&str],
    error: anyhow::Error,
    in_file: Option<String>,
) -> anyhow::Error {
    let Ok(all) = effective(line, path) else { return error };
    let of_file =
        keys.iter().find_map(|key| all.iter().find(|found| found.key == *key && found.line.is_some()));
    match of_file.and_then(|setting| Some((&setting.key, setting.line?))) {
        Some((key, number)) => {
            let words = in_file.unwrap_or_else(|| format!("{error:#}"));
            wrong_in_file(path, Some(number), format!("{key}: {words}"))
        }
        None => error,
    }
}
