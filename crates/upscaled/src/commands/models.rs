//! `models`: which models there are, and what is wrong with those that cannot be used.

use std::path::PathBuf;

use job::{BUILT_IN_MODELS, Failure, FilePath, Model, Settings};
use protocol::message::{Access, ModelFacts, Request, Response};
use serde::Serialize;
use storage::Bytes;

use super::ask::ask;
use super::worker_program;
use crate::cli::Models;
use crate::exit::Ending;
use crate::model;
use crate::output;
use crate::remedies;
use crate::root::Root;

pub(super) async fn run(models: Models) -> anyhow::Result<Ending> {
    let folder = Root::new(&models.root.root)?.models();
    let found = look(std::slice::from_ref(&folder)).await?;
    if models.json {
        for model in &found {
            output::json(model)?;
        }
    } else {
        output::lines(table(&found))?;
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
    facts: Option<ModelFacts>,
    /// Why it cannot be used.
    pub(super) error: Option<String>,
}

/// The models that are part of the program, and those in the folders, each read by a worker: files may be hostile.
pub(super) async fn look(folders: &[PathBuf]) -> anyhow::Result<Vec<Found>> {
    // No video is opened.
    let program = worker_program(true)?;
    let mut found = Vec::new();
    for name in BUILT_IN_MODELS {
        let model = Model::BuiltIn { name: name.to_owned() };
        let (facts, error) = apart(ask(&program, Access::default(), &Request::Model(model)).await);
        found.push(Found { name: name.to_owned(), path: None, path_bytes: None, facts, error });
    }
    for path in model::files(folders) {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let (facts, error) = match model::of_file(&path, &name) {
            Ok(model) => {
                let settings = Settings { model: model.clone(), ..Settings::default() };
                let access = Access { read: settings.model_files().collect(), write: Vec::new() };
                apart(ask(&program, access, &Request::Model(model)).await)
            }
            Err(error) => (None, Some(format!("{error:#}"))),
        };
        let path = FilePath(path);
        found.push(Found {
            name,
            path: Some(path.to_string_lossy().into_owned()),
            path_bytes: coordinator::bytes_of_no_text(&path),
            facts,
            error,
        });
    }
    Ok(found)
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

fn table(models: &[Found]) -> Vec<String> {
    let names =
        models.iter().map(|model| output::width(&output::one_line(&model.name))).max().unwrap_or(0).max(5);
    let mut lines =
        vec![format!("{:<names$}  {:<16}  SCALE  {:>9}  CHECKSUM", "MODEL", "ARCHITECTURE", "SIZE")];
    for model in models {
        let name = output::one_line(&model.name);
        let padding = " ".repeat(names - output::width(&name));
        lines.push(match (&model.facts, &model.error) {
            (Some(facts), _) => format!(
                "{name}{padding}  {:<16}  {:>4}x  {:>9}  {}",
                facts.architecture,
                facts.scale,
                Bytes(facts.bytes).to_string(),
                facts.checksum
            ),
            (None, error) => {
                let error = output::one_line(error.as_deref().unwrap_or("nothing is known of it"));
                format!("{name}{padding}  cannot be used: {error}")
            }
        });
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_stand_in_a_table_and_broken_ones_with_their_reason() {
        let facts = ModelFacts {
            architecture: "SRVGGNetCompact".to_owned(),
            scale: 4,
            parameters: 1,
            checksum: "blake3:ab".to_owned(),
            bytes: 4_900_000,
        };
        let model = |name: &str, facts, error: Option<&str>| Found {
            name: name.to_owned(),
            path: None,
            path_bytes: None,
            facts,
            error: error.map(ToOwned::to_owned),
        };
        let lines =
            table(&[model("general", Some(facts), None), model("a\u{202e}b", None, Some("it is cut\noff"))]);
        assert_eq!(
            lines,
            [
                "MODEL       ARCHITECTURE      SCALE       SIZE  CHECKSUM",
                "general     SRVGGNetCompact      4x     4.9 MB  blake3:ab",
                "a\\u{202e}b  cannot be used: it is cut\\noff",
            ]
        );
    }
}
