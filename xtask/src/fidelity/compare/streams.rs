//! All streams but the video: which of them are kept, and how.

use std::path::Path;
use std::time::Duration;

use super::super::allowed::{Allowed, is_told};
use super::super::media::{Media, Stream};
use super::{Compared, Pair};
use crate::tool;

/// A stream of the source and what it became.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept<'a> {
    pub(super) source: &'a Stream,
    pub(super) result: &'a Stream,
}

/// Finds every stream of the source but its video in the result.
pub(super) fn compare<'a>(
    pair: &Pair<'a>,
    video: &Stream,
    allowed: Allowed,
    limit: Duration,
    compared: &mut Compared,
) -> Vec<Kept<'a>> {
    let mut free: Vec<&Stream> = pair.result.streams.iter().collect();
    let of_result = pair.result.video().map(|video| video.index);
    free.retain(|stream| Some(stream.index) != of_result);
    let others = || pair.source.streams.iter().filter(|stream| stream.index != video.index);
    // Those that are the same byte for byte come first: what is left is what was changed.
    let mut found: Vec<(&Stream, Option<&Stream>)> = Vec::new();
    for source in others() {
        let same = free.iter().position(|result| is_same(pair, source, result, allowed));
        found.push((source, same.map(|place| free.remove(place))));
    }
    let mut kept = Vec::new();
    for (source, same) in found {
        compared.streams.1 += 1;
        let result = match same {
            Some(result) => Some(result),
            None => changed(pair, source, &mut free, limit, compared),
        };
        if let Some(result) = result {
            compared.streams.0 += 1;
            kept.push(Kept { source, result });
        }
    }
    for stream in free.iter().filter(|stream| !is_timecode(stream) && !is_chapters(stream)) {
        compared.fault(format!("the result has a stream {} ({}) too many", stream.index, stream.codec_type));
    }
    kept
}

/// True for the same bytes: packets, or what is attached.
fn is_same(pair: &Pair<'_>, source: &Stream, result: &Stream, allowed: Allowed) -> bool {
    let hashes = |media: &'_ Media, stream: &Stream| -> Vec<String> {
        media.packets_of(stream.index).map(|packet| packet.data_hash.clone()).collect()
    };
    if source.is_cover() != result.is_cover() {
        return false;
    }
    if source.codec_type == "attachment" {
        return result.codec_type == "attachment" && source.extradata_hash == result.extradata_hash;
    }
    let (mut wanted, found) = (hashes(pair.source, source), hashes(pair.result, result));
    wanted.drain(..left_out(pair, source, found.len()));
    if allowed.cut_off && found.len() + 1 == wanted.len() {
        // Of the last packet there is a half.
        wanted.pop();
    }
    source.codec_type == result.codec_type
        && source.codec_name == result.codec_name
        && (!wanted.is_empty() || source.tag("language") == result.tag("language"))
        && wanted == found
}

/// Packets of sound at the beginning that an edit list cuts off and that a result with so many packets does not have.
pub(super) fn left_out(pair: &Pair<'_>, source: &Stream, found: usize) -> usize {
    let packets: Vec<_> = pair.source.packets_of(source.index).collect();
    let missing = packets.len().saturating_sub(found);
    let is_cut =
        source.codec_type == "audio" && packets[..missing].iter().all(|packet| packet.is_discarded());
    if is_cut { missing } else { 0 }
}

