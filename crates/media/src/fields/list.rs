//! The times of the frames that are made.

use frame::Rational;

use super::film::CYCLE;
use super::{Fields, Made};
use crate::frame_list::Index;
use crate::{Error, MAX_FRAMES};

/// The list of the frames that are made. Its ticks are those of the file, or where a time would fall between two of them
/// halves or quarters of them.
///
/// Cycles of a film begin anew at the frames `begins`.
pub(super) fn made(fields: Fields, begins: &[u32]) -> Result<Index, Error> {
    let of_file = &*fields.decoded;
    // No time of a real film is near these, and none can overflow.
    let is_far = |&time: &i64| time.unsigned_abs() > (i64::MAX / 16).unsigned_abs();
    if of_file.pts.iter().chain([&of_file.last_duration]).any(is_far) {
        return Err(Error::Fields("its times are out of range".to_owned()));
    }
    let (parts, pts, last_duration) = match &fields.made {
        Made::Frames => (1, of_file.pts.clone(), of_file.last_duration),
        Made::Fields => of_fields(of_file)?,
        Made::Film { kept } => of_film(of_file, kept, begins),
    };
    let (time_base, pts, last_duration) = coarsest(of_file.time_base, parts, pts, last_duration);
    let keyframes = match &fields.made {
        Made::Frames => of_file.keyframes.clone(),
        Made::Fields => of_file.keyframes.iter().map(|keyframe| 2 * keyframe).collect(),
        Made::Film { kept } => {
            let first_from = |&keyframe: &u32| kept.partition_point(|&frame| frame < keyframe) as u32;
            let mut keyframes: Vec<u32> = of_file.keyframes.iter().map(first_from).collect();
            keyframes.dedup();
            keyframes.retain(|&keyframe| (keyframe as usize) < kept.len());
            keyframes
        }
    };
    Ok(Index {
        keyframes,
        last_duration,
        seekable: of_file.seekable,
        by_time: of_file.by_time,
        canvas: of_file.canvas,
        seen: of_file.seen,
        missing: fields.missing(),
        left_out: of_file.left_out,
        cut_off: of_file.cut_off.clone(),
        pixel_format: of_file.pixel_format.clone(),
        notes: of_file.notes.clone(),
        shift: of_file.shift,
        fields: Some(fields),
        ..Index::of_times(time_base, pts)
    })
}

/// A frame for each field, in half ticks: the second is shown in the middle between its frame and the next.
fn of_fields(of_file: &Index) -> Result<(i64, Vec<i64>, i64), Error> {
    if of_file.pts.len() > MAX_FRAMES / 2 {
        return Err(Error::TooManyFrames);
    }
    let duration = of_file.last_duration.max(1);
    let ends = of_file.pts.iter().skip(1).copied();
    let ends = ends.chain(of_file.pts.last().map(|last| last + duration));
    let both = of_file.pts.iter().zip(ends).flat_map(|(&time, end)| [2 * time, time + end]);
    Ok((2, both.collect(), duration))
}

/// The frames of a film, in quarter ticks: four in the time of five, evenly. A cycle that lost none or more keeps its times.
fn of_film(of_file: &Index, kept: &[u32], begins: &[u32]) -> (i64, Vec<i64>, i64) {
    let frames = &of_file.pts;
    let end = frames.last().map_or(0, |last| last + of_file.last_duration.max(1));
    let mut pts = Vec::with_capacity(kept.len());
    // The first frame of a frame's cycle, and the one behind its last.
    let cycle_of = |frame: u32| {
        let before = begins.partition_point(|&begin| begin <= frame);
        let begin = before.checked_sub(1).map_or(0, |before| begins[before]);
        let first = begin + (frame - begin) / CYCLE * CYCLE;
        let end = begins.get(before).map_or(frames.len() as u32, |&next| next);
        (first, first + CYCLE, first + CYCLE <= end)
    };
    for cycle in kept.chunk_by(|&a, &b| cycle_of(a) == cycle_of(b)) {
        let (begin, next, is_whole) = cycle_of(cycle[0]);
        let (begin, next) = (begin as usize, next as usize);
        if cycle.len() + 1 == CYCLE as usize && is_whole {
            let (from, to) = (frames[begin], frames.get(next).copied().unwrap_or(end));
            pts.extend((0..i64::from(CYCLE) - 1).map(|number| 4 * from + number * (to - from)));
        } else {
            pts.extend(cycle.iter().map(|&frame| 4 * frames[frame as usize]));
        }
    }
    let last_duration = pts.last().map_or(0, |last| 4 * end - last);
    (4, pts, last_duration)
}

