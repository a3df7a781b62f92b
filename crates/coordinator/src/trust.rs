//! Which manifests are believed. They lie where workers write, and a worker may have been taken over by what it decoded: with
//! the ledger lost, a forged one would give the next worker the right to read what it names.

use std::path::{Component, Path, PathBuf};

use job::NewJob;

/// The folders of a server whose files jobs may name.
#[derive(Debug, Clone)]
pub struct Places {
    /// Where the sources are: the folders that are watched.
    pub inputs: Vec<PathBuf>,
    /// Where the models are that are not part of the program.
    pub models: PathBuf,
}

impl Places {
    /// Says why a job does not come back from its manifest; `is_sealed` where this server made it, for files that a person
    /// had named.
    pub(crate) fn check(&self, job: &NewJob, is_sealed: bool) -> Result<(), String> {
        let source: &Path = &job.source;
        if source.is_dir() {
            return Err("its source is a folder".to_owned());
        }
        if !is_sealed && !self.inputs.iter().any(|input| is_below(source, input)) {
            let inputs: Vec<String> =
                self.inputs.iter().map(|input| format!("`{}`", input.display())).collect();
            return Err(format!(
                "this server did not seal it, and its source lies outside {}",
                inputs.join(", ")
            ));
        }
        for model in job.settings.model_files() {
            if model.is_dir() {
                return Err("its model is a folder".to_owned());
            }
            if !is_sealed && !is_below(&model, &self.models) {
                return Err(format!(
                    "this server did not seal it, and its model lies outside `{}`",
                    self.models.display()
                ));
            }
        }
        Ok(())
    }
}

/// True for a path that leads through a folder and not out of it again.
fn is_below(path: &Path, folder: &Path) -> bool {
    let rest = path.strip_prefix(folder);
    rest.is_ok_and(|rest| {
        let mut parts = rest.components();
        rest != Path::new("") && parts.all(|part| matches!(part, Component::Normal(_)))
    })
}

#[cfg(test)]
mod tests {
    use job::{Model, Settings, WdnWeights};

    use super::*;

    #[test]
    fn a_manifest_without_a_seal_names_only_what_a_server_has() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        let places = Places { inputs: vec![at("input"), at("films")], models: at("models") };
        std::fs::create_dir_all(at("input/folder.mp4")).unwrap();
        let job = |source: PathBuf, model: Option<PathBuf>| NewJob {
            source: source.into(),
            fingerprint: String::new(),
            stamp: String::new(),
            settings: model.map_or_else(Settings::default, |path| Settings {
                model: Model::File { name: "m".to_owned(), path: path.into(), blake3: String::new() },
                ..Settings::default()
            }),
            output: at("output").into(),
            folder: at("output/a.job").into(),
            result: None,
        };
        let (good, model) = (at("input/deep/a.mp4"), at("models/m.safetensors"));
        for (job, unsealed, sealed) in [
            (job(good.clone(), None), true, true),
            (job(good.clone(), Some(model)), true, true),
            (job(at("films/a.mp4"), None), true, true),
            (job("/etc/passwd".into(), None), false, true),
            (job(at("input"), None), false, false),
            (job(at("input/../state/key"), None), false, true),
            (job(at("input/folder.mp4"), None), false, false),
            (job(good.clone(), Some("/".into())), false, false),
            (job(good.clone(), Some("/home/me/m.pth".into())), false, true),
            (job(good.clone(), Some(at("models/../state/key"))), false, true),
        ] {
            assert_eq!(places.check(&job, false).is_ok(), unsealed, "{job:?}");
            assert_eq!(places.check(&job, true).is_ok(), sealed, "{job:?}");
        }
        let wdn = Some(WdnWeights { path: "/etc/shadow".into(), blake3: String::new() });
        let settings = Settings { wdn, denoise: 0.5, ..Settings::default() };
        assert!(places.check(&NewJob { settings, ..job(good, None) }, false).is_err());
    }
}
