//! What a power cut must not undo is synced in the right order: a file, its name, the folder, the row in the ledger, and
//! only then what it replaces goes.
//!
//! The system calls of a whole job are recorded with `strace` and checked.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

mod common;

#[path = "common/trace.rs"]
mod trace;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use common::{SMALL_JOB, can_trace, make_clip};
use trace::{Call, calls, record};

/// Files that may be lost or old after a power cut.
fn is_for_people(path: &str) -> bool {
    ["status.json", "report.json", "_upscaled.mp4.json"].iter().any(|name| path.ends_with(name))
}

/// True for a finished segment, under its name.
fn is_segment(path: &str) -> bool {
    let path = Path::new(path);
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("seg-"))
        && path.extension().is_some_and(|extension| extension == "pkt")
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or(".", |(folder, _)| folder)
}

/// What is wrong with the order of the calls of a job that makes `result`.
fn violations(calls: &[Call], result: &str) -> Vec<String> {
    let mut found = Vec::new();
    // Files with bytes that are not synced, folders with names that are not synced.
    let (mut unsynced, mut unnamed): (BTreeSet<&str>, BTreeMap<&str, &str>) = Default::default();
    let (mut is_named, mut is_recorded) = (false, false);
    for call in calls {
        match call {
            Call::Write { path, .. } => {
                unsynced.insert(path);
            }
            Call::Sync { path, .. } => {
                unsynced.remove(path.as_str());
                unnamed.retain(|_, in_folder| in_folder != path);
                if path.ends_with("-wal") {
                    found.extend(
                        unnamed.keys().map(|name| format!("a row before the name of {name} is synced")),
                    );
                    is_recorded = is_named;
                }
            }
            Call::MakeFolder { path } => {
                unnamed.insert(path, folder(path));
            }
            Call::Rename { from, to } | Call::Link { from, to } if !is_for_people(to) => {
                if unsynced.contains(from.as_str()) {
                    found.push(format!("{to} gets its name before its bytes are synced"));
                }
                unnamed.insert(to, folder(to));
                is_named |= to == result;
            }
            Call::Remove { path } if is_segment(path) && !is_recorded => {
                found.push(format!("{path} goes before the result is in the ledger"));
            }
            _ => {}
        }
    }
    if !is_recorded {
        found.push("the result is not in the ledger".to_owned());
    }
    found
}

#[test]
fn a_job_syncs_in_the_right_order() {
    if !can_trace() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    make_clip(&root.join("clip.mp4"), "64x36", 36, true);
    std::fs::write(root.join("clip.en.srt"), "text").unwrap();
    let calls = record(&root, &SMALL_JOB);
    let count = |is: fn(&Call) -> bool| calls.iter().filter(|call| is(call)).count();
    let segments = count(|call| matches!(call, Call::Rename { to, .. } if is_segment(to)));
    let syncs = count(|call| matches!(call, Call::Sync { .. }));
    println!("{} calls, {syncs} syncs, {segments} segments", calls.len());
    assert_eq!(segments, 3);
    let is_subtitle =
        |call: &Call| matches!(call, Call::Rename { to, .. } if to.ends_with("/clip_upscaled.en.srt"));
    assert!(calls.iter().any(is_subtitle));
    let result = root.join("clip_upscaled.mp4");
    assert_eq!(violations(&calls, result.to_str().unwrap()), [""; 0]);
}

/// What the checker says of a short log of a job whose result is `/o/r`.
fn verdict(log: &str) -> Vec<String> {
    let lines: Vec<String> = log.split(';').map(|call| format!("7 {}", call.trim())).collect();
    violations(&calls(&lines.join("\n"), "/"), "/o/r")
}

const SEGMENT: &str = r#"write(3</j/seg-1.pkt.part>, "x", 1) = 1; fsync(3</j/seg-1.pkt.part>) = 0; rename("/j/seg-1.pkt.part", "/j/seg-1.pkt") = 0; fsync(4</j>) = 0; fsync(5</j/l.db-wal>) = 0;"#;
const RESULT: &str = r#"fsync(3</j/result>) = 0; renameat2(AT_FDCWD</>, "/j/result", AT_FDCWD</>, "/o/r", 0) = 0; fsync(4</o>) = 0; fsync(5</j/l.db-wal>) = 0;"#;
const REMOVAL: &str = r#"unlinkat(6</j>, "seg-1.pkt", 0) = 0"#;

#[test]
fn the_checker_accepts_the_right_order() {
    assert_eq!(verdict(&format!("{SEGMENT}{RESULT}{REMOVAL}")), [""; 0]);
}

#[test]
fn the_checker_finds_what_is_in_the_wrong_order() {
    let unsynced = SEGMENT.replace("fsync(3</j/seg-1.pkt.part>) = 0;", "");
    let failed = SEGMENT.replace("fsync(3</j/seg-1.pkt.part>) = 0", "fsync(3</j/seg-1.pkt.part>) = -1 EIO");
    for log in [unsynced, failed] {
        let found = verdict(&format!("{log}{RESULT}{REMOVAL}"));
        assert_eq!(found, ["/j/seg-1.pkt gets its name before its bytes are synced"]);
    }
    let unnamed = SEGMENT.replace("fsync(4</j>) = 0;", "");
    let found = verdict(&format!("{unnamed}{RESULT}{REMOVAL}"));
    assert!(found.contains(&"a row before the name of /j/seg-1.pkt is synced".to_owned()), "{found:?}");
    let found = verdict(&format!(r#"mkdir("/o/j", 0777) = 0; {SEGMENT}{RESULT}"#));
    assert_eq!(found, ["a row before the name of /o/j is synced"]);
    let found = verdict(&format!("{SEGMENT}{REMOVAL};{RESULT}"));
    assert_eq!(found, ["/j/seg-1.pkt goes before the result is in the ledger"]);
    assert_eq!(verdict(SEGMENT), ["the result is not in the ledger"]);
}

#[test]
fn calls_that_others_interrupt_are_put_together() {
    let log = "1 fsync(3</a> <unfinished ...>\n2 write(4</b>, \"x\", 1) = 1\n1 <... fsync resumed>) = 0";
    let write = Call::Write { path: "/b".to_owned(), descriptor: 4, at: None, bytes: b"x".to_vec() };
    assert_eq!(calls(log, "/"), [write, Call::Sync { path: "/a".to_owned(), begun: 0 }]);
}
