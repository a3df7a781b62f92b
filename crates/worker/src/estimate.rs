//! How long a job would take and how large its result would be: frames from all over the film are really upscaled, encoded and
//! checked, and the rest is taken to be like them.
//!
//! A network needs seconds a frame, so that only a few are made of each place. Their packets say little of a film, whose
//! segments begin with a large one and go on with small ones. So more frames are made without the network at the same places,
//! which takes next to no time, and the bytes that the network adds are known by the frames that were made both ways.

use std::time::Instant;

use frame::{RgbF32, Size};
use job::state::IndexMethod;
use job::{Encoding, Failure, FailureKind, FilePath, Model, Plan, SegmentRange, Settings, SourceFacts};
use media::{Index, RangeDecoder};
use protocol::message::{Estimate, EstimateRequest, FrameListFile, IndexRequest, Response, SegmentRequest};

use crate::failure::Failed;
use crate::index::{self, Examined, Reading};
use crate::model::Upscaler;
use crate::segment::{self, Trial};
use crate::source::source;
use crate::wire::Progress;

/// Where frames are made, as shares of the film: wherever it is broken off, they are spread.
const PLACES: [(u32, u32); 8] = [(1, 2), (1, 6), (5, 6), (1, 3), (2, 3), (1, 12), (11, 12), (5, 12)];
/// Frames at a place: the fewest show what a frame takes that follows another, the most are those of the shortest segment.
const FRAMES: std::ops::RangeInclusive<u32> = 2..=24;
/// Seconds for frames with the settings, after which no place is begun any more.
const SECONDS: f64 = 18.0;
/// Seconds for frames without the network.
const SECONDS_PLAIN: f64 = 8.0;
/// Frames that are decoded at most on the way to those of a place.
const MOST_LEAD_IN: u32 = 1000;
/// Seconds for reading frames alone.
const SECONDS_READING: f64 = 1.5;

/// Measures.
pub(crate) fn run(
    request: &EstimateRequest,
    upscaler: &mut Upscaler,
    progress: &Progress,
) -> Result<Response, Failed> {
    let estimate = match attempt(request, Reading::Some, upscaler, progress) {
        // The packets do not tell the truth.
        Err(Failed(Failure { kind: FailureKind::FramesDiffer, .. })) => {
            attempt(request, Reading::Whole, upscaler, progress)?
        }
        made => made?,
    };
    Ok(Response::Estimated(Box::new(estimate)))
}

fn attempt(
    request: &EstimateRequest,
    reading: Reading,
    upscaler: &mut Upscaler,
    progress: &Progress,
) -> Result<Estimate, Failed> {
    let to_index = IndexRequest {
        source: request.source.clone(),
        settings: request.settings.clone(),
        method: IndexMethod::default(),
        frame_list: FilePath(request.folder.join("frames.index")),
    };
    let Examined { facts, index, other_bytes } = index::examine(&to_index, reading, progress)?;
    let (plan, _) = job::plan(&facts, &request.settings)?;
    let encoding = facts.encodings.first().cloned();
    let encoding = encoding.ok_or_else(|| Failed::last("no encoder was chosen: try again"))?;
    let film = Film { request, facts: &facts, plan: &plan, index: &index, encoding };
    let begin = Instant::now();
    let mut made = Made::default();
    let reading = film.reading()?;
    // The parts of it are as for a good estimate.
    let shorter = request.seconds.map_or(1.0, |seconds| seconds / (SECONDS + SECONDS_PLAIN));
    let (seconds, seconds_plain) = (SECONDS * shorter, SECONDS_PLAIN * shorter);
    let work = Work::begin();
    film.make(&request.settings, (seconds, reading), &mut made, upscaler, progress)?;
    let share = work.share();
    let took = begin.elapsed().as_secs_f64();
    let mut plain = Made::default();
    // Where a few frames took all the time, what follows in a segment is known without the network.
    if request.settings.has_network() && took >= seconds / 2.0 {
        let settings = Settings {
            model: Model::None,
            wdn: None,
            denoise: 1.0,
            strength: 1.0,
            ..request.settings.clone()
        };
        film.make(&settings, (seconds_plain, reading), &mut plain, upscaler, progress)?;
    }
    let frames = f64::from(facts.frames);
    Ok(Estimate {
        is_whole: !index.decoded().digests.is_empty(),
        engine: made.engine.clone(),
        frames: made.frames(),
        places: made.places.len() as u32,
        seconds_per_frame: made.seconds_per_frame(),
        share,
        // The source is decoded once more than its frames are made, and so is the result.
        seconds_beside: reading * f64::from(index.decoded().pts.len() as u32) + made.checking() * frames,
        video_bytes: made.bytes(&plain, plan.segments, facts.frames),
        other_bytes,
        facts,
        plan,
    })
}

/// How much of the processors this process gets.
struct Work {
    begun: Instant,
    used: f64,
}

impl Work {
    fn begin() -> Self {
        Self { begun: Instant::now(), used: used() }
    }

