//! What `ffprobe` says of a file.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use serde::Deserialize;
use serde_json::Value;

use crate::tool;

/// Names and values of a file, a stream or a chapter.
pub(crate) type Tags = BTreeMap<String, String>;

/// What a file holds.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Media {
    pub(crate) streams: Vec<Stream>,
    pub(crate) format: Format,
    pub(crate) chapters: Vec<Chapter>,
    /// Of the video, as they are shown.
    pub(crate) frames: Vec<Frame>,
    /// Of all streams, as they stand in the file.
    pub(crate) packets: Vec<Packet>,
    /// The video that is looked at, where it is not the first.
    #[serde(skip)]
    pub(crate) chosen: Option<usize>,
}

/// What holds for the whole file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Format {
    #[serde(rename = "format_name")]
    pub(crate) name: String,
    /// In seconds, by the word of the file or by FFmpeg's guess.
    pub(crate) duration: String,
    pub(crate) tags: Tags,
}

/// A stream.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Stream {
    pub(crate) index: usize,
    pub(crate) codec_type: String,
    pub(crate) codec_name: String,
    pub(crate) codec_tag_string: String,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) sample_aspect_ratio: String,
    pub(crate) pix_fmt: String,
    pub(crate) color_range: String,
    pub(crate) color_space: String,
    pub(crate) color_transfer: String,
    pub(crate) color_primaries: String,
    pub(crate) chroma_location: String,
    pub(crate) time_base: String,
    pub(crate) extradata_hash: String,
    pub(crate) disposition: BTreeMap<String, u8>,
    pub(crate) tags: Tags,
    pub(crate) side_data_list: Vec<Value>,
}

/// A chapter.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Chapter {
    pub(crate) start_time: String,
    pub(crate) end_time: String,
    pub(crate) tags: Tags,
}

/// A decoded frame.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Frame {
    pub(crate) pts: Option<i64>,
    pub(crate) best_effort_timestamp: Option<i64>,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) sample_aspect_ratio: String,
    pub(crate) color_range: String,
    pub(crate) color_space: String,
    #[serde(rename = "interlaced_frame")]
    pub(crate) interlaced: u8,
    pub(crate) side_data_list: Vec<Value>,
}

/// A packet.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Packet {
    pub(crate) stream_index: usize,
    pub(crate) pts: Option<i64>,
    pub(crate) dts: Option<i64>,
    pub(crate) duration: Option<i64>,
    pub(crate) data_hash: String,
    pub(crate) flags: String,
}

impl Packet {
    /// It is decoded but not shown: an edit list cuts it off.
    pub(crate) fn is_discarded(&self) -> bool {
        self.flags.contains('D')
    }
}

impl Media {
    /// The video that is upscaled: the chosen one, else the first that is no cover.
    pub(crate) fn video(&self) -> Option<&Stream> {
        self.videos().find(|stream| self.chosen.is_none_or(|chosen| stream.index == chosen))
    }

    /// All videos but covers.
    pub(crate) fn videos(&self) -> impl Iterator<Item = &Stream> {
        self.streams.iter().filter(|stream| stream.codec_type == "video" && !stream.is_cover())
    }

    /// The packets of a stream.
    pub(crate) fn packets_of(&self, stream: usize) -> impl Iterator<Item = &Packet> {
        self.packets.iter().filter(move |packet| packet.stream_index == stream)
    }
}

impl Frame {
    /// Range and matrix.
    pub(crate) fn color(&self) -> (&str, &str) {
        (&self.color_range, &self.color_space)
    }

    /// Degrees by which the frame itself says that it is to be turned.
    pub(crate) fn rotation(&self) -> i64 {
        let matrix = self.side_data_list.iter().find(|data| is_kind(data, "3x3 displaymatrix"));
        matrix.and_then(|matrix| matrix.get("rotation")).and_then(Value::as_i64).unwrap_or(0)
    }
}

impl Stream {
    /// True for pictures that are no video.
    pub(crate) fn is_cover(&self) -> bool {
        ["attached_pic", "timed_thumbnails"].iter().any(|name| self.disposition.get(*name) == Some(&1))
    }

    /// Seconds a tick.
    pub(crate) fn tick(&self) -> f64 {
        ratio(&self.time_base, '/').unwrap_or(0.0)
    }

    /// A tag, whatever the case of its name.
    pub(crate) fn tag(&self, name: &str) -> Option<&str> {
        tag(&self.tags, name)
    }

    /// The side data of a kind.
    pub(crate) fn side_data(&self, kind: &str) -> Option<&Value> {
        self.side_data_list.iter().find(|data| is_kind(data, kind))
    }
}

/// True for side data of a kind, by FFmpeg's name for it.
pub(crate) fn is_kind(data: &Value, kind: &str) -> bool {
    data.get("side_data_type").and_then(Value::as_str) == Some(kind)
}

/// A tag, whatever the case of its name.
pub(crate) fn tag<'a>(tags: &'a Tags, name: &str) -> Option<&'a str> {
    tags.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// A fraction as a number; `None` where it is unknown.
pub(crate) fn ratio(text: &str, sign: char) -> Option<f64> {
    let (num, den) = text.split_once(sign)?;
    let (num, den): (f64, f64) = (num.parse().ok()?, den.parse().ok()?);
    (num > 0.0 && den > 0.0).then(|| num / den)
}

/// Looks into a file, at all of its packets and all frames of its video, which `choose` names where it is not the first.
pub(crate) fn probe(
    path: &Path,
    limit: Duration,
    choose: impl FnOnce(&Media) -> Option<usize>,
) -> anyhow::Result<Media> {
    let about = || format!("looking into {}", path.display());
    let mut media =
        ask(path, &["-show_streams", "-show_format", "-show_chapters", "-show_data_hash", "MD5"], limit)
            .with_context(about)?;
    let entries = "packet=stream_index,pts,dts,duration,data_hash,flags:packet_side_data=";
    let packets = ["-show_packets", "-show_data_hash", "MD5", "-show_entries", entries];
    media.packets = ask(path, &packets, limit).with_context(about)?.packets;
    media.chosen = choose(&media);
    if let Some(video) = media.video() {
        let entries = "frame=pts,best_effort_timestamp,width,height,sample_aspect_ratio,interlaced_frame,color_range,color_space,\
side_data_list:frame_side_data";
        let video = video.index.to_string();
        let frames = ["-select_streams", &video, "-show_frames", "-show_entries", entries];
        media.frames = ask(path, &frames, limit).with_context(about)?.frames;
    }
    Ok(media)
}

/// The video of a result that was made of another file's: of several, the one whose packets are not those of a stream of
/// the source.
pub(crate) fn made_of(result: &Media, source: &Media) -> Option<usize> {
    let hashes = |media: &Media, stream: &Stream| -> Vec<String> {
        media.packets_of(stream.index).map(|packet| packet.data_hash.clone()).collect()
    };
    let copied: Vec<_> = source.videos().map(|stream| hashes(source, stream)).collect();
    result.videos().find(|stream| !copied.contains(&hashes(result, stream))).map(|stream| stream.index)
}

fn ask(path: &Path, arguments: &[&str], limit: Duration) -> anyhow::Result<Media> {
    let mut command = Command::new("ffprobe");
    // With more threads, decoders make of damaged files what they like.
    command
        .args(["-v", "error", "-of", "json", "-threads", "1"])
        .args(tool::PROBING)
        .args(arguments)
        .arg("-i")
        .arg(tool::url(path));
    let output = tool::output(&mut command, limit)?;
    serde_json::from_slice(&output).context("reading what ffprobe said")
}
