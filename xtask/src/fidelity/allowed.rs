//! What may differ because the program said so.

use super::media::Media;

/// What the program said that it did.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each stands for a thing that may be said or not")]
pub(crate) struct Allowed {
    /// Fields became frames, or telecined fields became film: frames have other times and numbers.
    pub(crate) other_frames: bool,
    /// Frames that are missing were filled.
    pub(crate) more_frames: bool,
    /// Frames at the beginning cannot be decoded.
    pub(crate) fewer_frames_at_start: bool,
    /// The file's times contradict each other.
    pub(crate) times_not_trusted: bool,
    /// Each frame has the next of the file's times, in the order in which the decoder shows them.
    pub(crate) times_in_order: bool,
    /// Frames, which the decoder shows in another order, have that of their times.
    pub(crate) frames_in_order: bool,
    /// The video says itself how its pictures lie, and was turned.
    pub(crate) turned: bool,
    /// The file is damaged: what decoders make of it depends on where they begin.
    pub(crate) other_pictures: bool,
    /// Brightness or colours were changed on request.
    pub(crate) other_colors: bool,
    /// The file ends before its end: its last packets may be halves.
    pub(crate) cut_off: bool,
    /// Seconds by which all times were moved.
    pub(crate) moved: f64,
    /// The picture that parts of other sizes or shapes were fitted into; 0 where only its shape was said.
    pub(crate) fitted: Option<(u32, u32)>,
}

impl Allowed {
    /// Reads the notes of the program.
    pub(crate) fn by(notes: &[String]) -> Self {
        let notes: Vec<String> = notes.iter().map(|note| note.to_lowercase()).collect();
        let says = |words: &[&str]| notes.iter().any(|note| words.iter().any(|word| note.contains(word)));
        let says_all = |words: &[&str]| notes.iter().any(|note| words.iter().all(|word| note.contains(word)));
        let are_missing = says(&["are missing"]);
        let cut_off = says(&["cut off"]) || says_all(&["the file says", "ends after"]);
        Self {
            other_frames: says(&["deinterlaced", "telecine"]),
            more_frames: are_missing,
            fewer_frames_at_start: says(&["begins behind them"]),
            times_not_trusted: says(&["when the frame before them ends", "decoded to find its time"]),
            times_in_order: says(&["next of its times"]),
            frames_in_order: says(&["in the order of their times"]),
            turned: says(&["turned upright", "brought upright"]),
            other_pictures: are_missing || says(&["damaged"]),
            other_colors: says(&["tone-mapped", "tone mapped"]),
            cut_off,
            moved: notes.iter().find_map(|note| moved(note)).unwrap_or(0.0),
            fitted: notes.iter().find_map(|note| fitted(note)),
        }
    }
}

/// Seconds, out of `all times were moved by -1200.000 s, so that the result begins at 0`.
fn moved(note: &str) -> Option<f64> {
    let (_, rest) = note.split_once("moved by ")?;
    rest.split_once(" s")?.0.trim().parse().ok()
}

/// The picture, out of `each part is fitted into 320x240`.
fn fitted(note: &str) -> Option<(u32, u32)> {
    let (_, rest) = note.split_once("fitted into")?;
    let size = || {
        let size = rest.split(|c: char| !c.is_ascii_digit() && !matches!(c, 'x' | '×'));
        let mut sizes = size.filter_map(|word| word.split_once(['x', '×']));
        sizes.find_map(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)))
    };
    Some(size().unwrap_or((0, 0)))
}

/// The video of a source that the program said it took, of several: `video stream 1 is upscaled, of 2`.
pub(crate) fn chosen(notes: &[String], source: &Media) -> Option<usize> {
    let number = notes.iter().find_map(|note| {
        let (_, rest) = note.split_once("video stream ")?;
        let (number, rest) = rest.split_once(' ')?;
        rest.contains("upscaled").then(|| number.parse::<usize>().ok())?
    })?;
    source.videos().map(|stream| stream.index).find(|&index| index == number)
}

/// True where the program spoke of a stream of the source by its number.
pub(crate) fn is_told(notes: &[String], stream: usize) -> Option<&str> {
    let begins = |note: &&String| {
        let rest =
            note.strip_prefix("stream ").and_then(|rest| rest.strip_prefix(stream.to_string().as_str()));
        rest.is_some_and(|rest| rest.starts_with([' ', ':', ',']))
    };
    notes.iter().find(begins).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(note: &str) -> Allowed {
        Allowed::by(&[note.to_owned()])
    }

    #[test]
    fn notes_allow_what_they_say_and_no_more() {
        assert_eq!(by("stream 2 was left out"), Allowed::default());
        let moved = by("all streams were moved by -1200.000 s, so that the result begins at 0");
        assert_eq!(moved, Allowed { moved: -1200.0, ..Allowed::default() });
        assert!(by("the file says 8.0 s and ends after 4.4 s").cut_off);
        let out_of_order =
            by("the decoder gives frames out of order: they were put in the order of their times");
        assert!(out_of_order.frames_in_order && !out_of_order.times_in_order);
        let sorted =
            by("the file has no times of presentation: each frame that is shown got the next of its times");
        assert!(sorted.times_in_order);
        let sizes = "the picture changes its size: 320x240 from frame 0 (0:00:00.000), 240x320 from frame 50 \
                     (0:00:02.000): each part is fitted into 320x240";
        assert_eq!(by(sizes), Allowed { fitted: Some((320, 240)), ..Allowed::default() });
        assert_eq!(by("the other part is fitted into that shape").fitted, Some((0, 0)));
    }

    #[test]
    fn the_video_that_was_taken_is_found() {
        let source: Media = serde_json::from_value(serde_json::json!({"streams": [
            {"index": 0, "codec_type": "video"}, {"index": 1, "codec_type": "video"}, {"index": 2, "codec_type": "audio"},
        ]}))
        .unwrap();
        let chosen = |note: &str| chosen(&[note.to_owned()], &source);
        assert_eq!(chosen("video stream 1 is upscaled, of 2: it is marked as default"), Some(1));
        assert_eq!(chosen("video stream 2 is upscaled, of 2"), None);
        assert_eq!(chosen("stream 1 was left out"), None);
    }
}
