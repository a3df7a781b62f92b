//! What running a network costs: read off the graph, for any network.

use crate::ir::{Network, Op};

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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Activation, Conv, ValueId};

    fn conv(input: usize, channels: (usize, usize), kernel: usize) -> Op {
        let (in_channels, out_channels) = channels;
        let (weight, bias, activation) = (vec![], vec![], Activation::None);
        Op::Conv(Conv { input: ValueId(input), in_channels, out_channels, kernel, weight, bias, activation })
    }

    #[test]
    fn convolutions_cost_two_for_each_multiply_add() {
        let network = Network {
            nodes: vec![
                Op::Input { channels: 3 },
                conv(0, (3, 8), 3),
                conv(1, (8, 8), 1),
                conv(2, (8, 3), 3),
            ],
            scale: 1,
        };
        let expected = (2 * (9 * 24 + 64 + 9 * 24)) as f64;
        assert!((network.flops_per_pixel() - expected).abs() < 1e-9);
    }

    #[test]
    fn a_smaller_value_has_fewer_pixels_and_a_larger_one_more() {
        let nodes = vec![
            Op::Input { channels: 3 },
            Op::PixelUnshuffle { input: ValueId(0), factor: 2 },
            conv(1, (12, 12), 3),
            Op::PixelShuffle { input: ValueId(2), factor: 2 },
        ];
        let network = Network { nodes, scale: 1 };
        assert!((network.flops_per_pixel() - (2 * 9 * 144) as f64 / 4.0).abs() < 1e-9);
        let up = Op::UpsampleNearest { input: ValueId(0), factor: 2 };
        let network = Network { nodes: vec![Op::Input { channels: 3 }, up, conv(1, (3, 3), 3)], scale: 2 };
        assert!((network.flops_per_pixel() - (2 * 9 * 9 * 4) as f64).abs() < 1e-9);
    }

    #[test]
    fn a_broken_network_costs_nothing() {
        let network = Network { nodes: vec![conv(5, (3, 3), 3)], scale: 1 };
        assert!(network.flops_per_pixel() < 1e-9);
    }
}
