//! What the files of the Python server say of each video, put together.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::place::{OF_SOURCES, OldFolder, shown};
use super::queue;
use super::status::{self, OldJob, State};

/// The largest queue that is read: real ones have some kilobytes.
const LARGEST_QUEUE: u64 = 32 << 20;
/// The largest status file that is read.
const LARGEST_STATUS: u64 = 32 << 20;
/// Folders in which the Python server kept frames and clips have one of these in their names.
const WORKING: [&str; 8] = ["work", "tmp", "temp", "frame", "clip", "segment", "ramdisk", "cache"];
/// Entries of such folders that are looked at.
const MOST_ENTRIES: usize = 10_000;
/// Folders inside each other that are looked into.
const DEEPEST: usize = 4;

/// A video that the Python server knew.
#[derive(Debug, Clone)]
pub(super) struct Mention {
    /// Where it lies.
    pub(super) path: PathBuf,
    /// Where it is named, as `queue.txt, line 3`.
    pub(super) from: String,
    pub(super) state: State,
    /// What its entry in `status.json` says besides.
    pub(super) job: OldJob,
    /// Nothing but its place in the watch folder speaks of it, and its name does not say that it is a video.
    pub(super) is_guess: bool,
}

/// What does not become anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unclear {
    pub(super) from: String,
    pub(super) given: String,
    pub(super) why: String,
    /// It was done there, and its video is gone: nothing is left to be done.
    pub(super) is_past: bool,
}

/// All of it, in the order in which jobs are made: what was interrupted, the queue, what else waited, and what ended.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) mentions: Vec<Mention>,
    pub(super) unclear: Vec<Unclear>,
    /// Lines and entries that name what was named before.
    pub(super) repeated: usize,
    /// A file as a whole could not be read.
    pub(super) is_incomplete: bool,
    /// Frames or clips of unfinished work lie there.
    pub(super) has_partial_work: bool,
    numbers: HashMap<PathBuf, usize>,
}

/// Puts together what is known of the videos; those in the watch folder are `inputs`, each with whether its name says that it is
/// a video. Reads files.
pub(super) fn gather(old: &OldFolder, inputs: &[(PathBuf, bool)]) -> Gathered {
    let mut gathered = Gathered { has_partial_work: has_partial_work(old.path()), ..Gathered::default() };
    let jobs = gathered.status(old);
    // The others come behind the queue.
    let (interrupted, others): (Vec<_>, Vec<_>) =
        jobs.into_iter().partition(|mention| mention.state == State::Interrupted);
    let (waiting, ended): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|mention| mention.state == State::Waiting);
    for mention in ended.into_iter().chain(interrupted) {
        gathered.add(mention);
    }
    gathered.queue(old);
    for mention in waiting {
        gathered.add(mention);
    }
    for (path, is_video) in inputs {
        let path = match old.check(path) {
            Ok(path) => path,
            Err(why) => {
                if let Some(why) = why.filter(|_| *is_video) {
                    let given = crate::output::path(path);
                    gathered.unclear.push(Unclear { from: "input/".to_owned(), given, why, is_past: false });
                }
                continue;
            }
        };
        if !gathered.numbers.contains_key(&path) {
            gathered.add(Mention {
                path,
                from: "input/".to_owned(),
                state: State::Waiting,
                job: OldJob::default(),
                is_guess: !is_video,
            });
        }
    }
    // What has to be made again though it ended there comes behind what waits.
    let is_ended = |state: State| matches!(state, State::Done | State::Failed | State::Canceled);
    gathered.mentions.sort_by_key(|mention| is_ended(mention.state));
    gathered
}

impl Gathered {
    fn add(&mut self, mention: Mention) {
        let Some(&number) = self.numbers.get(&mention.path) else {
            self.numbers.insert(mention.path.clone(), self.mentions.len());
            self.mentions.push(mention);
            return;
        };
        let known = &mut self.mentions[number];
        let file = |from: &str| from.split_once(',').map(|(file, _)| file.to_owned());
        self.repeated += usize::from(file(&known.from) == file(&mention.from));
        // The queue names a video, and the status says how it is to be made.
        if known.job == OldJob::default() {
            known.job = mention.job;
        }
    }

