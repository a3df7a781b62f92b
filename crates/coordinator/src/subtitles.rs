//! Subtitle files beside a source, which its result takes along: players find them by the name of the film.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use serde::Serialize;
use storage::Bytes;

use crate::inbox::kinds::{is_subtitle, is_video};
use crate::publish::is_same;

/// Bytes of the largest file that goes along. Those of text have thousands, those of bitmaps some millions.
const LARGEST: u64 = 50_000_000;

/// What became of the subtitle files beside a source.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Along {
    /// Names of the files that are beside the result now.
    taken: Vec<String>,
    /// Which ones are not, and why: a sentence each.
    notes: Vec<String>,
}

impl Along {
    /// All of it in words.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        let taken = (!self.taken.is_empty())
            .then(|| format!("subtitle files taken along: {}", self.taken.join(", ")));
        taken.into_iter().chain(self.notes.iter().cloned())
    }
}

/// What is said of the subtitle files of a source of which a part is made: their times are those of the whole film.
pub(crate) fn left_behind(source: &Path) -> Along {
    let names = names_in(source.parent().unwrap_or(Path::new("."))).unwrap_or_default();
    let has_some = source.file_stem().is_some_and(|stem| !of_stem(&names, stem).is_empty());
    let note =
        "the subtitle files beside the film are not taken along: their times are those of the whole film";
    Along { taken: Vec::new(), notes: has_some.then(|| note.to_owned()).into_iter().collect() }
}

/// Copies the subtitle files of a source beside its result, under the result's name. What is there already stays as it is.
pub(crate) fn take_along(source: &Path, result: &Path) -> Along {
    let mut along = Along::default();
    let folder = source.parent().unwrap_or(Path::new("."));
    let (Some(stem), Some(new_stem)) = (source.file_stem(), result.file_stem()) else { return along };
    let names = match names_in(folder) {
        Ok(names) => names,
        Err(error) => {
            let folder = folder.display();
            along
                .notes
                .push(format!("no subtitle files are taken along: `{folder}` cannot be read: {error}"));
            return along;
        }
    };
    for (name, rest) in of_stem(&names, stem) {
        let mut new_name = new_stem.to_owned();
        new_name.push(rest);
        match take(&folder.join(name), &result.with_file_name(&new_name)) {
            Ok(()) => along.taken.push(text(&new_name)),
            Err(reason) => {
                along.notes.push(format!("the subtitle file `{}` is not taken along: {reason}", text(name)));
            }
        }
    }
    along
}

/// Copies a file unless it is there; else says why it is not.
fn take(from: &Path, target: &Path) -> Result<(), String> {
    let found = from.canonicalize().and_then(|path| Ok((path.metadata()?, path)));
    let (metadata, from) = match found {
        Err(error) if error.kind() == io::ErrorKind::NotFound && from.is_symlink() => {
            return Err("it is a link to a file that is not there".to_owned());
        }
        other => other.map_err(|error| error.to_string())?,
    };
    if !metadata.is_file() {
        return Err("it is no file".to_owned());
    }
    // Who may write to the folder may not read all that the server may.
    if !is_subtitle(&from) {
        return Err("it is a link to a file of another kind".to_owned());
    }
    if metadata.len() > LARGEST {
        return Err(format!("it is larger than {}", Bytes(LARGEST)));
    }
    match storage::publish_copy(&from, target) {
        Err(storage::Error::TargetExists { .. }) if is_same(&from, target) => Ok(()),
        Err(storage::Error::TargetExists { .. }) => {
            Err(format!("`{}` is there already and is left as it is", target.display()))
        }
        other => other.map_err(|error| error.to_string()),
    }
}

/// The names in a folder, in order.
fn names_in(folder: &Path) -> io::Result<Vec<OsString>> {
    let entries = fs::read_dir(folder)?;
    let mut names: Vec<OsString> =
        entries.map(|entry| entry.map(|entry| entry.file_name())).collect::<io::Result<_>>()?;
    names.sort();
    Ok(names)
}

