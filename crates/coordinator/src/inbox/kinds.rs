//! Which files the inbox looks at, by their names.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Extensions of video files: one of these that cannot be opened becomes a job that fails and says why.
const VIDEO: [&str; 36] = [
    "3g2", "3gp", "asf", "avi", "divx", "dv", "f4v", "flv", "gif", "h264", "hevc", "ivf", "m2t", "m2ts",
    "m2v", "m4v", "mkv", "mov", "mp4", "mpe", "mpeg", "mpg", "mts", "mxf", "nut", "ogm", "ogv", "qt", "rm",
    "rmvb", "ts", "vob", "webm", "wmv", "wtv", "y4m",
];

/// Extensions of files that lie beside videos and are never looked into.
const OTHER: [&str; 32] = [
    "ass", "bmp", "db", "doc", "flac", "idx", "ini", "jpeg", "jpg", "json", "log", "m3u", "m3u8", "m4a",
    "md", "md5", "mp3", "nfo", "ogg", "opus", "pdf", "rar", "sfv", "srt", "ssa", "sub", "sup", "txt", "vtt",
    "wav", "xml", "zip",
];

/// Endings of files that another program is still writing.
const UNFINISHED: [&str; 7] = ["part", "partial", "tmp", "temp", "crdownload", "!qb", "download"];

/// What a file may be, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It says that it is a video.
    Video,
    /// It says nothing.
    Unknown,
}

fn extension(path: &Path) -> String {
    path.extension().map(|extension| extension.to_string_lossy().to_lowercase()).unwrap_or_default()
}

/// What a file is by its extension.
pub(super) fn of(path: &Path) -> Kind {
    if VIDEO.contains(&extension(path).as_str()) { Kind::Video } else { Kind::Unknown }
}

/// True for files and folders that are passed over: hidden, unfinished, known to be no videos, made by this program.
pub(super) fn is_ignored(path: &Path) -> bool {
    let name = path.file_name().map(OsStrExt::as_bytes).unwrap_or_default();
    let stem = path.file_stem().map(OsStrExt::as_bytes).unwrap_or_default();
    let extension = extension(path);
    name.starts_with(b".")
        || stem.ends_with(b"_upscaled")
        || extension == "job"
        || UNFINISHED.contains(&extension.as_str())
        || OTHER.contains(&extension.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_is_looked_at() {
        for name in ["a.mp4", "UPPER.MKV", "-dash.avi", "a b\n'c'.ts", "trailing .mp4"] {
            assert!(!is_ignored(Path::new(name)) && of(Path::new(name)) == Kind::Video, "{name}");
        }
        for name in ["no_extension", "odd.xyz", "a.mp4.old"] {
            assert!(!is_ignored(Path::new(name)) && of(Path::new(name)) == Kind::Unknown, "{name}");
        }
        for name in
            [".hidden.mp4", "a.mp4.part", "a.mkv.!qB", "a.srt", "cover.JPG", "a_upscaled.mkv", "a.mp4.job"]
        {
            assert!(is_ignored(Path::new(name)), "{name}");
        }
    }

    #[test]
    fn the_lists_are_sorted_and_do_not_overlap() {
        assert!(VIDEO.is_sorted() && OTHER.is_sorted());
        assert!(!VIDEO.iter().any(|extension| OTHER.contains(extension) || UNFINISHED.contains(extension)));
    }
}
