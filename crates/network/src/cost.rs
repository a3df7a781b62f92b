//! What running a network costs, and how far it looks: read off the graph, for any network.

use crate::ir::{Network, Op, ValueId};

/// Rows (or columns) of a value, first and last, counted from a place in the input.
#[derive(Clone, Copy)]
struct Span {
    first: i64,
    last: i64,
}

impl Network {
    /// Floating-point operations per pixel of the input: two for each multiply-add of the convolutions, done directly.
    /// 0 for a network that [`Network::validate`] refuses.
    pub fn flops_per_pixel(&self) -> f64 {
        let Ok(shapes) = self.shapes() else { return 0.0 };
        let convs = self.nodes.iter().zip(shapes).filter_map(|(op, shape)| match op {
            Op::Conv(conv) => Some((conv, shape)),
            _ => None,
        });
        convs
            .map(|(conv, shape)| {
                let per_pixel = 2 * conv.kernel * conv.kernel * conv.in_channels * conv.out_channels;
                let scale = shape.up as f64 / shape.down as f64;
                per_pixel as f64 * scale * scale
            })
            .sum()
    }

    /// How many pixels of the input, to each side of a pixel, can change the part of the output that lies over it. An
    /// overlap of this many pixels makes a tiled picture equal to a whole one, as long as tiles start at multiples of
    /// the network's [`Op::PixelUnshuffle`]. 0 for a network that [`Network::validate`] refuses.
    pub fn receptive_field(&self) -> usize {
        let Ok(shapes) = self.shapes() else { return 0 };
        // Values smaller than the input see pixels in groups, so a pixel's reach depends on its place in the group.
        // The sizes are fractions with small denominators; their product is a whole number of groups.
        let mut group = 1;
        for down in 2..=16 {
            if shapes.iter().any(|shape| shape.down == down) && group % down != 0 {
                group *= down;
            }
        }
        let reach = (0..group as i64).filter_map(|pixel| self.reach(pixel)).max();
        reach.unwrap_or(0).max(0) as usize
    }

    /// How far from `pixel` the input is read for the part of the output over it: the span is followed backwards from
    /// the output to the input.
    fn reach(&self, pixel: i64) -> Option<i64> {
        let scale = self.scale as i64;
        let mut spans: Vec<Option<Span>> = vec![None; self.nodes.len()];
        *spans.last_mut()? = Some(Span { first: pixel * scale, last: pixel * scale + scale - 1 });
        for (node, op) in self.nodes.iter().enumerate().rev() {
            let Some(Span { first, last }) = spans.get(node).copied().flatten() else { continue };
            let mut need = |ValueId(id): ValueId, first: i64, last: i64| {
                if let Some(span) = spans.get_mut(id) {
                    let known = span.unwrap_or(Span { first, last });
                    *span = Some(Span { first: first.min(known.first), last: last.max(known.last) });
                }
            };
            match op {
                Op::Input { .. } => {}
                Op::Conv(conv) => {
                    let radius = (conv.kernel / 2) as i64;
                    need(conv.input, first - radius, last + radius);
                }
                Op::Normalize { input, .. } => need(*input, first, last),
                Op::Concat { inputs } => inputs.iter().for_each(|&input| need(input, first, last)),
                Op::Add { a, b, .. } | Op::Gate { value: a, gate: b } => {
                    need(*a, first, last);
                    need(*b, first, last);
                }
                Op::UpsampleNearest { input, factor } | Op::PixelShuffle { input, factor } => {
                    let factor = *factor as i64;
                    need(*input, first.div_euclid(factor), last.div_euclid(factor));
                }
                Op::PixelUnshuffle { input, factor } => {
                    let factor = *factor as i64;
                    need(*input, first * factor, last * factor + factor - 1);
                }
            }
        }
        let Span { first, last } = spans.first().copied().flatten()?;
        Some((pixel - first).max(last - pixel))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Activation, Conv};

    fn conv(input: usize, channels: (usize, usize), kernel: usize) -> Op {
        let (in_channels, out_channels) = channels;
        let (weight, bias, activation) = (vec![], vec![], Activation::None);
        Op::Conv(Conv { input: ValueId(input), in_channels, out_channels, kernel, weight, bias, activation })
    }

    #[test]
    fn convolutions_look_one_pixel_further_each() {
        let network = Network {
            nodes: vec![
                Op::Input { channels: 3 },
                conv(0, (3, 8), 3),
                conv(1, (8, 8), 1),
                conv(2, (8, 3), 3),
            ],
            scale: 1,
        };
        assert_eq!(network.receptive_field(), 2);
        let expected = (2 * (9 * 24 + 64 + 9 * 24)) as f64;
        assert!((network.flops_per_pixel() - expected).abs() < 1e-9);
    }

    #[test]
    fn after_an_enlargement_a_step_is_smaller() {
        let up = |input| Op::UpsampleNearest { input: ValueId(input), factor: 2 };
        let nodes = vec![Op::Input { channels: 3 }, up(0), conv(1, (3, 3), 3), conv(2, (3, 3), 3)];
        // Two steps of half a pixel: one pixel.
        assert_eq!(Network { nodes: nodes.clone(), scale: 2 }.receptive_field(), 1);
        let nodes = [nodes, vec![conv(3, (3, 3), 3)]].concat();
        // The third step crosses into the next.
        assert_eq!(Network { nodes, scale: 2 }.receptive_field(), 2);
    }

    #[test]
    fn after_an_unshuffle_pixels_are_seen_in_groups() {
        let nodes = vec![
            Op::Input { channels: 3 },
            Op::PixelUnshuffle { input: ValueId(0), factor: 2 },
            conv(1, (12, 12), 3),
            Op::PixelShuffle { input: ValueId(2), factor: 2 },
        ];
        let network = Network { nodes, scale: 1 };
        // The left pixel of a group sees its neighbour and the whole group to the right: 3 pixels.
        assert_eq!(network.receptive_field(), 3);
        assert!((network.flops_per_pixel() - (2 * 9 * 144) as f64 / 4.0).abs() < 1e-9);
    }

    #[test]
    fn a_broken_network_costs_nothing() {
        let network = Network { nodes: vec![conv(5, (3, 3), 3)], scale: 1 };
        assert_eq!(network.receptive_field(), 0);
        assert!(network.flops_per_pixel() < 1e-9);
    }
}
