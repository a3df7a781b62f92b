//! The words that the glossary in `ARCHITECTURE.md` retired are not used any more.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::{Path, PathBuf};

/// Folders whose text is looked through.
const FOLDERS: [&str; 8] = ["crates", "xtask", "docs", "compare", "deploy", "models", "scripts", "."];
/// Kinds of files that hold text.
const KINDS: [&str; 7] = ["rs", "md", "toml", "py", "sh", "service", "txt"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The retired words: what stands in backquotes in the last column of the glossary.
fn retired(architecture: &str) -> Vec<String> {
    let (_, glossary) = architecture.split_once("\n## Glossary\n").unwrap();
    let rows =
        glossary.lines().take_while(|line| !line.starts_with("## ")).filter(|line| line.starts_with("| "));
    let last = rows.filter_map(|row| row.trim_end_matches('|').rsplit('|').next());
    last.flat_map(|cell| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// True where a word stands in a text as a whole; one in small letters at the beginning of a sentence, too.
fn has_word(text: &str, word: &str) -> bool {
    let lower = text.to_lowercase();
    let text = if word.chars().any(char::is_uppercase) { text } else { &lower };
    let is_part =
        |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    text.match_indices(word).any(|(at, _)| {
        !is_part(text[..at].chars().next_back()) && !is_part(text[at + word.len()..].chars().next())
    })
}

/// All files with text in a folder, and below it unless it is the root.
fn files(folder: &Path, is_root: bool, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        if path.is_dir()
            && !is_root
            && !is_hidden
            && !path.ends_with("target")
            && !path.ends_with("migrations")
        {
            files(&path, false, found);
        }
        let kind = path.extension().and_then(|kind| kind.to_str());
        if path.is_file() && kind.is_some_and(|kind| KINDS.contains(&kind)) {
            found.push(path);
        }
    }
}

#[test]
fn retired_words_are_not_used() {
    let root = root();
    let architecture = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let retired = retired(&architecture);
    assert!(retired.len() > 20, "{retired:?}");
    let mut found = Vec::new();
    for folder in FOLDERS {
        files(&root.join(folder), folder == ".", &mut found);
    }
    assert!(found.len() > 300, "{} files", found.len());
    let mut hits = Vec::new();
    for path in found {
        // What is told of earlier versions, and what is named as retired.
        if path.ends_with("CHANGELOG.md") {
            continue;
        }
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let text = if path.ends_with("ARCHITECTURE.md") { without_glossary(&text) } else { text };
        for (number, line) in text.lines().enumerate() {
            let words = retired.iter().filter(|word| has_word(line, word));
            hits.extend(words.map(|word| format!("{}:{}: {word}", path.display(), number + 1)));
        }
    }
    assert!(hits.is_empty(), "{} hits:\n{}", hits.len(), hits.join("\n"));
}

fn without_glossary(text: &str) -> String {
    let (before, glossary) = text.split_once("\n## Glossary\n").unwrap();
    let after = glossary.find("\n## ").map_or("", |at| &glossary[at..]);
    format!("{before}{after}")
}

#[test]
fn words_are_found_as_a_whole() {
    let text = "a b\n## Glossary\n\n| term | what | not |\n|---|---|---|\n| x | `no` | `Bad`, `old word` |\n| y | z | |\n\n## On disk\n";
    assert_eq!(retired(text), ["Bad", "old word"]);
    assert_eq!(without_glossary(text), "a b\n## On disk\n");
    assert!(has_word("struct Bad;", "Bad") && has_word("Old word.", "old word"));
    assert!(!has_word("Badly, TooBad, my_Bad", "Bad"));
}
