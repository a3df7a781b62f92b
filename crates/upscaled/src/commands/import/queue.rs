//! `queue.txt` of the Python server: a path or name a line.

/// Most lines that are taken.
pub(super) const MOST_LINES: usize = 100_000;

/// A line that names something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Its number, from 1 on.
    pub(super) number: usize,
    /// What stands there, without blanks around it: in UTF-8, or the bytes of a name in another encoding.
    pub(super) bytes: Vec<u8>,
}

/// The lines of a queue, without blank ones. A comment is one that begins with `#`, unless `is_file` knows a file of that name.
///
/// # Errors
/// When there are too many lines, in words.
pub(super) fn read(bytes: &[u8], is_file: impl Fn(&[u8]) -> bool) -> Result<Vec<Line>, String> {
    let text = in_utf8(bytes);
    let mut lines = Vec::new();
    // Line ends of Windows and of old Macs, too.
    let ends = |byte: &u8| matches!(byte, b'\n' | b'\r');
    let mut number = 0;
    let mut rest = &*text;
    while !rest.is_empty() {
        let end = rest.iter().position(ends).unwrap_or(rest.len());
        let (line, mut after) = rest.split_at(end);
        after = after.strip_prefix(b"\r\n").unwrap_or_else(|| after.get(1..).unwrap_or_default());
        rest = after;
        number += 1;
        let line = line.trim_ascii();
        if line.is_empty() || (line.starts_with(b"#") && !is_file(line)) {
            continue;
        }
        if lines.len() == MOST_LINES {
            return Err(format!(
                "it has more than {MOST_LINES} entries: split it, and import one part after the other"
            ));
        }
        lines.push(Line { number, bytes: line.to_vec() });
    }
    Ok(lines)
}

/// The bytes behind the mark of their encoding; UTF-16, as shells of Windows write it, as UTF-8.
fn in_utf8(bytes: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    let utf_16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units).into_bytes().into()
    };
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => rest.into(),
        [0xff, 0xfe, rest @ ..] => utf_16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf_16(rest, u16::from_be_bytes),
        _ => bytes.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> Vec<(usize, Vec<u8>)> {
        let lines = read(bytes, |name| name == b"#1 hit.mkv").unwrap();
        lines.into_iter().map(|line| (line.number, line.bytes)).collect()
    }

    #[test]
    fn lines_of_all_systems_are_read() {
        let wanted = vec![(2, b"a b.mkv".to_vec()), (4, b"c.mkv".to_vec())];
        for text in [
            "# first\na b.mkv\n\nc.mkv\n",
            "\u{feff}# first\r\n  a b.mkv \r\n\t\r\nc.mkv",
            "#\ra b.mkv\r\rc.mkv",
        ] {
            assert_eq!(lines(text.as_bytes()), wanted, "{text:?}");
        }
        for (mark, bytes) in
            [([0xff, 0xfe], u16::to_le_bytes as fn(u16) -> [u8; 2]), ([0xfe, 0xff], u16::to_be_bytes)]
        {
            let text = "#\r\na b.mkv\r\n\r\nc.mkv\r\n".encode_utf16().flat_map(bytes);
            assert_eq!(lines(&mark.into_iter().chain(text).collect::<Vec<u8>>()), wanted);
        }
    }

    #[test]
    fn bytes_of_other_encodings_stay_as_they_are() {
        assert_eq!(lines(b"Caf\xe9.mkv\n"), [(1, b"Caf\xe9.mkv".to_vec())]);
        assert_eq!(lines(b"\0\x1b[2J\n"), [(1, b"\0\x1b[2J".to_vec())]);
        assert!(lines(b"").is_empty() && lines(b"\xff\xfe").is_empty() && lines(b"\r\n\n").is_empty());
    }

    #[test]
    fn a_name_may_begin_as_a_comment_does() {
        assert_eq!(lines(b"#1 hit.mkv\n#2 hit.mkv\n"), [(1, b"#1 hit.mkv".to_vec())]);
    }

    #[test]
    fn too_many_lines_are_refused() {
        let text = "a\n".repeat(MOST_LINES);
        assert_eq!(read(text.as_bytes(), |_| false).unwrap().len(), MOST_LINES);
        assert!(read(format!("{text}b").as_bytes(), |_| false).unwrap_err().contains("100000"));
    }
}
