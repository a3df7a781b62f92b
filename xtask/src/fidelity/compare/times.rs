//! Frames and times.

use super::super::allowed::Allowed;
use super::super::media::{Media, Stream};
use super::streams::{Kept, left_out};
use super::{Compared, Pair};

/// Largest deviation of a time, in milliseconds: half a tick of Matroska, and rounding.
const LARGEST_ERROR: f64 = 0.51;
/// Largest deviation of a difference of two times, each of which was rounded.
const LARGEST_DIFFERENCE: f64 = 2.0 * LARGEST_ERROR;
/// Frames at the end of a file that is cut off which one decoder shows and another does not.
const HALF_FRAMES: usize = 2;
/// Most that a stated movement of all times may be off, in seconds: it is rounded to milliseconds.
const ROUNDED: f64 = 0.002;
/// A clock that goes back by more than this, in seconds, is another one: recordings were glued together.
const JUMP: f64 = 1.0;

/// Compares frames, their times, and how long the last is shown.
pub(super) fn compare(
    pair: &Pair<'_>,
    (source, result): (&Stream, &Stream),
    allowed: Allowed,
    compared: &mut Compared,
) {
    let mut wanted = wanted_times(pair, source, result, allowed);
    let mut found: Vec<f64> = of_frames(pair.result, result).into_iter().flatten().collect();
    compared.frames = (wanted.len(), pair.result.frames.len());
    if found.len() != compared.frames.1 || found.is_empty() {
        return compared.fault("the result has no frames, or frames without times");
    }
    let packets = pair.source.packets_of(source.index).count();
    if found.windows(2).any(|pair| pair[1] <= pair[0]) {
        compared.fault("times of frames do not rise");
    }
    if allowed.fewer_frames_at_start {
        let skipped = wanted.len().saturating_sub(found.len());
        wanted.drain(..skipped);
    }
    let missing = wanted.len().abs_diff(found.len());
    if allowed.cut_off && (1..=HALF_FRAMES).contains(&missing) {
        compared.change(format!("{} frames of a file that is cut off became {}", wanted.len(), found.len()));
        wanted.truncate(found.len());
        found.truncate(wanted.len());
    }
    if allowed.other_frames && found.len() < wanted.len() {
        compare_ends(&wanted, &found, compared);
    } else if allowed.other_frames {
        // A frame of each frame or of each field: every time of the source is still there.
        compare_places(&wanted, &found, compared);
        compared.change(format!("{} frames became {}", wanted.len(), found.len()));
    } else if allowed.fitted.is_some() && found.len() > wanted.len() && found.len() == packets {
        // Where the picture changes, some decoders of FFmpeg lose a frame that the file has.
        compare_places(&wanted, &found, compared);
        compared.change(format!("all {packets} frames are there, of which FFmpeg shows {}", wanted.len()));
    } else if allowed.times_in_order {
        // Which of the times belong to frames that cannot be decoded is not told.
        compare_places(&found.iter().copied().map(Some).collect::<Vec<_>>(), &known(&wanted), compared);
    } else if allowed.more_frames {
        if allowed.cut_off {
            wanted.truncate(wanted.len().saturating_sub(HALF_FRAMES));
        }
        compare_places(&wanted, &found, compared);
    } else if wanted.len() == found.len() {
        compare_each(&wanted, &found, allowed, compared);
        if allowed.times_not_trusted {
            compare_steps(&packet_times(pair.source, source), &found, compared);
        }
        if !allowed.cut_off {
            compare_last(pair, (source, result), compared);
        }
    } else {
        compared.fault(format!("{} frames instead of {}", found.len(), wanted.len()));
    }
}

