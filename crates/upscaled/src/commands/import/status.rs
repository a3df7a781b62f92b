//! `status.json` of the Python server: jobs and what became of them, in whatever shape they stand there.
//!
//! A job is an object with the name of its video, in a list or under a name, at any depth. What an outer object says of the state
//! (`"failed": [...]`) holds for the jobs in it that say nothing themselves.

use serde_json::{Map, Value};

/// Most jobs that are taken.
pub(super) const MOST_JOBS: usize = 100_000;

/// Where a job's video stands, the most telling first.
const VIDEO: [&str; 13] = [
    "input_path",
    "input_file",
    "source_path",
    "source_file",
    "input",
    "source",
    "src",
    "path",
    "file",
    "filepath",
    "file_name",
    "filename",
    "video",
];
/// What may hold the name besides.
const NAME: [&str; 3] = ["name", "title", "job"];
const RESULT: [&str; 9] =
    ["output_path", "output_file", "result_path", "output", "result", "dest", "destination", "target", "out"];
const STATE: [&str; 4] = ["status", "state", "stage", "phase"];
const MODEL: [&str; 3] = ["model", "model_name", "weights"];
const SCALE: [&str; 5] = ["scale", "outscale", "upscale", "factor", "scale_factor"];
const PROGRESS: [&str; 8] = [
    "progress",
    "percent",
    "frame",
    "frames_done",
    "done_frames",
    "current_frame",
    "processed",
    "frames_processed",
];
/// What says how many frames there are.
const TOTAL: [&str; 4] = ["total_frames", "frames_total", "total", "frame_count"];
const ERROR: [&str; 4] = ["error", "message", "reason", "last_error"];
/// Objects that hold jobs by their names, or jobs of all states.
const HOLDERS: [&str; 8] = ["jobs", "items", "tasks", "entries", "files", "videos", "history", "list"];

/// What a state means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Done,
    Failed,
    Canceled,
    Interrupted,
    Waiting,
}

impl State {
    /// What a word means, in any case of its letters.
    fn of(word: &str) -> Option<Self> {
        let word = word.trim().to_lowercase().replace([' ', '-'], "_");
        Some(match &*word {
            "done" | "complete" | "completed" | "finished" | "success" | "succeeded" | "ok" | "ready" => {
                Self::Done
            }
            "failed" | "fail" | "failure" | "failures" | "error" | "errored" | "errors" | "crashed" => {
                Self::Failed
            }
            "canceled" | "cancelled" | "aborted" | "skipped" | "removed" => Self::Canceled,
            "running" | "processing" | "in_progress" | "inprogress" | "working" | "active" | "current"
            | "started" | "extracting" | "extract" | "upscaling" | "upscale" | "encoding" | "encode"
            | "merging" | "muxing" | "finalizing" | "paused" | "interrupted" | "stopped" | "busy" => {
                Self::Interrupted
            }
            "queued" | "queue" | "waiting" | "wait" | "pending" | "new" | "todo" | "idle" => Self::Waiting,
            _ => return None,
        })
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Interrupted => "interrupted",
            Self::Waiting => "waiting",
        }
    }
}

/// A job of the Python server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct OldJob {
    /// Where it stands, as `jobs[3]`.
    pub(super) place: String,
    /// The name or path of its video.
    pub(super) video: String,
    pub(super) state: Option<State>,
    /// The word of a state that says nothing.
    pub(super) unknown_state: Option<String>,
    pub(super) result: Option<String>,
    pub(super) model: Option<String>,
    pub(super) scale: Option<String>,
    /// Why it failed.
    pub(super) error: Option<String>,
}

/// What stands in a status file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) jobs: Vec<OldJob>,
    /// What was not understood: where, and why.
    pub(super) unclear: Vec<(String, String)>,
}

