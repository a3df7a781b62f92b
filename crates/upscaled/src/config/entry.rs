//! A key of `upscaled.toml` and what stands behind it.

use toml::de::DeValue;

/// A key and what stands behind it.
pub(super) struct Entry<'a> {
    /// The table that it stands in, with a dot at its end; empty for the whole file.
    pub(super) place: &'a str,
    pub(super) name: &'static str,
    pub(super) example: &'static str,
    pub(super) value: &'a DeValue<'a>,
    /// The value as it is written.
    pub(super) raw: &'a str,
}

impl Entry<'_> {
    /// A text, which stands in quotes.
    pub(super) fn text<T>(&self, read: impl Fn(&str) -> Result<T, String>) -> Result<T, String> {
        if let DeValue::String(text) = self.value {
            return read(text).map_err(|words| self.mistake(&words));
        }
        if matches!(self.value, DeValue::Array(_) | DeValue::Table(_)) {
            return Err(self.mistake("one text in quotes is expected"));
        }
        // Where it would be wrong in quotes too, that is what must be said.
        read(self.raw).map_err(|words| self.mistake(&words))?;
        Err(format!("write it in quotes: {} = \"{}\"", self.name, self.raw))
    }

    /// A number, which does not.
    pub(super) fn number<T>(&self, read: impl Fn(&str) -> Result<T, String>) -> Result<T, String> {
        match self.value {
            DeValue::Integer(_) | DeValue::Float(_) => {
                read(&self.raw.replace('_', "")).map_err(|words| self.mistake(&words))
            }
            DeValue::String(text) if read(text).is_ok() => {
                Err(format!("write it without quotes: {} = {text}", self.name))
            }
            // No number: what is said of any other that cannot be.
            _ => match read("") {
                Err(words) => Err(self.mistake(&words)),
                Ok(_) => Err(self.mistake("a number is expected")),
            },
        }
    }

    pub(super) fn flag(&self) -> Result<bool, String> {
        self.value.as_bool().ok_or_else(|| self.mistake("write true or false"))
    }

    pub(super) fn options(&self) -> Result<Vec<(String, String)>, String> {
        let Some(table) = self.value.as_table() else {
            return Err(self.mistake("names and values in braces are expected"));
        };
        let option = |name: &str, value: &DeValue<'_>| {
            let value = match value {
                DeValue::String(text) => text.to_string(),
                DeValue::Integer(number) => number.to_string(),
                DeValue::Float(number) => number.to_string(),
                _ => return Err(self.mistake(&format!("the value of {name} must be a text in quotes"))),
            };
            Ok((name.to_owned(), value))
        };
        let mut options: Vec<(String, String)> = table
            .iter()
            .map(|(name, value)| option(name.get_ref(), value.get_ref()))
            .collect::<Result<_, _>>()?;
        options.sort();
        Ok(options)
    }

    pub(super) fn texts<T>(&self, read: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
        let expected = || self.mistake("texts in quotes are expected, within brackets");
        let texts = self.value.as_array().ok_or_else(expected)?.iter();
        let text = |value: &DeValue<'_>| {
            read(value.as_str().ok_or_else(expected)?).map_err(|words| self.mistake(&words))
        };
        texts.map(|value| text(value.get_ref())).collect()
    }

    pub(super) fn mistake(&self, words: &str) -> String {
        let Self { place, name, example, raw, .. } = self;
        format!("{place}{name} = {raw} cannot be: {words}; for example {name} = {example}")
    }
}

/// A value by its usual reading.
pub(super) fn parsed<T: std::str::FromStr<Err: ToString>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}
