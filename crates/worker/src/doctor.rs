//! What this machine has for a worker.

use std::num::NonZeroUsize;

use job::Settings;
use job::encoder::Encoder;
use protocol::message::{Finding, Sandbox};

use crate::{model, sandbox, trial};

/// Less free memory than this is worth a warning: an upscaled frame of 4K with its encoder takes about so much.
const LITTLE_MEMORY: u64 = 2 << 30;
/// The encoder that makes the results.
const NEEDED_ENCODER: &str = "libx264";
/// The encoders that are tried.
const ENCODERS: [&str; 7] =
    [NEEDED_ENCODER, "libx265", "libsvtav1", "h264_nvenc", "hevc_nvenc", "h264_qsv", "h264_vaapi"];

/// Looks at the sandbox around this process, FFmpeg, the engine, the encoders and the memory.
pub(crate) fn run(sandbox_state: &Sandbox) -> Vec<Finding> {
    let ffmpeg = finding("FFmpeg", true, media::version(), None);
    let mut findings = vec![confinement(sandbox_state), ffmpeg, engine(), memory(), scratch()];
    for encoder in ENCODERS.into_iter().filter_map(Encoder::named) {
        let works = trial::works(encoder);
        let remedy = match (&works, encoder.name) {
            (Ok(()), _) => None,
            (Err(_), NEEDED_ENCODER) => {
                Some("install FFmpeg with libx264: results cannot be made without it")
            }
            (Err(_), _) => Some("not needed: results are made with libx264"),
        };
        let ok = works.is_ok();
        let detail = works.err().unwrap_or_else(|| "encodes".to_owned());
        findings.push(finding(encoder.name, ok, detail, remedy));
    }
    findings
}

fn finding(subject: &str, ok: bool, detail: String, remedy: Option<&str>) -> Finding {
    Finding { subject: subject.to_owned(), ok, detail, remedy: remedy.map(ToOwned::to_owned) }
}

/// Tries what the sandbox forbids.
fn confinement(sandbox_state: &Sandbox) -> Finding {
    let succeeded = sandbox::succeeded();
    let (tried, denied) = (sandbox::ATTEMPTS.len(), sandbox::ATTEMPTS.len() - succeeded.len());
    let mut detail = format!("{denied} of {tried} forbidden actions are denied by {}", sandbox_state.detail);
    if !succeeded.is_empty() {
        detail = format!("{detail}; the worker can {}", succeeded.join(", "));
    }
    let ok = sandbox_state.is_complete && succeeded.is_empty();
    let remedy = (!ok).then_some("upscale files that you trust, or use a newer Linux");
    finding("sandbox", ok, detail, remedy)
}

fn engine() -> Finding {
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let made =
        model::network(&Settings::default()).map_err(|failed| failed.0.message.text).and_then(|network| {
            engine::cpu(&network, engine::Options { threads }).map_err(|error| error.to_string())
        });
    match made {
        Ok(engine) => finding("engine", true, engine.describe(), None),
        Err(error) => finding("engine", false, error, Some("build the program again")),
    }
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}

/// Memory that is free, within the limits that are set for this process.
fn memory() -> Finding {
    match storage::available_memory() {
        Some(bytes) if bytes >= LITTLE_MEMORY => {
            finding("memory", true, format!("{} free", gigabytes(bytes)), None)
        }
        Some(bytes) => {
            let remedy = Some("large pictures may need more: close other programs or raise the limit");
            finding("memory", false, format!("{} free", gigabytes(bytes)), remedy)
        }
        None => finding("memory", false, "it cannot be found out how much is free".to_owned(), None),
    }
}

/// How much memory unfinished segments may take.
fn scratch() -> Finding {
    match storage::Scratch::new(storage::ScratchOptions::new(std::env::temp_dir())) {
        Ok(scratch) if scratch.ram_budget() > 0 => finding(
            "scratch",
            true,
            format!("up to {} of memory, else the disk", gigabytes(scratch.ram_budget())),
            None,
        ),
        Ok(_) => finding("scratch", true, "on the disk: there is no memory to spare".to_owned(), None),
        Err(error) => finding("scratch", false, error.to_string(), None),
    }
}
