//! Which files and folders the inbox looks at, by their names. This is the whole list of what is passed over, upper and
//! lower case being the same everywhere; the settings `ignore` and `skip_samples` add to it.
//!
//! Files:
//! - Names that begin with `.` (hidden; also `._`) or with `~$`, or end in `~`.
//! - What another program is still writing: names that end in one of [`UNFINISHED`]. A file beside which one lies that has its
//!   name and one of [`CONTROL`] behind it waits until that is gone.
//! - Files that end in one of [`SUBTITLES`] or [`OTHER`], which are no videos.
//! - Of a DVD, the menus `VIDEO_TS.VOB` and `VTS_NN_0.VOB`; the parts of a film from the second on, which belong to the first.
//! - With `skip_samples`: files called `sample` or `*-sample`, whatever their extension.
//! - What this program made: files that say in their metadata that they are results, whatever their names. What another program
//!   named `*_upscaled.*` is taken in.
//!
//! Folders, and links to folders:
//! - Names that begin with `.` (`.Trash-1000`, `.stfolder`, `.stversions`, `.sync`, `.dropbox.cache`).
//! - [`FOLDERS`], and those whose names begin with one of [`FOLDERS_BEGIN`].
//! - [`MARKED`]: those of a name and with a file in them that tell what they are.
//! - With `skip_samples`: folders called `Sample`.
//! - Those inside more than 32 others, and links to what is looked at anyway (`walk`).

use std::ffi::OsStr;
use std::path::Path;

use super::rule::Rule;
use crate::pattern::NamePattern;

/// Extensions of video files: one of these that cannot be opened becomes a job that fails and says why.
const VIDEO: [&str; 36] = [
    "3g2", "3gp", "asf", "avi", "divx", "dv", "f4v", "flv", "gif", "h264", "hevc", "ivf", "m2t", "m2ts",
    "m2v", "m4v", "mkv", "mov", "mp4", "mpe", "mpeg", "mpg", "mts", "mxf", "nut", "ogm", "ogv", "qt", "rm",
    "rmvb", "ts", "vob", "webm", "wmv", "wtv", "y4m",
];

/// Extensions of files that lie beside videos and are never looked into.
const OTHER: [&str; 28] = [
    "bmp", "bup", "db", "doc", "flac", "ifo", "ini", "jpeg", "jpg", "json", "log", "m3u", "m3u8", "m4a",
    "md", "md5", "mp3", "nfo", "nzb", "ogg", "opus", "pdf", "rar", "sfv", "txt", "wav", "xml", "zip",
];

/// Extensions of those of them that hold subtitles, which results take along.
const SUBTITLES: [&str; 9] = ["ass", "idx", "smi", "srt", "ssa", "sub", "sup", "ttml", "vtt"];

/// Endings of files that another program is still writing.
const UNFINISHED: [&str; 22] = [
    "!qb",
    "!ut",
    "aria2",
    "bc!",
    "crdownload",
    "download",
    "dtapart",
    "fdmdownload",
    "filepart",
    "incomplete",
    "jc!",
    "opdownload",
    "part",
    "partial",
    "rsls",
    "td",
    "temp",
    "tmp",
    "unfinished",
    "ut!",
    "xltd",
    "ytdl",
];

/// Those of them that a program also puts beside the file that it writes, and takes away when that is whole.
const CONTROL: [&str; 16] = [
    "!qb",
    "!ut",
    "aria2",
    "bc!",
    "crdownload",
    "download",
    "dtapart",
    "fdmdownload",
    "filepart",
    "jc!",
    "opdownload",
    "part",
    "partial",
    "td",
    "ut!",
    "xltd",
];

/// Folders of systems, storage devices and download programs.
const FOLDERS: [&str; 7] =
    ["#recycle", "$recycle.bin", "@eadir", "@recently-snapshot", "@recycle", "__admin__", "lost+found"];
/// The one of Windows, which has blanks in its name.
const WINDOWS: &str = "system volume information";
/// Beginnings of folders that download programs unpack into.
const FOLDERS_BEGIN: [&str; 2] = ["_failed_", "_unpack_"];

