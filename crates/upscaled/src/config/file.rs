//! The file `upscaled.toml`: what it says, and what is wrong with it, with the line and an example.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context as _;
use coordinator::{NamePattern, NameTemplate};
use job::{Crop, Deinterlace, Scale};
use toml::de::{DeTable, DeValue};

use super::entry::{Entry, parsed};
use super::schedule::{self, ScheduleTable};
use super::tables::{self, FolderTable, PresetTable};
use super::webhooks::{self, HookTable};
use crate::choice::{self, CodecName, ContainerName, DiskLimit, Tonemap};
use crate::exit::wrong_in_file;
use crate::size::PictureSize;
use crate::time_span::TimeSpan;

/// Every key is optional.
#[derive(Debug, Default, Clone)]
pub(super) struct File {
    pub(super) model: Option<String>,
    pub(super) scale: Option<Scale>,
    pub(super) height: Option<u32>,
    pub(super) width: Option<u32>,
    pub(super) fit: Option<PictureSize>,
    pub(super) strength: Option<f32>,
    pub(super) anchor: Option<bool>,
    pub(super) grain: Option<f32>,
    pub(super) denoise: Option<f32>,
    pub(super) codec: Option<CodecName>,
    pub(super) encoder: Option<String>,
    pub(super) encoder_options: Option<Vec<(String, String)>>,
    pub(super) crf: Option<u8>,
    pub(super) preset: Option<String>,
    pub(super) tonemap: Option<Tonemap>,
    pub(super) segment_frames: Option<u32>,
    pub(super) reuse: Option<bool>,
    pub(super) reuse_tolerance: Option<u8>,
    pub(super) fill_gaps: Option<bool>,
    pub(super) container: Option<ContainerName>,
    pub(super) deinterlace: Option<Deinterlace>,
    pub(super) crop: Option<Crop>,
    pub(super) threads: Option<u32>,
    pub(super) workers: Option<u32>,
    pub(super) max_disk: Option<DiskLimit>,
    pub(super) keep_time: Option<bool>,
    pub(super) name: Option<NameTemplate>,
    pub(super) subtitle_files: Option<bool>,
    pub(super) unconfined: Option<bool>,
    // Of the server alone.
    pub(super) settle: Option<TimeSpan>,
    pub(super) ignore: Option<Vec<NamePattern>>,
    pub(super) skip_samples: Option<bool>,
    pub(super) keep_jobs_days: Option<u32>,
    pub(super) keep_jobs: Option<u32>,
    pub(super) listen: Option<Vec<SocketAddr>>,
    pub(super) hosts: Option<Vec<String>>,
    pub(super) presets: BTreeMap<String, PresetTable>,
    pub(super) folders: Vec<FolderTable>,
    pub(super) schedule: ScheduleTable,
    pub(super) webhooks: Vec<HookTable>,
    /// The values as they are written, each with its line.
    pub(super) written: Written,
}

/// The values of a table as they are written, each with its line.
pub(super) type Written = BTreeMap<&'static str, (String, usize)>;

/// A key and an example of what may stand behind it.
pub(super) type Key = (&'static str, &'static str);

/// The keys, each with an example.
pub(super) const KEYS: [Key; 36] = [
    ("model", "\"realesr-general-x4v3\""),
    ("scale", "4"),
    ("height", "1080"),
    ("width", "1920"),
    ("fit", "\"1920x1080\""),
    ("strength", "0.7"),
    ("anchor", "true"),
    ("grain", "0.1"),
    ("denoise", "0.5"),
    ("codec", "\"h264\""),
    ("encoder", "\"libx264\""),
    ("encoder_options", "{ tune = \"film\" }"),
    ("crf", "16"),
    ("preset", "\"veryfast\""),
    ("tonemap", "\"sdr\""),
    ("segment_frames", "500"),
    ("reuse", "true"),
    ("reuse_tolerance", "2"),
    ("fill_gaps", "true"),
    ("container", "\"mkv\""),
    ("deinterlace", "\"auto\""),
    ("crop", "\"auto\""),
    ("threads", "4"),
    ("workers", "2"),
    ("max_disk", "\"200GB\""),
    ("keep_time", "true"),
    ("name", "\"{stem}_{height}p\""),
    ("subtitle_files", "false"),
    ("unconfined", "true"),
    ("settle", "\"10m\""),
    ("ignore", "[\"*.trailer.mkv\", \"Extras/\"]"),
    ("skip_samples", "true"),
    ("keep_jobs_days", "90"),
    ("keep_jobs", "10000"),
    ("listen", "[\"127.0.0.1:8100\"]"),
    ("hosts", "[\"films.example.org\"]"),
];

/// The tables.
const TABLES: [&str; 4] = ["presets", "folders", "schedule", "webhooks"];

