use std::io::Write as _;
use std::time::{Duration, SystemTime};

use super::super::turns::Turns;
use super::*;

struct Place {
    folder: tempfile::TempDir,
    store: Store,
    turns: Turns,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("input")).unwrap();
        let store = Self::store(folder.path());
        Self { folder, store, turns: Turns::default() }
    }

    /// A store as a server that starts has it.
    fn store(folder: &Path) -> Store {
        Store::new(folder.join("state/uploads"), ServerFolder::new(folder.join("input"), folder))
    }

    fn begin(&self, name: &str, length: u64) -> UploadId {
        let described = Described { name: name.to_owned(), metadata: String::new(), held: false };
        self.store.begin(described, length).unwrap().id
    }

    fn upload(&self, id: UploadId) -> Upload {
        self.store.find(id, now()).unwrap()
    }

    fn data(&self, id: UploadId) -> PathBuf {
        self.store.folder_of(id).join(DATA)
    }

    fn write(&self, id: UploadId, bytes: &[u8], checked: bool, is_kept: bool) {
        let mut upload = self.upload(id);
        let mut data = self.store.open(&mut upload, checked).unwrap();
        data.write_all(bytes).unwrap();
        self.store.close(&mut upload, &data, is_kept).unwrap();
        let kept = self.upload(id);
        assert_eq!((kept.offset, &kept.record), (upload.offset, &upload.record));
        assert!(kept.remaining() == 0 || kept.expires == upload.expires);
    }

    fn finish(&self, id: UploadId) -> Result<Upload, Failure> {
        self.store.finish(&self.turns.try_take(id).unwrap())
    }

    fn input(&self, name: &str) -> PathBuf {
        self.folder.path().join("input").join(name)
    }
}

/// Makes a file look as if it was written so many days ago.
fn age(path: &Path, days: u64) {
    let time = SystemTime::now() - Duration::from_secs(days * 86_400 + 60);
    File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
}

#[test]
fn bytes_come_in_pieces_and_become_a_file() {
    let place = Place::new();
    let id = place.begin("film.mkv", 6);
    assert_eq!(place.upload(id).offset, 0);
    place.write(id, b"abc", false, true);
    // The next start of the server knows it, and how far it is.
    let place = Place { store: Place::store(place.folder.path()), ..place };
    assert_eq!((place.upload(id).offset, place.upload(id).remaining()), (3, 3));
    assert_eq!(place.finish(id).unwrap().finished_as(), None);
    place.write(id, b"def", false, true);
    assert_eq!(place.finish(id).unwrap().finished_as(), Some("film.mkv"));
    assert_eq!(fs::read(place.input("film.mkv")).unwrap(), b"abcdef");
    // It is still known, and nothing happens a second time.
    assert_eq!(place.finish(id).unwrap(), place.upload(id));
    assert_eq!((place.upload(id).offset, place.upload(id).finished_as()), (6, Some("film.mkv")));
    place.store.remove(id).unwrap();
    assert!(place.input("film.mkv").is_file() && place.store.list().unwrap().is_empty());
}

#[test]
fn no_file_is_replaced() {
    let place = Place::new();
    fs::write(place.input("film.mkv"), "other").unwrap();
    fs::create_dir(place.input("film (2).mkv")).unwrap();
    std::os::unix::fs::symlink("nowhere", place.input("film (3).mkv")).unwrap();
    let id = place.begin("film.mkv", 3);
    place.write(id, b"abc", false, true);
    assert_eq!(place.finish(id).unwrap().finished_as(), Some("film (4).mkv"));
    assert_eq!(fs::read(place.input("film.mkv")).unwrap(), b"other");
    assert_eq!(fs::read(place.input("film (4).mkv")).unwrap(), b"abc");
}

#[test]
fn what_is_not_proven_does_not_count() {
    let place = Place::new();
    let id = place.begin("film.mkv", 9);
    place.write(id, b"abc", false, true);
    place.write(id, b"xyz", true, false);
    assert_eq!(place.upload(id).offset, 3);
    // The server dies in the middle of bytes with a checksum.
    let mut upload = place.upload(id);
    place.store.open(&mut upload, true).unwrap().write_all(b"xy").unwrap();
    assert_eq!((place.upload(id).offset, fs::metadata(place.data(id)).unwrap().len()), (3, 5));
    place.write(id, b"def", false, true);
    place.write(id, b"ghi", true, true);
    assert_eq!(fs::read(place.data(id)).unwrap(), b"abcdefghi");
    // Bytes without one count as far as they came.
    let id = place.begin("film.mkv", 9);
    place.store.open(&mut place.upload(id), false).unwrap().write_all(b"ab").unwrap();
    assert_eq!(place.upload(id).offset, 2);
}

#[test]
fn a_move_that_was_interrupted_is_ended() {
    let place = Place::new();
    let id = place.begin("film.mkv", 3);
    place.write(id, b"abc", false, true);
    // As on the way to another disk: the copy has its name, and the data is still there.
    let mut record = place.upload(id).record;
    record.goes_to = Some("film.mkv".to_owned());
    storage::write_sealed(&place.store.folder_of(id).join(RECORD), &record).unwrap();
    fs::write(place.input("film.mkv"), "abc").unwrap();
    assert_eq!(place.upload(id).finished_as(), None);
    assert_eq!(place.finish(id).unwrap().finished_as(), Some("film.mkv"));
    assert!(!place.data(id).exists() && !place.input("film (2).mkv").exists());
}

