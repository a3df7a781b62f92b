//! The tables `[[webhooks]]` of `upscaled.toml`: who is told what happens to jobs.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use webhooks::{Address, Event, Format, Hook, HookSecret, NAMES};

use super::entry::{Entry, parsed};
use super::file::{Key, Mistake, Place, Written, line_of, nearest, read};
use super::listening::Listening;
use crate::exit::wrong;
use crate::root::Root;

/// What a table may have.
pub(super) const OF_WEBHOOK: [Key; 7] = [
    ("url", "\"https://example.org/hook\""),
    ("events", "[\"done\", \"failed\"]"),
    ("format", "\"json\""),
    ("secret", "\"a long text that others cannot guess\""),
    ("secret_file", "\"webhook.secret\""),
    ("allow_private", "true"),
    ("page", "\"https://films.example.org\""),
];
/// Most hooks.
const MOST: usize = 16;
/// The largest file with a secret.
const LARGEST_SECRET: u64 = 4096;

/// A hook as the file has it.
#[derive(Debug, Clone)]
pub(super) struct HookTable {
    hook: Hook,
    secret_file: Option<String>,
    /// The values as they are written, without what is secret in them, each with its line.
    pub(super) written: Written,
}

/// The hooks, from the file where that exists.
///
/// # Errors
/// When the file has a mistake, or a secret cannot be read.
pub(crate) fn webhooks(root: &Root, listening: &Listening) -> anyhow::Result<Vec<Hook>> {
    let path = root.settings_file();
    let reached =
        listening.addresses.iter().find(|address| !address.ip().is_unspecified() && address.port() != 0);
    let page = reached.map(|address| format!("http://{address}"));
    let hook = |HookTable { mut hook, secret_file, written }: HookTable| {
        if let Some(name) = secret_file {
            let line = written.get("secret_file").map_or(1, |(_, line)| *line);
            let secret = secret(&root.folder().join(&name));
            hook.secret = Some(secret.map_err(|why| {
                wrong(format!(
                    "`{}`, line {line}: webhooks.secret_file = \"{name}\" cannot be: {why}",
                    path.display()
                ))
            })?);
        }
        hook.page = hook.page.or_else(|| page.clone());
        Ok(hook)
    };
    read(&path)?.webhooks.into_iter().map(hook).collect()
}

/// The hooks that a file has, as far as they are told: without secrets, and without the paths of addresses, which may be such.
pub(crate) fn shown_webhooks(file: &Map<String, Value>) -> Vec<server::Webhook> {
    let hook = |hook: &Value| {
        let text = |key: &str| hook.get(key).and_then(Value::as_str).map(ToOwned::to_owned);
        let events = hook.get("events").and_then(Value::as_array);
        server::Webhook {
            url: text("url").and_then(|url| url.parse::<Address>().ok()).map(|url| url.to_string()),
            events: events
                .map(|names| names.iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect()),
            format: text("format"),
            has_secret: hook.get("secret").is_some(),
            secret_file: text("secret_file"),
            allow_private: hook.get("allow_private").and_then(Value::as_bool),
            page: text("page"),
        }
    };
    file.get("webhooks").and_then(Value::as_array).into_iter().flatten().map(hook).collect()
}

/// The secret in a file, without the end of its line.
fn secret(path: &Path) -> Result<HookSecret, String> {
    let bytes = storage::read_users_file(path, LARGEST_SECRET).map_err(|error| error.to_string())?;
    let bytes = bytes.ok_or_else(|| "there is no such file".to_owned())?;
    let text = String::from_utf8(bytes).map_err(|_| "it is no text".to_owned())?;
    of_text(text.trim_end_matches(['\r', '\n']))
}

fn of_text(text: &str) -> Result<HookSecret, String> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        return Err("a secret is a line of letters, numbers and signs of ASCII".to_owned());
    }
    Ok(HookSecret::new(text.to_owned()))
}