/// The subtitle files of the video with this stem, each with what follows the stem. `film.2.srt` is of `film.mkv` unless there
/// is a `film.2.mkv`: the longest stem has it.
fn of_stem<'a>(names: &'a [OsString], stem: &OsStr) -> Vec<(&'a OsStr, &'a OsStr)> {
    let videos = names.iter().map(Path::new).filter(|name| is_video(name));
    let longer: Vec<&OsStr> =
        videos.filter_map(Path::file_stem).filter(|other| other.len() > stem.len()).collect();
    let subtitles = names.iter().filter(|name| is_subtitle(Path::new(name)));
    subtitles
        .filter(|name| longer.iter().all(|other| after(name, other).is_none()))
        .filter_map(|name| Some((name.as_os_str(), after(name, stem)?)))
        .collect()
}

/// What follows a stem in a name, from the dot on.
fn after<'a>(name: &'a OsStr, stem: &OsStr) -> Option<&'a OsStr> {
    let rest = name.as_bytes().strip_prefix(stem.as_bytes())?;
    rest.starts_with(b".").then(|| OsStr::from_bytes(rest))
}

fn text(name: &OsStr) -> String {
    name.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str], stem: &str) -> Vec<String> {
        let names: Vec<OsString> = names.iter().map(OsString::from).collect();
        of_stem(&names, OsStr::new(stem))
            .into_iter()
            .map(|(name, rest)| format!("{} {}", text(name), text(rest)))
            .collect()
    }

    #[test]
    fn subtitle_files_are_of_the_longest_stem() {
        let names = [
            "film.mkv",
            "film.srt",
            "film.en.srt",
            "film.EN.Forced.SRT",
            "film 2.srt",
            "film.2.mkv",
            "film.2.srt",
            "film.2.de.ass",
            "film.3.sub",
            "film.txt",
            "film.srt.txt",
            "filmsrt",
            "Film.srt",
        ];
        let wanted = [
            "film.srt .srt",
            "film.en.srt .en.srt",
            "film.EN.Forced.SRT .EN.Forced.SRT",
            "film.3.sub .3.sub",
        ];
        assert_eq!(of(&names, "film"), wanted);
        assert_eq!(of(&names, "film.2"), ["film.2.srt .srt", "film.2.de.ass .de.ass"]);
        assert_eq!(of(&names, "fil"), [""; 0]);
    }

    #[test]
    fn what_cannot_go_along_is_said_and_the_rest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("a.srt"), "text").unwrap();
        fs::write(at("a.de.srt"), "Text").unwrap();
        fs::write(at("r.de.srt"), "of a person").unwrap();
        std::os::unix::fs::symlink("nowhere", at("a.en.srt")).unwrap();
        std::os::unix::fs::symlink("a.srt", at("a.fr.srt")).unwrap();
        fs::create_dir(at("a.it.srt")).unwrap();
        fs::write(at("key"), "secret").unwrap();
        std::os::unix::fs::symlink("key", at("a.ru.srt")).unwrap();
        fs::File::create(at("a.sup")).unwrap().set_len(LARGEST + 1).unwrap();
        fs::File::create(at("a.idx")).unwrap().set_len(LARGEST).unwrap();
        // The second time nothing is left to do.
        for _ in 0..2 {
            let along = take_along(&at("a.mkv"), &at("r.mkv"));
            assert_eq!(along.taken, ["r.fr.srt", "r.idx", "r.srt"]);
            let said = along.notes.join("\n");
            for wanted in [
                "a.de.srt` is not",
                "a.en.srt",
                "is not there",
                "a.it.srt",
                "no file",
                "of another kind",
                "a.sup",
                "larger than",
            ] {
                assert!(said.contains(wanted), "`{wanted}` in {said}");
            }
            assert_eq!(along.notes.len(), 5, "{said}");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 13);
            assert_eq!(fs::read(at("r.de.srt")).unwrap(), b"of a person");
            assert_eq!(fs::read(at("r.fr.srt")).unwrap(), b"text");
            assert!(!at("r.fr.srt").is_symlink());
        }
        let away = take_along(&at("no/a.mkv"), &at("r.mkv"));
        assert!(away.taken.is_empty() && away.notes.len() == 1, "{away:?}");
    }
}
