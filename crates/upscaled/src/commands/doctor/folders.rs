//! The folders that the server watches: whether they are there, what cannot be read in them, and whether results can be written.

use std::path::Path;

use coordinator::{Output, Rule, Scanned, Standing, WatchFolder, passed_over};
use protocol::message::Finding;

use super::finding;
use crate::cli::Choices;
use crate::commands::scan::counted;
use crate::config;
use crate::output;
use crate::root::Root;

/// What can be said of each folder. Of the server's own one nothing is said before it was made.
pub(super) fn findings(root: &Root) -> Vec<Finding> {
    let file = root.settings_file();
    let read = config::watch_folders(&Choices::default(), root)
        .and_then(|folders| Ok((folders, config::watching(&Choices::default(), &file)?.rules)));
    // What is wrong with the settings is said of them.
    let Ok((folders, rules)) = read else { return Vec::new() };
    let all_passed = passed_over(&folders, &rules);
    let mut findings = Vec::new();
    for folder in &folders {
        let is_own = folder.input == root.input();
        if is_own && !folder.input.is_dir() {
            continue;
        }
        let subject = if is_own { "input" } else { "folder" };
        let name = if is_own { String::new() } else { format!("{}: ", output::path(&folder.input)) };
        if let Err(error) = std::fs::read_dir(&folder.input) {
            let remedy = "its jobs wait for it: mount it, or mend its path or its rights";
            findings.push(finding(subject, false, format!("{name}cannot be read: {error}"), Some(remedy)));
            continue;
        }
        let passed = all_passed.iter().filter(|found| found.path.starts_with(&folder.input));
        findings.push(passed_in(subject, &name, &passed.collect::<Vec<_>>()));
        findings.extend(results(folder, root));
    }
    findings
}

/// What is passed over in a folder.
fn passed_in(subject: &str, name: &str, all: &[&Scanned]) -> Finding {
    let is_closed = |found: &&&Scanned| matches!(found.standing, Standing::PassedOver(Rule::Unreadable(_)));
    let closed: Vec<&Scanned> = all.iter().filter(is_closed).copied().collect();
    if !closed.is_empty() {
        let detail = format!("{name}{} cannot be read", counted(&closed));
        let remedy = "`upscaled scan` lists what: let the server's user read it";
        return finding(subject, false, detail, Some(remedy));
    }
    if all.is_empty() {
        return finding(subject, true, format!("{name}nothing is passed over"), None);
    }
    let verb = if all.len() == 1 { "is" } else { "are" };
    let detail = format!("{name}{} {verb} passed over", counted(all));
    finding(subject, true, detail, Some("`upscaled scan` lists them"))
}

/// What is wrong with the folder of the results, where it is one of its own.
fn results(folder: &WatchFolder, root: &Root) -> Option<Finding> {
    let place = match &folder.output {
        Output::Into(output) if *output == root.output() => return None,
        Output::Into(output) => output,
        Output::Beside => &folder.input,
    };
    let nearest = place.ancestors().find(|above| above.exists()).unwrap_or(Path::new("/"));
    let error = storage::check_writable(nearest).err()?;
    let detail = format!("{}: results cannot be written: {error}", output::path(place));
    Some(finding(
        "results",
        false,
        detail,
        Some("jobs wait for it: mount it, or let the server's user write it"),
    ))
}