/// The hooks in their order.
pub(super) fn tables(text: &str, value: &Spanned<DeValue<'_>>) -> Result<Vec<HookTable>, Mistake> {
    let at = |line: usize, words: &str| Mistake { line, words: words.to_owned() };
    let expected = || {
        let words = "webhooks are tables: write [[webhooks]] for each, and url = \"https://example.org/hook\" below it";
        at(line_of(text, value.span().start), words)
    };
    let tables = value.get_ref().as_array().ok_or_else(expected)?;
    let (mut hooks, mut known) = (Vec::new(), HashSet::new());
    for found in tables {
        let mut table =
            table(text, found.get_ref().as_table().ok_or_else(expected)?, line_of(text, found.span().start))?;
        let line = table.written.get("url").map_or(1, |(_, line)| *line);
        if !known.insert((table.hook.url.clone(), table.hook.format)) {
            return Err(at(line, "webhooks.url stands there twice: put all its events into one webhook"));
        }
        table.hook.number = hooks.len() + 1;
        if hooks.len() == MOST {
            return Err(at(line, &format!("there are more than {MOST} webhooks")));
        }
        hooks.push(table);
    }
    Ok(hooks)
}

fn table(text: &str, table: &DeTable<'_>, begins: usize) -> Result<HookTable, Mistake> {
    let place = Place { text, name: "webhooks.", keys: &OF_WEBHOOK };
    let (mut url, mut events, mut format) =
        (None, BTreeSet::from([Event::DONE, Event::FAILED]), Format::Json);
    let (mut secret, mut secret_file, mut allow_private, mut page) = (None, None, false, None);
    let mut written = place.read(table.iter().collect(), |entry| {
        // What is wrong with a secret is said without it.
        let hidden = Entry { raw: "…", ..*entry };
        match entry.name {
            "url" => url = Some(hidden.text(parsed::<Address>)?),
            "events" => events = entry.texts(event)?.into_iter().collect(),
            "format" => format = entry.text(form)?,
            "secret" => secret = Some(hidden.text(of_text)?),
            "secret_file" => secret_file = Some(entry.text(|text| Ok(text.to_owned()))?),
            "allow_private" => allow_private = entry.flag()?,
            _ => page = Some(entry.text(page_address)?),
        }
        Ok(())
    })?;
    let line = |key: &str| written.get(key).map_or(begins, |(_, line)| *line);
    let mistake = |key: &str, words: &str| Mistake { line: line(key), words: words.to_owned() };
    let Some(url) = url else {
        return Err(mistake("url", "a webhook needs its address: write url = \"https://example.org/hook\""));
    };
    if format == Format::Ntfy && !url.has_path() {
        return Err(mistake(
            "url",
            "webhooks.url names no topic of ntfy: write url = \"https://ntfy.sh/TOPIC\"",
        ));
    }
    if events.is_empty() {
        return Err(mistake("events", "webhooks.events names none: leave it out for done and failed"));
    }
    if secret.is_some() && secret_file.is_some() {
        return Err(mistake(
            "secret_file",
            "webhooks.secret and webhooks.secret_file are both set: keep one",
        ));
    }
    for (key, shown) in [("url", format!("\"{url}\"")), ("secret", "set".to_owned())] {
        if let Some((value, _)) = written.get_mut(key) {
            *value = shown;
        }
    }
    // The place in the list is known where that is read.
    let hook = Hook { number: 0, url, events, secret, format, allow_private, page };
    Ok(HookTable { hook, secret_file, written })
}

fn event(name: &str) -> Result<Event, String> {
    name.parse().map_err(|words| match nearest(name, NAMES.into_iter()) {
        Some(like) => format!("there is no event `{name}`: did you mean `{like}`?"),
        None => words,
    })
}

fn form(name: &str) -> Result<Format, String> {
    match name {
        "json" => Ok(Format::Json),
        "ntfy" => Ok(Format::Ntfy),
        _ => Err("choose json or ntfy".to_owned()),
    }
}

