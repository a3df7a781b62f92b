//! The colours of every frame: the result is made as small as its source and compared with it, frame by frame.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::Duration;

use anyhow::ensure;

use super::compare::picture::rotation;
use super::media::{Frame, Media, Stream, ratio};
use super::pictures::{self, Canvas, PLANES};

/// Likeness of pictures that are the same.
const SAME: f64 = 99.0;
/// Frames on each side of one that say how alike it should be.
const AROUND: usize = 60;
/// Most pictures by which a frame is shown too early or too late.
const REORDERED: usize = 17;
/// Likeness that is taken for granted of no film, in dB: flat pictures are more alike than that.
const USUAL: f64 = 40.0;

/// What is compared, and how much of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Films<'a> {
    pub(super) paths: (&'a Path, &'a Path),
    pub(super) media: (&'a Media, &'a Media),
    pub(super) streams: (&'a Stream, &'a Stream),
    /// The frame of the result that is of each frame of the source.
    pub(super) matches: &'a [Option<usize>],
    /// The picture that parts of the source were fitted into, where that was said.
    pub(super) fitted: Option<(u32, u32)>,
    /// Pictures are turned as the video itself says.
    pub(super) turned: bool,
    /// Most frames.
    pub(super) frames: usize,
    pub(super) limit: Duration,
}

/// How alike a frame of the result is to that of the source.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Likeness {
    /// Number in the source.
    pub(super) frame: usize,
    /// Largest difference between the mean levels of two planes, of 255.
    pub(super) level: f64,
    /// In dB.
    pub(super) psnr: f64,
}

/// What was measured.
#[derive(Debug, Clone)]
pub(super) struct Measured {
    pub(super) frames: Vec<Likeness>,
    /// As [`Likeness::level`], of the whole film.
    pub(super) level: f64,
    /// Pictures of the source that there are.
    pub(super) pictures: usize,
}

/// How far frames may be off.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Most that the mean of a plane may be off, of 255.
    pub(super) level: f64,
    /// Least likeness in dB. The classic resampler gives more than 30; a picture that is one pixel off, or another
    /// frame, gives less than 20 on all but the flattest pictures.
    pub(super) psnr: f64,
    /// Most that a frame may be less alike than those around it, in dB.
    pub(super) drop: f64,
}

/// Decodes both films from their beginnings and compares each frame.
pub(super) fn compare(films: &Films<'_>) -> anyhow::Result<Measured> {
    let canvas = canvas(films);
    ensure!(canvas.samples() > 0, "the source says nothing of its size");
    thread::scope(|scope| {
        let source = pictures::decode(scope, (films.paths.0, films.streams.0, true), canvas, films.limit);
        let result = pictures::decode(scope, (films.paths.1, films.streams.1, false), canvas, films.limit);
        measure((&source, &result), films, canvas)
    })
}

fn canvas(films: &Films<'_>) -> Canvas {
    let (source, result) = films.streams;
    // Where pixels were turned, both are compared upright.
    let of_first = films.media.0.frames.first().filter(|_| films.turned).map_or(0, Frame::rotation);
    let is_turned = films.turned || rotation(source) != 0 && rotation(result) == 0;
    let swaps = is_turned && (rotation(source) + of_first).rem_euclid(180) == 90;
    let (width, height) = if swaps { (source.height, source.width) } else { (source.width, source.height) };
    let (width, height) = match films.fitted {
        None => (width, height),
        // The result made smaller by a whole number.
        Some((0, _) | (_, 0)) => {
            let factor = (result.height / height.max(1)).max(1);
            (result.width / factor, result.height / factor)
        }
        Some(size) => size,
    };
    // Made smaller alike in both directions, so that samples keep their shape.
    let shape = |stream: &Stream| ratio(&stream.sample_aspect_ratio, ':').unwrap_or(1.0);
    let stretch = f64::from(result.width) * f64::from(height) / (f64::from(result.height) * f64::from(width));
    let pixel = shape(result) * if stretch.is_finite() { stretch } else { 1.0 };
    let fits = films.fitted.is_some();
    let changes = films.media.0.frames.windows(2).any(|pair| pair[0].color() != pair[1].color());
    Canvas { width: width as usize, height: height as usize, fits, pixel, is_turned, changes }
}

