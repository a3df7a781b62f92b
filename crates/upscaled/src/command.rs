//! Settings in the words of the command line, for messages that say how to go on.

use std::ffi::OsStr;
use std::path::Path;

use job::{Container, FilmTime, Model, Settings, Target};

/// The options that say the same as the settings, without those that are usual.
pub(crate) fn options(settings: &Settings) -> Vec<String> {
    let usual = Settings::default();
    let Settings {
        model,
        denoise,
        // It follows from the strength of the denoising.
        wdn: _,
        target,
        crf,
        preset,
        container,
        segment_frames,
        reuse,
        fill_gaps,
        codec,
        encoder,
        encoder_options,
        tonemap,
        again,
        deinterlace,
        strength,
        anchor,
        grain,
        stream,
        crop,
        part,
    } = settings;
    let mut words = Vec::new();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            words.push(name.to_owned());
            words.push(value);
        }
    };
    let model_name = match model {
        Model::None | Model::BuiltIn { .. } => model.name().to_owned(),
        Model::File { path, .. } => path.to_string_lossy().into_owned(),
    };
    add("--model", (*model != usual.model).then_some(model_name));
    add("--denoise", (*denoise < 1.0).then(|| denoise.to_string()));
    match *target {
        _ if *target == usual.target => {}
        Target::Scale(times) => add("--scale", Some(times.to_string())),
        Target::Height(rows) => add("--height", Some(rows.to_string())),
        Target::Width(columns) => add("--width", Some(columns.to_string())),
        Target::Fit { width, height } => add("--fit", Some(format!("{width}x{height}"))),
    }
    add("--strength", (*strength < 1.0).then(|| strength.to_string()));
    add("--grain", (*grain > 0.0).then(|| grain.to_string()));
    add("--codec", codec.map(|codec| codec.name().to_owned()));
    add("--encoder", encoder.clone());
    add("--crf", crf.map(|crf| crf.to_string()));
    add("--preset", preset.clone());
    for (name, value) in encoder_options {
        add("--encoder-option", Some(format!("{name}={value}")));
    }
    add("--container", container.map(Container::extension).map(str::to_owned));
    add("--segment-frames", segment_frames.map(|frames| frames.to_string()));
    add("--reuse-tolerance", reuse.filter(|levels| *levels > 0).map(|levels| levels.to_string()));
    add("--deinterlace", (*deinterlace != usual.deinterlace).then(|| deinterlace.name().to_owned()));
    add("--crop", (*crop != usual.crop).then(|| crop.to_string()));
    add("--stream", stream.map(|stream| stream.to_string()));
    let time = |time: Option<FilmTime>| time.map(|time| time.to_string());
    add("--from", part.and_then(|part| time(part.from)));
    add("--to", part.and_then(|part| time(part.to)));
    add("--tonemap", tonemap.then(|| "sdr".to_owned()));
    for (name, is_set) in [
        ("--anchor", *anchor),
        ("--no-reuse", reuse.is_none()),
        ("--fill-gaps", *fill_gaps),
        ("--again", *again),
    ] {
        words.extend(is_set.then(|| name.to_owned()));
    }
    words
}

/// The command that upscales a file with these settings, to be typed into a shell.
pub(crate) fn up(file: &Path, settings: &Settings, output: Option<&Path>, root: Option<&Path>) -> String {
    let mut settings = settings.clone();
    let mut words = vec!["upscaled".to_owned(), "up".to_owned(), text(file.as_os_str())];
    if let Some(output) = output {
        words.extend(["-o".to_owned(), text(output.as_os_str())]);
        // The name says it.
        settings.container = settings.container.filter(|_| output.is_dir());
    }
    if let Some(root) = root {
        words.extend(["--root".to_owned(), text(root.as_os_str())]);
    }
    words.extend(options(&settings));
    let quoted = words.iter().map(|word| shlex::try_quote(word).map_or_else(|_| word.clone(), Into::into));
    quoted.collect::<Vec<String>>().join(" ")
}

fn text(word: &OsStr) -> String {
    word.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use job::{Codec, Crop, Deinterlace, Part};

    use super::*;
    use crate::cli::{Arguments, Command};
    use crate::config;

    /// What the command line makes of a command.
    fn understood(command: &str) -> Settings {
        let words = shlex::split(command).unwrap();
        let Command::Up(up) = Arguments::try_parse_from(words).unwrap().command else { panic!("{command}") };
        Settings {
            stream: up.stream,
            part: up.part.over(None),
            ..config::settings(&up.choices, &[]).unwrap()
        }
    }

    #[test]
    fn a_command_says_the_same_as_the_settings() {
        let base = Settings::default();
        for settings in [
            base.clone(),
            Settings { model: Model::None, crf: Some(0), ..base.clone() },
            Settings { model: Model::BuiltIn { name: "realesr-animevideov3".to_owned() }, ..base.clone() },
            Settings { target: Target::Height(720), preset: Some("slow".to_owned()), ..base.clone() },
            Settings { target: Target::Width(720), container: Some(Container::Matroska), ..base.clone() },
            Settings { target: Target::Fit { width: 1920, height: 1080 }, strength: 0.25, ..base.clone() },
            Settings { codec: Some(Codec::Hevc), encoder: Some("libx265".to_owned()), ..base.clone() },
            Settings { encoder_options: vec![("tune".to_owned(), "a b'c".to_owned())], ..base.clone() },
            Settings { segment_frames: Some(9), reuse: Some(3), grain: 0.1, anchor: true, ..base.clone() },
            Settings { reuse: None, fill_gaps: true, again: true, tonemap: true, ..base.clone() },
            Settings { deinterlace: Deinterlace::Telecine, stream: Some(2), ..base.clone() },
            Settings { crop: Crop::Auto, ..base.clone() },
            Settings { part: Part::of(Some(FilmTime(60_500_000)), None), ..base.clone() },
            Settings { part: Part::of(None, Some(FilmTime(7_000_000))), ..base.clone() },
            Settings { crop: "720:432:0:72".parse().unwrap(), ..base.clone() },
        ] {
            let command = up(Path::new("my film.mkv"), &settings, None, None);
            assert!(command.starts_with("upscaled up 'my film.mkv'"), "{command}");
            assert_eq!(understood(&command), settings, "{command}");
        }
    }
}
