use std::io::{Read as _, Seek as _, SeekFrom, Write as _};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::space;
use crate::test_disk::SmallDisk;

fn scratch(disk: &TempDir, ram_budget: u64) -> Scratch {
    let options = ScratchOptions { ram_budget: Some(ram_budget), ..ScratchOptions::new(disk.path()) };
    Scratch::new(options).unwrap()
}

fn content(file: &mut ScratchFile) -> Vec<u8> {
    file.rewind().unwrap();
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_file_moves_to_the_disk_when_the_budget_ends() {
    let disk = tempfile::tempdir().unwrap();
    let scratch = scratch(&disk, 1000);
    let mut file = scratch.create().unwrap();
    assert!(file.is_empty());
    file.write_all(&[1; 900]).unwrap();
    assert!(file.in_ram());
    file.write_all(&[2; 200]).unwrap();
    assert!(!file.in_ram());
    assert_eq!(file.len(), 1100);
    assert_eq!(content(&mut file), [[1; 900].as_slice(), &[2; 200]].concat());
    // What it held is free again, and comes back when a file is dropped.
    let mut next = scratch.create().unwrap();
    next.write_all(&[3; 1000]).unwrap();
    assert!(next.in_ram());
    assert!(!scratch.create().unwrap().in_ram());
    drop(next);
    assert!(scratch.create().unwrap().in_ram());
    assert_eq!(fs::read_dir(disk.path()).unwrap().count(), 0, "working files have no names");
}

#[test]
fn without_memory_the_disk_is_used() {
    let disk = tempfile::tempdir().unwrap();
    let options =
        ScratchOptions { ram_budget: Some(0), ..ScratchOptions::new(disk.path().join("made/anew")) };
    let mut file = Scratch::new(options).unwrap().create().unwrap();
    file.write_all(b"x").unwrap();
    assert!(!file.in_ram());
    fs::write(disk.path().join("file"), "").unwrap();
    assert!(Scratch::new(ScratchOptions::new(disk.path().join("file/folder"))).is_err());
}

proptest! {
    /// Whatever is written wherever, with whatever budget, reads as in a vector.
    #[test]
    fn it_behaves_like_a_vector(
        budget in 0_u64..3000,
        steps in prop::collection::vec((any::<bool>(), 0_u64..2000, prop::collection::vec(any::<u8>(), 0..500)), 0..20),
    ) {
        let disk = tempfile::tempdir().unwrap();
        let mut file = scratch(&disk, budget).create().unwrap();
        let mut expected: Vec<u8> = Vec::new();
        let mut position = 0;
        for (seek, to, bytes) in steps {
            if seek {
                position = file.seek(SeekFrom::Start(to)).unwrap() as usize;
            }
            file.write_all(&bytes).unwrap();
            if !bytes.is_empty() {
                expected.resize(expected.len().max(position + bytes.len()), 0);
                expected[position..position + bytes.len()].copy_from_slice(&bytes);
                position += bytes.len();
            }
            prop_assert_eq!(file.len(), expected.len() as u64);
            prop_assert_eq!(file.stream_position().unwrap(), position as u64);
        }
        prop_assert_eq!(content(&mut file), expected);
    }
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|i| ((i * 31) >> 4) as u8).collect()
}

#[test]
fn where_memory_ends_nothing_is_lost_or_doubled() {
    for write_size in [700, 4096, 100_000, 5_000_000] {
        let disk = tempfile::tempdir().unwrap();
        let scratch = scratch(&disk, 2 << 20);
        let mut file = scratch.create().unwrap();
        assert!(file.in_ram());
        let bytes = pattern(5_000_000);
        for chunk in bytes.chunks(write_size) {
            file.write_all(chunk).unwrap();
        }
        assert!(!file.in_ram());
        assert!(content(&mut file) == bytes, "writes of {write_size}");
        drop(file);
        assert_eq!(scratch.budget.left(), 2 << 20);
    }
}

#[test]
fn when_the_disk_is_full_too_nothing_is_lost_and_it_goes_on_later() {
    let Some(disk) = SmallDisk::mount(4 << 20) else { return };
    let ballast = disk.path().join("ballast");
    fs::write(&ballast, vec![0; 3 << 20]).unwrap();
    let options = ScratchOptions { ram_budget: Some(2 << 20), ..ScratchOptions::new(disk.path()) };
    let mut file = Scratch::new(options).unwrap().create().unwrap();
    let bytes = pattern(3_000_000);
    let mut written = 0;
    let mut failures = 0;
    while written < bytes.len() {
        match file.write(&bytes[written..bytes.len().min(written + 10_000)]) {
            Ok(count) => written += count,
            Err(error) => {
                assert!(space::is_no_space(&error), "{error}");
                assert!(error.to_string().contains(&*disk.path().to_string_lossy()), "{error}");
                assert!(file.in_ram());
                failures += 1;
                assert!(failures == 1, "{error}");
                fs::remove_file(&ballast).unwrap();
            }
        }
    }
    assert_eq!(failures, 1);
    assert!(content(&mut file) == bytes);
}
