//! From a model's name or file to an engine that is ready for frames.

use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;

use engine::Reuse;
use job::{Model, Settings, WdnWeights};
use network::ir::Network;
use network::{Format, ModelBytes, Tensors, catalogue};
use protocol::message::ModelFacts;

use crate::failure::Failed;

/// Largest model file that is read.
const LARGEST_MODEL: u64 = 1 << 30;

/// The engine in use. It is kept from request to request, since preparing it takes time.
#[derive(Default)]
pub(crate) struct Upscaler {
    ready: Option<Ready>,
}

struct Ready {
    key: Key,
    reuse: Reuse,
}

/// What an engine was prepared for.
#[derive(PartialEq)]
struct Key {
    model: Model,
    denoise: f32,
    wdn: Option<WdnWeights>,
    threads: u32,
}

impl Upscaler {
    /// What makes pictures larger; `None` for settings without a network. It begins with [`Reuse::begin_within`].
    pub(crate) fn prepare(
        &mut self,
        settings: &Settings,
        threads: u32,
    ) -> Result<Option<&mut Reuse>, Failed> {
        if !settings.has_network() {
            return Ok(None);
        }
        let key = Key {
            model: settings.model.clone(),
            denoise: settings.denoise,
            wdn: settings.wdn.clone(),
            threads,
        };
        let ready = match self.ready.take() {
            Some(ready) if ready.key == key => ready,
            _ => {
                let network = network(settings)?;
                let threads = NonZeroUsize::new(threads as usize).unwrap_or(NonZeroUsize::MIN);
                let engine = engine::cpu(&network, engine::Options { threads })?;
                Ready { key, reuse: Reuse::new(engine, &network) }
            }
        };
        Ok(Some(&mut self.ready.insert(ready).reuse))
    }
}

/// The checksum of a model's weights, with its kind.
pub(crate) fn checksum(model: &Model) -> Option<String> {
    match model {
        Model::None => None,
        Model::BuiltIn { name } => {
            catalogue::built_in(name).ok().map(|built_in| format!("sha256:{}", built_in.sha256))
        }
        Model::File { blake3, .. } => Some(format!("blake3:{blake3}")),
    }
}

/// What a model is, once all of it was read.
pub(crate) fn facts(model: &Model) -> Result<ModelFacts, Failed> {
    let wrong = |error: network::Error| Failed::last(error.to_string());
    let (tensors, bytes) = match model {
        Model::None => return Err(Failed::last("the model `none` has no network")),
        Model::BuiltIn { name } => {
            let bytes = catalogue::built_in(name).map_err(wrong)?.bytes();
            let length = match bytes {
                ModelBytes::Safetensors(bytes) | ModelBytes::Pth(bytes) => bytes.len(),
                ModelBytes::Ncnn { bin, .. } => bin.len(),
            };
            (network::read_tensors(bytes).map_err(wrong)?, length as u64)
        }
        Model::File { path, blake3, .. } => {
            let is_graph = Format::of(&path.to_string_lossy()) == Some(Format::Ncnn);
            let weights = if is_graph { path.with_extension("bin") } else { path.to_path_buf() };
            (read(path, blake3)?, fs::metadata(weights).map_or(0, |metadata| metadata.len()))
        }
    };
    let (architecture, _) = network::build(&tensors).map_err(wrong)?;
    Ok(ModelFacts {
        architecture: architecture.name().to_owned(),
        scale: architecture.scale() as u32,
        parameters: tensors.parameters() as u64,
        checksum: checksum(model).unwrap_or_default(),
        bytes,
        licence: match model {
            Model::BuiltIn { name } => catalogue::built_in(name).ok().map(|model| model.licence.to_owned()),
            Model::None | Model::File { .. } => None,
        },
    })
}

/// The network of settings that have one.
pub(crate) fn network(settings: &Settings) -> Result<Network, Failed> {
    let model = match &settings.model {
        Model::None => return Err(Failed::last("the model `none` has no network")),
        Model::BuiltIn { name } => {
            let built_in = catalogue::built_in(name).map_err(|error| Failed::last(error.to_string()))?;
            network::read_tensors(built_in.bytes()).map_err(|error| Failed::last(error.to_string()))?
        }
        Model::File { path, blake3, .. } => read(path, blake3)?,
    };
    let tensors = match &settings.wdn {
        Some(wdn) if settings.denoise < 1.0 => {
            let wdn = read(&wdn.path, &wdn.blake3)?;
            network::blend(&model, &wdn, settings.denoise).map_err(|error| Failed::last(error.to_string()))?
        }
        _ => model,
    };
    let (_, network) = network::build(&tensors).map_err(|error| Failed::last(error.to_string()))?;
    Ok(network)
}

/// The tensors of a model file that must have this checksum.
fn read(path: &Path, blake3: &str) -> Result<Tensors, Failed> {
    let of_file = |error: String| Failed::last(format!("the model `{}`: {error}", path.display()));
    let bytes = |path: &Path| {
        let length = fs::metadata(path).map_err(|error| of_file(error.to_string()))?.len();
        if length > LARGEST_MODEL {
            return Err(of_file(format!("{length} bytes are too many for a model")));
        }
        fs::read(path).map_err(|error| of_file(error.to_string()))
    };
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let weights = match Format::of(&name) {
        Some(Format::Ncnn) => bytes(&path.with_extension("bin"))?,
        Some(_) => bytes(path)?,
        None => {
            return Err(of_file(
                "it is not of a known kind: use .safetensors, .pth or .param with .bin".to_owned(),
            ));
        }
    };
    if blake3::hash(&weights).to_hex().as_str() != blake3 {
        return Err(of_file("it was changed since the job was taken in: start the job again".to_owned()));
    }
    let graph;
    let model = match Format::of(&name) {
        Some(Format::Safetensors) => ModelBytes::Safetensors(&weights),
        Some(Format::Pth) => ModelBytes::Pth(&weights),
        _ => {
            graph =
                String::from_utf8(bytes(path)?).map_err(|_| of_file("its .param is not text".to_owned()))?;
            ModelBytes::Ncnn { param: &graph, bin: &weights }
        }
    };
    network::read_tensors(model).map_err(|error| of_file(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_and_the_catalogue_know_the_same_models() {
        let names: Vec<&str> = catalogue::BUILT_IN.iter().map(|model| model.name).collect();
        assert_eq!(names, job::BUILT_IN_MODELS);
        assert_eq!(catalogue::built_in(job::DEFAULT_MODEL).unwrap().wdn, Some(job::WDN_MODEL));
    }
}
