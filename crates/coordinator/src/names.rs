//! The names of results and of the folders of unfinished work.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use job::{Container, FilePath, Part, Settings, Target};
use protocol::Made;

use crate::template::{Field, NameTemplate, Piece};

/// Longest file name in bytes on every usual file system.
const LONGEST_NAME: usize = 255;

/// What names a result beside its source.
#[derive(Debug, Clone, Copy)]
pub struct Naming<'a> {
    template: &'a NameTemplate,
    settings: &'a Settings,
    made: Option<Made>,
}

impl<'a> Naming<'a> {
    /// `None` where the template asks for what is not known of the result yet.
    pub fn new(template: &'a NameTemplate, settings: &'a Settings, made: Option<Made>) -> Option<Self> {
        (made.is_some() || !template.needs_made(settings)).then_some(Self { template, settings, made })
    }

    /// A name for a source of this stem; the stem is cut where the whole would be too long.
    fn name(&self, stem: &OsStr, suffix: &str) -> OsString {
        let Self { template, settings, made } = *self;
        let values: Vec<Option<String>> =
            template.pieces.iter().map(|piece| value(piece, settings, made)).collect();
        let part = part_behind_stem(settings);
        let fixed: usize = values.iter().flatten().map(String::len).sum();
        let stems = values.iter().filter(|value| value.is_none()).count();
        let room = LONGEST_NAME.saturating_sub(fixed + suffix.len()) / stems.max(1);
        let mut base = OsString::new();
        for value in values {
            match value {
                Some(text) => base.push(text),
                None => base.push(joined(stem, &part, room)),
            }
        }
        if stems == 0 {
            base.push(&part);
        }
        if !stem.as_bytes().starts_with(b".") {
            // A stem that long names of models leave no room for may be cut to nothing.
            base = without_dots(&base);
        }
        joined(&base, suffix, LONGEST_NAME)
    }
}

/// A name without the dots at its beginning, which would hide it.
fn without_dots(name: &OsStr) -> OsString {
    let dots = name.as_bytes().iter().take_while(|byte| **byte == b'.').count();
    OsString::from_vec(name.as_bytes().iter().skip(dots).copied().collect())
}

impl NameTemplate {
    /// True where the source has to be looked at before the name of its result is known.
    pub fn needs_made(&self, settings: &Settings) -> bool {
        let is_of_made = |piece: &Piece| value(piece, settings, None).is_some_and(|text| text.is_empty());
        self.pieces.iter().any(is_of_made)
    }

    /// How names for a source may begin, before it was looked at.
    pub(crate) fn beginnings(&self, settings: &Settings, source: &Path) -> [OsString; 2] {
        bases(source).map(|stem| {
            let mut beginning = OsString::new();
            for piece in &self.pieces {
                match value(piece, settings, None) {
                    None => {
                        beginning.push(stem);
                        beginning.push(part_behind_stem(settings));
                    }
                    Some(text) if text.is_empty() => break,
                    Some(text) => beginning.push(text),
                }
            }
            beginning
        })
    }
}

/// The text of a piece: `None` for the stem of the source, empty where it is not known of the result yet.
fn value(piece: &Piece, settings: &Settings, made: Option<Made>) -> Option<String> {
    let of_made = |text: &dyn Fn(Made) -> String| made.map(text).unwrap_or_default();
    Some(match piece {
        Piece::Text(text) => text.clone(),
        Piece::Field(Field::Stem) => return None,
        Piece::Field(Field::Height) => of_made(&|made| made.height.to_string()),
        Piece::Field(Field::Width) => of_made(&|made| made.width.to_string()),
        Piece::Field(Field::Codec) => of_made(&|made| made.codec.name().to_owned()),
        Piece::Field(Field::Scale) => match settings.target {
            Target::Scale(times) => times.to_string(),
            _ => of_made(&|made| made.times().to_string()),
        },
        // The name of a file.
        Piece::Field(Field::Model) => {
            let name = settings.model.name().replace(|c: char| c.is_control() || c == '\\' || c == '/', "_");
            let name = name.trim_start_matches('.');
            if name.is_empty() { "model".to_owned() } else { name.to_owned() }
        }
    })
}

/// What names of results have behind the stem of the source: the part of the film, where it is not all of it.
fn part_behind_stem(settings: &Settings) -> String {
    settings.part.map(|part| format!("_{}", part.label())).unwrap_or_default()
}

/// What stands for the stem of a source: the stem itself, then the whole name.
fn bases(source: &Path) -> [&OsStr; 2] {
    [source.file_stem(), source.file_name()].map(|name| name.unwrap_or(OsStr::new("video")))
}