/// The same times in the largest ticks that divide all of them, `parts` of which at first make a tick of `time_base`.
fn coarsest(
    time_base: Rational,
    mut parts: i64,
    mut pts: Vec<i64>,
    mut last_duration: i64,
) -> (Rational, Vec<i64>, i64) {
    while parts > 1 {
        let fits = i64::from(time_base.den) * parts <= i64::from(i32::MAX);
        if fits && !(last_duration % 2 == 0 && pts.iter().all(|time| time % 2 == 0)) {
            break;
        }
        // Where there are no finer ticks, those of the file are billionths of a second.
        for time in &mut pts {
            *time = time.div_euclid(2);
        }
        last_duration = (last_duration / 2).max(1);
        parts /= 2;
    }
    (Rational::new(time_base.num, time_base.den * parts as i32), pts, last_duration)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::{FieldOrder, Stretch};

    fn list(made: Made, pts: &[i64], last_duration: i64, begins: &[u32]) -> Index {
        let decoded = Index {
            keyframes: vec![0, 5],
            last_duration,
            seekable: true,
            by_time: true,
            ..Index::of_times(Rational::new(1, 1000), pts.to_vec())
        };
        let stretches = vec![Stretch { frames: 0..pts.len() as u32, order: FieldOrder::TopFirst }];
        super::made(Fields { made, stretches, decoded: Box::new(decoded) }, begins).unwrap()
    }

    #[test]
    fn the_second_field_is_shown_in_the_middle() {
        let even = list(Made::Fields, &[0, 40, 80, 120, 160, 220], 40, &[]);
        assert_eq!((even.time_base, even.last_duration), (Rational::new(1, 1000), 20));
        assert_eq!(even.pts, [0, 20, 40, 60, 80, 100, 120, 140, 160, 190, 220, 240]);
        assert_eq!(even.keyframes, [0, 10]);
        let odd = list(Made::Fields, &[0, 33, 67, 100, 133, 167], 33, &[]);
        assert_eq!((odd.time_base, odd.last_duration), (Rational::new(1, 2000), 33));
        assert_eq!(odd.pts[..4], [0, 33, 66, 100]);
    }

    #[test]
    fn four_frames_take_the_time_of_five() {
        let kept = vec![0, 1, 2, 4, 5, 6, 8, 9, 10, 11];
        let pts: Vec<i64> = (0..12).map(|frame| frame * 3003).collect();
        let film = list(Made::Film { kept }, &pts, 3003, &[0]);
        assert_eq!(film.time_base, Rational::new(1, 4000));
        assert_eq!(film.pts[..9], [0, 1, 2, 3, 4, 5, 6, 7, 8].map(|frame| frame * 15015));
        // The last cycle has two frames, which stay.
        assert_eq!(film.pts[8..], [10 * 12012, 11 * 12012]);
        assert_eq!((film.keyframes, film.last_duration), (vec![0, 4], 12012));
    }
    #[test]
    fn cycles_begin_anew_where_the_pictures_change() {
        // Seven frames, of which the second cycle has two, and then five.
        let kept = vec![0, 1, 3, 4, 5, 6, 7, 8, 10, 11];
        let pts: Vec<i64> = (0..12).map(|frame| frame * 400).collect();
        let film = list(Made::Film { kept }, &pts, 400, &[0, 7]);
        assert_eq!(film.time_base, Rational::new(1, 1000));
        assert_eq!(film.pts, [0, 500, 1000, 1500, 2000, 2400, 2800, 3300, 3800, 4300]);
        assert_eq!(film.last_duration, 500);
    }
}
