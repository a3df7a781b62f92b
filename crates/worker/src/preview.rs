//! What networks make of single frames, as pictures that people can look at before a job takes hours.
//!
//! The pictures are what a job would encode, in RGB of 8 bits and in the source's own transfer curve. They stand upright,
//! and pixels that are not square stay as they are: the PNG files say their shape (`pHYs`), as the result of a job does.

mod picture;
mod sample;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use frame::{Planar, RgbF32, Size, round_to_16_bits};
use job::{Failure, FailureKind, FilePath, Notice, Settings};
use media::{Index, IndexMethod, Probe, RangeDecoder, Resizer, Source};
use protocol::message::{PreviewKind, PreviewPicture, PreviewRequest, Response};

use self::picture::{Picture, Upright};
pub(crate) use self::sample::Samples;
use crate::failure::Failed;
use crate::index::{shape, wanted_crop};
use crate::model::Upscaler;
use crate::pipeline::take;
use crate::postprocess::PostProcessing;
use crate::sandbox::LittleMemory;
use crate::source::source;
use crate::wire::Progress;

/// Threads of the decoder.
const DECODER_THREADS: usize = 2;
/// How far times may be rounded by people who read them somewhere, in seconds.
const ROUNDED: f64 = 0.000_6;

/// Makes the pictures, and tells how many are done meanwhile.
pub(crate) fn run(
    request: &PreviewRequest,
    upscaler: &mut Upscaler,
    progress: &Progress,
) -> Result<Response, Failed> {
    let done = AtomicU32::new(0);
    progress.during_frames("preview", &done, || make(request, upscaler, &done))?
}

fn make(request: &PreviewRequest, upscaler: &mut Upscaler, done: &AtomicU32) -> Result<Response, Failed> {
    let source = &source(&request.source, request.stream);
    let little = LittleMemory::begin();
    let probe = media::probe(source)?;
    drop(little);
    let pictures = attempt(request, upscaler, done, &probe, IndexMethod::Demux);
    let made = match pictures {
        // The packets do not tell the truth.
        Err(Failed(Failure { kind: FailureKind::FramesDiffer, .. })) => {
            done.store(0, Relaxed);
            attempt(request, upscaler, done, &probe, IndexMethod::Decode)?
        }
        made => made?,
    };
    let mut notes = made.notes;
    if media::is_hdr(probe.video.color.transfer) {
        notes.push("the video is HDR: its pictures are shown as on usual screens".into());
    }
    Ok(Response::Previewed { pictures: made.pictures, notes, failures: made.failures })
}

/// What was made.
struct Made {
    pictures: Vec<PreviewPicture>,
    notes: Vec<Notice>,
    /// Why some of the networks have no pictures.
    failures: Vec<Notice>,
}

