//! Which videos have an upscaled result: by the reports beside results, by what results say of themselves, and by their names.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use protocol::report::Told;
use storage::fingerprint;

use crate::known::report_beside;

/// What is known of results.
#[derive(Debug, Default)]
pub(super) struct Twins {
    /// Folders of results, with what their reports say and the sources by the usual names.
    folders: HashMap<PathBuf, Folder>,
    /// The folder and the name of the source of each file that says that it is a result and has a usual name.
    noted: HashSet<(PathBuf, OsString)>,
}

/// What lies in a folder.
#[derive(Debug, Default)]
struct Folder {
    /// The results with a report.
    reported: Vec<(PathBuf, Told)>,
    /// What the files with usual names and without a report are named after.
    named: HashSet<OsString>,
}

impl Twins {
    /// Notes a file that says that it is a result.
    pub(super) fn note_result(&mut self, file: &Path) {
        if let (Some(folder), Some(base)) = (file.parent(), base_of(file)) {
            self.noted.insert((folder.to_owned(), base.to_owned()));
        }
    }

    /// True for a video that has a result beside it or in the folder where it would be. Looks at files.
    pub(super) fn has(&mut self, source: &Path, output: &Path) -> bool {
        let beside = source.parent().unwrap_or(output);
        let bases: Vec<&OsStr> = [source.file_stem(), source.file_name()].into_iter().flatten().collect();
        // Beside other videos, a name alone says nothing.
        let is_noted = bases.iter().any(|base| self.noted.contains(&(beside.to_owned(), (*base).to_owned())));
        if is_noted
            || (beside != output && bases.iter().any(|base| self.folder(output).named.contains(*base)))
        {
            return true;
        }
        [beside, output].into_iter().any(|folder| is_reported(self.folder(folder), source))
    }

    fn folder(&mut self, path: &Path) -> &Folder {
        self.folders.entry(path.to_owned()).or_insert_with(|| Folder::of(path))
    }
}

impl Folder {
    fn of(path: &Path) -> Self {
        let (mut folder, mut named) = (Self::default(), Vec::new());
        for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
            let file = entry.path();
            if file.extension().is_some_and(|extension| extension == "json") {
                let result = file.with_extension("");
                if result.is_file()
                    && let Some(told) = report_beside(&result)
                {
                    folder.reported.push((result, told));
                }
            } else if let Some(base) = base_of(&file) {
                let base = base.to_owned();
                named.push((file, base));
            }
        }
        // A report tells more than a name: films of many folders have the same.
        let reported: HashSet<&PathBuf> = folder.reported.iter().map(|(result, _)| result).collect();
        let unreported = named.into_iter().filter(|(file, _)| !reported.contains(file));
        folder.named = unreported.map(|(_, base)| base).collect();
        folder
    }
}

/// True where the report of a result names this source, or one of the same content whose name the result has.
fn is_reported(folder: &Folder, source: &Path) -> bool {
    let (path, stem) = (source.to_string_lossy(), source.file_stem().unwrap_or_default());
    if folder.reported.iter().any(|(_, told)| told.source.path == path) {
        return true;
    }
    let has_name =
        |result: &Path| result.file_name().is_some_and(|name| name.as_bytes().starts_with(stem.as_bytes()));
    let mut alike = folder.reported.iter().filter(|(result, _)| has_name(result)).peekable();
    if alike.peek().is_none() {
        return false;
    }
    fingerprint(source).is_ok_and(|found| alike.any(|(_, told)| told.source.fingerprint == found.hex))
}

/// What a file of a usual name of results is named after: `film` for `film_upscaled.mkv` and `film_upscaled_2.mkv`.
fn base_of(file: &Path) -> Option<&OsStr> {
    let stem = file.file_stem()?.as_bytes();
    let digits = stem.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let without = &stem[..stem.len() - digits];
    let stem = if digits > 0 { without.strip_suffix(b"_").unwrap_or(stem) } else { stem };
    let base = stem.strip_suffix(b"_upscaled")?;
    (!base.is_empty()).then(|| OsStr::from_bytes(base))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    #[test]
    fn usual_names_tell_what_they_are_named_after() {
        for (name, base) in [
            ("film_upscaled.mkv", Some("film")),
            ("film_upscaled_12.mkv", Some("film")),
            ("film.mpg_upscaled.mkv", Some("film.mpg")),
            ("film_upscaled2.mkv", None),
            ("film 2.mkv", None),
            ("_upscaled.mkv", None),
        ] {
            assert_eq!(base_of(Path::new(name)), base.map(OsStr::new), "{name}");
        }
    }

    #[test]
    fn a_twin_is_known_by_its_report_its_word_and_its_name() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        for name in ["films", "output"] {
            fs::create_dir(at(name)).unwrap();
        }
        for name in ["a.avi", "b.avi", "c.avi", "d.avi", "e.avi"] {
            fs::write(at("films").join(name), name).unwrap();
        }
        let report = |result: &str, source: &Path, fingerprint: &str| {
            fs::write(at(result), "result").unwrap();
            let told = json!({
                "source": { "fingerprint": fingerprint, "path": source },
                "result": { "bytes": 6 },
                "settings_hash": "of other settings",
            });
            fs::write(at(&format!("{result}.json")), told.to_string()).unwrap();
        };
        report("output/anything.mkv", &at("films/a.avi"), "f");
        let content = fingerprint(&at("films/b.avi")).unwrap().hex;
        report("films/b sharp.mkv", Path::new("/elsewhere/b.avi"), &content);
        fs::write(at("output/c_upscaled.mkv"), "result").unwrap();
        fs::write(at("films/d_upscaled.mkv"), "another program's").unwrap();
        report("output/e_upscaled.mkv", Path::new("/another series/e.avi"), "of another film");
        let mut twins = Twins::default();
        let mut has = |name: &str| twins.has(&at("films").join(name), &at("output"));
        assert_eq!(
            ["a.avi", "b.avi", "c.avi", "d.avi", "e.avi"].map(&mut has),
            [true, true, true, false, false]
        );
        twins.note_result(&at("films/d_upscaled.mkv"));
        assert!(twins.has(&at("films/d.avi"), &at("output")));
        // A report whose result is gone is of none.
        fs::remove_file(at("output/anything.mkv")).unwrap();
        assert!(!Twins::default().has(&at("films/a.avi"), &at("output")));
    }
}
