//! SPAN's tensors: from the form in which the network is trained to the one that runs.
//!
//! Each 3×3 convolution is trained as a "Conv3XC": 1×1, 3×3 and 1×1 convolutions one after the other over a picture
//! with a border of zeros, and a 1×1 convolution beside them. Nothing in it is more than linear, so all of it is one
//! 3×3 convolution, which the official code keeps as `eval_conv`. Files hold either form, or both. Where the trained
//! form is there, it is the truth: the official code computes `eval_conv` anew when it loads a file.
//!
//! How the input is normalized is not in official files: they either have the tensor `no_norm`, or mean the numbers in
//! the official code. Here they become the tensors [`MEAN`] and [`RANGE`], as the official code calls them, because
//! models in ncnn's format bring their own.

use crate::{Error, Tensor, Tensors};

/// The tensor of the means that are subtracted from the input.
pub(crate) const MEAN: &str = "mean";
/// The tensor of the factor that the input is then multiplied with.
pub(crate) const RANGE: &str = "img_range";
/// The tensor, of one zero, that says that the input is not normalized.
pub(crate) const NO_NORM: &str = "no_norm";

/// The official means (of the DIV2K data set) and factor.
const OFFICIAL_MEAN: [f32; 3] = [0.4488, 0.4371, 0.4040];
const OFFICIAL_RANGE: f32 = 255.0;

/// The parts of the trained form of a convolution.
const PARTS: [&str; 8] = [
    "conv.0.weight",
    "conv.0.bias",
    "conv.1.weight",
    "conv.1.bias",
    "conv.2.weight",
    "conv.2.bias",
    "sk.weight",
    "sk.bias",
];
/// What the parts become.
const WEIGHT: &str = "eval_conv.weight";
const BIAS: &str = "eval_conv.bias";
/// The most channels in a trained convolution. Fusing takes time with their third power; published models have up to
/// 192.
const MAX_CHANNELS: usize = 512;

/// Makes the tensors of a SPAN those of the form that runs. Names that are not known stay as they are.
pub(crate) fn official(tensors: &Tensors) -> Result<Tensors, Error> {
    let mut made = Tensors::new();
    let plain = tensors.get(NO_NORM).is_some();
    for (name, tensor) in tensors.iter() {
        if let Some(layer) = name.strip_suffix(".sk.weight") {
            fuse(tensors, layer, &mut made)?;
        }
        // Some training code saves the means even when they are not used.
        let unused = plain && name == MEAN;
        if !unused && !is_replaced(tensors, name) {
            made.insert(name, tensor.shape().to_vec(), tensor.data().to_vec())?;
        }
    }
    if !plain && made.get(MEAN).is_none() && made.get(RANGE).is_none() {
        made.insert(MEAN, vec![3], OFFICIAL_MEAN.to_vec())?;
        made.insert(RANGE, vec![1], vec![OFFICIAL_RANGE])?;
    }
    Ok(made)
}

/// Whether a tensor belongs to a convolution whose trained form is there.
fn is_replaced(tensors: &Tensors, name: &str) -> bool {
    let layer = PARTS.iter().chain(&[WEIGHT, BIAS]).find_map(|part| name.strip_suffix(part));
    layer.is_some_and(|layer| tensors.get(&format!("{layer}sk.weight")).is_some())
}

/// Makes the 3×3 convolution that a trained one comes down to.
fn fuse(tensors: &Tensors, layer: &str, made: &mut Tensors) -> Result<(), Error> {
    let [outputs, inputs] = channels(tensors, layer, "sk.weight")?;
    let [first, _] = channels(tensors, layer, "conv.0.weight")?;
    let [second, _] = channels(tensors, layer, "conv.1.weight")?;
    let part = |part: &str, shape: &[usize]| data(tensors, layer, part, shape);
    let (weight_0, bias_0) = (part("conv.0.weight", &[first, inputs, 1, 1])?, part("conv.0.bias", &[first])?);
    let (weight_1, bias_1) =
        (part("conv.1.weight", &[second, first, 3, 3])?, part("conv.1.bias", &[second])?);
    let (weight_2, bias_2) =
        (part("conv.2.weight", &[outputs, second, 1, 1])?, part("conv.2.bias", &[outputs])?);
    let (skip, skip_bias) = (part("sk.weight", &[outputs, inputs, 1, 1])?, part("sk.bias", &[outputs])?);

    // The first two: each tap of the 3×3 filters is a matrix that the 1×1 filters are multiplied with.
    let filter = inputs * 9;
    let mut inner = vec![0.0; second * filter];
    let mut inner_bias: Vec<f64> = bias_1.iter().copied().map(f64::from).collect();
    for n in 0..second {
        let row = &mut inner[n * filter..][..filter];
        for m in 0..first {
            let taps = &weight_1[(n * first + m) * 9..][..9];
            for (filter, &factor) in row.chunks_exact_mut(9).zip(&weight_0[m * inputs..]) {
                for (sum, &tap) in filter.iter_mut().zip(taps) {
                    *sum += f64::from(tap) * f64::from(factor);
                }
            }
            inner_bias[n] += taps.iter().copied().map(f64::from).sum::<f64>() * f64::from(bias_0[m]);
        }
    }
    // The third, and the skip in the middle.
    let (mut weight, mut bias) = (Vec::with_capacity(outputs * filter), Vec::with_capacity(outputs));
    for o in 0..outputs {
        let mut row = vec![0.0; filter];
        let mut sum = f64::from(bias_2[o]) + f64::from(skip_bias[o]);
        for (n, &factor) in weight_2[o * second..][..second].iter().enumerate() {
            for (sum, &number) in row.iter_mut().zip(&inner[n * filter..]) {
                *sum += f64::from(factor) * number;
            }
            sum += f64::from(factor) * inner_bias[n];
        }
        for (filter, &number) in row.chunks_exact_mut(9).zip(&skip[o * inputs..]) {
            filter[4] += f64::from(number);
        }
        weight.extend(row.iter().map(|&number| number as f32));
        bias.push(sum as f32);
    }
    made.insert(&format!("{layer}.{BIAS}"), vec![outputs], bias)?;
    made.insert(&format!("{layer}.{WEIGHT}"), vec![outputs, inputs, 3, 3], weight)
}

