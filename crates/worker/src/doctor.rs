//! What this machine has for a worker.

use std::num::NonZeroUsize;

use job::Settings;
use job::message::Finding;

use crate::model;

/// Encoders that are tried, and what their absence means.
const NEEDED_ENCODER: &str = "libx264";

/// Looks at FFmpeg, the engine, the encoders and the memory.
pub(crate) fn run() -> Vec<Finding> {
    let mut findings = vec![finding("FFmpeg", true, media::version(), None), engine(), memory()];
    for encoder in media::doctor() {
        let remedy = match (&encoder.error, encoder.name.as_str()) {
            (None, _) => None,
            (Some(_), NEEDED_ENCODER) => {
                Some("install FFmpeg with libx264: results cannot be made without it")
            }
            (Some(_), _) => Some("not needed: results are made with libx264"),
        };
        let detail = encoder.error.clone().unwrap_or_else(|| "encodes".to_owned());
        findings.push(finding(&encoder.name, encoder.error.is_none(), detail, remedy));
    }
    findings
}

fn finding(subject: &str, ok: bool, detail: String, remedy: Option<&str>) -> Finding {
    Finding { subject: subject.to_owned(), ok, detail, remedy: remedy.map(ToOwned::to_owned) }
}

fn engine() -> Finding {
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let made = model::network(&Settings::default()).map_err(|failed| failed.0.message).and_then(|network| {
        engine::cpu(&network, engine::Options { threads }).map_err(|error| error.to_string())
    });
    match made {
        Ok(engine) => finding("engine", true, engine.describe(), None),
        Err(error) => finding("engine", false, error, Some("build the program again")),
    }
}

/// Memory that is free, and how much of it unfinished segments may take.
fn memory() -> Finding {
    let scratch = storage::Scratch::new(storage::ScratchOptions::new(std::env::temp_dir()));
    let gigabytes = |bytes: u64| format!("{:.1} GB", bytes as f64 / 1e9);
    match scratch {
        Ok(scratch) if scratch.ram_budget() > 0 => finding(
            "scratch",
            true,
            format!("up to {} of memory in /dev/shm, else the disk", gigabytes(scratch.ram_budget())),
            None,
        ),
        Ok(_) => {
            finding("scratch", true, "on the disk: /dev/shm is not there or has no room".to_owned(), None)
        }
        Err(error) => finding("scratch", false, error.to_string(), None),
    }
}
