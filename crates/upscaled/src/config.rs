//! Settings: the defaults, the file `upscaled.toml`, and the command line, each over the one before.

mod blame;
mod edit;
mod effective;
mod entry;
mod file;
mod folders;
mod listening;
mod mistakes;
mod places;
mod schedule;
mod tables;
mod webhooks;
mod wish;

use std::path::{Path, PathBuf};
use std::time::Duration;

use coordinator::{KeepJobs, Limits, NameRules};
use job::{Model, Settings, Target};

use self::blame::Unfit;
pub(crate) use self::blame::blame;
pub(crate) use self::edit::{as_json, key_at};
use self::edit::{check_models, edited};
pub(crate) use self::effective::{
    COMMAND_LINE, Effective, changed_settings, differences, effective, is_fixed, needs_restart,
    of_command_line, usual,
};
pub(crate) use self::file::text_of;
use self::file::{File, read};
pub(crate) use self::folders::{read_only_folders, watch_folders};
pub(crate) use self::listening::{Listening, listening};
pub(crate) use self::mistakes::checked;
pub(crate) use self::schedule::schedule;
pub(crate) use self::webhooks::{shown_webhooks, webhooks};
pub(crate) use self::wish::{Mistake, wish};
use crate::choice::EncoderOption;
use crate::cli::{Choices, PostProcessingChoices, SizeChoice};
use crate::exit::wrong;
use crate::model;
use crate::size::PictureSize;

/// Time that a file which states more than it holds must be still for before it is taken in all the same.
const SETTLE: Duration = Duration::from_mins(10);

/// How the server treats files in its input folder, and the jobs of those that are gone.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Watching {
    pub(crate) settle: Duration,
    pub(crate) rules: NameRules,
    pub(crate) keep: KeepJobs,
}

/// How the server treats files in its input folder, and the jobs of those that are gone, from the command line and the file where that
/// exists.
pub(crate) fn watching(line: &Choices, path: &Path) -> anyhow::Result<Watching> {
    let file = read(path)?;
    let usual = KeepJobs::default();
    Ok(Watching {
        settle: file.settle.map_or(SETTLE, |time| time.0),
        rules: NameRules {
            ignore: file.ignore.unwrap_or_default(),
            skip_samples: line.skip_samples.or(file.skip_samples).is_on(),
        },
        keep: KeepJobs {
            days: file.keep_jobs_days.unwrap_or(usual.days),
            jobs: file.keep_jobs.unwrap_or(usual.jobs),
        },
    })
}

/// The choices of the command line, filled up from the file where that exists.
pub(crate) fn with_file(choices: Choices, path: &Path) -> anyhow::Result<Choices> {
    Ok(over(choices, read(path)?))
}

/// Choices, filled up from a table of the file.
fn over(choices: Choices, file: File) -> Choices {
    let size = SizeChoice { scale: file.scale, height: file.height, width: file.width, fit: file.fit };
    let replaces_reuse = replaces_reuse(&choices);
    // What the file says of a network is not meant for none.
    let (strength, anchor) =
        if has_no_network(&choices) { (None, None) } else { (file.strength, file.anchor) };
    Choices {
        reuse: choices.reuse.or(file.reuse.filter(|_| !replaces_reuse)),
        reuse_tolerance: choices.reuse_tolerance.or(file.reuse_tolerance.filter(|_| !replaces_reuse)),
        model: choices.model.or(file.model),
        // A size on the command line replaces any kind of size in the file.
        size: if choices.size == SizeChoice::default() { size } else { choices.size },
        post_processing: PostProcessingChoices {
            strength: choices.post_processing.strength.or(strength),
            anchor: choices.post_processing.anchor.or(anchor),
            grain: choices.post_processing.grain.or(file.grain),
        },
        denoise: choices.denoise.or(file.denoise),
        codec: choices.codec.or(file.codec),
        encoder: choices.encoder.or(file.encoder),
        encoder_options: if choices.encoder_options.is_empty() {
            file.encoder_options.unwrap_or_default().into_iter().map(EncoderOption).collect()
        } else {
            choices.encoder_options
        },
        tonemap: choices.tonemap.or(file.tonemap),
        again: choices.again,
        crf: choices.crf.or(file.crf),
        preset: choices.preset.or(file.preset),
        segment_frames: choices.segment_frames.or(file.segment_frames),
        fill_gaps: choices.fill_gaps.or(file.fill_gaps),
        container: choices.container.or(file.container),
        deinterlace: choices.deinterlace.or(file.deinterlace),
        crop: choices.crop.or(file.crop),
        threads: choices.threads.or(file.threads),
        workers: choices.workers.or(file.workers),
        max_disk: choices.max_disk.or(file.max_disk),
        keep_time: choices.keep_time.or(file.keep_time),
        name: choices.name.or(file.name),
        subtitle_files: choices.subtitle_files.or(file.subtitle_files),
        skip_samples: choices.skip_samples.or(file.skip_samples),
        unconfined: choices.unconfined.or(file.unconfined),
    }
}