    /// The jobs of `status.json`; of several of one video, the last holds.
    fn status(&mut self, old: &OldFolder) -> Vec<Mention> {
        let name = "status.json";
        let Some(bytes) = self.file(old, name, LARGEST_STATUS) else { return Vec::new() };
        let found = match status::read(&bytes) {
            Ok(found) => found,
            Err(why) => {
                self.incomplete(name, why);
                return Vec::new();
            }
        };
        for (place, why) in found.unclear {
            self.unclear.push(Unclear { from: name.to_owned(), given: place, why, is_past: false });
        }
        let mut numbers = HashMap::new();
        let mut mentions: Vec<Mention> = Vec::new();
        for job in found.jobs {
            let state = job.state.unwrap_or(State::Waiting);
            let from = format!("{name}, {}", job.place);
            match old.find(job.video.as_bytes(), OF_SOURCES) {
                Ok(path) => {
                    let mention = Mention { path: path.clone(), from, state, job, is_guess: false };
                    if let Some(&number) = numbers.get(&path) {
                        self.repeated += 1;
                        mentions[number] = mention;
                    } else {
                        numbers.insert(path, mentions.len());
                        mentions.push(mention);
                    }
                }
                Err(why) => {
                    let given = crate::output::one_line(&job.video);
                    self.unclear.push(Unclear { from, given, why, is_past: state == State::Done });
                }
            }
        }
        mentions
    }

    fn queue(&mut self, old: &OldFolder) {
        let name = "queue.txt";
        let Some(bytes) = self.file(old, name, LARGEST_QUEUE) else { return };
        let lines = match queue::read(&bytes, |line| old.find(line, OF_SOURCES).is_ok()) {
            Ok(lines) => lines,
            Err(why) => return self.incomplete(name, why),
        };
        for queue::Line { number, bytes } in lines {
            let from = format!("{name}, line {number}");
            match old.find(&bytes, OF_SOURCES) {
                Ok(path) => {
                    let job = OldJob::default();
                    self.add(Mention { path, from, state: State::Waiting, job, is_guess: false });
                }
                Err(why) => {
                    self.unclear.push(Unclear { from, given: shown(&bytes), why, is_past: false });
                }
            }
        }
    }

    /// A file of the Python server, where it is there and can be read.
    fn file(&mut self, old: &OldFolder, name: &str, largest: u64) -> Option<Vec<u8>> {
        let path = old.path().join(name);
        let metadata = path.symlink_metadata().ok()?;
        let why = if metadata.is_symlink() {
            "it is a link, and links are not followed".to_owned()
        } else if !metadata.is_file() {
            "it is no file".to_owned()
        } else if metadata.len() > largest {
            format!("it has more than {}, as no such file does", storage::Bytes(largest))
        } else {
            match storage::read_workers_file(&path, largest) {
                Ok(bytes) => return bytes,
                Err(error) => error.to_string(),
            }
        };
        self.incomplete(name, why);
        None
    }

    fn incomplete(&mut self, name: &str, why: String) {
        self.is_incomplete = true;
        self.unclear.push(Unclear {
            from: name.to_owned(),
            given: "the whole file".to_owned(),
            why,
            is_past: false,
        });
    }
}

/// True where folders with frames or clips lie there. Links are not followed.
fn has_partial_work(root: &Path) -> bool {
    let is_working = |name: &str| WORKING.iter().any(|part| name.to_lowercase().contains(part));
    let mut left = MOST_ENTRIES;
    folders(root)
        .filter(|(name, _)| is_working(name))
        .any(|(_, folder)| has_frames(&folder, DEEPEST, &mut left))
}

fn has_frames(folder: &Path, depth: usize, left: &mut usize) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        *left = left.saturating_sub(1);
        if *left == 0 {
            return false;
        }
        let Ok(kind) = entry.file_type() else { continue };
        let path = entry.path();
        let ending = path.extension().map(OsStr::to_ascii_lowercase);
        let is_frame = ending.is_some_and(|ending| {
            ["png", "jpg", "mp4", "mkv", "ts", "h264"].iter().any(|known| ending == *known)
        });
        if (kind.is_file() && is_frame) || (kind.is_dir() && depth > 0 && has_frames(&path, depth - 1, left))
        {
            return true;
        }
    }
    false
}

