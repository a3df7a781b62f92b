//! The representation, run as it is written: whole pictures, sums in `f64`, no thought for speed.

use frame::{RgbF32, Size};
use network::ir::{Activation, Conv, Network, Op, ValueId};

/// Channels × height × width.
#[derive(Clone)]
struct Value {
    channels: usize,
    height: usize,
    width: usize,
    numbers: Vec<f64>,
}

impl Value {
    fn new(
        channels: usize,
        height: usize,
        width: usize,
        number: impl Fn(usize, usize, usize) -> f64,
    ) -> Self {
        let mut numbers = Vec::with_capacity(channels * height * width);
        for c in 0..channels {
            for y in 0..height {
                numbers.extend((0..width).map(|x| number(c, y, x)));
            }
        }
        Self { channels, height, width, numbers }
    }

    fn at(&self, c: usize, y: usize, x: usize) -> f64 {
        self.numbers[(c * self.height + y) * self.width + x]
    }
}

/// Reflection without repeating the last sample, as far as there is something to reflect.
fn reflected(index: usize, len: usize) -> usize {
    if index < len { index } else { (2 * len).saturating_sub(2 + index) }
}

/// The network's output for a picture; sizes that the network cannot divide are extended by reflection.
pub fn run(network: &Network, input: &RgbF32) -> RgbF32 {
    let factors =
        network.nodes.iter().map(|op| if let Op::PixelUnshuffle { factor, .. } = op { *factor } else { 1 });
    let divisor: usize = factors.product();
    let (width, height) = (input.size().width as usize, input.size().height as usize);
    let mut values: Vec<Value> = Vec::new();
    for op in &network.nodes {
        let get = |id: &ValueId| &values[id.0];
        let value = match op {
            Op::Input { channels } => {
                let (tall, wide) = (height.next_multiple_of(divisor), width.next_multiple_of(divisor));
                Value::new(*channels, tall, wide, |c, y, x| {
                    f64::from(input.row(c, reflected(y, height) as u32)[reflected(x, width)])
                })
            }
            Op::Normalize { input, mean, factor } => {
                let input = get(input);
                Value::new(input.channels, input.height, input.width, |c, y, x| {
                    (input.at(c, y, x) - f64::from(mean[c])) * f64::from(*factor)
                })
            }
            Op::Conv(conv) => convolved(conv, get(&conv.input)),
            Op::Concat { inputs } => {
                let first = get(&inputs[0]);
                Value {
                    channels: inputs.iter().map(|id| get(id).channels).sum(),
                    numbers: inputs.iter().flat_map(|id| get(id).numbers.iter().copied()).collect(),
                    ..*first
                }
            }
            Op::Add { a, b, scale_a, scale_b } => {
                let (a, b) = (get(a), get(b));
                Value::new(a.channels, a.height, a.width, |c, y, x| {
                    f64::from(*scale_a) * a.at(c, y, x) + f64::from(*scale_b) * b.at(c, y, x)
                })
            }
            Op::Gate { value, gate } => {
                let (value, gate) = (get(value), get(gate));
                Value::new(value.channels, value.height, value.width, |c, y, x| {
                    value.at(c, y, x) * (sigmoid(gate.at(c, y, x)) - 0.5)
                })
            }
            Op::UpsampleNearest { input, factor: f } => {
                let input = get(input);
                Value::new(input.channels, input.height * f, input.width * f, |c, y, x| {
                    input.at(c, y / f, x / f)
                })
            }
            Op::PixelShuffle { input, factor: f } => {
                let input = get(input);
                Value::new(input.channels / (f * f), input.height * f, input.width * f, |c, y, x| {
                    input.at(c * f * f + y % f * f + x % f, y / f, x / f)
                })
            }
            Op::PixelUnshuffle { input, factor: f } => {
                let input = get(input);
                Value::new(input.channels * f * f, input.height / f, input.width / f, |c, y, x| {
                    let offset = c % (f * f);
                    input.at(c / (f * f), y * f + offset / f, x * f + offset % f)
                })
            }
        };
        values.push(value);
    }
    let mut output =
        RgbF32::new(Size::new(input.size().width, input.size().height).scaled(network.scale as u32));
    let last = values.last().unwrap();
    for plane in 0..3 {
        for y in 0..output.size().height {
            for (x, sample) in output.row_mut(plane, y).iter_mut().enumerate() {
                *sample = last.at(plane, y as usize, x) as f32;
            }
        }
    }
    output
}

fn convolved(conv: &Conv, input: &Value) -> Value {
    let (k, reach) = (conv.kernel, conv.kernel / 2);
    Value::new(conv.out_channels, input.height, input.width, |o, y, x| {
        let mut sum = f64::from(conv.bias[o]);
        for i in 0..conv.in_channels {
            let filter = &conv.weight[(o * conv.in_channels + i) * k * k..][..k * k];
            for (tap, &weight) in filter.iter().enumerate() {
                let (from_y, from_x) = ((y + tap / k).wrapping_sub(reach), (x + tap % k).wrapping_sub(reach));
                if from_y < input.height && from_x < input.width {
                    sum += f64::from(weight) * input.at(i, from_y, from_x);
                }
            }
        }
        let slope = match &conv.activation {
            Activation::None => 1.0,
            Activation::Prelu(slopes) => f64::from(slopes[o]),
            Activation::LeakyRelu(slope) => f64::from(*slope),
            Activation::Silu => return sum * sigmoid(sum),
        };
        sum.max(0.0) + slope * sum.min(0.0)
    })
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
