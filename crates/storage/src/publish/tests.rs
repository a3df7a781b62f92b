use std::os::unix::fs::symlink;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::test_disk::SmallDisk;

/// Two folders, on different file systems where the machine has a RAM disk.
fn folders() -> Vec<(TempDir, TempDir)> {
    let here = tempfile::tempdir().unwrap();
    let mut all = vec![(tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap())];
    match tempfile::tempdir_in("/dev/shm") {
        Ok(there) if there.path().metadata().unwrap().dev() != here.path().metadata().unwrap().dev() => {
            all.push((there, here));
        }
        _ => println!("skipped: there is no second file system to publish to"),
    }
    all
}

fn files(part: &TempDir, target: &TempDir) -> (PathBuf, PathBuf) {
    let (part, target) = (part.path().join(".x.part"), target.path().join("x.mkv"));
    fs::write(&part, "new").unwrap();
    (part, target)
}

fn count(folder: &TempDir) -> usize {
    fs::read_dir(folder.path()).unwrap().count()
}

#[test]
fn a_part_becomes_the_result() {
    for (a, b) in folders() {
        let (part, target) = files(&a, &b);
        publish(&part, &target).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert_eq!((count(&a), count(&b)), (0, 1));
    }
}

#[test]
fn what_has_the_name_is_never_replaced() {
    for (a, b) in folders() {
        let (part, target) = files(&a, &b);
        let refused = || {
            assert!(matches!(publish(&part, &target), Err(Error::TargetExists { .. })));
            assert_eq!(fs::read(&part).unwrap(), b"new");
            assert_eq!((count(&a), count(&b)), (1, 1));
        };
        fs::write(&target, "old").unwrap();
        refused();
        assert_eq!(fs::read(&target).unwrap(), b"old");
        fs::remove_file(&target).unwrap();
        symlink("nowhere", &target).unwrap();
        refused();
        fs::remove_file(&target).unwrap();
        fs::create_dir(&target).unwrap();
        refused();
    }
}

#[test]
fn a_move_that_was_cut_off_in_the_middle_is_finished() {
    for (a, b) in folders() {
        let (part, target) = files(&a, &b);
        fs::copy(&part, &target).unwrap();
        publish(&part, &target).unwrap();
        assert_eq!((count(&a), count(&b)), (0, 1));
        // There are no links between file systems.
        if fs::hard_link(&target, &part).is_ok() {
            publish(&part, &target).unwrap();
        }
        // The same name twice is no move.
        assert!(matches!(publish(&target, &target), Err(Error::TargetExists { .. })));
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert_eq!((count(&a), count(&b)), (0, 1));
    }
}

#[test]
fn overwriting_has_to_be_asked_for() {
    for (a, b) in folders() {
        let (part, target) = files(&a, &b);
        fs::write(&target, "old").unwrap();
        publish_replacing(&part, &target).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert_eq!((count(&a), count(&b)), (0, 1));
        let (part, _) = files(&a, &b);
        fs::remove_file(&target).unwrap();
        fs::create_dir(&target).unwrap();
        assert!(publish_replacing(&part, &target).is_err());
        assert_eq!((count(&a), count(&b)), (1, 1));
    }
}

#[test]
fn only_files_are_published() {
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (part, target) = files(&a, &b);
    let link = a.path().join("link");
    symlink(&part, &link).unwrap();
    assert!(publish(&link, &target).is_err());
    assert!(publish(a.path(), &target).is_err());
    assert!(publish(&a.path().join("missing"), &target).is_err());
    assert!(publish(&part, &b.path().join("no/folder")).is_err());
    assert_eq!((count(&a), count(&b)), (2, 0));
}

#[test]
fn the_ways_around_a_simple_rename_do_not_replace_either() {
    for way in [rename_by_link, rename_if_missing] {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (part, target) = files(&a, &b);
        fs::write(&target, "old").unwrap();
        assert_eq!(way(&part, &target).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!((fs::read(&part).unwrap(), fs::read(&target).unwrap()), (b"new".into(), b"old".into()));
        fs::remove_file(&target).unwrap();
        way(&part, &target).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert_eq!((count(&a), count(&b)), (0, 1));
    }
}

#[test]
fn a_crash_between_link_and_unlink_is_finished() {
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (part, target) = files(&a, &b);
    fs::hard_link(&part, &target).unwrap();
    // The same name twice is not a second name.
    assert!(rename_by_link(&target, &target).is_err());
    assert!(rename_by_link(&target, &b.path().join("./x.mkv")).is_err());
    rename_by_link(&part, &target).unwrap();
    assert_eq!((count(&a), count(&b)), (0, 1));
    assert!(rename_by_link(&target, &target).is_err());
    assert_eq!(fs::read(&target).unwrap(), b"new");
}

#[test]
fn leftovers_go_and_living_copies_stay() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("x.mkv");
    let living = create_copy(&target).unwrap();
    let dead = folder.path().join(".upscaled-copy-1.part");
    let others = [".upscaled-copy-1.mkv", "upscaled-copy-1.part", "film.part"].map(|n| folder.path().join(n));
    for path in others.iter().chain([&dead]) {
        fs::write(path, "").unwrap();
    }
    symlink(&others[0], folder.path().join(".upscaled-copy-2.part")).unwrap();
    assert_eq!(remove_leftovers(folder.path()).unwrap(), 1);
    assert!(living.path().exists() && !dead.exists() && others.iter().all(|path| path.exists()));
    assert_eq!(remove_leftovers(&folder.path().join("missing")).unwrap(), 0);
}

#[test]
fn a_full_disk_shows_nothing_and_keeps_the_part() {
    let Some(disk) = SmallDisk::mount(64 << 10) else { return };
    let folder = tempfile::tempdir().unwrap();
    let (part, target) = (folder.path().join("x.part"), disk.path().join("x.mkv"));
    fs::write(&part, vec![1; 40_000]).unwrap();
    fs::write(disk.path().join("ballast"), vec![0; 40_000]).unwrap();
    for publish in [publish, publish_replacing] {
        let error = publish(&part, &target).unwrap_err();
        assert!(matches!(error, Error::NoSpace { needed: 40_000, .. }), "{error}");
        assert!(part.exists() && fs::read_dir(disk.path()).unwrap().count() == 1);
    }
    fs::remove_file(disk.path().join("ballast")).unwrap();
    publish(&part, &target).unwrap();
    assert_eq!(fs::read(&target).unwrap(), vec![1; 40_000]);
}

#[test]
fn a_copy_is_whole_or_not_there_and_replaces_nothing() {
    for (a, b) in folders() {
        let (from, target) = files(&a, &b);
        let link = a.path().join("link");
        symlink(&from, &link).unwrap();
        publish_copy(&link, &target).unwrap();
        assert!(fs::read(&target).unwrap() == b"new" && !target.is_symlink() && from.exists());
        fs::write(&target, "old").unwrap();
        assert!(matches!(publish_copy(&from, &target), Err(Error::TargetExists { .. })));
        assert_eq!(fs::read(&target).unwrap(), b"old");
        for none in [a.path(), &a.path().join("missing")] {
            assert!(publish_copy(none, &b.path().join("y")).is_err());
        }
        assert_eq!((count(&a), count(&b)), (2, 1));
    }
    let Some(disk) = SmallDisk::mount(64 << 10) else { return };
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().join("large");
    fs::write(&from, vec![7; 1 << 20]).unwrap();
    let error = publish_copy(&from, &disk.path().join("x")).unwrap_err();
    assert!(matches!(error, Error::NoSpace { .. }), "{error}");
    assert_eq!(fs::read_dir(disk.path()).unwrap().count(), 0);
}