/// The keys of the settings of a job, which presets and folders may have too.
pub(super) const OF_JOB: [&str; 22] = [
    "model",
    "scale",
    "height",
    "width",
    "fit",
    "strength",
    "anchor",
    "grain",
    "denoise",
    "codec",
    "encoder",
    "encoder_options",
    "crf",
    "preset",
    "tonemap",
    "segment_frames",
    "reuse",
    "reuse_tolerance",
    "fill_gaps",
    "container",
    "deinterlace",
    "crop",
];

/// What the file says; nothing where there is none.
///
/// # Errors
/// When it cannot be read, or has a mistake: then with its line.
pub(super) fn read(path: &Path) -> anyhow::Result<File> {
    parse(&text_of(path)?).map_err(|Mistake { line, words }| wrong_in_file(path, Some(line), words))
}

/// The text of the file; empty where there is none.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn text_of(path: &Path) -> anyhow::Result<String> {
    match std::fs::read_to_string(path) {
        // A link without its file, as to a share that is not mounted, is no file that was never written.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !path.is_symlink() => Ok(String::new()),
        read => read.with_context(|| format!("`{}` cannot be read", path.display())),
    }
}

/// What is wrong, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) line: usize,
    pub(super) words: String,
}

pub(super) fn parse(text: &str) -> Result<File, Mistake> {
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let line = line_of(text, at);
        let words = unreadable(text.lines().nth(line - 1).unwrap_or_default());
        Mistake { line, words: words.unwrap_or_else(|| error.message().to_owned()) }
    })?;
    let mut file = File::default();
    let is_table = |(key, _): &Spanned<'_>| TABLES.contains(&&**key.get_ref());
    let (tables, entries) = table.get_ref().iter().partition(is_table);
    let (tables, entries): (Vec<Spanned<'_>>, Vec<Spanned<'_>>) = (tables, entries);
    if let Some((key, _)) =
        entries.iter().find(|(key, value)| key.get_ref() == "preset" && value.get_ref().is_table())
    {
        let words =
            "settings under a name are presets: write for example [presets.films] with an s".to_owned();
        return Err(Mistake { line: line_of(text, key.span().start), words });
    }
    let place = Place { text, name: "", keys: &KEYS };
    file.written = place.read(entries, |entry| file.set(entry))?;
    check_one_size(&file.written).map_err(|(line, words)| Mistake { line, words })?;
    for (key, value) in tables {
        match &**key.get_ref() {
            "presets" => file.presets = tables::presets(text, value)?,
            "schedule" => file.schedule = schedule::read(text, value)?,
            "webhooks" => file.webhooks = webhooks::tables(text, value)?,
            _ => file.folders = tables::folders(text, value)?,
        }
    }
    Ok(file)
}

/// A table of the file.
pub(super) struct Place<'a> {
    pub(super) text: &'a str,
    /// What it is called, with a dot at its end; empty for the whole file.
    pub(super) name: &'a str,
    /// The keys that it may have.
    pub(super) keys: &'a [Key],
}

/// A key and its value where they stand.
pub(super) type Spanned<'a> = (&'a toml::Spanned<Cow<'a, str>>, &'a toml::Spanned<DeValue<'a>>);

impl Place<'_> {
    /// Gives each entry to `set`, in the order of the lines, so that the first mistake is said.
    pub(super) fn read(
        &self,
        mut entries: Vec<Spanned<'_>>,
        mut set: impl FnMut(&Entry<'_>) -> Result<(), String>,
    ) -> Result<Written, Mistake> {
        let mut written = Written::new();
        entries.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in entries {
            let line = line_of(self.text, key.span().start);
            let mistake = |words: String| Mistake { line, words };
            let Some(&(name, example)) = self.keys.iter().find(|(name, _)| name == key.get_ref()) else {
                return Err(mistake(self.unknown(key.get_ref())));
            };
            let raw = self.text.get(value.span()).unwrap_or_default().to_owned();
            let entry = Entry { place: self.name, name, example, value: value.get_ref(), raw: &raw };
            set(&entry).map_err(mistake)?;
            written.insert(name, (raw, line));
        }
        Ok(written)
    }

    fn unknown(&self, key: &str) -> String {
        let Self { name: place, keys, .. } = self;
        if key == "ignore" && keys.iter().any(|(name, _)| *name == "exclude") {
            return "ignore is a setting of the whole server: a folder of its own has exclude in its place"
                .to_owned();
        }
        if KEYS.iter().any(|(name, _)| *name == key) {
            return format!(
                "{key} is a setting of the whole server: write it above the first line in brackets"
            );
        }
        let tables = TABLES.iter().filter(|_| place.is_empty());
        let known: Vec<&str> = keys.iter().map(|(name, _)| *name).chain(tables.copied()).collect();
        unknown_among(place, key, &known)
    }
}

