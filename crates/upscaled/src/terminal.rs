//! How large a terminal is. Some say that they have no rows or no columns, which is to say that they do not know.

use std::io::IsTerminal;
use std::os::fd::AsFd;

use rustix::termios::tcgetwinsize;

/// What is usual, where a terminal does not say.
const COLUMNS: usize = 80;
const ROWS: usize = 24;

/// Columns of a terminal; `None` where it is none.
pub(crate) fn columns(stream: &(impl AsFd + IsTerminal)) -> Option<usize> {
    stream.is_terminal().then(|| known(tcgetwinsize(stream).map(|size| size.ws_col), COLUMNS))
}

/// Rows of a terminal.
pub(crate) fn rows(stream: &impl AsFd) -> usize {
    known(tcgetwinsize(stream).map(|size| size.ws_row), ROWS)
}

fn known(size: rustix::io::Result<u16>, usual: usize) -> usize {
    size.ok().filter(|&size| size > 0).map_or(usual, usize::from)
}
