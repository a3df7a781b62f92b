//! ncnn: a graph as text (`.param`) and the layers' numbers one after the other (`.bin`).
//!
//! Layers and values have no meaningful names: each export makes up its own. So the graph is turned into operations,
//! the architecture is told from the convolutions' shapes, and then the graph must be the one that the architecture's
//! official names stand for.

use crate::architecture::{Architecture, build};
use crate::ir::{Activation, Conv, Network, Op};
use crate::span::NO_NORM;
use crate::{Error, Tensors};

mod bin;
mod graph;
mod matching;
mod param;

/// Name of the format in messages.
const FORMAT: &str = "ncnn";

/// Reads the two files as tensors under their official names.
pub(crate) fn read(param: &str, bin: &[u8]) -> Result<Tensors, Error> {
    let layers = param::parse(param)?;
    let network = graph::network(&layers, bin)?;
    let convs: Vec<&Conv> = network
        .nodes
        .iter()
        .filter_map(|op| if let Op::Conv(conv) = op { Some(conv) } else { None })
        .collect();
    let architecture = guess(&network, &convs).ok_or_else(|| unknown(&convs))?;
    let tensors = name(&architecture, &network).ok_or_else(|| unknown(&convs))?;
    let (architecture, official) = build(&tensors)?;
    if !matching::same(&network, &official) {
        let found = format!(
            "its weights have the shapes of an {architecture}, but its graph connects them in another way"
        );
        return Err(Error::UnknownArchitecture { found });
    }
    Ok(tensors)
}

/// The architecture that has these convolutions, if any has. What it takes for granted, `read` checks.
fn guess(network: &Network, convs: &[&Conv]) -> Option<Architecture> {
    let (first, last) = (convs.first()?, convs.last()?);
    let scale = network.scale;
    if matches!(first.activation, Activation::Prelu(_)) {
        return Some(Architecture::SrvggNetCompact {
            features: first.out_channels,
            convs: convs.len(),
            scale,
        });
    }
    if network.nodes.iter().any(|op| matches!(op, Op::Gate { .. })) {
        // Three convolutions in each block, and one before and three after them.
        let blocks = convs.len().checked_sub(4)? / 3;
        let normalized = network.nodes.iter().any(|op| matches!(op, Op::Normalize { .. }));
        return Some(Architecture::Span { features: first.out_channels, blocks, normalized, scale });
    }
    // Five convolutions in each of three dense blocks, between the first and the enlargement's.
    let enlargements = network.nodes.iter().filter(|op| matches!(op, Op::UpsampleNearest { .. })).count();
    let blocks = convs.len().checked_sub(4 + enlargements)? / 15;
    let unshuffle = network.nodes.iter().find_map(|op| match op {
        Op::PixelUnshuffle { factor, .. } => Some(*factor),
        _ => None,
    });
    let unshuffle = unshuffle.unwrap_or(1);
    if blocks == 0 || last.out_channels != 3 || !(unshuffle * scale).is_power_of_two() {
        return None;
    }
    let growth = convs.get(1)?.out_channels;
    Some(Architecture::RrdbNet { features: first.out_channels, growth, blocks, unshuffle, scale })
}

/// Pairs the operations' numbers with the architecture's names. Operations that have numbers depend on each other in a
/// chain, so their order is the same in every export.
fn name(architecture: &Architecture, network: &Network) -> Option<Tensors> {
    let mut places = architecture.tensor_list().into_iter().peekable();
    let mut tensors = Tensors::new();
    // The one tensor that says something by being there.
    if let Some((name, shape)) = places.next_if(|(name, _)| name == NO_NORM) {
        tensors.insert(&name, shape, vec![0.0]).ok()?;
    }
    for op in &network.nodes {
        let numbers: Vec<&[f32]> = match op {
            Op::Normalize { mean, factor, .. } => vec![mean, std::slice::from_ref(factor)],
            Op::Conv(Conv { weight, bias, activation: Activation::Prelu(slopes), .. }) => {
                vec![weight, bias, slopes]
            }
            Op::Conv(Conv { weight, bias, .. }) => vec![weight, bias],
            _ => Vec::new(),
        };
        for data in numbers {
            let (name, shape) = places.next()?;
            // A shape that does not fit its number of weights is refused here, any other difference when the graphs
            // are compared.
            tensors.insert(&name, shape, data.to_vec()).ok()?;
        }
    }
    places.next().is_none().then_some(tensors)
}

fn unknown(convs: &[&Conv]) -> Error {
    let ends = match (convs.first(), convs.last()) {
        (Some(first), Some(last)) => {
            format!(
                " from {} → {} to {} → {} channels",
                first.in_channels, first.out_channels, last.in_channels, last.out_channels
            )
        }
        _ => String::new(),
    };
    Error::UnknownArchitecture { found: format!("an ncnn graph of {} convolutions{ends}", convs.len()) }
}
