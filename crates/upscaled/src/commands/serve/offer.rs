//! What can be chosen for jobs of the server, as the page and programs ask for it.

use std::path::PathBuf;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use job::encoder::Encoder;
use job::{DEFAULT_MODEL, Settings};
use protocol::message::{Access, EncoderFacts, Finding, Request, Response};
use serde_json::{Map, Value};
use server::{EncoderOffer, FindingOffer, ModelOffer, Offer, Unfit};
use storage::Stamp;
use tokio::sync::{Mutex, OnceCell, watch};

use crate::commands::ask::{ask, try_encoder};
use crate::commands::{models, worker_program};
use crate::config::{self, Mistake};
use crate::model;

/// Tells what can be chosen.
#[derive(Debug)]
pub(super) struct ServerOffer {
    /// The settings of jobs that choose nothing.
    usual: watch::Receiver<Settings>,
    models: [PathBuf; 1],
    /// The models as they were read, and what the files were then.
    read: Mutex<Option<(Files, Vec<ModelOffer>)>>,
    encoders: OnceCell<Vec<EncoderOffer>>,
    findings: OnceCell<Vec<FindingOffer>>,
}

/// Files of models, and what each was.
type Files = Vec<(PathBuf, Option<Stamp>)>;

impl ServerOffer {
    pub(super) fn new(usual: watch::Receiver<Settings>, models: PathBuf) -> Arc<Self> {
        let (encoders, findings) = (OnceCell::new(), OnceCell::new());
        Arc::new(Self { usual, models: [models], read: Mutex::default(), encoders, findings })
    }

    async fn wish(&self, chosen: Map<String, Value>) -> Result<Settings, Unfit> {
        let (usual, folders) = (self.usual.borrow().clone(), self.models.clone());
        let made = tokio::task::spawn_blocking(move || config::wish(&usual, &chosen, &folders)).await;
        let failed = |words: String| Unfit { key: None, words };
        let made = made.map_err(|error| failed(error.to_string()))?;
        let settings = made.map_err(|Mistake { key, words }| Unfit { key, words })?;
        try_encoder(&settings).await.map_err(|error| Unfit {
            key: Some("encoder_options".to_owned()),
            words: format!("{error:#}"),
        })?;
        Ok(settings)
    }

    async fn all_models(&self) -> Result<Vec<ModelOffer>, String> {
        let mut read = self.read.lock().await;
        let folders = self.models.clone();
        let files = tokio::task::spawn_blocking(move || {
            model::files(&folders).into_iter().map(|path| (path.clone(), Stamp::of(&path).ok())).collect()
        });
        let files: Files = files.await.map_err(|error| error.to_string())?;
        if let Some((before, models)) = &*read
            && *before == files
        {
            return Ok(models.clone());
        }
        let found = models::look(&self.models).await.map_err(|error| format!("{error:#}"))?;
        let models: Vec<ModelOffer> = found.into_iter().map(offer).collect();
        *read = Some((files, models.clone()));
        Ok(models)
    }

    async fn model_of(&self, file: PathBuf) -> Result<ModelOffer, String> {
        let found = models::look_at(file).await;
        found.map(offer).map_err(|error| format!("{error:#}"))
    }

    async fn all_encoders(&self) -> Result<Vec<EncoderOffer>, String> {
        let tried = self.encoders.get_or_try_init(|| async {
            let program = worker_program(true)?;
            match ask(&program, Access::default(), &Request::Encoders).await? {
                Response::Encoders(found) => Ok(found.into_iter().filter_map(encoder).collect()),
                _ => anyhow::bail!("the worker is of another build: install both programs from the same one"),
            }
        });
        tried.await.cloned().map_err(|error| format!("{error:#}"))
    }

    async fn all_findings(&self) -> Result<Vec<FindingOffer>, String> {
        let asked = self.findings.get_or_try_init(|| async {
            let program = worker_program(true)?;
            match ask(&program, Access::default(), &Request::Doctor).await? {
                Response::Doctor(found) => Ok(found.into_iter().filter_map(finding).collect()),
                _ => anyhow::bail!("the worker is of another build: install both programs from the same one"),
            }
        });
        asked.await.cloned().map_err(|error| format!("{error:#}"))
    }
}

impl Offer for ServerOffer {
    fn settings(&self, chosen: Map<String, Value>) -> BoxFuture<'_, Result<Settings, Unfit>> {
        Box::pin(self.wish(chosen))
    }

    fn usual_model(&self) -> String {
        self.usual.borrow().model.name().to_owned()
    }

    fn models(&self) -> BoxFuture<'_, Result<Vec<ModelOffer>, String>> {
        Box::pin(self.all_models())
    }

    fn models_folder(&self) -> PathBuf {
        let [folder] = &self.models;
        folder.clone()
    }

    fn read_model(&self, file: PathBuf) -> BoxFuture<'_, Result<ModelOffer, String>> {
        Box::pin(self.model_of(file))
    }

    fn encoders(&self) -> BoxFuture<'_, Result<Vec<EncoderOffer>, String>> {
        Box::pin(self.all_encoders())
    }

    fn findings(&self) -> BoxFuture<'_, Result<Vec<FindingOffer>, String>> {
        Box::pin(self.all_findings())
    }
}

fn offer(found: models::Found) -> ModelOffer {
    let built_in = found.is_built_in();
    let models::Found { name, facts, sha256, error, .. } = found;
    let default = built_in && name == DEFAULT_MODEL;
    let facts = facts.as_ref();
    ModelOffer {
        name,
        built_in,
        default,
        architecture: facts.map(|facts| facts.architecture.clone()),
        scale: facts.map(|facts| facts.scale),
        bytes: facts.map(|facts| facts.bytes),
        checksum: facts.map(|facts| facts.checksum.clone()),
        sha256,
        licence: facts.and_then(|facts| facts.licence.clone()),
        fault: error,
    }
}

/// What is known of an encoder; `None` for one that this program does not know.
fn encoder(EncoderFacts { name, fault }: EncoderFacts) -> Option<EncoderOffer> {
    let known = Encoder::named(&name)?;
    let range = known.crf.as_ref();
    Some(EncoderOffer {
        name,
        codec: known.codec.name(),
        hardware: known.is_hardware,
        least_crf: range.map(|range| *range.start()),
        most_crf: range.map(|range| *range.end()),
        default_crf: range.map(|_| known.default_crf),
        presets: known.presets.to_vec(),
        default_preset: Some(known.default_preset).filter(|preset| !preset.is_empty()),
        fault,
    })
}

/// What is told of the machine; the encoders are told apart, and the free memory is another at any time.
const SUBJECTS: [&str; 3] = ["engine", "FFmpeg", "sandbox"];

fn finding(Finding { subject, ok, detail, remedy }: Finding) -> Option<FindingOffer> {
    SUBJECTS.contains(&subject.as_str()).then_some(FindingOffer { subject, ok, detail, remedy })
}
