//! Each kernel of each instruction set against sums in `f64`, for many shapes.

use network::ir::{Activation, Conv, ValueId};

use super::pack::{Method, Packed};
use super::simd::Simd;
use super::{
    ConvJob, Kernels, PixelJob, Residual, Ring, WinogradJob, available, direct, dot, gate, winograd,
};

/// All kernels of this processor, and those of the others in software: the same code with as many lanes and rows.
fn all() -> impl Iterator<Item = &'static Kernels> {
    available().chain([&software::AS_AVX512, &software::AS_NEON])
}

/// Vectors of any number of lanes.
mod software {
    use super::{Kernels, Simd, direct, dot, gate, winograd};

    pub(super) static AS_AVX512: Kernels = Kernels {
        name: "as AVX-512",
        lanes: 16,
        group: 32,
        rows: 12,
        winograd: winograd::run::<Lanes<16>, 12, 2>,
        direct: direct::run::<Lanes<16>, 12, 2>,
        dot: dot::run::<Lanes<16>>,
        gate: gate::run::<Lanes<16>>,
    };
    pub(super) static AS_NEON: Kernels = Kernels {
        name: "as NEON",
        lanes: 4,
        group: 16,
        rows: 6,
        winograd: winograd::run::<Lanes<4>, 6, 4>,
        direct: direct::run::<Lanes<4>, 6, 4>,
        dot: dot::run::<Lanes<4>>,
        gate: gate::run::<Lanes<4>>,
    };

    #[derive(Clone, Copy)]
    struct Lanes<const L: usize>([f32; L]);

    impl<const L: usize> Lanes<L> {
        fn with(self, other: Self, op: impl Fn(f32, f32) -> f32) -> Self {
            Self(std::array::from_fn(|lane| op(self.0[lane], other.0[lane])))
        }
    }

    impl<const L: usize> Simd for Lanes<L> {
        const LANES: usize = L;
        unsafe fn splat(value: f32) -> Self {
            Self([value; L])
        }
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: as the caller promises.
            Self(unsafe { from.cast::<[f32; L]>().read_unaligned() })
        }
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: as the caller promises.
            unsafe { to.cast::<[f32; L]>().write_unaligned(self.0) };
        }
        fn add(self, other: Self) -> Self {
            self.with(other, |a, b| a + b)
        }
        fn sub(self, other: Self) -> Self {
            self.with(other, |a, b| a - b)
        }
        fn mul(self, other: Self) -> Self {
            self.with(other, |a, b| a * b)
        }
        fn div(self, other: Self) -> Self {
            self.with(other, |a, b| a / b)
        }
        fn max(self, other: Self) -> Self {
            self.with(other, f32::max)
        }
        fn min(self, other: Self) -> Self {
            self.with(other, f32::min)
        }
        fn mul_add(self, factor: Self, summand: Self) -> Self {
            Self(std::array::from_fn(|lane| self.0[lane].mul_add(factor.0[lane], summand.0[lane])))
        }
        fn pow2(self) -> Self {
            Self(self.0.map(f32::exp2))
        }
    }
}

/// Repeatable noise in −1..1.
struct Random(u64);

impl Random {
    fn number(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    fn numbers(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.number()).collect()
    }

    fn below(&mut self, end: usize) -> usize {
        (self.number().abs() * end as f32) as usize % end
    }
}

/// A picture in a ring as large as itself, surrounded by what must not change.
struct Picture {
    numbers: Vec<f32>,
    width: usize,
    height: usize,
    pixel: usize,
    row: usize,
}

const CANARY: f32 = 1234.5;

/// What the textbook transforms in `f32` lose with one weight of 1 and noise in −1..1: up to 4e-5 in the corners of
/// a tile, where the coefficients are largest; 1e-6 in the mean.
const WORST: f64 = 6e-5;
const MEAN: f64 = 2e-6;

/// Runs the cases and checks the mean error of all.
fn check_all(cases: impl IntoIterator<Item = Case>, kernels: &Kernels, random: &mut Random) {
    let (mut squares, mut count) = (0.0, 0);
    for case in cases {
        let (more, number) = check(&case, kernels, random);
        squares += more;
        count += number;
    }
    let mean = (squares / count as f64).sqrt();
    assert!(mean <= MEAN, "{}: {mean:e}", kernels.name);
}

impl Picture {
    fn new(width: usize, height: usize, channels: usize, pixel: usize) -> Self {
        let row = (width.next_multiple_of(winograd::TILE) + 2) * pixel;
        let mut picture = Self { numbers: vec![CANARY; row * height], width, height, pixel, row };
        // The margins are zeros; channels that belong to other values are not.
        for y in 0..height {
            for column in (0..row / pixel).filter(|column| !(1..=width).contains(column)) {
                picture.numbers[y * row + column * pixel..][..channels].fill(0.0);
            }
        }
        picture
    }