/// The jobs in a status file.
///
/// # Errors
/// When it is no JSON, nests too deep or holds too many jobs, in words.
pub(super) fn read(bytes: &[u8]) -> Result<Found, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.trim_ascii().is_empty() {
        return Ok(Found::default());
    }
    let value: Value = serde_json::from_slice(bytes).map_err(|error| format!("it is no JSON: {error}"))?;
    let mut found = Found::default();
    match &value {
        Value::Array(_) | Value::Object(_) => found.look(&value, "", None, true)?,
        _ => return Err("it holds no jobs: neither a list nor an object".to_owned()),
    }
    Ok(found)
}

impl Found {
    /// Looks at a list or an object; `holds` where names in it are those of jobs.
    fn look(&mut self, value: &Value, place: &str, state: Option<State>, holds: bool) -> Result<(), String> {
        match value {
            Value::Array(items) => {
                for (number, item) in items.iter().enumerate() {
                    let place = format!("{place}[{number}]");
                    match item {
                        Value::String(video) => {
                            self.add(OldJob { video: video.clone(), place, state, ..OldJob::default() })?;
                        }
                        Value::Object(object) => self.object(object, None, &place, state)?,
                        Value::Null => {}
                        _ => self.doubt(place, "it is neither a name nor an object"),
                    }
                }
            }
            Value::Object(object) => self.members(object, place, state, holds)?,
            _ => {}
        }
        Ok(())
    }

    /// An object that may be a job, under a name where it has one.
    fn object(
        &mut self,
        object: &Map<String, Value>,
        name: Option<&str>,
        place: &str,
        state: Option<State>,
    ) -> Result<(), String> {
        let video = text(object, &VIDEO)
            .or_else(|| text(object, &NAME).filter(|_| name.is_none_or(|name| !is_path(name))));
        match video.or_else(|| name.filter(|name| is_path(name) || is_job(object)).map(str::to_owned)) {
            Some(video) => self.add(job(object, video, place, state)),
            None if object.is_empty() => Ok(()),
            None => self.members(object, place, state, false),
        }
    }

    /// What is in an object that is no job.
    fn members(
        &mut self,
        object: &Map<String, Value>,
        place: &str,
        state: Option<State>,
        holds: bool,
    ) -> Result<(), String> {
        if place.is_empty()
            && (text(object, &VIDEO).is_some() || (text(object, &NAME).is_some() && is_job(object)))
        {
            return self.object(object, None, "the object", state);
        }
        let mut members: Vec<(&String, &Value)> = object.iter().collect();
        // Jobs under their numbers, in the order of these.
        members.sort_by_key(|(name, _)| name.parse::<u64>().ok());
        for (name, value) in members {
            let inner = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
            let of_name = State::of(name);
            let is_holder = HOLDERS.contains(&&*name.to_lowercase());
            match value {
                Value::Array(_) => {
                    self.look(value, &inner, of_name.or(state), false)?;
                }
                Value::Object(members) if of_name.is_some() || is_holder => match text(members, &VIDEO) {
                    Some(_) => self.object(members, None, &inner, of_name.or(state))?,
                    None => self.look(value, &inner, of_name.or(state), true)?,
                },
                Value::Object(members) => self.object(members, Some(name), &inner, state)?,
                Value::String(word) if of_name.is_some() && is_path(word) => {
                    self.add(OldJob {
                        video: word.clone(),
                        place: inner,
                        state: of_name,
                        ..OldJob::default()
                    })?;
                }
                Value::String(word) if holds && (is_path(name) || !place.is_empty()) => {
                    let of_word = State::of(word).or(state);
                    let unknown_state = of_word.is_none().then(|| word.clone());
                    self.add(OldJob {
                        video: name.clone(),
                        place: inner,
                        state: of_word,
                        unknown_state,
                        ..OldJob::default()
                    })?;
                }
                // Figures of the server itself.
                _ => {}
            }
        }
        Ok(())
    }

    fn add(&mut self, job: OldJob) -> Result<(), String> {
        if self.jobs.len() == MOST_JOBS {
            return Err(format!("it has more than {MOST_JOBS} jobs"));
        }
        if job.video.trim().is_empty() {
            self.doubt(job.place, "its video has no name");
        } else {
            self.jobs.push(job);
        }
        Ok(())
    }

