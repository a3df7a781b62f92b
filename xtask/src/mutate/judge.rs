//! What may become of a mutant, and what may not.

use std::path::{Path, PathBuf};
use std::process::Command;

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
        (Some(first), Some(second)) => match (sums(&first, program), sums(&second, program)) {
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
    let mut probe = Command::new("ffprobe");
    probe.args([
        "-v",
        "error",
        "-select_streams",
        "v:0",
        "-count_frames",
        "-show_entries",
        "stream=nb_read_frames",
    ]);
    probe.args(["-of", "csv=p=0", "-i"]).arg(tool::url(result));
    let counted = String::from_utf8_lossy(&tool::output(&mut probe, program.limit)?).into_owned();
    let frames = counted.trim().trim_end_matches(',').parse::<u64>().unwrap_or(0);
    if frames == 0 {
        return Ok(Some("the result has no frames".to_owned()));
    }
    let of_result = complaints(program, result)?;
    if of_result.is_empty() {
        return Ok(None);
    }
    // Streams that are copied keep the damage that they have.
    let of_mutant = complaints(program, mutant)?;
    let own = of_result.into_iter().find(|line| !of_mutant.contains(line));
    Ok(own.map(|line| format!("FFmpeg complains about the result: {line}")))
}

/// What FFmpeg complains of, decoding the pictures and the sound of a file, without the addresses of its parts.
fn complaints(program: &Program, path: &Path) -> anyhow::Result<Vec<String>> {
    let mut command = tool::ffmpeg(&[], path);
    command.args(["-map", "0:v", "-map", "0:a?", "-fps_mode", "passthrough", "-f", "null", "-"]);
    let ran = tool::run(&mut command, program.limit)?;
    // Times that a null muxer does not like are no fault of a result: frames may be closer than its tick.
    let lines =
        ran.messages.lines().filter(|line| !line.contains("non monotonically increasing dts to muxer"));
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
    match (line.find(" @ 0x"), line.find(']')) {
        (Some(from), Some(to)) if from < to => format!("{}{}", &line[..from], &line[to..]),
        _ => line.to_owned(),
    }
}

/// Checksums of all pictures.
fn sums(result: &Path, program: &Program) -> anyhow::Result<Vec<u8>> {
    let mut command = tool::ffmpeg(&[], result);
    command.args(["-map", "0:v", "-fps_mode", "passthrough", "-f", "framemd5", "-"]);
    tool::output(&mut command, program.limit)
}
