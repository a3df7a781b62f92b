//! The sigmoid and what is made of it, lane by lane: no lane depends on its neighbors.

use super::simd::Simd;

/// `sigmoid(x) = 1 / (1 + exp(−x))`.
#[inline(always)]
fn sigmoid<S: Simd>(x: S) -> S {
    let one = x.constant(1.0);
    one.div(one.add(exp(x.constant(0.0).sub(x))))
}

/// `x · sigmoid(x)`.
#[inline(always)]
pub(super) fn silu<S: Simd>(x: S) -> S {
    x.div(x.constant(1.0).add(exp(x.constant(0.0).sub(x))))
}

/// `sigmoid(x) − ½`: what a gate multiplies with.
#[inline(always)]
pub(super) fn attention<S: Simd>(x: S) -> S {
    sigmoid(x).sub(x.constant(0.5))
}

/// The range in which [`exp`] is right; beyond it, it stays at the values of the ends: 1.6e-38 and 6.1e37.
const LIMIT: f32 = 87.0;
/// 1.5 · 2^23: what is added to a number below 2^22 loses its fraction, rounded to nearest.
const ROUNDER: f32 = 12_582_912.0;
/// ln 2 in two parts: the first has so few bits that its product with a whole number up to 127 is exact.
const LN2_HIGH: f32 = 355.0 / 512.0;
const LN2_LOW: f32 = -2.121_944_4e-4;

/// `exp(x)` to about 1e-7 of itself, for x in −87..87.
///
/// `x = n · ln 2 + r` with a whole n and |r| ≤ ln 2 / 2, so `exp(x) = 2^n · exp(r)`. The polynomial is that of Moshier's
/// Cephes library (`expf`), the best of its degree for this interval.
#[inline(always)]
fn exp<S: Simd>(x: S) -> S {
    let c = |value: f32| x.constant(value);
    let x = x.max(c(-LIMIT)).min(c(LIMIT));
    let n = x.mul_add(c(std::f32::consts::LOG2_E), c(ROUNDER)).sub(c(ROUNDER));
    let r = n.mul_add(c(-LN2_LOW), n.mul_add(c(-LN2_HIGH), x));
    let mut p = c(1.987_569_1e-4);
    for coefficient in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        p = p.mul_add(r, c(coefficient));
    }
    let exp = p.mul_add(r.mul(r), r.add(c(1.0)));
    exp.mul(n.pow2())
}

#[cfg(test)]
mod tests {
    use network::ir::{Activation, Conv, ValueId};

    use crate::cpu::kernels::pack::Packed;
    use crate::cpu::kernels::{ConvJob, GateJob, Kernels, PixelJob, Ring, best, portable};

    /// A row of pixels of one channel.
    fn ring(numbers: &mut [f32]) -> Ring {
        Ring { data: numbers.as_mut_ptr(), rows: 1, row: numbers.len(), pixel: 1 }
    }

    /// SiLU of many numbers, by a convolution that does nothing else.
    fn silu(numbers: &mut [f32], kernels: &Kernels) -> Vec<f32> {
        let conv = Conv {
            input: ValueId(0),
            in_channels: 1,
            out_channels: 1,
            kernel: 1,
            weight: vec![1.0],
            bias: vec![0.0],
            activation: Activation::Silu,
        };
        let packed = Packed::new(&conv, kernels);
        let mut made = vec![0.0; numbers.len()];
        let zeros = vec![0.0; numbers.len() + 2];
        let job = ConvJob {
            source: ring(numbers),
            zeros: zeros.as_ptr(),
            target: ring(&mut made),
            residuals: &[],
            weights: packed.weights.as_ptr(),
            bias: packed.bias.as_ptr(),
            slopes: std::ptr::null(),
            silu: packed.silu,
            gated: false,
            in_channels: 1,
            out_channels: 1,
            width: numbers.len(),
            height: 1,
        };
        // SAFETY: the rows have as many pixels as the job says.
        unsafe { (kernels.direct)(&PixelJob { conv: &job, kernel: 1, y: 0, columns: 0..numbers.len() }) };
        made
    }

    /// `sigmoid(x) − ½` of many numbers, by a gate that lets through 1; all of them channels of one pixel.
    fn gates(numbers: &mut [f32], kernels: &Kernels) -> Vec<f32> {
        let (channels, mut ones) = (numbers.len(), vec![1.0; numbers.len()]);
        let mut made = vec![0.0; channels];
        let (value, gate, target) = (ring(&mut ones), ring(numbers), ring(&mut made));
        // SAFETY: the rows have one pixel of as many channels as the job says.
        unsafe { (kernels.gate)(&GateJob { value, gate, target, channels, y: 0, columns: 0..1 }) };
        made
    }

    /// Numbers of all sizes, of both signs.
    fn numbers() -> Vec<f32> {
        let even = (-86_000..=86_000).map(|i| i as f32 / 1000.0);
        let small = (0..4000).map(|i| 10.0 * (-0.01 * i as f32).exp2());
        even.chain(small.clone()).chain(small.map(|x| -x)).collect()
    }

    #[test]
    fn activations_are_right_to_the_last_bits() {
        for kernels in [best(), portable()] {
            let mut inputs = numbers();
            let made = silu(&mut inputs, kernels);
            let made_gates = gates(&mut inputs, kernels);
            let (mut worst, mut worst_gate) = (0.0_f64, 0.0_f64);
            for ((&x, made), gate) in inputs.iter().zip(made).zip(made_gates) {
                let x = f64::from(x);
                let sigmoid = 1.0 / (1.0 + (-x).exp());
                if x.abs() > 0.0 {
                    worst = worst.max((f64::from(made) / (x * sigmoid) - 1.0).abs());
                }
                worst_gate = worst_gate.max((f64::from(gate) - (sigmoid - 0.5)).abs());
            }
            println!("{}: SiLU {worst:.2e} of itself, gate {worst_gate:.2e}", kernels.name);
            assert!(worst < 2.5e-7 && worst_gate < 1e-7, "{} {worst:e} {worst_gate:e}", kernels.name);
        }
    }

    #[test]
    fn numbers_beyond_the_range_saturate() {
        for kernels in [best(), portable()] {
            let mut inputs = [-1e30, -1000.0, -88.0, -0.0, 0.0, 88.0, 1000.0, 1e30];
            let made = silu(&mut inputs, kernels);
            assert!(made[1..5].iter().all(|number| number.abs() < 1e-30), "{made:?}");
            assert!(made[0].abs() < 1e-7 && made[5..] == inputs[5..], "{made:?}");
            let made_gates = gates(&mut inputs, kernels);
            assert_eq!(made_gates, [-0.5, -0.5, -0.5, 0.0, 0.0, 0.5, 0.5, 0.5]);
        }
    }

    #[test]
    fn a_number_does_not_depend_on_its_neighbors() {
        for kernels in [best(), portable()] {
            let mut inputs: Vec<f32> = numbers().into_iter().step_by(97).collect();
            let (whole, open) = (silu(&mut inputs, kernels), gates(&mut inputs, kernels));
            for (i, &x) in inputs.iter().enumerate() {
                assert_eq!(silu(&mut [x], kernels)[0].to_bits(), whole[i].to_bits(), "{x}");
                assert_eq!(gates(&mut [x], kernels)[0].to_bits(), open[i].to_bits(), "{x}");
            }
        }
    }
}
