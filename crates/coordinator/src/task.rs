//! What a task means for the worker, and what the worker's answer means for the job.

use std::path::{Path, PathBuf};
use std::time::Duration;

use job::state::{Event, Task, TaskKey};
use job::{Failure, FailureKind, FilePath, NewJob, Notice, Plan, Settings, SourceFacts};
use ledger::Record;
use protocol::message::{
    Access, FrameListFile, IndexRequest, JoinRequest, Request, Response, SegmentListFile, SegmentRequest,
};

use crate::folders::ServerFolders;
use crate::process::WorkerError;

/// The file of the frame list in a job's folder.
const FRAME_LIST: &str = "frames.index";
/// The result in a job's folder before it has its name.
const RESULT: &str = "result";

/// A worker that shows no progress for this long hangs, unless its work is slow by nature.
const LEAST_PATIENCE: Duration = Duration::from_mins(1);
/// The slowest machine that is still waited for, in operations of the network a second: a tenth of a laptop's core.
const SLOWEST_NETWORK: f64 = 2e9;
/// A worker is not waited for longer than this, whatever it says of its film.
const LONGEST_PATIENCE: Duration = Duration::from_hours(24);
/// Pixels a second that it encodes, or decodes to check them.
const SLOWEST_ENCODER: f64 = 2e6;
/// Most frames that an encoder holds back: libx264's look-ahead at its slower presets.
const HELD_BACK: f64 = 60.0;

/// Room to ask for where only names are to be written.
const SOME_ROOM: u64 = 1 << 20;

/// Where the complete result of a job waits for its name.
pub(crate) fn unpublished_result(record: &Record) -> PathBuf {
    record.request.folder.join(RESULT)
}

pub(crate) fn frame_list(record: &Record, facts: &SourceFacts) -> FrameListFile {
    let path = FilePath(record.request.folder.join(FRAME_LIST));
    FrameListFile { path, blake3: facts.frame_list_blake3.clone(), missing: facts.missing.clone() }
}

/// What the worker of a job may touch: all parts of its source, its models, its folder.
pub(crate) fn access(record: &Record) -> Access {
    let NewJob { source, settings, folder, .. } = &record.request;
    let source = storage::parts(source).into_iter().map(FilePath);
    let read = source.chain(settings.model_files()).collect();
    Access { read, write: vec![folder.clone()], ..Access::default() }
}

/// The message that tells a worker to do a task; `None` for publishing, which no worker does, and for a job without
/// the plan that its phase requires. `segments` lists those that are joined; a segment may take `most_bytes`.
pub(crate) fn request(
    record: &Record,
    task: &Task,
    segments: Option<SegmentListFile>,
    engine_threads: u32,
    most_bytes: Option<u64>,
) -> Option<Request> {
    let job = &record.job;
    let source = record.request.source.clone();
    let folder = record.request.folder.clone();
    match *task {
        Task::Index { method, .. } => Some(Request::Index(IndexRequest {
            source,
            settings: record.request.settings.clone(),
            method,
            frame_list: FilePath(folder.join(FRAME_LIST)),
        })),
        Task::Segment { index, epoch, range, .. } => {
            let (facts, plan): (&SourceFacts, &Plan) = (job.facts.as_ref()?, job.plan.as_ref()?);
            Some(Request::Segment(SegmentRequest {
                source,
                fingerprint: record.request.fingerprint.clone(),
                settings: record.request.settings.clone(),
                frame_list: frame_list(record, facts),
                index,
                epoch,
                range,
                width: plan.width,
                height: plan.height,
                container: facts.container,
                encoding: facts.encodings.first()?.clone(),
                parameter_set: facts.replaced.len() as u8,
                encoder_threads: plan.encoder_threads,
                engine_threads,
                folder,
                most_bytes,
            }))
        }
        Task::Join { .. } => {
            let (facts, plan) = (job.facts.as_ref()?, job.plan.as_ref()?);
            Some(Request::Join(JoinRequest {
                source,
                stream: record.request.settings.stream,
                frame_list: frame_list(record, facts),
                segments: segments?,
                width: plan.width,
                height: plan.height,
                container: facts.container,
                carry: facts.carry.clone(),
                told: facts.notes.clone(),
                provenance: provenance(&record.request.settings, facts, plan),
                model: record.request.settings.model.clone(),
                result: FilePath(folder.join(RESULT)),
                folder,
            }))
        }
        Task::Publish { .. } => None,
    }
}

/// What a result says of how it was made. It begins with the name of the program, by which a result is known again.
fn provenance(settings: &Settings, facts: &SourceFacts, plan: &Plan) -> String {
    let encoders =
        facts.replaced.iter().chain(facts.encodings.first()).map(|encoding| encoding.encoder.as_str());
    format!(
        "upscaled {} ({}, {}x{} to {}x{}, {})",
        env!("CARGO_PKG_VERSION"),
        settings.model.name(),
        facts.width,
        facts.height,
        plan.width,
        plan.height,
        encoders.collect::<Vec<_>>().join(", ")
    )
}

/// How long a worker may be silent when nothing is known of its speed: a large frame on a slow machine takes its time, and so
/// does what is decoded from the keyframe before a segment on, and what the encoder holds back until its end.
pub(crate) fn patience(record: &Record, task: &Task) -> Duration {
    let lead_in = match (task, &record.job.facts) {
        (Task::Segment { lead_in, .. }, Some(facts)) => {
            f64::from(*lead_in) * f64::from(facts.width) * f64::from(facts.height)
        }
        _ => 0.0,
    };
    let network = record.job.facts.as_ref().map_or(0.0, |facts| {
        f64::from(facts.width) * f64::from(facts.height) * facts.operations_per_pixel as f64
    });
    let pixels = record.job.plan.as_ref().map_or(0.0, |plan| f64::from(plan.width) * f64::from(plan.height));
    let seconds = network / SLOWEST_NETWORK + (lead_in + pixels * HELD_BACK) / SLOWEST_ENCODER;
    let more = Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST_PATIENCE);
    (LEAST_PATIENCE + more.min(LONGEST_PATIENCE)).min(LONGEST_PATIENCE)
}

