//! What a worker writes to its standard error, of which the end is kept with the failed attempt. It may quote a hostile file, or be
//! written by one: it takes little memory and little of the log, whatever comes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use job::cut_line;
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Lines that are kept.
const LAST_LINES: usize = 20;
/// Characters of a line that are kept.
const LINE_LENGTH: usize = 500;
/// Bytes of a line that are looked at.
const LINE_BYTES: usize = 4 * LINE_LENGTH;
/// Lines of a worker that are logged.
const MOST_LOGGED: usize = 1000;
/// Bytes that are read at once.
const CHUNK: usize = 64 << 10;
/// Time between two reads of so many bytes: no worker has so much to say.
const PAUSE: Duration = Duration::from_millis(2);

/// The last lines that a worker wrote.
#[derive(Debug, Clone, Default)]
pub(crate) struct LastWords(Arc<Mutex<VecDeque<String>>>);

impl LastWords {
    /// Listens until the worker has nothing more to say.
    pub(crate) async fn listen(self, mut errors: impl AsyncRead + Unpin) {
        let (mut chunk, mut line, mut logged) = (vec![0; CHUNK], Vec::new(), 0);
        loop {
            let read = errors.read(&mut chunk).await.unwrap_or(0);
            for part in chunk[..read].split_inclusive(|&byte| byte == b'\n') {
                let room = LINE_BYTES - line.len();
                line.extend_from_slice(&part[..part.len().min(room)]);
                if part.ends_with(b"\n") {
                    self.keep(&line, &mut logged);
                    line.clear();
                }
            }
            if read == 0 {
                break;
            }
            if read == CHUNK {
                tokio::time::sleep(PAUSE).await;
            }
        }
        if !line.is_empty() {
            self.keep(&line, &mut logged);
        }
    }

    fn keep(&self, line: &[u8], logged: &mut usize) {
        let line = cut_line(String::from_utf8_lossy(line).trim_end(), LINE_LENGTH);
        *logged += 1;
        match *logged {
            ..=MOST_LOGGED => tracing::debug!(target: "worker", "{line}"),
            n if n == MOST_LOGGED + 1 => tracing::debug!(target: "worker", "more lines are not logged"),
            _ => {}
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == LAST_LINES {
            kept.pop_front();
        }
        kept.push_back(line);
    }

    /// The lines so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn heard(bytes: &[u8]) -> Vec<String> {
        let words = LastWords::default();
        words.clone().listen(bytes).await;
        words.lines()
    }

    #[tokio::test]
    async fn last_words_cannot_steer_a_terminal_or_fill_the_ledger() {
        assert_eq!(heard(b"frame 7\x1b[2J \xff\r\nbye").await, ["frame 7\\u{1b}[2J \u{fffd}", "bye"]);
        let endless = heard(&b"x".repeat(1 << 20)).await;
        assert_eq!((endless.len(), endless[0].chars().count()), (1, LINE_LENGTH + 1));
        let many: Vec<String> = (0..5000).map(|n| n.to_string()).collect();
        let many = heard(many.join("\n").as_bytes()).await;
        assert_eq!((many.len(), many[LAST_LINES - 1].as_str()), (LAST_LINES, "4999"));
    }
}
