//! What is done to the network's pictures before they are encoded: less of the network, the colours of the source, grain.
//!
//! The network's own result is never written to, since the next frame may take over what did not change in it.

use std::sync::Arc;

use frame::{Anchor, Grain, Planar, RgbF32, Size, blend, round_to_16_bits};
use job::Settings;
use media::Resizer;

use crate::failure::Failed;
use crate::results::Results;

/// The post-processing of a job's pictures, with the memory for it.
pub(crate) struct PostProcessing {
    strength: f32,
    /// The source enlarged without a network, where that has a share.
    classic: Option<Classic>,
    anchor: Option<Anchor>,
    /// Pictures of the engine's size that are complete but for their grain.
    plain: Results,
    grained: Option<Grained>,
}

/// The way of a source around the network.
struct Classic {
    resizer: Resizer,
    source: Planar<u16>,
    enlarged: Planar<u16>,
}

/// Grain, which has to be added in the size of the result, and what that takes.
struct Grained {
    grain: Grain,
    /// The number in the film of the first frame that is made.
    first: u32,
    resizer: Option<Resizer>,
    /// The last picture without grain.
    plain: Option<Arc<Planar<u16>>>,
    sized: Results,
    results: Results,
}

impl PostProcessing {
    /// What settings ask for. `None` when the pictures are encoded as the engine makes them. `engine` is the size
    /// of those, `source` that of the source, and `target` that of the result.
    pub(crate) fn new(
        settings: &Settings,
        source: Size,
        engine: Size,
        target: Size,
    ) -> Result<Option<Self>, Failed> {
        let has_network = settings.has_network();
        let is_blended = has_network && settings.strength < 1.0;
        let is_anchored = has_network && settings.anchor;
        let has_grain = settings.grain > 0.0;
        if !is_blended && !is_anchored && !has_grain {
            return Ok(None);
        }
        Ok(Some(Self {
            strength: settings.strength,
            classic: if is_blended { Some(Classic::new(source, engine)?) } else { None },
            anchor: is_anchored.then(Anchor::default),
            plain: Results::default(),
            grained: if has_grain { Some(Grained::new(settings, engine, target)?) } else { None },
        }))
    }

    /// Counts the frames from then on as from frame `first`, which is that of the film where a part of it is made.
    pub(crate) fn count_from(&mut self, first: u32) {
        if let Some(grained) = &mut self.grained {
            grained.first = first;
        }
    }

    /// True when even a frame that repeats the one before gets another picture: grain never stands still.
    pub(crate) fn is_new_each_time(&self) -> bool {
        self.grained.is_some()
    }

    /// The size of the pictures for an engine that makes them of size `engine`.
    pub(crate) fn size(&self, engine: Size) -> Size {
        let resizer = self.grained.as_ref().and_then(|grained| grained.resizer.as_ref());
        resizer.map_or(engine, Resizer::size)
    }

    /// The picture for frame `number`, of which the engine made `result`. Without a source, the frame repeats the one
    /// before.
    pub(crate) fn apply(
        &mut self,
        number: u32,
        source: Option<&RgbF32>,
        result: &Arc<Planar<u16>>,
    ) -> Result<Arc<Planar<u16>>, Failed> {
        let plain = source.map(|source| self.plain(source, result)).transpose()?;
        let last = self.plain.last();
        match &mut self.grained {
            Some(grained) => grained.apply(number, plain, result),
            None => Ok(plain.or(last).unwrap_or_else(|| Arc::clone(result))),
        }
    }

    /// A new picture without grain, of the engine's size.
    fn plain(&mut self, source: &RgbF32, result: &Arc<Planar<u16>>) -> Result<Arc<Planar<u16>>, Failed> {
        if self.classic.is_none() && self.anchor.is_none() {
            return Ok(Arc::clone(result));
        }
        // Its memory is written again only when no other owner shares it.
        if let Some(grained) = &mut self.grained {
            grained.plain = None;
        }
        let into = self.plain.fresh(result.size());
        match &mut self.classic {
            Some(classic) => blend(result, classic.enlarge(source)?, self.strength, into),
            None => (0..3).for_each(|plane| into.plane_mut(plane).copy_from_slice(result.plane(plane))),
        }
        if let Some(anchor) = &mut self.anchor {
            anchor.correct(source, into);
        }
        Ok(self.plain.last().unwrap_or_else(|| Arc::clone(result)))
    }
}

