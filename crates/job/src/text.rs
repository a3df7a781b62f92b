//! Text from workers and files, which may be made to look like something else.

/// A text that stays on its line, cannot steer a terminal, and is shown in the order in which it is written: control
/// characters, those that turn the direction of text, and line separators are shown as escapes.
pub fn one_line(text: &str) -> String {
    text.chars().flat_map(|c| if steers(c) { c.escape_default().collect() } else { vec![c] }).collect()
}

/// As [`one_line`], of the first `most` characters; an ellipsis stands where more were cut off.
pub fn cut_line(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => one_line(text),
        Some((end, _)) => one_line(&text[..end]) + "…",
    }
}

fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_does_not_turn_the_text_around_it() {
        for c in "\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}\u{200e}\u{200f}\u{61c}\u{2028}\u{2029}".chars() {
            let escaped = format!("a\\u{{{:x}}}4pm.mp4", u32::from(c));
            assert_eq!(one_line(&format!("a{c}4pm.mp4")), escaped);
        }
        assert_eq!(one_line("שלום عربي 日本"), "שלום عربي 日本");
        assert_eq!(one_line("a\nb\u{1b}[2J\r"), "a\\nb\\u{1b}[2J\\r");
    }

    #[test]
    fn long_texts_are_cut_and_cleaning_twice_changes_nothing() {
        assert_eq!(cut_line("日本語", 3), "日本語");
        assert_eq!(cut_line("日本語\n", 2), "日本…");
        let once = cut_line("a\n\u{202e}b", 9);
        assert_eq!(cut_line(&once, 99), once);
    }
}
