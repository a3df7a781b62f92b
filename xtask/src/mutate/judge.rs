//! What may become of a mutant, and what may not.

use std::path::{Path, PathBuf};

use crate::fidelity::upscale::{self, Outcome, Program};
use crate::tool;

/// How the program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    Done,
    DoneWithNote,
    Refused(String),
    /// What is wrong.
    Bad(String),
}

impl Ended {
    /// The column of the table.
    pub(super) const fn column(&self) -> usize {
        match self {
            Self::Done => 0,
            Self::DoneWithNote => 1,
            Self::Refused(_) => 2,
            Self::Bad(_) => 3,
        }
    }
}

/// Gives a mutant to the program, a second time with other unwritten memory where that is asked for.
pub(super) fn judge(program: &Program, mutant: &Path, folder: &Path, more: &[&str], twice: bool) -> Ended {
    let (ended, result) = once(program, mutant, &folder.join("out"), more, &[]);
    if !twice || matches!(ended, Ended::Bad(_)) {
        return ended;
    }
    let (again, second) = once(program, mutant, &folder.join("again"), more, &[("MALLOC_PERTURB_", "165")]);
    match (result, second) {
        _ if matches!(again, Ended::Bad(_)) => again,
        _ if ended.column() != again.column() => {
            Ended::Bad(format!("first it was {ended:?}, then {again:?}"))
        }
        (Some(first), Some(second)) => match (sums(&first, program, "0:v"), sums(&second, program, "0:v")) {
            (Ok(first), Ok(second)) if first == second => ended,
            (Ok(_), Ok(_)) => Ended::Bad("the second result has other pictures".to_owned()),
            (Err(error), _) | (_, Err(error)) => Ended::Bad(format!("{error:#}")),
        },
        _ => ended,
    }
}

fn once(
    program: &Program,
    mutant: &Path,
    folder: &Path,
    more: &[&str],
    environment: &[(&str, &str)],
) -> (Ended, Option<PathBuf>) {
    let ran = std::fs::create_dir_all(folder)
        .map_err(anyhow::Error::from)
        .and_then(|()| upscale::run(program, mutant, folder, more, environment));
    let run = match ran {
        Ok(run) => run,
        Err(error) => return (Ended::Bad(format!("{error:#}")), None),
    };
    match run.outcome {
        Outcome::Refused(reason) => (Ended::Refused(reason), None),
        Outcome::Bad(what) => (Ended::Bad(what), None),
        Outcome::Result(result) => match wrong(program, mutant, &result) {
            Ok(Some(what)) => (Ended::Bad(what), None),
            Ok(None) if run.notes.is_empty() => (Ended::Done, Some(result)),
            Ok(None) => (Ended::DoneWithNote, Some(result)),
            Err(error) => (Ended::Bad(format!("{error:#}")), None),
        },
    }
}

/// What is wrong with a result.
fn wrong(program: &Program, mutant: &Path, result: &Path) -> anyhow::Result<Option<String>> {
    let is_frame = |line: &&str| !line.is_empty() && !line.starts_with('#');
    let listed = sums(result, program, "0:v:0")?;
    if String::from_utf8_lossy(&listed).lines().filter(is_frame).count() == 0 {
        return Ok(Some("the result has no frames".to_owned()));
    }
    let all = ["-map", "0:v", "-map", "0:a?"];
    let of_result = complaints(program, result, &all)?;
    if of_result.is_empty() {
        return Ok(None);
    }
    // Streams that are copied keep the damage that they have, and decoders do not always say the same of it.
    let of_mutant = complaints(program, mutant, &all)?;
    if !of_mutant.is_empty() && complaints(program, result, &["-map", "0:v:0"])?.is_empty() {
        return Ok(None);
    }
    let own = of_result.into_iter().find(|line| !of_mutant.contains(line));
    Ok(own.map(|line| format!("FFmpeg complains about the result: {line}")))
}

/// What FFmpeg complains of, decoding some streams of a file, without the addresses of its parts.
fn complaints(program: &Program, path: &Path, maps: &[&str]) -> anyhow::Result<Vec<String>> {
    let mut command = tool::ffmpeg(&[], path);
    command.args(maps).args(["-fps_mode", "passthrough", "-f", "null", "-"]);
    let ran = tool::run(&mut command, program.limit)?;
    // Times that a null muxer does not like are no fault of a result: frames may be closer than its tick.
    let told_anyway = ["non monotonically increasing dts to muxer", "Last message repeated"];
    let lines = ran.messages.lines().filter(|line| !told_anyway.iter().any(|known| line.contains(known)));
    let mut lines: Vec<String> = lines.map(without_address).collect();
    match ran.status {
        None => lines.push("decoding does not end".to_owned()),
        Some(status) if !status.success() && lines.is_empty() => lines.push(status.to_string()),
        Some(_) => {}
    }
    Ok(lines)
}

/// A message such as `[pgssub @ 0x55d0] out of bounds` without what differs from run to run.
fn without_address(line: &str) -> String {
    let mut parts = line.split(" @ 0x");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    plain.extend(parts.map(|part| part.trim_start_matches(|digit: char| digit.is_ascii_hexdigit())));
    plain
}

/// Checksums of all pictures of some streams.
fn sums(result: &Path, program: &Program, map: &str) -> anyhow::Result<Vec<u8>> {
    let mut command = tool::ffmpeg(&[], result);
    command.args(["-map", map, "-fps_mode", "passthrough", "-f", "framemd5", "-"]);
    tool::output(&mut command, program.limit)
}
