//! Which files and folders the inbox looks at, by their names. This is the whole list of what is passed over, upper and
//! lower case being the same everywhere; the settings `ignore` and `skip_samples` add to it.
//!
//! - Names that begin with `.` (hidden; also `._`, `.Trash-1000`, `.stfolder`, `.stversions`, `.sync`, `.dropbox.cache`)
//!   or with `~$`.
//! - [`FOLDERS`], and folders whose names begin with one of [`FOLDERS_BEGIN`].
//! - What another program is still writing: names that end in one of [`UNFINISHED`] or in `~`. A file beside which one lies
//!   that has its name and one of [`CONTROL`] behind it waits until that is gone.
//! - Files that end in one of [`OTHER`], which are no videos.
//! - What this program made: `*_upscaled.*` and `*.job`.
//! - Of a DVD, the menus `VIDEO_TS.VOB` and `VTS_NN_0.VOB`; the parts of a film from the second on, which belong to the first.
//! - With `skip_samples`: files called `sample` or `*-sample`, whatever their extension, and folders called `Sample`.

use std::ffi::OsStr;
use std::path::Path;

use super::pattern::NamePattern;

/// Extensions of video files: one of these that cannot be opened becomes a job that fails and says why.
const VIDEO: [&str; 36] = [
    "3g2", "3gp", "asf", "avi", "divx", "dv", "f4v", "flv", "gif", "h264", "hevc", "ivf", "m2t", "m2ts",
    "m2v", "m4v", "mkv", "mov", "mp4", "mpe", "mpeg", "mpg", "mts", "mxf", "nut", "ogm", "ogv", "qt", "rm",
    "rmvb", "ts", "vob", "webm", "wmv", "wtv", "y4m",
];

/// Extensions of files that lie beside videos and are never looked into.
const OTHER: [&str; 35] = [
    "ass", "bmp", "bup", "db", "doc", "flac", "idx", "ifo", "ini", "jpeg", "jpg", "json", "log", "m3u",
    "m3u8", "m4a", "md", "md5", "mp3", "nfo", "nzb", "ogg", "opus", "pdf", "rar", "sfv", "srt", "ssa", "sub",
    "sup", "txt", "vtt", "wav", "xml", "zip",
];

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
pub(super) enum Kind {
    /// It says that it is a video.
    Video,
    /// It says nothing.
    Unknown,
}

/// What is done about a file or folder, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is looked at.
    Wanted,
    /// It is passed over.
    Ignored,
    /// It is passed over, and people may wonder: the menus of a DVD.
    Menu,
}

/// What a file is by its extension.
pub(super) fn of(path: &Path) -> Kind {
    let extension = path.extension().map(lower).unwrap_or_default();
    if VIDEO.contains(&&*extension) { Kind::Video } else { Kind::Unknown }
}