/// Where people find the page, without a slash at its end.
fn page_address(text: &str) -> Result<String, String> {
    parsed::<Address>(text)?;
    Ok(text.trim().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::file::parse;
    use super::*;

    #[test]
    fn hooks_are_read_and_shown_without_their_secrets() {
        let text = "[[webhooks]]\nurl = \"https://example.org/a/topic\"\nsecret = \"correct horse\"\n\
            [[webhooks]]\nurl = \"http://10.0.0.2:80/films\"\nformat = \"ntfy\"\nevents = [\"paused\", \"waiting for space\"]\nallow_private = true\n";
        let hooks = parse(text).unwrap().webhooks;
        let [one, two] = &hooks[..] else { panic!("{hooks:?}") };
        assert_eq!(one.hook.events, BTreeSet::from([Event::DONE, Event::FAILED]));
        assert_eq!((one.hook.format, one.hook.allow_private), (Format::Json, false));
        assert_eq!((two.hook.format, two.hook.allow_private, two.hook.events.len()), (Format::Ntfy, true, 2));
        assert_eq!(one.written["url"].0, "\"https://example.org/…\"");
        let shown = format!("{hooks:?}");
        assert!(!shown.contains("horse") && !shown.contains("topic"), "{shown}");
    }

    #[test]
    fn mistakes_are_said_without_secrets() {
        let with = |line: &str| format!("[[webhooks]]\nurl = \"https://a.org/\"\n{line}");
        for (text, line, words) in [
            ("[[webhooks]]\nformat = \"json\"".to_owned(), 1, "a webhook needs its address"),
            ("webhooks = 3".to_owned(), 1, "write [[webhooks]] for each"),
            ("[webhooks]\nurl = \"https://a.org/\"".to_owned(), 1, "write [[webhooks]] for each"),
            (
                "[[webhooks]]\nurl = \"ftp://me:hidden@a.org\"".to_owned(),
                2,
                "webhooks.url = … cannot be: it must begin with https://",
            ),
            (
                with("event = [\"done\"]"),
                3,
                "there is no setting `webhooks.event`: did you mean `webhooks.events`?",
            ),
            (with("events = [\"fail\"]"), 3, "there is no event `fail`: did you mean `failed`?"),
            (with("events = [\"moved\"]"), 3, "there is no event `moved`"),
            (with("events = []"), 3, "names none"),
            (with("format = \"slack\""), 3, "choose json or ntfy"),
            (with("format = \"ntfy\""), 2, "names no topic of ntfy"),
            (with("secret = [\"hidden\"]"), 3, "webhooks.secret = … cannot be: one text in quotes"),
            (with("secret = \"hidden\\n\""), 3, "webhooks.secret = … cannot be: a secret is a line"),
            (with("secret = \"hidden\"\nsecret_file = \"x\""), 4, "keep one"),
            (with("allow_private = 1"), 3, "write true or false"),
            (with("[[webhooks]]\nurl = \"https://a.org/\""), 4, "stands there twice"),
        ] {
            let mistake = parse(&text).unwrap_err();
            assert!(mistake.words.contains(words) && mistake.line == line, "{text}: {mistake:?}");
            assert!(!mistake.words.contains("hidden"), "{mistake:?}");
        }
    }

    #[test]
    fn a_secret_is_the_line_of_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::new(folder.path()).unwrap();
        std::fs::write(
            root.settings_file(),
            "[[webhooks]]\nurl = \"https://a.org/\"\nsecret_file = \"key\"\n",
        )
        .unwrap();
        let listening = Listening {
            addresses: vec!["[::1]:8100".parse().unwrap()],
            hosts: Vec::new(),
            is_default: false,
        };
        let error = webhooks(&root, &listening).unwrap_err().to_string();
        assert!(error.contains("line 3") && error.contains("there is no such file"), "{error}");
        std::fs::write(folder.path().join("key"), "correct horse\r\n").unwrap();
        let hook = webhooks(&root, &listening).unwrap().remove(0);
        assert_eq!(hook.secret, Some(HookSecret::new("correct horse".to_owned())));
        assert_eq!(hook.page.as_deref(), Some("http://[::1]:8100"));
    }
}
