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

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use common::{SMALL_JOB, can_trace, make_clip, upscaled};

/// A system call that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Call {
    Write(String),
    Sync(String),
    Rename(String, String),
    Remove(String),
}

/// The calls of a log of `strace -f -y`, in the order in which they ended.
fn calls(log: &str) -> Vec<Call> {
    let mut begun: BTreeMap<&str, &str> = BTreeMap::new();
    let mut calls = Vec::new();
    for line in log.lines() {
        let Some((thread, text)) = line.split_once(char::is_whitespace) else { continue };
        let text = text.trim_start();
        if let Some(start) = text.strip_suffix("<unfinished ...>") {
            begun.insert(thread, start);
            continue;
        }
        let whole = match text.strip_prefix("<... ").and_then(|rest| rest.split_once(" resumed>")) {
            Some((_, rest)) => format!("{}{rest}", begun.remove(thread).unwrap_or_default()),
            None => text.to_owned(),
        };
        calls.extend(call(&whole));
    }
    calls
}

fn call(text: &str) -> Option<Call> {
    let (name, rest) = text.split_once('(')?;
    let (arguments, result) = rest.rsplit_once(" = ")?;
    if result.starts_with('-') {
        return None;
    }
    // The path of a descriptor stands behind it; a name is relative to such a folder unless it is absolute.
    let descriptor = || Some(arguments.split_once('<')?.1.split_once('>')?.0.to_owned());
    let mut names = arguments.split('"').skip(1).step_by(2).map(str::to_owned);
    Some(match name {
        "write" | "pwrite64" => Call::Write(descriptor()?),
        "fsync" | "fdatasync" => Call::Sync(descriptor()?),
        "rename" | "renameat" | "renameat2" | "link" | "linkat" => Call::Rename(names.next()?, names.next()?),
        "unlink" => Call::Remove(names.next()?),
        "unlinkat" => {
            let name = names.next()?;
            let is_absolute = name.starts_with('/');
            Call::Remove(if is_absolute { name } else { format!("{}/{name}", descriptor()?) })
        }
        _ => return None,
    })
}

/// Files that may be lost or old after a power cut.
fn is_for_people(path: &str) -> bool {
    path.ends_with("status.json")
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
            Call::Write(path) => {
                unsynced.insert(path);
            }
            Call::Sync(path) => {
                unsynced.remove(path.as_str());
                unnamed.retain(|_, in_folder| in_folder != path);
                if path.ends_with("-wal") {
                    found.extend(
                        unnamed.keys().map(|name| format!("a row before the name of {name} is synced")),
                    );
                    is_recorded = is_named;
                }
            }
            Call::Rename(from, to) if !is_for_people(to) => {
                if unsynced.contains(from.as_str()) {
                    found.push(format!("{to} gets its name before its bytes are synced"));
                }
                unnamed.insert(to, folder(to));
                is_named |= to == result;
            }
            Call::Remove(path) if is_segment(path) && !is_recorded => {
                found.push(format!("{path} goes before the result is in the ledger"));
            }
            Call::Rename(..) | Call::Remove(_) => {}
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
    let root = folder.path();
    make_clip(&root.join("clip.mp4"), "64x36", 36, true);
    let program = upscaled(root);
    let log = root.join("calls.log");
    let traced = "trace=write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat";
    let mut strace = Command::new("strace");
    strace.args(["-f", "-y", "-qq", "-s", "4096", "-e", traced, "-o", log.to_str().unwrap()]);
    strace.arg(program.get_program()).args(SMALL_JOB);
    strace.current_dir(root).env_remove("UPSCALED_ROOT");
    strace.envs(program.get_envs().filter_map(|(key, value)| Some((key, value?))));
    let output = strace.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let calls = calls(&fs::read_to_string(log).unwrap());
    let count = |is: fn(&Call) -> bool| calls.iter().filter(|call| is(call)).count();
    let segments = count(|call| matches!(call, Call::Rename(_, to) if is_segment(to)));
    let syncs = count(|call| matches!(call, Call::Sync(_)));
    println!("{} calls, {syncs} syncs, {segments} segments", calls.len());
    assert_eq!(segments, 3);
    let result = root.join("clip_upscaled.mp4");
    assert_eq!(violations(&calls, result.to_str().unwrap()), [""; 0]);
}

/// What the checker says of a short log of a job whose result is `/o/r`.
fn verdict(log: &str) -> Vec<String> {
    let lines: Vec<String> = log.split(';').map(|call| format!("7 {}", call.trim())).collect();
    violations(&calls(&lines.join("\n")), "/o/r")
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
    let found = verdict(&format!("{SEGMENT}{REMOVAL};{RESULT}"));
    assert_eq!(found, ["/j/seg-1.pkt goes before the result is in the ledger"]);
    assert_eq!(verdict(SEGMENT), ["the result is not in the ledger"]);
}

#[test]
fn calls_that_others_interrupt_are_put_together() {
    let log = "1 fsync(3</a> <unfinished ...>\n2 write(4</b>, \"x\", 1) = 1\n1 <... fsync resumed>) = 0";
    assert_eq!(calls(log), [Call::Write("/b".to_owned()), Call::Sync("/a".to_owned())]);
}
