//! Results that are there already, known by the reports beside them: of the same source, made with the same settings.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use job::{Container, FilePath, NewJob};
use protocol::Made;
use protocol::report::{LARGEST, Told};
use storage::{fingerprint, read_users_file};

use crate::inbox::kinds;
use crate::names::{Naming, report_of, result_names};
use crate::template::NameTemplate;

/// Names that are looked at for each kind of file.
const MOST_NAMES: usize = 1000;
/// The kinds of files that results are.
const CONTAINERS: [Container; 2] = [Container::Mp4, Container::Matroska];

/// The finished result of a job in the folder where it would be, and its bytes; `None` where there is none. One that was made
/// under another template is not looked for: the template is part of what was asked.
pub fn finished_result(new: &NewJob, template: &NameTemplate, made: Option<Made>) -> Option<(FilePath, u64)> {
    if let Some(result) = &new.result {
        return bytes_of(result, new).map(|bytes| (result.clone(), bytes));
    }
    let Some(naming) = Naming::new(template, &new.settings, made) else {
        return one_that_begins(&template.beginnings(&new.settings, &new.source), new);
    };
    CONTAINERS.into_iter().find_map(|container| {
        let names = result_names(&new.source, &new.output, container, &naming).take(MOST_NAMES).enumerate();
        // The second name is taken where the first one is another's, and the others in turn.
        let there = names.take_while(|(number, name)| *number < 2 || name.exists());
        there.into_iter().find_map(|(_, name)| bytes_of(&name, new).map(|bytes| (name, bytes)))
    })
}

/// The finished result of a job among the files whose names begin so: the whole name is not known before the source was looked
/// at.
fn one_that_begins(beginnings: &[OsString], new: &NewJob) -> Option<(FilePath, u64)> {
    let names = std::fs::read_dir(&*new.output).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut names: Vec<PathBuf> = names.filter(|path| is_like(path, beginnings)).collect();
    names.sort();
    names.into_iter().map(FilePath).find_map(|name| bytes_of(&name, new).map(|bytes| (name, bytes)))
}

fn is_like(path: &Path, beginnings: &[OsString]) -> bool {
    let is_kind = |extension: &OsStr| CONTAINERS.iter().any(|container| extension == container.extension());
    let begins =
        |name: &OsStr| beginnings.iter().any(|beginning| name.as_bytes().starts_with(beginning.as_bytes()));
    path.extension().is_some_and(is_kind) && path.file_name().is_some_and(begins)
}

/// True for a file that its name or the report beside it says to be a result.
pub fn is_known_as_result(file: &Path) -> bool {
    kinds::is_named_as_result(file) || report_beside(file).is_some()
}

/// True for a file that is the result of another source, as its report says: neither its name nor its content is this one's.
pub fn is_of_another_source(result: &Path, source: &Path) -> bool {
    let Some(told) = report_beside(result) else { return false };
    let is_same_content = || fingerprint(source).is_ok_and(|found| found.hex == told.source.fingerprint);
    told.source.path != source.to_string_lossy() && !is_same_content()
}

/// What the report beside a result says.
pub(crate) fn report_beside(result: &Path) -> Option<Told> {
    let bytes = read_users_file(&report_of(result), LARGEST).ok()??;
    Told::read(&bytes)
}

/// The bytes of a file that is the result of this very job, as far as its report and its size tell.
fn bytes_of(result: &Path, new: &NewJob) -> Option<u64> {
    let bytes = result.metadata().ok().filter(std::fs::Metadata::is_file)?.len();
    let told = report_beside(result)?;
    let is_same = told.source.fingerprint == new.fingerprint
        && told.settings_hash == new.settings.hash()
        && told.result.bytes == bytes;
    is_same.then_some(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use job::Settings;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_result_is_known_by_its_report() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let new = NewJob {
            source: "/films/a.mkv".into(),
            fingerprint: "f".to_owned(),
            stamp: String::new(),
            settings: Settings::default(),
            output: folder.path().into(),
            folder: at("a.mkv.job").into(),
            result: None,
        };
        let finished = |new: &NewJob| finished_result(new, &NameTemplate::default(), None);
        assert_eq!(finished(&new), None);
        let put = |name: &str, fingerprint: &str| {
            fs::write(at(name), "result").unwrap();
            let report = json!({
                "source": { "fingerprint": fingerprint, "path": "/films/b.mkv", "more": 1 },
                "result": { "bytes": 6 },
                "settings_hash": Settings::default().hash(),
            });
            fs::write(at(&format!("{name}.json")), report.to_string()).unwrap();
        };
        put("a_upscaled.mkv", "of another");
        put("a.mkv_upscaled.mkv", "of another");
        assert_eq!(finished(&new), None);
        put("a_upscaled_2.mkv", "f");
        let found = Some((FilePath(at("a_upscaled_2.mkv")), 6));
        assert_eq!(finished(&new), found);
        assert!(is_of_another_source(&at("a_upscaled.mkv"), Path::new("/films/a.mkv")));
        assert!(!is_of_another_source(&at("a_upscaled.mkv"), Path::new("/films/b.mkv")));
        assert!(!is_of_another_source(&at("nothing.mkv"), Path::new("/films/a.mkv")));
        // With a template that says what is not known yet, or another one.
        let with = |template: &str| finished_result(&new, &template.parse().unwrap(), None);
        put("a_720p_2.mkv", "f");
        assert_eq!(with("{stem}_{height}p"), Some((FilePath(at("a_720p_2.mkv")), 6)));
        assert_eq!(with("{stem}.{height}"), None);
        assert_eq!(with("{stem}_x"), None);
        assert!(is_known_as_result(&at("a_720p_2.mkv")) && is_known_as_result(&at("no_upscaled.mkv")));
        assert!(!is_known_as_result(&at("a_720p_3.mkv")));
        let other = Settings { crf: Some(3), ..Settings::default() };
        assert_eq!(finished(&NewJob { settings: other, ..new.clone() }), None);
        // A name of its own is the only one.
        let named = NewJob { result: Some(at("a_upscaled.mkv").into()), ..new.clone() };
        assert_eq!(finished(&named), None);
        for damage in ["", "[]", "{\"source\": 1}"] {
            fs::write(at("a_upscaled_2.mkv.json"), damage).unwrap();
            assert_eq!(finished(&new), None, "{damage}");
        }
        put("a_upscaled_2.mkv", "f");
        fs::write(at("a_upscaled_2.mkv"), "other content").unwrap();
        assert_eq!(finished(&new), None);
    }
}
