//! The architectures that are known, recognised by the names and shapes of the official state dicts.

use std::convert::Infallible;
use std::fmt;

use crate::ir::Network;
use crate::{Error, Tensors};

mod layout;
mod recognise;

/// What kind of network a model is, without its weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Architecture {
    /// A plain stack of 3×3 convolutions with PReLU between, a pixel shuffle, and the enlarged input added
    /// ("Compact").
    SrvggNetCompact {
        /// Channels between the convolutions.
        features: usize,
        /// All convolutions, the first and the last included.
        convs: usize,
        /// Enlargement.
        scale: usize,
    },
    /// Residual-in-residual dense blocks, then enlargement by nearest neighbour and convolutions ("ESRGAN").
    RrdbNet {
        /// Channels between the blocks.
        features: usize,
        /// Channels that each convolution of a dense block adds.
        growth: usize,
        /// Blocks of three dense blocks.
        blocks: usize,
        /// Factor of the pixel unshuffle at the start; 1 means none.
        unshuffle: usize,
        /// Enlargement of the whole.
        scale: usize,
    },
    /// Blocks of three 3×3 convolutions whose result is also its own attention, then a pixel shuffle.
    ///
    /// Wan et al., "Swift Parameter-free Attention Network for Efficient Super-Resolution" (CVPR workshops 2024).
    Span {
        /// Channels between the convolutions.
        features: usize,
        /// Blocks; published models have 6.
        blocks: usize,
        /// Whether the input is normalized, by a mean and a range that come with the weights.
        normalized: bool,
        /// Enlargement.
        scale: usize,
    },
}

impl Architecture {
    /// Its name in the field, without sizes.
    pub fn name(&self) -> &'static str {
        match self {
            Self::SrvggNetCompact { .. } => "SRVGGNetCompact",
            Self::RrdbNet { .. } => "RRDBNet",
            Self::Span { .. } => "SPAN",
        }
    }

    /// How many times wider and higher the output is than the input.
    pub fn scale(&self) -> usize {
        match *self {
            Self::SrvggNetCompact { scale, .. } | Self::RrdbNet { scale, .. } | Self::Span { scale, .. } => {
                scale
            }
        }
    }

    /// [`Network::flops_per_pixel`] of such a network.
    pub fn flops_per_pixel(&self) -> f64 {
        self.without_weights().flops_per_pixel()
    }

    /// Names and shapes of its tensors in the order in which the network uses them; for each convolution weight, bias,
    /// and slopes if it has any; for a normalization mean and factor.
    pub(crate) fn tensor_list(&self) -> Vec<(String, Vec<usize>)> {
        let mut list = Vec::new();
        let Ok(_) = layout::network(self, |name, shape| -> Result<_, Infallible> {
            list.push((name.to_owned(), shape.to_vec()));
            Ok(Vec::new())
        });
        list
    }

    fn without_weights(&self) -> Network {
        let Ok(network) = layout::network(self, |_, _| Ok::<_, Infallible>(Vec::new()));
        network
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SrvggNetCompact { features, convs, scale } => {
                write!(f, "SRVGGNetCompact ×{scale}, {features} channels, {convs} convolutions")
            }
            Self::RrdbNet { features, growth, blocks, unshuffle, scale } => {
                write!(f, "RRDBNet ×{scale}, {features} channels, growth {growth}, {blocks} blocks")?;
                if *unshuffle > 1 {
                    write!(f, ", pixel unshuffle {unshuffle}")?;
                }
                Ok(())
            }
            Self::Span { features, blocks, normalized, scale } => {
                write!(f, "SPAN ×{scale}, {features} channels, {blocks} blocks")?;
                if *normalized {
                    write!(f, ", normalized input")?;
                }
                Ok(())
            }
        }
    }
}

