//! The folders that a server watches, as the file has them.

use std::path::{Path, PathBuf};

use coordinator::{Output, PathPatterns, WatchFolder};
use job::Settings;

use super::blame::Unfit;
use super::file::{File, nearest, read};
use super::places::{Places, resolved};
use super::tables::FolderTable;
use super::{COMMAND_LINE, check, complete, effective, over};
use crate::cli::Choices;
use crate::exit::{wrong, wrong_in_file};
use crate::root::Root;

/// What stands for a result beside its source.
const BESIDE: &str = "beside";

/// The folders that a server watches: its own one first, with the settings of all, then those of the file.
///
/// # Errors
/// When a preset or a folder has a mistake: with its line.
pub(crate) fn watch_folders(line: &Choices, root: &Root) -> anyhow::Result<Vec<WatchFolder>> {
    let path = root.settings_file();
    let (choices, settings) = complete(line, &path, &[root.models()])?;
    let own = WatchFolder {
        input: root.input(),
        output: Output::Into(root.output()),
        settings,
        name: choices.name.unwrap_or_default(),
        patterns: PathPatterns::default(),
        read_only: false,
    };
    let reading = Reading { line, root, path: &path, file: read(&path)? };
    for (name, preset) in &reading.file.presets {
        // One that no folder has is to be sound too.
        reading.settings(&[(&format!("presets.{name}"), &preset.settings)])?;
    }
    let mut folders = vec![own];
    let mut places = Places::new(root);
    for table in &reading.file.folders {
        let folder = reading.folder(table)?;
        places.add(table, &folder).map_err(|(number, words)| reading.mistake(number, &words))?;
        folders.push(folder);
    }
    places.check_outputs().map_err(|(number, words)| reading.mistake(number, &words))?;
    Ok(folders)
}

/// The folders of the file below which nothing may be written. What else is in the file need not be sound.
///
/// # Errors
/// When the file cannot be read.
pub(crate) fn read_only_folders(root: &Root) -> anyhow::Result<Vec<PathBuf>> {
    let file = read(&root.settings_file())?;
    let read_only = file.folders.iter().filter(|folder| folder.read_only);
    Ok(read_only.filter_map(|folder| resolved(root, folder.path.as_deref()?)).collect())
}

/// True for a word that was most likely to be "beside".
fn is_like_beside(output: &str) -> bool {
    !output.contains('/') && nearest(&output.to_lowercase(), [BESIDE].into_iter()).is_some()
}

/// What the settings of folders are read from.
struct Reading<'a> {
    line: &'a Choices,
    root: &'a Root,
    path: &'a Path,
    file: File,
}

impl Reading<'_> {
    fn folder(&self, table: &FolderTable) -> anyhow::Result<WatchFolder> {
        let Some(path) = &table.path else {
            return Err(self.mistake(
                table.line,
                "a folder has no path: write path = \"/media/films\" below [[folders]]",
            ));
        };
        let input = resolved(self.root, path).ok_or_else(|| self.unresolved(table, "path", path))?;
        let output = match table.output.as_deref() {
            None => Output::Into(self.root.output()),
            Some(BESIDE) => Output::Beside,
            Some(output) => match resolved(self.root, output) {
                Some(folder) if !is_like_beside(output) => Output::Into(folder),
                Some(_) => {
                    let words = format!("did you mean \"{BESIDE}\"? A folder of that name is \"./{output}\"");
                    return Err(self.wrong(table, "output", &words));
                }
                None => return Err(self.unresolved(table, "output", output)),
            },
        };
        if output == Output::Beside && table.read_only {
            return Err(self.wrong(
                table,
                "output",
                "the folder is read_only: name another folder for its results",
            ));
        }
        if output == Output::Beside && self.line.again {
            return Err(self.wrong(
                table,
                "output",
                "with --again every result beside a video would be made again, and again: leave that option out",
            ));
        }
        let mut layers = vec![("folders".to_owned(), &table.settings)];
        if let Some(name) = &table.preset {
            let preset = self.file.presets.get(name).ok_or_else(|| self.no_preset(table, name))?;
            layers.push((format!("presets.{name}"), &preset.settings));
        }
        let layers: Vec<(&str, &File)> = layers.iter().map(|(name, file)| (&**name, *file)).collect();
        let (choices, settings) = self.settings(&layers)?;
        Ok(WatchFolder {
            input,
            output,
            settings,
            name: choices.name.unwrap_or_default(),
            patterns: PathPatterns { include: table.include.clone(), exclude: table.exclude.clone() },
            read_only: table.read_only,
        })
    }

    /// The settings of a job: those of the command line over these tables, the first over the others, and those over the rest of the
    /// file.
    fn settings(&self, layers: &[(&str, &File)]) -> anyhow::Result<(Choices, Settings)> {
        let tables = layers.iter().map(|(_, file)| (*file).clone());
        let choices = tables.chain([self.file.clone()]).fold(self.line.clone(), over);
        match check(Settings::default(), &choices, &[self.root.models()]) {
            Ok(settings) => Ok((choices, settings)),
            Err(unfit) => Err(self.blame(layers, unfit)),
        }
    }

    /// A mistake in settings, with the line where they stand.
    fn blame(&self, layers: &[(&str, &File)], Unfit { keys, error, in_file }: Unfit) -> anyhow::Error {
        let words = in_file.unwrap_or_else(|| format!("{error:#}"));
        let all = effective(self.line, self.path).unwrap_or_default();
        let is_of_line = |key: &str| all.iter().any(|set| set.key == key && set.origin == COMMAND_LINE);
        let of_file = keys.iter().filter(|key| !is_of_line(key)).find_map(|key| {
            let of_layer = |(name, file): &(&str, &File)| {
                file.written.get(key).map(|(_, number)| (format!("{name}.{key}"), *number))
            };
            let of_rest = || self.file.written.get(key).map(|(_, number)| ((*key).to_owned(), *number));
            layers.iter().find_map(of_layer).or_else(of_rest)
        });
        let name = layers.first().map_or("", |(name, _)| name);
        match of_file {
            Some((key, number)) if key.starts_with(name) => self.mistake(number, &format!("{key}: {words}")),
            Some((key, number)) => self.mistake(number, &format!("{key}, with {name}: {words}")),
            None => wrong(format!("{name}: {words}")),
        }
    }

    /// That a text names no folder.
    fn unresolved(&self, table: &FolderTable, key: &str, path: &str) -> anyhow::Error {
        let words = match key {
            _ if path.starts_with('~') => "~ does not stand for a home folder here: write its whole path",
            "output" => "name a folder, or write \"beside\" for the folder of each video",
            _ => "name a folder, such as /media/films",
        };
        self.wrong(table, key, words)
    }

    fn no_preset(&self, table: &FolderTable, name: &str) -> anyhow::Error {
        let known = self.file.presets.keys().map(String::as_str);
        let words = match nearest(name, known) {
            Some(other) => format!("there is no preset of that name: did you mean \"{other}\"?"),
            None => {
                format!("there is no preset of that name: write [presets.{name}] and its settings below it")
            }
        };
        self.wrong(table, "preset", &words)
    }

    /// That a key of a folder cannot be as it is.
    fn wrong(&self, table: &FolderTable, key: &str, words: &str) -> anyhow::Error {
        let written = table.written.get(key).map_or_else(String::new, |(value, _)| format!(" = {value}"));
        self.mistake(table.line_of(key), &format!("folders.{key}{written} cannot be: {words}"))
    }

    fn mistake(&self, number: usize, words: &str) -> anyhow::Error {
        wrong_in_file(self.path, Some(number), words)
    }
}
