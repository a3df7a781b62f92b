//! What lies in a folder that is watched.
//!
//! Links to folders are followed, so that `input/series` may lie on another disk. A folder is looked at once: under its own
//! name where it lies below `input`, else under the oldest link to it, so that a new link changes no path of a job.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::{self, DirEntry, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use storage::Stamp;

use super::ground::Ground;
use super::kinds::{NameRules, control_file, lower};
use super::rule::Rule;

/// Folders inside each other that are looked into.
const DEEPEST: usize = 32;

/// A file that may be a video.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) stamp: Stamp,
    /// The file beside it that says that it is not whole yet.
    pub(super) control: Option<String>,
}

/// Who goes along.
pub(super) trait Companion {
    /// A folder is about to be listed.
    fn enter(&mut self, folder: &Path);
    /// The folder was listed, or could not be.
    fn listed(&mut self, folder: &Path, error: Option<&io::Error>);
    /// A file may be a video.
    fn found(&mut self, found: Found);
    /// A file or folder is passed over.
    fn passed(&mut self, path: PathBuf, is_folder: bool, rule: Rule);
}

/// The device of a folder and its number there.
type Identity = (u64, u64);

/// A link to a folder.
struct Link {
    made: SystemTime,
    path: PathBuf,
    depth: usize,
}

struct Walk<'a, C> {
    rules: &'a NameRules,
    ground: &'a Ground,
    companion: &'a mut C,
    /// The folders that were entered, and under which names.
    entered: HashMap<Identity, PathBuf>,
    /// Links to folders, which come when all other folders have been entered.
    links: Vec<Link>,
}

/// Goes through a folder that is watched and all below it.
pub(super) fn walk(rules: &NameRules, ground: &Ground, companion: &mut impl Companion) {
    let input = &ground.input;
    let mut walk = Walk { rules, ground, companion, entered: HashMap::new(), links: Vec::new() };
    if let Ok(found) = fs::metadata(input) {
        walk.entered.insert(identity(&found), input.clone());
    }
    walk.enter(input, DEEPEST, false);
    let input = input.canonicalize().unwrap_or_else(|_| input.clone());
    // What links lead to may hold links again.
    while !walk.links.is_empty() {
        let mut links = std::mem::take(&mut walk.links);
        links.sort_by(|one, other| (one.made, &one.path).cmp(&(other.made, &other.path)));
        for link in links {
            walk.follow(link, &input);
        }
    }
}

