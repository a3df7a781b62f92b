//! What holds of all settings, and where each is from.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use serde::Serialize;

use super::file::{Written, read};
use super::{has_no_network, replaces_reuse};
use crate::choice::EncoderOption;
use crate::cli::{Choices, SizeChoice};

/// What is said of a size where another kind of size holds.
const NOT_SET: &str = "-";

/// Where a setting is from that the command line sets.
pub(crate) const COMMAND_LINE: &str = "command line";

/// The settings that the command line sets, as `crf = 18`.
pub(crate) fn of_command_line(all: &[Effective]) -> Vec<String> {
    let set = all.iter().filter(|setting| setting.origin == COMMAND_LINE);
    set.map(|Effective { key, value, .. }| format!("{key} = {value}")).collect()
}

/// A setting as it holds in the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Effective {
    pub(crate) key: Cow<'static, str>,
    /// As the file would have it, or what holds where nothing is set, in words.
    pub(crate) value: String,
    /// Default, file or command line.
    pub(crate) origin: String,
    /// The line of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<usize>,
}

/// All settings, and where each is from.
///
/// # Errors
/// As for [`super::with_file`].
pub(crate) fn effective(line: &Choices, path: &Path) -> anyhow::Result<Vec<Effective>> {
    let mut file = read(path)?;
    forget_replaced(&mut file.written, line);
    let setting = |(key, of_line, default): Row| {
        let (value, origin, line) = match (of_line, file.written.get(key)) {
            (Some(value), _) => (value, COMMAND_LINE.to_owned(), None),
            (None, Some((value, line))) => {
                (value.clone(), format!("upscaled.toml, line {line}"), Some(*line))
            }
            (None, None) => (default.to_owned(), "default".to_owned(), None),
        };
        Effective { key: key.into(), value: crate::output::one_line(&value), origin, line }
    };
    let has_size = line.size != SizeChoice::default()
        || ["height", "width", "fit"].iter().any(|key| file.written.contains_key(key));
    let mut all: Vec<Effective> = rows(line, has_size).into_iter().map(setting).collect();
    for (name, preset) in &file.presets {
        all.extend(of_table(&format!("presets.{name}"), &preset.settings.written));
    }
    all.extend(of_table("schedule", &file.schedule.written));
    for (number, folder) in (1..).zip(&file.folders) {
        // By its path, so that the same folder has the same name after another was put before it.
        let name = folder.path.clone().unwrap_or_else(|| number.to_string());
        all.extend(of_table(&format!("folders.\"{}\"", crate::output::one_line(&name)), &folder.written));
    }
    for (number, hook) in (1..).zip(&file.webhooks) {
        all.extend(of_table(&format!("webhooks.{number}"), &hook.written));
    }
    Ok(all)
}

/// Settings that hold from the next start on.
const OF_START: [&str; 3] = ["unconfined", "listen", "hosts"];

/// True for a setting that a running server does not take up.
pub(crate) fn needs_restart(key: &str) -> bool {
    OF_START.contains(&key)
}

/// What holds where a setting of the whole file is not set.
pub(crate) fn usual(key: &str) -> Option<&'static str> {
    rows(&Choices::default(), false).into_iter().find(|(name, ..)| *name == key).map(|(_, _, usual)| usual)
}

/// True for a setting of the file that means nothing beside what the command line sets.
pub(crate) fn is_fixed(line: &Choices, key: &str) -> bool {
    rows(line, false).into_iter().any(|(name, of_line, _)| name == key && of_line.is_some())
        || replaced(line).contains(&(key, true))
}

/// Forgets what the command line replaces as a whole.
fn forget_replaced(written: &mut Written, line: &Choices) {
    for (key, _) in replaced(line).iter().filter(|(_, is_replaced)| *is_replaced) {
        written.remove(key);
    }
}

