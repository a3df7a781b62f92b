//! The tables `[presets.NAME]` and `[[folders]]` of `upscaled.toml`.

use std::collections::BTreeMap;

use coordinator::PathPattern;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::entry::parsed;
use super::file::{File, KEYS, Key, Mistake, OF_JOB, Place, Written, check_one_size, line_of};

/// What a folder may have beside the settings of jobs.
pub(super) const OF_FOLDER: [Key; 7] = [
    ("path", "\"/media/films\""),
    ("preset", "\"films\""),
    ("output", "\"beside\""),
    ("name", "\"{stem}_{height}p\""),
    ("include", "[\"*.mkv\", \"Series/**\"]"),
    ("exclude", "[\"*.trailer.mkv\", \"Extras/\"]"),
    ("read_only", "true"),
];

/// Settings under a name.
#[derive(Debug, Default, Clone)]
pub(super) struct PresetTable {
    /// The settings of jobs, and how they are written.
    pub(super) settings: File,
}

/// A folder to watch.
#[derive(Debug, Default, Clone)]
pub(super) struct FolderTable {
    /// The settings of jobs.
    pub(super) settings: File,
    pub(super) path: Option<String>,
    pub(super) preset: Option<String>,
    pub(super) output: Option<String>,
    pub(super) include: Vec<PathPattern>,
    pub(super) exclude: Vec<PathPattern>,
    pub(super) read_only: bool,
    /// The values as they are written, each with its line.
    pub(super) written: Written,
    /// Where it begins.
    pub(super) line: usize,
}

impl FolderTable {
    /// The line of a key, or of the table where the key is not set.
    pub(super) fn line_of(&self, key: &str) -> usize {
        self.written.get(key).map_or(self.line, |(_, line)| *line)
    }
}

/// Longest name of a preset, in characters.
const LONGEST_NAME: usize = 60;

/// A name that can be read in lists and in keys such as `presets.NAME.crf`.
fn is_preset_name(name: &str) -> bool {
    name.chars().count() <= LONGEST_NAME
        && name.starts_with(char::is_alphanumeric)
        && name.ends_with(char::is_alphanumeric)
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
}

/// The presets by their names.
pub(super) fn presets(
    text: &str,
    value: &Spanned<DeValue<'_>>,
) -> Result<BTreeMap<String, PresetTable>, Mistake> {
    let expected = |at: usize| {
        Mistake {
        line: line_of(text, at),
        words: "presets are tables with names of their own: write for example [presets.films] and the settings below it"
            .to_owned(),
    }
    };
    let table = value.get_ref().as_table().ok_or_else(|| expected(value.span().start))?;
    let keys: Vec<Key> = KEYS.into_iter().filter(|(name, _)| OF_JOB.contains(name)).collect();
    let mut presets = BTreeMap::new();
    for (name, value) in table {
        let entries = value.get_ref().as_table().ok_or_else(|| expected(name.span().start))?;
        if !is_preset_name(name.get_ref()) {
            let words = format!(
                "`{}` cannot be the name of a preset: choose up to {LONGEST_NAME} letters and digits, with blanks, - and _ between them",
                crate::output::one_line(name.get_ref())
            );
            return Err(Mistake { line: line_of(text, name.span().start), words });
        }
        let mut settings = File::default();
        let called = format!("presets.{}.", name.get_ref());
        let place = Place { text, name: &called, keys: &keys };
        settings.written = place.read(entries.iter().collect(), |entry| settings.set(entry))?;
        check_one_size(&settings.written).map_err(|found| in_place(&called, found))?;
        presets.insert(name.get_ref().to_string(), PresetTable { settings });
    }
    Ok(presets)
}

/// The folders in their order.
pub(super) fn folders(text: &str, value: &Spanned<DeValue<'_>>) -> Result<Vec<FolderTable>, Mistake> {
    let expected = || Mistake {
        line: line_of(text, value.span().start),
        words: "folders are tables: write [[folders]] for each, and path = \"/media/films\" below it"
            .to_owned(),
    };
    let tables = value.get_ref().as_array().ok_or_else(expected)?;
    tables.iter().map(|table| folder(text, table.get_ref().as_table().ok_or_else(expected)?)).collect()
}

