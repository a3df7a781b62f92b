//! What can be chosen for jobs on this machine, which the program tells that the server is a part of.

use std::fmt::Debug;
use std::path::PathBuf;

use futures_util::future::BoxFuture;
use job::Settings;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Tells what can be chosen for jobs, and makes settings of what was chosen.
pub trait Offer: Debug + Send + Sync {
    /// The settings of a job: what was chosen, by the names that `upscaled.toml` has, and the server's own where nothing was. What is null
    /// is as the program has it where neither says anything.
    fn settings(&self, chosen: Map<String, Value>) -> BoxFuture<'_, Result<Settings, Unfit>>;

    /// The model of jobs that choose none, as the settings have it now.
    fn usual_model(&self) -> String;

    /// The models that there are, the built-in ones first.
    fn models(&self) -> BoxFuture<'_, Result<Vec<ModelOffer>, String>>;

    /// The folder of models that are no part of the program.
    fn models_folder(&self) -> PathBuf;

    /// What a file is as a model: a worker reads it, since it may be hostile.
    fn read_model(&self, file: PathBuf) -> BoxFuture<'_, Result<ModelOffer, String>>;

    /// The encoders, in the order in which they are tried.
    fn encoders(&self) -> BoxFuture<'_, Result<Vec<EncoderOffer>, String>>;

    /// What workers find on this machine: the engine, the programs that they need, and what confines them.
    fn findings(&self) -> BoxFuture<'_, Result<Vec<FindingOffer>, String>>;
}

/// Why something cannot be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// The key that it is about, where it is about one.
    pub key: Option<String>,
    /// What is wrong, and what can be chosen.
    pub words: String,
}

/// A model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Model)]
pub struct ModelOffer {
    /// What settings call it.
    pub name: String,
    /// It is part of the program; else it is a file in `models/`.
    pub built_in: bool,
    /// The usual one where the server has no other.
    pub default: bool,
    /// Its architecture.
    pub architecture: Option<String>,
    /// How many times larger it makes pictures.
    pub scale: Option<u32>,
    /// Bytes of its weights.
    pub bytes: Option<u64>,
    /// Checksum of its weights, with its kind.
    pub checksum: Option<String>,
    /// SHA-256 of the file, in hexadecimal digits, as those who offer models tell it.
    pub sha256: Option<String>,
    /// Its licence and owner; null where they are not known.
    pub licence: Option<String>,
    /// Why it cannot be used; null for one that can.
    pub fault: Option<String>,
}

/// An encoder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Encoder)]
pub struct EncoderOffer {
    /// FFmpeg's name of it, which settings have too.
    pub name: String,
    /// The format that it makes.
    pub codec: &'static str,
    /// It runs on a device beside the processor.
    pub hardware: bool,
    /// The best quality number.
    pub least_crf: Option<u8>,
    /// The worst quality number; null, as the best, where there is no choice.
    pub most_crf: Option<u8>,
    /// The number that is used where none is chosen.
    pub default_crf: Option<u8>,
    /// Its presets, from the fastest.
    pub presets: Vec<&'static str>,
    /// The preset that is used where none is chosen.
    pub default_preset: Option<&'static str>,
    /// Why it does not work here; null for one that does.
    pub fault: Option<String>,
}

/// Something that a worker finds on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Finding)]
pub struct FindingOffer {
    /// What it is about: `engine`, `FFmpeg` or `sandbox`.
    pub subject: String,
    /// It works.
    pub ok: bool,
    /// What was found.
    pub detail: String,
    /// What helps where it does not work.
    pub remedy: Option<String>,
}