    fn index(&self, x: usize, y: usize, channel: usize) -> usize {
        y * self.row + (x + 1) * self.pixel + channel
    }

    fn fill(&mut self, channels: usize, random: &mut Random) {
        for y in 0..self.height {
            for x in 0..self.width {
                for channel in 0..channels {
                    let index = self.index(x, y, channel);
                    self.numbers[index] = random.number();
                }
            }
        }
    }

    fn ring(&mut self) -> Ring {
        Ring {
            data: self.numbers.as_mut_ptr().wrapping_add(self.pixel),
            rows: self.height,
            row: self.row,
            pixel: self.pixel,
        }
    }
}

struct Case {
    conv: Conv,
    width: usize,
    height: usize,
    /// Row at which the tiles begin.
    first_row: isize,
    residuals: Vec<(f32, f32)>,
    gated: bool,
}

fn random_case(random: &mut Random, in_channels: usize, out_channels: usize, kernel: usize) -> Case {
    let activation = match random.below(4) {
        0 => Activation::None,
        1 => Activation::LeakyRelu(0.2),
        2 => Activation::Silu,
        _ => Activation::Prelu(random.numbers(out_channels)),
    };
    let conv = Conv {
        input: ValueId(0),
        in_channels,
        out_channels,
        kernel,
        weight: random.numbers(out_channels * in_channels * kernel * kernel),
        bias: random.numbers(out_channels),
        activation,
    };
    Case {
        conv,
        width: 1 + random.below(40),
        height: 1 + random.below(20),
        first_row: -(random.below(6) as isize),
        residuals: (0..random.below(3)).map(|_| (random.number(), random.number())).collect(),
        // The kernel for few channels has no gates.
        gated: out_channels > dot::MAX_OUTPUTS && random.below(4) == 0,
    }
}

/// The convolution's result by definition, and the largest that its terms could sum up to with inputs up to 1:
/// Winograd's rounding depends on the whole window, not on the terms of one result.
fn expected(
    case: &Case,
    input: &Picture,
    others: &[Picture],
    (x, y, o): (usize, usize, usize),
) -> (f64, f64) {
    let (conv, reach) = (&case.conv, case.conv.kernel / 2);
    let mut sum = f64::from(conv.bias[o]);
    let mut size = sum.abs();
    for i in 0..conv.in_channels {
        for tap in 0..conv.kernel * conv.kernel {
            let (dy, dx) = (tap / conv.kernel, tap % conv.kernel);
            let (row, column) = ((y + dy).wrapping_sub(reach), (x + dx).wrapping_sub(reach));
            let weight = f64::from(conv.weight[(o * conv.in_channels + i) * conv.kernel * conv.kernel + tap]);
            size += weight.abs();
            if row < case.height && column < case.width {
                sum += weight * f64::from(input.numbers[input.index(column, row, i)]);
            }
        }
    }
    let slope = match &conv.activation {
        Activation::None => 1.0,
        Activation::Silu => 1.0 / (1.0 + (-sum).exp()),
        Activation::LeakyRelu(slope) => f64::from(*slope),
        Activation::Prelu(slopes) => f64::from(slopes[o]),
    };
    sum = match &conv.activation {
        Activation::Silu => sum * slope,
        _ => sum.max(0.0) + slope * sum.min(0.0),
    };
    let gate = 1.0 / (1.0 + (-sum).exp()) - 0.5;
    for (other, (scale, other_scale)) in others.iter().zip(&case.residuals) {
        let other = f64::from(other.numbers[other.index(x, y, o)]);
        sum = sum * f64::from(*scale) + other * f64::from(*other_scale);
        size += other.abs();
    }
    if case.gated {
        // A difference of the gate, a quarter of that of the result, counts as often as what goes through it.
        return (sum * gate, size * (1.0 + sum.abs() / 4.0));
    }
    (sum, size)
}

