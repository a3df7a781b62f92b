//! The names of files that clients choose: plain ones only.

/// The longest name that file systems take, in bytes.
const LONGEST: usize = 255;

/// Characters that change the direction of the text around them, so that a name shows as another.
const DIRECTIONS: [std::ops::RangeInclusive<char>; 3] =
    ['\u{200E}'..='\u{200F}', '\u{202A}'..='\u{202E}', '\u{2066}'..='\u{2069}'];

/// What is wrong with a name; `None` for one that a file may have.
pub(super) fn fault(name: &str) -> Option<&'static str> {
    let is_hidden = |c: char| c.is_control() || DIRECTIONS.iter().any(|range| range.contains(&c));
    if name.trim().is_empty() {
        Some("it is empty")
    } else if name.len() > LONGEST {
        Some("it has more than 255 bytes")
    } else if name.contains(['/', '\\']) {
        Some("it names a folder")
    } else if name.starts_with('.') {
        Some("it begins with a dot")
    } else if name.contains(is_hidden) {
        Some("it has characters that cannot be seen")
    } else {
        None
    }
}

/// The name itself, or with a number where it is not the first of its kind: `film (2).mkv`.
pub(super) fn numbered(name: &str, number: u32) -> String {
    if number < 2 {
        return name.to_owned();
    }
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) => (stem, format!(".{extension}")),
        None => (name, String::new()),
    };
    let mark = format!(" ({number})");
    // Where there is no room for the number, the name gives way, and an endless extension with it.
    let room = LONGEST.saturating_sub(mark.len() + extension.len());
    if room == 0 {
        cut(name, LONGEST - mark.len()).to_owned() + &mark
    } else {
        cut(stem, room).to_owned() + &mark + &extension
    }
}

/// The beginning of a text in at most so many bytes.
fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_are_taken_and_others_refused() {
        let longest = "x".repeat(LONGEST);
        for name in [
            "film.mkv",
            "ü 映画.mp4",
            "a..b",
            "-dash",
            "con",
            "C:film.mkv",
            "~x",
            "'\"$(id)`",
            "%2e%2e%2f",
            &longest,
        ] {
            assert_eq!(fault(name), None, "{name}");
        }
        let too_long = "x".repeat(LONGEST + 1);
        for name in [
            "",
            " ",
            ".",
            "..",
            ".hidden",
            "a/b",
            "/etc/passwd",
            "..\\x",
            "a\0b",
            "a\nb",
            "\u{7f}",
            "\u{85}",
            "a\u{202E}vkm.exe",
            &too_long,
        ] {
            assert!(fault(name).is_some(), "{name:?}");
        }
    }

    #[test]
    fn numbers_stand_before_the_extension_and_fit() {
        assert_eq!(numbered("film.mkv", 1), "film.mkv");
        assert_eq!(numbered("film.mkv", 2), "film (2).mkv");
        assert_eq!(numbered("film", 3), "film (3)");
        assert_eq!(numbered("a.b.mkv", 12), "a.b (12).mkv");
        for name in ["ü".repeat(125) + ".mkv", "x".repeat(255), "x.".to_owned() + &"y".repeat(253)] {
            let numbered = numbered(&name, 1000);
            assert!(numbered.len() <= LONGEST && numbered.contains(" (1000)"), "{numbered}");
            assert_eq!(fault(&numbered), None);
        }
    }
}