/// True where these say all about reuse, so that nothing in the file is about it.
fn replaces_reuse(choices: &Choices) -> bool {
    choices.reuse.is_off() || choices.reuse_tolerance.is_some()
}

/// True where these choose that there is no network.
fn has_no_network(choices: &Choices) -> bool {
    choices.model.as_deref() == Some("none")
}

/// The choices of the command line over those of the file, and the settings of a job with them.
///
/// # Errors
/// When the file or a setting has a mistake: with its line where it stands in the file.
pub(crate) fn complete(
    line: &Choices,
    path: &Path,
    model_folders: &[PathBuf],
) -> anyhow::Result<(Choices, Settings)> {
    let choices = with_file(line.clone(), path)?;
    match check(Settings::default(), &choices, model_folders) {
        Ok(settings) => Ok((choices, settings)),
        Err(Unfit { keys, error, in_file }) => Err(blame(line, path, keys, error, in_file)),
    }
}

const NO_NETWORK: &str = "model none has no network: strength and anchor are about the network, so leave them out, or choose another model";

/// The settings of a job, complete and checked. Models are looked for in the folders.
pub(crate) fn settings(choices: &Choices, model_folders: &[PathBuf]) -> anyhow::Result<Settings> {
    changed(Settings::default(), choices, model_folders)
}

/// Settings with what was chosen in place of what they had.
pub(crate) fn changed(
    base: Settings,
    choices: &Choices,
    model_folders: &[PathBuf],
) -> anyhow::Result<Settings> {
    check(base, choices, model_folders).map_err(|unfit| unfit.error)
}

fn check(base: Settings, choices: &Choices, model_folders: &[PathBuf]) -> Result<Settings, Unfit> {
    let of = |keys| move |error| Unfit { keys, error, in_file: None };
    let model = choices.model.as_deref().map(|name| model::find(name, model_folders));
    let model = model.transpose().map_err(of(&["model"]))?.unwrap_or(base.model);
    let (strength, anchor) = if model == Model::None {
        if choices.post_processing.strength.is_some_and(|share| share < 1.0)
            || choices.post_processing.anchor.is_on()
        {
            let keys = &["strength", "anchor", "model"];
            return Err(Unfit { keys, error: wrong(NO_NETWORK), in_file: None });
        }
        // What was said of the network before is not meant for none.
        (1.0, false)
    } else {
        (
            choices.post_processing.strength.unwrap_or(base.strength),
            choices.post_processing.anchor.chosen().unwrap_or(base.anchor),
        )
    };
    let denoise = choices.denoise.unwrap_or(base.denoise);
    let wdn = (denoise < 1.0).then(|| model::find_wdn(&model, model_folders));
    let options = choices.encoder_options.iter().map(|option| option.0.clone());
    let settings = Settings {
        wdn: wdn.transpose().map_err(of(&["denoise", "model"]))?,
        model,
        denoise,
        target: target(choices.size).unwrap_or(base.target),
        crf: choices.crf.or(base.crf),
        preset: choices.preset.clone().or(base.preset),
        codec: choices.codec.map(|name| name.0).or(base.codec),
        encoder: choices.encoder.clone().or(base.encoder),
        encoder_options: if choices.encoder_options.is_empty() {
            base.encoder_options
        } else {
            options.collect()
        },
        tonemap: base.tonemap || choices.tonemap.is_some(),
        again: base.again || choices.again,
        container: choices.container.map(|name| name.0).or(base.container),
        segment_frames: choices.segment_frames.or(base.segment_frames),
        reuse: reuse(choices, base.reuse),
        fill_gaps: choices.fill_gaps.chosen().unwrap_or(base.fill_gaps),
        deinterlace: choices.deinterlace.unwrap_or(base.deinterlace),
        strength,
        anchor,
        grain: choices.post_processing.grain.unwrap_or(base.grain),
        stream: base.stream,
        crop: choices.crop.unwrap_or(base.crop),
        part: base.part,
    };
    settings.validate()?;
    Ok(settings)
}

/// The levels by which a sample may change and be reused; `None` where nothing is.
fn reuse(choices: &Choices, base: Option<u8>) -> Option<u8> {
    let chosen = choices.reuse_tolerance.or(base);
    match choices.reuse.chosen() {
        Some(true) => chosen.or(Some(0)),
        Some(false) => None,
        None => chosen,
    }
}

