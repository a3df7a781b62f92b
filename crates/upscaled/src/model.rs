//! From the name of a model to its weights.

use std::path::{Path, PathBuf};

use job::{BUILT_IN_MODELS, DEFAULT_MODEL, FilePath, Model, WDN_MODEL, WdnWeights};

use crate::exit::wrong;

/// Extensions of model files, in the order in which they are looked for.
const EXTENSIONS: [&str; 3] = ["safetensors", "pth", "param"];

/// The model of this name: `none`, a built-in one, a file, or a file in one of the folders.
pub(crate) fn find(name: &str, folders: &[PathBuf]) -> anyhow::Result<Model> {
    if name == "none" {
        return Ok(Model::None);
    }
    if BUILT_IN_MODELS.contains(&name) {
        return Ok(Model::BuiltIn { name: name.to_owned() });
    }
    let path = Path::new(name);
    let is_model_file =
        path.extension().is_some_and(|extension| EXTENSIONS.iter().any(|known| extension == *known));
    let file = if is_model_file && path.is_file() {
        Some(path.canonicalize()?)
    } else if is_model_file && folders.iter().any(|folder| folder.join(path).is_file()) {
        folders.iter().map(|folder| folder.join(path)).find(|file| file.is_file())
    } else {
        in_folders(name, folders)
    };
    let Some(file) = file else {
        return Err(wrong(format!(
            "there is no model `{name}`: choose one of {}",
            known(folders).join(", ")
        )));
    };
    let title = file.file_stem().map_or_else(|| name.to_owned(), |stem| stem.to_string_lossy().into_owned());
    of_file(&file, &title)
}

/// The model in a file, under a name for people.
pub(crate) fn of_file(file: &Path, name: &str) -> anyhow::Result<Model> {
    Ok(Model::File { name: name.to_owned(), blake3: checksum(file)?, path: FilePath(file.to_owned()) })
}

/// The WDN weights that a denoise strength below 1 blends a model with.
pub(crate) fn find_wdn(model: &Model, folders: &[PathBuf]) -> anyhow::Result<WdnWeights> {
    if model.name() != DEFAULT_MODEL {
        return Err(wrong(format!(
            "a denoise strength below 1 works with model {DEFAULT_MODEL} only: leave denoise at 1 for {}",
            model.name()
        )));
    }
    let file = in_folders(WDN_MODEL, folders).ok_or_else(|| {
        let folder = folders.first().map_or(Path::new("models"), PathBuf::as_path);
        wrong(format!(
            "a denoise strength below 1 needs {WDN_MODEL}, which is not in `{}`: download {WDN_MODEL}.pth from the release v0.2.5.0 of https://github.com/xinntao/Real-ESRGAN and put it there, or leave denoise at 1",
            folder.display()
        ))
    })?;
    Ok(WdnWeights { blake3: checksum(&file)?, path: FilePath(file) })
}

/// Checksum of the weights.
fn checksum(file: &Path) -> anyhow::Result<String> {
    Ok(storage::checksum(&weights(file))?)
}

/// The file that has the weights of a model: the `.bin` beside a `.param`.
pub(crate) fn weights(file: &Path) -> PathBuf {
    if file.extension().is_some_and(|extension| extension == "param") {
        file.with_extension("bin")
    } else {
        file.to_owned()
    }
}

fn in_folders(name: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let files = folders
        .iter()
        .flat_map(|folder| EXTENSIONS.map(|extension| folder.join(format!("{name}.{extension}"))));
    files.into_iter().find(|file| file.is_file()).and_then(|file| file.canonicalize().ok())
}

/// The names of all models that can be chosen.
fn known(folders: &[PathBuf]) -> Vec<String> {
    let mut names = networks(folders);
    names.push("none".to_owned());
    names
}

/// The names of all models with a network: the built-in ones, then those in the folders.
pub(crate) fn networks(folders: &[PathBuf]) -> Vec<String> {
    let mut names: Vec<String> = BUILT_IN_MODELS.iter().map(|&name| name.to_owned()).collect();
    let mut files: Vec<String> =
        files(folders).iter().filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
    files.dedup();
    names.extend(files.into_iter().filter(|name| !BUILT_IN_MODELS.contains(&name.as_str())));
    names
}

/// The model files in the folders, by their names.
pub(crate) fn files(folders: &[PathBuf]) -> Vec<PathBuf> {
    let is_model = |path: &PathBuf| {
        path.extension().is_some_and(|extension| EXTENSIONS.iter().any(|known| extension == *known))
    };
    let mut files: Vec<PathBuf> = folders
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flat_map(|entries| entries.flatten().map(|entry| entry.path()))
        .filter(is_model)
        .collect();
    files.sort_by(|one, other| one.file_stem().cmp(&other.file_stem()).then_with(|| one.cmp(other)));
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_found_by_name_and_by_file() {
        let folder = tempfile::tempdir().unwrap();
        let folders = [folder.path().to_owned()];
        std::fs::write(folder.path().join("mine.pth"), b"x").unwrap();
        assert_eq!(find("none", &folders).unwrap(), Model::None);
        assert_eq!(find(DEFAULT_MODEL, &folders).unwrap().name(), DEFAULT_MODEL);
        for name in ["mine", "mine.pth", folder.path().join("mine.pth").to_str().unwrap()] {
            assert!(
                matches!(find(name, &folders).unwrap(), Model::File { name, .. } if name == "mine"),
                "{name}"
            );
        }
        let error = find("other", &folders).unwrap_err().to_string();
        assert!(error.ends_with("realesr-general-x4v3, realesr-animevideov3, mine, none"), "{error}");
    }

    #[test]
    fn less_denoising_needs_the_twin() {
        let folder = tempfile::tempdir().unwrap();
        let folders = [folder.path().to_owned()];
        let model = Model::BuiltIn { name: DEFAULT_MODEL.to_owned() };
        let error = find_wdn(&model, &folders).unwrap_err().to_string();
        assert!(error.contains("download realesr-general-wdn-x4v3.pth"), "{error}");
        std::fs::write(folder.path().join("realesr-general-wdn-x4v3.safetensors"), b"x").unwrap();
        assert!(find_wdn(&model, &folders).is_ok());
        assert!(find_wdn(&Model::None, &folders).is_err());
    }
}
