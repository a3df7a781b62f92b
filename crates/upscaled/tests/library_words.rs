//! Libraries tell causes and typed remedies; the program alone knows what they are called on its command line.

use std::fs;
use std::path::{Path, PathBuf};

/// The library crates, and the worker, which has no command line for people.
const CRATES: [&str; 12] = [
    "coordinator",
    "engine",
    "frame",
    "job",
    "ledger",
    "media",
    "network",
    "protocol",
    "server",
    "storage",
    "webhooks",
    "worker",
];
/// What names no option of the program: the argument by which the coordinator starts a worker.
const ALLOWED: [&str; 1] = ["--serve"];

/// The string literals of a source file. Comments may name options.
fn literals(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find(['"', '/', '\'']) {
        let (before, here) = rest.split_at(at);
        let hashes = before.len() - before.trim_end_matches('#').len();
        let is_raw = before[..before.len() - hashes].ends_with('r');
        let length = if here.starts_with("//") {
            here.find('\n').unwrap_or(here.len())
        } else if here.starts_with('"') && is_raw {
            let end = format!("\"{}", "#".repeat(hashes));
            let length = here[1..].find(&end).map_or(here.len(), |length| 1 + length + end.len());
            found.push(here[..length].to_owned());
            length
        } else if let Some(inside) = here.strip_prefix('"') {
            let mut is_escaped = false;
            let is_end = |character: char| {
                let ends = character == '"' && !is_escaped;
                is_escaped = character == '\\' && !is_escaped;
                ends
            };
            let length = inside.find(is_end).map_or(here.len(), |length| length + 2);
            found.push(here[..length].to_owned());
            length
        } else if here.starts_with("'\"'") {
            3
        } else if let Some(escaped) = here.strip_prefix("'\\") {
            // A character that is escaped, such as a quotation mark.
            2 + escaped.chars().next().map_or(0, char::len_utf8)
        } else {
            1
        };
        rest = &here[length..];
    }
    found
}

/// The options of a command line that a text names.
fn options(text: &str) -> Vec<&str> {
    let begins = |&(at, _): &(usize, &str)| {
        !text[..at].ends_with('-') && text[at + 2..].starts_with(|c: char| c.is_ascii_lowercase())
    };
    let is_of_word = |character: char| character.is_ascii_lowercase() || character == '-';
    let word = |(at, _)| {
        let rest: &str = &text[at..];
        &rest[..rest.find(|c| !is_of_word(c)).unwrap_or(rest.len())]
    };
    text.match_indices("--").filter(begins).map(word).filter(|option| !ALLOWED.contains(option)).collect()
}

fn sources(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(sources(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(found)
}

#[test]
fn no_library_names_an_option_of_the_command_line() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    for name in CRATES {
        files.extend(sources(&crates.join(name).join("src")).unwrap());
    }
    assert!(files.len() > 200, "{}", files.len());
    let mut named = Vec::new();
    for file in files {
        let source = fs::read_to_string(&file).unwrap();
        for literal in literals(&source) {
            named.extend(options(&literal).into_iter().map(|option| format!("{}: {option}", file.display())));
        }
    }
    assert!(named.is_empty(), "{named:#?}");
}

#[test]
fn options_are_found_in_literals_alone() {
    let source = r#"
        // "choose --one"
        let quote = '"'; let other = '\''; let a: &'static str = "no \" --two, and --three-d";
        let raw = r"a \ --four\"; let rule = "a -- b ---c";
    "#;
    let literals = literals(source);
    let found: Vec<&str> = literals.iter().flat_map(|literal| options(literal)).collect();
    assert_eq!(found, ["--two", "--three-d", "--four"]);
}