/// The name that is most like a word, where one is.
pub(super) fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |name: &str| strsim::jaro_winkler(name, word);
    let nearest = names.max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
    nearest.filter(|name| likeness(name) > 0.8)
}

/// Refuses more than one kind of size in a table, with the line of the last of them.
pub(super) fn check_one_size(written: &Written) -> Result<(), (usize, String)> {
    let sizes = ["scale", "height", "width", "fit"].iter().filter_map(|name| written.get(name));
    let lines: Vec<usize> = sizes.map(|(_, line)| *line).collect();
    if let [_, _, ..] = lines.as_slice() {
        let line = lines.into_iter().max().unwrap_or_default();
        return Err((line, "more than one of scale, height, width and fit is set: keep one".to_owned()));
    }
    Ok(())
}

impl File {
    /// Takes an entry up whose key is one of these.
    pub(super) fn set(&mut self, entry: &Entry<'_>) -> Result<(), String> {
        match entry.name {
            "model" => self.model = Some(entry.text(|text| Ok(text.to_owned()))?),
            "scale" => self.scale = Some(entry.number(choice::scale)?),
            "height" => self.height = Some(entry.number(choice::side)?),
            "width" => self.width = Some(entry.number(choice::side)?),
            "fit" => self.fit = Some(entry.text(parsed)?),
            "strength" => self.strength = Some(entry.number(choice::strength)?),
            "anchor" => self.anchor = Some(entry.flag()?),
            "grain" => self.grain = Some(entry.number(choice::grain)?),
            "denoise" => self.denoise = Some(entry.number(choice::denoise)?),
            "codec" => self.codec = Some(entry.text(parsed)?),
            "encoder" => self.encoder = Some(entry.text(choice::encoder)?),
            "encoder_options" => self.encoder_options = Some(entry.options()?),
            "crf" => self.crf = Some(entry.number(choice::crf)?),
            "preset" => self.preset = Some(entry.text(|text| Ok(text.to_owned()))?),
            "tonemap" => self.tonemap = Some(entry.text(parsed)?),
            "segment_frames" => self.segment_frames = Some(entry.number(choice::frames)?),
            "reuse" => self.reuse = Some(entry.flag()?),
            "reuse_tolerance" => self.reuse_tolerance = Some(entry.number(choice::levels)?),
            "fill_gaps" => self.fill_gaps = Some(entry.flag()?),
            "container" => self.container = Some(entry.text(parsed)?),
            "deinterlace" => self.deinterlace = Some(entry.text(choice::deinterlace)?),
            "crop" => self.crop = Some(entry.text(choice::crop)?),
            "threads" => self.threads = Some(entry.number(choice::threads)?),
            "workers" => self.workers = Some(entry.number(choice::workers)?),
            "max_disk" => self.max_disk = Some(entry.text(parsed)?),
            "keep_time" => self.keep_time = Some(entry.flag()?),
            "name" => self.name = Some(entry.text(parsed)?),
            "subtitle_files" => self.subtitle_files = Some(entry.flag()?),
            "unconfined" => self.unconfined = Some(entry.flag()?),
            "settle" => self.settle = Some(entry.text(parsed)?),
            "ignore" => self.ignore = Some(entry.texts(parsed::<NamePattern>)?),
            "skip_samples" => self.skip_samples = Some(entry.flag()?),
            "keep_jobs_days" => self.keep_jobs_days = Some(entry.number(choice::days)?),
            "keep_jobs" => self.keep_jobs = Some(entry.number(choice::jobs)?),
            "listen" => self.listen = Some(entry.texts(choice::address)?),
            "hosts" => self.hosts = Some(entry.texts(choice::host)?),
            other => return Err(format!("there is no setting `{other}`")),
        }
        Ok(())
    }
}

/// What is said of a key of a table, or of the whole file where its name is empty, that is none of these.
pub(super) fn unknown_among(place: &str, key: &str, known: &[&str]) -> String {
    if let Some(name) = nearest(key, known.iter().copied()) {
        return format!("there is no setting `{place}{key}`: did you mean `{place}{name}`?");
    }
    format!("there is no setting `{place}{key}`: there are {}", known.join(", "))
}

/// What is wrong with a line that is no TOML, where it is of a usual kind: a text without quotes, nothing, or a key that an
/// earlier line has.
fn unreadable(line: &str) -> Option<String> {
    let (key, value) = line.split_once('=')?;
    let key = key.trim();
    let (name, example) = KEYS.iter().find(|(name, _)| *name == key)?;
    let value = value.split('#').next().unwrap_or_default().trim();
    if value.is_empty() {
        return Some(format!("{name} has no value: write for example {name} = {example}"));
    }
    if DeTable::parse(line).is_ok() {
        return Some(format!("{name} stands there twice: leave one of them"));
    }
    if !example.starts_with('"') {
        return Some(format!("{name} = {value} cannot be: write for example {name} = {example}"));
    }
    let is_bare = value.chars().all(|c| !matches!(c, '"' | '\'' | '[' | ']' | '{' | '}' | '='));
    is_bare.then(|| format!("write it in quotes: {name} = \"{value}\""))
}

