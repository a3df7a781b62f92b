//! A terminal that a list is drawn on again and again, and that is as it was before when that ends.

use std::io::{self, Write as _};

use super::Drawn;
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

    /// Draws a list in place of the one before.
    pub(super) fn draw(&self, drawn: &Drawn) -> io::Result<()> {
        let lines = in_rows(drawn, terminal::rows(&self.0));
        let shown: Vec<String> = lines.iter().map(|line| format!("{line}\x1b[K")).collect();
        let mut stdout = self.0.lock();
        // Without a break behind the last line, which would move all of them up.
        write!(stdout, "\x1b[H{}\x1b[J", shown.join("\r\n"))?;
        stdout.flush()
    }
}

/// The lines that have room in so many rows: what is said of all jobs stays, and where jobs have no room, it is said how many lines.
fn in_rows(Drawn { table, footer }: &Drawn, rows: usize) -> Vec<String> {
    if table.len() + footer.len() <= rows {
        return [&table[..], footer].concat();
    }
    let footer = &footer[..footer.len().min(rows / 2)];
    let shown = rows.saturating_sub(footer.len() + 1);
    let more = format!("… {} more lines", table.len().saturating_sub(shown));
    let table = table.iter().take(shown).cloned();
    table.chain([more]).chain(footer.iter().cloned()).collect()
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.0.write_all(CLOSE);
        let _ = self.0.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_room_is_counted_and_the_total_stays() {
        let lines = |count: usize| (0..count).map(|number| number.to_string()).collect::<Vec<_>>();
        let drawn = Drawn { table: lines(10), footer: vec!["all".to_owned()] };
        assert_eq!(in_rows(&drawn, 11).len(), 11);
        assert_eq!(in_rows(&drawn, 5), ["0", "1", "2", "… 7 more lines", "all"]);
        assert_eq!(in_rows(&drawn, 1), ["… 10 more lines"]);
        let long = Drawn { table: lines(10), footer: lines(8) };
        for rows in 1..30 {
            assert!(in_rows(&long, rows).len() <= rows, "{rows}");
        }
    }
}
