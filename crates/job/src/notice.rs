//! What people are told, without the words of one of the ways in which they can ask: a command line names options, a page has
//! buttons.

use serde::{Deserialize, Serialize};

use crate::Container;

/// A sentence for people, and what they can do about it. Without the latter its form is that of the sentence alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Form", into = "Form")]
pub struct Notice {
    /// What is so, and where it is not in [`remedy`](Self::remedy), what to do about it.
    pub text: String,
    /// What can be done about it by a choice of the user.
    pub remedy: Option<Remedy>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Form {
    Text(String),
    WithRemedy { text: String, remedy: Remedy },
}

impl Notice {
    /// A sentence with what can be done about it.
    pub fn new(text: impl Into<String>, remedy: Remedy) -> Self {
        Self { text: text.into(), remedy: Some(remedy) }
    }
}

impl<T: Into<String>> From<T> for Notice {
    fn from(text: T) -> Self {
        Self { text: text.into(), remedy: None }
    }
}

impl From<Form> for Notice {
    fn from(form: Form) -> Self {
        match form {
            Form::Text(text) => text.into(),
            Form::WithRemedy { text, remedy } => Self::new(text, remedy),
        }
    }
}

impl From<Notice> for Form {
    fn from(Notice { text, remedy }: Notice) -> Self {
        match remedy {
            None => Self::Text(text),
            Some(remedy) => Self::WithRemedy { text, remedy },
        }
    }
}

/// A choice of the user by which something can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// Choose a smaller result.
    SmallerResult,
    /// Choose longer segments.
    LongerSegments,
    /// Choose this kind of file for the result.
    Container(Container),
    /// Do without a weaker denoise strength, or get the weights that it needs.
    NoBlend,
    /// Set an option of the encoder by the setting that there is for it.
    Set(Setting),
    /// Leave a setting out.
    LeaveOut(Setting),
    /// Leave one of these settings out, which do not go together.
    LeaveOutEither(Setting, Setting),
    /// Leave the encoder out, or see why it does not work.
    AnyEncoder,
    /// Choose another codec or a smaller result, or see why no encoder works.
    OtherCodec,
    /// Choose a time for the end of the part that is later than its beginning.
    LaterEnd,
    /// Choose another part of the film.
    OtherPart,
    /// Choose another way to deinterlace, or none.
    OtherDeinterlacing,
    /// Choose another video stream.
    OtherStream,
    /// Allow more room on the disk and go on.
    MoreDisk,
    /// Allow more room on the disk and go on, or begin anew with less to write.
    MoreDiskOrLess,
    /// Allow more room on the disk: nothing was made yet.
    MoreDiskFirst,
    /// Get a better copy, or take what is there and show the picture before where one is missing.
    FillGaps,
    /// Enlarge a result once more.
    Again,
    /// Replace what is there, or choose another name.
    Overwrite,
    /// Choose another name, or another folder.
    OtherName,
    /// Choose smaller pictures to measure.
    SmallerPictures,
}

/// A setting that a remedy is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// The format of the video.
    Codec,
    /// The encoder.
    Encoder,
    /// The quality.
    Crf,
    /// How much the encoder tries.
    Preset,
}

impl Setting {
    /// The name of the setting in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Codec => "codec",
            Self::Encoder => "encoder",
            Self::Crf => "crf",
            Self::Preset => "preset",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_alone_has_the_form_that_it_had() {
        for (notice, json) in [
            (Notice::from("it is gone"), r#""it is gone""#),
            (Notice::new("it is one", Remedy::Again), r#"{"text":"it is one","remedy":"again"}"#),
            (
                Notice::new("no place", Remedy::Container(Container::Matroska)),
                r#"{"text":"no place","remedy":{"container":"matroska"}}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&notice).unwrap(), json);
            assert_eq!(serde_json::from_str::<Notice>(json).unwrap(), notice);
        }
    }
}
