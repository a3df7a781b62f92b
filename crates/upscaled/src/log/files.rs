//! Log files that stay within bounds: `upscaled.2026-01-31.log`, and `upscaled.2026-01-31.2.log` and so on where a day fills more
//! than one.
//!
//! A full disk, or a folder that is gone, costs lines and nothing else: it is tried again with each line.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use time::{Date, Duration, OffsetDateTime};

use crate::output;

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Bytes of a file.
    pub(super) file: u64,
    /// Bytes of all files; the oldest go first.
    pub(super) total: u64,
    /// Days, today among them.
    pub(super) days: u16,
}

/// Writes lines into the file of the day.
#[derive(Debug)]
pub(super) struct LogFiles {
    folder: PathBuf,
    limits: Limits,
    today: fn() -> Date,
    open: Option<OpenFile>,
    /// It was said that lines are lost.
    is_lost_said: bool,
}

#[derive(Debug)]
struct OpenFile {
    part: Part,
    file: File,
    bytes: u64,
    /// A line was written in part only.
    is_torn: bool,
}

/// The day of a log file, and its number on that day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    day: String,
    number: u32,
}

impl LogFiles {
    /// Log files in a folder, by the days of UTC, as the lines have them.
    pub(super) fn new(folder: &Path, limits: Limits) -> Self {
        Self::with_clock(folder, limits, || OffsetDateTime::now_utc().date())
    }

    fn with_clock(folder: &Path, limits: Limits, today: fn() -> Date) -> Self {
        Self { folder: folder.to_owned(), limits, today, open: None, is_lost_said: false }
    }

    /// The file that a line of so many bytes goes into.
    fn file(&mut self, bytes: u64) -> io::Result<&mut OpenFile> {
        let today = (self.today)();
        let day = today.to_string();
        let limit = self.limits.file;
        let fits = |open: &OpenFile| open.part.day == day && open.bytes.saturating_add(bytes) <= limit;
        let open = match self.open.take().filter(|open| fits(open)) {
            Some(open) => open,
            None => self.open_next(today, &day, bytes)?,
        };
        Ok(self.open.insert(open))
    }

    /// Opens the last file of the day, or one behind it where that is full.
    fn open_next(&self, today: Date, day: &str, bytes: u64) -> io::Result<OpenFile> {
        let parts = parts(&self.folder)?;
        let last = parts.iter().rev().find(|(part, _)| part.day == day);
        let number = match last {
            Some((part, there)) if there.saturating_add(bytes) > self.limits.file => part.number + 1,
            Some((part, _)) => part.number,
            None => 1,
        };
        self.remove_old(today, parts);
        let part = Part { day: day.to_owned(), number };
        let file = File::options().create(true).append(true).open(self.folder.join(part.name()))?;
        let bytes = file.metadata()?.len();
        Ok(OpenFile { part, file, bytes, is_torn: false })
    }

    /// Removes what is too old, and the oldest of what is too much once another file is full.
    fn remove_old(&self, today: Date, parts: Vec<(Part, u64)>) {
        let first = today.checked_sub(Duration::days(i64::from(self.limits.days) - 1));
        let first = first.map(|day| day.to_string());
        let mut total = self.limits.file;
        for (part, bytes) in parts.into_iter().rev() {
            total = total.saturating_add(bytes);
            if total > self.limits.total || first.as_ref().is_some_and(|first| part.day < *first) {
                // It is tried again with the next file.
                let _ = fs::remove_file(self.folder.join(part.name()));
            }
        }
    }

    fn put(&mut self, line: &[u8]) -> io::Result<()> {
        let open = self.file(line.len() as u64)?;
        if open.is_torn {
            open.file.write_all(b"\n")?;
            open.bytes += 1;
        }
        open.is_torn = true;
        open.file.write_all(line)?;
        open.is_torn = false;
        open.bytes += line.len() as u64;
        Ok(())
    }
}

