//! A network as the executor runs it: stages that read and write slices of shared storages.

use super::kernels::pack::{Method, Packed};
use super::kernels::winograd::TILE;
use super::scale::Scale;

/// A prepared network.
#[derive(Debug)]
pub(crate) struct Program {
    /// In an order in which each reads only what is made before.
    pub(crate) stages: Vec<Stage>,
    pub(crate) storages: Vec<Storage>,
    pub(crate) convs: Vec<Packed>,
    /// How much larger outputs are than inputs.
    pub(crate) scale: usize,
    /// Width and height of inputs are extended to multiples of this.
    pub(crate) divisor: usize,
}

/// Pixels of one size; each value has a slice of their channels.
#[derive(Debug)]
pub(crate) struct Storage {
    pub(crate) channels: usize,
    pub(crate) scale: Scale,
}

/// The channels of a storage that a value has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) storage: usize,
    pub(crate) channel: usize,
    pub(crate) channels: usize,
}

impl View {
    pub(crate) fn overlaps(self, other: Self) -> bool {
        self.storage == other.storage
            && self.channel < other.channel + other.channels
            && other.channel < self.channel + self.channels
    }
}

/// One operation of the executor.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) op: StageOp,
    /// Size of what it makes.
    pub(crate) scale: Scale,
    /// How many rows of its own the stage is behind when all stages have been given the same part of the picture.
    /// Each 3×3 convolution waits for one row more.
    pub(crate) lag: usize,
}

#[derive(Debug)]
pub(crate) enum StageOp {
    /// The picture, pixel by pixel.
    Load { target: View },
    /// `(source − mean[channel]) · factor`.
    Normalize { source: View, target: View, mean: Vec<f32>, factor: f32 },
    /// A convolution with what follows it.
    Conv { source: View, target: View, conv: usize, residuals: Vec<ResidualView>, gated: bool },
    /// `scale_a · a + scale_b · b`.
    Add { a: View, b: View, scale_a: f32, scale_b: f32, target: View },
    /// `value · (sigmoid(gate) − ½)`.
    Gate { value: View, gate: View, target: View },
    /// For a value that has to be in two places.
    Copy { source: View, target: View },
    /// Repetition of pixels.
    Nearest { source: View, target: View, factor: usize },
    /// Depth to space.
    Shuffle { source: View, target: View, factor: usize },
    /// Space to depth.
    Unshuffle { source: View, target: View, factor: usize },
    /// The output: depth to space (by 1: none), plus an enlarged value.
    Emit { source: View, shuffle: usize, base: Option<BaseView> },
}

/// What is added to a convolution's result `x`: `scale · x + other_scale · other`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ResidualView {
    pub(crate) other: View,
    pub(crate) scale: f32,
    pub(crate) other_scale: f32,
}

/// What is enlarged by repetition and added to the output.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BaseView {
    pub(crate) view: View,
    pub(crate) factor: usize,
    pub(crate) source_scale: f32,
    pub(crate) scale: f32,
}

/// Which rows (and columns) of a value are read to make some of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// The same.
    Same,
    /// One more on each side.
    Window,
    /// Whole tiles, and one more on each side of them.
    Tiles,
    /// One for several.
    Enlarge(usize),
    /// Several for one.
    Reduce(usize),
}

impl Access {
    /// How far behind a reader is whose source is `lag` rows behind.
    fn lag(self, lag: usize) -> usize {
        match self {
            Self::Same => lag,
            Self::Window | Self::Tiles => lag + 1,
            Self::Enlarge(factor) => lag * factor,
            Self::Reduce(factor) => lag.div_ceil(factor),
        }
    }

    /// The last pixel that is read to make all pixels up to (x, y). May lie beyond the picture.
    pub(crate) fn last(self, x: usize, y: isize) -> (usize, isize) {
        match self {
            Self::Same => (x, y),
            Self::Window | Self::Tiles => (x + 1, y + 1),
            Self::Enlarge(factor) => (x / factor, y.div_euclid(factor as isize)),
            Self::Reduce(factor) => ((x + 1) * factor - 1, (y + 1) * factor as isize - 1),
        }
    }

