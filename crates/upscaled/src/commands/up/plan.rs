//! What becomes of the files of a command, settled before anything is read whole or made: where each result goes, under a name
//! that no other file of the command has.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use coordinator::{NameTemplate, Naming, Request, is_of_another_source, job_folders, result_names};
use job::{Container, Settings};
use protocol::Made;

use super::folders::Named;
use crate::exit::wrong;
use crate::output;
use crate::remedies;
use crate::root;

/// A file of the command and where its result goes.
#[derive(Debug)]
pub(super) struct Planned {
    /// The video, as an absolute path.
    pub(super) source: PathBuf,
    /// The folder of the result.
    pub(super) output: PathBuf,
    /// The name of the result where the user chose it.
    pub(super) chosen: Option<PathBuf>,
    /// The name that the result gets unless its container has to be another one.
    pub(super) expected: PathBuf,
    /// Better names that are taken by videos of the command and by results of other sources.
    pub(super) foreign: Vec<PathBuf>,
    /// The folder of the unfinished work.
    pub(super) folder: PathBuf,
    pub(super) settings: Settings,
    /// What would be made, where the name says so.
    pub(super) made: Option<Made>,
}

impl Planned {
    /// What is asked for.
    pub(super) fn request(&self) -> Request {
        Request {
            source: self.source.clone(),
            settings: self.settings.clone(),
            output: self.output.clone(),
            result: self.chosen.clone(),
            folder: None,
        }
    }
}

/// The choices that matter for names.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    pub(super) files: &'a [Named],
    pub(super) output: Option<&'a Path>,
    pub(super) settings: &'a Settings,
    pub(super) name: &'a NameTemplate,
    /// Folders that are not there are not made.
    pub(super) makes_nothing: bool,
}

/// The folder of results, and the name and container of one where they were chosen.
struct Destination {
    folder: PathBuf,
    file: Option<PathBuf>,
    container: Option<Container>,
}

