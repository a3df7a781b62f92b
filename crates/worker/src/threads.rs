//! Threads with names, by which people find them in debuggers and lists of what runs.

use std::thread::{Builder, JoinHandle, Scope, ScopedJoinHandle};

use crate::failure::Failed;

/// Characters of a name that Linux keeps.
const LONGEST: usize = 15;

/// What a thread gave; an error where it died.
///
/// # Errors
/// When it panicked, whose message is out already.
pub(crate) fn result<T>(name: &str, joined: std::thread::Result<T>) -> Result<T, Failed> {
    joined.map_err(|_| Failed::transient(format!("the thread `{name}` died")))
}

/// Starts a thread.
///
/// # Errors
/// When the system has no room for another thread.
pub(crate) fn start<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, Failed> {
    named(name).spawn(work).map_err(|error| refused(&error))
}

/// Starts a thread that ends with a scope.
///
/// # Errors
/// As for [`start`].
pub(crate) fn start_in<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: &str,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Result<ScopedJoinHandle<'scope, T>, Failed> {
    named(name).spawn_scoped(scope, work).map_err(|error| refused(&error))
}

fn named(name: &str) -> Builder {
    debug_assert!(name.len() <= LONGEST, "{name}");
    Builder::new().name(name.to_owned())
}

fn refused(error: &std::io::Error) -> Failed {
    Failed::transient(format!("no thread can be started ({error}): close other programs, or raise the limit"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_have_their_names() {
        let name = || std::thread::current().name().map(ToOwned::to_owned);
        let plain = start("plain", name).unwrap().join().unwrap();
        let scoped = std::thread::scope(|scope| start_in(scope, "scoped", name).unwrap().join().unwrap());
        assert_eq!((plain.as_deref(), scoped.as_deref()), (Some("plain"), Some("scoped")));
    }
}