/// The line of a place in a text, from 1 on.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|&byte| byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_an_example_that_can_be() {
        for (name, example) in KEYS {
            let file = parse(&format!("{name} = {example}")).unwrap();
            assert_eq!(file.written[name], (example.to_owned(), 1));
        }
    }

    #[test]
    fn mistakes_are_said_with_the_line_and_what_to_write() {
        for (text, line, words) in [
            ("model = none", 1, "write it in quotes: model = \"none\""),
            ("\n\nmax_disk = 200GB # a disk", 3, "write it in quotes: max_disk = \"200GB\""),
            ("scale = 2\nmodel = 200", 2, "write it in quotes: model = \"200\""),
            ("scale = ", 1, "scale has no value: write for example scale = 4"),
            ("scale = 2\nscale = 3", 2, "scale stands there twice: leave one of them"),
            ("scale = 2 3", 1, "scale = 2 3 cannot be: write for example scale = 4"),
            ("scale = \"2\"", 1, "write it without quotes: scale = 2"),
            (
                "scale = \"two\"",
                1,
                "scale = \"two\" cannot be: choose a number from 1 to 8 with two decimals at most, such as 2 or 1.5; for example scale = 4",
            ),
            (
                "scale = 9",
                1,
                "scale = 9 cannot be: choose a number from 1 to 8 with two decimals at most, such as 2 or 1.5; for example scale = 4",
            ),
            (
                "max_disk = 200",
                1,
                "max_disk = 200 cannot be: a size needs its unit: did you mean \"200GB\"?; for example max_disk = \"200GB\"",
            ),
            (
                "max_disk = \"200\"",
                1,
                "max_disk = \"200\" cannot be: a size needs its unit: did you mean \"200GB\"?; for example max_disk = \"200GB\"",
            ),
            ("modle = \"none\"", 1, "there is no setting `modle`: did you mean `model`?"),
            ("[[folder]]\npath = \"a\"", 1, "there is no setting `folder`: did you mean `folders`?"),
            (
                "[preset.films]\nscale = 2",
                1,
                "settings under a name are presets: write for example [presets.films] with an s",
            ),
            (
                "[[folders]]\nignore = [\"*.avi\"]",
                2,
                "ignore is a setting of the whole server: a folder of its own has exclude in its place",
            ),
            (
                "crf = -1",
                1,
                "crf = -1 cannot be: choose a whole number from 0 (best) to 51, for AV1 from 1 to 63; for example crf = 16",
            ),
            (
                "grain = true",
                1,
                "grain = true cannot be: choose a number from 0 (none) to 1; for example grain = 0.1",
            ),
            ("anchor = 1", 1, "anchor = 1 cannot be: write true or false; for example anchor = true"),
            (
                "ignore = \"*.mkv\"",
                1,
                "ignore = \"*.mkv\" cannot be: texts in quotes are expected, within brackets; for example ignore = [\"*.trailer.mkv\", \"Extras/\"]",
            ),
            (
                "encoder_options = \"tune=film\"",
                1,
                "encoder_options = \"tune=film\" cannot be: names and values in braces are expected; for example encoder_options = { tune = \"film\" }",
            ),
            ("scale = 2\nheight = 720", 2, "more than one of scale, height, width and fit is set: keep one"),
        ] {
            assert_eq!(parse(text).unwrap_err(), Mistake { line, words: words.to_owned() });
        }
    }

    #[test]
    fn no_mistake_is_told_in_the_words_of_the_program_s_own_language() {
        let values = [
            "none",
            "\"x\"",
            "-1",
            "1e99",
            "3.5",
            "true",
            "[]",
            "{}",
            "[1, \"a\"]",
            "{ a = [1] }",
            "1979-05-27",
            "\"",
            "'",
        ];
        for (name, _) in KEYS {
            for value in values {
                let Err(Mistake { words, .. }) = parse(&format!("{name} = {value}")) else { continue };
                for foreign in
                    ["invalid type", "expected a", "u32", "u8", "f32", "variant", "deserial", "i64"]
                {
                    assert!(!words.contains(foreign), "{name} = {value}: {words}");
                }
            }
        }
    }

    #[test]
    fn options_of_the_encoder_may_be_numbers() {
        let file = parse("encoder_options = { tune = \"film\", bf = 3 }").unwrap();
        let wanted = [("bf", "3"), ("tune", "film")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(file.encoder_options.unwrap(), wanted);
    }
}