impl Wanted<'_> {
    /// Plans all files in their order; of each that cannot be made, the reason. `source_of` tells whose unfinished work a
    /// folder holds, `foresee` what would be made of a file.
    pub(super) async fn plan(
        &self,
        source_of: impl AsyncFn(&Path) -> Option<PathBuf>,
        foresee: impl AsyncFn(&Path, &Settings) -> anyhow::Result<Made>,
    ) -> Vec<anyhow::Result<Planned>> {
        let sources = self.files.iter().filter_map(|named| named.file.canonicalize().ok());
        let sources: HashSet<PathBuf> = sources.collect();
        let mut planned: Vec<anyhow::Result<Planned>> = Vec::new();
        for file in self.files {
            let others: Vec<&Planned> = planned.iter().filter_map(|other| other.as_ref().ok()).collect();
            let next = self.file(file, (&others, &sources), &source_of, &foresee).await;
            planned.push(next);
        }
        planned
    }

    async fn file(
        &self,
        named: &Named,
        (others, sources): (&[&Planned], &HashSet<PathBuf>),
        source_of: &impl AsyncFn(&Path) -> Option<PathBuf>,
        foresee: &impl AsyncFn(&Path, &Settings) -> anyhow::Result<Made>,
    ) -> anyhow::Result<Planned> {
        let source = readable(&named.file)?;
        let Destination { folder: output, file: chosen, container } =
            self.destination(&source, &named.inside)?;
        let there = output.ancestors().find(|folder| folder.exists()).unwrap_or(&output);
        storage::check_writable(there).with_context(|| {
            let folder = output::path(there);
            format!(
                "nothing can be written into `{folder}`; check its permissions, or choose another with -o"
            )
        })?;
        let settings = Settings { container: container.or(self.settings.container), ..self.settings.clone() };
        settings.validate().map_err(|error| wrong(remedies::sentence(&error.into())))?;
        if let Some(chosen) = &chosen {
            let folder = job_folders(chosen, None, &output).next();
            let is_source = match &folder {
                Some(folder) => source_of(folder).await.is_some_and(|source| source == *chosen),
                None => false,
            };
            if is_source {
                return Err(wrong(format!(
                    "`{}` is the source of unfinished work, and the result would replace it: choose another name with -o",
                    output::path(chosen)
                )));
            }
        }
        let is_to_see = chosen.is_none() && self.name.needs_made(&settings);
        let made = if is_to_see { Some(foresee(&source, &settings).await?) } else { None };
        let mut foreign = Vec::new();
        let mut is_free = |name: &Path| {
            let is_foreign = sources.contains(name) || is_of_another_source(name, &source);
            foreign.extend(is_foreign.then(|| name.to_owned()));
            !is_foreign && others.iter().all(|other| other.expected != name)
        };
        let expected = if let Some(chosen) = &chosen {
            chosen.clone()
        } else {
            let naming =
                Naming::new(self.name, &settings, made).context("the name of the result is not known")?;
            let mut names =
                result_names(&source, &output, likely_container(&settings, &source), &naming).peekable();
            if names.peek().is_some_and(|name| name.0 == source) {
                return Err(wrong(format!(
                    "`{}` names the result of `{}` as the video itself: choose another --name, or another folder with -o",
                    self.name,
                    output::path(&source)
                )));
            }
            names.find(|name| is_free(name)).map(|name| name.0).context("all names are taken")?
        };
        ensure!(
            !expected.is_dir(),
            "`{}` is a folder, and the result would have its name: choose another with -o",
            output::path(&expected)
        );
        let mut folder = None;
        for candidate in job_folders(&source, settings.part, &output) {
            let is_other = others.iter().any(|other| other.folder == candidate)
                || source_of(&candidate).await.is_some_and(|other| other != source);
            if !is_other {
                folder = Some(candidate);
                break;
            }
        }
        let folder = folder.context("all names of job folders are taken")?;
        Ok(Planned { source, output, chosen, expected, foreign, folder, settings, made })
    }

    /// Where the result of a file goes.
    fn destination(&self, source: &Path, inside: &Path) -> anyhow::Result<Destination> {
        let beside = source.parent().unwrap_or(Path::new("/")).to_owned();
        let Some(wanted) = self.output else {
            return Ok(Destination { folder: beside, file: None, container: None });
        };
        let says_folder = wanted.as_os_str().to_string_lossy().ends_with('/');
        if says_folder || wanted.is_dir() {
            let folder = wanted.join(inside);
            if self.makes_nothing && !folder.exists() {
                let folder = std::path::absolute(folder)?;
                return Ok(Destination { folder, file: None, container: None });
            }
            root::make_folder(&folder)?;
            return Ok(Destination { folder: folder.canonicalize()?, file: None, container: None });
        }
        if self.files.len() > 1 {
            return Err(wrong(format!(
                "`{}` is one name for several results: name a folder, with a slash at its end",
                output::path(wanted)
            )));
        }
        let extension = wanted.extension().map(|extension| extension.to_string_lossy().to_lowercase());
        let container = match extension.as_deref() {
            Some("mp4" | "m4v" | "mov") => Container::Mp4,
            Some("mkv") => Container::Matroska,
            _ => {
                return Err(wrong(format!(
                    "`{}` is neither .mp4 nor .mkv: choose one of them, or a folder with a slash at its end",
                    output::path(wanted)
                )));
            }
        };
        if let Some(chosen) = self.settings.container.filter(|chosen| *chosen != container) {
            return Err(wrong(format!(
                "--container {} and the name `{}` contradict each other: leave --container out, or choose another name",
                chosen.extension(),
                output::path(wanted)
            )));
        }
        let name = wanted.file_name().context("the name of the result is missing")?;
        let folder = match wanted.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        if !folder.is_dir() {
            return Err(wrong(format!(
                "the folder `{}` is not there: make it, or name another; a name that ends with a slash is a folder that is made",
                output::path(folder)
            )));
        }
        let folder = folder.canonicalize()?;
        let file = folder.join(name);
        if file == source || is_same_file(&file, source) {
            return Err(wrong("the result would replace its source: choose another name"));
        }
        Ok(Destination { file: Some(file), folder, container: Some(container) })
    }
}

/// True for two names of one file: a link, or another spelling where the file system takes no notice of it.
fn is_same_file(one: &Path, other: &Path) -> bool {
    let identity = |path: &Path| path.metadata().ok().map(|file| (file.dev(), file.ino()));
    identity(one).is_some_and(|one| Some(one) == identity(other))
}

/// The container that a result gets unless its streams need another one.
fn likely_container(settings: &Settings, source: &Path) -> Container {
    let fits_mp4 = settings.codec.is_none_or(job::Codec::fits_mp4);
    let extension = source.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    let is_mp4 = matches!(extension.as_deref(), Some("mp4" | "m4v" | "mov" | "qt" | "3gp" | "3g2"));
    let usual = if is_mp4 && fits_mp4 { Container::Mp4 } else { Container::Matroska };
    settings.container.unwrap_or(usual)
}