/// The names that the result of `source` may have in `folder`, best first: `NAME_upscaled.EXT`, or what else the template says;
/// where that is taken, `NAME.SOURCEEXT_upscaled.EXT`; then with a number.
pub fn result_names(
    source: &Path,
    folder: &Path,
    container: Container,
    naming: &Naming<'_>,
) -> impl Iterator<Item = FilePath> {
    let (bases, extension) = (bases(source), container.extension());
    let file = move |stem: &OsStr, suffix: &str| {
        FilePath(folder.join(naming.name(stem, &format!("{suffix}.{extension}"))))
    };
    bases
        .into_iter()
        .map(move |stem| file(stem, ""))
        .chain((2..).map(move |number: u32| file(bases[0], &format!("_{number}"))))
}

/// The folder for the unfinished work on `source` in `output`: `NAME.EXT.job`, with a number from the second on; that of a part
/// of the film has it before them. It is UTF-8 even where the source's name is not, since SQLite opens no other paths.
pub(crate) fn numbered_job_folder(source: &Path, part: Option<Part>, output: &Path, number: u32) -> FilePath {
    let part = part.map(|part| format!(".{}", part.label())).unwrap_or_default();
    let name = source.file_name().unwrap_or(OsStr::new("video"));
    let suffix = if number < 2 { format!("{part}.job") } else { format!("{part}.{number}.job") };
    FilePath(output.join(joined(OsStr::new(&*name.to_string_lossy()), &suffix, LONGEST_NAME)))
}

/// The folders that the unfinished work on `source` may have beside its result in `output`, best first: `NAME.EXT.job`, then
/// with a number.
pub fn job_folders(source: &Path, part: Option<Part>, output: &Path) -> impl Iterator<Item = PathBuf> {
    (1..).map(move |number| numbered_job_folder(source, part, output, number).0)
}

/// The report beside a result: `RESULT.json`.
pub fn report_of(result: &Path) -> PathBuf {
    result.with_file_name(joined(result.file_name().unwrap_or_default(), ".json", LONGEST_NAME))
}

/// `base` and `suffix` in so many bytes at most; a base that would make the name too long is cut, at a character where it is
/// UTF-8.
fn joined(base: &OsStr, suffix: &str, most: usize) -> OsString {
    let mut name = cut(base, most.saturating_sub(suffix.len()));
    name.push(suffix);
    name
}

/// The beginning of a name that is at most so many bytes long, cut at a character where it is UTF-8.
fn cut(name: &OsStr, most: usize) -> OsString {
    let bytes = name.as_bytes();
    let mut end = bytes.len().min(most);
    while end < bytes.len() && end > 0 && bytes[end] & 0b1100_0000 == 0b1000_0000 {
        end -= 1;
    }
    OsString::from_vec(bytes[..end].to_vec())
}

#[cfg(test)]
mod tests {
    use job::{Codec, FilmTime, Model};
    use proptest::prelude::*;

    use super::*;

    fn names(source: &str, count: usize) -> Vec<String> {
        named("{stem}_upscaled", &Settings::default(), source, count)
    }