/// A stream whose bytes are no longer the same: what it became, or what is said of it.
fn changed<'a>(
    pair: &Pair<'a>,
    source: &Stream,
    free: &mut Vec<&'a Stream>,
    limit: Duration,
    compared: &mut Compared,
) -> Option<&'a Stream> {
    let name = format!("stream {} ({} {})", source.index, source.codec_name, source.codec_type);
    let told = is_told(pair.notes, source.index);
    if is_chapters(source) && pair.source.chapters.is_empty() == pair.result.chapters.is_empty() {
        // A track that holds nothing but the titles of chapters, which are compared by themselves.
        compared.streams.0 += 1;
        return None;
    }
    if is_timecode(source) && is_timecode_kept(pair.result, source) {
        compared.streams.0 += 1;
        return None;
    }
    let is_alike =
        |result: &&Stream| result.codec_type == source.codec_type && result.is_cover() == source.is_cover();
    let same_codec =
        free.iter().position(|result| is_alike(result) && result.codec_name == source.codec_name);
    let place = same_codec.or_else(|| free.iter().position(is_alike));
    let Some(result) = place.map(|place| free.remove(place)) else {
        match told {
            // Without a known codec it is of use in its own container alone.
            Some(note) if is_unknown(source) || is_empty(pair.source, source) => compared.change(note),
            Some(note) => compared.fault(format!("{name} is lost: {note}")),
            None => compared.fault(format!("{name} is lost, and nothing was said")),
        }
        return None;
    };
    match same_content(pair, source, result, limit) {
        Ok(true) if source.codec_name == result.codec_name => {}
        Ok(true) => match told {
            Some(note) => compared.change(note),
            None => compared.fault(format!("{name} became {}, and nothing was said", result.codec_name)),
        },
        Ok(false) => match told {
            Some(note) if note.contains("damaged") || became_pcm(note, result) => compared.change(note),
            _ => compared.fault(format!("{name} has another content")),
        },
        Err(error) => compared.fault(format!("{name} cannot be compared: {error:#}")),
    }
    Some(result)
}

/// True for a track that was declared and never got a packet.
fn is_empty(source: &Media, stream: &Stream) -> bool {
    stream.codec_type != "attachment" && source.packets_of(stream.index).next().is_none()
}

/// True for sound whose parameters change, which was decoded, as was said: how it sounds is compared by itself.
fn became_pcm(note: &str, result: &Stream) -> bool {
    note.contains("PCM") && result.codec_name.starts_with("pcm_")
}

/// True for codecs that FFmpeg has no name for.
fn is_unknown(stream: &Stream) -> bool {
    stream.codec_type == "data" || ["", "none", "unknown"].contains(&stream.codec_name.as_str())
}

/// True for a track of titles of chapters, as MPEG-4 files have it.
fn is_chapters(stream: &Stream) -> bool {
    stream.codec_type == "data" && ["text", "sbtl", "tx3g"].contains(&stream.codec_tag_string.as_str())
}

fn is_timecode(stream: &Stream) -> bool {
    stream.codec_type == "data" && stream.codec_tag_string == "tmcd"
}

/// True when the result has the timecode as a track, or as a tag of its video or of the file.
fn is_timecode_kept(result: &Media, source: &Stream) -> bool {
    let wanted = source.tag("timecode");
    let of_file = super::super::media::tag(&result.format.tags, "timecode");
    let mut of_streams = result.streams.iter().filter_map(|stream| stream.tag("timecode"));
    wanted.is_some() && (of_file == wanted || of_streams.any(|timecode| Some(timecode) == wanted))
}

/// Compares what decoding gives, where packets are written in another way: sound, pictures and text are the same.
fn same_content(pair: &Pair<'_>, source: &Stream, result: &Stream, limit: Duration) -> anyhow::Result<bool> {
    let Some((of_source, of_result)) = pair.paths else { return Ok(false) };
    let decoded = |path: &Path, stream: &Stream| -> anyhow::Result<String> {
        let mut command = tool::ffmpeg(&[], path);
        command.args(["-map", &format!("0:{}", stream.index)]);
        match stream.codec_type.as_str() {
            "subtitle" => command.args(["-f", "srt", "-"]),
            "audio" => command.args(["-c:a", "pcm_s24le", "-f", "md5", "-"]),
            _ => command.args(["-fps_mode", "passthrough", "-f", "md5", "-"]),
        };
        let output = String::from_utf8_lossy(&tool::output(&mut command, limit)?).into_owned();
        Ok(if stream.codec_type == "subtitle" { words(&output) } else { output })
    };
    Ok(decoded(of_source, source)? == decoded(of_result, result)?)
}

/// The text of subtitles, without times, numbers and marks of style.
fn words(subtitles: &str) -> String {
    let is_text =
        |line: &&str| !line.contains(" --> ") && line.parse::<u32>().is_err() && !line.trim().is_empty();
    let mut text = String::new();
    for line in subtitles.lines().filter(is_text) {
        let mut depth = 0;
        for letter in line.chars() {
            match letter {
                '<' | '{' => depth += 1,
                '>' | '}' => depth -= 1,
                letter if depth == 0 => text.push(letter),
                _ => {}
            }
        }
        text.push('\n');
    }
    text
}
