//! The program at work on one file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::Value;

use crate::tool;

/// How the program ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It made this.
    Result(PathBuf),
    /// It said in a sentence why it did not.
    Refused(String),
    /// It ended in no way that it may.
    Bad(String),
}

/// A run of the program.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) outcome: Outcome,
    /// What it said beside its progress.
    pub(crate) notes: Vec<String>,
    pub(crate) seconds: f64,
}

/// The program, and how it is asked.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    /// Arguments of `upscaled up`.
    pub(crate) arguments: Vec<String>,
    /// Longest that it may take for one file.
    pub(crate) limit: Duration,
}

impl Program {
    /// The program that is named, else the one that was built together with this one.
    pub(crate) fn find(named: Option<PathBuf>, arguments: &str, limit: Duration) -> anyhow::Result<Self> {
        let this = std::env::current_exe().context("finding the folder of this program")?;
        let path = named.unwrap_or_else(|| this.with_file_name("upscaled"));
        let path = path.canonicalize().with_context(|| {
            format!("`{}` is not there: build it, or name it with --upscaled", path.display())
        })?;
        let arguments = arguments.split_whitespace().map(str::to_owned).collect();
        Ok(Self { path, arguments, limit })
    }
}

/// Runs the program on a file, with further arguments and variables of the environment.
pub(crate) fn run(
    program: &Program,
    file: &Path,
    folder: &Path,
    more: &[&str],
    environment: &[(&str, &str)],
) -> anyhow::Result<Run> {
    let mut output = folder.as_os_str().to_owned();
    output.push("/");
    let mut command = Command::new(&program.path);
    command.arg("up").args(&program.arguments).args(more).arg("--output").arg(output).arg("--").arg(file);
    command.current_dir(folder).env_remove("UPSCALED_ROOT").envs(environment.iter().copied());
    let start = Instant::now();
    let ran = tool::run(&mut command, program.limit)?;
    let seconds = start.elapsed().as_secs_f64();
    let results = results(folder)?;
    let exit = ran.status.map(|status| (status.code(), status.to_string()));
    let outcome = judge(exit, &ran.messages, &results, program.limit.as_secs());
    Ok(Run { outcome, notes: notes(&ran.messages), seconds })
}

/// The videos in the folder; folders of unfinished work, reports, and the subtitle files that a report names may lie beside them.
fn results(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    let mut files: Vec<PathBuf> =
        entries.iter().map(fs::DirEntry::path).filter(|path| path.is_file()).collect();
    let taken: Vec<PathBuf> = files.iter().flat_map(|path| subtitles(path)).collect();
    files.retain(|path| is_video(path) && !taken.contains(path));
    Ok(files)
}

/// The subtitle files beside a file that it, a report, says were taken along; none for any other file.
fn subtitles(report: &Path) -> Vec<PathBuf> {
    if report.extension().is_none_or(|extension| extension != "json") {
        return Vec::new();
    }
    let text = fs::read(report).unwrap_or_default();
    let content: Value = serde_json::from_slice(&text).unwrap_or_default();
    let taken = content["subtitle_files"]["taken"].as_array().into_iter().flatten();
    taken.filter_map(Value::as_str).map(|name| report.with_file_name(name)).collect()
}

fn is_video(path: &Path) -> bool {
    path.extension().is_none_or(|extension| extension != "json" && extension != "txt")
}

/// What an exit code (`None` for a program that was stopped), messages and results mean.
fn judge(exit: Option<(Option<i32>, String)>, messages: &str, results: &[PathBuf], limit: u64) -> Outcome {
    let errors: Vec<&str> = messages.lines().filter_map(|line| line.strip_prefix("error: ")).collect();
    match (exit, results) {
        (None, _) => Outcome::Bad(format!("it took longer than {limit} s")),
        (Some((Some(0), _)), [result]) => Outcome::Result(result.clone()),
        (Some((Some(0), _)), other) => {
            Outcome::Bad(format!("it said to be done and left {} files", other.len()))
        }
        (Some((Some(1), _)), []) => match errors[..] {
            [error] if is_clear(error) => Outcome::Refused(error.to_owned()),
            [error] => Outcome::Bad(format!("it failed: {error}")),
            _ => Outcome::Bad(format!("it failed with {} reasons: {}", errors.len(), errors.join("; "))),
        },
        (Some((Some(1), _)), _) => Outcome::Bad("it failed and left a result".to_owned()),
        (Some((_, status)), _) => Outcome::Bad(format!("it ended with {status}")),
    }
}

