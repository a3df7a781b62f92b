//! Wherever the power fails, what is marked done is on the disk, and the same frames come out.
//!
//! Everything that a job does to files is recorded with `strace`. For many points of the recording, the folder is made
//! as a disk may hold it after a power cut there, and the job goes on from it. `UPSCALED_POWER_CUTS` says how many
//! points are tried (50 by default; a release needs 500), spread evenly, with more of them around every sync and rename.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

mod common;
#[path = "common/disk.rs"]
mod disk;
#[path = "common/trace.rs"]
mod trace;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use common::{Random, SMALL_JOB, can_trace, frame_checksums, make_telling_clip, number, run};
use disk::{Disk, Files};
use job::state::{SegmentDigest, Status};
use ledger::Ledger;
use trace::{Call, calls, record};

const FRAMES: u32 = 36;

/// An unbroken job.
struct Recording {
    root: PathBuf,
    /// The folder before it.
    before: Files,
    calls: Vec<Call>,
    result: Vec<u8>,
    wanted: Vec<String>,
}

/// What one power cut found.
#[derive(Default)]
struct Found {
    /// Finished segments that were in the ledger.
    segments: usize,
    /// Whether the result had its name.
    result: bool,
}

/// The files below a folder.
fn files(folder: &Path) -> Files {
    let mut found = Files::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.to_str().unwrap().to_owned();
        if path.is_dir() {
            found.append(&mut files(&path));
            found.insert(name, None);
        } else {
            found.insert(name, Some(fs::read(&path).unwrap()));
        }
    }
    found
}

/// Makes these the files below a folder.
fn restore(folder: &Path, files: &Files) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
    }
    for (path, bytes) in files {
        match bytes {
            Some(bytes) => fs::write(path, bytes).unwrap(),
            None => fs::create_dir(path).unwrap(),
        }
    }
}

/// What a ledger says of the job.
struct Known {
    is_done: bool,
    /// What proves that segments are finished; nothing any more once the job is done.
    digest: Vec<SegmentDigest>,
}

impl Known {
    /// Names of the files of finished segments.
    fn files(&self) -> BTreeSet<&str> {
        self.digest.iter().map(|digest| digest.file.as_str()).collect()
    }
}