#[test]
fn a_whole_file_waits_for_its_folder() {
    let place = Place::new();
    let id = place.begin("film.mkv", 3);
    place.write(id, b"abc", false, true);
    fs::remove_dir(place.folder.path().join("input")).unwrap();
    assert!(matches!(place.finish(id), Err(Failure::Away(_))));
    age(&place.data(id), 30);
    assert!(!place.store.remove_expired(id, now()).unwrap());
    assert_eq!(place.upload(id).offset, 3);
    fs::create_dir(place.folder.path().join("input")).unwrap();
    assert_eq!(place.finish(id).unwrap().finished_as(), Some("film.mkv"));
}

#[test]
fn uploads_expire_a_week_after_the_last_byte() {
    let place = Place::new();
    let (old, new) = (place.begin("old.mkv", 3), place.begin("new.mkv", 3));
    age(&place.data(old), 7);
    age(&place.data(new), 6);
    assert!(matches!(place.store.find(old, now()), Err(Failure::Expired)));
    assert!(!place.store.remove_expired(new, now()).unwrap());
    assert!(place.store.remove_expired(old, now()).unwrap());
    assert!(matches!(place.store.find(old, now()), Err(Failure::NoUpload)));
    assert_eq!(place.store.ids().unwrap(), [new]);
    // A finished one is forgotten earlier.
    place.write(new, b"abc", false, true);
    place.finish(new).unwrap();
    age(&place.store.folder_of(new).join(RECORD), 1);
    assert!(place.store.remove_expired(new, now()).unwrap());
    assert!(place.input("new.mkv").is_file());
}

#[test]
fn damage_is_no_upload_and_hinders_none() {
    let place = Place::new();
    let (damaged, gone, whole) = (place.begin("a", 3), place.begin("b", 3), place.begin("c", 3));
    fs::write(place.store.folder_of(damaged).join(RECORD), "{}").unwrap();
    fs::remove_file(place.data(gone)).unwrap();
    fs::write(place.folder.path().join("state/uploads/readme"), "").unwrap();
    let listed: Vec<UploadId> = place.store.list().unwrap().iter().map(|upload| upload.id).collect();
    assert_eq!(listed, [whole]);
    assert!(place.store.find(damaged, now()).is_err());
    assert!(matches!(place.store.find(gone, now()), Err(Failure::NoUpload)));
    for id in [damaged, gone] {
        assert!(!place.store.remove_expired(id, now()).unwrap());
        assert!(place.store.remove_expired(id, Millis(now().0 + EXPIRES_AFTER + 1000)).unwrap());
    }
}

#[test]
fn uploads_are_few_and_have_room() {
    let place = Place::new();
    let described = || Described { name: "film.mkv".to_owned(), metadata: String::new(), held: false };
    let refused = |length| place.store.begin(described(), length).unwrap_err();
    assert!(matches!(refused(u64::MAX), Failure::TooLarge { .. }));
    let space = place.store.space().unwrap();
    // What the first needs is not free for the second, although nothing was written yet.
    let first = place.begin("film.mkv", space.now / 4 * 3);
    assert!(matches!(refused(space.now / 2), Failure::NoSpace { .. }));
    place.store.remove(first).unwrap();
    for _ in 0..MOST_UPLOADS {
        place.begin("film.mkv", 1);
    }
    assert!(matches!(refused(1), Failure::TooMany { .. }));
    // Finished ones take no place, and only the last of them are known.
    for upload in place.store.list().unwrap() {
        place.write(upload.id, b"x", false, true);
        place.finish(upload.id).unwrap();
    }
    place.begin("film.mkv", 1);
    assert_eq!(place.store.list().unwrap().len(), MOST_UPLOADS + 1);
}

#[test]
fn a_held_file_waits_for_a_decision_and_goes_to_the_input_folder_then() {
    let place = Place::new();
    let described = Described { name: "a.mkv".to_owned(), metadata: String::new(), held: true };
    let id = place.store.begin(described, 4).unwrap().id;
    assert!(matches!(place.store.held_file(id, now()), Err(Failure::NotHeld)), "half of it is there");
    assert!(matches!(place.store.release(&place.turns.try_take(id).unwrap()), Err(Failure::NotHeld)));
    place.write(id, b"film", false, true);
    let upload = place.finish(id).unwrap();
    assert!(upload.is_held() && upload.finished_as().is_none());
    assert!(!place.input("a.mkv").exists());
    // Also for a server that starts again.
    let file = Place::store(place.folder.path()).held_file(id, now()).unwrap();
    assert_eq!(fs::read(file).unwrap(), b"film");
    for _ in 0..2 {
        assert_eq!(place.store.release(&place.turns.try_take(id).unwrap()).unwrap(), "a.mkv");
    }
    assert_eq!(fs::read(place.input("a.mkv")).unwrap(), b"film");
    assert!(matches!(place.store.held_file(id, now()), Err(Failure::NotHeld)));
}

#[test]
fn a_held_file_that_no_person_decides_about_expires() {
    let place = Place::new();
    let described = Described { name: "a.mkv".to_owned(), metadata: String::new(), held: true };
    let id = place.store.begin(described, 4).unwrap().id;
    place.write(id, b"film", false, true);
    age(&place.data(id), 6);
    assert!(!place.store.remove_expired(id, now()).unwrap());
    age(&place.data(id), 7);
    assert!(place.store.remove_expired(id, now()).unwrap());
}