/// The frames of a film came back out of more of them: it begins and ends as before, to a frame.
fn compare_ends(wanted: &[Option<f64>], found: &[f64], compared: &mut Compared) {
    let known = known(wanted);
    let ends = [known.first().zip(found.first()), known.last().zip(found.last())];
    compared.time_error = ends.into_iter().flatten().map(|(a, b)| (a - b).abs() * 1000.0).fold(0.0, f64::max);
    if compared.time_error > usual_step(&known) * 1000.0 + LARGEST_ERROR {
        compared.fault(format!("beginning or end is {:.1} ms off", compared.time_error));
    }
    compared.change(format!("{} frames became {}", wanted.len(), found.len()));
}

fn known(times: &[Option<f64>]) -> Vec<f64> {
    times.iter().copied().flatten().collect()
}

/// Each frame that can be decoded is at its place; between them are those that fill gaps.
fn compare_places(wanted: &[Option<f64>], found: &[f64], compared: &mut Compared) {
    let errors = wanted.iter().flatten().map(|&time| nearest(found, time));
    compared.time_error = errors.fold(0.0, f64::max);
    if compared.time_error > LARGEST_ERROR {
        compared.fault(format!("a frame is {:.1} ms off", compared.time_error));
    }
    if found.len() < wanted.len() {
        compared.fault(format!("{} of {} frames", found.len(), wanted.len()));
    }
}

fn compare_each(wanted: &[Option<f64>], found: &[f64], allowed: Allowed, compared: &mut Compared) {
    let errors = wanted.iter().zip(found).map(|(a, b)| a.map_or(0.0, |a| (a - b).abs() * 1000.0));
    let (worst, error) = errors.enumerate().fold((0, 0.0), |a, b| if b.1 > a.1 { b } else { a });
    compared.time_error = error;
    // Times that contradict each other cannot all be kept: it is enough that they rise.
    // Of films that were moved, the amount is said in whole milliseconds.
    let most = if allowed.moved == 0.0 { LARGEST_ERROR } else { LARGEST_DIFFERENCE };
    if error > most && !allowed.times_not_trusted {
        compared.fault(format!("frame {worst} is shown {error:.1} ms off"));
    }
}

/// Times that contradict each other may be given to other frames, but not pressed together.
fn compare_steps(stated: &[Option<f64>], found: &[f64], compared: &mut Compared) {
    let mut stated: Vec<f64> = stated.iter().copied().flatten().collect();
    stated.sort_by(f64::total_cmp);
    let steps = |times: &[f64]| -> Vec<f64> { times.windows(2).map(|pair| pair[1] - pair[0]).collect() };
    let shortest = steps(&stated).into_iter().filter(|&step| step > 0.0).fold(f64::INFINITY, f64::min);
    let pressed = steps(found).into_iter().filter(|step| *step < shortest / 2.0).count();
    // Frames that say the time of another share it with that, as where parts overlap that were glued together.
    let doubled = steps(&stated).into_iter().filter(|&step| step <= 0.0).count();
    let sharing = if doubled > 0 { doubled + 1 } else { 0 };
    if pressed > sharing && shortest.is_finite() {
        compared.fault(format!("{pressed} frames are shown for less than half as long as any of the source"));
    }
}

fn compare_last(pair: &Pair<'_>, (source, result): (&Stream, &Stream), compared: &mut Compared) {
    let durations = last_duration(pair.source, source).zip(last_duration(pair.result, result));
    let Some((wanted, found)) = durations else { return };
    compared.last_error = (found - wanted) * 1000.0;
    // Where an MPEG-4 track begins late, FFmpeg reads its last frame shorter by as much as that.
    let start = of_frames(pair.result, result).first().copied().flatten().unwrap_or(0.0) * 1000.0;
    let is_read_short = pair.result.format.name.contains("mp4") && start > 0.0;
    if is_read_short && (compared.last_error + start).abs() <= LARGEST_DIFFERENCE {
        compared.last_error = 0.0;
    }
    if compared.last_error.abs() > LARGEST_DIFFERENCE {
        compared.fault(format!("the last frame is shown {:+.1} ms longer", compared.last_error));
    }
}

