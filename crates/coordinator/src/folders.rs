//! The folders that a server watches, and where the results of each go.

mod note;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use job::Settings;

use crate::away::ServerFolder;
use crate::pattern::PathPatterns;
use crate::template::NameTemplate;

/// A folder whose videos become jobs, and what becomes of them.
#[derive(Debug, Clone, PartialEq)]
pub struct WatchFolder {
    /// The folder, as an absolute path.
    pub input: PathBuf,
    /// Where results go.
    pub output: Output,
    /// The settings of the jobs.
    pub settings: Settings,
    /// How results are named.
    pub name: NameTemplate,
    /// Which of its files are taken in.
    pub patterns: PathPatterns,
    /// Nothing is written below it.
    pub read_only: bool,
}

/// Where the results of a folder go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Into a folder, in which the subfolders are as in the one that is watched.
    Into(PathBuf),
    /// Each beside its source.
    Beside,
}

impl WatchFolder {
    /// A folder with the usual settings.
    pub fn new(input: PathBuf, output: Output) -> Self {
        Self {
            input,
            output,
            settings: Settings::default(),
            name: NameTemplate::default(),
            patterns: PathPatterns::default(),
            read_only: false,
        }
    }

    /// The folder that the result of a source in this folder goes to.
    pub fn output_of(&self, source: &Path) -> PathBuf {
        let folder = source.parent().unwrap_or(&self.input);
        match &self.output {
            Output::Beside => folder.to_owned(),
            Output::Into(output) => match folder.strip_prefix(&self.input) {
                Ok(inside) if inside != Path::new("") => output.join(inside),
                _ => output.clone(),
            },
        }
    }

    /// The folder below which all its results are.
    pub fn results(&self) -> &Path {
        match &self.output {
            Output::Beside => &self.input,
            Output::Into(output) => output,
        }
    }
}

/// A folder that is watched, which may be away, as may be that of its results.
#[derive(Debug, Clone)]
pub struct Watched {
    /// What is to be done with its videos.
    pub folder: WatchFolder,
    input: ServerFolder,
    results: ServerFolder,
    /// Its disk was asked and has not answered yet.
    is_silent: Arc<AtomicBool>,
}

impl Watched {
    /// What is wrong with the folder; `None` where it is there. One that does not answer is not asked again.
    pub fn trouble(&self) -> Option<String> {
        if self.is_silent() {
            return Some(format!("the folder `{}` does not answer", self.folder.input.display()));
        }
        self.input.trouble()
    }

    /// True while its disk was asked and does not answer.
    pub(crate) fn is_silent(&self) -> bool {
        self.is_silent.load(Ordering::Relaxed)
    }

    pub(crate) fn set_silent(&self, is_silent: bool) {
        self.is_silent.store(is_silent, Ordering::Relaxed);
    }
}

/// The folders of a server; a command that works alone has none.
#[derive(Debug, Clone, Default)]
pub struct ServerFolders {
    watched: Vec<Watched>,
    /// That of the results of all other jobs.
    output: Option<ServerFolder>,
    /// How their results are named.
    name: NameTemplate,
}

impl ServerFolders {
    /// Those of a server whose state is in a folder, where it is noted what is mounted at them. `output` and `name` are for jobs
    /// that come from none of the folders.
    pub fn new(folders: Vec<WatchFolder>, output: &Path, name: NameTemplate, state: &Path) -> Self {
        let place = |folder: &Path| ServerFolder::noted(folder.to_owned(), state, &note::name(folder, state));
        let watched = folders.into_iter().map(|folder| {
            let (input, results) = (place(&folder.input), place(folder.results()));
            Watched { folder, input, results, is_silent: Arc::default() }
        });
        Self { watched: watched.collect(), output: Some(place(output)), name }
    }

    /// No folder, and a name for results.
    pub fn none(name: NameTemplate) -> Self {
        Self { name, ..Self::default() }
    }

    /// The folders that are watched.
    pub fn watched(&self) -> &[Watched] {
        &self.watched
    }

    /// The folders whose disks do not answer.
    pub fn silent(&self) -> Vec<&Path> {
        let silent = self.watched.iter().filter(|watched| watched.is_silent());
        silent.map(|watched| &*watched.folder.input).collect()
    }

    /// The folder that a source lies in.
    pub(crate) fn of_source(&self, source: &Path) -> Option<&Watched> {
        self.watched.iter().find(|watched| source.starts_with(&watched.folder.input))
    }

    /// The folder of results that holds another folder.
    pub(crate) fn of_result(&self, folder: &Path) -> Option<&ServerFolder> {
        let all = self.results().filter(|results| folder.starts_with(results.path()));
        // One may lie in another, on a disk of its own.
        all.max_by_key(|results| results.path().as_os_str().len())
    }

    /// All folders of results; several may be the same.
    fn results(&self) -> impl Iterator<Item = &ServerFolder> {
        self.watched.iter().map(|watched| &watched.results).chain(&self.output)
    }

