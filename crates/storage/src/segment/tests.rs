use std::io::Write as _;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tempfile::TempDir;

use super::*;
use crate::test_disk::SmallDisk;
use crate::{Scratch, ScratchOptions};

const NAME: SegmentName = SegmentName { index: 3, epoch: 7 };

fn scratch(folder: &TempDir, bytes: &[u8]) -> ScratchFile {
    let mut file = Scratch::new(ScratchOptions::new(folder.path())).unwrap().create().unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// What stands beside a segment in these tests.
fn describe(committed: &Committed) -> Vec<u8> {
    serde_json::to_vec(committed).unwrap()
}

fn committed(folder: &TempDir, name: SegmentName, bytes: &[u8]) -> Committed {
    commit(folder.path(), name, &mut scratch(folder, bytes), describe).unwrap()
}

fn scanned(folder: &Path) -> Scan<Committed> {
    let read = |name: SegmentName, bytes: &[u8]| {
        let committed: Committed = serde_json::from_slice(bytes).ok()?;
        (committed.file == name.file()).then_some(committed)
    };
    scan(folder, 10, 1000, read).unwrap()
}

fn names(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_segment_is_committed_with_its_sidecar() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = vec![5; CHUNK + 17];
    let committed = committed(&folder, NAME, &bytes);
    assert_eq!(names(&folder), ["seg-000003.e7.json", "seg-000003.e7.pkt"]);
    assert_eq!(committed.blake3, blake3::hash(&bytes).to_hex().as_str());
    assert_eq!(fs::read(folder.path().join(&committed.file)).unwrap(), bytes);
    check(folder.path(), &committed.file, &committed.blake3, committed.bytes).unwrap();
    let scan = scanned(folder.path());
    assert_eq!(scan.found, [(NAME, committed)]);
    assert_eq!(scan.damaged, 0);
    assert_eq!(scan.names, [NAME]);
}

#[test]
fn committing_again_is_harmless() {
    let folder = tempfile::tempdir().unwrap();
    let mut file = scratch(&folder, b"same");
    fs::write(folder.path().join("seg-000003.e7.pkt.part"), "left from before").unwrap();
    let first = commit(folder.path(), NAME, &mut file, describe).unwrap();
    assert_eq!(commit(folder.path(), NAME, &mut file, describe).unwrap(), first);
    assert_eq!(names(&folder).len(), 2);
}

#[test]
fn a_failed_commit_leaves_nothing_and_can_be_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let mut file = scratch(&elsewhere, b"bytes");
    assert!(commit(&folder.path().join("missing"), NAME, &mut file, describe).is_err());
    // A folder where the sidecar should be: the segment must not appear without it.
    fs::create_dir(folder.path().join(NAME.sidecar())).unwrap();
    assert!(commit(folder.path(), NAME, &mut file, describe).is_err());
    assert_eq!(names(&folder), [NAME.sidecar()]);
    fs::remove_dir(folder.path().join(NAME.sidecar())).unwrap();
    commit(folder.path(), NAME, &mut file, describe).unwrap();
}

/// All amounts of room from none to enough, so that each step meets the full disk once.
#[test]
fn a_full_disk_leaves_nothing_and_says_so() {
    let Some(disk) = SmallDisk::mount(64 << 10) else { return };
    let elsewhere = tempfile::tempdir().unwrap();
    let mut file = scratch(&elsewhere, &[1; 10_000]);
    let ballast = disk.path().join("ballast");
    let mut failures = 0;
    for pages in (0..=16_usize).rev() {
        fs::write(&ballast, vec![0; pages * 4096]).unwrap();
        match commit(disk.path(), NAME, &mut file, describe) {
            Ok(committed) => {
                check(disk.path(), &committed.file, &committed.blake3, committed.bytes).unwrap();
                sweep(disk.path(), &[]).unwrap();
            }
            Err(error) => {
                // Enough for all of it, whichever part did not fit.
                assert!(matches!(error, Error::NoSpace { needed: 16_384.., .. }), "{error}");
                failures += 1;
            }
        }
        assert_eq!(fs::read_dir(disk.path()).unwrap().count(), 1, "{pages} pages taken");
    }
    // Three pages for the segment and one for the sidecar.
    assert_eq!(failures, 4);
}

