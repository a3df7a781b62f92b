//! Which of many files is looked into first.
//!
//! The newest first, since who drops a film beside a thousand others waits for that one. What came together goes by name,
//! though: the times of a copied folder say in which order it was copied, and people want the second episode before the tenth.

use std::cmp::{Ordering, Reverse};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// Files whose times lie so far apart at most, each from the next, came together.
const TOGETHER_NS: i64 = 60_000_000_000;

/// Brings files into the order in which they are looked into; `file` gives the time in nanoseconds and the path of one.
pub(super) fn sort<T>(files: &mut [T], file: impl Fn(&T) -> (i64, &Path)) {
    files.sort_by_key(|one| Reverse(file(one).0));
    let together = |one: &T, other: &T| file(one).0.saturating_sub(file(other).0) <= TOGETHER_NS;
    for batch in files.chunk_by_mut(together) {
        batch.sort_by(|one, other| by_name(file(one).1, file(other).1));
    }
}

/// Brings what has paths into the order of these.
pub(super) fn sort_by_name<T>(all: &mut [T], path: impl Fn(&T) -> &Path) {
    all.sort_by(|one, other| by_name(path(one), path(other)));
}

/// Compares paths as people read them: part by part, numbers by their values, upper and lower case being the same.
pub(crate) fn by_name(one: &Path, other: &Path) -> Ordering {
    let mut pairs = one.components().zip(other.components());
    let first = pairs.find_map(|(one, other)| {
        let order = part_by_name(one.as_os_str().as_bytes(), other.as_os_str().as_bytes());
        order.is_ne().then_some(order)
    });
    let by_length = || one.components().count().cmp(&other.components().count());
    first.unwrap_or_else(by_length).then_with(|| one.cmp(other))
}

fn part_by_name(mut one: &[u8], mut other: &[u8]) -> Ordering {
    loop {
        let (number, other_number) = (digits(one), digits(other));
        let order = if number.is_empty() || other_number.is_empty() {
            match (one, other) {
                ([a, rest @ ..], [b, other_rest @ ..]) => {
                    (one, other) = (rest, other_rest);
                    a.to_ascii_lowercase().cmp(&b.to_ascii_lowercase())
                }
                _ => return one.len().cmp(&other.len()),
            }
        } else {
            (one, other) = (&one[number.len()..], &other[other_number.len()..]);
            let (number, other_number) = (without_zeros(number), without_zeros(other_number));
            number.len().cmp(&other_number.len()).then_with(|| number.cmp(other_number))
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// The number that a text begins with.
fn digits(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| !byte.is_ascii_digit());
    &text[..end.unwrap_or(text.len())]
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|&&digit| digit == b'0').count();
    &number[zeros..]
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn names_are_compared_as_people_read_them() {
        let sorted = [
            "Show/Episode 1.mkv",
            "Show/episode 2.mkv",
            "Show/Episode 02b.mkv",
            "Show/Episode 10.mkv",
            "Show/Episode 18446744073709551616.mkv",
            "Show/Episode 18446744073709551617.mkv",
            "Show/Extras",
            "Show/Extras/a.mkv",
            "Show 2/a.mkv",
            "Show 10/a.mkv",
            "show 10/a.mkv",
        ];
        for (place, one) in sorted.iter().enumerate() {
            for (other_place, other) in sorted.iter().enumerate() {
                let wanted = place.cmp(&other_place);
                assert_eq!(by_name(Path::new(one), Path::new(other)), wanted, "{one} {other}");
            }
        }
    }

    #[test]
    fn the_newest_comes_first_and_what_came_together_goes_by_name() {
        let mut files = [
            (0, "old.mkv"),
            (1000 * SECOND, "e10.mkv"),
            (1030 * SECOND, "e2.mkv"),
            (1090 * SECOND, "e1.mkv"),
            (1151 * SECOND, "z.mkv"),
            (i64::MIN, "broken clock.mkv"),
            (i64::MAX, "from the future.mkv"),
        ];
        sort(&mut files, |file| (file.0, Path::new(file.1)));
        let names = files.map(|file| file.1);
        assert_eq!(
            names,
            ["from the future.mkv", "z.mkv", "e1.mkv", "e2.mkv", "e10.mkv", "old.mkv", "broken clock.mkv"]
        );
    }
}