/// The event that a worker's last answer stands for.
pub(crate) fn event(record: &Record, key: TaskKey, response: Response) -> Event {
    match response {
        Response::Indexed(facts) => match job::plan(&facts, &record.request.settings) {
            Ok((plan, segments)) => Event::Indexed { task: key, facts, plan, segments },
            Err(error) => failed(key, FailureKind::Final, error),
        },
        Response::SegmentDone { digest, .. } => Event::SegmentDone { task: key, digest },
        Response::Joined { bytes, .. } => Event::Joined { task: key, bytes },
        Response::Failed(failure) => Event::Failed { task: key, failure },
        Response::Hello { .. }
        | Response::Confined(_)
        | Response::Progress { .. }
        | Response::AsksForMemory
        | Response::Admitted { .. }
        | Response::Probed { .. }
        | Response::Looked(_)
        | Response::Foreseen(_)
        | Response::Doctor(_)
        | Response::Bench(_)
        | Response::Previewed { .. }
        | Response::Framed { .. }
        | Response::Sampled(_)
        | Response::PieceDone { .. }
        | Response::PieceTimes(_)
        | Response::Estimated(_)
        | Response::Encoders(_)
        | Response::EncoderTried
        | Response::Model(_) => failed(
            key,
            FailureKind::Transient,
            "the worker gave an answer that does not fit its task".to_owned(),
        ),
    }
}

/// The event of an attempt whose worker is dead.
pub(crate) fn worker_lost(task: TaskKey, error: &WorkerError) -> Event {
    Event::WorkerLost { task, message: error.to_string(), death: error.death() }
}

/// The event of an attempt that failed.
pub(crate) fn failed(task: TaskKey, kind: FailureKind, message: impl Into<Notice>) -> Event {
    Event::Failed { task, failure: Failure { kind, message: message.into() } }
}

/// The event of an attempt that a file operation of the coordinator ended.
pub(crate) fn failed_by_storage(task: TaskKey, error: &storage::Error) -> Event {
    Event::Failed { task, failure: failure(error) }
}

/// What a file operation of the coordinator that did not succeed means for the job.
pub(crate) fn failure(error: &storage::Error) -> Failure {
    let kind = match error {
        storage::Error::NoSpace { needed, .. } | storage::Error::Quota { needed, .. } => {
            FailureKind::NoSpace { needed: *needed }
        }
        other if other.is_no_space() => FailureKind::NoSpace { needed: SOME_ROOM },
        _ => FailureKind::Transient,
    };
    Failure { kind, message: error.to_string().into() }
}

/// Makes the job's folder, in that of all results where it is to be there. A folder that cannot be made is the user's to repair,
/// so that no attempt is wasted on it.
pub(crate) fn make_folder(folders: &ServerFolders, folder: &Path, key: TaskKey) -> Result<(), Event> {
    let made = match folders.of_result(folder) {
        Some(_) if folder.is_dir() => Ok(()),
        Some(output) => {
            let before = folder.ancestors().find(|above| above.is_dir());
            let made = storage::make_folder_below(output.path(), folder);
            // What is mounted there may go at any moment: then this was made below the place where it is to be.
            if let Some(trouble) = output.trouble() {
                let below = folder.ancestors().take_while(|above| Some(*above) != before);
                below.map_while(|made| std::fs::remove_dir(made).ok()).for_each(drop);
                return Err(failed(key, FailureKind::FolderAway, trouble));
            }
            made
        }
        None => storage::make_folder(folder),
    };
    made.map_err(|error| {
        if storage::is_no_space(&error) {
            let message = format!(
                "the disk of `{}` is full: free some space and the job goes on by itself",
                folder.display()
            );
            return failed(key, FailureKind::NoSpace { needed: SOME_ROOM }, message);
        }
        let message = format!(
            "the folder `{}` cannot be made: {error}; check that the output folder can be written",
            folder.display()
        );
        failed(key, FailureKind::Final, message)
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::template::NameTemplate;

    #[test]
    fn nothing_is_left_where_a_mount_went_while_the_folder_was_made() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        for folder in ["state", "output/mine"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        let key = TaskKey { segment: None, epoch: 1 };
        let make = |folder: &str| {
            let folders =
                ServerFolders::new(Vec::new(), &at("output"), NameTemplate::default(), &at("state"));
            make_folder(&folders, &at(folder), key)
        };
        assert_eq!(make("output/show/a.mkv.job"), Ok(()));
        assert!(at("output/show/a.mkv.job").is_dir());
        // Something was mounted there when the server was started, and is not now.
        storage::write_sealed(&at("state/output.json"), &serde_json::json!({ "is_mounted": true })).unwrap();
        for folder in ["output/new/b.mkv.job", "output/mine/c.mkv.job"] {
            let refused = make(folder).unwrap_err();
            assert!(format!("{refused:?}").contains("usually mounted"), "{refused:?}");
        }
        assert!(!at("output/new").exists());
        assert!(at("output/mine").is_dir() && fs::read_dir(at("output/mine")).unwrap().next().is_none());
    }
}
