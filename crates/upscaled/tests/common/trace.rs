//! What a program does to files, recorded with `strace`.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "every test file uses some of it, and a test that cannot go on has failed"
)]

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::common::upscaled;

/// The calls that change files or names, put changes on the disk, or move the position of a descriptor.
const TRACED: &str = "trace=open,openat,creat,write,pwrite64,writev,pwritev,pwritev2,copy_file_range,sendfile,splice,\
    truncate,ftruncate,fallocate,lseek,dup,dup2,dup3,fcntl,fsync,fdatasync,rename,renameat,renameat2,link,linkat,\
    unlink,unlinkat,mkdir,mkdirat,rmdir,symlink,symlinkat";

/// A system call that succeeded.
#[derive(Clone, PartialEq, Eq)]
pub enum Call {
    Open {
        path: String,
        descriptor: u32,
        creates: bool,
        truncates: bool,
    },
    /// `at` is where `pwrite` writes; the others write where the descriptor stands.
    Write {
        path: String,
        descriptor: u32,
        at: Option<u64>,
        bytes: Vec<u8>,
    },
    Seek {
        path: String,
        descriptor: u32,
        to: u64,
    },
    Truncate {
        path: String,
        length: u64,
    },
    /// `begun` calls of the recording had ended when this one began: it may have missed later ones.
    Sync {
        path: String,
        begun: usize,
    },
    Rename {
        from: String,
        to: String,
    },
    Link {
        from: String,
        to: String,
    },
    Remove {
        path: String,
    },
    MakeFolder {
        path: String,
    },
    /// Some other call that changes a file or shares a descriptor's position.
    Other {
        path: String,
        name: String,
    },
}

impl Call {
    /// The file, or its new name.
    pub fn path(&self) -> &str {
        match self {
            Self::Open { path, .. }
            | Self::Write { path, .. }
            | Self::Seek { path, .. }
            | Self::Truncate { path, .. }
            | Self::Sync { path, .. }
            | Self::Rename { to: path, .. }
            | Self::Link { to: path, .. }
            | Self::Remove { path }
            | Self::MakeFolder { path }
            | Self::Other { path, .. } => path,
        }
    }
}

/// Without the bytes, which are of no use in a message.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { path, .. } => write!(f, "open {path}"),
            Self::Write { path, at, bytes, .. } => {
                write!(f, "write {} bytes to {path} at {at:?}", bytes.len())
            }
            Self::Seek { path, to, .. } => write!(f, "seek to {to} in {path}"),
            Self::Truncate { path, length } => write!(f, "truncate {path} to {length}"),
            Self::Sync { path, begun } => write!(f, "sync {path}, begun after call {begun}"),
            Self::Rename { from, to } => write!(f, "rename {from} to {to}"),
            Self::Link { from, to } => write!(f, "link {from} to {to}"),
            Self::Remove { path } => write!(f, "remove {path}"),
            Self::MakeFolder { path } => write!(f, "make {path}"),
            Self::Other { path, name } => write!(f, "{name} of {path}"),
        }
    }
}

/// Runs the program, which must succeed, and gives what it and its workers do below the folder, whose path must be
/// free of links.
pub fn record(folder: &Path, arguments: &[&str]) -> Vec<Call> {
    let program = upscaled(folder);
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut strace = Command::new("strace");
    strace.args(["-f", "-y", "-xx", "-qq", "-s", "1000000000", "-e", "signal=none", "-e", TRACED, "-o"]);
    strace.arg(log.path()).arg(program.get_program()).args(arguments);
    strace.current_dir(folder).env_remove("UPSCALED_ROOT");
    strace.envs(program.get_envs().filter_map(|(key, value)| Some((key, value?))));
    let output = strace.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    calls(&fs::read_to_string(log.path()).unwrap(), folder.to_str().unwrap())
}

/// The calls below a folder in a log of `strace -f -y`, in the order in which they ended.
pub fn calls(log: &str, folder: &str) -> Vec<Call> {
    let mut begun: BTreeMap<&str, (&str, usize)> = BTreeMap::new();
    let mut calls = Vec::new();
    for line in log.lines() {
        let Some((thread, text)) = line.split_once(char::is_whitespace) else { continue };
        let text = text.trim_start();
        if let Some(start) = text.strip_suffix("<unfinished ...>") {
            begun.insert(thread, (start, calls.len()));
            continue;
        }
        let (whole, begun) = match text.strip_prefix("<... ").and_then(|rest| rest.split_once(" resumed>")) {
            Some((_, rest)) => {
                let (start, begun) = begun.remove(thread).unwrap_or_default();
                (format!("{start}{rest}"), begun)
            }
            None => (text.to_owned(), calls.len()),
        };
        calls.extend(call(&whole, begun).filter(|call| Path::new(call.path()).starts_with(folder)));
    }
    calls
}