/// The absolute path of a file that can be read.
pub(in crate::commands) fn readable(file: &Path) -> anyhow::Result<PathBuf> {
    let shown = output::path(file);
    let source = file.canonicalize().with_context(|| format!("`{shown}` cannot be found; check the name"))?;
    ensure!(
        !source.is_dir(),
        "`{shown}` is a folder: add -r to take the videos in it, or watch it with `upscaled serve`"
    );
    ensure!(source.is_file(), "`{shown}` is not a regular file: copy it to a disk first");
    if let Some(first) = storage::first_part(&source) {
        let first = output::path(first.file_name().unwrap_or_default().as_ref());
        bail!("`{shown}` is a later part of the film that begins in `{first}` beside it: name that file");
    }
    let opened = std::fs::File::open(&source);
    opened.with_context(|| format!("`{shown}` cannot be read; check its permissions"))?;
    ensure!(source.metadata()?.len() > 0, "`{shown}` is empty (zero bytes): copy it again");
    Ok(source)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::exit::is_usage;

    async fn unforeseen(_: &Path, _: &Settings) -> anyhow::Result<Made> {
        bail!("no name says it")
    }

    async fn plan(
        files: &[PathBuf],
        output: Option<&Path>,
        source_of: impl AsyncFn(&Path) -> Option<PathBuf>,
    ) -> Vec<anyhow::Result<Planned>> {
        let settings = Settings::default();
        let named = |file: &PathBuf| Named { file: file.clone(), inside: PathBuf::new() };
        let files: Vec<Named> = files.iter().map(named).collect();
        let name = NameTemplate::default();
        let wanted = Wanted { files: &files, output, settings: &settings, name: &name, makes_nothing: false };
        wanted.plan(source_of, unforeseen).await
    }

    fn names(folder: &Path, planned: &[anyhow::Result<Planned>]) -> Vec<(String, String)> {
        let inside = |path: &Path| path.strip_prefix(folder).unwrap().display().to_string();
        planned.iter().flatten().map(|file| (inside(&file.expected), inside(&file.folder))).collect()
    }

    #[tokio::test]
    async fn no_two_files_have_the_same_names() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        let at = |name: &str| folder.join(name);
        for name in ["x", "y", "res"] {
            fs::create_dir(at(name)).unwrap();
        }
        let files = ["x/e.mp4", "y/e.mp4", "x/e.avi", "x/e.mkv", "x/missing.mkv"].map(at);
        for file in &files[..4] {
            fs::write(file, "film").unwrap();
        }
        let planned = plan(&files, Some(&at("res")), async |_| None).await;
        let wanted = [
            ("res/e_upscaled.mp4", "res/e.mp4.job"),
            ("res/e.mp4_upscaled.mp4", "res/e.mp4.2.job"),
            ("res/e_upscaled.mkv", "res/e.avi.job"),
            ("res/e.mkv_upscaled.mkv", "res/e.mkv.job"),
        ];
        assert_eq!(
            names(&folder, &planned),
            wanted.map(|(name, folder)| (name.to_owned(), folder.to_owned()))
        );
        let errors: Vec<String> =
            planned.iter().filter_map(|file| file.as_ref().err()).map(|error| format!("{error:#}")).collect();
        assert!(errors[0].contains("cannot be found"), "{errors:?}");
        // The unfinished work of another source keeps its folder, and its own is found again.
        let of_other = |folder: &Path| folder.ends_with("e.mp4.job").then(|| at("y/e.mp4"));
        let alone = plan(&files[..1], Some(&at("res")), async |folder| of_other(folder)).await;
        assert_eq!(names(&folder, &alone)[0].1, "res/e.mp4.2.job");
        let own = plan(&files[1..2], Some(&at("res")), async |folder| of_other(folder)).await;
        assert_eq!(names(&folder, &own)[0].1, "res/e.mp4.job");
    }

    #[tokio::test]
    async fn names_that_cannot_be_are_refused_before_anything_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().canonicalize().unwrap().join(name);
        fs::write(at("a.mkv"), "film").unwrap();
        fs::hard_link(at("a.mkv"), at("same.mkv")).unwrap();
        for (output, wanted) in [
            ("a.mkv", "would replace its source"),
            ("same.mkv", "would replace its source"),
            ("nope/a.mp4", "is not there"),
            ("a.avi", "neither .mp4 nor .mkv"),
        ] {
            let planned = plan(&[at("a.mkv")], Some(&at(output)), async |_| None).await;
            let error = planned[0].as_ref().unwrap_err();
            assert!(format!("{error:#}").contains(wanted) && is_usage(error), "{error:#}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        // The source of what another command has not finished.
        let of_other = async |folder: &Path| folder.ends_with("b.mkv.job").then(|| at("b.mkv"));
        let planned = plan(&[at("a.mkv")], Some(&at("b.mkv")), of_other).await;
        let error = planned[0].as_ref().unwrap_err();
        assert!(error.to_string().contains("the source of unfinished work") && is_usage(error), "{error}");
        let settings = Settings { container: Some(Container::Mp4), ..Settings::default() };
        let files = [Named { file: at("a.mkv"), inside: PathBuf::new() }];
        let (output, name) = (at("b.mkv"), NameTemplate::default());
        let wanted = Wanted {
            files: &files,
            output: Some(&output),
            settings: &settings,
            name: &name,
            makes_nothing: true,
        };
        let error = wanted.plan(async |_| None, unforeseen).await.remove(0).unwrap_err().to_string();
        assert!(error.contains("--container"), "{error}");
        // The name says the container, which has no place for the codec.
        let settings = Settings { codec: Some(job::Codec::Ffv1), ..Settings::default() };
        let output = at("b.mp4");
        let wanted = Wanted { output: Some(&output), settings: &settings, ..wanted };
        let error = wanted.plan(async |_| None, unforeseen).await.remove(0).unwrap_err();
        assert!(
            error.to_string().contains("MP4 files have no place for ffv1") && is_usage(&error),
            "{error}"
        );
    }
}