#[test]
fn all_damage_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { failure_persistence: None, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let mut below = |end: usize| (0..end).new_tree(&mut runner).map(|tree| tree.current()).unwrap();
    let bytes: Vec<u8> = (0..50_000).map(|_| below(256) as u8).collect();
    let Committed { file, bytes: length, blake3 } = committed(&folder, NAME, &bytes);
    let path = folder.path().join(&file);
    let look = || check(folder.path(), &file, &blake3, length);
    for _ in 0..300 {
        let mut damaged = bytes.clone();
        damaged[below(bytes.len())] ^= 1 << below(8);
        fs::write(&path, damaged).unwrap();
        assert!(matches!(look(), Err(SegmentFault::Differs { .. })));
    }
    for _ in 0..50 {
        fs::write(&path, &bytes[..below(bytes.len())]).unwrap();
        assert!(matches!(look(), Err(SegmentFault::Short { expected: 50_000, .. })));
    }
    fs::write(&path, [&bytes[..], b"x"].concat()).unwrap();
    assert!(matches!(look(), Err(SegmentFault::Differs { .. })));
    fs::write(&path, &bytes).unwrap();
    look().unwrap();
    fs::remove_file(&path).unwrap();
    assert!(matches!(look(), Err(SegmentFault::Missing { .. })));
}

#[test]
fn only_plain_files_of_segments_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let Committed { file, bytes, blake3 } = committed(&folder, NAME, b"bytes");
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    std::os::unix::fs::symlink(folder.path().join(&file), inner.join(&file)).unwrap();
    fs::create_dir(inner.join("seg-000004.e1.pkt")).unwrap();
    for name in [&format!("../{file}"), &file, "seg-000004.e1.pkt", "", "/etc/passwd", &NAME.sidecar()] {
        assert!(matches!(check(&inner, name, &blake3, bytes), Err(SegmentFault::Missing { .. })), "{name}");
    }
}

#[test]
fn sidecars_that_make_no_sense_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let committed = committed(&folder, NAME, b"bytes");
    let text = fs::read(folder.path().join(NAME.sidecar())).unwrap();
    let damaged = [("seg-000004.e7.json", text), ("seg-000005.e7.json", vec![b' '; 2000])];
    for (name, bytes) in damaged {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let scan = scanned(folder.path());
    assert_eq!((scan.found, scan.damaged), (vec![(NAME, committed)], 2));
}

#[test]
fn every_name_that_was_taken_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    committed(&folder, NAME, b"bytes");
    for name in ["seg-000004.e2.pkt.part", "seg-000005.e3.pkt", "seg-000006.e1.json.part", "seg-7.e1.pkt"] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    let of = |index, epoch| SegmentName { index, epoch };
    assert_eq!(scanned(folder.path()).names, [NAME, of(4, 2), of(5, 3), of(6, 1)]);
    assert!(scanned(&folder.path().join("missing")).names.is_empty());
}

#[test]
fn sweeping_takes_only_what_is_outdated() {
    let folder = tempfile::tempdir().unwrap();
    let old = SegmentName { epoch: 6, ..NAME };
    committed(&folder, NAME, b"new");
    committed(&folder, old, b"old");
    let others = ["status.json", "seg-3.e6.pkt", "seg-000003.e6.pkt.bak", "film.mkv", ".upscaled.lock"];
    for name in others.into_iter().chain(["seg-000009.e1.pkt.part", ".upscaled-x.part"]) {
        fs::write(folder.path().join(name), "").unwrap();
    }
    fs::create_dir(folder.path().join("folder.part")).unwrap();
    std::os::unix::fs::symlink("film.mkv", folder.path().join("seg-000005.e1.pkt")).unwrap();
    assert_eq!(sweep(folder.path(), &[NAME]).unwrap(), 4);
    let mut left: Vec<_> = others.map(String::from).to_vec();
    left.extend([NAME.file(), NAME.sidecar(), "folder.part".into(), "seg-000005.e1.pkt".into()]);
    left.sort();
    assert_eq!(names(&folder), left);
    assert_eq!(sweep(folder.path(), &[NAME]).unwrap(), 0);
    assert_eq!(sweep(&folder.path().join("missing"), &[]).unwrap(), 0);
}

#[test]
fn of_a_crowd_of_files_a_few_of_each_segment_are_kept() {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    committed(&folder, SegmentName { epoch: 40_000, ..NAME }, b"bytes");
    for epoch in 0..30_000 {
        for name in [SegmentName { epoch, ..NAME }, SegmentName { index: 10 + epoch as u32, epoch }] {
            fs::write(folder.path().join(name.file()), "").unwrap();
        }
    }
    let scan = scanned(folder.path());
    let epochs: Vec<u64> = scan.names.iter().map(|name| name.epoch).collect();
    assert_eq!(epochs, [29_997, 29_998, 29_999, 40_000]);
    assert_eq!(scan.found.len(), 1);
    assert_eq!(sweep(folder.path(), &[SegmentName { epoch: 40_000, ..NAME }]).unwrap(), 60_000);
    assert_eq!(names(&folder).len(), 2);
}