/// True for a reason that lies in the file. A worker that died, or a result that was not right, is a fault of the
/// program, whatever the file holds.
fn is_clear(error: &str) -> bool {
    let of_program = ["panicked", "signal", "died", "crash", "verif", "is not right", "attempt", "memory"];
    !error.is_empty() && !of_program.iter().any(|word| error.contains(word))
}

/// What the program said, but for its progress, its errors and the saving by reuse.
fn notes(messages: &str) -> Vec<String> {
    let is_progress = |line: &str| {
        let starts_with_share =
            line.split_once(" %, ").is_some_and(|(share, _)| share.parse::<u64>().is_ok());
        let states = ["queued", "running", "done", "failed", "reading the source", "joining", "publishing"];
        starts_with_share
            || states.iter().any(|state| line.starts_with(state))
            || line.starts_with("error: ")
            || line.contains("not computed again")
    };
    messages.lines().filter(|line| !line.trim().is_empty() && !is_progress(line)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(code: Option<i32>, messages: &str, results: &[&str]) -> String {
        let results: Vec<PathBuf> = results.iter().map(PathBuf::from).collect();
        let exit = code.map(|code| (Some(code), format!("exit status: {code}")));
        match judge(exit, messages, &results, 9) {
            Outcome::Result(path) => path.display().to_string(),
            Outcome::Refused(reason) => format!("refused: {reason}"),
            Outcome::Bad(what) => format!("BAD: {what}"),
        }
    }

    #[test]
    fn only_a_result_or_a_clear_sentence_will_do() {
        let no_video = "error: a.mp4: it has no video";
        assert_eq!(judged(Some(0), "", &["a.mkv"]), "a.mkv");
        assert_eq!(judged(Some(1), no_video, &[]), "refused: a.mp4: it has no video");
        assert!(judged(Some(0), "", &[]).starts_with("BAD"));
        assert!(judged(Some(0), "", &["a", "b"]).starts_with("BAD"));
        assert!(judged(Some(1), no_video, &["a.mkv"]).starts_with("BAD"));
        assert!(judged(Some(1), "", &[]).starts_with("BAD"));
        assert!(judged(Some(1), "error: a\nerror: b", &[]).starts_with("BAD"));
        assert!(judged(Some(1), "error: the worker died of signal 11", &[]).starts_with("BAD"));
        assert!(judged(Some(101), no_video, &[]).starts_with("BAD"));
        assert!(judged(None, "", &[]).starts_with("BAD"));
    }

    #[test]
    fn subtitle_files_that_the_report_names_are_no_results() {
        let folder = tempfile::tempdir().unwrap();
        let report = r#"{ "subtitle_files": { "taken": ["a_upscaled.en.srt"], "notes": [] } }"#;
        for (name, text) in [
            ("a_upscaled.mkv", "a video"),
            ("a_upscaled.mkv.json", report),
            ("a_upscaled.en.srt", "subtitles"),
            ("a_upscaled.de.srt", "subtitles of which nothing was said"),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let mut found = results(folder.path()).unwrap();
        found.sort();
        assert_eq!(found, ["a_upscaled.de.srt", "a_upscaled.mkv"].map(|name| folder.path().join(name)));
    }

    #[test]
    fn notes_are_what_is_left_of_the_messages() {
        let messages = "reading the source\nstream 2 was left out\n24 %, 12/50 frames, 3.1 fps\njoining and checking the result\n";
        assert_eq!(notes(messages), ["stream 2 was left out"]);
    }
}
