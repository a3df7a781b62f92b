//! Templates for the names of results.

use std::fmt;
use std::str::FromStr;

/// A name for results without its extension, with placeholders in braces, such as `{stem}_{height}p`. It holds nothing that
/// leads out of a folder or hides a file. As it is written, it is at most 150 bytes long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameTemplate {
    written: String,
    pub(crate) pieces: Vec<Piece>,
}

/// Longest template in bytes: the stem of the source is to have room beside it.
const LONGEST: usize = 150;

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(String),
    Field(Field),
}

/// What a placeholder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    /// The name of the source without its extension.
    Stem,
    /// Rows of the result.
    Height,
    /// Pixels in a row of the result.
    Width,
    /// How many times larger the result is: as asked, or as it comes out where a size was asked for.
    Scale,
    /// The model.
    Model,
    /// The format of the result's video.
    Codec,
}

/// The placeholders by their names.
const FIELDS: [(&str, Field); 6] = [
    ("stem", Field::Stem),
    ("height", Field::Height),
    ("width", Field::Width),
    ("scale", Field::Scale),
    ("model", Field::Model),
    ("codec", Field::Codec),
];

/// A template that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It is empty or blank.
    #[error("a name cannot be empty: write for example {{stem}}_upscaled")]
    Empty,
    /// It has a slash or a backslash.
    #[error("a name has no `{0}`, since results stay in their folder: leave it out")]
    Separator(char),
    /// It has a control character.
    #[error("a name has no control characters, such as line breaks and tabs: leave them out")]
    Control,
    /// It begins with a dot.
    #[error("a name that begins with a dot is hidden: begin with something else")]
    Hidden,
    /// It is too long.
    #[error("a name of more than {LONGEST} bytes leaves no room for that of the video: make it shorter")]
    TooLong,
    /// A brace without its other one.
    #[error("a brace in it has no other: placeholders stand in braces, for example {{stem}}")]
    Brace,
    /// Braces around something else.
    #[error("there is no placeholder {{{name}}}: there are {known}", known = known())]
    Unknown {
        /// What is in the braces.
        name: String,
    },
}

fn known() -> String {
    FIELDS.map(|(name, _)| format!("{{{name}}}")).join(", ")
}

impl FromStr for NameTemplate {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        if text.trim().is_empty() {
            return Err(TemplateError::Empty);
        }
        if text.chars().any(char::is_control) {
            return Err(TemplateError::Control);
        }
        if let Some(separator) = text.chars().find(|c| ['/', '\\'].contains(c)) {
            return Err(TemplateError::Separator(separator));
        }
        if text.starts_with('.') {
            return Err(TemplateError::Hidden);
        }
        if text.len() > LONGEST {
            return Err(TemplateError::TooLong);
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(brace) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(brace);
            let (name, after) =
                from.strip_prefix('{').and_then(|from| from.split_once('}')).ok_or(TemplateError::Brace)?;
            if name.contains('{') {
                return Err(TemplateError::Brace);
            }
            let (_, field) = FIELDS
                .into_iter()
                .find(|(known, _)| *known == name)
                .ok_or_else(|| TemplateError::Unknown { name: name.to_owned() })?;
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            pieces.push(Piece::Field(field));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self { written: text.to_owned(), pieces })
    }
}

/// As it was written.
impl fmt::Display for NameTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// `{stem}_upscaled`.
impl Default for NameTemplate {
    fn default() -> Self {
        let pieces = vec![Piece::Field(Field::Stem), Piece::Text("_upscaled".to_owned())];
        Self { written: "{stem}_upscaled".to_owned(), pieces }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_read() {
        assert_eq!("{stem}_upscaled".parse(), Ok(NameTemplate::default()));
        let read: NameTemplate = "a {stem}{height}p é".parse().unwrap();
        let text = |text: &str| Piece::Text(text.to_owned());
        let wanted = [text("a "), Piece::Field(Field::Stem), Piece::Field(Field::Height), text("p é")];
        assert_eq!(read.pieces, wanted);
        assert_eq!(read.to_string(), "a {stem}{height}p é");
        for (name, field) in FIELDS {
            let read: NameTemplate = format!("{{{name}}}").parse().unwrap();
            assert_eq!(read.pieces, [Piece::Field(field)]);
        }
    }

    #[test]
    fn what_is_no_name_is_refused_with_what_to_do() {
        for (text, wanted) in [
            ("", "empty"),
            ("  ", "empty"),
            ("a/{stem}", "`/`"),
            ("..\\{stem}", "`\\`"),
            ("{stem}\n", "control"),
            ("a\u{0}", "control"),
            (".", "hidden"),
            ("..", "hidden"),
            (".{stem}", "hidden"),
            ("{stem", "brace"),
            ("stem}", "brace"),
            ("{{stem}}", "brace"),
            ("{stem}}", "brace"),
            ("{}", "{stem}, {height}, {width}, {scale}, {model}, {codec}"),
            ("{Stem}", "no placeholder {Stem}"),
            (&"x".repeat(LONGEST + 1), "shorter"),
        ] {
            let error = text.parse::<NameTemplate>().unwrap_err().to_string();
            assert!(error.contains(wanted), "{text}: {error}");
        }
        assert!("x".repeat(LONGEST).parse::<NameTemplate>().is_ok());
    }
}
