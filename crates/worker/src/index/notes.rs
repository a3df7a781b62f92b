//! What people should know of a source before the first frame is made.

use frame::Orientation;
use job::{Container, Shape, Target};
use media::{Index, VideoInfo};

use crate::encoding::media_container;

/// Gaps that are told one by one.
const GAPS_TOLD: usize = 5;

/// Which frames are missing.
pub(super) fn loss(index: &Index) -> Option<String> {
    let told = index.gaps.iter().take(GAPS_TOLD).map(|gap| {
        let is_last = gap.end as usize >= index.pts.len();
        let end = if is_last { "the end".to_owned() } else { index.clock(gap.end) };
        format!("{}-{} ({} to {end})", gap.start, gap.end - 1, index.clock(gap.start))
    });
    let told = told.collect::<Vec<_>>().join(", ");
    let more = match index.gaps.len().saturating_sub(GAPS_TOLD) {
        0 => String::new(),
        more => format!(" and {more} more gaps"),
    };
    (!index.gaps.is_empty()).then(|| format!("frames {told}{more} are missing in the damaged file"))
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
pub(super) fn of_pictures(video: &VideoInfo, is_tonemapped: bool, container: Container) -> Vec<String> {
    let mut notes: Vec<&str> = Vec::new();
    if is_tonemapped {
        notes.push("HDR was brought to BT.709 with 8 bits");
    }
    if video.has_alpha {
        notes.push("the video is transparent in parts: the result is not");
    }
    if media_container(container).orientation(video) != Orientation::UPRIGHT {
        notes.push("the pictures were turned upright: Matroska files have no place for a rotation");
    } else if video.orientation.is_none() && container == Container::Matroska {
        notes.push("the rotation is lost, since Matroska files have no place for it: choose --container mp4");
    }
    notes.into_iter().map(str::to_owned).collect()
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
