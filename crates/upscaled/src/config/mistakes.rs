//! All that is wrong with a change of `upscaled.toml`, as far as each value can be looked at by itself.

use std::path::PathBuf;

use serde_json::{Map, Value};

use super::edit::WAS;
use super::wish::Mistake;
use super::{as_json, check_models, edited, file, key_at};

/// Most mistakes that are told at once.
const MOST: usize = 50;

/// A file with other values, each of which can be; how they go together is not checked.
///
/// # Errors
/// With all that cannot be: what is wrong is left out of the change, and the rest is looked at again.
pub(crate) fn checked(
    text: &str,
    changes: &Map<String, Value>,
    models: &[PathBuf],
) -> Result<String, Vec<Mistake>> {
    let mut left = changes.clone();
    let mut found: Vec<Mistake> = Vec::new();
    loop {
        let mistake = match first(text, &left, models) {
            Ok(new) if found.is_empty() => return Ok(new),
            Ok(_) => return Err(found),
            Err(mistake) => mistake,
        };
        let goes_on = mistake.key.as_deref().is_some_and(|key| leave_out(&mut left, key));
        // Without a wrong value, that of a table which needs one is missed.
        if found.iter().all(|known| known.key != mistake.key) {
            found.push(mistake);
        }
        if !goes_on || found.len() == MOST {
            return Err(found);
        }
    }
}

/// The changed file, or the first mistake.
fn first(text: &str, changes: &Map<String, Value>, models: &[PathBuf]) -> Result<String, Mistake> {
    let new = edited(text, changes)?;
    file::parse(&new).map_err(|file::Mistake { line, words }| Mistake { key: key_at(&new, line), words })?;
    let [before, after] = [text, &new].map(|text| as_json(text).unwrap_or_default());
    check_models(&before, &after, models)?;
    Ok(new)
}

/// Takes a key out of a change, else the table that it is of; false where the change has neither.
fn leave_out(changes: &mut Map<String, Value>, key: &str) -> bool {
    if changes.remove(key).is_some() {
        return true;
    }
    let Some((table, rest)) = key.split_once('.') else { return false };
    let is_out = match changes.get_mut(table) {
        Some(Value::Object(inner)) => leave_out(inner, rest),
        Some(Value::Array(list)) => rest.split_once('.').is_some_and(|(number, rest)| {
            let at = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
            let inner = at.and_then(|at| list.get_mut(at)?.as_object_mut());
            inner.is_some_and(|inner| inner.remove(rest).is_some() || stay(inner))
        }),
        _ => false,
    };
    is_out || changes.remove(table).is_some()
}

/// Lets a table of the file be without a change, where what is wrong is nothing that the change gives; false for a new one.
fn stay(table: &mut Map<String, Value>) -> bool {
    let has_more = table.len() > 1;
    table.retain(|key, _| key == WAS);
    has_more && !table.is_empty()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn keys(text: &str, changes: &Value) -> Vec<String> {
        let found = checked(text, changes.as_object().unwrap(), &[]).unwrap_err();
        found.into_iter().map(|mistake| mistake.key.unwrap_or_default()).collect()
    }

    #[test]
    fn every_value_that_cannot_be_is_named() {
        let changes = json!({ "crf": 99, "grain": 7, "modle": "x", "scale": 3, "model": "other",
            "schedule": { "windows": ["22-7"] }, "presets": { "films": { "strength": 2, "crf": 20 } },
            "folders": [{ "was": 0, "path": "a" }, { "path": 3, "grain": 9 }] });
        let mut found = keys("scale = 2\n[[folders]]\npath = \"a\"\n", &changes);
        found.sort();
        let wanted = [
            "crf",
            "folders.2.grain",
            "folders.2.path",
            "grain",
            "model",
            "modle",
            "presets.films.strength",
            "schedule.windows",
        ];
        assert_eq!(found, wanted);
        let text = checked("scale = 2\n", json!({ "scale": 3 }).as_object().unwrap(), &[]);
        assert_eq!(text.unwrap(), "scale = 3\n");
    }

    #[test]
    fn what_is_wrong_without_the_change_is_said_once() {
        assert_eq!(keys("crf = 99\n", &json!({ "grain": 2, "scale": 2 })), ["crf"]);
        assert_eq!(
            keys("", &json!({ "webhooks": [{ "format": "slack" }], "crf": 99 })),
            ["webhooks.1.url", "crf"]
        );
        let hooks = "[[webhooks]]\nurl = \"https://a.org/\"\nsecret = \"x\"\n[[webhooks]]\nurl = \"https://b.org/\"\n";
        let changes =
            json!({ "webhooks": [{ "was": 0, "url": "https://c.org/" }, { "was": 1, "events": ["x"] }] });
        assert_eq!(keys(hooks, &changes), ["webhooks.1.secret", "webhooks.2.events"]);
        assert_eq!(keys("", &json!({ "folders": 3, "presets": [] })), ["folders", "presets"]);
        let many: Map<String, Value> = (0..200).map(|number| (format!("x{number}"), json!(1))).collect();
        assert_eq!(keys("", &Value::Object(many)).len(), MOST);
    }
}
