//! Changes of the lists of tables in `upscaled.toml`: the folders and the webhooks.

use serde_json::{Map, Value};
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table};

use super::super::file::OF_JOB;
use super::super::tables::OF_FOLDER;
use super::super::webhooks::OF_WEBHOOK;
use super::super::wish::Mistake;
use super::comments::{self, keep_above_table};
use super::{in_hand, in_order, object, set};

/// The number, from 0 on, that a table of a change has in the file; one without is new.
pub(crate) const WAS: &str = "was";

/// What a change does not say of the table at a place, given what that has in the file.
type Complete = fn(&str, &mut Map<String, Value>, &Map<String, Value>) -> Result<(), Mistake>;

/// A list of tables.
struct List<'a> {
    key: &'a str,
    /// What each may have.
    names: Vec<&'a str>,
    /// Fills up what a change leaves out of a table, from what that has in the file.
    complete: Complete,
}

/// Changes the list of folders.
pub(super) fn folders(
    document: &mut DocumentMut,
    wanted: &mut Map<String, Value>,
    value: &Value,
) -> Result<(), Mistake> {
    let names = OF_FOLDER.iter().map(|(name, _)| *name).chain(OF_JOB).collect();
    let complete = |_: &str, entry: &mut Map<String, Value>, before: &Map<String, Value>| {
        whole(entry, before);
        Ok(())
    };
    List { key: "folders", names, complete }.change(document, wanted, value)
}

/// Changes the list of webhooks.
pub(super) fn webhooks(
    document: &mut DocumentMut,
    wanted: &mut Map<String, Value>,
    value: &Value,
) -> Result<(), Mistake> {
    let names = OF_WEBHOOK.iter().map(|(name, _)| *name).collect();
    List { key: "webhooks", names, complete: with_secrets }.change(document, wanted, value)
}

/// A table is given whole: what is left out is not set.
fn whole(entry: &mut Map<String, Value>, before: &Map<String, Value>) {
    for key in before.keys() {
        entry.entry(key).or_insert(Value::Null);
    }
}

/// As [`whole`], but for the address and the secret, which are not told: those that are left out or empty stay. A secret does not
/// go to another address unless it is given again.
fn with_secrets(
    place: &str,
    entry: &mut Map<String, Value>,
    before: &Map<String, Value>,
) -> Result<(), Mistake> {
    let wrong = |key: &str, words: &str| Err(Mistake::of(&format!("{place}{key}"), words));
    if entry.get("secret_file").is_some_and(|file| !file.is_null()) {
        return wrong(
            "secret_file",
            "a file is named by a person at the machine, in upscaled.toml: give the secret itself",
        );
    }
    let is_empty = |value: &Value| value.as_str().is_some_and(|text| text.trim().is_empty());
    entry.retain(|key, value| !(is_empty(value) && ["url", "secret"].contains(&key.as_str())));
    let url = entry.get("url").filter(|url| !url.is_null()).or(before.get("url"));
    let Some(url) = url.cloned() else {
        return wrong("url", "a webhook needs its address, such as https://example.org/hook");
    };
    let has_secret = ["secret", "secret_file"].iter().any(|key| before.contains_key(*key));
    if has_secret && !entry.contains_key("secret") && before.get("url") != Some(&url) {
        return wrong("secret", "the address is another one: give the secret again, or take it away");
    }
    if let Some(secret) = entry.get("secret").or(before.get("secret")).cloned() {
        entry.insert("secret".to_owned(), secret);
    }
    if let Some(file) = before.get("secret_file").filter(|_| !entry.contains_key("secret")).cloned() {
        entry.insert("secret_file".to_owned(), file);
    }
    entry.insert("url".to_owned(), url);
    whole(entry, before);
    Ok(())
}

impl List<'_> {
    /// Makes the list what a change says. Those tables that were there keep their order, so that their comments stay with them.
    fn change(
        &self,
        document: &mut DocumentMut,
        wanted: &mut Map<String, Value>,
        value: &Value,
    ) -> Result<(), Mistake> {
        let Self { key, names, complete } = self;
        let wrong = |words: &str| Mistake::of(key, words);
        let list = match value {
            Value::Null => &[][..],
            Value::Array(list) => list,
            _ => return Err(wrong(&format!("{key} are a list of objects"))),
        };
        let item = document.remove(key).unwrap_or_else(|| Item::ArrayOfTables(ArrayOfTables::new()));
        let Ok(old) = item.into_array_of_tables() else {
            return Err(wrong(&in_hand(&format!("{key} are no tables"))));
        };
        let mut old: Vec<Option<Table>> = old.into_iter().map(Some).collect();
        let before = wanted.remove(*key).and_then(|all| all.as_array().cloned()).unwrap_or_default();
        let (mut made, mut now, mut kept, mut next) = (ArrayOfTables::new(), Vec::new(), String::new(), 0);
        for (number, entry) in (1..).zip(list) {
            let place = format!("{key}.{number}.");
            let Value::Object(entry) = entry else {
                return Err(wrong(&format!("each of {key} is an object")));
            };
            let mut entry = entry.clone();
            let (mut table, mut state) = match place_before(entry.remove(WAS), next) {
                None => (Table::new(), Map::new()),
                Some(at) => {
                    let Some((at, table)) = at.and_then(|at| Some((at, old.get_mut(at)?.take()?))) else {
                        return Err(wrong(&format!(
                            "was is the number, from 0 on, that one of {key} has in the file: each once, in their order"
                        )));
                    };
                    kept += &old[next..at].iter().flatten().map(keep_above_table).collect::<String>();
                    next = at + 1;
                    (table, before.get(at).cloned().and_then(object).unwrap_or_default())
                }
            };
            if !kept.is_empty() {
                comments::put_above_table(&mut table, &std::mem::take(&mut kept));
            }
            complete(&place, &mut entry, &state)?;
            for (key, value) in in_order(&entry, names) {
                set(&mut table, &mut state, &place, key, value, names)?;
            }
            made.push(table);
            now.push(Value::Object(state));
        }
        kept +=
            &old.get(next..).unwrap_or_default().iter().flatten().map(keep_above_table).collect::<String>();
        if !now.is_empty() {
            document.insert(key, Item::ArrayOfTables(made));
            wanted.insert((*key).to_owned(), Value::Array(now));
        }
        comments::put_at_end(document, &kept);
        Ok(())
    }
}

/// Where a table stands in the file, from `next` on; within, nothing where that cannot be. `None` for a new one.
#[expect(clippy::option_option, reason = "that of a new table and that of a wrong number are two things")]
fn place_before(was: Option<Value>, next: usize) -> Option<Option<usize>> {
    let was = was.filter(|was| !was.is_null())?;
    Some(was.as_u64().and_then(|was| usize::try_from(was).ok()).filter(|at| *at >= next))
}