    fn doubt(&mut self, place: String, why: &str) {
        if self.unclear.len() < MOST_JOBS {
            self.unclear.push((place, why.to_owned()));
        }
    }
}

/// The job in an object.
fn job(object: &Map<String, Value>, video: String, place: &str, outer: Option<State>) -> OldJob {
    let word = text(object, &STATE);
    let said = word.as_deref().and_then(State::of);
    let state = said.or_else(|| mark(object)).or(outer).or_else(|| by_progress(object));
    OldJob {
        place: place.to_owned(),
        video,
        unknown_state: word.filter(|_| said.is_none()),
        state,
        result: text(object, &RESULT),
        model: text(object, &MODEL),
        scale: text(object, &SCALE),
        error: text(object, &ERROR),
    }
}

/// A state that is said by `true`, by when it was reached, or by an error.
fn mark(object: &Map<String, Value>) -> Option<State> {
    let is_true = |name: &str| object.get(name) == Some(&Value::Bool(true));
    let has = |name: &str| text(object, &[name]).is_some();
    if is_true("failed") || is_true("error") || has("error") {
        Some(State::Failed)
    } else if ["done", "finished", "completed", "complete", "success"].iter().any(|name| is_true(name)) {
        Some(State::Done)
    } else {
        None
    }
}

/// What the progress of a job without a state says.
fn by_progress(object: &Map<String, Value>) -> Option<State> {
    let number = |names: &[&str]| names.iter().find_map(|name| object.get(*name)?.as_f64());
    let done = number(&PROGRESS)?;
    match number(&TOTAL) {
        Some(total) if total > 0.0 && done >= total => Some(State::Done),
        _ if done > 0.0 => Some(State::Interrupted),
        _ => Some(State::Waiting),
    }
}

/// True for an object that says what jobs say, but for the video.
fn is_job(object: &Map<String, Value>) -> bool {
    [&STATE[..], &RESULT, &PROGRESS].iter().any(|names| names.iter().any(|name| object.contains_key(*name)))
}