/// The pictures with the times of a list that is made in this way.
fn attempt(
    request: &PreviewRequest,
    upscaler: &mut Upscaler,
    done: &AtomicU32,
    probe: &Probe,
    method: IndexMethod,
) -> Result<Made, Failed> {
    let source = &source(&request.source, request.stream);
    let index = media::index(source, method, &mut |_| {})?;
    let (mut index, of_fields) = media::deinterlace(source, index, media::Deinterlace::Auto, &mut |_| {})?;
    let mut notes: Vec<Notice> = of_fields.into_iter().map(Notice::from).collect();
    if let Some(crop) = wanted_crop(request.crop) {
        if crop == media::Crop::Bars {
            media::look_for_bars(source, &mut index, probe.video.size, media::Window::default())?;
        }
        notes.extend(media::crop(&mut index, &probe.video, crop)?.map(Notice::from));
        if crop == media::Crop::Bars {
            notes.push("black bars were looked for in some frames: a job looks at all of them".into());
        }
    }
    let video = probe.video.clone().as_decoded(&index);
    let (width, height) = request.target.size(shape(&video))?;
    let mut numbers: Vec<u32> = Vec::new();
    for &time in &request.times {
        let number = at(&index, time).map_err(Failed::last)?;
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    let mut maker = Maker {
        request,
        upscaler,
        done,
        target: Size::new(width, height),
        upright: Upright::of(&video),
        refused: vec![false; request.settings.len()],
        pictures: Vec::new(),
        failures: Vec::new(),
    };
    for number in numbers {
        maker.frame(&Frame::decode(source, &index, number)?)?;
    }
    Ok(Made { pictures: maker.pictures, notes, failures: maker.failures })
}

/// A frame of the source.
struct Frame {
    number: u32,
    /// When it is shown, from the first frame on: in seconds, and as players show it.
    seconds: f64,
    time: String,
    picture: RgbF32,
}

impl Frame {
    fn decode(source: &Source, index: &Index, number: u32) -> Result<Self, Failed> {
        let mut picture = RgbF32::new(Size::new(0, 0));
        let mut decoder = RangeDecoder::open(source, index, number, number + 1, DECODER_THREADS)?;
        decoder.tonemap();
        match decoder.next(&mut picture)? {
            Some(pts) => {
                Ok(Self { number, seconds: seconds(index, pts), time: index.clock(number), picture })
            }
            None => Err(Failed::last(format!("frame {number} is missing in the video: choose another time"))),
        }
    }
}

/// Seconds from the first frame on.
fn seconds(index: &Index, pts: i64) -> f64 {
    let first = index.pts.first().copied().unwrap_or(0);
    pts.saturating_sub(first) as f64 * f64::from(index.time_base.num) / f64::from(index.time_base.den.max(1))
}

/// The number of the frame that is shown at a time.
fn at(index: &Index, time: f64) -> Result<u32, String> {
    let last = index.pts.last().copied().unwrap_or(0);
    let end = seconds(index, last.saturating_add(index.last_duration));
    let begun = index.pts.partition_point(|&pts| seconds(index, pts) <= time + ROUNDED);
    if time >= end.max(seconds(index, last) + ROUNDED) {
        return Err(format!(
            "{time} s lies beyond the end of the video, which lasts {end:.3} s: its last frame is shown at {:.3} s ({})",
            seconds(index, last),
            index.clock(index.pts.len().saturating_sub(1) as u32)
        ));
    }
    Ok(begun.saturating_sub(1) as u32)
}

/// Makes pictures and writes them.
struct Maker<'a> {
    request: &'a PreviewRequest,
    upscaler: &'a mut Upscaler,
    /// Pictures so far, the sheets aside.
    done: &'a AtomicU32,
    target: Size,
    upright: Upright,
    /// Which of the networks cannot be used.
    refused: Vec<bool>,
    pictures: Vec<PreviewPicture>,
    failures: Vec<Notice>,
}

impl Maker<'_> {
    /// Makes the pictures of a frame.
    fn frame(&mut self, frame: &Frame) -> Result<(), Failed> {
        let request = self.request;
        let classic = rounded(&frame.picture);
        let classic = self.upright.picture(&sized(classic, self.target)?);
        self.write(frame, PreviewKind::Classic, None, "0-classic", &[&classic])?;
        let mut shown = vec![("classic", classic)];
        for (index, settings) in request.settings.iter().enumerate() {
            let name = settings.model.name();
            if self.refused[index] {
                self.done.fetch_add(1, Relaxed);
                continue;
            }
            match enlarge(self.upscaler, settings, request.engine_threads, frame, self.target) {
                Ok(picture) => {
                    let picture = self.upright.picture(&picture);
                    let title = format!("{}-{name}", index + 1);
                    self.write(frame, PreviewKind::Network, Some(name), &title, &[&picture])?;
                    shown.push((name, picture));
                }
                Err(Failed(failure)) => {
                    let Notice { text, remedy } = failure.message;
                    self.failures.push(Notice { text: format!("{name}: {text}"), remedy });
                    self.refused[index] = true;
                    self.done.fetch_add(1, Relaxed);
                }
            }
        }
        let panels: Vec<&Picture> = shown.iter().map(|(_, picture)| picture).collect();
        let names: Vec<&str> = shown.iter().map(|&(name, _)| name).collect();
        self.write(frame, PreviewKind::Sheet, Some(&names.join(" | ")), "sheet", &panels)
    }

    /// Writes a file of one or more pictures side by side. `what` says what made them.
    fn write(
        &mut self,
        frame: &Frame,
        kind: PreviewKind,
        what: Option<&str>,
        title: &str,
        panels: &[&Picture],
    ) -> Result<(), Failed> {
        let time = frame.time.replace(':', "-");
        let mut name = self.request.prefix.0.clone().into_os_string();
        name.push(format!("_{time}_{title}.png"));
        let path: PathBuf = self.request.folder.join(name);
        let description = format!("{} at {}", what.unwrap_or("classic"), frame.time);
        let (size, bytes) = picture::png(panels, self.upright.pixel(), &description).map_err(|error| {
            Failed::last(format!("a picture of {} cannot be encoded: {error}", self.target))
        })?;
        storage::write_status(&path, &bytes)?;
        let model = if kind == PreviewKind::Network { what.map(ToOwned::to_owned) } else { None };
        self.pictures.push(PreviewPicture {
            path: FilePath(path),
            frame: frame.number,
            seconds: frame.seconds,
            kind,
            model,
            width: size.width,
            height: size.height,
        });
        if kind != PreviewKind::Sheet {
            self.done.fetch_add(1, Relaxed);
        }
        Ok(())
    }
}

