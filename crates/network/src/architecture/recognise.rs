//! From tensors to the sizes of an architecture. Only what is needed to tell sizes is looked at; `build` checks that
//! each tensor fits.

use super::Architecture;
use crate::span::NO_NORM;
use crate::{Error, Tensors};

/// The largest enlargement or unshuffle.
const MAX_SCALE: usize = 8;

pub(super) fn recognise(tensors: &Tensors) -> Result<Architecture, Error> {
    if tensors.get("body.0.weight").is_some() {
        compact(tensors)
    } else if tensors.get("conv_first.weight").is_some() {
        esrgan(tensors)
    } else if tensors.get("conv_cat.weight").is_some() {
        span(tensors)
    } else {
        let found = match tensors.iter().next() {
            None => "no tensors at all".to_owned(),
            Some((name, tensor)) => {
                format!("{} tensors, the first `{name}` of shape {:?}", tensors.len(), tensor.shape())
            }
        };
        Err(Error::UnknownArchitecture { found })
    }
}

fn compact(tensors: &Tensors) -> Result<Architecture, Error> {
    let [features, 3, 3, 3] = *shape(tensors, "body.0.weight")? else {
        return Err(misfit(tensors, "body.0.weight", "a 3×3 convolution of 3 channels"));
    };
    if tensors.get("body.1.weight").is_none() {
        let found = "a Compact network with ReLU or LeakyReLU instead of PReLU".to_owned();
        return Err(Error::UnknownArchitecture { found });
    }
    let convs = count(tensors, |index| format!("body.{}.weight", 2 * index));
    let last = format!("body.{}.weight", 2 * (convs - 1));
    let [outputs, ..] = *shape(tensors, &last)? else {
        return Err(misfit(tensors, &last, "a convolution"));
    };
    let scale = square_factor(outputs)
        .ok_or_else(|| misfit(tensors, &last, "a convolution with 3 channels per pixel of a square block"))?;
    Ok(Architecture::SrvggNetCompact { features, convs, scale })
}

fn esrgan(tensors: &Tensors) -> Result<Architecture, Error> {
    let [features, inputs, 3, 3] = *shape(tensors, "conv_first.weight")? else {
        return Err(misfit(tensors, "conv_first.weight", "a 3×3 convolution"));
    };
    let unshuffle = square_factor(inputs)
        .filter(|factor| factor.is_power_of_two())
        .ok_or_else(|| misfit(tensors, "conv_first.weight", "a convolution of 3, 12 or 48 channels"))?;
    let growing = "body.0.rdb1.conv1.weight";
    let [growth, ..] = *shape(tensors, growing)? else {
        return Err(misfit(tensors, growing, "a convolution"));
    };
    let blocks = count(tensors, |index| format!("body.{index}.rdb1.conv1.weight"));
    let doublings = count(tensors, |index| format!("conv_up{}.weight", index + 1));
    let enlarged = 1_usize.checked_shl(doublings as u32).unwrap_or(usize::MAX);
    if enlarged < unshuffle || enlarged / unshuffle > MAX_SCALE {
        let found = format!("an RRDBNet that reduces ×{unshuffle} and doubles the size {doublings} times");
        return Err(Error::UnknownArchitecture { found });
    }
    Ok(Architecture::RrdbNet { features, growth, blocks, unshuffle, scale: enlarged / unshuffle })
}

fn span(tensors: &Tensors) -> Result<Architecture, Error> {
    let first = "conv_1.eval_conv.weight";
    let [features, 3, 3, 3] = *shape(tensors, first)? else {
        return Err(misfit(tensors, first, "a 3×3 convolution of 3 channels"));
    };
    let blocks = count(tensors, |index| format!("block_{}.c1_r.eval_conv.weight", index + 1));
    if blocks == 0 {
        let found = "it begins like a SPAN, but has no blocks".to_owned();
        return Err(Error::UnknownArchitecture { found });
    }
    let last = "upsampler.0.weight";
    let [outputs, ..] = *shape(tensors, last)? else {
        return Err(misfit(tensors, last, "a convolution"));
    };
    let scale = square_factor(outputs)
        .ok_or_else(|| misfit(tensors, last, "a convolution with 3 channels per pixel of a square block"))?;
    let normalized = tensors.get(NO_NORM).is_none();
    Ok(Architecture::Span { features, blocks, normalized, scale })
}

/// How many tensors in a row are there, named by their place.
fn count(tensors: &Tensors, name: impl Fn(usize) -> String) -> usize {
    (0..tensors.len()).take_while(|&index| tensors.get(&name(index)).is_some()).count()
}

/// The factor `f` for which `channels` is 3 · f².
fn square_factor(channels: usize) -> Option<usize> {
    (1..=MAX_SCALE).find(|factor| 3 * factor * factor == channels)
}

fn shape<'a>(tensors: &'a Tensors, name: &str) -> Result<&'a [usize], Error> {
    let tensor = tensors.get(name).ok_or_else(|| Error::UnknownArchitecture {
        found: format!("it begins like a known one, but has no tensor `{name}`"),
    })?;
    Ok(tensor.shape())
}

fn misfit(tensors: &Tensors, name: &str, expected: &str) -> Error {
    let shape = tensors.get(name).map(|tensor| tensor.shape().to_vec()).unwrap_or_default();
    Error::UnknownArchitecture { found: format!("`{name}` has the shape {shape:?}, which is not {expected}") }
}