/// Compares the packets of kept streams with the video: each at its place, as before.
pub(super) fn compare_sync(
    pair: &Pair<'_>,
    (source, result): (&Stream, &Stream),
    kept: &[Kept<'_>],
    allowed: Allowed,
    compared: &mut Compared,
) {
    let first = |times: &[Option<f64>]| times.first().copied().flatten();
    let of_source = first(&unmoved_times(pair.source, source, allowed));
    let (Some(of_source), Some(of_result)) = (of_source, first(&of_frames(pair.result, result))) else {
        return;
    };
    let moved = if allowed.fewer_frames_at_start || allowed.other_frames {
        allowed.moved
    } else {
        of_result - of_source
    };
    for kept in kept.iter().filter(|kept| !kept.source.is_cover()) {
        let found = packet_times(pair.result, kept.result);
        let mut wanted = packet_times(pair.source, kept.source);
        wanted.drain(..left_out(pair, kept.source, found.len()).min(wanted.len()));
        let is_short = allowed.cut_off && found.len() + 1 == wanted.len();
        if wanted.len() != found.len() && !is_short || wanted.is_empty() || allowed.times_not_trusted {
            continue;
        }
        // Where recordings overlap, the clock goes back for a packet.
        let mut last = f64::NEG_INFINITY;
        let rises = |time: &f64| *time > std::mem::replace(&mut last, *time);
        let rises: Vec<bool> = wanted.iter().flatten().map(rises).collect();
        let known =
            wanted.iter().zip(&found).filter_map(|(a, b)| Some((b.as_ref()? - a.as_ref()? - moved).abs()));
        let errors = known.zip(rises).filter(|(_, rises)| *rises).map(|(error, _)| error);
        let error = errors.fold(0.0, f64::max) * 1000.0;
        compared.sync_error = compared.sync_error.max(error);
        if error > LARGEST_DIFFERENCE {
            compared.fault(format!("stream {} is {error:.1} ms off beside the video", kept.source.index));
        }
    }
}

/// Times of the frames of a video in seconds, where they have one. Where the clock of the file goes back, the film goes
/// on.
pub(super) fn of_frames(media: &Media, stream: &Stream) -> Vec<Option<f64>> {
    let (mut last, mut step, mut offset) = (None::<f64>, 0.0, 0.0);
    let unrolled = media.frames.iter().map(|frame| {
        let said = frame.best_effort_timestamp.or(frame.pts)? as f64 * stream.tick();
        if let Some(last) = last {
            if said + offset < last - JUMP {
                offset = last + step - said;
            }
            step = said + offset - last;
        }
        last = Some(said + offset);
        last
    });
    unrolled.collect()
}

/// Times that the frames of the source should have, before they are moved.
fn unmoved_times(source: &Media, stream: &Stream, allowed: Allowed) -> Vec<Option<f64>> {
    // The k-th frame that is shown has the k-th of the times that the file has.
    let mut times: Vec<f64> = match allowed {
        Allowed { times_in_order: true, .. } => {
            let delay = cut_off_at_start(source, stream);
            packet_times(source, stream).into_iter().flatten().map(|time| time + delay).collect()
        }
        Allowed { frames_in_order: true, .. } => own_times(source, stream).into_iter().flatten().collect(),
        _ => return of_frames(source, stream),
    };
    times.sort_by(f64::total_cmp);
    times.into_iter().map(Some).collect()
}

/// Seconds that an edit list cuts off at the beginning: without times of presentation, the delay by which pictures are shown
/// after they are decoded.
fn cut_off_at_start(media: &Media, stream: &Stream) -> f64 {
    let first = |is_cut: bool| {
        let mut packets = media.packets_of(stream.index);
        packets.find(|packet| packet.is_discarded() == is_cut).and_then(|packet| packet.pts)
    };
    first(true).zip(first(false)).map_or(0.0, |(cut, shown)| (shown - cut).max(0) as f64 * stream.tick())
}

/// Times of frames by their own word, whatever stands beside them.
fn own_times(media: &Media, stream: &Stream) -> Vec<Option<f64>> {
    let own = |time: Option<i64>| time.map(|time| time as f64 * stream.tick());
    media.frames.iter().map(|frame| own(frame.pts.or(frame.best_effort_timestamp))).collect()
}

/// Times that the frames of the result should have.
fn wanted_times(pair: &Pair<'_>, source: &Stream, result: &Stream, allowed: Allowed) -> Vec<Option<f64>> {
    let wanted = unmoved_times(pair.source, source, allowed);
    let first = |times: &[Option<f64>]| times.first().copied().flatten();
    let exactly = first(&wanted).zip(first(&of_frames(pair.result, result))).map(|(a, b)| b - a);
    let moved = exactly.filter(|exactly| (exactly - allowed.moved).abs() <= ROUNDED && allowed.moved != 0.0);
    let moved = moved.unwrap_or(allowed.moved);
    wanted.into_iter().map(|time| Some(time? + moved)).collect()
}

/// The frame of the result that is of each frame of the source.
pub(super) fn matches(
    pair: &Pair<'_>,
    (source, result): (&Stream, &Stream),
    allowed: Allowed,
) -> Vec<Option<usize>> {
    let (all, made) = (pair.source.frames.len(), pair.result.frames.len());
    let skipped = all.saturating_sub(made);
    if allowed.fewer_frames_at_start {
        return (0..all).map(|frame| frame.checked_sub(skipped)).collect();
    }
    if allowed.frames_in_order && all == made {
        let times = own_times(pair.source, source);
        let before = |time: f64| times.iter().flatten().filter(|&&other| other < time).count();
        return times.iter().map(|time| time.map(before)).collect();
    }
    let is_close = allowed.fitted.is_none() && all.abs_diff(made) <= HALF_FRAMES;
    if all == made || !allowed.other_frames && !allowed.more_frames && is_close {
        return (0..all).map(|frame| Some(frame).filter(|&frame| frame < made)).collect();
    }
    if allowed.other_frames && made < all {
        // Film out of fields: a frame is of no single one.
        return vec![None; all];
    }
    let found: Vec<f64> = of_frames(pair.result, result).into_iter().flatten().collect();
    let mut last = 0;
    let place = |time: Option<f64>| {
        let after = found.partition_point(|&other| other < time.unwrap_or(0.0));
        let around = after.saturating_sub(1)..(after + 1).min(found.len());
        let off = |&place: &usize| (found[place] - time.unwrap_or(0.0)).abs();
        last = around.min_by(|a, b| off(a).total_cmp(&off(b)))?.max(last);
        time.map(|_| last)
    };
    wanted_times(pair, source, result, allowed).into_iter().map(place).collect()
}

/// Times of packets in seconds, in the order of the file.
fn packet_times(media: &Media, stream: &Stream) -> Vec<Option<f64>> {
    let packets = media.packets_of(stream.index);
    packets.map(|packet| Some(packet.pts.or(packet.dts)? as f64 * stream.tick())).collect()
}

fn usual_step(times: &[f64]) -> f64 {
    let mut steps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    steps.sort_by(f64::total_cmp);
    steps.get(steps.len() / 2).copied().unwrap_or(0.04)
}

/// Milliseconds to the nearest of the times, which rise.
fn nearest(times: &[f64], time: f64) -> f64 {
    let after = times.partition_point(|&other| other < time);
    let around = times[after.saturating_sub(1)..(after + 1).min(times.len())].iter();
    around.map(|other| (other - time).abs() * 1000.0).fold(f64::INFINITY, f64::min)
}

/// How long the last frame is shown in seconds, where the file says so.
fn last_duration(media: &Media, stream: &Stream) -> Option<f64> {
    let packets = media.packets_of(stream.index).filter(|packet| packet.pts.is_some());
    let duration = packets.max_by_key(|packet| packet.pts)?.duration.filter(|&duration| duration > 0)?;
    Some(duration as f64 * stream.tick())
}
