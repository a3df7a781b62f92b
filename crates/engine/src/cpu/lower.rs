//! From the network's operations to stages: additions and gates melt into the convolutions before them, values that are
//! joined are made side by side in one storage, and what enlarges the result goes straight to the output.

use network::ir::{Network, Op, ValueId};

use super::check::{Shape, inputs, shapes};
use super::kernels::Kernels;
use super::kernels::pack::{Method, Packed};
use super::program::{BaseView, Program, ResidualView, StageOp, Storage, View};
use super::scale::lcm;
use crate::Error;

/// The most additions that melt into one convolution.
pub(crate) const MAX_RESIDUALS: usize = 4;

/// Prepares a network.
pub(crate) fn lower(network: &Network, kernels: &Kernels) -> Result<Program, Error> {
    let shapes = shapes(network)?;
    let uses = uses(network);
    let ending = Ending::of(network, &uses);
    let fused = fuse(network, &uses, &ending, kernels);
    let places = place(network, &shapes, &uses, &ending, &fused);
    let mut program = Program {
        stages: Vec::new(),
        storages: places.storages,
        convs: Vec::new(),
        scale: network.scale,
        divisor: shapes.iter().fold(1, |divisor, shape| lcm(divisor, shape.scale.divisor())),
    };
    for (index, op) in network.nodes.iter().enumerate() {
        let Some(target) = places.views[index] else { continue };
        let view = |id: &ValueId| places.views[id.0].unwrap_or(target);
        let stage = match (op, &fused[index]) {
            (Op::Concat { .. }, _) => continue,
            (_, Fused::Conv { node, residuals, gated }) => {
                let Op::Conv(conv) = &network.nodes[*node] else { continue };
                program.convs.push(Packed::new(conv, kernels));
                StageOp::Conv {
                    source: view(&conv.input),
                    target,
                    conv: program.convs.len() - 1,
                    residuals: residuals
                        .iter()
                        .map(|&(id, scale, other_scale)| ResidualView {
                            other: view(&id),
                            scale,
                            other_scale,
                        })
                        .collect(),
                    gated: *gated,
                }
            }
            (Op::Input { .. } | Op::Conv(_), _) => StageOp::Load { target },
            (Op::Add { a, b, scale_a, scale_b }, _) => {
                StageOp::Add { a: view(a), b: view(b), scale_a: *scale_a, scale_b: *scale_b, target }
            }
            (Op::Normalize { input, mean, factor }, _) => {
                StageOp::Normalize { source: view(input), target, mean: mean.clone(), factor: *factor }
            }
            (Op::Gate { value, gate }, _) => StageOp::Gate { value: view(value), gate: view(gate), target },
            (Op::UpsampleNearest { input, factor }, _) => {
                StageOp::Nearest { source: view(input), target, factor: *factor }
            }
            (Op::PixelShuffle { input, factor }, _) => {
                StageOp::Shuffle { source: view(input), target, factor: *factor }
            }
            (Op::PixelUnshuffle { input, factor }, _) => {
                StageOp::Unshuffle { source: view(input), target, factor: *factor }
            }
        };
        program.push(stage, shapes[index].scale);
        for &(_, copy) in places.copies.iter().filter(|(leaf, _)| *leaf == index) {
            program.push(StageOp::Copy { source: target, target: copy }, shapes[index].scale);
        }
    }
    let Some(source) = places.views[ending.source] else {
        return Err(Error::Network("its output is not made".into()));
    };
    let base = ending.base.and_then(|base| {
        let view = places.views[base.node]?;
        Some(BaseView { view, factor: base.factor, source_scale: base.source_scale, scale: base.scale })
    });
    let scale = shapes[network.nodes.len() - 1].scale;
    program.push(StageOp::Emit { source, shuffle: ending.shuffle, base }, scale);
    Ok(program)
}

/// How often each value is used on the way to the output; the output counts as used once.
fn uses(network: &Network) -> Vec<usize> {
    let mut uses = vec![0; network.nodes.len()];
    if let Some(last) = uses.last_mut() {
        *last = 1;
    }
    for (index, op) in network.nodes.iter().enumerate().rev() {
        if uses[index] > 0 {
            for input in inputs(op) {
                uses[input] += 1;
            }
        }
    }
    uses
}

