//! Settings that a program or the page chooses for one job, in JSON: the keys and the rules of `upscaled.toml`, over the settings of the
//! server.

use std::path::PathBuf;

use job::{DEFAULT_MODEL, FilmTime, Model, Part, Settings};
use serde_json::{Map, Value};

use super::blame::Unfit;
use super::file::{self, OF_JOB, unknown_among};
use super::{check, over};
use crate::choice;
use crate::cli::Choices;
use crate::model;

/// Keys of a job that the command line alone has.
const OF_LINE: [&str; 4] = ["from", "to", "stream", "again"];

/// What is wrong with settings that were chosen.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// The key that it is about, where it is about one.
    pub(crate) key: Option<String>,
    pub(crate) words: String,
}

impl Mistake {
    pub(super) fn of(key: &str, words: impl Into<String>) -> Self {
        Self { key: Some(key.to_owned()), words: words.into() }
    }
}

/// The settings of a job: what was chosen over those of the server. What is null is as the program has it where neither says anything. May
/// read model files.
pub(crate) fn wish(
    server: &Settings,
    chosen: &Map<String, Value>,
    model_folders: &[PathBuf],
) -> Result<Settings, Mistake> {
    let mut base = server.clone();
    // What the server's own settings say of the model is not meant for another one.
    let is_other_model = chosen.get("model").is_some_and(|model| model.as_str() != Some(base.model.name()));
    if is_other_model && !chosen.contains_key("denoise") {
        (base.denoise, base.wdn) = (1.0, None);
    }
    let (mut lines, mut keys) = (Vec::new(), Vec::new());
    for (key, value) in chosen {
        match (key.as_str(), value) {
            (key, Value::Null) if OF_JOB.contains(&key) || OF_LINE.contains(&key) => reset(&mut base, key),
            ("again", value) => base.again = flag(key, value)?,
            ("stream", value) => base.stream = Some(number(key, value)?),
            ("from" | "to", value) => {
                let (from, to) = base.part.map_or((None, None), |part| (part.from, part.to));
                let time = Some(time(key, value)?);
                base.part = if key == "from" { Part::of(time, to) } else { Part::of(from, time) };
            }
            ("model", Value::String(name)) if !is_known(name, model_folders) => {
                let known = model::networks(model_folders).join(", ");
                return Err(Mistake::of(
                    key,
                    format!("there is no model `{name}`: choose one of {known}, none"),
                ));
            }
            (key, value) if OF_JOB.contains(&key) => {
                lines.push(format!("{key} = {}", toml(value)));
                keys.push(key.to_owned());
            }
            _ => {
                let known: Vec<&str> = OF_JOB.into_iter().chain(OF_LINE).collect();
                return Err(Mistake::of(key, unknown_among("", key, &known)));
            }
        }
    }
    let file = file::parse(&lines.join("\n"));
    let file = file.map_err(|file::Mistake { line, words }| Mistake {
        key: line.checked_sub(1).and_then(|line| keys.get(line)).cloned(),
        words,
    })?;
    let choices = over(Choices::default(), file);
    check(base, &choices, model_folders).map_err(|Unfit { keys, error, in_file }| Mistake {
        key: keys.iter().find(|key| chosen.contains_key(**key)).map(|key| (*key).to_owned()),
        words: in_file.unwrap_or_else(|| format!("{error:#}")),
    })
}