/// The keys that the command line may replace as a whole, and whether it does.
fn replaced(line: &Choices) -> [(&'static str, bool); 8] {
    let has_size = line.size != SizeChoice::default();
    let has_reuse = replaces_reuse(line);
    let has_no_network = has_no_network(line);
    [
        ("scale", has_size),
        ("height", has_size),
        ("width", has_size),
        ("fit", has_size),
        ("reuse", has_reuse),
        ("reuse_tolerance", has_reuse),
        ("strength", has_no_network),
        ("anchor", has_no_network),
    ]
}

/// A key, what the command line sets for it, and what holds where nothing is set.
type Row = (&'static str, Option<String>, &'static str);

/// All keys, in the order in which they are shown; `has_size` where another size than the scale is chosen.
fn rows(line: &Choices, has_size: bool) -> [Row; 36] {
    let text = |text: &dyn fmt::Display| format!("\"{text}\"");
    let flag = |chosen: Option<bool>| chosen.map(|is_on| is_on.to_string());
    let size = &line.size;
    let scale = if has_size { NOT_SET } else { "4" };
    let options: Vec<String> = line
        .encoder_options
        .iter()
        .map(|EncoderOption((name, value))| format!("{name} = \"{value}\""))
        .collect();
    [
        ("model", line.model.as_ref().map(|name| text(name)), "\"realesr-general-x4v3\""),
        ("scale", size.scale.map(|scale| scale.to_string()), scale),
        ("height", size.height.map(|rows| rows.to_string()), NOT_SET),
        ("width", size.width.map(|columns| columns.to_string()), NOT_SET),
        ("fit", size.fit.map(|size| text(&size)), NOT_SET),
        ("strength", line.post_processing.strength.map(|share| share.to_string()), "1"),
        ("anchor", flag(line.post_processing.anchor.chosen()), "false"),
        ("grain", line.post_processing.grain.map(|share| share.to_string()), "0"),
        ("deinterlace", line.deinterlace.map(|kind| text(&kind.name())), "\"auto\""),
        ("crop", line.crop.map(|crop| text(&crop)), "\"off\""),
        ("denoise", line.denoise.map(|share| share.to_string()), "1"),
        ("codec", line.codec.map(|codec| text(&codec.0.name())), "by the source"),
        ("encoder", line.encoder.as_ref().map(|name| text(name)), "the first that works"),
        ("encoder_options", (!options.is_empty()).then(|| format!("{{ {} }}", options.join(", "))), "none"),
        ("crf", line.crf.map(|crf| crf.to_string()), "the encoder's own"),
        ("preset", line.preset.as_ref().map(|name| text(name)), "the encoder's own"),
        ("container", line.container.map(|kind| text(&kind.0.extension())), "by the source"),
        ("tonemap", line.tonemap.map(|_| text(&"sdr")), "HDR stays HDR"),
        ("reuse_tolerance", line.reuse_tolerance.map(|levels| levels.to_string()), "0"),
        ("reuse", flag(line.reuse.chosen()), "true"),
        ("fill_gaps", flag(line.fill_gaps.chosen()), "false"),
        ("segment_frames", line.segment_frames.map(|frames| frames.to_string()), "about a minute of work"),
        ("threads", line.threads.map(|threads| threads.to_string()), "one a core"),
        ("workers", line.workers.map(|workers| workers.to_string()), "1"),
        ("max_disk", line.max_disk.map(|limit| text(&limit.0)), "what is free"),
        ("keep_time", flag(line.keep_time.chosen()), "false"),
        ("name", line.name.as_ref().map(|name| text(name)), "\"{stem}_upscaled\""),
        ("subtitle_files", flag(line.subtitle_files.chosen()), "true"),
        ("unconfined", flag(line.unconfined.chosen()), "false"),
        ("settle", None, "\"10m\""),
        ("ignore", None, "[]"),
        ("skip_samples", flag(line.skip_samples.chosen()), "false"),
        ("keep_jobs_days", None, "90"),
        ("keep_jobs", None, "10000"),
        ("listen", None, "[\"127.0.0.1:8100\"]"),
        ("hosts", None, "[]"),
    ]
}

/// What a table sets, in the order of its lines.
fn of_table(name: &str, written: &Written) -> Vec<Effective> {
    let setting = |(key, (value, line)): (&&str, &(String, usize))| Effective {
        key: format!("{name}.{key}").into(),
        value: crate::output::one_line(value),
        origin: format!("upscaled.toml, line {line}"),
        line: Some(*line),
    };
    let mut all: Vec<Effective> = written.iter().map(setting).collect();
    all.sort_by_key(|setting| setting.line);
    all
}

/// The settings in which two states differ, as `crf: 20 -> 18`.
pub(crate) fn differences(before: &[Effective], after: &[Effective]) -> Vec<String> {
    let changed = changed_settings(before, after).into_iter();
    changed.map(|(key, before, after)| format!("{key}: {before} -> {after}")).collect()
}

/// The settings in which two states differ, with their values before and after.
pub(crate) fn changed_settings(before: &[Effective], after: &[Effective]) -> Vec<(String, String, String)> {
    let value = |all: &[Effective], key: &str| {
        let found = all.iter().find(|setting| setting.key == key);
        found.map_or_else(|| NOT_SET.to_owned(), |setting| setting.value.clone())
    };
    let gone = before.iter().filter(|old| after.iter().all(|new| new.key != old.key));
    let keys = after.iter().chain(gone).map(|setting| &setting.key);
    let values = keys.map(|key| (key.to_string(), value(before, key), value(after, key)));
    values.filter(|(_, before, after)| before != after).collect()
}