/// The first of these that is a text or a number.
fn text(object: &Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| match object.get(*name)? {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

/// True for what looks like the name of a file.
fn is_path(name: &str) -> bool {
    let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let is_ending = |ending: &str| {
        (1..=5).contains(&ending.len()) && ending.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    last.len() != name.len()
        || last.rsplit_once('.').is_some_and(|(stem, ending)| !stem.is_empty() && is_ending(ending))
}

#[cfg(test)]
mod tests {
    use super::State::{Canceled, Done, Failed, Interrupted, Waiting};
    use super::*;

    fn jobs(text: &str) -> Vec<(String, Option<State>)> {
        let found = read(text.as_bytes()).unwrap();
        assert!(found.unclear.is_empty(), "{text}: {:?}", found.unclear);
        let mut jobs: Vec<_> = found.jobs.into_iter().map(|job| (job.video, job.state)).collect();
        // Names in an object have no order.
        jobs.sort_by(|one, other| one.0.cmp(&other.0));
        jobs
    }

    fn pairs(wanted: &[(&str, State)]) -> Vec<(String, Option<State>)> {
        wanted.iter().map(|&(video, state)| (video.to_owned(), Some(state))).collect()
    }

    #[test]
    fn jobs_are_found_in_all_shapes() {
        let wanted = pairs(&[("a.mkv", Done), ("b.mkv", Interrupted)]);
        for text in [
            r#"[{"file": "a.mkv", "status": "done"}, {"file": "b.mkv", "status": "processing"}]"#,
            r#"{"version": 1, "jobs": [{"input": "a.mkv", "state": "Finished"}, {"source": "b.mkv", "state": "UPSCALING"}]}"#,
            r#"{"jobs": {"1": {"path": "a.mkv", "status": "completed"}, "2": {"path": "b.mkv", "status": "in progress"}}}"#,
            r#"{"jobs": {"a.mkv": {"status": "ok"}, "b.mkv": {"status": "extracting"}}}"#,
            r#"{"a.mkv": {"status": "complete", "name": "A film"}, "b.mkv": {"status": "encoding", "progress": 3}}"#,
            r#"{"a.mkv": "done", "b.mkv": "running", "started": "2024-01-01"}"#,
            r#"{"done": ["a.mkv"], "current": "b.mkv", "queue": []}"#,
            r#"{"done": ["a.mkv"], "current": {"file": "b.mkv", "frame": 12}}"#,
            r#"{"history": [{"name": "a.mkv", "status": "success"}], "active": [{"name": "b.mkv"}]}"#,
            r#"[{"file": "a.mkv", "done": true}, {"file": "b.mkv", "frame": 3, "total_frames": 10}]"#,
            r#"[{"file": "a.mkv", "frame": 10, "total_frames": 10}, {"file": "b.mkv", "progress": 0.5}]"#,
        ] {
            assert_eq!(jobs(text), wanted, "{text}");
        }
        assert_eq!(jobs(r#"{"file": "a.mkv", "status": "failed"}"#), pairs(&[("a.mkv", Failed)]));
        assert_eq!(jobs(r#"{"file": "a.mkv", "error": "CUDA out of memory"}"#), pairs(&[("a.mkv", Failed)]));
        assert_eq!(jobs(r#"{"failed": {"a.mkv": "no space"}}"#), pairs(&[("a.mkv", Failed)]));
        assert_eq!(
            jobs(r#"{"queue": ["C:\\films\\a.mkv"], "cancelled": [{"video": "b"}]}"#),
            pairs(&[("C:\\films\\a.mkv", Waiting), ("b", Canceled)])
        );
        for nothing in ["", " \n", "[]", "{}", r#"{"version": 2, "gpu": "x", "uptime": 3.5, "jobs": []}"#] {
            assert!(jobs(nothing).is_empty(), "{nothing}");
        }
    }

    #[test]
    fn jobs_keep_their_order() {
        let order = |text: &str| {
            read(text.as_bytes()).unwrap().jobs.into_iter().map(|job| job.video).collect::<String>()
        };
        assert_eq!(order(r#"[{"file": "c"}, {"file": "a"}, {"file": "b"}]"#), "cab");
        assert_eq!(
            order(r#"{"jobs": {"10": {"file": "c"}, "2": {"file": "b"}, "1": {"file": "a"}}}"#),
            "abc"
        );
    }

    #[test]
    fn a_job_says_more_than_its_state() {
        let text = "\u{feff}[{\"file\": \"a.mkv\", \"status\": \"weird\", \"output\": \"output/a_x4.mp4\",
            \"model\": \"realesr-animevideov3\", \"scale\": 4, \"tile\": 256}]";
        let job = read(text.as_bytes()).unwrap().jobs.remove(0);
        let wanted = OldJob {
            place: "[0]".to_owned(),
            video: "a.mkv".to_owned(),
            unknown_state: Some("weird".to_owned()),
            result: Some("output/a_x4.mp4".to_owned()),
            model: Some("realesr-animevideov3".to_owned()),
            scale: Some("4".to_owned()),
            ..OldJob::default()
        };
        assert_eq!(job, wanted);
    }

    #[test]
    fn what_is_not_understood_is_said() {
        let found =
            read(br#"{"jobs": [7, {"file": " ", "name": "", "status": "done"}, null, {"file": "a.mkv"}]}"#)
                .unwrap();
        assert_eq!(found.jobs.len(), 1);
        assert_eq!(found.unclear[0], ("jobs[0]".to_owned(), "it is neither a name nor an object".to_owned()));
        for (text, why) in [
            ("7", "neither a list"),
            ("{\"jobs\": [", "no JSON"),
            ("\0\u{1b}[2J", "no JSON"),
            (&"[".repeat(100_000), "recursion limit"),
        ] {
            assert!(read(text.as_bytes()).unwrap_err().contains(why), "{why}");
        }
        let many = format!("[{}\"b\"]", "\"a\",".repeat(MOST_JOBS));
        assert!(read(many.as_bytes()).unwrap_err().contains("100000"));
    }
}
