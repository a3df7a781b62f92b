//! `models`: which models there are, and what is wrong with those that cannot be used.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use job::{BUILT_IN_MODELS, Failure, FilePath, Model, Settings};
use protocol::message::{Access, ModelFacts, Request, Response};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use storage::Bytes;

use super::ask::ask;
use super::worker_program;
use crate::cli::Models;
use crate::exit::Ending;
use crate::model;
use crate::output::{self, cut_middle, width};
use crate::remedies;
use crate::root::Root;
use crate::terminal;
use crate::wrap::{GAP, beside};

/// Columns of architecture, scale and size in the table, with the gaps between them.
const FACTS: usize = 16 + GAP + 5 + GAP + 9;

pub(super) async fn run(models: Models) -> anyhow::Result<Ending> {
    let folder = Root::new(&models.root.root)?.models();
    let found = look(std::slice::from_ref(&folder)).await?;
    if models.json {
        for model in &found {
            output::json(model)?;
        }
    } else {
        output::lines(table(&found, terminal::columns(&std::io::stdout())))?;
        output::say(&format!("your own models go into {}", output::path(&folder)));
    }
    Ok(Ending::Done)
}

/// A model, as `--json` writes it.
#[derive(Debug, Serialize)]
pub(super) struct Found {
    /// What `--model` calls it.
    pub(super) name: String,
    /// Its file; none for one that is part of the program.
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes: Option<Vec<u8>>,
    #[serde(flatten)]
    pub(super) facts: Option<ModelFacts>,
    /// SHA-256 of its weights.
    #[serde(skip)]
    pub(super) sha256: Option<String>,
    /// Why it cannot be used.
    pub(super) error: Option<String>,
}

impl Found {
    /// It is part of the program.
    pub(super) fn is_built_in(&self) -> bool {
        self.path.is_none()
    }
}

/// The models that are part of the program, and those in the folders, each read by a worker: files may be hostile.
pub(super) async fn look(folders: &[PathBuf]) -> anyhow::Result<Vec<Found>> {
    // No video is opened.
    let program = worker_program(true)?;
    let mut found = Vec::new();
    for name in BUILT_IN_MODELS {
        let model = Model::BuiltIn { name: name.to_owned() };
        let (facts, error) = apart(ask(&program, Access::default(), &Request::Model(model)).await);
        let sha256 =
            facts.as_ref().and_then(|facts| facts.checksum.strip_prefix("sha256:")).map(ToOwned::to_owned);
        found.push(Found { name: name.to_owned(), path: None, path_bytes: None, facts, sha256, error });
    }
    for path in model::files(folders) {
        found.push(look_at(path).await?);
    }
    Ok(found)
}

/// The model in a file, read by a worker.
pub(super) async fn look_at(path: PathBuf) -> anyhow::Result<Found> {
    let program = worker_program(true)?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let (facts, error) = match model::of_file(&path, &name) {
        Ok(model) => {
            let settings = Settings { model: model.clone(), ..Settings::default() };
            let access = Access { read: settings.model_files().collect(), ..Access::default() };
            apart(ask(&program, access, &Request::Model(model)).await)
        }
        Err(error) => (None, Some(format!("{error:#}"))),
    };
    let weights = facts.is_some().then(|| model::weights(&path));
    let sha256 = tokio::task::spawn_blocking(move || sha256_of(&weights?).ok()).await?;
    let path = FilePath(path);
    Ok(Found {
        name,
        path: Some(path.to_string_lossy().into_owned()),
        path_bytes: coordinator::bytes_of_no_text(&path),
        facts,
        sha256,
        error,
    })
}

fn sha256_of(path: &Path) -> anyhow::Result<String> {
    let (mut file, mut digest) = (storage::open_users_file(path)?, Sha256::new());
    let mut piece = vec![0; 1 << 16];
    loop {
        match file.read(&mut piece)? {
            0 => break,
            length => digest.update(&piece[..length]),
        }
    }
    Ok(digest.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}")))
}

/// What is known of a model, and what is wrong with it.
fn apart(answer: anyhow::Result<Response>) -> (Option<ModelFacts>, Option<String>) {
    match answer {
        Ok(Response::Model(facts)) => (Some(facts), None),
        Ok(Response::Failed(Failure { message, .. })) => (None, Some(remedies::sentence(&message))),
        Ok(_) => {
            (None, Some("the worker is of another build: install both programs from the same one".to_owned()))
        }
        Err(error) => (None, Some(format!("{error:#}"))),
    }
}

/// The models, a line each, or several where there is no room in so many columns.
fn table(models: &[Found], columns: Option<usize>) -> Vec<String> {
    let most = columns.map_or(usize::MAX, |columns| columns.saturating_sub(FACTS + GAP));
    let name = |model: &Found| cut_middle(&output::one_line(&model.name), most);
    let names = models.iter().map(|model| width(&name(model))).max().unwrap_or(0).max("MODEL".len());
    let title = format!("{:<names$}  {:<16}  SCALE  {:>9}", "MODEL", "ARCHITECTURE", "SIZE");
    let sums = models.iter().filter_map(|model| model.facts.as_ref()).map(|facts| width(&facts.checksum));
    let has_room =
        columns.is_none_or(|columns| names + GAP + FACTS + GAP + sums.max().unwrap_or_default() <= columns);
    let mut lines = vec![if has_room { format!("{title}  CHECKSUM") } else { title }];
    for model in models {
        let name = name(model);
        let padding = " ".repeat(names - width(&name));
        lines.extend(match (&model.facts, &model.error) {
            (Some(facts), _) => {
                let ModelFacts { architecture, scale, checksum, .. } = facts;
                let size = Bytes(facts.bytes).to_string();
                let line = format!("{name}{padding}  {architecture:<16}  {scale:>4}x  {size:>9}");
                if has_room {
                    vec![format!("{line}  {checksum}")]
                } else {
                    beside(&line, checksum, GAP, columns)
                }
            }
            (None, error) => {
                let error = output::one_line(error.as_deref().unwrap_or("nothing is known of it"));
                beside(&format!("{name}{padding}"), &format!("cannot be used: {error}"), GAP, columns)
            }
        });
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made_up::{WIDTHS, compare};

    #[test]
    fn models_stand_in_a_table_and_broken_ones_with_their_reason() {
        let facts = ModelFacts {
            architecture: "SRVGGNetCompact".to_owned(),
            scale: 4,
            parameters: 1,
            checksum: format!("sha256:{}", "0123456789abcdef".repeat(4)),
            bytes: 4_900_000,
            licence: None,
        };
        let model = |name: &str, facts, error: Option<&str>| Found {
            name: name.to_owned(),
            path: None,
            path_bytes: None,
            facts,
            sha256: None,
            error: error.map(ToOwned::to_owned),
        };
        let broken = "the file is cut off in the middle of its weights: copy it again from where it came";
        let models = [
            model("general", Some(facts), None),
            model("a\u{202e}b-with-a-name-that-is-long", None, Some("it is cut\noff")),
            model("broken", None, Some(broken)),
        ];
        let mut shown = String::new();
        for (columns, title) in WIDTHS {
            let lines = table(&models, columns);
            assert!(
                lines.iter().all(|line| columns.is_none_or(|columns| width(line) <= columns)),
                "{lines:?}"
            );
            shown.extend([format!("--- {title}\n"), lines.join("\n"), "\n".to_owned()]);
        }
        compare("models.txt", &shown);
    }
}