/// Recognises the architecture and makes its network. Every tensor must have its place, and every place its tensor.
///
/// # Errors
///
/// If the tensors are not those of an [`Architecture`].
pub fn build(tensors: &Tensors) -> Result<(Architecture, Network), Error> {
    let architecture = recognise::recognise(tensors)?;
    let mut used = 0;
    let network = layout::network(&architecture, |name, shape| {
        let tensor = tensors.get(name).ok_or_else(|| Error::UnknownArchitecture {
            found: format!("it begins like an {architecture}, but has no tensor `{name}`"),
        })?;
        if tensor.shape() != shape {
            let (found, expected) = (tensor.shape().to_vec(), shape.to_vec());
            return Err(Error::TensorShape { name: name.to_owned(), found, expected });
        }
        used += 1;
        Ok(tensor.data().to_vec())
    })?;
    if used != tensors.len() {
        let places = architecture.tensor_list();
        let place = |name: &str| places.iter().any(|(known, _)| known == name);
        let extra = tensors.iter().map(|(name, _)| name).find(|name| !place(name)).unwrap_or_default();
        let found = format!("it begins like an {architecture}, which has no place for the tensor `{extra}`");
        return Err(Error::UnknownArchitecture { found });
    }
    network.validate()?;
    Ok((architecture, network))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::ir::{Activation, Op};

    /// Tensors of an architecture, filled with small numbers that half precision holds and no two tensors share.
    pub(crate) fn tensors_of(architecture: &Architecture) -> Tensors {
        let mut tensors = Tensors::new();
        let mut next = 0_u16;
        for (name, shape) in architecture.tensor_list() {
            let numbers = shape.iter().product();
            let data = std::iter::repeat_with(|| {
                next = (next + 1) % 2039;
                (f32::from(next) - 1000.0) / 1024.0
            });
            tensors.insert(&name, shape, data.take(numbers).collect()).unwrap();
        }
        tensors
    }

    pub(crate) const COMPACT: Architecture =
        Architecture::SrvggNetCompact { features: 4, convs: 4, scale: 2 };
    pub(crate) const ESRGAN: Architecture =
        Architecture::RrdbNet { features: 4, growth: 2, blocks: 2, unshuffle: 1, scale: 4 };
    pub(crate) const ESRGAN_X2: Architecture =
        Architecture::RrdbNet { features: 4, growth: 2, blocks: 1, unshuffle: 2, scale: 2 };
    pub(crate) const SPAN: Architecture =
        Architecture::Span { features: 4, blocks: 2, normalized: true, scale: 2 };
    pub(crate) const SPAN_PLAIN: Architecture =
        Architecture::Span { features: 5, blocks: 1, normalized: false, scale: 1 };

    #[test]
    fn what_is_laid_out_is_recognised() {
        let plain_x2 = Architecture::RrdbNet { features: 4, growth: 2, blocks: 1, unshuffle: 1, scale: 2 };
        let x1 = Architecture::RrdbNet { features: 4, growth: 2, blocks: 1, unshuffle: 4, scale: 1 };
        let compact_x1 = Architecture::SrvggNetCompact { features: 5, convs: 2, scale: 1 };
        for architecture in [COMPACT, ESRGAN, ESRGAN_X2, SPAN, SPAN_PLAIN, plain_x2, x1, compact_x1] {
            let (recognised, network) = build(&tensors_of(&architecture)).unwrap();
            assert_eq!(recognised, architecture);
            assert_eq!(network.scale, architecture.scale());
            assert!((network.flops_per_pixel() - architecture.flops_per_pixel()).abs() < 1e-9);
        }
    }

    #[test]
    fn the_real_sizes_have_the_known_figures() {
        let general = Architecture::SrvggNetCompact { features: 64, convs: 34, scale: 4 };
        let anime = Architecture::SrvggNetCompact { features: 64, convs: 18, scale: 4 };
        assert!((general.flops_per_pixel() - 2_418_048.0).abs() < 0.5);
        assert!((anime.flops_per_pixel() - 1_238_400.0).abs() < 0.5);
        let anime_6b = Architecture::RrdbNet { features: 64, growth: 32, blocks: 6, unshuffle: 1, scale: 4 };
        let parameters = |architecture: &Architecture| -> usize {
            architecture.tensor_list().iter().map(|(_, shape)| shape.iter().product::<usize>()).sum()
        };
        assert_eq!(
            (parameters(&general), parameters(&anime), parameters(&anime_6b)),
            (1_213_296, 621_424, 4_467_779)
        );
        let x4plus = Architecture::RrdbNet { features: 64, growth: 32, blocks: 23, unshuffle: 1, scale: 4 };
        assert_eq!(parameters(&x4plus), 16_697_987);
        let span = |features, scale| Architecture::Span { features, blocks: 6, normalized: true, scale };
        // The published files have 4 bytes for a bias or a mean, 2 for a weight, 4 more for each convolution; the
        // factor is in their graph: 823,540 and 998,796 bytes.
        assert_eq!((parameters(&span(48, 2)), parameters(&span(52, 4))), (410_704, 498_212));
    }

    #[test]
    fn every_tensor_must_have_its_place() {
        let mut extra = tensors_of(&COMPACT);
        extra.insert("extra", vec![1], vec![0.0]).unwrap();
        let error = build(&extra).unwrap_err().to_string();
        assert!(error.contains("`extra`"), "{error}");
        for architecture in [COMPACT, ESRGAN, ESRGAN_X2, SPAN, SPAN_PLAIN] {
            let whole = tensors_of(&architecture);
            for (missing, _) in whole.iter() {
                let mut some = Tensors::new();
                for (name, tensor) in whole.iter().filter(|(name, _)| *name != missing) {
                    some.insert(name, tensor.shape().to_vec(), tensor.data().to_vec()).unwrap();
                }
                assert!(build(&some).is_err(), "{missing}");
            }
        }
    }

    #[test]
    fn other_networks_are_named() {
        let mut other = Tensors::new();
        other.insert("relative_position_index_SA", vec![2, 2], vec![0.0; 4]).unwrap();
        let error = build(&other).unwrap_err().to_string();
        assert!(error.contains("relative_position_index_SA") && error.contains("SRVGGNetCompact"), "{error}");
        assert!(build(&Tensors::new()).is_err());
    }

    #[test]
    fn a_span_network_joins_what_its_last_block_has_activated() {
        let (_, network) = build(&tensors_of(&SPAN)).unwrap();
        let joined = network.nodes.iter().find_map(|op| match op {
            Op::Concat { inputs } => Some(inputs.clone()),
            _ => None,
        });
        let joined: Vec<&Op> = joined.unwrap().iter().map(|id| &network.nodes[id.0]).collect();
        let [Op::Conv(first), Op::Conv(second), Op::Gate { .. }, Op::Conv(inner)] = joined.as_slice() else {
            panic!("{joined:?}")
        };
        assert_eq!((&first.activation, &second.activation), (&Activation::None, &Activation::None));
        assert_eq!(inner.activation, Activation::Silu);
        assert!(matches!(network.nodes[1], Op::Normalize { .. }));
    }

    #[test]
    fn a_compact_network_ends_by_adding_the_enlarged_input() {
        let (_, network) = build(&tensors_of(&COMPACT)).unwrap();
        let [.., shuffle, nearest, add] = network.nodes.as_slice() else { panic!("too short") };
        assert!(matches!(shuffle, Op::PixelShuffle { factor: 2, .. }));
        assert!(matches!(nearest, Op::UpsampleNearest { factor: 2, .. }));
        assert!(matches!(add, Op::Add { .. }));
    }
}
