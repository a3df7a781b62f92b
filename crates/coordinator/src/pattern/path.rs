//! Patterns for paths below a folder that is watched: which of its files are taken in.

use std::fmt;
use std::path::{Component, Path};
use std::str::FromStr;

use super::{PatternError, check_clear, lower, matches};

/// A pattern for paths, such as `*.mkv`, `Extras/`, `Series/**` or `Films/*/bonus.*`. Without a slash it stands for names in any
/// folder, with one at its end for folders only and all in them, with one inside for paths from the watched folder on. `*` and
/// `?` stand for characters of one name, `**` for folders in any number. Upper and lower case are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    written: String,
    parts: Vec<Part>,
    only_folders: bool,
}

/// What stands between slashes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// Names in any number.
    Any,
    /// One name.
    Name(Vec<char>),
}

impl FromStr for PathPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        check_clear(text)?;
        let path = text.strip_suffix('/').unwrap_or(text);
        if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(PatternError::NoPath(text.to_owned()));
        }
        let is_anywhere = !path.contains('/');
        let part = |part: &str| if part == "**" { Part::Any } else { Part::Name(lower(part)) };
        let parts = is_anywhere.then_some(Part::Any).into_iter().chain(path.split('/').map(part)).collect();
        Ok(Self { written: text.to_owned(), parts, only_folders: path.len() < text.len() })
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl PathPattern {
    fn is_of(&self, names: &[Vec<char>], is_folder: bool) -> bool {
        (is_folder || !self.only_folders) && leads_to(&self.parts, names)
    }

    /// True for a file of the pattern, and for one in a folder of the pattern.
    fn holds(&self, file: &[Vec<char>]) -> bool {
        let mut folders = (1..file.len()).map(|depth| &file[..depth]);
        self.is_of(file, false) || folders.any(|folder| self.is_of(folder, true))
    }
}

/// True where a pattern stands for these names inside each other. Goes back to the last `**` only, as for a `*` in a name.
fn leads_to(pattern: &[Part], names: &[Vec<char>]) -> bool {
    let (mut at, mut seen) = (0, 0);
    let mut any = None;
    while seen < names.len() {
        match pattern.get(at) {
            Some(Part::Any) => {
                any = Some((at, seen));
                at += 1;
            }
            Some(Part::Name(name)) if matches(name, &names[seen]) => {
                at += 1;
                seen += 1;
            }
            _ => match any {
                Some((place, from)) => {
                    any = Some((place, from + 1));
                    (at, seen) = (place + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|part| *part == Part::Any)
}

/// Which files below a folder are taken in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PathPatterns {
    /// Those that one of these stands for; all where there are none.
    pub include: Vec<PathPattern>,
    /// But for these, and for all in folders that one of these stands for.
    pub exclude: Vec<PathPattern>,
}

/// By what a file or folder is passed over.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Against {
    /// A pattern of `exclude`.
    Excluded(String),
    /// That none of `include` stands for it.
    NotIncluded,
}

impl PathPatterns {
    /// Why a file or folder is passed over, whose path from the watched folder on this is, and the folders above it are not.
    pub(crate) fn against(&self, path: &Path, is_folder: bool) -> Option<Against> {
        if self.include.is_empty() && self.exclude.is_empty() {
            return None;
        }
        let name = |part: Component<'_>| lower(&part.as_os_str().to_string_lossy());
        let names: Vec<Vec<char>> = path.components().map(name).collect();
        if let Some(pattern) = self.exclude.iter().find(|pattern| pattern.is_of(&names, is_folder)) {
            return Some(Against::Excluded(pattern.to_string()));
        }
        // What is wanted may lie in any folder.
        let is_wanted = || self.include.iter().any(|pattern| pattern.holds(&names));
        (!is_folder && !self.include.is_empty() && !is_wanted()).then_some(Against::NotIncluded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(texts: &[&str]) -> Vec<PathPattern> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn files_are_taken_in_by_their_paths() {
        for (include, exclude, path, is_folder, taken) in [
            (&[][..], &[][..], "a.mkv", false, true),
            (&["*.mkv"], &[], "deep/A.MKV", false, true),
            (&["*.mkv"], &[], "deep/a.avi", false, false),
            (&["*.mkv"], &[], "deep", true, true),
            (&["Series/**"], &[], "Series/x/a.mkv", false, true),
            (&["Series/**"], &[], "Films/Series/a.mkv", false, false),
            (&["**/Series/*"], &[], "Films/Series/a.mkv", false, true),
            (&["a/**/b/**/c.mkv"], &[], "a/b/x/b/y/c.mkv", false, true),
            (&["a/**/b/**/c.mkv"], &[], "a/x/y/c.mkv", false, false),
            (&["Series/"], &[], "Films/Series/x/a.mkv", false, true),
            (&["Series/"], &[], "Series", false, false),
            (&["*/a.mkv"], &[], "x/a.mkv", false, true),
            (&["*/a.mkv"], &[], "x/y/a.mkv", false, false),
            (&["?bung/*"], &[], "Übung/a.mkv", false, true),
            (&["übung/*"], &[], "ÜBUNG/a.mkv", false, true),
            (&[], &["Extras/"], "Films/Extras", true, false),
            (&[], &["Extras/"], "Films/Extras", false, true),
            (&["*.mkv"], &["*.trailer.*"], "a.trailer.mkv", false, false),
        ] {
            let patterns = PathPatterns { include: patterns(include), exclude: patterns(exclude) };
            let against = patterns.against(Path::new(path), is_folder);
            assert_eq!(against.is_none(), taken, "{include:?} {exclude:?} {path}: {against:?}");
        }
    }

    #[test]
    fn what_cannot_be_a_pattern_is_refused() {
        for text in ["", "/", "/a", "a//b", "../a", "./a", "[Group]*", "{a,b}", "a\\b"] {
            assert!(text.parse::<PathPattern>().is_err(), "{text}");
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        let pattern: PathPattern = format!("{}b", "**/a/".repeat(100)).parse().unwrap();
        let names = vec![lower("a"); 1000];
        assert!(!pattern.is_of(&names, false));
    }
}