/// Lets a setting be as the program has it.
fn reset(base: &mut Settings, key: &str) {
    let usual = Settings::default();
    match key {
        "model" => base.model = usual.model,
        "scale" | "height" | "width" | "fit" => base.target = usual.target,
        "strength" => base.strength = usual.strength,
        "anchor" => base.anchor = usual.anchor,
        "grain" => base.grain = usual.grain,
        "denoise" => (base.denoise, base.wdn) = (usual.denoise, usual.wdn),
        "codec" => base.codec = usual.codec,
        "encoder" => base.encoder = usual.encoder,
        "encoder_options" => base.encoder_options = usual.encoder_options,
        "crf" => base.crf = usual.crf,
        "preset" => base.preset = usual.preset,
        "tonemap" => base.tonemap = usual.tonemap,
        "segment_frames" => base.segment_frames = usual.segment_frames,
        "reuse" | "reuse_tolerance" => base.reuse = usual.reuse,
        "fill_gaps" => base.fill_gaps = usual.fill_gaps,
        "container" => base.container = usual.container,
        "deinterlace" => base.deinterlace = usual.deinterlace,
        "crop" => base.crop = usual.crop,
        "from" | "to" => base.part = usual.part,
        "stream" => base.stream = usual.stream,
        "again" => base.again = usual.again,
        _ => {}
    }
}

/// True for a model that is part of the program or a file in the folders: one who asks from elsewhere names no other files.
pub(super) fn is_known(name: &str, folders: &[PathBuf]) -> bool {
    let is_file = |path: PathBuf| {
        path.file_name().is_some_and(|file| file == name) || path.file_stem().is_some_and(|stem| stem == name)
    };
    name == Model::None.name()
        || name == DEFAULT_MODEL
        || job::BUILT_IN_MODELS.contains(&name)
        || model::files(folders).into_iter().any(is_file)
}

