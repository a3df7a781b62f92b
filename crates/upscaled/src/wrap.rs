//! Texts in the columns of a terminal: what has no room goes on in the next line.

use unicode_width::UnicodeWidthChar as _;

use crate::output::{self, width};
use crate::terminal;

/// Columns between two columns of a table.
pub(crate) const GAP: usize = 2;
/// The least that a text has of a line, however narrow the terminal is.
const LEAST: usize = 16;

/// A text in lines of so many columns at most, broken at its spaces; a word that is longer is broken where it must be. Without
/// columns, it is one line. One line at least.
pub(crate) fn wrap(text: &str, columns: Option<usize>) -> Vec<String> {
    let columns = columns.map_or(usize::MAX, |columns| columns.max(LEAST));
    let (mut lines, mut line, mut taken) = (Vec::new(), String::new(), 0);
    for word in text.split(' ') {
        let wide = width(word);
        if taken > 0 && taken + 1 + wide > columns {
            lines.push(std::mem::take(&mut line));
            taken = 0;
        }
        if !line.is_empty() {
            line.push(' ');
            taken += 1;
        }
        for c in word.chars() {
            let wide = c.width().unwrap_or(0);
            if taken + wide > columns {
                lines.push(std::mem::take(&mut line));
                taken = 0;
            }
            line.push(c);
            taken += wide;
        }
    }
    lines.push(line);
    lines
}

/// Says a sentence to people, in lines that fit their terminal.
pub(crate) fn say(text: &str) {
    for line in wrap(text, terminal::columns(&std::io::stderr())) {
        output::say(&line);
    }
}

/// A text behind a head, which has so many columns; what has no room goes on below the beginning of the text.
pub(crate) fn hang(head: &str, text: &str, columns: Option<usize>) -> Vec<String> {
    let indent = width(head);
    let lines = wrap(text, columns.map(|columns| columns.saturating_sub(indent)));
    let begins = |number| if number == 0 { head.to_owned() } else { " ".repeat(indent) };
    lines.into_iter().enumerate().map(|(number, line)| begins(number) + &line).collect()
}

/// A text behind a line, where it has room; else below it, under its column `indent`.
pub(crate) fn beside(line: &str, text: &str, indent: usize, columns: Option<usize>) -> Vec<String> {
    if text.is_empty() {
        return vec![line.trim_end().to_owned()];
    }
    if columns.is_none_or(|columns| width(line) + GAP + width(text) <= columns) {
        return vec![format!("{line}  {text}")];
    }
    let below = hang(&" ".repeat(indent), text, columns);
    std::iter::once(line.trim_end().to_owned()).chain(below).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_broken_at_spaces_and_words_where_they_must_be() {
        assert_eq!(wrap("one two three four five", Some(16)), ["one two three", "four five"]);
        assert_eq!(wrap("", Some(16)), [""]);
        assert_eq!(wrap("a b", None), ["a b"]);
        assert_eq!(
            wrap("in /srv/video/input/film.mkv it is", Some(16)),
            ["in", "/srv/video/input", "/film.mkv it is"]
        );
        // Each of these takes two columns.
        assert_eq!(wrap("日本語日本語日本語", Some(16)), ["日本語日本語日本", "語"]);
        assert_eq!(hang("name  ", "one two three four", Some(22)), ["name  one two three", "      four"]);
    }

    #[test]
    fn no_line_is_wider_and_no_word_is_lost() {
        let text = "the file ends  in the middle of /srv/video/input/日本語の映画/a-name-that-is-long.mkv: copy it again";
        for columns in 16..120 {
            for lines in [
                wrap(text, Some(columns)),
                hang("a  ", text, Some(columns + 3)),
                beside("a", text, 4, Some(columns + 4)),
            ] {
                assert!(lines.iter().all(|line| width(line) <= columns + 4), "{columns}: {lines:?}");
                let all: String = lines.concat().split(' ').collect();
                assert!(all.ends_with(&text.split(' ').collect::<String>()), "{columns}: {lines:?}");
            }
        }
    }
}
