//! Moving pictures made of nothing, for measuring: gradients, edges and grain, as films have them.

use frame::RgbF32;

/// Rows and columns after which the pattern repeats.
const SIDE: usize = 256;
/// How far the pattern moves from one frame to the next, in columns and rows.
const STEP: (usize, usize) = (3, 1);
/// How far the planes lie apart in the pattern.
const PLANES: usize = 85;

/// A pattern that moves with every frame.
pub(crate) struct Scene {
    pattern: Vec<f32>,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let pattern = (0..SIDE * SIDE).map(|at| sample(at % SIDE, at / SIDE)).collect();
        Self { pattern }
    }

    /// Fills a picture with frame `number`. All samples are in 0..1.
    pub(crate) fn draw(&self, number: u32, picture: &mut RgbF32) {
        let number = number as usize;
        for plane in 0..3 {
            let start = (number * STEP.0 + plane * PLANES) % SIDE;
            for y in 0..picture.size().height {
                let from = (y as usize + number * STEP.1) % SIDE * SIDE;
                let (before, after) = self.pattern[from..from + SIDE].split_at(start);
                for to in picture.row_mut(plane, y).chunks_mut(SIDE) {
                    let first = after.len().min(to.len());
                    let second = to.len() - first;
                    to[..first].copy_from_slice(&after[..first]);
                    to[first..].copy_from_slice(&before[..second]);
                }
            }
        }
    }
}

/// The pattern at a place: a gradient that ends where it begins, squares with hard edges, and grain.
fn sample(x: usize, y: usize) -> f32 {
    let turn = (x + y) as f32 / SIDE as f32 * std::f32::consts::TAU;
    let gradient = 0.5 + 0.25 * turn.sin();
    let square = if (x / 32 + y / 32).is_multiple_of(2) { 0.1 } else { -0.1 };
    let grain = ((x * 7919 + y * 104_729) * 2_654_435_761 % 1009) as f32 / 1008.0 - 0.5;
    (gradient + square + 0.1 * grain).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use frame::Size;

    #[test]
    fn no_frame_is_like_the_last() {
        let scene = Scene::new();
        for size in [Size::new(1, 1), Size::new(16, 9), Size::new(600, 5)] {
            let (mut last, mut next) = (RgbF32::new(size), RgbF32::new(size));
            scene.draw(0, &mut last);
            for number in 1..600 {
                scene.draw(number, &mut next);
                assert_ne!(last, next, "frame {number} of {size}");
                std::mem::swap(&mut last, &mut next);
            }
        }
    }

    #[test]
    fn the_pattern_goes_on_beyond_its_end_and_moves() {
        let (size, scene) = (Size::new(600, 300), Scene::new());
        let (mut first, mut second) = (RgbF32::new(size), RgbF32::new(size));
        scene.draw(250, &mut first);
        scene.draw(251, &mut second);
        for plane in 0..3 {
            for y in 0..299 {
                assert_eq!(first.row(plane, y + 1)[3..], second.row(plane, y)[..597]);
            }
            assert!(first.plane(plane).iter().all(|sample| (0.0..=1.0).contains(sample)));
        }
    }
}
