//! `scan`: what the server makes of everything in the folders that it watches, and what it passes over and why.

use std::collections::BTreeMap;
use std::path::Path;

use coordinator::{ScanOptions, Scanned, Standing, scan};
use job::state::Status;
use job::{FilePath, JobId};
use serde::Serialize;

use super::worker_program;
use crate::cli::{Choices, Scan};
use crate::config;
use crate::exit::Ending;
use crate::output::{self, cut_middle, width};
use crate::remedies;
use crate::root::Root;
use crate::terminal;
use crate::wrap::{GAP, beside};

/// Most columns that names take beside their reasons; longer ones push these to the right.
const NAMES: usize = 40;

pub(super) async fn run(arguments: Scan) -> anyhow::Result<Ending> {
    let root = Root::new(&arguments.root.root)?;
    let input = root.input();
    anyhow::ensure!(
        input.is_dir(),
        "there is no input folder in `{}`: start `upscaled serve` there, or name its folder with --root",
        root.folder().display()
    );
    let file = root.settings_file();
    let options = ScanOptions {
        folders: config::watch_folders(&Choices::default(), &root)?,
        rules: config::watching(&Choices::default(), &file)?.rules,
        ledger: root.ledger_if_any().await?,
        worker: worker_program(config::with_file(Choices::default(), &file)?.unconfined.is_on())?,
    };
    let scanned = scan(&options).await?;
    if arguments.json {
        for found in &scanned {
            output::json(&Line::of(found))?;
        }
        return Ok(Ending::Done);
    }
    output::lines(table(&scanned, &input, terminal::columns(&std::io::stdout())))?;
    output::say(&summary(&scanned));
    Ok(Ending::Done)
}

/// A file or folder, for programs.
#[derive(Serialize)]
struct Line<'a> {
    path: FilePath,
    is_folder: bool,
    /// `new`, `waits`, `seen`, `job` or `passed over`.
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The name of the rule by which it is passed over.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<JobId>,
    /// How far the job is, as `list` says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    job_status: Option<&'static str>,
}

impl<'a> Line<'a> {
    fn of(found: &'a Scanned) -> Self {
        let rule = match &found.standing {
            Standing::PassedOver(rule) => Some(rule.name()),
            _ => None,
        };
        let (job, job_status) = match &found.standing {
            Standing::Job { id, status } => (Some(*id), Some(status.name())),
            _ => (None, None),
        };
        let (status, reason) = (status(&found.standing), reason(&found.standing));
        let reason = (!reason.is_empty()).then_some(reason);
        let path = FilePath(found.path.clone());
        Self { path, is_folder: found.is_folder, status, reason, rule, job, job_status }
    }
}

const fn status(standing: &Standing) -> &'static str {
    match standing {
        Standing::Wanted => "new",
        Standing::Waits { .. } => "waits",
        Standing::Seen { .. } => "seen",
        Standing::Job { .. } => "job",
        Standing::PassedOver(_) => "passed over",
    }
}

fn reason(standing: &Standing) -> String {
    match standing {
        Standing::Wanted => String::new(),
        Standing::Waits { control } => format!("being downloaded: `{control}` lies beside it"),
        Standing::Seen { reason } => reason.clone(),
        Standing::Job { id, status: Status::Queued } => format!("job {id} waits for its turn"),
        Standing::Job { id, status } => match coordinator::reason(status) {
            Some(reason) => format!("job {id}: {}", remedies::sentence(&reason)),
            None => format!("job {id}"),
        },
        Standing::PassedOver(rule) => rule.to_string(),
    }
}

/// The state for people.
const fn word(standing: &Standing) -> &'static str {
    match standing {
        Standing::Waits { .. } | Standing::Seen { .. } => "waiting",
        Standing::Job { status, .. } => match status {
            Status::Queued | Status::WaitingForSpace { .. } | Status::WaitingForFolder { .. } => "waiting",
            other => other.name(),
        },
        other => status(other),
    }
}