/// What the network ends with, as far as the output stage does it by itself.
struct Ending {
    /// The last value that is stored.
    source: usize,
    /// Depth to space by this factor.
    shuffle: usize,
    base: Option<Base>,
    /// Operations that the output stage does.
    absorbed: Vec<usize>,
}

/// A value that is enlarged and added at the end.
struct Base {
    node: usize,
    factor: usize,
    source_scale: f32,
    scale: f32,
}

impl Ending {
    fn of(network: &Network, uses: &[usize]) -> Self {
        let last = network.nodes.len() - 1;
        match &network.nodes[last] {
            Op::PixelShuffle { input, factor } => {
                Self { source: input.0, shuffle: *factor, base: None, absorbed: vec![last] }
            }
            Op::Add { a, b, scale_a, scale_b } => {
                let orders = [(a.0, *scale_a, b.0, *scale_b), (b.0, *scale_b, a.0, *scale_a)];
                let found = orders.into_iter().find_map(|(shuffled, source_scale, enlarged, scale)| {
                    if uses[shuffled] != 1 || uses[enlarged] != 1 {
                        return None;
                    }
                    match (&network.nodes[shuffled], &network.nodes[enlarged]) {
                        (
                            Op::PixelShuffle { input: source, factor: shuffle },
                            Op::UpsampleNearest { input: base, factor },
                        ) => Some(Self {
                            source: source.0,
                            shuffle: *shuffle,
                            base: Some(Base { node: base.0, factor: *factor, source_scale, scale }),
                            absorbed: vec![shuffled, enlarged, last],
                        }),
                        _ => None,
                    }
                });
                found.unwrap_or_else(|| Self::plain(last))
            }
            _ => Self::plain(last),
        }
    }

    fn plain(last: usize) -> Self {
        Self { source: last, shuffle: 1, base: None, absorbed: Vec::new() }
    }
}

/// What an operation has become.
enum Fused {
    /// A convolution with the additions after it, and whether its result is the gate for their sum.
    Conv { node: usize, residuals: Vec<(ValueId, f32, f32)>, gated: bool },
    /// Part of a later operation.
    Absorbed,
    /// Itself.
    Alone,
}

/// Melts additions into the convolution that makes one of the summands, where nothing else needs that summand; and
/// additions with gates into the convolution that makes a summand and the gate.
fn fuse(network: &Network, uses: &[usize], ending: &Ending, kernels: &Kernels) -> Vec<Fused> {
    let mut fused: Vec<Fused> = Vec::with_capacity(network.nodes.len());
    for (index, op) in network.nodes.iter().enumerate() {
        let mut fate = Fused::Alone;
        if ending.absorbed.contains(&index) {
            fate = Fused::Absorbed;
        } else if let Op::Conv(_) = op {
            fate = Fused::Conv { node: index, residuals: Vec::new(), gated: false };
        } else if let Op::Add { a, b, scale_a, scale_b } = op
            && uses[index] > 0
        {
            for (made, scale, other, other_scale) in [(a, *scale_a, b, *scale_b), (b, *scale_b, a, *scale_a)]
            {
                let free = uses[made.0] == 1;
                if let Fused::Conv { node, residuals, gated: false } = &mut fused[made.0]
                    && free
                    && residuals.len() < MAX_RESIDUALS
                {
                    let mut residuals = std::mem::take(residuals);
                    residuals.push((*other, scale, other_scale));
                    fate = Fused::Conv { node: *node, residuals, gated: false };
                    fused[made.0] = Fused::Absorbed;
                    break;
                }
            }
        } else if let Op::Gate { value, gate } = op
            && let Some(residual) = own_gate(network, uses, value.0, gate.0, kernels)
            && let (Fused::Alone, Fused::Conv { node, .. }) = (&fused[value.0], &fused[gate.0])
        {
            fate = Fused::Conv { node: *node, residuals: vec![residual], gated: true };
            fused[value.0] = Fused::Absorbed;
            fused[gate.0] = Fused::Absorbed;
        }
        fused.push(fate);
    }
    fused
}