fn measure(
    (source, result): (&Receiver<Vec<u8>>, &Receiver<Vec<u8>>),
    films: &Films<'_>,
    canvas: Canvas,
) -> anyhow::Result<Measured> {
    let mut sums = [0.0_f64; PLANES];
    let mut frames = Vec::new();
    let (mut alone, mut pictures) = ([0.0_f64; PLANES], 0_usize);
    let mut latest = Latest { pictures: VecDeque::new(), next: 0 };
    // What is measured depends on the shape of the part alone.
    let mut spans = (None, canvas.spans(None));
    while pictures < films.frames
        && let Ok(picture) = source.recv()
    {
        let number = pictures;
        pictures += 1;
        for (mean, plane) in alone.iter_mut().zip(picture.chunks(canvas.samples())) {
            *mean += plane.iter().map(|&sample| u64::from(sample)).sum::<u64>() as f64 / plane.len() as f64;
        }
        let Some(wanted) = films.matches.get(number).copied().flatten() else { continue };
        let Some(made) = latest.get(wanted, result) else { break };
        let frame = films.media.0.frames.get(number);
        let shape = frame.map(|frame: &Frame| (frame.width, frame.height, frame.sample_aspect_ratio.clone()));
        if spans.0 != shape {
            spans = (shape, canvas.spans(frame));
        }
        let (levels, psnr) = between(&picture, made, canvas.samples(), &spans.1);
        for (sum, level) in sums.iter_mut().zip(levels) {
            *sum += level;
        }
        let level = levels.into_iter().map(f64::abs).fold(0.0, f64::max);
        frames.push(Likeness { frame: number, level, psnr });
    }
    ensure!(pictures > 0, "no pictures of the source can be decoded");
    let mut count = frames.len() as f64;
    if frames.is_empty() {
        // Frames that are none of the source's, as of film out of fields: only the films as a whole are compared.
        (sums, count) = whole((alone, pictures), result, canvas)?;
    }
    let level = sums.into_iter().map(|sum| (sum / count).abs()).fold(0.0, f64::max);
    Ok(Measured { frames, level, pictures })
}

/// The latest pictures of a film: frames may be shown in another order than that of their times.
struct Latest {
    pictures: VecDeque<Vec<u8>>,
    /// Number of the picture that comes next.
    next: usize,
}

impl Latest {
    fn get(&mut self, wanted: usize, film: &Receiver<Vec<u8>>) -> Option<&Vec<u8>> {
        while self.next <= wanted {
            self.pictures.push_back(film.recv().ok()?);
            self.next += 1;
            if self.pictures.len() > REORDERED {
                self.pictures.pop_front();
            }
        }
        let first = self.next - self.pictures.len();
        self.pictures.get(wanted.checked_sub(first)?)
    }
}

/// Differences between the mean levels of films.
fn whole(
    (of_source, pictures): ([f64; PLANES], usize),
    result: &Receiver<Vec<u8>>,
    canvas: Canvas,
) -> anyhow::Result<([f64; PLANES], f64)> {
    let (mut of_result, mut count) = ([0.0_f64; PLANES], 0_u32);
    for picture in result {
        count += 1;
        for (mean, plane) in of_result.iter_mut().zip(picture.chunks(canvas.samples())) {
            *mean += plane.iter().map(|&sample| u64::from(sample)).sum::<u64>() as f64 / plane.len() as f64;
        }
    }
    ensure!(count > 0, "no pictures of the result can be decoded");
    let mut sums = [0.0; PLANES];
    for ((sum, a), b) in sums.iter_mut().zip(of_source).zip(of_result) {
        *sum = b / f64::from(count) - a / pictures as f64;
    }
    Ok((sums, 1.0))
}

/// Differences between the mean levels of the planes, and the likeness in dB, of some samples of two pictures.
fn between(
    source: &[u8],
    result: &[u8],
    plane: usize,
    spans: &[std::ops::Range<usize>],
) -> ([f64; PLANES], f64) {
    let samples = spans.iter().map(ExactSizeIterator::len).sum::<usize>().max(1) as f64;
    let (mut levels, mut squares) = ([0.0; PLANES], 0_i64);
    for ((a, b), level) in source.chunks(plane).zip(result.chunks(plane)).zip(&mut levels) {
        let mut sum = 0_i64;
        for span in spans {
            for (&a, &b) in a[span.clone()].iter().zip(&b[span.clone()]) {
                let difference = i64::from(b) - i64::from(a);
                sum += difference;
                squares += difference * difference;
            }
        }
        *level = sum as f64 / samples;
    }
    let error = squares as f64 / (samples * PLANES as f64);
    (levels, if error > 0.0 { 10.0 * (255.0_f64 * 255.0 / error).log10() } else { SAME })
}

