//! Whether folders that are watched and folders of results can be beside each other.

use std::path::{Component, PathBuf};

use coordinator::{Output, WatchFolder};
use storage::real_place;

use super::tables::FolderTable;
use crate::root::Root;

/// A mistake: its line, and what it is.
type Mistake = (usize, String);

/// A path of the file, of which parts may lead up; those that are not absolute count from the server's folder. `None` where it is
/// empty, or begins with a tilde, which the shell would expand.
pub(super) fn resolved(root: &Root, path: &str) -> Option<PathBuf> {
    if path.trim().is_empty() || path.contains('\0') || path.starts_with('~') {
        return None;
    }
    let mut resolved = PathBuf::new();
    for part in root.folder().join(path).components() {
        match part {
            Component::ParentDir => drop(resolved.pop()),
            Component::CurDir => {}
            other => resolved.push(other),
        }
    }
    Some(resolved)
}

/// A folder, by its name and by what links lead to.
#[derive(Debug, Clone)]
struct Place {
    path: PathBuf,
    real: PathBuf,
}

impl Place {
    fn of(path: PathBuf) -> Self {
        let real = real_place(&path);
        Self { path, real }
    }

    /// True where this folder is another one, or in it.
    fn is_in(&self, other: &Self) -> bool {
        self.path.starts_with(&other.path) || self.real.starts_with(&other.real)
    }
}

/// Where results go.
struct Results {
    place: Place,
    line: usize,
    written: String,
}

/// The folders that were looked at so far.
pub(super) struct Places {
    root: Place,
    /// Those of the server, in which nothing else may be: their names, and what they are for.
    own: Vec<(Place, &'static str)>,
    watched: Vec<(Place, Option<usize>)>,
    results: Vec<Results>,
}

impl Places {
    pub(super) fn new(root: &Root) -> Self {
        let own = [
            (root.output(), "which has the results"),
            (root.state(), "which has the server's state"),
            (root.models(), "which has the models"),
            (root.logs(), "which has the logs"),
        ];
        Self {
            root: Place::of(root.folder().to_owned()),
            own: own.into_iter().map(|(path, what)| (Place::of(path), what)).collect(),
            watched: vec![(Place::of(root.input()), None)],
            results: Vec::new(),
        }
    }

    /// Looks at a folder and notes it.
    pub(super) fn add(&mut self, table: &FolderTable, folder: &WatchFolder) -> Result<(), Mistake> {
        let place = Place::of(folder.input.clone());
        self.check_watched(&place).map_err(|words| mistake(table, "path", &words))?;
        self.watched.push((place, Some(table.line_of("path"))));
        if let (Output::Into(output), Some((written, line))) = (&folder.output, table.written.get("output")) {
            let place = Place::of(output.clone());
            self.results.push(Results { place, line: *line, written: written.clone() });
        }
        Ok(())
    }

    /// Why a folder cannot be watched.
    fn check_watched(&self, place: &Place) -> Result<(), String> {
        if place.path.exists() && !place.path.is_dir() {
            return Err("it is no folder".to_owned());
        }
        for (other, line) in &self.watched {
            let which = match line {
                None => "which is watched with the settings of all".to_owned(),
                Some(line) => format!("which line {line} has"),
            };
            let other_path = other.path.display();
            if place.is_in(other) && other.is_in(place) {
                return Err(format!("it is `{other_path}`, {which}: leave one of them"));
            }
            if place.is_in(other) {
                return Err(format!("it lies in `{other_path}`, {which}: leave one of them"));
            }
            if other.is_in(place) {
                return Err(format!("it holds `{other_path}`, {which}: leave one of them"));
            }
        }
        if self.root.is_in(place) {
            return Err("it holds the folder of the server: name another".to_owned());
        }
        match self.own.iter().find(|(own, _)| place.is_in(own)) {
            Some((own, what)) => Err(format!("it lies in `{}`, {what}: name another", own.path.display())),
            None => Ok(()),
        }
    }

    /// Looks at the folders of results beside all that are watched.
    pub(super) fn check_outputs(&self) -> Result<(), Mistake> {
        for Results { place, line, written } in &self.results {
            self.check_output(place)
                .map_err(|words| (*line, format!("folders.output = {written} cannot be: {words}")))?;
        }
        Ok(())
    }

    fn check_output(&self, place: &Place) -> Result<(), String> {
        if place.path.exists() && !place.path.is_dir() {
            return Err("it is no folder".to_owned());
        }
        for (watched, _) in &self.watched {
            let path = watched.path.display();
            if place.is_in(watched) {
                return Err(format!(
                    "it lies in `{path}`, which is watched: name a folder elsewhere, or write \"beside\""
                ));
            }
            if watched.is_in(place) {
                return Err(format!("it holds `{path}`, which is watched: name another folder"));
            }
        }
        let mut kept = self.own.iter().skip(1);
        if let Some((own, what)) = kept.find(|(own, _)| place.is_in(own)) {
            return Err(format!("it lies in `{}`, {what}: name another folder", own.path.display()));
        }
        if self.root.is_in(place) {
            return Err("it holds the folder of the server: name another".to_owned());
        }
        Ok(())
    }
}

fn mistake(table: &FolderTable, key: &str, words: &str) -> Mistake {
    let written = table.written.get(key).map(|(value, _)| &**value).unwrap_or_default();
    (table.line_of(key), format!("folders.{key} = {written} cannot be: {words}"))
}

#[cfg(test)]
mod tests {
    use super::super::watch_folders;
    use super::*;
    use crate::cli::Choices;

