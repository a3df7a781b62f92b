//! The way of a frame: decode, engine, post-processing, encode, each on a thread of its own, joined by short queues.
//!
//! Pictures go round: what the encoder has used goes back to the decoder, so that nothing is allocated once the queues
//! are full. A frame that repeats the one before goes through all stages, but nothing is done to it on the way.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use engine::{Changes, Patch, Reuse};
use frame::{Planar, RgbF32, Size, WHITE, mean_difference, round_to_16_bits};
use job::state::Reused;
use media::{NextFrame, RangeDecoder};

use crate::failure::Failed;
use crate::postprocess::PostProcessing;
use crate::results::Results;
use crate::threads;
use crate::trace::{Stage, Trace};

/// The names of the threads; encoding is done on the one that calls.
const DECODE: &str = "decode";
const ENGINE: &str = "engine";
const POSTPROCESS: &str = "postprocess";
/// Largest mean difference between a picture and its source that is still believed, of 1. Networks stay below 0.03 on
/// the hardest test pictures; a black or scrambled picture of a film is above 0.15.
const LARGEST_DIFFERENCE: f32 = 0.1;

/// A frame on its way.
struct Picture {
    number: u32,
    pts: i64,
    /// Closed captions.
    captions: Vec<u8>,
    /// Unspecified in a repeat that the decoder found.
    source: RgbF32,
    /// The result is that of the frame before.
    is_repeat: bool,
    /// What the engine made, from there on.
    result: Option<Arc<Planar<u16>>>,
    /// What is encoded in its place, from post-processing on where there is some.
    finished: Option<Arc<Planar<u16>>>,
    /// All samples that the engine gave are numbers.
    sound: bool,
}

/// What the stages have in common.
pub(crate) struct Pipeline<'a> {
    /// What upscales; `None` for settings without a network.
    pub(crate) reuse: Option<&'a mut Reuse>,
    /// How many times larger its pictures are.
    pub(crate) scale: u32,
    /// What is done to the pictures afterwards, if anything.
    pub(crate) post: Option<PostProcessing>,
    /// Frames that the decoder finds to be repeats are not even converted.
    pub(crate) skips_repeats: bool,
    /// Pictures between two stages.
    pub(crate) queue: usize,
    /// The number of the first frame, for messages.
    pub(crate) first: u32,
    /// Called now and then while a frame takes long.
    pub(crate) alive: &'a (dyn Fn() + Sync),
    /// Learns when each stage was at work.
    pub(crate) trace: &'a Trace,
}

/// Takes each frame from the decoder through the network to `encode`, in order, with its time and its captions. `encode`
/// gets `None` for the very picture that it got before. Gives what was not computed.
pub(crate) fn run(
    decoder: RangeDecoder<'_>,
    mut pipeline: Pipeline<'_>,
    mut encode: impl FnMut(Option<&Planar<u16>>, i64, &[u8]) -> Result<(), Failed>,
) -> Result<Reused, Failed> {
    let queue = pipeline.queue;
    let (decoded, to_engine) = sync_channel::<Picture>(queue);
    let (upscaled, to_encoder) = sync_channel::<Picture>(queue);
    let (used, free) = channel::<Picture>();
    thread::scope(|scope| {
        let (first, skips_repeats, trace) = (pipeline.first, pipeline.skips_repeats, pipeline.trace);
        let decode = move || decode(decoder, (first, skips_repeats), &free, &decoded, trace);
        let decode = threads::start_in(scope, DECODE, decode)?;
        let post = pipeline.post.take();
        let repeats_differ = post.as_ref().is_some_and(PostProcessing::is_new_each_time);
        let upscale = threads::start_in(scope, ENGINE, move || upscale(pipeline, &to_engine, &upscaled))?;
        let (post, to_encoder) = match post {
            None => (None, to_encoder),
            Some(post) => {
                let (done, post_processed) = sync_channel::<Picture>(queue);
                let finish = move || finish(post, &to_encoder, &done, trace);
                (Some(threads::start_in(scope, POSTPROCESS, finish)?), post_processed)
            }
        };
        let encoded = encode_all(&to_encoder, &used, repeats_differ, &mut encode, trace);
        // A stage that waits for room in this queue must see that its receiver is gone.
        drop(to_encoder);
        let upscaled = threads::result(ENGINE, upscale.join());
        let decoded = threads::result(DECODE, decode.join());
        let post_processed = post.map_or(Ok(Ok(())), |post| threads::result(POSTPROCESS, post.join()));
        // The stage that failed first made the later ones stop early without an error of their own.
        decoded??;
        let reused = upscaled??;
        post_processed??;
        encoded.map(|()| reused)
    })
}

impl Picture {
    fn empty() -> Self {
        let source = RgbF32::new(Size::new(0, 0));
        let (captions, result, finished) = (Vec::new(), None, None);
        Self { number: 0, pts: 0, captions, source, is_repeat: false, result, finished, sound: true }
    }
}

fn decode(
    mut decoder: RangeDecoder<'_>,
    (first, skips_repeats): (u32, bool),
    free: &Receiver<Picture>,
    decoded: &SyncSender<Picture>,
    trace: &Trace,
) -> Result<(), Failed> {
    for number in first.. {
        let mut picture = free.try_recv().unwrap_or_else(|_| Picture::empty());
        let next = trace.span(Stage::Decode, number, || {
            if skips_repeats {
                return decoder.next_unless_repeated(&mut picture.source);
            }
            let next = decoder.next(&mut picture.source)?;
            Ok(next.map(|pts| NextFrame { pts, is_repeat: false }))
        });
        let Some(NextFrame { pts, is_repeat }) = next? else { break };
        (picture.number, picture.pts, picture.is_repeat) = (number, pts, is_repeat);
        picture.captions.clear();
        picture.captions.extend_from_slice(decoder.captions());
        if decoded.send(picture).is_err() {
            break;
        }
    }
    Ok(())
}