/// A line for each, or several where there is no room for the reason, in so many columns.
fn table(scanned: &[Scanned], input: &Path, columns: Option<usize>) -> Vec<String> {
    let lines: Vec<[String; 3]> = scanned.iter().map(|found| parts(found, input)).collect();
    let words = lines.iter().map(|[word, ..]| width(word)).max().unwrap_or_default();
    let longest = lines.iter().map(|[_, name, _]| width(name)).filter(|&columns| columns <= NAMES).max();
    let names = longest.unwrap_or(NAMES);
    let line = |[word, name, reason]: &[String; 3]| {
        let room = columns.map_or(usize::MAX, |columns| columns.saturating_sub(words + GAP));
        let name = cut_middle(name, room);
        let padding = " ".repeat(names.saturating_sub(width(&name)));
        beside(&format!("{word:<words$}  {name}{padding}"), reason, words + GAP, columns)
    };
    lines.iter().flat_map(line).collect()
}

/// What a line has for people: a word, the name below the input folder, and the reason.
fn parts(found: &Scanned, input: &Path) -> [String; 3] {
    let word = word(&found.standing);
    let name = match found.path.strip_prefix(input) {
        Ok(name) if name.as_os_str().is_empty() => "input".to_owned(),
        Ok(name) => output::path(name),
        Err(_) => output::path(&found.path),
    };
    let slash = if found.is_folder { "/" } else { "" };
    [word.to_owned(), format!("{name}{slash}"), output::one_line(&reason(&found.standing))]
}

fn summary(scanned: &[Scanned]) -> String {
    let (passed, others): (Vec<&Scanned>, Vec<&Scanned>) =
        scanned.iter().partition(|found| matches!(found.standing, Standing::PassedOver(_)));
    let mut counts = BTreeMap::from([("new", 0)]);
    for found in others {
        *counts.entry(word(&found.standing)).or_insert(0) += 1;
    }
    let counts: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
    format!("{}; passed over: {}", counts.join(", "), counted(&passed))
}

/// How many files and folders there are, in words.
pub(super) fn counted(scanned: &[&Scanned]) -> String {
    let folders = scanned.iter().filter(|found| found.is_folder).count();
    let files = scanned.len() - folders;
    let named = |count: usize, name: &str| match count {
        1 => format!("1 {name}"),
        _ => format!("{count} {name}s"),
    };
    match (files, folders) {
        (0, 0) => "nothing".to_owned(),
        (_, 0) => named(files, "file"),
        (0, _) => named(folders, "folder"),
        _ => format!("{} and {}", named(files, "file"), named(folders, "folder")),
    }
}

#[cfg(test)]
mod tests {
    use coordinator::Rule;

    use super::*;
    use crate::made_up::{WIDTHS, compare};

    #[test]
    fn what_is_scanned_looks_as_it_was_recorded() {
        let found = |path: &str, is_folder, standing| Scanned {
            path: format!("/srv/video/input/{path}").into(),
            is_folder,
            standing,
        };
        let unreadable = "the file ends in the middle of a frame, and its index is missing".to_owned();
        let scanned = [
            found("film 1.mkv", false, Standing::Wanted),
            found("film 2.mkv", false, Standing::Waits { control: "film 2.mkv.aria2".to_owned() }),
            found("film 3.mkv", false, Standing::Job { id: JobId(3), status: Status::Queued }),
            found(
                "Series/Season 1/A film with a name that is much longer than any terminal has room for.mkv",
                false,
                Standing::PassedOver(Rule::NoVideo(unreadable)),
            ),
            found("@eaDir", true, Standing::PassedOver(Rule::Hidden)),
        ];
        let mut shown = String::new();
        for (columns, title) in WIDTHS {
            let lines = table(&scanned, Path::new("/srv/video/input"), columns);
            assert!(
                lines.iter().all(|line| columns.is_none_or(|columns| width(line) <= columns)),
                "{lines:?}"
            );
            shown.extend([format!("--- {title}\n"), lines.join("\n"), "\n".to_owned()]);
        }
        compare("scan.txt", &shown);
    }

    #[test]
    fn files_and_folders_are_counted_in_words() {
        let passed = |is_folder| Scanned {
            path: "/root/input/a".into(),
            is_folder,
            standing: Standing::PassedOver(Rule::Hidden),
        };
        let (file, folder) = (&passed(false), &passed(true));
        for (found, words) in [
            (vec![], "nothing"),
            (vec![file], "1 file"),
            (vec![folder, folder], "2 folders"),
            (vec![file, folder, file], "2 files and 1 folder"),
        ] {
            assert_eq!(counted(&found), words);
        }
    }
}