impl Classic {
    fn new(source: Size, engine: Size) -> Result<Self, Failed> {
        let empty = || Planar::new(Size::new(0, 0));
        Ok(Self { resizer: Resizer::new(source, engine)?, source: empty(), enlarged: empty() })
    }

    fn enlarge(&mut self, source: &RgbF32) -> Result<&Planar<u16>, Failed> {
        self.source.resize(source.size());
        for plane in 0..3 {
            // What is not a number is found in the network's result.
            round_to_16_bits(source.plane(plane), self.source.plane_mut(plane));
        }
        self.resizer.resize(&self.source, &mut self.enlarged)?;
        Ok(&self.enlarged)
    }
}

impl Grained {
    fn new(settings: &Settings, engine: Size, target: Size) -> Result<Self, Failed> {
        Ok(Self {
            first: 0,
            grain: Grain::new(settings.grain, seed(settings)),
            resizer: if engine == target { None } else { Some(Resizer::new(engine, target)?) },
            plain: None,
            sized: Results::default(),
            results: Results::default(),
        })
    }

    /// The picture `plain` with the grain of a frame; without one, that of the frame before with other grain.
    fn apply(
        &mut self,
        number: u32,
        plain: Option<Arc<Planar<u16>>>,
        result: &Arc<Planar<u16>>,
    ) -> Result<Arc<Planar<u16>>, Failed> {
        if let Some(plain) = plain {
            self.plain = None;
            self.plain = match &mut self.resizer {
                None => Some(plain),
                Some(resizer) => {
                    resizer.resize(&plain, self.sized.fresh(resizer.size()))?;
                    self.sized.last()
                }
            };
        }
        let plain = self.plain.as_ref().unwrap_or(result);
        self.grain.add(plain, self.first.saturating_add(number), self.results.fresh(plain.size()));
        Ok(self.results.last().unwrap_or_else(|| Arc::clone(plain)))
    }
}