/// What settings make of a frame.
fn enlarge(
    upscaler: &mut Upscaler,
    settings: &Settings,
    threads: u32,
    frame: &Frame,
    target: Size,
) -> Result<Planar<u16>, Failed> {
    let (source, size) = (&frame.picture, frame.picture.size());
    // A single frame has nothing to be compared with.
    let alone = Settings { reuse: None, ..settings.clone() };
    let result = match upscaler.prepare(&alone, threads)? {
        None => rounded(source),
        Some(reuse) => {
            reuse.begin_within(size, None, storage::available_memory().unwrap_or(u64::MAX))?;
            let mut result = Planar::new(size.scaled(reuse.engine().scale()));
            let mut sound = true;
            reuse.compare(source);
            reuse.run(source, &mut |patch| sound &= take(&patch, &mut result))?;
            if !sound {
                return Err(Failed::last("the engine gives no numbers: try another model"));
            }
            result
        }
    };
    let result = Arc::new(result);
    let result = match PostProcessing::new(settings, size, result.size(), target)? {
        Some(mut post) => post.apply(frame.number, Some(source), &result)?,
        None => result,
    };
    sized(Arc::unwrap_or_clone(result), target)
}

/// A picture of 16 bits.
fn rounded(source: &RgbF32) -> Planar<u16> {
    let mut rounded = Planar::new(source.size());
    for plane in 0..3 {
        round_to_16_bits(source.plane(plane), rounded.plane_mut(plane));
    }
    rounded
}

/// The picture in a size.
fn sized(picture: Planar<u16>, size: Size) -> Result<Planar<u16>, Failed> {
    if picture.size() == size {
        return Ok(picture);
    }
    let mut sized = Planar::new(size);
    Resizer::new(picture.size(), size)?.resize(&picture, &mut sized)?;
    Ok(sized)
}

#[cfg(test)]
mod tests {
    use frame::Rational;

    use super::*;

    fn index() -> Index {
        let times = vec![80, 120, 160, 700];
        Index { last_duration: 40, ..Index::of_times(Rational::new(1, 1000), times) }
    }

    #[test]
    fn a_time_shows_the_frame_that_is_on_the_screen_then() {
        for (time, frame) in
            [(0.0, 0), (0.039, 0), (0.04, 1), (0.039_999_9, 1), (0.5, 2), (0.619, 2), (0.62, 3), (0.659, 3)]
        {
            assert_eq!(at(&index(), time), Ok(frame), "{time}");
        }
        assert!((seconds(&index(), 700) - 0.62).abs() < 1e-12);
    }

    #[test]
    fn a_time_beyond_the_end_is_refused_with_the_last_one() {
        for time in [0.661, 1e9] {
            let error = at(&index(), time).unwrap_err();
            assert!(error.contains("beyond the end") && error.contains("shown at 0.620 s"), "{error}");
        }
        // A last frame of no duration is there all the same.
        assert_eq!(at(&Index { last_duration: 0, ..index() }, 0.62), Ok(3));
    }
}
