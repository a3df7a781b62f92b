//! Which inputs a result depends on, down to its last bit.

use super::kernels::winograd::TILE;
use super::program::{Program, Stage, StageOp};
use crate::Tiling;

/// What tiles of a picture must keep to give the bits of the whole.
pub(crate) fn tiling(program: &Program) -> Tiling {
    let grid = TILE * program.divisor;
    let (above, below) = reach(program, grid, |stage| stage.lag % TILE);
    let (left, right) = reach(program, grid, |_| 0);
    Tiling { grid: grid as u32, above, below, left, right }
}

/// How far before and after one cell of the grid the inputs lie that its outputs depend on, along one axis; `phase`
/// says where the tiles of a stage begin.
fn reach(program: &Program, grid: usize, phase: impl Fn(&Stage) -> usize) -> (u32, u32) {
    let mut needed: Vec<Option<(i64, i64)>> = vec![None; program.stages.len()];
    if let Some(last) = needed.last_mut() {
        *last = Some((0, (grid * program.scale) as i64));
    }
    let mut reach = (0, 0);
    for (index, stage) in program.stages.iter().enumerate().rev() {
        let Some((first, end)) = needed[index] else { continue };
        if let StageOp::Load { .. } = stage.op {
            reach = ((-first).max(0) as u32, (end - grid as i64).max(0) as u32);
        }
        for (view, access) in stage.op.reads(&program.convs) {
            let (first, end) = access.range(first, end, phase(stage));
            for maker in program.makers(view) {
                let (known_first, known_end) = needed[maker].unwrap_or((first, end));
                needed[maker] = Some((known_first.min(first), known_end.max(end)));
            }
        }
    }
    reach
}