    /// What is read to make the rows from `first` to before `end`, where tiles begin at multiples of their size
    /// less `phase`; what does not change a bit of them does not count. May reach beyond the picture.
    pub(crate) fn range(self, first: i64, end: i64, phase: usize) -> (i64, i64) {
        let (tile, phase) = (TILE as i64, phase as i64);
        match self {
            Self::Same => (first, end),
            Self::Window => (first - 1, end + 1),
            Self::Tiles => {
                // All inner rows of a window go into all results of its tile, the outermost only into the results
                // beside them: the transforms' matrices have zeros elsewhere.
                let start = (first + phase).div_euclid(tile) * tile - phase;
                let stop = -(-(end + phase)).div_euclid(tile) * tile - phase;
                (start - i64::from(first == start), stop + i64::from(end == stop))
            }
            Self::Enlarge(factor) => {
                let factor = factor as i64;
                (first.div_euclid(factor), -(-end).div_euclid(factor))
            }
            Self::Reduce(factor) => (first * factor as i64, end * factor as i64),
        }
    }
}

impl Stage {
    /// What the stage writes; nothing for the output.
    pub(crate) fn target(&self) -> Option<View> {
        match self.op {
            StageOp::Load { target }
            | StageOp::Normalize { target, .. }
            | StageOp::Conv { target, .. }
            | StageOp::Add { target, .. }
            | StageOp::Gate { target, .. }
            | StageOp::Copy { target, .. }
            | StageOp::Nearest { target, .. }
            | StageOp::Shuffle { target, .. }
            | StageOp::Unshuffle { target, .. } => Some(target),
            StageOp::Emit { .. } => None,
        }
    }
}

impl StageOp {
    /// What the operation reads, and how.
    pub(crate) fn reads(&self, convs: &[Packed]) -> Vec<(View, Access)> {
        match self {
            Self::Load { .. } => Vec::new(),
            Self::Conv { source, conv, residuals, .. } => {
                let access = match (convs[*conv].method, convs[*conv].kernel) {
                    (Method::Winograd, _) => Access::Tiles,
                    (_, 1) => Access::Same,
                    _ => Access::Window,
                };
                let residuals = residuals.iter().map(|residual| (residual.other, Access::Same));
                std::iter::once((*source, access)).chain(residuals).collect()
            }
            Self::Add { a, b, .. } | Self::Gate { value: a, gate: b, .. } => {
                vec![(*a, Access::Same), (*b, Access::Same)]
            }
            Self::Copy { source, .. } | Self::Normalize { source, .. } => vec![(*source, Access::Same)],
            Self::Nearest { source, factor, .. } | Self::Shuffle { source, factor, .. } => {
                vec![(*source, Access::Enlarge(*factor))]
            }
            Self::Unshuffle { source, factor, .. } => vec![(*source, Access::Reduce(*factor))],
            Self::Emit { source, shuffle, base } => {
                let base = base.iter().map(|base| (base.view, Access::Enlarge(base.factor)));
                std::iter::once((*source, Access::Enlarge(*shuffle))).chain(base).collect()
            }
        }
    }
}

impl Program {
    /// The stages that make the channels of a view.
    pub(crate) fn makers(&self, view: View) -> impl Iterator<Item = usize> {
        makers(&self.stages, view)
    }

    /// Adds a stage behind all that it reads.
    pub(crate) fn push(&mut self, op: StageOp, scale: Scale) {
        let reads = op.reads(&self.convs);
        let lags = reads
            .iter()
            .flat_map(|&(view, access)| makers(&self.stages, view).map(move |maker| (maker, access)));
        let lag = lags.map(|(maker, access)| access.lag(self.stages[maker].lag)).max().unwrap_or(0);
        self.stages.push(Stage { op, scale, lag });
    }
}

fn makers(stages: &[Stage], view: View) -> impl Iterator<Item = usize> {
    let makes = move |stage: &Stage| stage.target().is_some_and(|target| target.overlaps(view));
    stages.iter().enumerate().filter(move |(_, stage)| makes(stage)).map(|(index, _)| index)
}
