//! Changes of `upscaled.toml` that a program asks for: only what changes is touched, and comments and order stay.

mod comments;
mod lists;

use std::path::PathBuf;

use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike};

use self::comments::{keep_above_table, remove};
pub(crate) use self::lists::WAS;
use super::file::{KEYS, OF_JOB, line_of, unknown_among};
use super::wish::{Mistake, is_known};
use super::{file, schedule};
use crate::model;

/// What a file says, by its keys, as JSON has it.
///
/// # Errors
/// When it is no TOML: with its line.
pub(crate) fn as_json(text: &str) -> Result<Map<String, Value>, String> {
    // It says more of usual mistakes.
    file::parse(text)
        .err()
        .filter(|_| DeTable::parse(text).is_err())
        .map_or(Ok(()), |mistake| Err(format!("line {}: {}", mistake.line, mistake.words)))?;
    toml::from_str(text).map_err(|error| error.message().to_owned())
}

/// A file with other values, which are not checked. What is null is no longer set, and what is not named stays. Presets and the schedule
/// are tables of such changes; folders and webhooks are the whole list, and each of them whole, but for what is secret of a webhook.
///
/// # Errors
/// When the file is no TOML, or a change has no place in it.
pub(crate) fn edited(text: &str, changes: &Map<String, Value>) -> Result<String, Mistake> {
    let before = as_json(text).map_err(|words| Mistake { key: None, words: in_hand(&words) })?;
    let mut document: DocumentMut = text
        .parse()
        .map_err(|error: toml_edit::TomlError| Mistake { key: None, words: in_hand(error.message()) })?;
    let mut wanted = before;
    let names: Vec<&str> = KEYS.iter().map(|(name, _)| *name).collect();
    for (key, value) in in_order(changes, &names) {
        match key.as_str() {
            "presets" => presets(&mut document, &mut wanted, value)?,
            "schedule" => {
                let names: Vec<&str> = schedule::KEYS.iter().map(|(name, _)| *name).collect();
                table(&mut document, &mut wanted, key, value, &names)?;
            }
            "folders" => lists::folders(&mut document, &mut wanted, value)?,
            "webhooks" => lists::webhooks(&mut document, &mut wanted, value)?,
            _ => {
                let kept = set(document.as_table_mut(), &mut wanted, "", key, value, &names)?;
                comments::put_at_end(&mut document, &kept);
            }
        }
    }
    let made = document.to_string();
    // Nothing but what was asked for changed, however the file is written.
    if as_json(&made).ok().as_ref() != Some(&wanted) {
        let words = in_hand("it is written in a way that cannot be changed from here");
        return Err(Mistake { key: None, words });
    }
    Ok(made)
}

/// Refuses models that are neither part of the program nor in the folders, unless the file named them before: one who asks from elsewhere
/// names no other files.
///
/// # Errors
/// With the key of the first.
pub(crate) fn check_models(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    folders: &[PathBuf],
) -> Result<(), Mistake> {
    let known: Vec<String> = models(before).into_iter().map(|(_, name)| name).collect();
    for (key, name) in models(after) {
        if !known.contains(&name) && !is_known(&name, folders) {
            let all = model::networks(folders).join(", ");
            let words = format!("there is no model `{name}`: choose one of {all}, none");
            return Err(Mistake { key: Some(key), words });
        }
    }
    Ok(())
}

/// The models that a file names, with their keys.
fn models(file: &Map<String, Value>) -> Vec<(String, String)> {
    let of = |place: String, table: &Value| Some((place + "model", table.get("model")?.as_str()?.to_owned()));
    let whole = file.get("model").and_then(Value::as_str).map(|name| ("model".to_owned(), name.to_owned()));
    let presets = file.get("presets").and_then(Value::as_object).into_iter().flatten();
    let presets = presets.filter_map(|(name, preset)| of(format!("presets.{name}."), preset));
    let folders = (1..).zip(file.get("folders").and_then(Value::as_array).into_iter().flatten());
    let folders = folders.filter_map(|(number, folder)| of(format!("folders.{number}."), folder));
    whole.into_iter().chain(presets).chain(folders).collect()
}

fn in_hand(words: &str) -> String {
    format!("{words}; change upscaled.toml by hand")
}

/// The key that stands in a line, as `folders.2.path` with folders counted from 1 on.
pub(crate) fn key_at(text: &str, line: usize) -> Option<String> {
    let table = DeTable::parse(text).ok()?;
    find(text, "", table.get_ref(), line)
}

fn find(text: &str, place: &str, table: &DeTable<'_>, line: usize) -> Option<String> {
    let covers = |start: usize, end: usize| (line_of(text, start)..=line_of(text, end)).contains(&line);
    table.iter().find_map(|(key, value)| {
        let name = format!("{place}{}", key.get_ref());
        let inner = |name: &str, value: &Spanned<DeValue<'_>>| {
            let table = value.get_ref().as_table()?;
            find(text, &format!("{name}."), table, line)
        };
        let is_array_of_tables = |value: &DeValue<'_>| {
            value.as_array().is_some_and(|all| all.iter().any(|one| one.get_ref().as_table().is_some()))
        };
        match value.get_ref() {
            DeValue::Table(_) if name != "encoder_options" && !name.ends_with(".encoder_options") => {
                inner(&name, value)
            }
            DeValue::Array(all) if is_array_of_tables(value.get_ref()) => {
                let mut numbered = (1..).zip(all.iter());
                numbered.find_map(|(number, one)| inner(&format!("{name}.{number}"), one))
            }
            _ => covers(key.span().start, value.span().end).then_some(name),
        }
    })
}

