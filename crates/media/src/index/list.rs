//! The frame list: out of what the packets say and what a decoder makes of them.

use std::ops::Range;

use super::clock::last_duration;
use super::decoded::Decoded;
use super::entries::Entries;
use super::film::Film;
use super::packets::Packets;
use super::parts;
use crate::Error;
use crate::frame_list::Index;

/// How the frames get their times.
enum Times {
    /// Each has its own, which is right: the list goes by them.
    Own(Vec<i64>),
    /// The container has those of the order of decoding: the k-th frame that is shown gets the k-th smallest.
    Sorted(Vec<i64>),
    /// From the clock.
    Clocked(Vec<i64>),
}

/// A frame of the list: its time, and which of the decoded frames it is, unless it is missing.
type Listed = (i64, Option<usize>);

/// Makes the list. `from_start` has every segment decoded from the start of the file.
pub(super) fn list(
    film: &Film,
    packets: &Packets,
    decoded: &Decoded,
    entries: &Entries,
    from_start: bool,
) -> Result<Index, Error> {
    if decoded.own.is_empty() {
        return Err(Error::NoFrames);
    }
    let mut notes = Vec::new();
    // Whether frames are found by their times, and missing ones too; how long the last packet says that its frame is shown.
    let (times, by_time, has_own, last) = match times(packets, decoded) {
        Times::Own(times) => {
            if !times.is_sorted() {
                notes.push(
                    "the decoder gives frames out of order: they were put in the order of their times"
                        .to_owned(),
                );
            }
            (times, !from_start, true, packets.last_duration)
        }
        Times::Sorted(times) => {
            notes.push(
                "the file has no times of presentation: each frame that is shown got the next of its times"
                    .to_owned(),
            );
            (times, false, false, packets.last_duration)
        }
        Times::Clocked(times) => {
            notes.push(clocked_words(&decoded.own, &times));
            // Not every frame has a time of its own: MPEG program streams have one for a group of them.
            let is_own = |(own, time): (&Option<i64>, &i64)| own.is_none_or(|own| own == *time);
            let are_own = decoded.own.iter().zip(&times).all(is_own);
            (times, are_own && !from_start, are_own, 0)
        }
    };
    let mut listed: Vec<Listed> =
        times.iter().enumerate().map(|(number, &time)| (time, Some(number))).collect();
    listed.sort_unstable_by_key(|&(time, _)| time);
    let disorder = disorder(&listed);
    let got = listed[0].0..=listed[listed.len() - 1].0;
    let missing = missing(&listed, &packets.promised(has_own, got), film.has_fields);
    listed.extend(missing.into_iter().map(|time| (time, None)));
    listed.sort_unstable_by_key(|&(time, _)| time);

    let pts: Vec<i64> = listed.iter().map(|&(time, _)| time).collect();
    let of_listed = |frames: &[bool]| {
        listed.iter().map(|(_, number)| number.is_some_and(|n| frames[n])).collect::<Vec<_>>()
    };
    let keyframes = keyframes(&listed, decoded, entries);
    let missing = ranges(&listed.iter().map(|(_, number)| number.is_none()).collect::<Vec<_>>());
    let (time_base, rate) = (decoded.time_base, decoded.rate);
    let mut index = Index {
        last_duration: last_duration(last, &pts, time_base, rate),
        seekable: by_time && keyframes.len() > 1,
        keyframes,
        by_time,
        disorder,
        digests: listed.iter().map(|(_, number)| number.map_or(0, |n| decoded.digests[n])).collect(),
        changes: changes(&listed, decoded),
        flagged: ranges(&of_listed(&decoded.flagged)),
        missing,
        ..Index::of_times(time_base, pts)
    };
    let numbers: Vec<Option<usize>> = listed.into_iter().map(|(_, number)| number).collect();
    parts::add(&mut index, decoded, &numbers, film, &mut notes)?;
    let first = decoded.own.iter().flatten().min();
    index.left_out = first.map_or(0, |&first| packets.before(first));
    index.notes = notes;
    Ok(index)
}

/// What each frame changes of the one before: a missing one, nothing. Empty where that was not looked at.
fn changes(listed: &[Listed], decoded: &Decoded) -> Vec<u16> {
    let Some(changes) = &decoded.changes else { return Vec::new() };
    listed.iter().map(|(_, number)| number.map_or(0, |n| changes.shares[n])).collect()
}

/// The container has times in the order of decoding alone, and the decoder gives the frames in another.
pub(super) fn has_no_presentation_times(packets: &Packets, decoded: &Decoded) -> bool {
    matches!(times(packets, decoded), Times::Sorted(_))
}

fn times(packets: &Packets, decoded: &Decoded) -> Times {
    let Some(mut own) = decoded.own_times().filter(|_| packets.tell) else {
        return Times::Clocked(decoded.clocked.clone());
    };
    if own.is_sorted() || !packets.are_in_order {
        return Times::Own(own);
    }
    own.sort_unstable();
    // What an edit list cuts off then is the delay by which pictures are shown after they are decoded.
    let delay = packets.cut_off_at_start();
    Times::Sorted(own.into_iter().map(|time| time.saturating_add(delay)).collect())
}