/// The first two extents of a convolution's weights.
fn channels(tensors: &Tensors, layer: &str, part: &str) -> Result<[usize; 2], Error> {
    let name = format!("{layer}.{part}");
    match tensors.get(&name).map(Tensor::shape) {
        Some(&[outputs, inputs, _, _]) if outputs.max(inputs) <= MAX_CHANNELS => Ok([outputs, inputs]),
        Some(shape) => Err(Error::UnknownArchitecture {
            found: format!(
                "`{name}` has the shape {shape:?}, which is not a convolution of up to {MAX_CHANNELS} channels"
            ),
        }),
        None => Err(missing(&name)),
    }
}

fn data<'t>(tensors: &'t Tensors, layer: &str, part: &str, shape: &[usize]) -> Result<&'t [f32], Error> {
    let name = format!("{layer}.{part}");
    let tensor = tensors.get(&name).ok_or_else(|| missing(&name))?;
    if tensor.shape() != shape {
        let (found, expected) = (tensor.shape().to_vec(), shape.to_vec());
        return Err(Error::TensorShape { name, found, expected });
    }
    Ok(tensor.data())
}

fn missing(name: &str) -> Error {
    Error::UnknownArchitecture { found: format!("it begins like a SPAN, but has no tensor `{name}`") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture::build;
    use crate::architecture::tests::{SPAN, SPAN_PLAIN, tensors_of};

    /// Repeatable noise in −1..1.
    fn noise(count: usize, seed: &mut u64) -> Vec<f32> {
        let numbers = std::iter::repeat_with(|| {
            *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (*seed >> 40) as f32 / (1 << 23) as f32 - 1.0
        });
        numbers.take(count).collect()
    }

    /// A convolution in its trained form.
    fn trained(
        tensors: &mut Tensors,
        layer: &str,
        inputs: usize,
        outputs: usize,
        gain: usize,
        seed: &mut u64,
    ) {
        let (first, second) = (inputs * gain, outputs * gain);
        for (part, outputs, inputs, kernel) in [
            ("conv.0", first, inputs, 1),
            ("conv.1", second, first, 3),
            ("conv.2", outputs, second, 1),
            ("sk", outputs, inputs, 1),
        ] {
            let numbers = noise(outputs * inputs * kernel * kernel, seed);
            let shape = vec![outputs, inputs, kernel, kernel];
            tensors.insert(&format!("{layer}.{part}.weight"), shape, numbers).unwrap();
            tensors.insert(&format!("{layer}.{part}.bias"), vec![outputs], noise(outputs, seed)).unwrap();
        }
    }

    /// Channels of rows of numbers.
    type Picture = Vec<Vec<Vec<f64>>>;

    /// A convolution that loses the border which its kernel does not cover.
    fn convolved(tensors: &Tensors, name: &str, input: &Picture) -> Picture {
        let weight = tensors.get(&format!("{name}.weight")).unwrap();
        let bias = tensors.get(&format!("{name}.bias")).unwrap().data();
        let &[outputs, inputs, kernel, _] = weight.shape() else { panic!() };
        assert_eq!(inputs, input.len());
        let (height, width) = (input[0].len() + 1 - kernel, input[0][0].len() + 1 - kernel);
        let mut output = vec![vec![vec![0.0; width]; height]; outputs];
        for o in 0..outputs {
            for y in 0..height {
                for x in 0..width {
                    output[o][y][x] = f64::from(bias[o]);
                    for (i, rows) in input.iter().enumerate() {
                        for tap in 0..kernel * kernel {
                            let factor = weight.data()[(o * inputs + i) * kernel * kernel + tap];
                            output[o][y][x] += f64::from(factor) * rows[y + tap / kernel][x + tap % kernel];
                        }
                    }
                }
            }
        }
        output
    }

    fn padded(input: &Picture) -> Picture {
        let (height, width) = (input[0].len(), input[0][0].len());
        let mut output = vec![vec![vec![0.0; width + 2]; height + 2]; input.len()];
        for (to, from) in output.iter_mut().zip(input) {
            for (to, from) in to[1..].iter_mut().zip(from) {
                to[1..=width].copy_from_slice(from);
            }
        }
        output
    }

    #[test]
    fn the_fused_convolution_computes_the_same_up_to_the_border() {
        let mut seed = 7;
        for (inputs, outputs, gain) in [(3, 4, 2), (4, 4, 2), (2, 5, 3), (1, 1, 1)] {
            let mut tensors = Tensors::new();
            trained(&mut tensors, "a", inputs, outputs, gain, &mut seed);
            let picture: Picture = (0..inputs)
                .map(|_| (0..4).map(|_| noise(5, &mut seed).into_iter().map(f64::from).collect()).collect())
                .collect();
            let mut expected = padded(&picture);
            for conv in ["a.conv.0", "a.conv.1", "a.conv.2"] {
                expected = convolved(&tensors, conv, &expected);
            }
            let skipped = convolved(&tensors, "a.sk", &picture);
            let fused = official(&tensors).unwrap();
            let found = convolved(&fused, "a.eval_conv", &padded(&picture));
            for (o, rows) in found.iter().enumerate() {
                for (y, row) in rows.iter().enumerate() {
                    for (x, number) in row.iter().enumerate() {
                        let expected = expected[o][y][x] + skipped[o][y][x];
                        assert!((number - expected).abs() < 1e-5, "{o} {y} {x}: {number} {expected}");
                    }
                }
            }
        }
    }

    /// A whole SPAN in its trained form; `eval` adds the other form, with numbers that are out of date.
    fn whole(eval: bool) -> Tensors {
        let (mut tensors, mut seed) = (Tensors::new(), 11);
        for (name, tensor) in tensors_of(&SPAN).iter().filter(|(name, _)| ![MEAN, RANGE].contains(name)) {
            match name.strip_suffix(".eval_conv.weight") {
                Some(layer) => {
                    let (inputs, outputs) = (tensor.shape()[1], tensor.shape()[0]);
                    trained(&mut tensors, layer, inputs, outputs, 2, &mut seed);
                }
                None if name.ends_with(".eval_conv.bias") => {}
                None => tensors.insert(name, tensor.shape().to_vec(), tensor.data().to_vec()).unwrap(),
            }
            if eval && name.contains(".eval_conv.") {
                tensors.insert(name, tensor.shape().to_vec(), tensor.data().to_vec()).unwrap();
            }
        }
        tensors
    }

    #[test]
    fn the_trained_form_wins_over_the_other() {
        let fused = official(&whole(false)).unwrap();
        assert_eq!(build(&fused).unwrap().0, SPAN);
        assert_eq!(official(&whole(true)).unwrap(), fused);
        assert_eq!(official(&fused).unwrap(), fused);
        assert_eq!(fused.get(MEAN).unwrap().data(), OFFICIAL_MEAN);
        assert_eq!(fused.get(RANGE).unwrap().data(), [OFFICIAL_RANGE]);
    }

    #[test]
    fn what_runs_already_stays() {
        for architecture in [SPAN, SPAN_PLAIN] {
            let tensors = tensors_of(&architecture);
            assert_eq!(official(&tensors).unwrap(), tensors);
        }
    }

    #[test]
    fn a_mean_that_is_not_used_is_left_out() {
        let mut tensors = tensors_of(&SPAN_PLAIN);
        let expected = tensors.clone();
        tensors.insert(MEAN, vec![1, 3, 1, 1], vec![0.5; 3]).unwrap();
        assert_eq!(official(&tensors).unwrap(), expected);
    }

    #[test]
    fn a_mean_of_unknown_range_is_refused() {
        for shape in [vec![3], vec![1, 3, 1, 1]] {
            let mut tensors = whole(false);
            tensors.insert(MEAN, shape, vec![0.5; 3]).unwrap();
            assert!(build(&official(&tensors).unwrap()).is_err());
        }
    }

    #[test]
    fn a_trained_form_that_is_incomplete_or_does_not_fit_is_refused() {
        let whole = whole(true);
        for (changed, tensor) in whole.iter().filter(|(name, _)| name.starts_with("block_1.c2_r")) {
            for keep in [false, true] {
                let mut some = Tensors::new();
                for (name, tensor) in whole.iter().filter(|(name, _)| *name != changed) {
                    some.insert(name, tensor.shape().to_vec(), tensor.data().to_vec()).unwrap();
                }
                if keep {
                    let shape = [tensor.shape(), &[1]].concat();
                    some.insert(changed, shape, tensor.data().to_vec()).unwrap();
                }
                let refused = official(&some).and_then(|tensors| build(&tensors)).is_err();
                // The other form is not looked at.
                assert_eq!(refused, !changed.contains("eval_conv"), "{changed} {keep}");
            }
        }
        let mut wide = Tensors::new();
        wide.insert("a.sk.weight", vec![513, 1, 1, 1], vec![0.0; 513]).unwrap();
        assert!(official(&wide).is_err());
    }
}