/// The other summand and the factors, where `value` is the sum of the convolution `gate` and something else, and
/// neither is used but for the gate.
fn own_gate(
    network: &Network,
    uses: &[usize],
    value: usize,
    gate: usize,
    kernels: &Kernels,
) -> Option<(ValueId, f32, f32)> {
    let (Op::Add { a, b, scale_a, scale_b }, Op::Conv(conv)) = (&network.nodes[value], &network.nodes[gate])
    else {
        return None;
    };
    let alone = uses[value] == 1 && uses[gate] == 2;
    // The kernel for few channels has no gates.
    if !alone || Method::of(conv, kernels) == Method::Dot {
        return None;
    }
    match (a.0 == gate, b.0 == gate) {
        (true, false) => Some((*b, *scale_a, *scale_b)),
        (false, true) => Some((*a, *scale_b, *scale_a)),
        _ => None,
    }
}

/// Where the values lie.
struct Places {
    views: Vec<Option<View>>,
    storages: Vec<Storage>,
    /// Values that have to be in a second place as well.
    copies: Vec<(usize, View)>,
}

fn place(network: &Network, shapes: &[Shape], uses: &[usize], ending: &Ending, fused: &[Fused]) -> Places {
    let mut places =
        Places { views: vec![None; network.nodes.len()], storages: Vec::new(), copies: Vec::new() };
    // The longest first: it hosts all that are its beginnings, as in dense blocks.
    let mut joints: Vec<(usize, Vec<usize>)> = (0..network.nodes.len())
        .filter(|&index| needs_place(network, uses, ending, index))
        .map(|index| (index, leaves(network, index)))
        .collect();
    joints.sort_by_key(|(_, leaves)| std::cmp::Reverse(leaves.len()));
    let mut hosts: Vec<(usize, Vec<usize>)> = Vec::new();
    for (index, leaves) in joints {
        let shape = shapes[index];
        let host = hosts.iter().find(|(_, hosted)| hosted.starts_with(&leaves));
        let storage = if let Some(&(storage, _)) = host {
            storage
        } else {
            places.storages.push(Storage { channels: shape.channels, scale: shape.scale });
            let storage = places.storages.len() - 1;
            let mut channel = 0;
            for &leaf in &leaves {
                let view = View { storage, channel, channels: shapes[leaf].channels };
                channel += view.channels;
                if places.views[leaf].is_none() {
                    places.views[leaf] = Some(view);
                } else {
                    places.copies.push((leaf, view));
                }
            }
            hosts.push((storage, leaves));
            storage
        };
        places.views[index] = Some(View { storage, channel: 0, channels: shape.channels });
    }
    for (index, op) in network.nodes.iter().enumerate() {
        let stored =
            uses[index] > 0 && !matches!(op, Op::Concat { .. }) && !matches!(fused[index], Fused::Absorbed);
        if stored && places.views[index].is_none() {
            let Shape { channels, scale } = shapes[index];
            places.storages.push(Storage { channels, scale });
            let storage = places.storages.len() - 1;
            places.views[index] = Some(View { storage, channel: 0, channels });
        }
    }
    places
}

/// Whether a node is a concatenation that something else than a concatenation uses.
fn needs_place(network: &Network, uses: &[usize], ending: &Ending, index: usize) -> bool {
    let is_read = |(user, op): (usize, &Op)| {
        uses[user] > 0 && !matches!(op, Op::Concat { .. }) && inputs(op).contains(&index)
    };
    matches!(network.nodes[index], Op::Concat { .. })
        && (ending.source == index || network.nodes.iter().enumerate().any(is_read))
}

/// The values that a concatenation joins, those of nested ones included.
fn leaves(network: &Network, index: usize) -> Vec<usize> {
    let Op::Concat { inputs } = &network.nodes[index] else { return vec![index] };
    inputs.iter().flat_map(|input| leaves(network, input.0)).collect()
}
