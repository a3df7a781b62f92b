//! What may differ because the program said so.

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
    /// The file is damaged: what decoders make of it depends on where they begin.
    pub(crate) other_pictures: bool,
    /// Brightness or colours were changed on request.
    pub(crate) other_colors: bool,
    /// Seconds by which all streams were moved.
    pub(crate) moved: f64,
}

impl Allowed {
    /// Reads the notes of the program.
    pub(crate) fn by(notes: &[String]) -> Self {
        let says = |words: &[&str]| {
            notes.iter().any(|note| {
                let note = note.to_lowercase();
                words.iter().any(|word| note.contains(word))
            })
        };
        let are_missing = says(&["are missing"]);
        Self {
            other_frames: says(&["deinterlaced", "telecine"]),
            more_frames: are_missing,
            fewer_frames_at_start: says(&["begins behind them"]),
            times_not_trusted: says(&["times cannot be trusted"]),
            other_pictures: are_missing || says(&["damaged"]),
            other_colors: says(&["tone-mapped", "tone mapped"]),
            moved: notes.iter().find_map(|note| moved(note)).unwrap_or(0.0),
        }
    }
}

/// Seconds by which a note says that all streams were moved.
fn moved(note: &str) -> Option<f64> {
    note.strip_prefix("all streams were moved by ")?.split(' ').next()?.parse().ok()
}

/// True where the program spoke of a stream of the source by its number.
pub(crate) fn is_told(notes: &[String], stream: usize) -> Option<&str> {
    let begins = |note: &&String| {
        let rest =
            note.strip_prefix("stream ").and_then(|rest| rest.strip_prefix(stream.to_string().as_str()));
        rest.is_some_and(|rest| rest.starts_with([' ', ':']))
    };
    notes.iter().find(begins).map(String::as_str)
}
