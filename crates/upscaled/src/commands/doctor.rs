//! `doctor`: what this machine has, what it lacks, and what to do about it.

mod folders;

use std::time::Duration;

use coordinator::WorkerProcess;
use protocol::message::{Access, Finding, Request, Response};

use super::{models, worker_program};
use crate::cli::{Choices, Doctor};
use crate::config;
use crate::exit::Ending;
use crate::model;
use crate::output;
use crate::root::Root;

/// Time for the worker's own checks, which open every encoder.
const PATIENCE: Duration = Duration::from_mins(2);
/// Less room than this is worth a warning: one film in 4K.
const LITTLE_ROOM: u64 = 10 << 30;

pub(super) async fn run(doctor: Doctor) -> anyhow::Result<Ending> {
    let root = Root::new(&doctor.root.root)?;
    let mut findings = vec![finding("version", true, env!("CARGO_PKG_VERSION").to_owned(), None)];
    findings.extend(worker().await);
    findings.extend(folder(&root));
    findings.extend(settings(&root));
    findings.extend(models(&root).await);
    findings.extend(folders::findings(&root));
    let mut ending = Ending::Done;
    for finding in findings {
        if doctor.json {
            output::json(&finding)?;
        } else {
            let mark = if finding.ok { "ok" } else { "--" };
            let remedy = finding.remedy.as_ref().map(|remedy| format!("; {remedy}")).unwrap_or_default();
            let line = format!("{mark}  {:<16}{}{remedy}", finding.subject, finding.detail);
            output::data(&output::one_line(&line))?;
        }
        if !finding.ok && finding.subject == "worker" {
            ending = Ending::Failed;
        }
    }
    Ok(ending)
}

fn finding(subject: &str, ok: bool, detail: String, remedy: Option<&str>) -> Finding {
    Finding { subject: subject.to_owned(), ok, detail, remedy: remedy.map(ToOwned::to_owned) }
}

/// What the worker says of itself and of the machine.
async fn worker() -> Vec<Finding> {
    let answer = async {
        let program = worker_program(true)?;
        let mut worker = WorkerProcess::start(&program, Access::default()).await?;
        worker.send(&Request::Doctor).await?;
        anyhow::Ok((output::path(&program.path), worker.receive(PATIENCE).await?))
    };
    match answer.await {
        Ok((detail, Response::Doctor(found))) => {
            std::iter::once(finding("worker", true, detail, None)).chain(found).collect()
        }
        Ok(_) => vec![finding("worker", false, "it gives no report".to_owned(), Some("build it again"))],
        Err(error) => vec![finding(
            "worker",
            false,
            format!("{error:#}"),
            Some("build it with `cargo build --release`"),
        )],
    }
}

/// What can be said of the root folder.
fn folder(root: &Root) -> Vec<Finding> {
    let path = root.folder();
    let gigabytes = |bytes: u64| format!("{:.1} GB", bytes as f64 / 1e9);
    let writable = tempfile_works(path);
    let mut findings = vec![finding(
        "folder",
        writable,
        output::path(path),
        (!writable).then_some("it cannot be written: choose another with --root"),
    )];
    match storage::file_system_kind(path) {
        Ok(storage::FileSystem::Network { name }) => findings.push(finding(
            "file system",
            false,
            format!("{name}, a network file system"),
            Some("the ledger needs a local disk: choose another folder with --root"),
        )),
        Ok(_) => findings.push(finding("file system", true, "local".to_owned(), None)),
        Err(error) => findings.push(finding("file system", false, error.to_string(), None)),
    }
    match storage::free_bytes(path) {
        Ok(free) => findings.push(finding(
            "disk",
            free >= LITTLE_ROOM,
            format!("{} free", gigabytes(free)),
            (free < LITTLE_ROOM).then_some("a film in 4K may need more"),
        )),
        Err(error) => findings.push(finding("disk", false, error.to_string(), None)),
    }
    findings
}

/// Whether a server could start with the settings in the folder.
fn settings(root: &Root) -> Option<Finding> {
    let file = root.settings_file();
    file.symlink_metadata().ok()?;
    let read = config::complete(&Choices::default(), &file, &[root.models()])
        .and_then(|_| config::watching(&Choices::default(), &file))
        .and_then(|_| config::watch_folders(&Choices::default(), root));
    Some(match read {
        Ok(_) => finding("settings", true, output::path(&file), None),
        Err(error) => {
            let remedy = Some("a server does not start until it is mended");
            finding("settings", false, format!("{error:#}"), remedy)
        }
    })
}

/// Files in models/ that cannot be used.
async fn models(root: &Root) -> Vec<Finding> {
    let folders = [root.models()];
    if model::files(&folders).is_empty() {
        return Vec::new();
    }
    let Ok(found) = models::look(&folders).await else { return Vec::new() };
    let broken: Vec<Finding> = found
        .iter()
        .filter_map(|model| {
            let error = model.error.as_ref()?;
            let remedy = Some("take it out of models/, or get it again");
            Some(finding("model", false, format!("{}: {error}", model.name), remedy))
        })
        .collect();
    if broken.is_empty() {
        return vec![finding("models", true, format!("{} can be used", found.len()), None)];
    }
    broken
}

/// True when a file can be made in a folder.
fn tempfile_works(folder: &std::path::Path) -> bool {
    let probe = folder.join(format!(".upscaled-doctor-{}", std::process::id()));
    let works = std::fs::write(&probe, b"").is_ok();
    let _ = std::fs::remove_file(&probe);
    works
}