impl NameRules {
    /// What is done about a file or folder of this name.
    pub(super) fn judge(&self, name: &OsStr, is_folder: bool) -> Verdict {
        let shown = name.to_string_lossy();
        let name = shown.to_lowercase();
        let (stem, extension) = split(&name);
        let is_ignored = name.starts_with('.')
            || name.starts_with("~$")
            || extension == "job"
            || name.ends_with('~')
            || UNFINISHED.contains(&extension)
            || (if is_folder { is_odd_folder(&name) } else { OTHER.contains(&extension) })
            || self.skip_samples && is_sample(&name, is_folder)
            || self.ignore.iter().any(|pattern| pattern.matches(&shown, is_folder))
            || stem.ends_with("_upscaled");
        if is_ignored {
            Verdict::Ignored
        } else if !is_folder && is_menu(&name) {
            Verdict::Menu
        } else {
            Verdict::Wanted
        }
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

fn is_odd_folder(name: &str) -> bool {
    FOLDERS.contains(&name)
        || name == WINDOWS
        || FOLDERS_BEGIN.iter().any(|beginning| name.starts_with(beginning))
}

fn is_sample(name: &str, is_folder: bool) -> bool {
    let stem = split(name).0;
    if is_folder { name == "sample" } else { stem == "sample" || stem.ends_with("-sample") }
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

    fn judged(name: &str, is_folder: bool) -> Verdict {
        NameRules::default().judge(OsStr::new(name), is_folder)
    }

    #[test]
    fn names_say_what_is_looked_at() {
        for name in ["a.mp4", "UPPER.MKV", "-dash.avi", "a b\n'c'.ts", "trailing .mp4", "VTS_01_1.VOB"] {
            assert!(judged(name, false) == Verdict::Wanted && of(Path::new(name)) == Kind::Video, "{name}");
        }
        for name in ["no_extension", "odd.xyz", "a.mp4.old", "sample", "part", "tilde~.d"] {
            assert!(judged(name, false) == Verdict::Wanted && of(Path::new(name)) == Kind::Unknown, "{name}");
        }
        for name in ["a.srt", "cover.JPG", "VTS_01_0.IFO", "VIDEO_TS.BUP", "a_upscaled.mkv", "a.mp4.job"] {
            assert_eq!(judged(name, false), Verdict::Ignored, "{name}");
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
            "nzb",
            "PART",
            "Tmp",
        ] {
            assert_eq!(judged(&format!("film.mkv.{ending}"), false), Verdict::Ignored, "{ending}");
        }
        for name in [".hidden.mp4", "._film.mkv", "~$film.mkv", "film.mkv~", ".syncthing.film.mkv.tmp"] {
            assert_eq!(judged(name, false), Verdict::Ignored, "{name}");
        }
    }

    #[test]
    fn folders_of_machines_are_passed_over() {
        for name in [
            "#recycle",
            "$RECYCLE.BIN",
            "@eaDir",
            "@Recycle",
            "@Recently-Snapshot",
            "lost+found",
            "System Volume Information",
            ".Trash-1000",
            "_UNPACK_Film",
            "_FAILED_Film",
            "__ADMIN__",
            ".stfolder",
            ".stversions",
            ".sync",
            ".dropbox.cache",
            "a.mp4.job",
            "Film.part",
        ] {
            assert_eq!(judged(name, true), Verdict::Ignored, "{name}");
        }
        for name in ["VIDEO_TS", "films.zip", "Sample", "recycle", "tmp"] {
            assert_eq!(judged(name, true), Verdict::Wanted, "{name}");
        }
        assert_eq!(judged("#recycle", false), Verdict::Wanted);
    }

    #[test]
    fn menus_of_a_dvd_are_known() {
        for name in ["VIDEO_TS.VOB", "VTS_01_0.VOB", "vts_99_0.vob"] {
            assert_eq!(judged(name, false), Verdict::Menu, "{name}");
        }
        for name in ["VTS_01_1.VOB", "VTS_1_0.VOB", "VTS_0x_0.VOB"] {
            assert_eq!(judged(name, false), Verdict::Wanted, "{name}");
        }
    }

    #[test]
    fn settings_add_to_the_list() {
        let ignore = ["*.trailer.mkv", "Extras/"].map(|text| text.parse().unwrap()).to_vec();
        let rules = NameRules { ignore, skip_samples: true };
        for (name, is_folder, wanted) in [
            ("a.Trailer.mkv", false, Verdict::Ignored),
            ("extras", true, Verdict::Ignored),
            ("extras", false, Verdict::Wanted),
            ("Sample", true, Verdict::Ignored),
            ("sample.MKV", false, Verdict::Ignored),
            ("film-Sample.avi", false, Verdict::Ignored),
            ("sampler.avi", false, Verdict::Wanted),
        ] {
            assert_eq!(rules.judge(OsStr::new(name), is_folder), wanted, "{name}");
        }
        assert_eq!(judged("sample.mkv", false), Verdict::Wanted);
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
        assert!(!VIDEO.iter().any(|extension| OTHER.contains(extension) || UNFINISHED.contains(extension)));
        assert!(CONTROL.iter().all(|ending| UNFINISHED.contains(ending)));
    }
}