fn upscale(
    mut pipeline: Pipeline<'_>,
    pictures: &Receiver<Picture>,
    done: &SyncSender<Picture>,
) -> Result<Reused, Failed> {
    let (mut results, mut reused) = (Results::default(), Reused::default());
    for mut picture in pictures {
        let (trace, number) = (pipeline.trace, picture.number);
        let computed = if picture.is_repeat {
            0
        } else {
            trace.span(Stage::Engine, number, || pipeline.compute(&mut picture, &mut results))?
        };
        picture.result = results.last();
        reused.frames += u32::from(picture.is_repeat);
        // The size of a repeat's source is that of some earlier picture, which is the same.
        let pixels = picture.result.as_ref().map_or(0, |result| result.size().pixels());
        let pixels = pixels / (u64::from(pipeline.scale) * u64::from(pipeline.scale)).max(1);
        // Tiles overlap, and never are more work than the whole by more than that.
        reused.pixels += pixels.saturating_sub(computed);
        if done.send(picture).is_err() {
            break;
        }
    }
    Ok(reused)
}

impl Pipeline<'_> {
    /// Makes the result of a picture, or finds that it is the one before. Gives the pixels that it took.
    fn compute(&mut self, picture: &mut Picture, results: &mut Results) -> Result<u64, Failed> {
        let Picture { source, sound, is_repeat, .. } = picture;
        *sound = true;
        let size = source.size();
        let Some(reuse) = self.reuse.as_deref_mut() else {
            let result = results.fresh(size);
            for plane in 0..3 {
                *sound &= round_to_16_bits(source.plane(plane), result.plane_mut(plane));
            }
            return Ok(size.pixels());
        };
        let result = match reuse.compare(source) {
            Changes::Nothing => {
                *is_repeat = true;
                return Ok(0);
            }
            Changes::Parts => results.copied(),
            Changes::Everything => results.fresh(size.scaled(self.scale)),
        };
        let pixels = reuse.run(source, &mut |patch| {
            (self.alive)();
            *sound &= take(&patch, result);
        })?;
        Ok(pixels)
    }
}

/// Post-processes pictures until there are no more.
fn finish(
    mut post: PostProcessing,
    pictures: &Receiver<Picture>,
    done: &SyncSender<Picture>,
    trace: &Trace,
) -> Result<(), Failed> {
    for mut picture in pictures {
        let Picture { number, source, is_repeat, result, .. } = &picture;
        if let Some(result) = result {
            let finished = trace.span(Stage::PostProcessing, *number, || {
                let source = if *is_repeat { None } else { Some(source) };
                post.apply(*number, source, result)
            })?;
            picture.finished = Some(finished);
        }
        if done.send(picture).is_err() {
            break;
        }
    }
    Ok(())
}

/// Copies a patch into a 16-bit picture, clipped to its range. False when a sample is not a number.
pub(crate) fn take(patch: &Patch<'_>, result: &mut Planar<u16>) -> bool {
    let mut sound = true;
    for plane in 0..3 {
        for y in 0..patch.rows {
            let row = &mut result.row_mut(plane, patch.y + y)[patch.x as usize..];
            sound &= round_to_16_bits(patch.row(plane, y), &mut row[..patch.width as usize]);
        }
    }
    sound
}

/// Checks and encodes pictures until there are no more. With `repeats_differ`, the picture of a repeat is not that of the
/// frame before.
fn encode_all(
    pictures: &Receiver<Picture>,
    used: &Sender<Picture>,
    repeats_differ: bool,
    encode: &mut impl FnMut(Option<&Planar<u16>>, i64, &[u8]) -> Result<(), Failed>,
    trace: &Trace,
) -> Result<(), Failed> {
    for mut picture in pictures {
        // Others may write to the pictures from here on, and must find no other owner.
        let (result, finished) = (picture.result.take(), picture.finished.take());
        trace.span(Stage::Encode, picture.number, || {
            // What the engine made is looked at, since what is done afterwards could hide that it is wrong. What is the
            // picture before was checked with it.
            if let Some(result) = result.as_deref().filter(|_| !picture.is_repeat) {
                check(&picture, result)?;
            }
            let is_new = !picture.is_repeat || repeats_differ;
            let shown = finished.as_deref().or(result.as_deref()).filter(|_| is_new);
            encode(shown, picture.pts, &picture.captions)
        })?;
        drop((result, finished));
        // The decoder may be done already.
        let _ = used.send(picture);
    }
    Ok(())
}

/// Finds pictures that have nothing to do with their source: black, green, scrambled.
fn check(picture: &Picture, result: &Planar<u16>) -> Result<(), Failed> {
    if !picture.sound {
        return Err(Failed::transient(format!("the engine gave no numbers at frame {}", picture.number)));
    }
    let difference = mean_difference(&picture.source, result, WHITE);
    if difference <= LARGEST_DIFFERENCE {
        return Ok(());
    }
    Err(Failed::transient(format!(
        "the engine made a picture that does not look like its source at frame {} (mean difference {difference:.2})",
        picture.number
    )))
}