/// Endings of folders, and a file in them that tells what they are: a film may be called `The.Italian.Job`.
const MARKED: [(&str, &str, Rule); 3] = [
    (".job", "job.json", Rule::Job),
    (".job", "ledger.db", Rule::Job),
    // Of Safari.
    (".download", "info.plist", Rule::Download),
];

/// Rules for names beyond those that always hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NameRules {
    /// Files and folders of these names are passed over.
    pub ignore: Vec<NamePattern>,
    /// Samples are passed over.
    pub skip_samples: bool,
}

/// What a file may be, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It says that it is a video.
    Video,
    /// It says nothing.
    Unknown,
}

/// What a file is by its extension.
pub(crate) fn of(path: &Path) -> Kind {
    if is_video(path) { Kind::Video } else { Kind::Unknown }
}

/// True for a file that says that it is a video.
pub(crate) fn is_video(path: &Path) -> bool {
    ends_in(path, &VIDEO)
}

/// True for a file that says that it holds subtitles.
pub(crate) fn is_subtitle(path: &Path) -> bool {
    ends_in(path, &SUBTITLES)
}

fn ends_in(path: &Path, extensions: &[&str]) -> bool {
    path.extension().map(lower).is_some_and(|extension| extensions.contains(&&*extension))
}

/// True for the name of a result: what made such a file is to be asked.
pub(crate) fn is_named_as_result(path: &Path) -> bool {
    let stem = path.file_stem().map(lower).unwrap_or_default();
    let stem = stem.trim_end_matches(|c: char| c.is_ascii_digit());
    stem.strip_suffix('_').unwrap_or(stem).ends_with("_upscaled")
}

impl NameRules {
    /// The rule by which a file of this name is passed over.
    pub(crate) fn against_file(&self, name: &OsStr) -> Option<Rule> {
        let shown = name.to_string_lossy();
        let name = shown.to_lowercase();
        let (stem, extension) = split(&name);
        let of_list = |list: &'static [&'static str]| list.iter().find(|&&ending| ending == extension);
        if name.starts_with('.') {
            Some(Rule::Hidden)
        } else if name.starts_with("~$") {
            Some(Rule::OpenDocument)
        } else if name.ends_with('~') {
            Some(Rule::Backup)
        } else if let Some(ending) = of_list(&UNFINISHED) {
            Some(Rule::Unfinished(ending))
        } else if let Some(ending) = of_list(&SUBTITLES).or_else(|| of_list(&OTHER)) {
            Some(Rule::Ending(ending))
        } else if self.skip_samples && (stem == "sample" || stem.ends_with("-sample")) {
            Some(Rule::Sample)
        } else if is_menu(&name) {
            Some(Rule::Menu)
        } else {
            self.ignored(&shown, false)
        }
    }

    /// The rule by which nothing becomes of a file of this name; none for one that results take along.
    pub fn against_upload(&self, name: &str) -> Option<Rule> {
        self.against_file(OsStr::new(name)).filter(|_| !is_subtitle(Path::new(name)))
    }

    /// The rule by which a folder of this name is passed over; `has` tells whether a file of a name lies in it, in any case of
    /// the letters.
    pub(crate) fn against_folder(&self, name: &OsStr, has: impl Fn(&str) -> bool) -> Option<Rule> {
        let shown = name.to_string_lossy();
        let name = shown.to_lowercase();
        let marked = MARKED.into_iter().find(|(ending, mark, _)| name.ends_with(ending) && has(mark));
        if name.starts_with('.') {
            Some(Rule::Hidden)
        } else if FOLDERS.contains(&&*name) || name == WINDOWS {
            Some(Rule::System)
        } else if FOLDERS_BEGIN.iter().any(|beginning| name.starts_with(beginning)) {
            Some(Rule::Unpacking)
        } else if let Some((_, _, rule)) = marked {
            Some(rule)
        } else if self.skip_samples && name == "sample" {
            Some(Rule::Sample)
        } else {
            self.ignored(&shown, true)
        }
    }

    fn ignored(&self, name: &str, is_folder: bool) -> Option<Rule> {
        let pattern = self.ignore.iter().find(|pattern| pattern.matches(name, is_folder));
        pattern.map(|pattern| Rule::Ignored(pattern.to_string()))
    }
}