    /// The share of all processors since then.
    fn share(&self) -> f64 {
        let processors = std::thread::available_parallelism().map_or(1.0, |count| count.get() as f64);
        let most = self.begun.elapsed().as_secs_f64() * processors;
        if most > 0.0 { ((used() - self.used) / most).max(0.0) } else { 0.0 }
    }
}

/// Seconds of a processor that this process has used.
fn used() -> f64 {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    used.tv_sec as f64 + used.tv_nsec as f64 / 1e9
}

/// A film of which some frames are made.
struct Film<'a> {
    request: &'a EstimateRequest,
    facts: &'a SourceFacts,
    plan: &'a Plan,
    index: &'a Index,
    encoding: Encoding,
}

impl Film<'_> {
    /// Makes frames at places all over the film until the time is over; at one place at least.
    fn make(
        &self,
        settings: &Settings,
        (seconds, reading): (f64, f64),
        made: &mut Made,
        upscaler: &mut Upscaler,
        progress: &Progress,
    ) -> Result<(), Failed> {
        let begin = Instant::now();
        for (number, &place) in PLACES.iter().enumerate() {
            let elapsed = begin.elapsed().as_secs_f64();
            let per_frame = made.seconds_per_frame();
            if number > 0 && elapsed + per_frame * f64::from(*FRAMES.start()) > seconds {
                break;
            }
            let share = seconds / PLACES.len() as f64 / per_frame.max(1e-3);
            let frames = if number == 0 && settings.has_network() {
                *FRAMES.start()
            } else {
                share.clamp(2.0, 24.0) as u32
            };
            let Some((range, lead_in)) = self.range(place, frames, made) else { continue };
            let mut trial = segment::attempt(&self.segment(settings, range), self.index, upscaler, progress)?;
            // A job decodes every frame once.
            trial.seconds.0 = (trial.seconds.0 - f64::from(lead_in) * reading).max(0.0);
            made.engine.clone_from(&trial.engine);
            made.places.push((range, trial));
        }
        Ok(())
    }

    /// Frames at a place, and how many are decoded on the way to them. They begin where decoding can begin, unless frames
    /// from there on were made before; `None` where all are.
    fn range(&self, (share, of): (u32, u32), frames: u32, made: &Made) -> Option<(SegmentRange, u32)> {
        let all = self.facts.frames;
        let wanted = (u64::from(all) * u64::from(share) / u64::from(of)) as u32;
        let before = self.facts.keyframes.partition_point(|&keyframe| keyframe <= wanted);
        let keyframe = self.facts.keyframes[..before].last().copied().unwrap_or(0);
        let start = if self.index.seekable { keyframe } else { 0 };
        [start, wanted].into_iter().find_map(|first| {
            let first = first.min(all.saturating_sub(frames));
            let range = SegmentRange { first, end: (first + frames).min(all) };
            let is_new =
                |(known, _): &(SegmentRange, Trial)| known.end <= range.first || range.end <= known.first;
            let is_far = first.saturating_sub(start) > MOST_LEAD_IN;
            let is_good = range.frames() > 0 && !is_far && made.places.iter().all(is_new);
            is_good.then(|| (range, first.saturating_sub(start)))
        })
    }

    fn segment(&self, settings: &Settings, range: SegmentRange) -> SegmentRequest {
        let Self { request, facts, plan, .. } = self;
        SegmentRequest {
            source: request.source.clone(),
            fingerprint: String::new(),
            settings: settings.clone(),
            frame_list: FrameListFile {
                path: FilePath(request.folder.join("frames.index")),
                blake3: facts.frame_list_blake3.clone(),
                missing: facts.missing.clone(),
            },
            index: 0,
            epoch: 0,
            range,
            width: plan.width,
            height: plan.height,
            container: facts.container,
            encoding: self.encoding.clone(),
            parameter_set: 0,
            encoder_threads: plan.encoder_threads,
            engine_threads: request.engine_threads,
            folder: request.folder.clone(),
            most_bytes: None,
        }
    }

    /// Seconds that a frame of the source takes to be read.
    fn reading(&self) -> Result<f64, Failed> {
        let source = source(&self.request.source, self.request.settings.stream);
        let Some((range, _)) = self.range(PLACES[0], 200, &Made::default()) else { return Ok(0.0) };
        let mut picture = RgbF32::new(Size::new(0, 0));
        let mut decoder = RangeDecoder::open(&source, self.index, range.first, range.end, 2)?;
        // The first one waits for what its decoder needs.
        decoder.next(&mut picture)?;
        let begin = Instant::now();
        let mut frames = 0;
        while begin.elapsed().as_secs_f64() < SECONDS_READING && decoder.next(&mut picture)?.is_some() {
            frames += 1;
        }
        Ok(begin.elapsed().as_secs_f64() / f64::from(frames.max(1)))
    }
}

/// What was made.
#[derive(Default)]
struct Made {
    places: Vec<(SegmentRange, Trial)>,
    engine: String,
}

impl Made {
    fn frames(&self) -> u32 {
        self.places.iter().map(|(range, _)| range.frames()).sum()
    }

