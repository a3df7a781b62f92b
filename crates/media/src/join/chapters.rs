//! Chapters, as the result has them.

use crate::Shift;
use crate::frame_list::Ends;
use crate::raw::input::Chapter;

/// The chapters, moved as all streams are. What lies before the beginning is cut off, and of a part what lies behind its end.
pub(super) fn moved(mut chapters: Vec<Chapter>, shift: Shift, ends: Ends) -> Vec<Chapter> {
    chapters.retain_mut(|chapter| {
        let ticks = shift.in_ticks(chapter.time_base);
        chapter.start = chapter.start.saturating_add(ticks);
        chapter.end = chapter.end.saturating_add(ticks);
        let is_behind = ends.in_ticks(chapter.time_base).end.is_some_and(|end| {
            let end = end.saturating_add(ticks);
            chapter.end = chapter.end.min(end);
            chapter.start >= end
        });
        !is_behind && (chapter.start >= 0 || chapter.end > 0)
    });
    for chapter in &mut chapters {
        chapter.start = chapter.start.max(0);
        // The muxers refuse chapters that end before they begin, which files have nevertheless.
        chapter.end = chapter.end.max(chapter.start);
    }
    chapters
}

#[cfg(test)]
mod tests {
    use frame::Rational;

    use super::*;

    #[test]
    fn what_lies_before_the_beginning_is_cut_off() {
        let chapter = |start, end| Chapter {
            id: start,
            time_base: Rational::new(1, 1000),
            start,
            end,
            metadata: Vec::new(),
        };
        let shift = Shift { ticks: -90_000, time_base: Rational::new(1, 90_000) };
        let chapters = vec![chapter(0, 900), chapter(900, 2000), chapter(2000, 1500), chapter(9000, 9999)];
        let times: Vec<(i64, i64)> = moved(chapters.clone(), shift, Ends::ALL)
            .iter()
            .map(|chapter| (chapter.start, chapter.end))
            .collect();
        assert_eq!(times, [(0, 1000), (1000, 1000), (8000, 8999)]);
        let ends = Ends { end: Some(1500), time_base: Rational::new(1, 1000), ..Ends::ALL };
        let times: Vec<(i64, i64)> =
            moved(chapters, shift, ends).iter().map(|chapter| (chapter.start, chapter.end)).collect();
        assert_eq!(times, [(0, 500)]);
    }
}
