//! Finished segments that change on the disk are found before the result is put together, and are made again.
//!
//! `UPSCALED_DAMAGES` says how many times a bit is flipped or the end of a segment is cut off (35 by default; a release
//! needs 350).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

mod common;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use common::{
    Random, SMALL_JOB, frame_checksums, interrupt, make_telling_clip, number, run_well, segments, upscaled,
};

const SEGMENTS: usize = 5;
/// Every so many damages is a cut; the others are flipped bits.
const CUTS: usize = 7;

/// The file of a finished segment.
fn file((index, epoch): (u32, u32)) -> String {
    format!("clip.mp4.job/work/seg-{index:06}.e{epoch}.pkt")
}

#[test]
fn all_damage_to_segments_is_found_and_mended() {
    let damages = number("UPSCALED_DAMAGES", 35);
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    make_telling_clip(&path("clip.mp4"), 12 * SEGMENTS as u32, true);
    run_well(folder.path(), &SMALL_JOB);
    let wanted = frame_checksums(&path("clip_upscaled.mp4"));
    assert!(interrupt(folder.path(), SEGMENTS - 1), "the job was never stopped in time");
    let template = path("clip.mp4.job");
    let kept: PathBuf = path("kept");
    fs::rename(&template, &kept).unwrap();

    let mut random = Random(3);
    let (mut found, mut mended) = (0, 0);
    for round in 0..damages {
        let _ = fs::remove_file(path("clip_upscaled.mp4"));
        let copied = Command::new("cp").args(["-a"]).args([&kept, &template]).status().unwrap();
        assert!(copied.success());
        let all = segments(&template.join("work"));
        let damaged = path(&file(all[random.below(SEGMENTS as u64 - 2) as usize]));
        let mut bytes = fs::read(&damaged).unwrap();
        let at = random.below(bytes.len() as u64) as usize;
        if round % CUTS == 0 {
            bytes.truncate(at);
        } else {
            bytes[at] ^= 1 << random.below(8);
        }
        fs::write(&damaged, bytes).unwrap();
        let output = upscaled(folder.path()).args(SMALL_JOB).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {errors}", damaged.display());
        found += usize::from(errors.contains("a finished segment is missing or damaged"));
        mended += usize::from(frame_checksums(&path("clip_upscaled.mp4")) == wanted);
    }
    println!("{found} of {damages} damages found, {mended} mended");
    assert_eq!((found, mended), (damages, damages));
}
