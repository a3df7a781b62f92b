//! The receptive field: which inputs a result depends on at all.

use network::ir::{Network, Op, ValueId};

/// How many pixels before and after a cell of `side` pixels the inputs lie that the results of the cell depend on,
/// rounding aside, the same along both axes. `side` is a multiple of what the network's input is divided by.
///
/// What an engine computes depends in its last bits on more: see [`Tiling`](crate::Tiling).
pub(super) fn receptive_field(network: &Network, side: u32) -> u32 {
    let mut needed: Vec<Option<(i64, i64)>> = vec![None; network.nodes.len()];
    let side = i64::from(side);
    if let Some(last) = needed.last_mut() {
        *last = Some((0, side * network.scale as i64));
    }
    let mut field = 0;
    for (index, op) in network.nodes.iter().enumerate().rev() {
        let Some((first, end)) = needed[index] else { continue };
        let mut need = |value: ValueId, first: i64, end: i64| {
            if let Some(known) = needed.get_mut(value.0) {
                let (known_first, known_end) = known.unwrap_or((first, end));
                *known = Some((known_first.min(first), known_end.max(end)));
            }
        };
        match op {
            Op::Input { .. } => field = (-first).max(end - side).max(0) as u32,
            Op::Conv(conv) => {
                let radius = conv.kernel as i64 / 2;
                need(conv.input, first - radius, end + radius);
            }
            Op::Concat { inputs } => inputs.iter().for_each(|&input| need(input, first, end)),
            Op::Normalize { input, .. } => need(*input, first, end),
            Op::Add { a, b, .. } | Op::Gate { value: a, gate: b } => {
                need(*a, first, end);
                need(*b, first, end);
            }
            Op::UpsampleNearest { input, factor } | Op::PixelShuffle { input, factor } => {
                let factor = *factor as i64;
                need(*input, first.div_euclid(factor), (end + factor - 1).div_euclid(factor));
            }
            Op::PixelUnshuffle { input, factor } => {
                let factor = *factor as i64;
                need(*input, first * factor, end * factor);
            }
        }
    }
    field
}

#[cfg(test)]
mod tests {
    use network::ir::{Activation, Conv};
    use network::{build, catalogue, read_tensors};

    use super::*;

    #[test]
    fn every_convolution_of_the_compact_models_adds_a_pixel() {
        for (name, convolutions) in [("realesr-general-x4v3", 34), ("realesr-animevideov3", 18)] {
            let tensors = read_tensors(catalogue::built_in(name).unwrap().bytes()).unwrap();
            assert_eq!(receptive_field(&build(&tensors).unwrap().1, 6), convolutions, "{name}");
        }
    }

    #[test]
    fn after_an_enlargement_a_step_is_smaller() {
        let conv = |input| {
            let (weight, bias, activation) = (Vec::new(), Vec::new(), Activation::None);
            let (in_channels, out_channels, input) = (3, 3, ValueId(input));
            Op::Conv(Conv { input, in_channels, out_channels, kernel: 3, weight, bias, activation })
        };
        let up = Op::UpsampleNearest { input: ValueId(0), factor: 2 };
        let nodes = vec![Op::Input { channels: 3 }, up, conv(1), conv(2)];
        // Two steps of half a pixel; the third crosses into the next.
        assert_eq!(receptive_field(&Network { nodes: nodes.clone(), scale: 2 }, 6), 1);
        let nodes = [nodes, vec![conv(3)]].concat();
        assert_eq!(receptive_field(&Network { nodes, scale: 2 }, 6), 2);
    }
}
