//! The names of results and of the folders of unfinished work.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use job::{Container, FilePath, Part};

/// Longest file name in bytes on every usual file system.
const LONGEST_NAME: usize = 255;

/// The names that the result of `source` may have in `folder`, best first: `NAME_upscaled.EXT`; where that is taken,
/// `NAME.SOURCEEXT_upscaled.EXT`; then with a number. That of a part of the film has it before `_upscaled`.
pub fn result_names(
    source: &Path,
    part: Option<Part>,
    folder: &Path,
    container: Container,
) -> impl Iterator<Item = FilePath> + use<> {
    let part = part.map(|part| format!("_{}", part.label())).unwrap_or_default();
    let stem = source.file_stem().unwrap_or(OsStr::new("video")).to_owned();
    let name = source.file_name().unwrap_or(OsStr::new("video")).to_owned();
    let folder = folder.to_owned();
    let file = move |base: &OsStr, suffix: String| {
        FilePath(folder.join(joined(base, &format!("{part}_upscaled{suffix}.{}", container.extension()))))
    };
    let file_of_name = file.clone();
    let plain = std::iter::once_with({
        let (stem, file) = (stem.clone(), file.clone());
        move || file(&stem, String::new())
    });
    plain
        .chain(std::iter::once_with(move || file_of_name(&name, String::new())))
        .chain((2..).map(move |number| file(&stem, format!("_{number}"))))
}

/// The folder for the unfinished work on `source` in `output`: `NAME.EXT.job`, with a number from the second on; that of a part
/// of the film has it before them. It is UTF-8 even where the source's name is not, since SQLite opens no other paths.
pub(crate) fn numbered_job_folder(source: &Path, part: Option<Part>, output: &Path, number: u32) -> FilePath {
    let part = part.map(|part| format!(".{}", part.label())).unwrap_or_default();
    let name = source.file_name().unwrap_or(OsStr::new("video"));
    let suffix = if number < 2 { format!("{part}.job") } else { format!("{part}.{number}.job") };
    FilePath(output.join(joined(OsStr::new(&*name.to_string_lossy()), &suffix)))
}

/// The folders that the unfinished work on `source` may have beside its result in `output`, best first: `NAME.EXT.job`, then
/// with a number.
pub fn job_folders(source: &Path, part: Option<Part>, output: &Path) -> impl Iterator<Item = PathBuf> {
    (1..).map(move |number| numbered_job_folder(source, part, output, number).0)
}

/// The report beside a result: `RESULT.json`.
pub fn report_of(result: &Path) -> PathBuf {
    result.with_file_name(joined(result.file_name().unwrap_or_default(), ".json"))
}

/// `base` and `suffix`; a base that would make the name too long is cut, at a character where it is UTF-8.
fn joined(base: &OsStr, suffix: &str) -> OsString {
    let room = LONGEST_NAME - suffix.len();
    let bytes = base.as_bytes();
    let mut end = bytes.len().min(room);
    while end < bytes.len() && end > 0 && bytes[end] & 0b1100_0000 == 0b1000_0000 {
        end -= 1;
    }
    let mut name = bytes[..end].to_vec();
    name.extend_from_slice(suffix.as_bytes());
    OsString::from_vec(name)
}

#[cfg(test)]
mod tests {
    use job::FilmTime;

    use super::*;

    fn names(source: &str, count: usize) -> Vec<String> {
        let all = result_names(Path::new(source), None, Path::new("out"), Container::Matroska);
        all.take(count).map(|name| name.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn results_are_named_after_the_source() {
        let wanted =
            ["out/a_upscaled.mkv", "out/a.mpg_upscaled.mkv", "out/a_upscaled_2.mkv", "out/a_upscaled_3.mkv"];
        assert_eq!(names("in/a.mpg", 4), wanted);
        assert_eq!(names("-no extension", 1), ["out/-no extension_upscaled.mkv"]);
    }

    #[test]
    fn a_part_of_a_film_is_in_its_names() {
        let part = Part::of(Some(FilmTime(60_000_000)), Some(FilmTime(120_000_000)));
        let (source, output) = (Path::new("in/a.mpg"), Path::new("out"));
        let names = result_names(source, part, output, Container::Matroska);
        let wanted = ["a_00h01m00s-00h02m00s_upscaled.mkv", "a.mpg_00h01m00s-00h02m00s_upscaled.mkv"];
        assert!(names.zip(wanted).all(|(name, wanted)| *name == output.join(wanted)));
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