/// The name of the file beside it that says that a file is not whole yet; `has` tells whether there is one of a name, in lower
/// case.
pub(super) fn control_file(name: &OsStr, has: impl Fn(&str) -> bool) -> Option<String> {
    let name = lower(name);
    CONTROL.iter().map(|ending| format!("{name}.{ending}")).find(|control| has(control))
}

/// A name in lower case, as this module compares names.
pub(super) fn lower(name: &OsStr) -> String {
    name.to_string_lossy().to_lowercase()
}

fn split(name: &str) -> (&str, &str) {
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => (stem, extension),
        _ => (name, ""),
    }
}

/// The menus of a DVD: `VIDEO_TS.VOB`, `VTS_NN_0.VOB`.
fn is_menu(name: &str) -> bool {
    let of_title = name.strip_prefix("vts_").and_then(|rest| rest.strip_suffix("_0.vob"));
    name == "video_ts.vob"
        || of_title.is_some_and(|title| title.len() == 2 && title.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_file(name: &str) -> Option<Rule> {
        NameRules::default().against_file(OsStr::new(name))
    }

    fn of_folder(name: &str) -> Option<Rule> {
        NameRules::default().against_folder(OsStr::new(name), |_| false)
    }

    #[test]
    fn names_say_what_is_looked_at() {
        for name in ["a.mp4", "UPPER.MKV", "-dash.avi", "a b\n'c'.ts", "trailing .mp4", "VTS_01_1.VOB"] {
            assert!(of_file(name).is_none() && of(Path::new(name)) == Kind::Video, "{name}");
        }
        for name in ["no_extension", "odd.xyz", "a.mp4.old", "sample", "part", "tilde~.d", "The.Italian.Job"]
        {
            assert!(of_file(name).is_none() && of(Path::new(name)) == Kind::Unknown, "{name}");
        }
        for (name, ending) in [
            ("a.srt", "srt"),
            ("a.en.SMI", "smi"),
            ("cover.JPG", "jpg"),
            ("VTS_01_0.IFO", "ifo"),
            ("VIDEO_TS.BUP", "bup"),
        ] {
            assert_eq!(of_file(name), Some(Rule::Ending(ending)), "{name}");
        }
    }

    #[test]
    fn what_other_programs_write_is_passed_over() {
        for ending in [
            "part",
            "partial",
            "tmp",
            "temp",
            "crdownload",
            "download",
            "filepart",
            "opdownload",
            "!qB",
            "bc!",
            "ut!",
            "!ut",
            "aria2",
            "fdmdownload",
            "jc!",
            "dtapart",
            "td",
            "xltd",
            "PART",
            "Tmp",
        ] {
            let rule = of_file(&format!("film.mkv.{ending}"));
            assert!(matches!(rule, Some(Rule::Unfinished(_))), "{ending} {rule:?}");
        }
        for (name, rule) in [
            (".hidden.mp4", Rule::Hidden),
            ("._film.mkv", Rule::Hidden),
            (".syncthing.film.mkv.tmp", Rule::Hidden),
            ("~$film.mkv", Rule::OpenDocument),
            ("film.mkv~", Rule::Backup),
        ] {
            assert_eq!(of_file(name), Some(rule), "{name}");
        }
    }

    #[test]
    fn folders_of_machines_are_passed_over() {
        for (rule, names) in [
            (
                Rule::System,
                [
                    "#recycle",
                    "$RECYCLE.BIN",
                    "@eaDir",
                    "@Recycle",
                    "@Recently-Snapshot",
                    "lost+found",
                    "System Volume Information",
                    "__ADMIN__",
                ]
                .as_slice(),
            ),
            (Rule::Hidden, &[".Trash-1000", ".stfolder", ".stversions", ".sync", ".dropbox.cache"]),
            (Rule::Unpacking, &["_UNPACK_Film", "_FAILED_Film"]),
        ] {
            for name in names {
                assert_eq!(of_folder(name).as_ref(), Some(&rule), "{name}");
            }
        }
        assert_eq!(of_file("#recycle"), None);
    }

    #[test]
    fn what_holds_for_files_does_not_hold_for_folders() {
        for name in [
            "VIDEO_TS",
            "films.zip",
            "Sample",
            "recycle",
            "tmp",
            "Film.2019.German.Sub",
            "Concert.Part",
            "Film.part",
            "Backup.zip",
            "Show_upscaled",
            "Old~",
            "The.Italian.Job",
            "Free.Download",
        ] {
            assert_eq!(of_folder(name), None, "{name}");
        }
    }

    #[test]
    fn a_folder_may_say_what_it_is() {
        for (name, inside, rule) in [
            ("a.mp4.job", "job.json", Rule::Job),
            ("a.mp4.JOB", "ledger.db", Rule::Job),
            ("Film.mp4.download", "info.plist", Rule::Download),
        ] {
            let judged = NameRules::default().against_folder(OsStr::new(name), |mark| mark == inside);
            assert_eq!(judged, Some(rule), "{name}");
        }
    }

    #[test]
    fn results_are_known_by_their_names_at_first() {
        for name in ["a_upscaled.mkv", "a.mpg_upscaled.mp4", "a_UPSCALED_12.mkv"] {
            assert!(is_named_as_result(Path::new(name)), "{name}");
        }
        for name in ["upscaled.mkv", "a_upscaled_by me.mkv", "a_upscaled_2.0.mkv", "a_2.mkv"] {
            assert!(!is_named_as_result(Path::new(name)), "{name}");
        }
    }

    #[test]
    fn menus_of_a_dvd_are_known() {
        for name in ["VIDEO_TS.VOB", "VTS_01_0.VOB", "vts_99_0.vob"] {
            assert_eq!(of_file(name), Some(Rule::Menu), "{name}");
        }
        for name in ["VTS_01_1.VOB", "VTS_1_0.VOB", "VTS_0x_0.VOB"] {
            assert_eq!(of_file(name), None, "{name}");
        }
    }

    #[test]
    fn settings_add_to_the_list() {
        let ignore = ["*.trailer.mkv", "Extras/"].map(|text| text.parse().unwrap()).to_vec();
        let rules = NameRules { ignore, skip_samples: true };
        for (name, wanted) in [
            ("a.Trailer.mkv", Some(Rule::Ignored("*.trailer.mkv".to_owned()))),
            ("extras", None),
            ("sample.MKV", Some(Rule::Sample)),
            ("film-Sample.avi", Some(Rule::Sample)),
            ("sampler.avi", None),
        ] {
            assert_eq!(rules.against_file(OsStr::new(name)), wanted, "{name}");
        }
        for (name, wanted) in [
            ("extras", Some(Rule::Ignored("Extras/".to_owned()))),
            ("Sample", Some(Rule::Sample)),
            ("film-Sample", None),
        ] {
            assert_eq!(rules.against_folder(OsStr::new(name), |_| false), wanted, "{name}");
        }
        assert_eq!(of_file("sample.mkv"), None);
    }

    #[test]
    fn a_control_file_speaks_of_the_one_beside_it() {
        let control = |name: &str, beside: &str| {
            control_file(OsStr::new(name), |wanted| wanted == lower(OsStr::new(beside)))
        };
        for beside in ["Film.mkv.aria2", "film.mkv.!qB", "film.mkv.part"] {
            assert_eq!(control("Film.mkv", beside), Some(beside.to_lowercase()), "{beside}");
        }
        for beside in ["film.aria2", "other.mkv.aria2", "film.mkv.srt", "film.mkv.nzb", "film.mkv.tmp"] {
            assert_eq!(control("film.mkv", beside), None, "{beside}");
        }
    }

    #[test]
    fn the_lists_are_sorted_and_do_not_overlap() {
        assert!(VIDEO.is_sorted() && OTHER.is_sorted() && UNFINISHED.is_sorted() && CONTROL.is_sorted());
        assert!(SUBTITLES.is_sorted() && !SUBTITLES.iter().any(|extension| OTHER.contains(extension)));
        for lists in [OTHER.as_slice(), &SUBTITLES, &UNFINISHED] {
            assert!(!VIDEO.iter().any(|extension| lists.contains(extension)));
        }
        assert!(CONTROL.iter().all(|ending| UNFINISHED.contains(ending)));
    }
}