/// The places of frames that are not those of the source.
pub(super) fn wrong(frames: &[Likeness], bounds: Bounds) -> Vec<usize> {
    let is_wrong = |&place: &usize| {
        let frame = &frames[place];
        let around = &frames[place.saturating_sub(AROUND)..(place + AROUND + 1).min(frames.len())];
        let mut around: Vec<f64> = around.iter().map(|frame| frame.psnr).collect();
        around.sort_by(f64::total_cmp);
        let usual = around[around.len() / 2].min(USUAL);
        frame.level > bounds.level || frame.psnr < bounds.psnr || frame.psnr < usual - bounds.drop
    };
    (0..frames.len()).filter(is_wrong).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    const CANVAS: Canvas =
        Canvas { width: 2, height: 1, fits: false, pixel: 1.0, is_turned: false, changes: false };
    const BOUNDS: Bounds = Bounds { level: 3.0, psnr: 20.0, drop: 12.0 };

    fn measured(source: &[&[u8]], result: &[&[u8]], matches: &[Option<usize>]) -> Measured {
        let pictures = |pictures: &[&[u8]]| {
            let (send, receive) = sync_channel(pictures.len());
            for picture in pictures {
                send.send(picture.to_vec()).unwrap();
            }
            receive
        };
        let (media, stream) = (Media::default(), Stream::default());
        let films = Films {
            paths: (Path::new(""), Path::new("")),
            media: (&media, &media),
            streams: (&stream, &stream),
            matches,
            fitted: None,
            turned: false,
            frames: usize::MAX,
            limit: Duration::ZERO,
        };
        measure((&pictures(source), &pictures(result)), &films, CANVAS).unwrap()
    }

    const A: &[u8] = &[10, 20, 30, 40, 50, 60];
    const B: &[u8] = &[14, 24, 30, 40, 50, 60];

    #[test]
    fn levels_and_likeness_of_each_frame_are_measured() {
        let same = measured(&[A, A], &[A, A], &[Some(0), Some(1)]);
        let like = |frame, level, psnr| Likeness { frame, level, psnr };
        assert_eq!((same.frames, same.level), (vec![like(0, 0.0, SAME), like(1, 0.0, SAME)], 0.0));
        let other = measured(&[A, A], &[A, B], &[Some(0), Some(1)]);
        let psnr = 10.0 * (255.0_f64 * 255.0 * 6.0 / 32.0).log10();
        assert!((other.frames[1].level - 4.0).abs() < 1e-9 && (other.level - 2.0).abs() < 1e-9, "{other:?}");
        assert!((other.frames[1].psnr - psnr).abs() < 1e-9, "{other:?}");
    }

    #[test]
    fn frames_are_compared_with_those_that_they_are_of() {
        let skipped = measured(&[B, A], &[A], &[None, Some(0)]);
        assert_eq!((skipped.frames.len(), skipped.level, skipped.pictures), (1, 0.0, 2));
        let doubled = measured(&[A, B], &[A, A, B, B], &[Some(0), Some(2)]);
        assert_eq!((doubled.frames.len(), doubled.level), (2, 0.0));
        let film = measured(&[A, B], &[B], &[None, None]);
        assert!(film.frames.is_empty() && (film.level - 2.0).abs() < 1e-9, "{film:?}");
    }

    #[test]
    fn a_frame_that_is_unlike_its_neighbours_is_wrong() {
        let film = |odd: (f64, f64)| -> Vec<Likeness> {
            let of = |frame| if frame == 7 { odd } else { (0.2, 42.0) };
            (0..20).map(|frame| Likeness { frame, level: of(frame).0, psnr: of(frame).1 }).collect()
        };
        assert_eq!(wrong(&film((0.2, 30.0)), BOUNDS), [0; 0]);
        for odd in [(0.2, 19.0), (0.2, 27.0), (3.5, 42.0)] {
            assert_eq!(wrong(&film(odd), BOUNDS), [7], "{odd:?}");
        }
    }
}
