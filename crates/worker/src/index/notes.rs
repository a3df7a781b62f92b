//! What people should know of a source before the first frame is made.

use std::path::Path;

use frame::Orientation;
use job::{Container, Notice, Remedy, Shape, Target};
use media::{Index, Probe, VideoInfo};

use crate::encoding::media_container;

/// Gaps that are told one by one.
const MISSING_TOLD: usize = 5;

/// Says which files a film is cut into, where there is more than one.
pub(super) fn of_parts(source: &Path) -> Option<String> {
    let parts = storage::parts(source);
    let last = parts.last().filter(|_| parts.len() > 1)?;
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Some(format!(
        "the film is in {} files, {} to {}: they are one result",
        parts.len(),
        name(source),
        name(last)
    ))
}

/// Which frames are missing.
pub(super) fn loss(index: &Index) -> Option<String> {
    let told = index.missing.iter().take(MISSING_TOLD).map(|run| {
        let is_last = run.end as usize >= index.pts.len();
        let end = if is_last { "the end".to_owned() } else { index.clock(run.end) };
        let last = if run.len() > 1 { format!("-{}", run.end - 1) } else { String::new() };
        format!("{}{last} ({} to {end})", run.start, index.clock(run.start))
    });
    let told = told.collect::<Vec<_>>().join(", ");
    let more = and_more(index.missing.len());
    (!index.missing.is_empty()).then(|| format!("frames {told}{more} are missing in the damaged file"))
}

/// Where a recording pauses: what is lost of a transport or program stream leaves no other trace. Other films may rightly show a picture
/// for long.
pub(super) fn pauses(format: &str, index: &Index) -> Option<String> {
    /// Of a pause, at least: seconds, and frames as most are long.
    const LEAST: (f64, i64) = (0.5, 5);
    if !matches!(format, "mpegts" | "mpeg") {
        return None;
    }
    let mut steps: Vec<i64> = index.pts.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
    let is_long = |step: i64, usual: i64| {
        step as f64 * index.time_base.to_f64() >= LEAST.0 && step >= usual.saturating_mul(LEAST.1)
    };
    let places: Vec<(u32, i64)> = (0..).zip(steps.iter().copied()).collect();
    steps.sort_unstable();
    let usual = *steps.get(steps.len() / 2)?;
    let pauses: Vec<u32> =
        places.into_iter().filter(|&(_, step)| is_long(step, usual)).map(|(frame, _)| frame).collect();
    let told = pauses
        .iter()
        .take(MISSING_TOLD)
        .map(|&frame| format!("between {} and {}", index.clock(frame), index.clock(frame + 1)));
    let told = told.collect::<Vec<_>>().join(", ");
    let more = and_more(pauses.len());
    (!pauses.is_empty()).then(|| {
        format!(
            "the recording has no frames {told}{more}, as where something is lost: the frame before stays"
        )
    })
}

/// How many of so many are not told.
fn and_more(count: usize) -> String {
    match count.saturating_sub(MISSING_TOLD) {
        0 => String::new(),
        more => format!(" and {more} more"),
    }
}

/// What was found while the list was made.
pub(super) fn of_list(index: &Index) -> Vec<String> {
    let mut notes = index.notes.clone();
    if let Some(cut_off) = &index.cut_off {
        notes.push(format!("the file is cut off: {cut_off}: the result has what is there"));
    }
    if index.left_out > 0 {
        notes.push(format!(
            "{} frames before the first whole picture cannot be decoded: the result begins behind them",
            index.left_out
        ));
    }
    notes
}

/// What the result does not keep of the pictures.
pub(super) fn of_pictures(video: &VideoInfo, is_tonemapped: bool, container: Container) -> Vec<Notice> {
    let mut notes: Vec<Notice> = Vec::new();
    if is_tonemapped {
        notes.push("HDR was brought to BT.709 with 8 bits".into());
    }
    if video.has_alpha {
        notes.push("the video is transparent in parts: the result is not".into());
    }
    if media_container(container).orientation(video) != Orientation::UPRIGHT {
        notes.push("the pictures were turned upright: Matroska files have no place for a rotation".into());
    } else if video.orientation.is_none() && container == Container::Matroska {
        let lost = "the rotation is lost, since Matroska files have no place for it";
        notes.push(Notice::new(lost, Remedy::Container(Container::Mp4)));
    }
    notes
}

/// Says that subtitles which are pictures keep their places, where the pictures below them do not.
pub(super) fn of_bitmaps(probe: &Probe, index: &Index) -> Option<String> {
    const BITMAPS: [&str; 4] = ["dvd_subtitle", "dvb_subtitle", "hdmv_pgs_subtitle", "xsub"];
    let has_bitmaps = probe.streams.iter().any(|stream| BITMAPS.contains(&stream.codec.as_str()));
    (has_bitmaps && index.crop.is_some()).then(|| {
        "subtitles that are pictures were made for the whole picture: players may show them elsewhere on the cropped one"
            .to_owned()
    })
}

/// Says when a result would be smaller than its source. A size that cannot be is told by the plan.
pub(super) fn shrinking(target: Target, source: Shape) -> Option<String> {
    let Shape { width: from_width, height: from_height, .. } = source;
    let (width, height) = target.size(source).ok()?;
    let is_smaller = u64::from(width) * u64::from(height) < u64::from(from_width) * u64::from(from_height);
    is_smaller.then(|| {
        format!(
            "the result of {width}x{height} is smaller than the source of {from_width}x{from_height}: it has less detail"
        )
    })
}

#[cfg(test)]
mod tests {
    use frame::Rational;

    use super::*;

    #[test]
    fn a_recording_that_pauses_says_where() {
        let index = |frames: &[i64]| Index::of_times(Rational::new(1, 25), frames.to_vec());
        let holed: Vec<i64> = (0..40).chain(64..80).chain(90..100).collect();
        assert_eq!(pauses("mpegts", &index(&(0..100).collect::<Vec<_>>())), None);
        assert_eq!(
            pauses("mpegts", &index(&holed)).unwrap(),
            "the recording has no frames between 0:00:01.560 and 0:00:02.560, as where something is lost: the frame before stays"
        );
        // Slides, and a container that need not have lost anything.
        assert_eq!(pauses("mpegts", &index(&(0..100).map(|n| n * 25).collect::<Vec<_>>())), None);
        assert_eq!(pauses("matroska,webm", &index(&holed)), None);
        assert_eq!(pauses("mpeg", &index(&[7])), None);
        let many: Vec<i64> = (0..100).map(|n| n + n / 10 * 20).collect();
        assert!(pauses("mpeg", &index(&many)).unwrap().contains(" and 4 more,"));
    }

    #[test]
    fn missing_frames_are_named_one_by_one_or_as_runs() {
        let mut index = Index::of_times(Rational::new(1, 25), (0..100).collect());
        index.missing = vec![3..4, 10..12, 98..100];
        let words = "frames 3 (0:00:00.120 to 0:00:00.160), 10-11 (0:00:00.400 to 0:00:00.480), 98-99 (0:00:03.920 to the end) are missing \
                     in the damaged file";
        assert_eq!(loss(&index).unwrap(), words);
    }
}