/// Runs the case and gives the sum of the squared errors, relative to the size of the sums, and their number.
fn check(case: &Case, kernels: &Kernels, random: &mut Random) -> (f64, usize) {
    let conv = &case.conv;
    let packed = Packed::new(conv, kernels);
    // Odd strides: neither values nor their slices need be aligned.
    let mut input =
        Picture::new(case.width, case.height, conv.in_channels, conv.in_channels + random.below(20));
    input.fill(conv.in_channels, random);
    let mut output = Picture::new(case.width, case.height, 0, conv.out_channels + random.below(20));
    let mut others: Vec<Picture> = case
        .residuals
        .iter()
        .map(|_| {
            let mut other =
                Picture::new(case.width, case.height, conv.out_channels, conv.out_channels + random.below(9));
            other.fill(conv.out_channels, random);
            other
        })
        .collect();
    let residuals: Vec<Residual> = others
        .iter_mut()
        .zip(&case.residuals)
        .map(|(other, &(scale, other_scale))| Residual { other: other.ring(), scale, other_scale })
        .collect();
    let zeros = vec![0.0; input.row.max(8 * input.pixel)];
    let job = ConvJob {
        source: input.ring(),
        zeros: zeros.as_ptr(),
        target: output.ring(),
        residuals: &residuals,
        weights: packed.weights.as_ptr(),
        bias: packed.bias.as_ptr(),
        slopes: if packed.slopes.is_empty() { std::ptr::null() } else { packed.slopes.as_ptr() },
        silu: packed.silu,
        gated: case.gated,
        in_channels: conv.in_channels,
        out_channels: conv.out_channels,
        width: case.width,
        height: case.height,
    };
    if packed.method == Method::Winograd {
        let tiles_across = case.width.div_ceil(winograd::TILE);
        let down = (case.height as isize - case.first_row) as usize;
        let tiles = down.div_ceil(winograd::TILE) * tiles_across;
        let block = 1 + random.below(tiles);
        let mut scratch = vec![f32::NAN; winograd::scratch(block, conv.in_channels)];
        for first in (0..tiles).step_by(block) {
            let tiles = first..(first + block).min(tiles);
            let (first_row, scratch) = (case.first_row, scratch.as_mut_ptr());
            // SAFETY: the pictures have the sizes that the job says, with margins.
            unsafe {
                (kernels.winograd)(&WinogradJob { conv: &job, first_row, tiles_across, tiles, scratch });
            };
        }
    } else {
        let run = if packed.method == Method::Dot { kernels.dot } else { kernels.direct };
        let cut = random.below(case.width);
        for y in 0..case.height {
            for columns in [0..cut, cut..case.width] {
                // SAFETY: as above.
                unsafe { run(&PixelJob { conv: &job, kernel: conv.kernel, y, columns }) };
            }
        }
    }
    let shape = (conv.in_channels, conv.out_channels, case.width, case.height);
    let (mut changed, mut squares) = (0, 0.0);
    for y in 0..case.height {
        for x in 0..case.width {
            for o in 0..conv.out_channels {
                let (expected, size) = expected(case, &input, &others, (x, y, o));
                let found = output.numbers[output.index(x, y, o)];
                let error = (f64::from(found) - expected).abs();
                let error = error / size.max(1.0);
                assert!(error <= WORST, "{} {shape:?} {x} {y} {o}: {found} {expected}", kernels.name);
                squares += error * error;
                changed += 1;
            }
        }
    }
    let kept = output.numbers.iter().filter(|number| number.to_bits() == CANARY.to_bits()).count();
    assert_eq!(kept + changed, output.numbers.len(), "{} {shape:?} writes elsewhere", kernels.name);
    (squares, changed)
}

#[test]
fn convolutions_are_right_for_all_shapes() {
    let mut random = Random(1);
    let mut shapes = Vec::new();
    for in_channels in [1, 2, 3, 4, 5, 7, 8, 12, 16, 20, 33, 64] {
        for out_channels in [1, 2, 3, 4, 5, 8, 15, 16, 17, 32, 48] {
            shapes.extend([1, 3].map(|kernel| (in_channels, out_channels, kernel)));
        }
    }
    shapes.extend([(192, 64, 3), (160, 32, 3), (64, 64, 3), (100, 100, 3)]);
    for kernels in all() {
        let cases: Vec<Case> = shapes
            .iter()
            .map(|&(inputs, outputs, kernel)| random_case(&mut random, inputs, outputs, kernel))
            .collect();
        check_all(cases, kernels, &mut random);
    }
}

#[test]
fn a_filter_with_one_weight_shifts_the_picture() {
    // Every tap by itself: a transform with rows mixed up would pass sums, not this.
    for kernels in all() {
        let mut random = Random(3);
        let one_tap = |tap| {
            let mut case = random_case(&mut random, 16, 16, 3);
            let diagonal = |i: usize| if i % 9 == tap && (i / 9).is_multiple_of(17) { 1.0 } else { 0.0 };
            case.conv.weight = (0..16 * 16 * 9).map(diagonal).collect();
            case
        };
        let cases: Vec<Case> = (0..9).map(one_tap).collect();
        check_all(cases, kernels, &mut random);
    }
}