fn folder(text: &str, table: &DeTable<'_>) -> Result<FolderTable, Mistake> {
    let of_job = KEYS.into_iter().filter(|(name, _)| OF_JOB.contains(name) && *name != "preset");
    let keys: Vec<Key> = OF_FOLDER.into_iter().chain(of_job).collect();
    let place = Place { text, name: "folders.", keys: &keys };
    let mut folder = FolderTable::default();
    let own = |text: &str| Ok(text.to_owned());
    folder.written = place.read(table.iter().collect(), |entry| {
        match entry.name {
            "path" => folder.path = Some(entry.text(own)?),
            "preset" => folder.preset = Some(entry.text(own)?),
            "output" => folder.output = Some(entry.text(own)?),
            "include" => folder.include = entry.texts(parsed)?,
            "exclude" => folder.exclude = entry.texts(parsed)?,
            "read_only" => folder.read_only = entry.flag()?,
            _ => folder.settings.set(entry)?,
        }
        Ok(())
    })?;
    check_one_size(&folder.written).map_err(|found| in_place("folders.", found))?;
    folder.line = folder.written.values().map(|(_, line)| *line).min().unwrap_or(1);
    folder.settings.written.clone_from(&folder.written);
    // That is the name of a preset here.
    folder.settings.written.remove("preset");
    Ok(folder)
}

fn in_place(place: &str, (line, words): (usize, String)) -> Mistake {
    let place = place.trim_end_matches('.');
    Mistake { line, words: format!("{place}: {words}") }
}

#[cfg(test)]
mod tests {
    use super::super::file::parse;
    use super::*;

    #[test]
    fn presets_and_folders_are_read() {
        let file = parse(
            "scale = 2\n[presets.films]\nmodel = \"none\"\npreset = \"slow\"\n[[folders]]\npath = \"/media\"\npreset = \"films\"\ncrf = 20\n\
             [[folders]]\npath = \"b\"\noutput = \"beside\"\ninclude = [\"*.mkv\"]\nread_only = true\nname = \"{stem}\"\n",
        )
        .unwrap();
        let films = &file.presets["films"].settings;
        assert_eq!((films.model.as_deref(), films.preset.as_deref()), (Some("none"), Some("slow")));
        let [one, two] = &file.folders[..] else { panic!("{:?}", file.folders) };
        assert_eq!((one.path.as_deref(), one.preset.as_deref()), (Some("/media"), Some("films")));
        assert_eq!((one.settings.crf, one.settings.preset.as_deref(), one.line), (Some(20), None, 6));
        assert_eq!((two.output.as_deref(), two.include.len(), two.read_only), (Some("beside"), 1, true));
        assert_eq!((two.line_of("output"), two.line_of("crf")), (11, 10));
    }

    #[test]
    fn mistakes_in_tables_are_said_with_the_line_and_the_name() {
        for (text, line, words) in [
            (
                "[presets.films]\nscal = 2",
                2,
                "there is no setting `presets.films.scal`: did you mean `presets.films.scale`?",
            ),
            (
                "[presets.a]\nscale = 9",
                2,
                "presets.a.scale = 9 cannot be: choose a number from 1 to 8 with two decimals at most, such as 2 or 1.5; for example scale = 4",
            ),
            (
                "[presets.a]\nscale = 2\nheight = 700",
                3,
                "presets.a: more than one of scale, height, width and fit is set: keep one",
            ),
            ("[[folders]]\npath = 3", 2, "write it in quotes: path = \"3\""),
            (
                "[[folders]]\npath = \"a\"\ninclude = [\"/b\"]",
                3,
                "folders.include = [\"/b\"] cannot be: the pattern `/b` can match no path: write names with * and ?, with slashes between folders and ** for any number of them, from the watched folder on; for example include = [\"*.mkv\", \"Series/**\"]",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err(), Mistake { line, words: words.to_owned() });
        }
        for text in [
            "[presets.\"\"]",
            "[presets.\" \"]",
            "[presets.\"a.b\"]",
            "[presets.\"a\\nb\"]",
            "[presets.\"\\u202Ea\"]",
            "presets = 3",
            "[presets]\nfilms = 3",
            "folders = 3",
            "folders = [3]",
            "[folders]\npath = \"a\"",
            "[[folders]]\nthreads = 2",
            "[presets.a]\nthreads = 2",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