/// Changes the presets, each a table of changes; null removes one.
fn presets(
    document: &mut DocumentMut,
    wanted: &mut Map<String, Value>,
    value: &Value,
) -> Result<(), Mistake> {
    let Value::Object(changes) = value else {
        return Err(Mistake::of("presets", "presets are an object: names, each with its settings or null"));
    };
    let all = document.entry("presets").or_insert_with(|| {
        let mut table = Table::new();
        table.set_implicit(true);
        Item::Table(table)
    });
    let Some(all) = all.as_table_like_mut() else {
        return Err(Mistake::of("presets", in_hand("presets are no table")));
    };
    let mut now = wanted.remove("presets").and_then(object).unwrap_or_default();
    let mut kept = String::new();
    for (name, change) in changes {
        let place = format!("presets.{name}");
        if change.is_null() {
            kept += &all.get(name).and_then(Item::as_table).map(keep_above_table).unwrap_or_default();
            all.remove(name);
            now.remove(name);
        } else {
            part_of(all, &mut now, &place, name, change, &OF_JOB)?;
        }
    }
    if !now.is_empty() {
        wanted.insert("presets".to_owned(), Value::Object(now));
    } else if all.is_empty() {
        document.remove("presets");
    }
    comments::put_at_end(document, &kept);
    Ok(())
}

/// Changes a table of the file; null removes it.
fn table(
    document: &mut DocumentMut,
    wanted: &mut Map<String, Value>,
    key: &str,
    value: &Value,
    names: &[&str],
) -> Result<(), Mistake> {
    if value.is_null() {
        let kept = document.get(key).and_then(Item::as_table).map(keep_above_table).unwrap_or_default();
        document.remove(key);
        wanted.remove(key);
        comments::put_at_end(document, &kept);
        return Ok(());
    }
    part_of(document.as_table_mut(), wanted, key, key, value, names)
}

/// Makes changes in a table inside of another, which is made where it is missing.
fn part_of(
    parent: &mut dyn TableLike,
    wanted: &mut Map<String, Value>,
    place: &str,
    name: &str,
    value: &Value,
    names: &[&str],
) -> Result<(), Mistake> {
    let Value::Object(changes) = value else {
        return Err(Mistake::of(place, format!("{place} is an object of settings, or null")));
    };
    let item = parent.entry(name).or_insert_with(|| Item::Table(Table::new()));
    let Some(inner) = item.as_table_like_mut() else {
        return Err(Mistake::of(place, in_hand(&format!("{place} is no table"))));
    };
    let mut now = wanted.remove(name).and_then(object).unwrap_or_default();
    let mut kept = String::new();
    for (key, value) in in_order(changes, names) {
        kept += &set(inner, &mut now, &format!("{place}."), key, value, names)?;
    }
    if let Some(table) = item.as_table_mut().filter(|_| !kept.is_empty()) {
        comments::put_below_head(table, &kept);
    }
    wanted.insert(name.to_owned(), Value::Object(now));
    Ok(())
}

/// Changes in the order of the names, those first that set something: a comment above what is unset finds its place beside them.
fn in_order<'a>(changes: &'a Map<String, Value>, names: &[&str]) -> Vec<(&'a String, &'a Value)> {
    let mut all: Vec<_> = changes.iter().collect();
    all.sort_by_key(|(key, value)| (value.is_null(), names.iter().position(|name| name == key)));
    all
}

/// Sets a key of a table, or lets it be unset; gives comments that found no place.
fn set(
    table: &mut dyn TableLike,
    state: &mut Map<String, Value>,
    place: &str,
    key: &str,
    value: &Value,
    names: &[&str],
) -> Result<String, Mistake> {
    let name = format!("{place}{key}");
    if !names.contains(&key) {
        return Err(Mistake::of(&name, unknown_among(place, key, names)));
    }
    if value.is_null() {
        state.remove(key);
        return Ok(remove(table, key));
    }
    if state.get(key) == Some(value) {
        return Ok(String::new());
    }
    let new = toml_value(value).ok_or_else(|| {
        Mistake::of(&name, format!("{name} = {value} cannot be: it has no place in upscaled.toml"))
    })?;
    match table.get_mut(key) {
        Some(Item::Value(old)) => {
            let decor = old.decor().clone();
            *old = new;
            *old.decor_mut() = decor;
        }
        Some(item) => *item = Item::Value(new),
        None => {
            table.insert(key, Item::Value(new));
        }
    }
    state.insert(key.to_owned(), value.clone());
    Ok(String::new())
}

/// A value as TOML has it; `None` for one that it has not.
fn toml_value(value: &Value) -> Option<toml_edit::Value> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(is_on) => (*is_on).into(),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => whole.into(),
            None => number.as_f64().filter(|_| !number.is_u64())?.into(),
        },
        Value::String(text) => text.as_str().into(),
        Value::Array(values) => values.iter().map(toml_value).collect::<Option<Array>>()?.into(),
        Value::Object(entries) => {
            let entries = entries.iter().map(|(key, value)| Some((key.as_str(), toml_value(value)?)));
            entries.collect::<Option<InlineTable>>()?.into()
        }
    })
}

fn object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(entries) => Some(entries),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