/// The size that was chosen, if any was.
fn target(size: SizeChoice) -> Option<Target> {
    let SizeChoice { scale, height, width, fit } = size;
    let fit = fit.map(|PictureSize { width, height }| Target::Fit { width, height });
    let side = height.map(Target::Height).or(width.map(Target::Width));
    scale.map(Target::Scale).or(side).or(fit)
}

/// How the work on all jobs is done.
pub(crate) fn limits(choices: &Choices) -> Limits {
    Limits {
        workers: choices.workers.unwrap_or(1),
        engine_threads: engine_threads(choices.threads),
        max_disk: choices.max_disk.map(|limit| limit.0.0),
        keep_time: choices.keep_time.is_on(),
        subtitle_files: !choices.subtitle_files.is_off(),
    }
}

/// Threads of the engine: what was chosen, else one a core.
pub(crate) fn engine_threads(chosen: Option<u32>) -> u32 {
    chosen.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32))
}

#[cfg(test)]
mod tests {
    use job::Deinterlace;
    use storage::Bytes;

    use super::*;
    use crate::choice::DiskLimit;
    use crate::switch::Switch;

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("upscaled.toml");
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn the_command_line_goes_over_the_file_and_the_file_over_the_defaults() {
        let (_folder, path) = file("model = \"none\"\nscale = 2\ncrf = 20\n");
        let line = Choices { crf: Some(10), ..Choices::default() };
        let settings = settings(&with_file(line, &path).unwrap(), &[]).unwrap();
        assert_eq!(
            (settings.model.name(), settings.target, settings.crf),
            ("none", Target::times(2), Some(10))
        );
        let size = SizeChoice { height: Some(720), ..SizeChoice::default() };
        let chosen = with_file(Choices { size, ..Choices::default() }, &path).unwrap();
        assert_eq!(chosen.size, size);
    }

    #[test]
    fn a_size_is_a_scale_a_side_or_a_screen() {
        let chosen = |text: &str, size| {
            let (_folder, path) = file(text);
            let choices = with_file(Choices { size, ..Choices::default() }, &path).unwrap();
            settings(&choices, &[]).unwrap().target
        };
        let none = SizeChoice::default();
        assert_eq!(chosen("", none), Target::times(4));
        assert_eq!(chosen("height = 720", none), Target::Height(720));
        assert_eq!(chosen("width = 1280", none), Target::Width(1280));
        assert_eq!(chosen("fit = \"1920x1080\"", none), Target::Fit { width: 1920, height: 1080 });
        let width = SizeChoice { width: Some(640), ..none };
        assert_eq!(chosen("fit = \"1920x1080\"", width), Target::Width(640));
    }

    #[test]
    fn the_look_is_the_networks_own_unless_somebody_says_otherwise() {
        let chosen = |text: &str, post_processing| {
            let (_folder, path) = file(text);
            let choices = with_file(Choices { post_processing, ..Choices::default() }, &path).unwrap();
            let settings = settings(&choices, &[]).unwrap();
            (settings.strength, settings.anchor, settings.grain)
        };
        let none = PostProcessingChoices::default();
        assert_eq!(chosen("", none), (1.0, false, 0.0));
        let text = "strength = 0.5\nanchor = true\ngrain = 0.25";
        assert_eq!(chosen(text, none), (0.5, true, 0.25));
        let line = PostProcessingChoices { strength: Some(1.0), anchor: Switch::new(None), grain: Some(0.0) };
        assert_eq!(chosen(text, line), (1.0, true, 0.0));
        for wrong in ["strength = 1.5", "grain = -1"] {
            let (_folder, path) = file(wrong);
            assert!(with_file(Choices::default(), &path).is_err(), "{wrong}");
        }
    }

    #[test]
    fn nothing_is_cut_off_unless_somebody_says_so() {
        let chosen = |text: &str, crop: Option<&str>| {
            let (_folder, path) = file(text);
            let line = Choices { crop: crop.map(|crop| crop.parse().unwrap()), ..Choices::default() };
            settings(&with_file(line, &path).unwrap(), &[]).unwrap().crop.to_string()
        };
        assert_eq!(chosen("", None), "off");
        assert_eq!(chosen("crop = \"auto\"", None), "auto");
        assert_eq!(chosen("crop = \"720:432:0:72\"", None), "720:432:0:72");
        assert_eq!(chosen("crop = \"auto\"", Some("off")), "off");
        for wrong in ["crop = true", "crop = \"720:432\""] {
            let (_folder, path) = file(wrong);
            let error = with_file(Choices::default(), &path).unwrap_err().to_string();
            assert!(error.contains("line 1") && error.contains("auto"), "{error}");
        }
    }

