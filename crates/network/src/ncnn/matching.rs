//! Whether two networks compute the same, operation by operation.

use std::collections::HashSet;

use crate::ir::{Network, Op, ValueId};

/// Follows both networks from the outputs to the inputs side by side. Numbering does not matter, nor does the order of
/// a sum.
pub(super) fn same(a: &Network, b: &Network) -> bool {
    let (Some(last_a), Some(last_b)) = (a.nodes.len().checked_sub(1), b.nodes.len().checked_sub(1)) else {
        return false;
    };
    let mut seen = HashSet::new();
    // A pair can come up through several users, so it is looked at once; a stack of pairs instead of recursion, because
    // the graphs are deep.
    let mut pairs = vec![(ValueId(last_a), ValueId(last_b))];
    while let Some(pair) = pairs.pop() {
        if !seen.insert(pair) {
            continue;
        }
        let (Some(op_a), Some(op_b)) = (a.nodes.get(pair.0.0), b.nodes.get(pair.1.0)) else { return false };
        match (op_a, op_b) {
            (Op::Input { channels: a }, Op::Input { channels: b }) if a == b => {}
            (
                Op::Normalize { input: a, mean: mean_a, factor: factor_a },
                Op::Normalize { input: b, mean: mean_b, factor: factor_b },
            ) if mean_a == mean_b && factor_a.to_bits() == factor_b.to_bits() => pairs.push((*a, *b)),
            (Op::Gate { value: a, gate: gate_a }, Op::Gate { value: b, gate: gate_b }) => {
                pairs.push((*a, *b));
                pairs.push((*gate_a, *gate_b));
            }
            (Op::Conv(a), Op::Conv(b)) => {
                let alike = (a.in_channels, a.out_channels, a.kernel)
                    == (b.in_channels, b.out_channels, b.kernel)
                    && a.activation == b.activation
                    && a.bias == b.bias
                    && a.weight == b.weight;
                if !alike {
                    return false;
                }
                pairs.push((a.input, b.input));
            }
            (Op::Concat { inputs: a }, Op::Concat { inputs: b }) if a.len() == b.len() => {
                pairs.extend(a.iter().copied().zip(b.iter().copied()));
            }
            (Op::Add { .. }, Op::Add { .. }) => {
                let (Some(a), Some(b)) = (summands(a, op_a), summands(b, op_b)) else { return false };
                for ((value_a, factor_a), (value_b, factor_b)) in a.into_iter().zip(b) {
                    if factor_a.to_bits() != factor_b.to_bits() {
                        return false;
                    }
                    pairs.push((value_a, value_b));
                }
            }
            (
                Op::UpsampleNearest { input: a, factor: factor_a },
                Op::UpsampleNearest { input: b, factor: factor_b },
            )
            | (
                Op::PixelShuffle { input: a, factor: factor_a },
                Op::PixelShuffle { input: b, factor: factor_b },
            )
            | (
                Op::PixelUnshuffle { input: a, factor: factor_a },
                Op::PixelUnshuffle { input: b, factor: factor_b },
            ) if factor_a == factor_b => {
                pairs.push((*a, *b));
            }
            _ => return false,
        }
    }
    true
}

/// The summands with their factors in an order that does not depend on how the sum is written: by kind of operation,
/// then by place. Values of the same kind depend on each other in the known architectures, so their places have the
/// same order in every export.
fn summands(network: &Network, op: &Op) -> Option<[(ValueId, f32); 2]> {
    let Op::Add { a, b, scale_a, scale_b } = op else { return None };
    let rank = |id: &ValueId| {
        network.nodes.get(id.0).map(|op| match op {
            Op::Input { .. } => 0,
            Op::Conv(_) => 1,
            Op::Concat { .. } => 2,
            Op::Add { .. } => 3,
            Op::UpsampleNearest { .. } => 4,
            Op::PixelShuffle { .. } => 5,
            Op::PixelUnshuffle { .. } => 6,
            Op::Normalize { .. } => 7,
            Op::Gate { .. } => 8,
        })
    };
    let mut summands = [(*a, *scale_a), (*b, *scale_b)];
    summands.sort_by_key(|(id, _)| (rank(id), *id));
    Some(summands)
}