fn call(text: &str, begun: usize) -> Option<Call> {
    let (name, rest) = text.split_once('(')?;
    let (arguments, result) = rest.rsplit_once(" = ")?;
    if !result.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let mut names = names(arguments).into_iter();
    let last = || arguments.trim_end_matches([')', ' ']).rsplit(", ").next()?.parse().ok();
    Some(match name {
        "open" | "openat" | "creat" => {
            let (descriptor, path) = descriptor(result)?;
            let creates = arguments.contains("O_CREAT") || name == "creat";
            let truncates = arguments.contains("O_TRUNC") || name == "creat";
            if arguments.contains("O_APPEND") {
                return Some(Call::Other { path, name: "open to append".to_owned() });
            }
            Call::Open { path, descriptor, creates, truncates }
        }
        "write" | "writev" | "pwrite64" | "pwritev" => {
            let (descriptor, path) = descriptor(arguments)?;
            let mut bytes: Vec<u8> = strings(arguments).flat_map(|(_, string)| decode(string)).collect();
            let written: usize = result.parse().ok().filter(|&written| written > 0)?;
            assert!(bytes.len() >= written, "strace has not shown all bytes: {name} to {path}");
            bytes.truncate(written);
            let at = if name.starts_with('p') { Some(last()?) } else { None };
            Call::Write { path, descriptor, at, bytes }
        }
        "lseek" => {
            let (descriptor, path) = descriptor(arguments)?;
            Call::Seek { path, descriptor, to: result.parse().ok()? }
        }
        "ftruncate" => Call::Truncate { path: descriptor(arguments)?.1, length: last()? },
        "truncate" => Call::Truncate { path: names.next()?, length: last()? },
        "fsync" | "fdatasync" => Call::Sync { path: descriptor(arguments)?.1, begun },
        "rename" | "renameat" | "renameat2" => Call::Rename { from: names.next()?, to: names.next()? },
        "link" | "linkat" => Call::Link { from: names.next()?, to: names.next()? },
        "unlink" | "unlinkat" | "rmdir" => Call::Remove { path: names.next()? },
        "mkdir" | "mkdirat" => Call::MakeFolder { path: names.next()? },
        "fcntl" if !arguments.contains("F_DUPFD") => return None,
        "symlink" | "symlinkat" => Call::Other { path: names.nth(1)?, name: name.to_owned() },
        // What is copied from one descriptor to another has the second one's path after the first's.
        "copy_file_range" | "splice" => {
            Call::Other { path: descriptor(arguments.split_once(", ")?.1)?.1, name: name.to_owned() }
        }
        _ => Call::Other { path: descriptor(arguments)?.1, name: name.to_owned() },
    })
}

/// A number and the path of the open file that it stands for, where that has a name.
fn descriptor(text: &str) -> Option<(u32, String)> {
    let (number, rest) = text.split_once('<')?;
    let (path, rest) = rest.split_once('>')?;
    let path = String::from_utf8(decode(path)).ok()?;
    if rest.starts_with("(deleted)") {
        return None;
    }
    Some((number.rsplit(' ').next()?.parse().ok()?, path))
}

/// The paths in the arguments. A name is relative to the folder before it unless it is absolute.
fn names(arguments: &str) -> Vec<String> {
    let path = |(before, name): (&str, &str)| {
        let name = String::from_utf8_lossy(&decode(name)).into_owned();
        let folder = before.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>'));
        match folder {
            Some((folder, _)) if !name.starts_with('/') => {
                format!("{}/{name}", String::from_utf8_lossy(&decode(folder)))
            }
            _ => name,
        }
    };
    strings(arguments).map(path).collect()
}

/// The quoted strings, each with what is between it and the one before.
fn strings(arguments: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut pieces = arguments.split('"');
    std::iter::from_fn(move || Some((pieces.next()?, pieces.next()?)))
}

/// The bytes of a string, of which all or none are written as `\x61`.
fn decode(text: &str) -> Vec<u8> {
    if !text.starts_with("\\x") {
        return text.as_bytes().to_vec();
    }
    text.split("\\x").skip(1).map(|digits| u8::from_str_radix(digits, 16).unwrap()).collect()
}