fn folders(root: &Path) -> impl Iterator<Item = (String, PathBuf)> {
    let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    struct Fixture {
        _temporary: tempfile::TempDir,
        old: OldFolder,
    }

    impl Fixture {
        fn new(files: &[(&str, &str)]) -> Self {
            let temporary = tempfile::tempdir().unwrap();
            let root = temporary.path().canonicalize().unwrap();
            for (name, text) in files {
                fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
                fs::write(root.join(name), text).unwrap();
            }
            Self { _temporary: temporary, old: OldFolder::new(root) }
        }

        fn gather(&self, inputs: &[&str]) -> Gathered {
            let inputs: Vec<_> = inputs.iter().map(|name| (self.old.input().join(name), true)).collect();
            gather(&self.old, &inputs)
        }
    }

    fn order(gathered: &Gathered) -> Vec<(String, State)> {
        let name = |mention: &Mention| mention.path.file_name().unwrap().to_string_lossy().into_owned();
        gathered.mentions.iter().map(|mention| (name(mention), mention.state)).collect()
    }

    #[test]
    fn what_was_interrupted_comes_first_then_the_queue_then_the_rest() {
        let status = r#"[{"file": "e.mkv", "status": "queued"}, {"file": "b.mkv", "status": "queued"}, {"file": "d.mkv", "status": "running"},
            {"file": "f.mkv", "status": "failed"}, {"file": "g.mkv", "status": "running"}, {"file": "g.mkv", "status": "done"}]"#;
        let mut files =
            vec![("queue.txt", "c.mkv\nb.mkv\nc.mkv\nf.mkv\ngone.mkv\n"), ("status.json", status)];
        files.extend(
            ["input/a.mkv", "input/b.mkv", "input/c.mkv", "input/d.mkv", "input/e.mkv"]
                .map(|name| (name, "")),
        );
        files.extend(["input/f.mkv", "input/g.mkv", "work/job1/frames/000001.png"].map(|name| (name, "")));
        let fixture = Fixture::new(&files);
        let gathered = fixture.gather(&["a.mkv", "b.mkv"]);
        let wanted = [
            ("d.mkv", State::Interrupted),
            ("c.mkv", State::Waiting),
            ("b.mkv", State::Waiting),
            ("e.mkv", State::Waiting),
            ("a.mkv", State::Waiting),
            ("f.mkv", State::Failed),
            ("g.mkv", State::Done),
        ];
        assert_eq!(order(&gathered), wanted.map(|(name, state)| (name.to_owned(), state)));
        // c once more in the queue, g once more in the status.
        assert_eq!((gathered.repeated, gathered.is_incomplete, gathered.has_partial_work), (2, false, true));
        assert_eq!(
            (&*gathered.mentions[2].from, &*gathered.mentions[2].job.place),
            ("queue.txt, line 2", "[1]")
        );
        assert_eq!(gathered.unclear.len(), 1);
        assert_eq!(gathered.unclear[0].from, "queue.txt, line 5");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_one_sentence() {
        let fixture = Fixture::new(&[("input/a.mkv", ""), ("status.json", "{\"jobs\": [")]);
        let root = fixture.old.path();
        let pipe = |name: &str| {
            let kind = rustix::fs::FileType::Fifo;
            rustix::fs::mknodat(rustix::fs::CWD, root.join(name), kind, rustix::fs::Mode::RUSR, 0).unwrap();
        };
        pipe("queue.txt");
        let gathered = fixture.gather(&["a.mkv"]);
        assert!(gathered.is_incomplete);
        let why: Vec<&str> = gathered.unclear.iter().map(|unclear| &*unclear.why).collect();
        assert!(why.len() == 2 && why[0].contains("no JSON") && why[1] == "it is no file", "{why:?}");
        assert_eq!(order(&gathered), [("a.mkv".to_owned(), State::Waiting)]);
        for name in ["queue.txt", "status.json"] {
            fs::remove_file(root.join(name)).unwrap();
        }
        std::os::unix::fs::symlink("/dev/zero", root.join("queue.txt")).unwrap();
        fs::File::create(root.join("status.json")).unwrap().set_len(LARGEST_STATUS + 1).unwrap();
        let gathered = fixture.gather(&[]);
        assert!(gathered.unclear[0].why.contains("more than"), "{:?}", gathered.unclear);
        assert!(gathered.unclear[1].why.contains("link"), "{:?}", gathered.unclear);
    }
}
