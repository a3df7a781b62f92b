//! The text of a `.param` file: one layer a line.

use super::FORMAT;
use crate::Error;
use crate::error::shown;
use crate::tensors::too_large;

/// The first line of every `.param` file.
const MAGIC: &str = "7767517";
/// The longest text; an RRDBNet of 23 blocks has 117 kB.
const MAX_TEXT: usize = 4 << 20;
/// The most layers; an RRDBNet of 23 blocks has 1000.
const MAX_LAYERS: usize = 2000;
/// The most values that a layer takes or gives, and parameters that it has.
const MAX_PER_LAYER: usize = 64;
/// Keys from here downwards hold lists: -23310 is the list of key 10.
const LIST_KEYS: i64 = -23300;

/// A line of the file.
#[derive(Debug, PartialEq)]
pub(super) struct Layer<'a> {
    pub(super) kind: &'a str,
    pub(super) name: &'a str,
    pub(super) inputs: Vec<&'a str>,
    pub(super) outputs: Vec<&'a str>,
    /// Keys, lists under their plain key, and the numbers' text.
    pub(super) parameters: Vec<(i64, &'a str)>,
}

pub(super) fn parse(text: &str) -> Result<Vec<Layer<'_>>, Error> {
    if text.len() > MAX_TEXT {
        return Err(too_large("the size of the .param file in bytes", text.len(), MAX_TEXT));
    }
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    if lines.next() != Some(MAGIC) {
        return Err(malformed(format!("the first line is not {MAGIC}")));
    }
    let counts = lines.next().and_then(|line| line.split_once(' '));
    let layers: usize = counts
        .and_then(|(layers, _)| layers.parse().ok())
        .ok_or_else(|| malformed("the second line is not the number of layers and values".to_owned()))?;
    if layers > MAX_LAYERS {
        return Err(too_large("the number of ncnn layers", layers, MAX_LAYERS));
    }
    let parsed = lines.by_ref().take(layers).map(layer).collect::<Result<Vec<_>, _>>()?;
    if parsed.len() < layers {
        return Err(Error::Truncated { format: FORMAT, what: format!("its list of {layers} layers") });
    }
    if lines.next().is_some() {
        return Err(malformed(format!("there are more lines than its {layers} layers")));
    }
    Ok(parsed)
}

fn layer(line: &str) -> Result<Layer<'_>, Error> {
    let broken = || malformed(format!("the layer `{}` cannot be read", shown(line)));
    let mut words = line.split_ascii_whitespace();
    let (Some(kind), Some(name)) = (words.next(), words.next()) else { return Err(broken()) };
    let mut count =
        || -> Option<usize> { words.next()?.parse().ok().filter(|&count| count <= MAX_PER_LAYER) };
    let (Some(inputs), Some(outputs)) = (count(), count()) else { return Err(broken()) };
    let mut take = |count: usize| -> Vec<&str> { words.by_ref().take(count).collect() };
    let layer = Layer { kind, name, inputs: take(inputs), outputs: take(outputs), parameters: Vec::new() };
    if layer.inputs.len() < inputs || layer.outputs.len() < outputs {
        return Err(broken());
    }
    let mut parameters: Vec<(i64, &str)> = Vec::new();
    for word in words {
        let (key, value) = word.split_once('=').ok_or_else(broken)?;
        let key: i64 = key.parse().map_err(|_| broken())?;
        let key = if key <= LIST_KEYS { LIST_KEYS.saturating_sub(key) } else { key };
        if parameters.len() >= MAX_PER_LAYER || parameters.iter().any(|(known, _)| *known == key) {
            return Err(broken());
        }
        parameters.push((key, value));
    }
    Ok(Layer { parameters, ..layer })
}

impl Layer<'_> {
    /// The whole number of a key.
    pub(super) fn integer(&self, key: i64, default: i64) -> Result<i64, Error> {
        let Some(value) = self.text(key) else { return Ok(default) };
        value.parse().map_err(|_| self.wrong(key))
    }

    /// The number of a key.
    pub(super) fn float(&self, key: i64, default: f32) -> Result<f32, Error> {
        let Some(value) = self.text(key) else { return Ok(default) };
        value.parse().ok().filter(|value: &f32| value.is_finite()).ok_or_else(|| self.wrong(key))
    }

    /// The list of a key: its length, then its numbers. Empty if it is not there.
    pub(super) fn floats(&self, key: i64) -> Result<Vec<f32>, Error> {
        let Some(value) = self.text(key) else { return Ok(Vec::new()) };
        let (length, numbers) = value.split_once(',').unwrap_or((value, ""));
        let numbers: Vec<f32> = numbers
            .split(',')
            .filter(|number| !number.is_empty())
            .map(|number| number.parse().ok().filter(|number: &f32| number.is_finite()))
            .collect::<Option<_>>()
            .ok_or_else(|| self.wrong(key))?;
        if length.parse() != Ok(numbers.len()) {
            return Err(self.wrong(key));
        }
        Ok(numbers)
    }

    /// Refuses parameters that this reader does not know, because they would change what the layer does.
    pub(super) fn knows_only(&self, keys: &[i64]) -> Result<(), Error> {
        match self.parameters.iter().find(|(key, _)| !keys.contains(key)) {
            Some((key, value)) => {
                Err(self.unsupported(&format!("with the parameter {key}={}", shown(value))))
            }
            None => Ok(()),
        }
    }

    /// Refuses the layer for what it does.
    pub(super) fn unsupported(&self, how: &str) -> Error {
        Error::Unsupported {
            found: format!("the ncnn layer {} `{}` {how}", shown(self.kind), shown(self.name)),
            supported: "use an SRVGGNetCompact, RRDBNet or SPAN model that enlarges by nearest neighbour or \
                        pixel shuffle (of realesr-animevideov3 the x4 file)"
                .to_owned(),
        }
    }

    /// Refuses the layer for how it is written.
    pub(super) fn malformed(&self, how: &str) -> Error {
        malformed(format!("the layer {} `{}` {how}", shown(self.kind), shown(self.name)))
    }

    fn text(&self, key: i64) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| *known == key).map(|(_, value)| *value)
    }

    fn wrong(&self, key: i64) -> Error {
        self.malformed(&format!("has a parameter {key} that cannot be read"))
    }
}

pub(super) fn malformed(reason: String) -> Error {
    Error::Malformed { format: FORMAT, reason }
}
