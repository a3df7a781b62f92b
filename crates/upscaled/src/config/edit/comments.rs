//! Comments of what is removed from a file: they go to what comes next.

use toml_edit::{Decor, DocumentMut, Item, Table, TableLike};

/// What stands before something: blank lines and comments.
fn above(decor: &Decor) -> String {
    decor.prefix().and_then(|prefix| prefix.as_str()).unwrap_or_default().to_owned()
}

/// The comment behind a value, on its line.
fn beside(item: &Item) -> Option<String> {
    let behind = item.as_value()?.decor().suffix()?.as_str()?.lines().next()?.trim();
    behind.starts_with('#').then(|| behind.to_owned())
}

/// Removes a key. The comments above it and beside it go to the next one, or behind the one before; gives those for which there is neither.
pub(super) fn remove(table: &mut dyn TableLike, key: &str) -> String {
    let keys: Vec<String> = table.iter().map(|(key, _)| key.to_owned()).collect();
    let at = keys.iter().position(|name| name == key);
    let mut comments = table.key(key).map(|key| above(key.leaf_decor())).unwrap_or_default();
    if let Some(beside) = table.get(key).and_then(beside) {
        comments.push_str(&beside);
        comments.push('\n');
    }
    table.remove(key);
    let Some(at) = at.filter(|_| comments.contains('#')) else { return String::new() };
    let is_value = |table: &dyn TableLike, key: &String| table.get(key).is_some_and(Item::is_value);
    if let Some(next) = keys.get(at + 1).filter(|key| is_value(table, key)) {
        if let Some(mut next) = table.key_mut(next) {
            let before = above(next.leaf_decor());
            next.leaf_decor_mut().set_prefix(comments + &before);
        }
        return String::new();
    }
    let before = keys.get(..at).unwrap_or_default().iter().rev().find(|key| is_value(table, key));
    if let Some(value) = before.and_then(|key| table.get_mut(key)?.as_value_mut()) {
        let decor = value.decor_mut();
        let suffix = decor.suffix().and_then(|suffix| suffix.as_str()).unwrap_or_default().to_owned();
        decor.set_suffix(format!("{suffix}\n{}", comments.trim_end_matches('\n')));
        return String::new();
    }
    let first =
        keys.iter().filter(|name| *name != key).find_map(|key| first_table(table.get(key)?).map(|_| key));
    if let Some(next) = first.cloned().and_then(|key| table.get_mut(&key)).and_then(first_table_mut) {
        put_above_table(next, &comments);
        return String::new();
    }
    comments
}

fn first_table(item: &Item) -> Option<&Table> {
    item.as_table().or_else(|| item.as_array_of_tables()?.get(0))
}

fn first_table_mut(item: &mut Item) -> Option<&mut Table> {
    match item {
        Item::Table(table) => Some(table),
        Item::ArrayOfTables(tables) => tables.get_mut(0),
        _ => None,
    }
}

/// The comments above a table that are not about it alone: those before a blank line.
pub(super) fn keep_above_table(table: &Table) -> String {
    let comments = above(table.decor());
    let kept = comments.rfind("\n\n").map(|at| &comments[..=at]).unwrap_or_default();
    if kept.contains('#') { kept.to_owned() } else { String::new() }
}

/// Puts comments above a table.
pub(super) fn put_above_table(table: &mut Table, comments: &str) {
    let before = if table.decor().prefix().is_some() { above(table.decor()) } else { "\n".to_owned() };
    table.decor_mut().set_prefix(format!("{comments}{before}"));
}

/// Puts comments below the head of a table that has no values.
pub(super) fn put_below_head(table: &mut Table, comments: &str) {
    let decor = table.decor_mut();
    let suffix = decor.suffix().and_then(|suffix| suffix.as_str()).unwrap_or_default().to_owned();
    decor.set_suffix(format!("{suffix}\n{}", comments.trim_end_matches('\n')));
}

/// Puts comments at the end of the file.
pub(super) fn put_at_end(document: &mut DocumentMut, comments: &str) {
    if !comments.is_empty() {
        let before = document.trailing().as_str().unwrap_or_default().to_owned();
        document.set_trailing(format!("{comments}{before}"));
    }
}
