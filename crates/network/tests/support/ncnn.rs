//! Writes ncnn files as the exporters do.

use std::fmt::Write as _;

use half::f16;
use network::ir::{Activation, Conv, Network, Op, ValueId};

/// How exporters differ.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    pub(crate) half: bool,
    pub(crate) crlf: bool,
    /// As pnnx writes them: factors of sums as multiplications of their own, activations as layers of their own.
    pub(crate) pnnx: bool,
}

pub(crate) const PLAIN: Style = Style { half: true, crlf: false, pnnx: false };

/// The `.param` and the `.bin` of a network.
pub(crate) fn write(network: &Network, style: Style) -> (String, Vec<u8>) {
    let mut writer =
        Writer { style, lines: Vec::new(), bin: Vec::new(), names: vec![Vec::new(); network.nodes.len()] };
    let mut uses = vec![0; network.nodes.len()];
    for op in &network.nodes {
        for id in inputs(op) {
            uses[id.0] += 1;
        }
    }
    for (index, op) in network.nodes.iter().enumerate() {
        writer.op(index, op);
        if uses[index] > 1 {
            let whole = writer.names[index].pop().unwrap();
            let copies: Vec<String> = (0..uses[index]).map(|copy| format!("{whole}_split_{copy}")).collect();
            writer.line("Split", &[whole], &copies, "");
            writer.names[index] = copies;
        }
    }
    let end = if style.crlf { "\r\n" } else { "\n" };
    let mut text = format!("7767517{end}{} 999{end}", writer.lines.len());
    for line in &writer.lines {
        write!(text, "{line}{end}").unwrap();
    }
    (text, writer.bin)
}

struct Writer {
    style: Style,
    lines: Vec<String>,
    bin: Vec<u8>,
    /// Names under which each value can still be taken.
    names: Vec<Vec<String>>,
}

fn inputs(op: &Op) -> Vec<ValueId> {
    match op {
        Op::Input { .. } => vec![],
        Op::Conv(conv) => vec![conv.input],
        Op::Gate { value, gate } => vec![*value, *gate],
        Op::Concat { inputs } => inputs.clone(),
        Op::Add { a, b, .. } => vec![*a, *b],
        Op::Normalize { input, .. }
        | Op::UpsampleNearest { input, .. }
        | Op::PixelShuffle { input, .. }
        | Op::PixelUnshuffle { input, .. } => vec![*input],
    }
}

impl Writer {
    fn line(&mut self, kind: &str, inputs: &[String], outputs: &[String], parameters: &str) {
        let (number, ins, outs) = (self.lines.len(), inputs.len(), outputs.len());
        let mut line = format!("{kind:<12} layer_{number} {ins} {outs}");
        for word in inputs.iter().chain(outputs) {
            write!(line, " {word}").unwrap();
        }
        self.lines.push(format!("{line} {parameters}"));
    }

    fn floats(&mut self, numbers: &[f32]) {
        self.bin.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    }

