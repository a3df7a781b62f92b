//! Packets that are damaged, lost, or put together anew, by way of FFmpeg: nothing is decoded.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::random::Random;
use super::{Source, extension};
use crate::tool;

/// Longest that this may take: it copies small files.
const LIMIT: Duration = Duration::from_mins(1);
/// Containers that take most codecs.
const CONTAINERS: [&str; 8] = ["mkv", "mp4", "avi", "ts", "flv", "mov", "nut", "mpg"];
/// Streams without a container that can be glued together.
const STREAMS: [(&str, &str); 6] = [
    ("h264", "h264"),
    ("hevc", "hevc"),
    ("mpeg2video", "m2v"),
    ("mpeg1video", "m1v"),
    ("mpeg4", "m4v"),
    ("mjpeg", "mjpeg"),
];

/// Damages or drops packets of the video.
pub(super) fn packets(source: &Source, folder: &Path, random: &mut Random) -> Option<Vec<u8>> {
    let every = 2 + random.below(30);
    let filter = match random.below(4) {
        0 => format!("noise=drop=not(mod(n\\,{every}))"),
        1 => format!("noise=drop=between(n\\,{every}\\,{})", every + random.below(20)),
        2 => format!("noise=amount={}", 50 + random.below(5000)),
        // From the first keyframe, nothing is left.
        _ => "noise=drop=eq(n\\,0)".to_owned(),
    };
    let container = if random.below(3) == 0 { *random.pick(&CONTAINERS)? } else { extension(&source.path) };
    copy(&[&source.path], &["-map", "0", "-bsf:v", &filter], &folder.join(format!("a.{container}")))
}

/// Puts the packets of a file into another container.
pub(super) fn rewrap(source: &Source, folder: &Path, random: &mut Random) -> Option<(Vec<u8>, &'static str)> {
    let container = *random.pick(&CONTAINERS)?;
    let (late, offset) = (["0", "-1", "3", "95440"][random.below(4)], random.below(2));
    let mut options = vec!["-map", "0:v", "-map", "0:a?", "-output_ts_offset", late];
    if offset == 1 {
        options.extend(["-avoid_negative_ts", "disabled"]);
    }
    let bytes = copy(&[&source.path], &options, &folder.join(format!("a.{container}")))?;
    Some((bytes, container))
}

/// Puts the streams of two files into one.
pub(super) fn streams(
    source: &Source,
    other: &Source,
    folder: &Path,
    random: &mut Random,
) -> Option<(Vec<u8>, &'static str)> {
    let container = *random.pick(&["mkv", "mp4", "ts", "mov", "mkv"])?;
    let maps: &[&str] = match random.below(5) {
        0 => &["-map", "1:a?", "-map", "0:v"],
        1 => &["-map", "0:v", "-map", "1:v?", "-map", "1:a?"],
        2 => &["-map", "1:v?", "-map", "0:a?", "-map", "0:v", "-map", "1:s?"],
        3 => &["-map", "0:v", "-map", "0:v", "-map", "1:a?", "-map", "0:a?"],
        _ => &["-map", "0:v", "-map", "0:a?", "-map", "1:a?", "-map", "1:a?", "-shortest"],
    };
    let bytes = copy(&[&source.path, &other.path], maps, &folder.join(format!("a.{container}")))?;
    Some((bytes, container))
}

/// Glues videos of one codec together: where their sizes differ, the size changes in the middle.
pub(super) fn glued(
    sources: &[Source],
    source: &Source,
    folder: &Path,
    random: &mut Random,
) -> Option<(Vec<u8>, &'static str)> {
    let alike: Vec<&Source> = sources
        .iter()
        .filter(|other| other.codec == source.codec && other.size != source.size && other.path != source.path)
        .collect();
    let other = *random.pick(&alike)?;
    let is_wrapped = random.below(2) == 0;
    let raw = STREAMS.iter().find(|(codec, _)| *codec == source.codec).map(|(_, name)| *name);
    let container = if is_wrapped { "ts" } else { raw? };
    let part = |of: &Source, name: &str| {
        copy(&[&of.path], &["-map", "0:v:0"], &folder.join(format!("{name}.{container}")))
    };
    let mut bytes = part(source, "a")?;
    bytes.extend(part(other, "b")?);
    if random.below(2) == 0 {
        bytes.extend(part(source, "c")?);
    }
    Some((bytes, container))
}

/// Runs FFmpeg; `None` where it cannot do what is asked.
fn copy(inputs: &[&Path], options: &[&str], to: &Path) -> Option<Vec<u8>> {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-hide_banner", "-v", "quiet", "-y"]);
    for input in inputs {
        command.arg("-i").arg(tool::url(input));
    }
    command.args(options).args(["-c", "copy", "-copyts", "-fflags", "+bitexact"]).arg(tool::url(to));
    let ran = tool::run(&mut command, LIMIT).ok()?;
    // What FFmpeg wrote before it failed is as good as what it wrote to the end.
    ran.status?;
    std::fs::read(to).ok().filter(|bytes| !bytes.is_empty())
}