/// What the ledger among these files says of the job; looked up in a copy, since opening changes it.
fn ledger(root: &Path, files: &Files) -> Result<Option<Known>, String> {
    let copy = tempfile::tempdir().unwrap();
    for name in ["ledger.db", "ledger.db-wal", "ledger.db-journal"] {
        let file = root.join("clip.mp4.job").join(name);
        if let Some(Some(bytes)) = files.get(file.to_str().unwrap()) {
            fs::write(copy.path().join(name), bytes).unwrap();
        }
    }
    let path = copy.path().join("ledger.db");
    if !path.exists() {
        return Ok(None);
    }
    let reading = async {
        let ledger = Ledger::open(&path).await?;
        let mut jobs = ledger.list().await?;
        assert!(jobs.len() <= 1);
        let Some(record) = jobs.pop() else { return Ok(None) };
        let segments = ledger.segments(record.id, 0, FRAMES).await?.into_iter();
        let digest = segments.filter_map(|numbered| numbered.segment.digest).collect();
        Ok(Some(Known { is_done: record.job.status == Status::Done, digest }))
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(reading).map_err(|error: ledger::Error| error.to_string())
}

impl Recording {
    fn make(root: PathBuf) -> Self {
        make_telling_clip(&root.join("clip.mp4"), FRAMES, true);
        let before = files(&root);
        let calls = record(&root, &SMALL_JOB);
        let result = root.join("clip_upscaled.mp4");
        let wanted = frame_checksums(&result);
        assert_eq!(wanted.len(), FRAMES as usize);
        let this = Self { result: fs::read(result).unwrap(), before, calls, wanted, root };
        // Nothing was missed.
        assert!(this.disk(this.calls.len()).now() == files(&this.root));
        this
    }

    /// The disk after so many calls.
    fn disk(&self, calls: usize) -> Disk {
        Disk::new(self.root.to_str().unwrap(), self.before.clone()).after(&self.calls[..calls])
    }

    /// Numbers of calls after which the power fails: all of them, those beside a sync or a rename several times, and
    /// those beside the one move between folders, which publishes the result, most often.
    fn points(&self) -> Vec<usize> {
        let weight = |call: Option<&Call>| match call {
            Some(Call::Rename { from, to }) if disk::folder(from) != disk::folder(to) => 20,
            Some(Call::Sync { .. } | Call::Rename { .. }) => 3,
            _ => 1,
        };
        let often = |point: usize| {
            let before = point.checked_sub(1).and_then(|last| self.calls.get(last));
            weight(before).max(weight(self.calls.get(point)))
        };
        (0..=self.calls.len()).flat_map(|point| std::iter::repeat_n(point, often(point))).collect()
    }

    /// What the ledger had promised before a point, when its log was last synced.
    fn promised(&self, point: usize) -> Option<Known> {
        let is_promise = |call: &Call| matches!(call, Call::Sync { path, .. } if path.ends_with("-wal"));
        let last = self.calls[..point].iter().rposition(is_promise)?;
        ledger(&self.root, &self.disk(last + 1).now()).unwrap()
    }

    fn result(&self) -> PathBuf {
        self.root.join("clip_upscaled.mp4")
    }

    /// What a disk may hold after a power cut.
    fn cut(&self, point: usize, seed: u64) -> Files {
        self.disk(point).after_power_cut(&mut Random(seed))
    }

    /// Looks at what is there after a power cut.
    fn check(&self, point: usize, left: &Files) -> Result<Found, String> {
        let result = left.get(self.result().to_str().unwrap());
        if result.is_some_and(|bytes| bytes.as_ref() != Some(&self.result)) {
            return Err("there is a result that is not whole".to_owned());
        }
        let known = ledger(&self.root, left)?;
        // With the whole result, there is need for neither segments nor ledger.
        let is_over = known.as_ref().is_some_and(|known| known.is_done);
        if is_over && result.is_none() {
            return Err("the job is done without a result".to_owned());
        }
        let digest = known.as_ref().map(|known| known.digest.as_slice()).unwrap_or_default();
        for SegmentDigest { file, bytes, blake3, .. } in digest {
            storage::check(&self.root.join("clip.mp4.job/work"), file, blake3, *bytes)
                .map_err(|fault| fault.to_string())?;
        }
        if let Some(promised) = self.promised(point) {
            if promised.is_done && result.is_none() {
                return Err("the job was done and has no result".to_owned());
            }
            let files = known.as_ref().map(Known::files).unwrap_or_default();
            if !is_over && !promised.is_done && !promised.files().is_subset(&files) {
                return Err("the ledger has lost a finished segment".to_owned());
            }
        }
        Ok(Found { segments: digest.len(), result: result.is_some() })
    }

    /// Starts the job again on what is there after a power cut.
    fn go_on(&self, left: &Files) -> Result<(), String> {
        let output = run(&self.root, &SMALL_JOB);
        let errors = String::from_utf8_lossy(&output.stderr);
        // The instant after the ledger of a finished job is gone: the start finds a result without a job.
        let ledger = self.root.join("clip.mp4.job/ledger.db");
        let is_forgotten = left.contains_key(self.result().to_str().unwrap())
            && !left.contains_key(ledger.to_str().unwrap())
            && errors.contains("is there already");
        if !output.status.success() && !is_forgotten {
            return Err(errors.into_owned());
        }
        if frame_checksums(&self.result()) != self.wanted {
            return Err("the frames differ".to_owned());
        }
        let clip = self.root.join("clip.mp4");
        if Some(&Some(fs::read(&clip).unwrap())) != self.before.get(clip.to_str().unwrap()) {
            return Err("the source has changed".to_owned());
        }
        if self.root.join("clip.mp4.job").exists() {
            return Err("something of the job is left".to_owned());
        }
        Ok(())
    }
}

#[test]
fn wherever_the_power_fails_the_same_frames_come_out() {
    if !can_trace() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let recording = Recording::make(folder.path().canonicalize().unwrap());
    let points = recording.points();
    let cuts = number("UPSCALED_POWER_CUTS", 50);
    let (mut failures, mut first) = (Vec::new(), None);
    let (mut segments, mut results) = (0, 0);
    for seed in 0..cuts {
        let point = points[seed * points.len() / cuts];
        let left = recording.cut(point, seed as u64);
        restore(&recording.root, &left);
        let found = recording.check(point, &left).and_then(|found| {
            segments += found.segments;
            results += usize::from(found.result);
            recording.go_on(&left)
        });
        if let Err(error) = found {
            let last = point.checked_sub(1).map(|last| &recording.calls[last]);
            failures.push(format!("seed {seed}, after call {point} ({last:?}): {error}"));
            first.get_or_insert(left);
        }
    }
    println!(
        "{cuts} power cuts in a job of {} calls: {} jobs went wrong; {segments} finished segments and {results} results were found whole",
        recording.calls.len(),
        failures.len()
    );
    if let Some(left) = first {
        restore(&recording.root, &left);
        println!("the first disk that went wrong is kept in `{}`", folder.keep().display());
    }
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(segments > 0 && results > 0);
}

/// What may be left of a folder `/d` after all of a short log, with many seeds.
fn left(log: &str) -> BTreeSet<Files> {
    let lines: Vec<String> = log.split(';').map(|call| format!("7 {}", call.trim())).collect();
    let calls = calls(&lines.join("\n"), "/d");
    let disk = Disk::new("/d", Files::new()).after(&calls);
    (0..500).map(|seed| disk.after_power_cut(&mut Random(seed))).collect()
}

/// Files with these contents.
fn holding(files: &[(&str, &str)]) -> Files {
    files.iter().map(|(path, text)| ((*path).to_owned(), Some(text.as_bytes().to_vec()))).collect()
}

const PART: &str = r#"openat(9</>, "/d/part", O_WRONLY|O_CREAT, 0666) = 3</d/part>; write(3</d/part>, "old", 3) = 3; write(3</d/part>, "new", 3) = 3;"#;
const NAME: &str = r#"rename("/d/part", "/d/file") = 0;"#;
const SYNC: &str = "fsync(3</d/part>) = 0;";
const SYNC_FOLDER: &str = "fsync(4</d>) = 0;";

#[test]
fn a_file_that_is_synced_before_it_is_named_is_whole_or_absent() {
    let (absent, part) = (Files::new(), holding(&[("/d/part", "oldnew")]));
    let whole = holding(&[("/d/file", "oldnew")]);
    let all = [absent, part, whole.clone()].into();
    assert_eq!(left(&format!("{PART}{SYNC}{NAME}")), all);
    assert_eq!(left(&format!("{PART}{SYNC}{NAME}{SYNC_FOLDER}")), [whole].into());
}

#[test]
fn a_file_that_is_named_before_it_is_synced_may_lose_any_of_its_writes() {
    let states = ["", "old", "\0\0\0new", "oldnew"].map(|text| holding(&[("/d/file", text)]));
    assert_eq!(left(&format!("{PART}{NAME}{SYNC_FOLDER}")), states.clone().into());
    // So may one whose last write came while it was being synced.
    let late = PART
        .replace("write(3</d/part>, \"new\"", "fsync(3</d/part> <unfinished ...>; write(3</d/part>, \"new\"");
    assert!(left(&format!("{late}<... fsync resumed>) = 0;{NAME}{SYNC_FOLDER}")).contains(&states[1]));
}