    fn op(&mut self, index: usize, op: &Op) {
        let mut inputs: Vec<String> = inputs(op).iter().map(|id| self.names[id.0].pop().unwrap()).collect();
        let mut output = vec![format!("v{index}")];
        match op {
            Op::Input { .. } => self.line("Input", &[], &output, ""),
            Op::Normalize { mean, factor, .. } => {
                let (constant, difference) = (vec![format!("v{index}_mean")], vec![format!("v{index}_sub")]);
                self.line("MemoryData", &[], &constant, &format!("0=1 1=1 2={}", mean.len()));
                self.floats(mean);
                self.line("BinaryOp", &[inputs[0].clone(), constant[0].clone()], &difference, "0=1");
                self.line("BinaryOp", &difference, &output, &format!("0=2 1=1 2={factor:e}"));
            }
            Op::Gate { .. } => {
                let (sigmoid, attention) =
                    (vec![format!("v{index}_sigmoid")], vec![format!("v{index}_attention")]);
                self.line("Sigmoid", &inputs[1..], &sigmoid, "");
                self.line("BinaryOp", &sigmoid, &attention, "0=1 1=1 2=5.000000e-01");
                let mut factors = [inputs[0].clone(), attention[0].clone()];
                if self.style.pnnx {
                    factors.reverse();
                }
                self.line("BinaryOp", &factors, &output, "0=2");
            }
            Op::Conv(conv) => output = self.conv(index, conv, &inputs, output),
            Op::Concat { .. } => self.line("Concat", &inputs, &output, "0=0"),
            Op::Add { scale_a, scale_b, .. } if self.style.pnnx => {
                self.products(index, [*scale_a, *scale_b], &mut inputs);
                inputs.reverse();
                self.line("BinaryOp", &inputs, &output, "0=0");
            }
            Op::Add { scale_a, scale_b, .. } => {
                self.line("Eltwise", &inputs, &output, &format!("0=1 -23301=2,{scale_a:e},{scale_b:e}"));
            }
            Op::UpsampleNearest { factor, .. } => {
                self.line("Interp", &inputs, &output, &format!("0=1 1={factor}.000000e+00 2={factor}.0"));
            }
            Op::PixelShuffle { factor, .. } => {
                self.line("PixelShuffle", &inputs, &output, &format!("0={factor}"));
            }
            Op::PixelUnshuffle { factor, .. } => self.line("Reorg", &inputs, &output, &format!("0={factor}")),
        }
        self.names[index] = output;
    }

    /// A convolution with its activation; gives the names of the outputs.
    fn conv(&mut self, index: usize, conv: &Conv, inputs: &[String], mut output: Vec<String>) -> Vec<String> {
        let mut parameters = format!(
            "0={} 1={} 4={} 5=1 6={}",
            conv.out_channels,
            conv.kernel,
            conv.kernel / 2,
            conv.weight.len()
        );
        if self.style.pnnx {
            let kernel = conv.kernel;
            write!(parameters, " 11={kernel} 2=1 12=1 3=1 13=1 14={0} 15={0} 16={0}", kernel / 2).unwrap();
        }
        if let (Activation::LeakyRelu(slope), false) = (&conv.activation, self.style.pnnx) {
            write!(parameters, " 9=2 -23310=1,{slope:e}").unwrap();
        }
        self.line("Convolution", inputs, &output, &parameters);
        if self.style.half {
            self.bin.extend(0x0130_6B47_u32.to_le_bytes());
            self.bin.extend(conv.weight.iter().flat_map(|&weight| f16::from_f32(weight).to_le_bytes()));
            self.bin.resize(self.bin.len().next_multiple_of(4), 0);
        } else {
            self.bin.extend(0_u32.to_le_bytes());
            self.floats(&conv.weight);
        }
        self.floats(&conv.bias);
        let activated = vec![format!("v{index}_activated")];
        match &conv.activation {
            Activation::Prelu(slopes) => {
                self.line("PReLU", &output, &activated, &format!("0={}", slopes.len()));
                self.floats(slopes);
                output = activated;
            }
            Activation::Silu => {
                self.line("Swish", &output, &activated, "");
                output = activated;
            }
            Activation::LeakyRelu(slope) if self.style.pnnx => {
                self.line("ReLU", &output, &activated, &format!("0={slope:e}"));
                output = activated;
            }
            _ => {}
        }
        output
    }

    /// Products of the inputs and their factors, in place of the inputs.
    fn products(&mut self, index: usize, factors: [f32; 2], inputs: &mut [String]) {
        for (position, factor) in factors.into_iter().enumerate() {
            if (factor - 1.0).abs() > 0.0 {
                let product = format!("v{index}_product_{position}");
                let factor = format!("0=2 1=1 2={factor:e}");
                self.line("BinaryOp", &inputs[position..=position], std::slice::from_ref(&product), &factor);
                inputs[position] = product;
            }
        }
    }
}
