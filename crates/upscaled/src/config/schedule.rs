//! The table `[schedule]` of `upscaled.toml`: when segments may begin.

use std::path::Path;

use coordinator::{Schedule, Window};
use toml::Spanned;
use toml::de::DeValue;

use super::entry::parsed;
use super::file::{self, Key, Mistake, Place, Written, line_of};

/// What the table may have.
pub(super) const KEYS: [Key; 3] = [
    ("windows", "[\"22:00-07:00\", \"sat-sun 00:00-24:00\"]"),
    ("pause_while", "[\"Plex Transcoder\"]"),
    ("pause_above_load", "2.0"),
];

/// When segments may begin.
#[derive(Debug, Default, Clone)]
pub(super) struct ScheduleTable {
    schedule: Schedule,
    /// The values as they are written, each with its line.
    pub(super) written: Written,
}

/// When segments may begin, from the file where that exists.
///
/// # Errors
/// When the file has a mistake.
pub(crate) fn schedule(path: &Path) -> anyhow::Result<Schedule> {
    Ok(file::read(path)?.schedule.schedule)
}

pub(super) fn read(text: &str, value: &Spanned<DeValue<'_>>) -> Result<ScheduleTable, Mistake> {
    let table = value.get_ref().as_table().ok_or_else(|| Mistake {
        line: line_of(text, value.span().start),
        words: "the schedule is a table: write [schedule], and windows = [\"22:00-07:00\"] below it"
            .to_owned(),
    })?;
    let place = Place { text, name: "schedule.", keys: &KEYS };
    let mut schedule = Schedule::default();
    let written = place.read(table.iter().collect(), |entry| {
        match entry.name {
            "windows" => schedule.windows = entry.texts(parsed::<Window>)?,
            "pause_while" => schedule.pause_while = entry.texts(program)?,
            _ => schedule.most_load = Some(entry.number(load)?),
        }
        Ok(())
    })?;
    Ok(ScheduleTable { schedule, written })
}

/// The name of a program.
fn program(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains('/') {
        return Err("write the name of a program without its folder".to_owned());
    }
    Ok(text.to_owned())
}

/// Cores that others keep busy.
fn load(text: &str) -> Result<f64, String> {
    let load = text.trim().parse().ok().filter(|load| (0.1..=1024.0).contains(load));
    load.ok_or_else(|| "choose a number of cores that other programs keep busy, from 0.1 to 1024".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::file::parse;

    #[test]
    fn a_schedule_is_read_and_its_mistakes_are_said() {
        let text = "[schedule]\nwindows = [\"22:00-07:00\"]\npause_while = [\"a b\"]\npause_above_load = 2\n";
        let found = parse(text).unwrap().schedule;
        assert_eq!(found.schedule.windows[0].to_string(), "22:00-07:00");
        assert_eq!(
            (&found.schedule.pause_while[..], found.schedule.most_load),
            (&["a b".to_owned()][..], Some(2.0))
        );
        assert_eq!(found.written["pause_above_load"].1, 4);
        for (text, words) in [
            (
                "[schedule]\nwindows = [\"22-7\"]",
                "schedule.windows = [\"22-7\"] cannot be: `22-7` is no window",
            ),
            ("[schedule]\npause_while = [\"/bin/a\"]", "without its folder"),
            ("[schedule]\npause_above_load = 0", "from 0.1 to 1024"),
            ("[schedule]\nwindow = []", "did you mean `schedule.windows`?"),
            ("schedule = 3", "the schedule is a table"),
        ] {
            let mistake = parse(text).unwrap_err();
            assert!(mistake.words.contains(words), "{text}: {mistake:?}");
        }
    }
}