    fn named(template: &str, settings: &Settings, source: &str, count: usize) -> Vec<String> {
        let template: NameTemplate = template.parse().unwrap();
        let made = Made { width: 1920, height: 1080, of_height: 576, codec: Codec::Hevc };
        let naming = Naming::new(&template, settings, Some(made)).unwrap();
        let all = result_names(Path::new(source), Path::new("out"), Container::Matroska, &naming);
        all.take(count).map(|name| name.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn templates_say_what_is_made() {
        let settings = Settings { target: Target::Scale("1.5".parse().unwrap()), ..Settings::default() };
        let wanted = [
            "out/a 1920x1080 1.5 realesr-general-x4v3 hevc.mkv",
            "out/a.mpg 1920x1080 1.5 realesr-general-x4v3 hevc.mkv",
            "out/a 1920x1080 1.5 realesr-general-x4v3 hevc_2.mkv",
        ];
        assert_eq!(
            named("{stem} {width}x{height} {scale} {model} {codec}", &settings, "in/a.mpg", 3),
            wanted
        );
        let rows = Settings { target: Target::Height(1080), ..Settings::default() };
        assert_eq!(
            named("x{scale}", &rows, "in/a.mpg", 3),
            ["out/x1.88.mkv", "out/x1.88.mkv", "out/x1.88_2.mkv"]
        );
    }

    #[test]
    fn some_names_are_known_before_the_source_was_looked_at() {
        let times = Settings::default();
        let rows = Settings { target: Target::Height(1080), ..Settings::default() };
        for (template, settings, needs, beginning) in [
            ("{stem}_upscaled", &times, false, "a_upscaled"),
            ("{stem}_{scale}x {model}", &times, false, "a_4x realesr-general-x4v3"),
            ("{stem}_{scale}x", &rows, true, "a_"),
            ("{height} {stem}", &times, true, ""),
            ("{stem}.{codec}.{stem}", &times, true, "a."),
        ] {
            let template: NameTemplate = template.parse().unwrap();
            assert_eq!(template.needs_made(settings), needs, "{template}");
            assert_eq!(Naming::new(&template, settings, None).is_none(), needs, "{template}");
            assert_eq!(
                template.beginnings(settings, Path::new("in/a.mpg"))[0],
                OsStr::new(beginning),
                "{template}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_name_leaves_its_folder_or_is_too_long(
            template in "([a. {}/\\\\~é-]|\\{stem\\}|\\{height\\}|\\{scale\\}|\\{model\\}|\\{codec\\}){0,40}",
            model in "[a./\\\\\n]{0,300}",
            source in "[a.é ]{0,200}",
        ) {
            let Ok(template) = template.parse::<NameTemplate>() else { return Ok(()) };
            let model = Model::BuiltIn { name: model };
            let settings = Settings { model, ..Settings::default() };
            let made = Made { width: 2, height: 16_384, of_height: 1, codec: Codec::Prores };
            let naming = Naming::new(&template, &settings, Some(made)).unwrap();
            let source = Path::new("/in").join(source);
            for name in result_names(&source, Path::new("/out"), Container::Mp4, &naming).take(5) {
                prop_assert_eq!(name.parent(), Some(Path::new("/out")));
                let file = name.file_name().unwrap().to_str().unwrap();
                prop_assert!(file.len() <= LONGEST_NAME && Path::new(file).extension() == Some(OsStr::new("mp4")), "{}", file);
                prop_assert!(!file.contains(['/', '\\', '\n']), "{}", file);
                let is_hidden = bases(&source)[0].as_bytes().starts_with(b".");
                prop_assert!(is_hidden || !file.starts_with('.'), "{}", file);
                prop_assert_eq!(Path::new("/out").join(file), name.0);
            }
        }
    }

    #[test]
    fn results_are_named_after_the_source() {
        let wanted =
            ["out/a_upscaled.mkv", "out/a.mpg_upscaled.mkv", "out/a_upscaled_2.mkv", "out/a_upscaled_3.mkv"];
        assert_eq!(names("in/a.mpg", 4), wanted);
        assert_eq!(names("-no extension", 1), ["out/-no extension_upscaled.mkv"]);
    }

    #[test]
    fn a_long_name_of_a_model_hides_no_result() {
        let settings = Settings { model: Model::BuiltIn { name: "m".repeat(300) }, ..Settings::default() };
        for name in named("{stem}.{model}", &settings, "in/a.mpg", 3) {
            assert!(name.starts_with("out/m"), "{name}");
        }
    }

    #[test]
    fn a_part_of_a_film_is_in_its_names() {
        let part = Part::of(Some(FilmTime(60_000_000)), Some(FilmTime(120_000_000)));
        let (source, output) = (Path::new("in/a.mpg"), Path::new("out"));
        let settings = Settings { part, ..Settings::default() };
        let wanted = ["out/a_00h01m00s-00h02m00s_upscaled.mkv", "out/a.mpg_00h01m00s-00h02m00s_upscaled.mkv"];
        assert_eq!(named("{stem}_upscaled", &settings, "in/a.mpg", 2), wanted);
        assert_eq!(named("{codec}", &settings, "in/a.mpg", 1), ["out/hevc_00h01m00s-00h02m00s.mkv"]);
        let long = "x".repeat(300);
        let name = named("{stem}_upscaled", &settings, &long, 1).remove(0);
        assert!(
            name.ends_with("x_00h01m00s-00h02m00s_upscaled.mkv") && name.len() == LONGEST_NAME + 4,
            "{name}"
        );
        let folders: Vec<_> = job_folders(source, part, output).take(2).collect();
        let wanted = ["out/a.mpg.00h01m00s-00h02m00s.job", "out/a.mpg.00h01m00s-00h02m00s.2.job"];
        assert_eq!(folders, wanted.map(PathBuf::from));
    }

    #[test]
    fn long_names_are_cut_at_a_character() {
        let long = "ü".repeat(126) + ".mp4";
        let name = names(&long, 1).remove(0);
        assert!(name.starts_with("out/ü") && name.ends_with("ü_upscaled.mkv"), "{name}");
        assert!(name.len() - "out/".len() <= LONGEST_NAME);
        assert!(report_of(Path::new(&name)).file_name().unwrap().len() <= LONGEST_NAME);
        assert!(
            numbered_job_folder(Path::new(&long), None, Path::new(""), 2).as_bytes().len() <= LONGEST_NAME
        );
    }
}
