//! Which result of the Python server is that of a video, and whether it is whole.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use coordinator::Look;

use super::place::{OF_RESULTS, OldFolder};

/// Kinds of files that results are.
const ENDINGS: [&str; 6] = ["avi", "m4v", "mkv", "mov", "mp4", "webm"];
/// What names of results have behind the name of the video.
const ADDED: [&str; 27] = [
    "1080p",
    "1440p",
    "2160p",
    "2x",
    "3x",
    "4k",
    "4x",
    "720p",
    "ai",
    "animevideov3",
    "enhanced",
    "esrgan",
    "final",
    "general",
    "hd",
    "out",
    "output",
    "realesr",
    "realesrgan",
    "result",
    "sr",
    "up",
    "upscale",
    "upscaled",
    "x2",
    "x3",
    "x4",
];
/// Results that are looked at for a video.
const MOST: usize = 8;
/// Share by which length and number of frames may differ.
const SHARE: f64 = 0.02;

/// The folders of results, each of which is listed once.
#[derive(Debug, Default)]
pub(super) struct Outputs(Mutex<HashMap<PathBuf, Arc<[PathBuf]>>>);

impl Outputs {
    /// The files in a folder, in the order of their names.
    fn files(&self, folder: PathBuf) -> Arc<[PathBuf]> {
        let Ok(mut listed) = self.0.lock() else { return Arc::default() };
        let list = |folder: &Path| {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
            files.sort();
            files.into()
        };
        let files = listed.get(&folder).cloned().unwrap_or_else(|| list(&folder));
        listed.insert(folder, Arc::clone(&files));
        files
    }
}

/// The files that may be the result of a video: the one that is named, else those in `output/` that are called after it.
pub(super) fn candidates(
    old: &OldFolder,
    outputs: &Outputs,
    source: &Path,
    named: Option<&str>,
) -> Vec<PathBuf> {
    if let Some(named) = named
        && let Ok(result) = old.find(named.as_bytes(), OF_RESULTS)
        && result != source
    {
        return vec![result];
    }
    let output = old.path().join("output");
    let below = source
        .parent()
        .and_then(|folder| folder.strip_prefix(old.input()).ok())
        .map(|inside| output.join(inside));
    let mut folders: Vec<PathBuf> = below.into_iter().chain([output]).collect();
    folders.dedup();
    let stem = source.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    let mut found: Vec<PathBuf> = Vec::new();
    for folder in folders {
        let files = outputs.files(folder);
        let named = files.iter().filter(|file| is_named_after(file, &stem));
        found.extend(named.filter_map(|file| old.check(file).ok()).filter(|file| file != source));
    }
    found.truncate(MOST);
    found
}

/// True for a name of a result: that of the video in small letters, and what names of results have behind it.
fn is_named_after(file: &Path, stem: &str) -> bool {
    let lower = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().to_lowercase();
    let (name, ending) = (lower(file.file_stem()), lower(file.extension()));
    let is_added = |rest: &str| {
        let words = rest.split(['_', '-', '.', ' ', '(', ')', '[', ']']).filter(|word| !word.is_empty());
        (rest.is_empty() || !rest.starts_with(char::is_alphanumeric)) && { words }
            .all(|word| ADDED.contains(&word) || word == "x4v3")
    };
    ENDINGS.contains(&&*ending) && name.strip_prefix(stem).is_some_and(is_added)
}

/// Why a file is not the whole result of a video, in words; `None` where it is, as far as their heads tell.
pub(super) fn against(source: &Look, result: &Look) -> Option<String> {
    if let Some(unfinished) = &result.unfinished {
        return Some(unfinished.clone());
    }
    if result.size.0 < source.size.0 || result.size.1 < source.size.1 {
        let ((width, height), (columns, rows)) = (result.size, source.size);
        return Some(format!("it has {width}x{height} and the video {columns}x{rows}"));
    }
    let is_far = |one: f64, other: f64, least: f64| (one - other).abs() > least.max(SHARE * one.max(other));
    let lengths = source.seconds.zip(result.seconds);
    let frames = source.frames.zip(result.frames).filter(|(one, other)| *one > 0 && *other > 0);
    match (lengths, frames) {
        (Some((video, result)), _) if is_far(video, result, 0.5) => {
            Some(format!("it plays {result:.1} s and the video {video:.1} s"))
        }
        (_, Some((video, result))) if is_far(video.into(), result.into(), 2.0) => {
            Some(format!("it has {result} frames and the video {video}"))
        }
        (None, None) => Some("neither tells its length".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_named_after_their_videos() {
        for name in [
            "film.mp4",
            "Film_x4.mkv",
            "film_upscaled.mp4",
            "film (4k).mp4",
            "film_realesr-general-x4v3_x4.mp4",
        ] {
            assert!(is_named_after(Path::new(name), "film"), "{name}");
        }
        for name in ["film.txt", "film_2.mp4", "films.mp4", "film_x4_part.mp4", "filmx4.mp4", "film.png"] {
            assert!(!is_named_after(Path::new(name), "film"), "{name}");
        }
    }

    #[test]
    fn the_result_that_is_named_holds() {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path().canonicalize().unwrap();
        for name in
            ["input/show/a.mkv", "output/other.mp4", "output/show/a_x4.mp4", "output/a.mkv", "output/b.mkv"]
        {
            std::fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
            std::fs::write(root.join(name), "film").unwrap();
        }
        std::os::unix::fs::symlink("/etc/hosts", root.join("output/a_x2.mkv")).unwrap();
        let old = OldFolder::new(root.clone());
        let source = root.join("input/show/a.mkv");
        let found = |named| candidates(&old, &Outputs::default(), &source, named);
        assert_eq!(found(None), [root.join("output/show/a_x4.mp4"), root.join("output/a.mkv")]);
        assert_eq!(found(Some("gone.mp4")), found(None));
        for named in ["other.mp4", "output/other.mp4", "/srv/old/output/other.mp4"] {
            assert_eq!(found(Some(named)), [root.join("output/other.mp4")], "{named}");
        }
    }

    #[test]
    fn a_result_is_as_long_as_its_video() {
        let look = |size, seconds: f64, frames| Look {
            size,
            seconds: (seconds > 0.0).then_some(seconds),
            frames: (frames > 0).then_some(frames),
            is_result: false,
            unfinished: None,
        };
        let source = look((64, 48), 10.0, 250);
        for whole in [
            look((256, 192), 10.0, 250),
            look((64, 48), 10.1, 251),
            look((256, 192), 0.0, 250),
            look((256, 192), 9.9, 0),
        ] {
            assert_eq!(against(&source, &whole), None, "{whole:?}");
        }
        for (bad, why) in [
            (look((256, 192), 3.0, 250), "plays 3.0 s"),
            (look((256, 192), 10.0, 75), "75 frames"),
            (look((32, 24), 10.0, 250), "32x24"),
            (look((256, 192), 0.0, 0), "length"),
            (Look { unfinished: Some("it ends early".to_owned()), ..source.clone() }, "ends early"),
        ] {
            assert!(against(&source, &bad).unwrap().contains(why), "{bad:?}");
        }
    }
}
