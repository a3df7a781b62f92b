//! The parts of a name, and what a name must not have.

use super::LONGEST;

/// The parts of a name; else what is wrong with it.
pub(super) fn parts(name: &str) -> Result<Vec<&str>, &'static str> {
    if name.is_empty() {
        return Err("it is empty");
    }
    if name.len() > LONGEST {
        return Err("it is longer than paths can be");
    }
    if name.starts_with('/') {
        return Err("it begins with a slash: write it as it is below the folder of the server");
    }
    if name.contains(char::is_control) {
        return Err("it has characters that cannot be seen");
    }
    let parts: Vec<&str> = name.split('/').collect();
    if parts.contains(&"..") {
        return Err("it goes up with `..`");
    }
    if parts.iter().any(|part| part.is_empty() || *part == ".") {
        return Err("a part of it is empty");
    }
    if parts.iter().any(|part| part.starts_with('.')) {
        return Err("a part of it is hidden");
    }
    Ok(parts)
}
