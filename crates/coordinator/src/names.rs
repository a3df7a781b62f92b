//! The names of results and of the folders of unfinished work.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use job::{Container, FilePath};

/// Longest file name in bytes on every usual file system.
const LONGEST_NAME: usize = 255;

/// The names that the result of `source` may have in `folder`, best first: `NAME_upscaled.EXT`; where that is taken,
/// `NAME.SOURCEEXT_upscaled.EXT`; then with a number.
pub fn result_names(source: &Path, folder: &Path, container: Container) -> impl Iterator<Item = FilePath> {
    let stem = source.file_stem().unwrap_or(OsStr::new("video")).to_owned();
    let name = source.file_name().unwrap_or(OsStr::new("video")).to_owned();
    let folder = folder.to_owned();
    let file = move |base: &OsStr, suffix: String| {
        FilePath(folder.join(joined(base, &format!("_upscaled{suffix}.{}", container.extension()))))
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

/// The folder for the unfinished work on `source` in `output`: `NAME.EXT.job`, with a number from the second on. It is
/// UTF-8 even where the source's name is not, since SQLite opens no other paths.
pub(crate) fn numbered_job_folder(source: &Path, output: &Path, number: u32) -> FilePath {
    let name = source.file_name().unwrap_or(OsStr::new("video"));
    let suffix = if number < 2 { ".job".to_owned() } else { format!(".{number}.job") };
    FilePath(output.join(joined(OsStr::new(&*name.to_string_lossy()), &suffix)))
}

/// The folders that the unfinished work on `source` may have beside its result in `output`, best first: `NAME.EXT.job`, then
/// with a number.
pub fn job_folders(source: &Path, output: &Path) -> impl Iterator<Item = PathBuf> {
    (1..).map(|number| numbered_job_folder(source, output, number).0)
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
    use super::*;

    fn names(source: &str, count: usize) -> Vec<String> {
        let all = result_names(Path::new(source), Path::new("out"), Container::Matroska);
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
    fn long_names_are_cut_at_a_character() {
        let long = "ü".repeat(126) + ".mp4";
        let name = names(&long, 1).remove(0);
        assert!(name.starts_with("out/ü") && name.ends_with("ü_upscaled.mkv"), "{name}");
        assert!(name.len() - "out/".len() <= LONGEST_NAME);
        assert!(report_of(Path::new(&name)).file_name().unwrap().len() <= LONGEST_NAME);
        assert!(numbered_job_folder(Path::new(&long), Path::new(""), 2).as_bytes().len() <= LONGEST_NAME);
    }
}