/// A value as `upscaled.toml` would have it. What TOML has not is such that it is refused there.
fn toml(value: &Value) -> String {
    match value {
        Value::Object(entries) => {
            let entries =
                entries.iter().map(|(key, value)| format!("{} = {}", Value::from(key.as_str()), toml(value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        Value::Array(values) => {
            format!("[{}]", values.iter().map(toml).collect::<Vec<_>>().join(", "))
        }
        // Within an object: no text is null.
        Value::Null => "[]".to_owned(),
        // The texts of JSON are texts of TOML, but for a character that cannot be seen and is refused.
        plain => plain.to_string(),
    }
}

fn flag(key: &str, value: &Value) -> Result<bool, Mistake> {
    value.as_bool().ok_or_else(|| Mistake::of(key, format!("{key} = {value} cannot be: write true or false")))
}

fn number(key: &str, value: &Value) -> Result<u32, Mistake> {
    let number = value.as_u64().and_then(|number| number.try_into().ok());
    number
        .ok_or_else(|| Mistake::of(key, format!("{key} = {value} cannot be: write a whole number from 0 on")))
}

/// A time of a film, in seconds or as people write it.
fn time(key: &str, value: &Value) -> Result<FilmTime, Mistake> {
    let text = match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    choice::film_time(&text).map_err(|words| Mistake::of(key, format!("{key} = {value} cannot be: {words}")))
}

#[cfg(test)]
mod tests {
    use job::Target;
    use serde_json::json;

    use super::*;

    fn of(chosen: &Value) -> Result<Settings, Mistake> {
        of_server(&Settings::default(), chosen)
    }

    fn of_server(server: &Settings, chosen: &Value) -> Result<Settings, Mistake> {
        wish(server, chosen.as_object().unwrap(), &[])
    }

    #[test]
    fn what_is_chosen_goes_over_what_the_server_has() {
        let server = Settings { crf: Some(20), preset: Some("slow".to_owned()), ..Settings::default() };
        let settings = of_server(&server, &json!({ "model": "none", "scale": 2, "crf": null })).unwrap();
        assert_eq!((settings.model.name(), settings.target), ("none", Target::times(2)));
        assert_eq!((settings.crf, settings.preset.as_deref()), (None, Some("slow")));
        let settings = of(
            &json!({ "height": 1080, "strength": 0.7, "codec": "hevc", "encoder_options": { "tune": "film", "bf": 3 },
            "from": "1:00", "to": 75.5, "stream": 2, "again": true, "crop": "auto", "reuse": false }),
        );
        let settings = settings.unwrap();
        assert_eq!((settings.target, settings.strength), (Target::Height(1080), 0.7));
        assert_eq!(settings.encoder_options.len(), 2);
        assert_eq!(settings.part, Part::of(Some(FilmTime(60_000_000)), Some(FilmTime(75_500_000))));
        assert_eq!((settings.stream, settings.again, settings.reuse), (Some(2), true, None));
        assert_eq!(of(&json!({})).unwrap(), Settings::default());
    }

    #[test]
    fn a_network_of_the_server_is_left_alone_where_another_is_chosen() {
        let server = Settings { model: Model::None, ..Settings::default() };
        let settings = of_server(&server, &json!({ "model": DEFAULT_MODEL, "strength": 0.5 })).unwrap();
        assert_eq!((settings.model.name(), settings.strength), (DEFAULT_MODEL, 0.5));
        let wdn = job::WdnWeights { path: "/m.pth".into(), blake3: "b".to_owned() };
        let server = Settings { denoise: 0.5, wdn: Some(wdn), ..Settings::default() };
        let settings = of_server(&server, &json!({ "model": "realesr-animevideov3" })).unwrap();
        assert_eq!((settings.denoise, settings.wdn), (1.0, None));
    }

    #[test]
    fn mistakes_are_said_with_their_keys_in_the_words_of_the_file() {
        for (chosen, key, words) in [
            (json!({ "modle": "none" }), "modle", "there is no setting `modle`: did you mean `model`?"),
            (json!({ "threads": 4 }), "threads", "there is no setting `threads`"),
            (json!({ "unconfined": true }), "unconfined", "there is no setting `unconfined`"),
            (json!({ "scale": 9 }), "scale", "choose a number from 1 to 8"),
            (json!({ "scale": "2" }), "scale", "write it without quotes"),
            (json!({ "crf": -1 }), "crf", "from 0 (best) to 51"),
            (json!({ "crf": [1] }), "crf", "crf = [1] cannot be"),
            (json!({ "model": 7 }), "model", "model"),
            (json!({ "model": "other" }), "model", "choose one of realesr-general-x4v3"),
            (json!({ "strength": 1.5 }), "strength", "from 0 (no network) to 1"),
            (json!({ "model": "none", "strength": 0.5 }), "strength", "model none has no network"),
            (json!({ "preset": "nonsense" }), "preset", "nonsense"),
            (json!({ "codec": "ffv1", "container": "mp4" }), "container", "write container = \"mkv\""),
            (json!({ "from": "soon" }), "from", "HH:MM:SS"),
            (json!({ "stream": -1 }), "stream", "from 0 on"),
            (json!({ "again": 1 }), "again", "true or false"),
            (json!({ "encoder_options": { "tune": null } }), "encoder_options", "text in quotes"),
            (json!({ "encoder_options": { "a\nmodel = 1": "x" } }), "encoder_options", ""),
        ] {
            let mistake = of(&chosen).unwrap_err();
            assert_eq!(mistake.key.as_deref(), Some(key), "{chosen}: {mistake:?}");
            assert!(mistake.words.contains(words) && !mistake.words.contains("--"), "{chosen}: {mistake:?}");
        }
        let several = of(&json!({ "scale": 2, "height": 720 })).unwrap_err();
        assert!(several.words.contains("keep one"), "{several:?}");
    }

    #[test]
    fn no_file_outside_the_models_can_be_named() {
        let folder = tempfile::tempdir().unwrap();
        let models = [folder.path().join("models")];
        std::fs::create_dir(&models[0]).unwrap();
        for path in ["secret.pth", "models/mine.pth"] {
            std::fs::write(folder.path().join(path), "x").unwrap();
        }
        let named = |name: &str| {
            let chosen = json!({ "model": name });
            wish(&Settings::default(), chosen.as_object().unwrap(), &models)
        };
        assert!(named("mine").is_ok() && named("mine.pth").is_ok());
        let absolute = folder.path().join("secret.pth");
        for name in
            [absolute.to_str().unwrap(), "../secret.pth", "../secret", "models/mine.pth", "", "/etc/passwd"]
        {
            assert!(named(name).is_err(), "{name}");
        }
    }
}