    fn root(text: &str) -> (tempfile::TempDir, Root) {
        let folder = tempfile::tempdir().unwrap();
        for name in ["films", "shows/deep", "output", "input", "state"] {
            std::fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        std::os::unix::fs::symlink("films", folder.path().join("link")).unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        std::fs::write(folder.path().join("upscaled.toml"), text).unwrap();
        let root = Root::new(folder.path()).unwrap();
        (folder, root)
    }

    #[test]
    fn folders_have_the_settings_of_their_presets_over_those_of_all() {
        let (_folder, root) = root(
            "model = \"none\"\nscale = 2\ncrf = 30\n[presets.large]\nheight = 1080\ncrf = 20\n\
             [[folders]]\npath = \"films\"\npreset = \"large\"\ncrf = 10\noutput = \"beside\"\n\
             [[folders]]\npath = \"./shows/../shows\"\nread_only = true\noutput = \"output/shows\"\nname = \"{stem} x\"\n",
        );
        let folders = watch_folders(&Choices::default(), &root).unwrap();
        let [own, films, shows] = &folders[..] else { panic!("{folders:?}") };
        let chosen = |folder: &WatchFolder| (folder.settings.target, folder.settings.crf);
        assert_eq!(chosen(own), (job::Target::times(2), Some(30)));
        assert_eq!(chosen(films), (job::Target::Height(1080), Some(10)));
        assert_eq!(chosen(shows), (job::Target::times(2), Some(30)));
        assert_eq!((&films.output, &films.input), (&Output::Beside, &root.folder().join("films")));
        assert_eq!(shows.output, Output::Into(root.folder().join("output/shows")));
        assert_eq!((shows.name.to_string().as_str(), shows.read_only), ("{stem} x", true));
        assert_eq!(shows.input, root.folder().join("shows"));
        let line = Choices { crf: Some(5), ..Choices::default() };
        assert!(watch_folders(&line, &root).unwrap().iter().all(|folder| folder.settings.crf == Some(5)));
    }

    #[test]
    fn what_cannot_be_is_refused_in_one_sentence_that_names_the_key() {
        let folder = |rest: &str| format!("[[folders]]\npath = \"films\"\n{rest}");
        for (text, line, words) in [
            ("[[folders]]\nread_only = true".to_owned(), 2, "a folder has no path"),
            ("[[folders]]\npath = \"\"".to_owned(), 2, "folders.path = \"\" cannot be: name a folder"),
            (
                "[[folders]]\npath = \"file\"".to_owned(),
                2,
                "folders.path = \"file\" cannot be: it is no folder",
            ),
            (
                "[[folders]]\npath = \"input\"".to_owned(),
                2,
                "/input`, which is watched with the settings of all",
            ),
            ("[[folders]]\npath = \"input/a\"".to_owned(), 2, "it lies in `"),
            ("[[folders]]\npath = \".\"".to_owned(), 2, "it holds `"),
            ("[[folders]]\npath = \"output/a\"".to_owned(), 2, "/output`, which has the results"),
            ("[[folders]]\npath = \"state\"".to_owned(), 2, "which has the server's state"),
            (folder("[[folders]]\npath = \"films/a\""), 4, "/films`, which line 2 has"),
            (folder("[[folders]]\npath = \"link\""), 4, "/films`, which line 2 has"),
            (folder("output = \"films/out\""), 3, "folders.output = \"films/out\" cannot be: it lies in"),
            (folder("output = \"input\""), 3, "/input`, which is watched"),
            (folder("output = \"shows\"\n[[folders]]\npath = \"shows/deep\""), 3, "it holds"),
            (folder("output = \"state/x\""), 3, "which has the server's state"),
            (folder("output = \"..\""), 3, "it holds"),
            (
                folder("output = \"Besides\""),
                3,
                "did you mean \"beside\"? A folder of that name is \"./Besides\"",
            ),
            (folder("output = \"~/out\""), 3, "~ does not stand for a home folder here"),
            ("[[folders]]\npath = \"~/films\"".to_owned(), 2, "write its whole path"),
            (folder("output = \"beside\"\nread_only = true"), 3, "the folder is read_only"),
            (folder("preset = \"slow\""), 3, "there is no preset of that name: write [presets.slow]"),
            (folder("preset = \"film\"\n[presets.films]\ncrf = 1"), 3, "did you mean \"films\"?"),
            (
                folder("codec = \"ffv1\"\ncontainer = \"mp4\""),
                4,
                "folders.container: MP4 files have no place",
            ),
            (
                "container = \"mp4\"\n[presets.a]\ncodec = \"ffv1\"".to_owned(),
                1,
                "container, with presets.a: MP4",
            ),
        ] {
            let (_folder, root) = root(&text);
            let error = format!("{:#}", watch_folders(&Choices::default(), &root).unwrap_err());
            assert!(
                error.contains(&format!("upscaled.toml`, line {line}: ")) && error.contains(words),
                "{text}: {error}"
            );
        }
        let (_folder, root) = root(&folder("output = \"beside\""));
        let again = Choices { again: true, ..Choices::default() };
        let error = watch_folders(&again, &root).unwrap_err().to_string();
        assert!(error.contains("--again"), "{error}");
    }
}
