//! What a file says of itself.

use std::path::Path;

use crate::raw::input::Input;
use crate::{Error, Source};

/// What tells how the source was written, which does not hold for the result.
const OF_WRITING: [&str; 5] = ["encoder", "major_brand", "minor_version", "compatible_brands", "upscaled"];

/// The date that files have whose writer had none.
const EPOCH: &str = "1970-01-01T00:00:00";

/// True for tags that do not hold for the result.
pub(super) fn is_of_writing(tag: &str) -> bool {
    OF_WRITING.iter().any(|name| tag.eq_ignore_ascii_case(name))
}

/// Says which tags of the source the result has no place for.
pub(super) fn lost_tags(source: &Input, result: &Path) -> Result<Option<String>, Error> {
    let kept = Input::open(&Source::file(result))?.metadata();
    let is_lost = |(name, value): &(String, String)| {
        // A clock that was never set.
        let is_no_date = name == "creation_time" && value.starts_with(EPOCH);
        let is_kept = kept.iter().any(|(kept, _)| kept.eq_ignore_ascii_case(name));
        !is_of_writing(name) && !is_no_date && !is_kept
    };
    let lost: Vec<String> = source.metadata().into_iter().filter(is_lost).map(|(name, _)| name).collect();
    Ok((!lost.is_empty())
        .then(|| format!("tags were left out, for which the result has no place: {}", lost.join(", "))))
}
