//! Jobs as they are named on the command line.

use std::convert::Infallible;
use std::path::Path;

use coordinator::commands::Selector;
use job::{FilePath, JobId};

/// Jobs by a number, by a range of numbers, or by their video.
#[expect(clippy::unnecessary_wraps, reason = "the command line takes what reads an argument so")]
pub(crate) fn selector(text: &str) -> Result<Selector, Infallible> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let number = |text: &str| {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse().ok()).flatten().map(JobId)
    };
    Ok(match (number(first), number(last)) {
        (Some(first), Some(last)) => Selector::Numbers(first, last),
        _ => {
            Selector::Name { name: text.to_owned(), path: Path::new(text).canonicalize().ok().map(FilePath) }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_ranges_and_names_are_told_apart() {
        let numbers = |first, last| Selector::Numbers(JobId(first), JobId(last));
        assert_eq!(selector("3"), Ok(numbers(3, 3)));
        assert_eq!(selector("7-9"), Ok(numbers(7, 9)));
        for name in ["film 4.mkv", "3-x", "-1", "", "+3", "99999999999999999999"] {
            let wanted = Selector::Name { name: name.to_owned(), path: None };
            assert_eq!(selector(name), Ok(wanted), "{name}");
        }
        let Ok(Selector::Name { path, .. }) = selector("./src/../Cargo.toml") else { unreachable!() };
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        assert_eq!(path, here.canonicalize().ok().map(FilePath));
    }
}
