//! Packets that a muxer puts together: what the source holds is counted as the result can hold it.

use std::path::Path;
use std::time::Duration;

use super::media::{Media, Packet};
use crate::tool;

/// A picture of a Blu-ray's subtitles is several packets in a transport stream, and one in Matroska.
pub(super) fn as_the_muxer_does(
    source: &mut Media,
    file: &Path,
    result: &Media,
    limit: Duration,
) -> anyhow::Result<()> {
    if !result.format.name.contains("matroska") {
        return Ok(());
    }
    let is_cut = |codec: &str| codec == "hdmv_pgs_subtitle";
    let streams: Vec<usize> = source
        .streams
        .iter()
        .filter(|stream| is_cut(&stream.codec_name))
        .map(|stream| stream.index)
        .collect();
    for stream in streams {
        let mut command = tool::ffmpeg(&["-copyts"], file);
        command.args(["-map", &format!("0:{stream}"), "-c", "copy", "-bsf", "pgs_frame_merge"]);
        command.args(["-f", "framehash", "-hash", "md5", "-"]);
        let said = tool::output(&mut command, limit)?;
        source.packets.retain(|packet| packet.stream_index != stream);
        source.packets.extend(String::from_utf8_lossy(&said).lines().filter_map(|line| packet(line, stream)));
    }
    Ok(())
}

/// A packet, out of `0, 133200, 133200, 0, 187, 29ad2f...`: stream, DTS, PTS, duration, size, hash.
fn packet(line: &str, stream: usize) -> Option<Packet> {
    let words: Vec<&str> = line.split(',').map(str::trim).collect();
    let [number, dts, pts, duration, _, hash, ..] = words[..] else { return None };
    number.parse::<usize>().ok()?;
    let known = |word: &str| word.parse().ok();
    Some(Packet {
        stream_index: stream,
        pts: known(pts),
        dts: known(dts),
        duration: known(duration),
        data_hash: format!("MD5:{hash}"),
        flags: String::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_read() {
        let line = "0,     133200,     133201,        0,      187, 29ad2f, S=1,        1, abae57";
        let read = packet(line, 3).unwrap();
        assert_eq!((read.stream_index, read.pts, read.dts), (3, Some(133_201), Some(133_200)));
        assert_eq!(read.data_hash, "MD5:29ad2f");
        assert!(packet("#tb 0: 1/90000", 3).is_none());
    }
}