    #[test]
    fn reuse_is_on_unless_somebody_says_otherwise() {
        let chosen = |text: &str, line: Choices| {
            let (_folder, path) = file(text);
            settings(&with_file(line, &path).unwrap(), &[]).unwrap().reuse
        };
        let tolerance = |levels| Choices { reuse_tolerance: Some(levels), ..Choices::default() };
        assert_eq!(chosen("", Choices::default()), Some(0));
        assert_eq!(chosen("reuse = false", Choices::default()), None);
        assert_eq!(chosen("reuse_tolerance = 2", Choices::default()), Some(2));
        assert_eq!(chosen("reuse_tolerance = 2", tolerance(3)), Some(3));
        assert_eq!(chosen("reuse = false", tolerance(0)), Some(0));
        let off = Choices { reuse: Switch::new(Some(false)), ..Choices::default() };
        assert_eq!(chosen("reuse = true\nreuse_tolerance = 2", off), None);
        let on = || Choices { reuse: Switch::new(Some(true)), ..Choices::default() };
        assert_eq!(chosen("reuse = false", on()), Some(0));
        assert_eq!(chosen("reuse = false\nreuse_tolerance = 2", on()), Some(2));
    }

    #[test]
    fn the_limit_of_the_disk_is_read() {
        let (_folder, path) = file("max_disk = \"1.5 TB\"");
        let limit = |line: Choices| with_file(line, &path).unwrap().max_disk;
        assert_eq!(limit(Choices::default()), Some(DiskLimit(Bytes(1_500_000_000_000))));
        let line = Choices { max_disk: Some(DiskLimit(Bytes(7))), ..Choices::default() };
        assert_eq!(limit(line), Some(DiskLimit(Bytes(7))));
    }

    #[test]
    fn workers_are_counted_and_one_is_usual() {
        let (_folder, path) = file("workers = 3");
        let workers = |line: Choices, path: &Path| limits(&with_file(line, path).unwrap()).workers;
        let line = Choices { workers: Some(2), ..Choices::default() };
        assert_eq!((workers(Choices::default(), &path), workers(line, &path)), (3, 2));
        assert_eq!(workers(Choices::default(), Path::new("/nonexistent/upscaled.toml")), 1);
        for wrong in ["workers = 0", "workers = 17", "workers = \"two\""] {
            let (_folder, path) = file(wrong);
            let error = with_file(Choices::default(), &path).unwrap_err().to_string();
            assert!(error.contains("line 1") && error.contains("from 1 to 16"), "{error}");
        }
    }

    #[test]
    fn what_is_on_or_off_is_as_the_command_line_says_else_as_the_file_does() {
        for (text, line, wanted) in [
            ("", None, false),
            ("fill_gaps = true", None, true),
            ("fill_gaps = true", Some(false), false),
            ("fill_gaps = false", Some(true), true),
        ] {
            let (_folder, path) = file(text);
            let line = Choices { fill_gaps: Switch::new(line), ..Choices::default() };
            assert_eq!(settings(&with_file(line, &path).unwrap(), &[]).unwrap().fill_gaps, wanted, "{text}");
        }
    }

    #[test]
    fn what_is_done_to_fields_is_read_by_its_name() {
        for kind in Deinterlace::ALL {
            let (_folder, path) = file(&format!("deinterlace = \"{}\"", kind.name()));
            let chosen = |line: Choices| settings(&with_file(line, &path).unwrap(), &[]).unwrap().deinterlace;
            assert_eq!(chosen(Choices::default()), kind);
            let line = Choices { deinterlace: Some(Deinterlace::Field), ..Choices::default() };
            assert_eq!(chosen(line), Deinterlace::Field);
        }
        assert_eq!(settings(&Choices::default(), &[]).unwrap().deinterlace, Deinterlace::Auto);
    }