    /// The folders below which all results are, none of them in another.
    pub fn roots_of_results(&self) -> Vec<PathBuf> {
        let mut roots: Vec<PathBuf> = Vec::new();
        let mut all: Vec<&Path> = self.results().map(ServerFolder::path).collect();
        // A folder comes before what is in it.
        all.sort_unstable();
        for path in all {
            if !roots.iter().any(|root| path.starts_with(root)) {
                roots.push(path.to_owned());
            }
        }
        roots
    }

    /// The folder that is watched and below which nothing may be written, where a path lies in one, by whatever links. Looks at
    /// files.
    pub fn protects(&self, path: &Path) -> Option<&Path> {
        let read_only = self.watched.iter().filter(|watched| watched.folder.read_only);
        let mut inputs = read_only.map(|watched| &*watched.folder.input);
        inputs.find(|input| storage::is_below(path, input))
    }

    /// How the result of a source is named that goes to this folder.
    pub(crate) fn name_of(&self, source: &Path, output: &Path) -> &NameTemplate {
        let watched = self.of_source(source);
        let watched = watched.filter(|watched| output.starts_with(watched.folder.results()));
        watched.map_or(&self.name, |watched| &watched.folder.name)
    }

    /// The folders of results that are to be made: not there, and not on what is mounted elsewhere at other times.
    pub fn missing_results(&self) -> Vec<PathBuf> {
        let is_beside = |watched: &&Watched| watched.folder.output == Output::Beside;
        let own = self.watched.iter().filter(|watched| !is_beside(watched)).map(|watched| &watched.results);
        let missing = own.chain(&self.output).filter(|results| {
            let path = results.path();
            !path.is_symlink() && !path.exists() && !results.is_usually_mounted()
        });
        let mut missing: Vec<PathBuf> = missing.map(|results| results.path().to_owned()).collect();
        missing.sort();
        missing.dedup();
        missing
    }

    /// Those that no job can use now.
    pub(crate) fn away(&self) -> Vec<&Path> {
        let inputs = self.watched.iter().filter(|watched| watched.trouble().is_some());
        let inputs = inputs.map(|watched| &watched.input);
        let mut results: Vec<&ServerFolder> = self.results().collect();
        results.sort_by_key(|results| results.path());
        results.dedup_by_key(|results| results.path());
        results.retain(|results| {
            results.trouble().is_some() || storage::check_writable(results.path()).is_err()
        });
        inputs.chain(results).map(ServerFolder::path).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_go_beside_their_sources_or_into_a_tree_of_the_same_shape() {
        let into = WatchFolder::new("/films".into(), Output::Into("/results".into()));
        let beside = WatchFolder::new("/films".into(), Output::Beside);
        for (source, mirrored, near) in [
            ("/films/a.mkv", "/results", "/films"),
            ("/films/Show/Season 1/a.mkv", "/results/Show/Season 1", "/films/Show/Season 1"),
        ] {
            assert_eq!(into.output_of(Path::new(source)), Path::new(mirrored));
            assert_eq!(beside.output_of(Path::new(source)), Path::new(near));
        }
    }

    #[test]
    fn each_folder_has_its_own_name_for_results_and_its_own_outage() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        for name in ["state", "output", "films", "shows", "results"] {
            std::fs::create_dir(at(name)).unwrap();
        }
        let films = WatchFolder {
            name: "{stem} sharp".parse().unwrap(),
            read_only: true,
            ..WatchFolder::new(at("films"), Output::Into(at("results")))
        };
        let shows = WatchFolder::new(at("shows"), Output::Beside);
        let usual: NameTemplate = "{stem} other".parse().unwrap();
        let folders = ServerFolders::new(vec![films, shows], &at("output"), usual, &at("state"));
        let name = |source: &str, output: &str| folders.name_of(&at(source), &at(output)).to_string();
        assert_eq!(name("films/a.mkv", "results/deep"), "{stem} sharp");
        assert_eq!(name("films/a.mkv", "elsewhere"), "{stem} other");
        assert_eq!(name("shows/a.mkv", "shows"), "{stem}_upscaled");
        assert_eq!(name("else/a.mkv", "output"), "{stem} other");
        assert_eq!(folders.protects(&at("films/deep/a.mkv.job")), Some(&*at("films")));
        std::os::unix::fs::symlink(at("films"), at("link")).unwrap();
        assert_eq!(folders.protects(&at("link/new/a")), Some(&*at("films")));
        assert_eq!((folders.protects(&at("shows/a")), folders.protects(&at("filmsx/a"))), (None, None));
        assert!(folders.away().is_empty());
        std::fs::rename(at("shows"), at("gone")).unwrap();
        assert_eq!(folders.away(), [at("shows"), at("shows")]);
        assert!(folders.missing_results().is_empty(), "a library is not made");
        std::fs::rename(at("results"), at("gone too")).unwrap();
        assert_eq!(folders.missing_results(), [at("results")]);
    }
}