/// What the grain of a job follows from beside the number of the frame: what makes its pictures, and nothing of how they
/// are cut, reused and encoded.
fn seed(settings: &Settings) -> u64 {
    let Settings { model, denoise, wdn, target, strength, anchor, grain, .. } = settings.clone();
    let hash =
        Settings { model, denoise, wdn, target, strength, anchor, grain, ..Settings::default() }.hash();
    let digits = hash.chars().filter_map(|digit| digit.to_digit(16)).take(16);
    digits.fold(0, |seed, digit| seed << 4 | u64::from(digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: Size = Size::new(24, 16);

    fn source(shift: usize) -> RgbF32 {
        let mut picture = RgbF32::new(SOURCE);
        for plane in 0..3 {
            for (at, sample) in picture.plane_mut(plane).iter_mut().enumerate() {
                *sample = 0.2 + ((at + shift) % 31 * (plane + 1)) as f32 / 160.0;
            }
        }
        picture
    }

    /// What a bad network makes of a picture: too bright.
    fn result(source: &RgbF32) -> Arc<Planar<u16>> {
        let mut result = Planar::new(SOURCE.scaled(2));
        for plane in 0..3 {
            for y in 0..result.size().height {
                for (x, sample) in result.row_mut(plane, y).iter_mut().enumerate() {
                    *sample = ((source.row(plane, y / 2)[x / 2] + 0.05) * 65535.0) as u16;
                }
            }
        }
        Arc::new(result)
    }

    fn post(settings: &Settings, target: Size) -> PostProcessing {
        PostProcessing::new(settings, SOURCE, SOURCE.scaled(2), target).unwrap().unwrap()
    }

    fn settings(strength: f32, anchor: bool, grain: f32) -> Settings {
        Settings { strength, anchor, grain, ..Settings::default() }
    }

    fn mean(picture: &Planar<u16>) -> f64 {
        let samples = (0..3).flat_map(|plane| picture.plane(plane));
        samples.map(|&sample| f64::from(sample) / 65535.0).sum::<f64>() / (3 * picture.size().pixels()) as f64
    }

    #[test]
    fn nothing_is_done_unless_it_is_asked_for() {
        let engine = SOURCE.scaled(2);
        for nothing in [
            settings(1.0, false, 0.0),
            // Without a network, there is nothing to weaken and no colour to keep.
            settings(0.0, true, 0.0),
            Settings { model: job::Model::None, ..settings(0.5, true, 0.0) },
        ] {
            assert!(PostProcessing::new(&nothing, SOURCE, engine, Size::new(90, 60)).unwrap().is_none());
        }
    }

    #[test]
    fn less_strength_takes_more_of_the_source_and_an_anchor_all_of_its_colours() {
        let (source, bright) = (source(0), result(&source(0)));
        let off = |strength, anchor| {
            let mut post = post(&settings(strength, anchor, 0.0), SOURCE.scaled(2));
            let picture = post.apply(0, Some(&source), &bright).unwrap();
            mean(&picture) - mean(&result(&source)) + 0.05
        };
        assert!((off(0.5, false) - 0.025).abs() < 0.001, "{}", off(0.5, false));
        assert!((off(0.1, false) - 0.005).abs() < 0.001, "{}", off(0.1, false));
        assert!(off(1.0, true).abs() < 0.001, "{}", off(1.0, true));
        assert!(off(0.5, true).abs() < 0.001, "{}", off(0.5, true));
        // The network's own picture is as it was.
        assert_eq!(bright, result(&source));
    }

    #[test]
    fn a_repeat_keeps_its_picture_and_gets_grain_of_its_own() {
        let (first, second) = (source(0), source(5));
        let mut still = post(&settings(0.5, true, 0.0), SOURCE.scaled(2));
        assert!(!still.is_new_each_time());
        let shown = still.apply(7, Some(&first), &result(&first)).unwrap();
        assert_eq!(still.apply(8, None, &result(&first)).unwrap(), shown);
        assert_ne!(still.apply(9, Some(&second), &result(&second)).unwrap(), shown);

        let mut grained = post(&settings(0.5, true, 0.5), SOURCE.scaled(2));
        assert!(grained.is_new_each_time());
        let shown = grained.apply(7, Some(&first), &result(&first)).unwrap();
        let repeated = grained.apply(8, None, &result(&first)).unwrap();
        assert_ne!(repeated, shown);
        // As if the frame had come for the first time, in this segment or in another.
        assert_eq!(grained.apply(8, Some(&first), &result(&first)).unwrap(), repeated);
        let mut other = post(&settings(0.5, true, 0.5), SOURCE.scaled(2));
        assert_eq!(other.apply(8, Some(&first), &result(&first)).unwrap(), repeated);
    }

    #[test]
    fn grain_is_added_in_the_size_of_the_result() {
        let (source, target) = (source(0), Size::new(90, 60));
        let mut grained = post(&settings(1.0, false, 1.0), target);
        assert_eq!(grained.size(SOURCE.scaled(2)), target);
        assert_eq!(grained.apply(0, Some(&source), &result(&source)).unwrap().size(), target);
        let plain = post(&settings(0.5, false, 0.0), target);
        assert_eq!(plain.size(SOURCE.scaled(2)), SOURCE.scaled(2));
    }

    #[test]
    fn pictures_go_round() {
        let mut post = post(&settings(0.5, true, 0.5), Size::new(90, 60));
        let mut shown = Vec::new();
        for number in 0..50 {
            let source = source(number / 2);
            let result = result(&source);
            let source = Some(&source).filter(|_| number.is_multiple_of(2));
            shown.push(post.apply(number as u32, source, &result).unwrap());
            if shown.len() > 3 {
                shown.remove(0);
            }
        }
        let grained = post.grained.as_ref().unwrap();
        assert_eq!((post.plain.len(), grained.sized.len()), (1, 1));
        assert!(grained.results.len() <= 4, "{}", grained.results.len());
    }

    #[test]
    fn grain_follows_from_what_makes_the_pictures() {
        let base = settings(1.0, false, 0.5);
        assert_ne!(seed(&settings(1.0, false, 0.25)), seed(&base));
        assert_ne!(seed(&Settings { model: job::Model::None, ..base.clone() }), seed(&base));
        let other = Settings { segment_frames: Some(9), reuse: None, crf: Some(0), ..base.clone() };
        assert_eq!(seed(&other), seed(&base));
    }
}
