//! That mutators change something, the same each time, and take any bytes.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::random::Random;
use super::{bytes, headers, kind, sources};

/// A file of a kind that has everything that mutators look for.
fn file() -> Vec<u8> {
    let mut file = b"\x00\x00\x00\x18ftypisom".to_vec();
    for name in ["moov", "tkhd", "stsd", "stss", "avcC"] {
        file.extend(120_u32.to_be_bytes());
        file.extend(name.as_bytes());
        file.extend((0..112).map(|byte| byte as u8));
    }
    file.extend([0, 160, 0, 90]);
    file.extend([0xa3, 0x85, 0x81, 0, 0, 0x80, 7]);
    file
}

type Mutator = fn(&mut Vec<u8>, &mut Random) -> Option<()>;

const MUTATORS: [Mutator; 7] = [
    |file, random| bytes::head(file, random),
    bytes::cut,
    bytes::pieces,
    |file, random| headers::elements(file, random),
    |file, random| headers::sizes(file, (160, 90), random),
    |file, random| headers::keyframes(file, random),
    |file, random| headers::parameters(file, &[&b"..avcC"[..], &[9; 99]].concat(), random),
];

#[test]
fn mutants_differ_from_their_source_and_repeat() {
    for (place, mutator) in MUTATORS.iter().enumerate() {
        let mut changed = 0;
        for seed in 0..50 {
            let made = |seed| {
                let mut made = file();
                mutator(&mut made, &mut Random::new(seed, 7)).map(|()| made)
            };
            assert_eq!(made(seed), made(seed), "mutator {place}, seed {seed}");
            changed += usize::from(made(seed).is_some_and(|made| made != file()));
        }
        assert!(changed > 40, "mutator {place} changed {changed} of 50 files");
    }
}

#[test]
fn mutators_take_any_bytes() {
    for (place, mutator) in MUTATORS.iter().enumerate() {
        for length in 0..file().len() {
            for start in [0, length / 2] {
                let mut short = file()[start..length].to_vec();
                let _ = mutator(&mut short, &mut Random::new(length as u64, place as u64));
            }
        }
    }
}

#[test]
fn sizes_and_keyframes_are_found_in_containers() {
    let mut made = file();
    headers::sizes(&mut made, (160, 90), &mut Random::new(1, 1)).unwrap();
    let place = file().len() - 11;
    assert_ne!(made[place..place + 4], [0, 160, 0, 90]);
    assert_eq!(made[..place], file()[..place]);
    assert!(headers::sizes(&mut file(), (161, 90), &mut Random::new(1, 1)).is_none());
    let flips = |seed| {
        let mut made = file();
        headers::keyframes(&mut made, &mut Random::new(seed, 1)).unwrap();
        made[made.len() - 2] == 0
    };
    assert!((0..20).any(flips) && !(0..20).all(flips));
}

#[test]
fn all_kinds_are_made_of_real_files_and_repeat() {
    let folder = tempfile::tempdir().unwrap();
    for (size, name) in [("96x64", "a.mp4"), ("64x48", "b.mkv"), ("64x64", "c.avi")] {
        let mut command = Command::new("ffmpeg");
        command.args(["-v", "error", "-f", "lavfi", "-i", &format!("testsrc2=size={size}:duration=0.4")]);
        command.args(["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"]);
        assert!(command.arg(folder.path().join(name)).status().unwrap().success());
    }
    let files = ["a.mp4", "b.mkv", "c.avi"].map(|name| folder.path().join(name));
    let sources = sources(&files).unwrap();
    assert_eq!((sources.len(), sources[0].size, &*sources[0].codec), (3, (96, 64), "h264"));
    let made = |number: u64, name: &str| {
        let parts = Path::new(folder.path()).join(format!("{name}{number}"));
        fs::create_dir_all(&parts).unwrap();
        kind::make(&sources, 3, number, &parts).unwrap()
    };
    let mut kinds = Vec::new();
    for number in 0..50 {
        let mutant = made(number, "x");
        if number < 12 {
            assert_eq!(mutant, made(number, "y"), "mutant {number}");
        }
        kinds.push(mutant.kind);
    }
    kinds.sort();
    kinds.dedup();
    assert_eq!(kinds, kind::Kind::ALL);
}
