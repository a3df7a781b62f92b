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
    let of_video = complaint(program, result, &["-map", "0:v:0"])?;
    let of_rest = complaint(program, result, &["-map", "0:a?", "-map", "0:v"])?;
    Ok(match (of_video, of_rest) {
        (None, None) => None,
        // Sound and further videos are copied with the damage that they have.
        (video, rest)
            if complaint(program, mutant, &["-map", "0:a?", "-map", "0:v"])?.is_some() && {
                video.is_none() && rest.is_some()
            } =>
        {
            None
        }
        (video, rest) => video.or(rest).map(|line| format!("FFmpeg complains about the result: {line}")),
    })
}

/// The first complaint of FFmpeg, decoding some streams.
fn complaint(program: &Program, path: &Path, maps: &[&str]) -> anyhow::Result<Option<String>> {
    let mut command = tool::ffmpeg(&[], path);
    command.args(maps).args(["-fps_mode", "passthrough", "-f", "null", "-"]);
    let ran = tool::run(&mut command, program.limit)?;
    let line = ran.messages.lines().next().map(str::to_owned);
    // Times that a null muxer does not like are no fault of a result: frames may be closer than its tick.
    let line = line.filter(|line| !line.contains("non monotonically increasing dts to muxer"));
    Ok(match ran.status {
        None => Some("decoding does not end".to_owned()),
        Some(status) if !status.success() => Some(line.unwrap_or_else(|| status.to_string())),
        Some(_) => line,
    })
}

/// Checksums of all pictures.
fn sums(result: &Path, program: &Program) -> anyhow::Result<Vec<u8>> {
    let mut command = tool::ffmpeg(&[], result);
    command.args(["-map", "0:v", "-fps_mode", "passthrough", "-f", "framemd5", "-"]);
    tool::output(&mut command, program.limit)
}
