//! Patterns for names of files and folders: `*` stands for anything, `?` for one character.
//!
//! Names of films are full of brackets, which elsewhere stand for one of several characters: `[Group]*` would pass over every
//! film that begins with a letter of `Group`. So they are refused, and what to write is said.

mod path;

use std::fmt;

pub(crate) use path::Against;
pub use path::{PathPattern, PathPatterns};

/// A pattern for names, such as `*.sample.mkv`, or `Trailers/`, which stands for folders only. Upper and lower case are the
/// same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamePattern {
    written: String,
    text: Vec<char>,
    only_folders: bool,
}

/// Characters that mean different things to different people.
const UNCLEAR: [char; 5] = ['[', ']', '{', '}', '\\'];

/// A pattern that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// No name is like it.
    #[error(
        "the pattern `{0}` can match no name: write a name with * and ?, and a slash at the end for folders only"
    )]
    NoName(String),
    /// No path is like it.
    #[error(
        "the pattern `{0}` can match no path: write names with * and ?, with slashes between folders and ** for any number of them, from the watched folder on"
    )]
    NoPath(String),
    /// It has one of the characters that patterns of other programs have.
    #[error(
        "`{character}` in the pattern `{pattern}` is not understood: write ? where such a character stands in names (`{instead}`), and a pattern for each of several names"
    )]
    Unclear {
        /// The pattern.
        pattern: String,
        /// The character.
        character: char,
        /// The pattern with a question mark for each of them.
        instead: String,
    },
}

impl std::str::FromStr for NamePattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let name = text.strip_suffix('/').unwrap_or(text);
        if name.is_empty() || name.contains('/') {
            return Err(PatternError::NoName(text.to_owned()));
        }
        check_clear(text)?;
        Ok(Self { written: text.to_owned(), text: lower(name), only_folders: name.len() < text.len() })
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl NamePattern {
    /// True when the pattern stands for a name.
    pub(crate) fn matches(&self, name: &str, is_folder: bool) -> bool {
        (is_folder || !self.only_folders) && matches(&self.text, &lower(name))
    }
}

/// Refuses what means different things to different people.
fn check_clear(text: &str) -> Result<(), PatternError> {
    let Some(character) = text.chars().find(|c| UNCLEAR.contains(c)) else { return Ok(()) };
    let instead = text.replace(UNCLEAR, "?");
    Err(PatternError::Unclear { pattern: text.to_owned(), character, instead })
}

fn lower(text: &str) -> Vec<char> {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// Goes back to the last `*` only: where a later one is reached, what an earlier one stands for needs no change.
fn matches(pattern: &[char], name: &[char]) -> bool {
    let (mut at, mut seen) = (0, 0);
    let mut star = None;
    while seen < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(&c) if c == '?' || c == name[seen] => {
                at += 1;
                seen += 1;
            }
            _ => match star {
                Some((place, from)) => {
                    star = Some((place, from + 1));
                    (at, seen) = (place + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> NamePattern {
        text.parse().unwrap()
    }

    #[test]
    fn stars_and_question_marks_stand_for_what_is_there() {
        for (text, name, wanted) in [
            ("*.sample.mkv", "a.Sample.MKV", true),
            ("*.sample.mkv", "sample.mkv", false),
            ("*", "", true),
            ("*", "anything", true),
            ("?", "ü", true),
            ("?", "ab", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b-d", false),
            ("*ab", "aab", true),
            ("**a", "bca", true),
            ("film", "film", true),
            ("film", "film2", false),
            ("film?", "film", false),
            ("?group?*", "[Group] Film.mkv", true),
        ] {
            assert_eq!(pattern(text).matches(name, false), wanted, "{text} {name}");
        }
    }

    #[test]
    fn a_slash_at_the_end_means_folders() {
        assert!(pattern("Trailers/").matches("trailers", true));
        assert!(!pattern("Trailers/").matches("trailers", false));
        assert!(pattern("Trailers").matches("trailers", true));
    }

    #[test]
    fn a_pattern_that_matches_no_name_is_a_mistake() {
        for wrong in ["", "/", "a/b", "/a", "a//"] {
            assert!(wrong.parse::<NamePattern>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn brackets_are_refused_and_what_to_write_is_said() {
        for (text, instead) in [
            ("[Group]*", "?Group?*"),
            ("*.{srt,sub}", "*.?srt,sub?"),
            ("a]", "a?"),
            ("a\\*", "a?*"),
            ("{a}/", "?a?/"),
        ] {
            let error = text.parse::<NamePattern>().unwrap_err().to_string();
            assert!(error.contains(&format!("(`{instead}`)")), "{error}");
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        let text = "*a".repeat(1000) + "b";
        assert!(!pattern(&text).matches(&"a".repeat(10_000), false));
    }
}
