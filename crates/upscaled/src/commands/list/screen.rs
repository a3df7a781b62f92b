//! A terminal that a list is drawn on again and again, and that is as it was before when that ends.

use std::io::{self, Write as _};

use crate::terminal;

/// The other screen, without a cursor; what was on the usual one comes back.
const OPEN: &[u8] = b"\x1b[?1049h\x1b[?25l";
const CLOSE: &[u8] = b"\x1b[?25h\x1b[?1049l";

/// Columns of the terminal that standard output is; `None` where it is none.
pub(super) fn columns() -> Option<usize> {
    terminal::columns(&io::stdout())
}

/// The terminal, while it is drawn on.
pub(super) struct Screen(io::Stdout);

impl Screen {
    pub(super) fn open() -> io::Result<Self> {
        let mut stdout = io::stdout();
        stdout.write_all(OPEN)?;
        stdout.flush()?;
        Ok(Self(stdout))
    }

    /// Draws lines in place of those before; those that have no room are left out.
    pub(super) fn draw(&self, lines: &[String]) -> io::Result<()> {
        // Without a break behind the last line, which would move all of them up.
        let shown: Vec<String> =
            lines.iter().take(terminal::rows(&self.0)).map(|line| format!("{line}\x1b[K")).collect();
        let mut stdout = self.0.lock();
        write!(stdout, "\x1b[H{}\x1b[J", shown.join("\r\n"))?;
        stdout.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.0.write_all(CLOSE);
        let _ = self.0.flush();
    }
}
