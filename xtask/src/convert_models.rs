//! ncnn files to the safetensors files that the program embeds.

use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};
use network::{ModelBytes, WeightType, build, read_tensors, write_safetensors};
use sha2::{Digest as _, Sha256};

/// The built-in models: our name, the ncnn files' name, and where the weights were published.
const MODELS: [(&str, &str, &str); 2] = [
    (
        "realesr-general-x4v3",
        "realesr-general-x4v3",
        "https://github.com/xinntao/Real-ESRGAN/releases/tag/v0.2.5.0 (realesr-general-x4v3), via ncnn fp16",
    ),
    (
        "realesr-animevideov3",
        "realesr-animevideov3-x4",
        "https://github.com/xinntao/Real-ESRGAN/releases/tag/v0.2.5.0 (realesr-animevideov3), via ncnn fp16",
    ),
];

/// Converts all built-in models from `source` to `target` and checks that nothing was lost.
pub(crate) fn run(source: &Path, target: &Path) -> anyhow::Result<()> {
    for (name, ncnn, origin) in MODELS {
        let param = source.join(format!("{ncnn}.param"));
        let bin = source.join(format!("{ncnn}.bin"));
        let text = fs::read_to_string(&param).with_context(|| format!("reading {}", param.display()))?;
        let bytes = fs::read(&bin).with_context(|| format!("reading {}", bin.display()))?;
        let file = convert(&text, &bytes, origin).with_context(|| format!("converting {name}"))?;
        let path = target.join(format!("{name}.safetensors"));
        fs::write(&path, &file).with_context(|| format!("writing {}", path.display()))?;
        report(&param, text.as_bytes());
        report(&bin, &bytes);
        report(&path, &file);
    }
    Ok(())
}

fn convert(param: &str, bin: &[u8], origin: &str) -> anyhow::Result<Vec<u8>> {
    let tensors = read_tensors(ModelBytes::Ncnn { param, bin })?;
    let (architecture, _) = build(&tensors)?;
    let metadata = [
        ("architecture", architecture.to_string()),
        ("licence", "BSD-3-Clause, (c) 2021 Xintao Wang".to_owned()),
        ("origin", origin.to_owned()),
    ];
    let metadata: Vec<(&str, &str)> = metadata.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let file = write_safetensors(&tensors, WeightType::F16, &metadata)?;
    let again = read_tensors(ModelBytes::Safetensors(&file))?;
    ensure!(again == tensors, "the weights do not survive half precision: take ncnn files with fp16 weights");
    Ok(file)
}

#[expect(clippy::print_stdout, reason = "the checksums are what this command is run for")]
fn report(path: &Path, bytes: &[u8]) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    println!("{}  {:>9}  {name}", sha256(bytes), bytes.len());
}

/// The checksum of a file, in hexadecimal.
fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_and_the_readme_name_the_checksums_of_the_files() {
        let folder = crate::models_folder().unwrap();
        let readme = fs::read_to_string(folder.join("README.md")).unwrap();
        for (name, _, _) in MODELS {
            let bytes = fs::read(folder.join(format!("{name}.safetensors"))).unwrap();
            let checksum = sha256(&bytes);
            assert_eq!(network::catalogue::built_in(name).unwrap().sha256, checksum, "{name}");
            assert!(readme.contains(&checksum), "{name}");
        }
    }
}