    #[test]
    fn what_the_server_passes_over_and_waits_for_is_read() {
        let (_folder, path) =
            file("settle = \"90s\"\nignore = [\"*.trailer.mkv\", \"Extras/\"]\nskip_samples = true");
        let found = watching(&Choices::default(), &path).unwrap();
        assert_eq!(found.settle, Duration::from_secs(90));
        assert_eq!((found.rules.ignore.len(), found.rules.skip_samples), (2, true));
        let usual = watching(&Choices::default(), Path::new("/nonexistent/upscaled.toml")).unwrap();
        let keep = KeepJobs { days: 90, jobs: 10_000 };
        assert_eq!(usual, Watching { settle: SETTLE, rules: NameRules::default(), keep });
        let (_folder, path) = file("keep_jobs_days = 7\nkeep_jobs = 0");
        assert_eq!(watching(&Choices::default(), &path).unwrap().keep, KeepJobs { days: 7, jobs: 0 });
        for wrong in ["settle = \"soon\"", "ignore = [\"a/b\"]", "ignore = \"*.mkv\"", "skip_samples = 1"] {
            let (_folder, path) = file(wrong);
            let error = format!("{:#}", watching(&Choices::default(), &path).unwrap_err());
            assert!(error.contains("upscaled.toml"), "{error}");
        }
    }

    #[test]
    fn mistakes_in_the_file_are_said() {
        for text in [
            "modle = \"none\"",
            "scale = \"two\"",
            "scale = 2\nheight = 720",
            "width = 1280\nfit = \"1920x1080\"",
            "fit = \"large\"",
            "scale = ",
            "reuse_tolerance = 256",
            "max_disk = \"much\"",
            "deinterlace = \"yes\"",
        ] {
            let (_folder, path) = file(text);
            let error = format!("{:#}", with_file(Choices::default(), &path).unwrap_err());
            assert!(error.contains("upscaled.toml`, line "), "{error}");
        }
    }

    #[test]
    fn a_mistake_in_the_file_is_told_in_its_own_words() {
        let said = |text: &str, line: Choices| {
            let (_folder, path) = file(text);
            let error = format!("{:#}", complete(&line, &path, &[]).unwrap_err());
            error.split_once("upscaled.toml`, ").map_or_else(|| error.clone(), |(_, words)| words.to_owned())
        };
        for (text, words) in [
            (
                "codec = \"ffv1\"\ncontainer = \"mp4\"",
                "line 2: container: MP4 files have no place for ffv1: write container = \"mkv\"",
            ),
            (
                "encoder_options = { crf = \"20\" }",
                "line 1: encoder_options: `crf` is no other option of the encoder: set it by crf",
            ),
            (
                "crf = 3\ncodec = \"ffv1\"",
                "line 1: crf: the encoder ffv1 has no choice of quality: leave crf out",
            ),
            (
                "codec = \"hevc\"\nencoder = \"libx264\"",
                "line 2: encoder: the encoder libx264 does not make hevc: leave codec or encoder out",
            ),
        ] {
            let found = said(text, Choices::default());
            assert_eq!(found, words);
            assert!(!found.contains("--"), "{found}");
        }
        for text in [
            "denoise = 0.5",
            "model = \"none\"\nstrength = 0.5",
            "model = \"realesr-animevideov3\"\ndenoise = 0.5",
        ] {
            let found = said(text, Choices::default());
            assert!(found.starts_with("line ") && !found.contains("--"), "{found}");
        }
        // What the command line says is said with its options.
        let line = Choices {
            codec: Some("ffv1".parse().unwrap()),
            container: Some("mp4".parse().unwrap()),
            ..Choices::default()
        };
        assert!(said("crf = 20", line).contains("--container mkv"));
    }

    #[test]
    fn it_is_said_where_each_setting_is_from() {
        let (_folder, path) = file("crf = 20 # good\n\nheight = 720\nreuse = false\nignore = [\"a\"]");
        let of = |line: &Choices, key: &str| {
            let all = effective(line, &path).unwrap();
            let setting = all.into_iter().find(|setting| setting.key == key).unwrap();
            format!("{} from {}", setting.value, setting.origin)
        };
        let none = Choices::default();
        assert_eq!(of(&none, "crf"), "20 from upscaled.toml, line 1");
        assert_eq!(of(&none, "ignore"), "[\"a\"] from upscaled.toml, line 5");
        assert_eq!(of(&none, "scale"), "- from default");
        assert_eq!(of(&none, "model"), "\"realesr-general-x4v3\" from default");
        let size = SizeChoice { scale: Some(job::Scale::whole(2)), ..SizeChoice::default() };
        let line = Choices { crf: Some(10), size, reuse_tolerance: Some(2), ..Choices::default() };
        assert_eq!(of(&line, "crf"), "10 from command line");
        assert_eq!(
            (of(&line, "scale"), of(&line, "height")),
            ("2 from command line".into(), "- from default".into())
        );
        assert_eq!(of(&line, "reuse"), "true from default");
    }

    #[test]
    fn no_file_is_no_mistake() {
        assert!(with_file(Choices::default(), Path::new("/nonexistent/upscaled.toml")).is_ok());
    }
}
