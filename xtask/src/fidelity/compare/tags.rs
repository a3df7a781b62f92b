//! Languages, titles, dispositions, chapters, and what the file says of itself.

use super::super::allowed::Allowed;
use super::super::media::{self, Chapter, Stream, Tags};
use super::streams::Kept;
use super::{Compared, Pair};

/// Tags that tell how a file or a stream was written: they do not hold for the result, or each container has its own.
const OF_WRITING: [&str; 15] = [
    // Results are opaque, which the program says.
    "alpha_mode",
    "encoder",
    "major_brand",
    "minor_version",
    "compatible_brands",
    "handler_name",
    "vendor_id",
    "duration",
    "bps",
    "number_of_frames",
    "number_of_bytes",
    "_statistics",
    "source_id",
    "variant_bitrate",
    "metadatacreator",
];
/// Largest deviation of a chapter's time in seconds: half a tick of Matroska, and rounding.
const LARGEST_ERROR: f64 = 0.001_01;

/// Compares what is said of the file, of the video and of all streams that are kept.
pub(super) fn compare(
    pair: &Pair<'_>,
    (source, result): (&Stream, &Stream),
    kept: &[Kept<'_>],
    compared: &mut Compared,
) {
    let is_mp4 = pair.result.format.name.contains("mp4");
    compare_tags("the file", &pair.source.format.tags, &pair.result.format.tags, pair.notes, compared);
    let mut streams: Vec<(&Stream, &Stream)> = vec![(source, result)];
    streams.extend(kept.iter().map(|kept| (kept.source, kept.result)));
    for (source, result) in streams {
        let name = format!("stream {}", source.index);
        // Matroska has one date for all.
        let mut tags = result.tags.clone();
        if let Some(date) = media::tag(&pair.result.format.tags, "creation_time") {
            tags.entry("creation_time".to_owned()).or_insert_with(|| date.to_owned());
        }
        compare_tags(&name, &source.tags, &tags, &[], compared);
        // Of each kind, MPEG-4 must have a track that is shown.
        let mut alike = pair.source.streams.iter().filter(|other| other.codec_type == source.codec_type);
        let may_be_default = is_mp4 && alike.all(|other| other.disposition.get("default") != Some(&1));
        compare_dispositions(&name, source, result, may_be_default, compared);
    }
    compare_chapters(pair, compared);
}

fn compare_tags(of: &str, source: &Tags, result: &Tags, notes: &[String], compared: &mut Compared) {
    let is_told = |name: &str| {
        let told = notes.iter().filter_map(|note| note.strip_prefix("tags were left out"));
        told.flat_map(|rest| rest.split([' ', ','])).any(|word| word.eq_ignore_ascii_case(name))
    };
    for (name, value) in source {
        let key = name.to_ascii_lowercase();
        // A clock that was never set.
        let is_no_date = key == "creation_time" && value.starts_with("1970-01-01T00:00:00");
        if is_no_date
            || OF_WRITING.iter().any(|of_writing| key.starts_with(of_writing))
            || key == "language" && value == "und"
        {
            continue;
        }
        compared.tags.1 += 1;
        match media::tag(result, name) {
            Some(found) if is_same(&key, found, value) => compared.tags.0 += 1,
            Some(found) => compared.fault(format!("{of}: {key} is `{found}` instead of `{value}`")),
            None if is_told(name) => compared.change(format!("{of}: {key} was left out")),
            None => compared.fault(format!("{of}: {key} `{value}` is lost")),
        }
    }
}

/// True for values that mean the same.
fn is_same(key: &str, a: &str, b: &str) -> bool {
    // One container writes `2026-01-02 03:04:05`, the other `2026-01-02T03:04:05.000000Z`.
    let time =
        |text: &str| text.replace('T', " ").trim_end_matches('Z').trim_end_matches(".000000").to_owned();
    a.trim_end() == b.trim_end() || key == "creation_time" && time(a) == time(b)
}

fn compare_dispositions(
    of: &str,
    source: &Stream,
    result: &Stream,
    may_be_default: bool,
    compared: &mut Compared,
) {
    // A file that is attached has none.
    if result.codec_type == "attachment" || source.codec_type == "attachment" {
        return;
    }
    for (name, &is_set) in &source.disposition {
        let found = result.disposition.get(name).copied().unwrap_or(0);
        if is_set == found {
            continue;
        }
        match (is_set, name.as_str()) {
            // Pictures that belong to a film are shown by no player by themselves.
            (_, "default") if source.is_cover() => {}
            (0, "default") if may_be_default => {}
            // Of sound, both words mean a description for those who do not see; Matroska has one mark.
            (1, "descriptions") if source.disposition.get("visual_impaired") == Some(&1) => {}
            (1, _) => compared.fault(format!("{of} is no longer marked as {name}")),
            (_, _) => compared.fault(format!("{of} is now marked as {name}")),
        }
    }
}

/// Chapters without those that say again what the one before says.
fn single(chapters: &[Chapter]) -> Vec<Chapter> {
    let mut chapters = chapters.to_vec();
    chapters.dedup_by(|a, b| a.start_time == b.start_time && a.tags == b.tags);
    chapters
}

fn compare_chapters(pair: &Pair<'_>, compared: &mut Compared) {
    let (source, result) = (&single(&pair.source.chapters), &single(&pair.result.chapters));
    compared.chapters = (source.len(), result.len());
    if source.len() != result.len() {
        return compared.fault(format!("{} of {} chapters", result.len(), source.len()));
    }
    let is_mp4 = pair.result.format.name.contains("mp4");
    let moved = Allowed::by(pair.notes).moved;
    for (number, (wanted, found)) in source.iter().zip(result).enumerate() {
        let title = |tags: &Tags| media::tag(tags, "title").unwrap_or_default().to_owned();
        if title(&wanted.tags) != title(&found.tags) {
            compared.fault(format!("chapter {number} has another title"));
        }
        let time = |text: &str| text.parse::<f64>().unwrap_or(f64::NAN);
        let is_off = |a: &str, b: &str, moved: f64| {
            // What lies before the beginning then is cut off.
            let placed = if moved == 0.0 { time(a) } else { (time(a) + moved).max(0.0) };
            let error = (placed - time(b)).abs();
            error.is_nan() || error > LARGEST_ERROR
        };
        // In MPEG-4, a chapter lasts until the next one begins: it has neither gaps nor overlaps.
        let next = result.get(number + 1).filter(|_| is_mp4).map(|next| &next.start_time);
        let ends_at_next = next.is_some_and(|next| !is_off(&found.end_time, next, 0.0));
        if is_off(&wanted.start_time, &found.start_time, moved)
            || is_off(&wanted.end_time, &found.end_time, moved) && !ends_at_next
        {
            compared.fault(format!("chapter {number} has other times"));
        }
    }
}