/// What is said where the times of frames follow from those before: which frames have no time of their own or one that does not fit.
fn clocked_words(own: &[Option<i64>], times: &[i64]) -> String {
    let missing = own.iter().filter(|own| own.is_none()).count();
    let unfit = own.iter().zip(times).filter(|(own, time)| own.is_some_and(|own| own != **time)).count();
    let which = match (missing, unfit) {
        (0, 0) => {
            return "the file does not say for each packet when its frame is shown: every frame was decoded to find its time"
                .to_owned();
        }
        (_, 0) => format!("{missing} of {} frames have no time in the file", own.len()),
        (0, _) => {
            format!("{unfit} of {} frames have a time in the file that does not fit the others", own.len())
        }
        _ => format!(
            "{missing} of {} frames have no time in the file, and {unfit} have one that does not fit the others",
            own.len()
        ),
    };
    format!("{which}: they are shown when the frame before them ends")
}

/// What is said where frames are lost and it is not known which.
pub(super) fn uncounted_words(stated: i64, found: i64) -> String {
    format!(
        "the file states {stated} frames, {found} were found, and no index says where the others were: what follows them may come \
         too early"
    )
}

/// How many frames the decoder gives too early at most, before the one that is next by its time.
fn disorder(listed: &[Listed]) -> u32 {
    let places = listed.iter().filter_map(|(_, number)| *number).enumerate();
    places.map(|(place, number)| number.saturating_sub(place)).max().unwrap_or(0) as u32
}

/// The times of frames that packets promise and that were not decoded, ascending.
fn missing(listed: &[Listed], promised: &[i64], has_fields: bool) -> Vec<i64> {
    let mut steps: Vec<i64> = listed.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    steps.sort_unstable();
    let usual = steps.get(steps.len() / 2).copied().unwrap_or(0);
    let is_missing = |time: &&i64| match listed.binary_search_by_key(*time, |&(time, _)| time) {
        Ok(_) => false,
        // The second field of a frame comes half a frame after the first.
        Err(after) if after > 0 && has_fields => (*time - listed[after - 1].0) * 4 >= usual * 3,
        Err(_) => true,
    };
    promised.iter().filter(is_missing).copied().collect()
}

/// Frames at which decoding can start: the first, and those whose packet gives the very picture alone.
fn keyframes(listed: &[Listed], decoded: &Decoded, entries: &Entries) -> Vec<u32> {
    let mut found = entries.found.clone();
    found.sort_unstable();
    let is_entry = |number: usize| {
        let time = decoded.own[number];
        let entry = time.and_then(|time| {
            let at = found.binary_search_by_key(&time, |&(time, _)| time).ok()?;
            Some(found[at].1)
        });
        entry.is_some_and(|digest| {
            digest.is_none_or(|digest| decoded.intra[number] && digest == decoded.digests[number])
        })
    };
    let first = listed.iter().position(|(_, number)| number.is_some());
    let frames = listed
        .iter()
        .enumerate()
        .filter(|(place, (_, number))| Some(*place) == first || number.is_some_and(is_entry));
    frames.map(|(place, _)| place as u32).collect()
}

/// Where a row of marks is set: ranges, ascending, with others between them.
fn ranges(marks: &[bool]) -> Vec<Range<u32>> {
    let mut ranges: Vec<Range<u32>> = Vec::new();
    for (frame, _) in (0_u32..).zip(marks).filter(|(_, is_set)| **is_set) {
        match ranges.last_mut() {
            Some(range) if range.end == frame => range.end += 1,
            _ => ranges.push(frame..frame + 1),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_become_ranges() {
        assert_eq!(ranges(&[]), []);
        assert_eq!(ranges(&[true, true, false, true]), [0..2, 3..4]);
        assert_eq!(ranges(&[false, false]), []);
    }

    #[test]
    fn it_is_said_which_times_are_not_the_files_own() {
        let words = |own: &[Option<i64>]| clocked_words(own, &[0, 40, 80]);
        assert!(words(&[Some(0), Some(40), Some(80)]).contains("decoded to find its time"));
        assert_eq!(
            words(&[Some(0), None, None]),
            "2 of 3 frames have no time in the file: they are shown when the frame before them ends"
        );
        let both = words(&[Some(0), None, Some(40)]);
        assert!(both.starts_with("1 of 3 frames have no time in the file, and 1 have one that"), "{both}");
    }

    #[test]
    fn the_frames_that_come_too_early_are_counted() {
        let listed = |numbers: &[usize]| -> Vec<Listed> { numbers.iter().map(|&n| (0, Some(n))).collect() };
        assert_eq!(disorder(&listed(&[0, 1, 2, 3])), 0);
        // The decoder gave what is shown third before what is shown second.
        assert_eq!(disorder(&listed(&[0, 2, 1, 3])), 1);
        assert_eq!(disorder(&listed(&[3, 0, 1, 2])), 3);
    }

    #[test]
    fn what_packets_promise_and_nobody_decodes_is_missing() {
        let listed: Vec<Listed> = [0, 40, 120, 160, 200].iter().map(|&time| (time, Some(0))).collect();
        assert_eq!(missing(&listed, &[0, 40, 80, 120, 160, 240], false), [80, 240]);
        // Second fields are no frames of their own.
        assert_eq!(missing(&listed, &[0, 20, 40, 60, 80, 120, 140], true), [80]);
    }
}