impl<C: Companion> Walk<'_, C> {
    fn follow(&mut self, Link { path, depth, .. }: Link, input: &Path) {
        let rule = match path.canonicalize() {
            Err(error) => Some(Rule::Unreadable(error.to_string())),
            Ok(target) => self.ground.against_link(&target, input),
        };
        match rule {
            Some(rule) => self.companion.passed(path, true, rule),
            None => self.enter_once(path, depth, true),
        }
    }

    /// Enters a folder; one behind a link only where it was not entered before.
    fn enter_once(&mut self, path: PathBuf, depth: usize, is_linked: bool) {
        let found = match fs::metadata(&path) {
            Ok(found) => identity(&found),
            Err(error) => return self.companion.passed(path, true, Rule::Unreadable(error.to_string())),
        };
        match self.entered.get(&found).filter(|_| is_linked) {
            Some(first) => self.companion.passed(path, true, Rule::Same(first.clone())),
            None if depth == 0 => self.companion.passed(path, true, Rule::TooDeep(DEEPEST)),
            None => {
                self.entered.entry(found).or_insert_with(|| path.clone());
                self.enter(&path, depth - 1, is_linked);
            }
        }
    }

    /// Goes through a folder and those below it; links to folders are put off.
    fn enter(&mut self, folder: &Path, depth: usize, is_linked: bool) {
        // Before it is read, so that nothing comes between.
        self.companion.enter(folder);
        let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<DirEntry>>>);
        self.companion.listed(folder, entries.as_ref().err());
        let entries = entries.unwrap_or_default();
        let names: HashSet<String> = entries.iter().map(|entry| lower(&entry.file_name())).collect();
        for entry in entries {
            let (path, name) = (entry.path(), entry.file_name());
            match Entry::of(&entry) {
                Err(error) if error.kind() == ErrorKind::NotFound && !path.is_symlink() => {
                    // Gone since the folder was listed: the next look will see.
                }
                Err(error) => {
                    let rule = self.rules.against_file(&name).unwrap_or_else(|| unreadable(&path, &error));
                    self.companion.passed(path, false, rule);
                }
                Ok(Entry::Special) => self.companion.passed(path, false, Rule::Special),
                Ok(Entry::File) => self.file(path, &name, &names),
                Ok(kind) => match self.against_folder(&path, &name) {
                    Some(rule) => self.companion.passed(path, true, rule),
                    None => match kind {
                        Entry::Link(made) => self.links.push(Link { made, path, depth }),
                        _ => self.enter_once(path, depth, is_linked),
                    },
                },
            }
        }
    }

    fn against_folder(&self, path: &Path, name: &OsStr) -> Option<Rule> {
        let rule = self.rules.against_folder(name, |wanted| holds(path, wanted));
        rule.or_else(|| self.ground.against(path, true))
    }

    fn file(&mut self, path: PathBuf, name: &OsStr, beside: &HashSet<String>) {
        let rule = self.rules.against_file(name).or_else(|| self.ground.against(&path, false));
        let rule = rule.or_else(|| storage::first_part(&path).map(Rule::LaterPart));
        match (rule, Stamp::of(&path)) {
            (Some(rule), _) => self.companion.passed(path, false, rule),
            (None, Ok(stamp)) => {
                self.companion.found(Found { control: control_of(&path, beside), path, stamp });
            }
            (None, Err(_)) if path.symlink_metadata().is_err_and(|e| e.kind() == ErrorKind::NotFound) => {}
            (None, Err(error)) => self.companion.passed(path, false, Rule::Unreadable(error.to_string())),
        }
    }
}

/// What an entry of a folder is.
enum Entry {
    File,
    Folder,
    /// A link to a folder, made at this time.
    Link(SystemTime),
    Special,
}

impl Entry {
    fn of(entry: &DirEntry) -> io::Result<Self> {
        let kind = entry.file_type()?;
        let (target, made) = if kind.is_symlink() {
            (fs::metadata(entry.path())?.file_type(), Some(entry.metadata()?.modified()?))
        } else {
            (kind, None)
        };
        Ok(match made {
            _ if target.is_file() => Self::File,
            Some(made) if target.is_dir() => Self::Link(made),
            None if target.is_dir() => Self::Folder,
            _ => Self::Special,
        })
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Rule {
    let target = fs::read_link(path).ok();
    let target = target.map(|target| format!("a link to `{}`, ", target.display()));
    Rule::Unreadable(format!("{}{error}", target.unwrap_or_default()))
}

fn identity(found: &Metadata) -> Identity {
    (found.dev(), found.ino())
}

/// True when a file of a name, in lower case, lies in a folder.
fn holds(folder: &Path, wanted: &str) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| lower(&entry.file_name()) == wanted)
}