    /// Seconds that a frame takes. Of the first place, the frames count that follow the first, before which all is set up; of
    /// others with few frames, all count, since setting up takes less than one.
    fn seconds_per_frame(&self) -> f64 {
        let place = |(number, (range, trial)): (usize, &(SegmentRange, Trial))| {
            let (until_first, rest) = trial.seconds;
            let frames = f64::from(range.frames());
            match range.frames() {
                1 => (until_first + rest, frames),
                frames if number == 0 || frames > 8 => (rest, f64::from(frames - 1)),
                _ => (until_first + rest, frames),
            }
        };
        let all = self.places.iter().enumerate().map(place);
        let (seconds, frames) = all.fold((0.0, 0.0), |sum, place| (sum.0 + place.0, sum.1 + place.1));
        if frames > 0.0 { seconds / frames } else { 0.0 }
    }

    /// Seconds that a frame of the result takes to be decoded once more.
    fn checking(&self) -> f64 {
        let sum: f64 = self.places.iter().map(|(_, trial)| trial.checking).sum();
        sum / f64::from(self.frames().max(1))
    }

    /// Mean bytes of the first packet of a place and of one that follows; `None` where none follows.
    fn packets(&self) -> (f64, Option<f64>) {
        let firsts = self.places.iter().filter_map(|(_, trial)| trial.packets.first());
        let (count, first) =
            firsts.fold((0.0, 0.0), |(count, sum), &bytes| (count + 1.0, sum + bytes as f64));
        let rest = self.places.iter().flat_map(|(_, trial)| trial.packets.iter().skip(1));
        let (others, sum) = rest.fold((0.0, 0.0), |(count, sum), &bytes| (count + 1.0, sum + bytes as f64));
        (first / f64::max(count, 1.0), (others > 0.0).then(|| sum / others))
    }

    /// Bytes of a film of so many segments and frames. Where more was made without the network, that says how packets follow each other.
    fn bytes(&self, plain: &Self, segments: u32, frames: u32) -> u64 {
        let (typical, likeness) =
            if plain.frames() > self.frames() { (plain, self.likeness(plain)) } else { (self, 1.0) };
        let (first, other) = typical.packets();
        let (segments, frames) = (f64::from(segments), f64::from(frames));
        let bytes = segments * first + (frames - segments) * other.unwrap_or(first);
        (bytes * likeness) as u64
    }

    /// How many times larger packets are than those of the same frames without the network, as far as both were made.
    fn likeness(&self, plain: &Self) -> f64 {
        let mut sums = (0.0, 0.0);
        for (range, trial) in &self.places {
            let same = plain.places.iter().find(|(other, _)| other.first == range.first);
            if let Some((_, same)) = same {
                for (ours, theirs) in trial.packets.iter().zip(&same.packets) {
                    sums = (sums.0 + *ours as f64, sums.1 + *theirs as f64);
                }
            }
        }
        if sums.1 > 0.0 { sums.0 / sums.1 } else { 1.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(places: &[(u32, (f64, f64), &[u64])]) -> Made {
        let place = |&(first, seconds, packets): &(u32, (f64, f64), &[u64])| {
            let range = SegmentRange { first, end: first + packets.len() as u32 };
            let packets = packets.to_vec();
            (range, Trial { seconds, checking: 0.5, packets, engine: String::new() })
        };
        Made { places: places.iter().map(place).collect(), engine: String::new() }
    }

    #[test]
    fn what_is_set_up_once_does_not_count_for_every_frame() {
        let close = |made: &Made, wanted: f64| {
            let found = made.seconds_per_frame();
            assert!((found - wanted).abs() < 1e-9, "{found} is not {wanted}");
        };
        close(&made(&[]), 0.0);
        close(&made(&[(0, (9.0, 5.0), &[1, 1])]), 5.0);
        // Another place is set up already.
        close(&made(&[(0, (9.0, 5.0), &[1, 1]), (50, (4.0, 3.0), &[1, 1])]), 4.0);
        close(&made(&[(0, (1.0, 2.0), &[1; 21])]), 0.1);
        close(&made(&[(0, (3.0, 1.0), &[1])]), 4.0);
    }

    #[test]
    fn every_segment_begins_with_a_large_packet() {
        let few = made(&[(0, (1.0, 1.0), &[1000, 100, 300])]);
        let none = Made::default();
        assert_eq!(few.bytes(&none, 10, 200), 10 * 1000 + 190 * 200);
        // Only one frame is known.
        assert_eq!(made(&[(0, (1.0, 1.0), &[500])]).bytes(&none, 1, 4), 2000);
        // The network doubles packets, and others say how they follow each other.
        let few = made(&[(7, (1.0, 1.0), &[1000, 200])]);
        let plain = made(&[(7, (1.0, 1.0), &[500, 100, 10, 10]), (90, (1.0, 1.0), &[700, 20, 20, 20])]);
        assert_eq!(few.bytes(&plain, 10, 200), 2 * (10 * 600 + 190 * 30));
    }
}