impl Write for LogFiles {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let put = self.put(line);
        if let Err(error) = &put
            && !self.is_lost_said
        {
            let folder = self.folder.display();
            output::error(&format!("the log in `{folder}` cannot be written, and lines are lost: {error}"));
        }
        self.is_lost_said = put.is_err();
        put.map(|()| line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Part {
    fn name(&self) -> String {
        match self.number {
            1 => format!("upscaled.{}.log", self.day),
            number => format!("upscaled.{}.{number}.log", self.day),
        }
    }

    /// What a file of this name is; `None` where it is none of ours.
    fn of_file(name: &str) -> Option<Self> {
        let inner = name.strip_prefix("upscaled.")?.strip_suffix(".log")?;
        let (day, number) = match inner.split_once('.') {
            Some((day, number)) => (day, number.parse().ok()?),
            None => (inner, 1),
        };
        let is_day = day.len() == 10 && day.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        let part = Self { day: day.to_owned(), number };
        (is_day && part.name() == name).then_some(part)
    }
}

/// The log files in a folder with their bytes, the oldest first.
fn parts(folder: &Path) -> io::Result<Vec<(Part, u64)>> {
    let mut parts = Vec::new();
    for entry in fs::read_dir(folder)?.flatten() {
        if let Some(part) = entry.file_name().to_str().and_then(Part::of_file)
            && let Ok(found) = entry.metadata()
            && found.is_file()
        {
            parts.push((part, found.len()));
        }
    }
    parts.sort();
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI32, Ordering};

    use super::*;

    const LIMITS: Limits = Limits { file: 10, total: 35, days: 3 };

    /// The names and texts of all files.
    fn files(folder: &Path) -> Vec<(String, String)> {
        let entries = fs::read_dir(folder).unwrap().flatten();
        let mut files: Vec<_> = entries
            .map(|entry| {
                (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap())
            })
            .collect();
        files.sort();
        files
    }

    fn day(number: i32) -> Date {
        Date::from_julian_day(2_461_000 + number).unwrap()
    }

    fn first_day() -> Date {
        day(0)
    }

    fn named(files: &[(String, String)]) -> Vec<(&str, &str)> {
        files.iter().map(|(name, text)| (&**name, &**text)).collect()
    }

    #[test]
    fn a_full_file_is_followed_by_another_and_the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let mut log = LogFiles::with_clock(path, LIMITS, first_day);
        for line in ["one 1\n", "two\n", "three\n", "a line that is longer than a file\n"] {
            log.write_all(line.as_bytes()).unwrap();
        }
        let day = first_day();
        let name = |number: u32| Part { day: day.to_string(), number }.name();
        assert_eq!(name(1), format!("upscaled.{day}.log"));
        let (one, two, three) = (name(1), name(2), name(3));
        let wanted =
            [(&*two, "three\n"), (&*three, "a line that is longer than a file\n"), (&*one, "one 1\ntwo\n")];
        assert_eq!(named(&files(path)), wanted);
        // Another start goes on where the last one was.
        let mut log = LogFiles::with_clock(path, LIMITS, first_day);
        log.write_all(b"four\n").unwrap();
        assert_eq!(named(&files(path)), [(&*name(4), "four\n")]);
        for _ in 0..20 {
            log.write_all(b"12345678\n").unwrap();
        }
        let total: usize = files(path).iter().map(|(_, text)| text.len()).sum();
        assert!(total <= 35, "{total}");
    }

    #[test]
    fn a_day_has_its_own_file_and_old_days_go() {
        static DAY: AtomicI32 = AtomicI32::new(0);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        for other in
            ["upscaled.log", "upscaled.2020-01-01.log.gz", "notes.2020-01-01.log", "upscaled.20200101.1.log"]
        {
            fs::write(path.join(other), "mine").unwrap();
        }
        fs::write(path.join("upscaled.2020-01-01.7.log"), "old").unwrap();
        let mut log = LogFiles::with_clock(path, Limits { file: 100, total: 1000, days: 3 }, || {
            day(DAY.load(Ordering::Relaxed))
        });
        for number in 0..5 {
            DAY.store(number, Ordering::Relaxed);
            log.write_all(b"line\n").unwrap();
        }
        let files = files(path);
        let ours: Vec<&str> = files.iter().filter(|file| file.1 == "line\n").map(|file| &*file.0).collect();
        let wanted = [2, 3, 4].map(|number| format!("upscaled.{}.log", day(number)));
        assert_eq!(ours, wanted);
        assert_eq!(files.iter().filter(|file| file.1 == "mine").count(), 4, "{files:?}");
        assert_eq!(files.len(), 7);
    }

    #[test]
    fn a_folder_that_cannot_be_written_costs_lines_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs");
        let mut log = LogFiles::with_clock(&path, LIMITS, first_day);
        assert!(log.write_all(b"lost\n").is_err());
        fs::create_dir(&path).unwrap();
        log.write_all(b"kept\n").unwrap();
        assert_eq!(files(&path)[0].1, "kept\n");
    }

    #[test]
    fn a_line_that_was_torn_ends_before_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = LogFiles::with_clock(folder.path(), Limits { file: 100, ..LIMITS }, first_day);
        log.write_all(b"one\n").unwrap();
        let real = std::mem::replace(
            &mut log.open.as_mut().unwrap().file,
            File::options().write(true).open("/dev/full").unwrap(),
        );
        assert!(log.write_all(b"lost\n").is_err());
        log.open.as_mut().unwrap().file = real;
        log.write_all(b"two\n").unwrap();
        assert_eq!(files(folder.path())[0].1, "one\n\ntwo\n");
    }
}