/// The file beside any part of a film that says that it is not whole yet.
fn control_of(path: &Path, names: &HashSet<String>) -> Option<String> {
    let parts = storage::parts(path);
    let of_part = |part: &PathBuf| {
        let name: &OsStr = part.file_name()?;
        control_file(name, |wanted| names.contains(wanted))
    };
    parts.iter().find_map(of_part)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::time::Duration;

    use super::*;
    use crate::pattern::PathPatterns;

    /// Notes what is met with, by names below the input folder.
    #[derive(Debug, Default)]
    struct Notes {
        input: PathBuf,
        found: Vec<(String, u64, Option<String>)>,
        passed: Vec<(String, bool, Rule)>,
        closed: Vec<String>,
    }

    impl Notes {
        fn name(&self, path: &Path) -> String {
            path.strip_prefix(&self.input).unwrap().to_str().unwrap().to_owned()
        }
    }

    impl Companion for Notes {
        fn enter(&mut self, _: &Path) {}

        fn listed(&mut self, folder: &Path, error: Option<&io::Error>) {
            let name = self.name(folder);
            self.closed.extend(error.map(|_| name));
        }

        fn found(&mut self, found: Found) {
            self.found.push((self.name(&found.path), found.stamp.size, found.control));
        }

        fn passed(&mut self, path: PathBuf, is_folder: bool, rule: Rule) {
            self.passed.push((self.name(&path), is_folder, rule));
        }
    }

    fn look(root: &Path) -> Notes {
        look_with(root, PathPatterns::default(), Vec::new())
    }

    fn look_with(root: &Path, patterns: PathPatterns, watched: Vec<PathBuf>) -> Notes {
        let input = root.join("input");
        let mut notes = Notes { input: input.clone(), ..Notes::default() };
        let ground = Ground::new(input, patterns, watched, vec![root.join("output")]);
        walk(&NameRules::default(), &ground, &mut notes);
        notes.found.sort();
        notes.passed.sort_by(|one, other| one.0.cmp(&other.0));
        notes
    }

    fn root(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "four").unwrap();
        }
        folder
    }

    fn found(notes: &Notes) -> Vec<&str> {
        notes.found.iter().map(|(name, _, _)| &**name).collect()
    }

    fn passed(notes: &Notes) -> Vec<(&str, bool, &'static str)> {
        notes.passed.iter().map(|(name, is_folder, rule)| (&**name, *is_folder, rule.name())).collect()
    }

    #[test]
    fn everything_is_found_or_passed_over_by_a_rule() {
        let root = root(&[
            "input/VIDEO_TS/VIDEO_TS.VOB",
            "input/VIDEO_TS/VTS_01_0.IFO",
            "input/VIDEO_TS/VTS_01_1.VOB",
            "input/VIDEO_TS/VTS_01_2.VOB",
            "input/VIDEO_TS/VTS_02_2.VOB",
            "input/@eaDir/a.mkv",
            "input/films/b.mkv",
            "input/films/B.mkv.aria2",
            "input/films/c_upscaled.mkv",
            "input/The.Italian.Job/d.mkv",
            "input/e.mkv.job/job.json",
            "input/e.mkv.job/seg-000000.e1.pkt",
        ]);
        let at = |name: &str| root.path().join("input").join(name);
        symlink(at("films/b.mkv"), at("link.mkv")).unwrap();
        symlink("nowhere", at("broken.mkv")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("socket.mkv")).unwrap();
        let notes = look(root.path());
        let control = Some("b.mkv.aria2".to_owned());
        assert_eq!(
            notes.found,
            [
                ("The.Italian.Job/d.mkv".to_owned(), 4, None),
                ("VIDEO_TS/VTS_01_1.VOB".to_owned(), 8, None),
                ("VIDEO_TS/VTS_02_2.VOB".to_owned(), 4, None),
                ("films/b.mkv".to_owned(), 4, control),
                ("films/c_upscaled.mkv".to_owned(), 4, None),
                ("link.mkv".to_owned(), 4, None),
            ]
        );
        assert_eq!(
            passed(&notes),
            [
                ("@eaDir", true, "system"),
                ("VIDEO_TS/VIDEO_TS.VOB", false, "menu"),
                ("VIDEO_TS/VTS_01_0.IFO", false, "ending"),
                ("VIDEO_TS/VTS_01_2.VOB", false, "later_part"),
                ("broken.mkv", false, "unreadable"),
                ("e.mkv.job", true, "job_folder"),
                ("films/B.mkv.aria2", false, "unfinished"),
                ("socket.mkv", false, "special"),
            ]
        );
        assert!(notes.passed[4].2.to_string().contains("a link to `nowhere`"), "{}", notes.passed[4].2);
    }

    #[test]
    fn links_to_folders_are_followed_and_lead_into_no_circle() {
        let root = root(&["input/own/a.mkv", "output/b.mkv", "nas/series/c.mkv", "nas/films/d.mkv"]);
        let at = |name: &str| root.path().join(name);
        for (target, link) in [
            ("nas/series", "input/series"),
            ("nas/series", "input/a second name"),
            ("input/own", "input/also own"),
            ("input/own", "nas/films/back"),
            ("nas/films", "input/films"),
            ("nas/films", "nas/films/circle"),
            ("", "input/root"),
            ("output", "input/results"),
            ("output", "nas/series/results"),
        ] {
            symlink(at(target), at(link)).unwrap();
            // The one that was made first is the one that counts.
            std::thread::sleep(Duration::from_millis(20));
        }
        let notes = look(root.path());
        assert_eq!(found(&notes), ["films/d.mkv", "own/a.mkv", "series/c.mkv"]);
        assert_eq!(
            passed(&notes),
            [
                ("a second name", true, "same_folder"),
                ("also own", true, "same_folder"),
                ("films/back", true, "same_folder"),
                ("films/circle", true, "same_folder"),
                ("results", true, "results"),
                ("root", true, "holds_input"),
                ("series/results", true, "results"),
            ]
        );
    }

    #[test]
    fn a_folder_behind_a_link_is_looked_at_once() {
        let root = root(&["input/x.mkv", "nas/all/series/c.mkv"]);
        let at = |name: &str| root.path().join(name);
        symlink(at("nas/all/series"), at("input/series")).unwrap();
        std::thread::sleep(Duration::from_millis(20));
        symlink(at("nas/all"), at("input/all")).unwrap();
        let notes = look(root.path());
        assert_eq!(found(&notes), ["series/c.mkv", "x.mkv"]);
        assert_eq!(passed(&notes), [("all/series", true, "same_folder")]);
    }

    #[test]
    fn patterns_choose_and_what_is_watched_on_its_own_is_not_entered_by_links() {
        let root =
            root(&["input/Show/a.mkv", "input/Show/Extras/b.mkv", "input/c.avi", "nas/films/deep/d.mkv"]);
        let at = |name: &str| root.path().join(name);
        for (target, link) in [("nas/films", "same"), ("nas/films/deep", "in it"), ("nas", "holds it")] {
            symlink(at(target), at("input").join(link)).unwrap();
        }
        let patterns = PathPatterns {
            include: vec!["*.mkv".parse().unwrap()],
            exclude: vec!["Extras/".parse().unwrap()],
        };
        let notes = look_with(root.path(), patterns, vec![at("nas/films")]);
        assert_eq!(found(&notes), ["Show/a.mkv"]);
        assert_eq!(
            passed(&notes),
            [
                ("Show/Extras", true, "exclude"),
                ("c.avi", false, "include"),
                ("holds it", true, "watched"),
                ("in it", true, "watched"),
                ("same", true, "watched"),
            ]
        );
    }

    #[test]
    fn folders_that_are_too_deep_are_passed_over() {
        let deep = |count: usize| format!("input/{}a.mkv", "d/".repeat(count));
        let root = root(&[&deep(DEEPEST), &deep(DEEPEST + 1)]);
        let notes = look(root.path());
        assert_eq!(notes.found.len(), 1);
        assert_eq!(notes.passed.len(), 1);
        assert_eq!((notes.passed[0].1, &notes.passed[0].2), (true, &Rule::TooDeep(DEEPEST)));
    }

    #[test]
    fn a_folder_that_is_not_there_is_said_to_be_closed() {
        let root = root(&[]);
        assert_eq!(look(root.path()).closed, [""]);
    }
}
