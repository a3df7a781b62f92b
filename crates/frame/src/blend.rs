//! One picture shining through another.

use crate::Planar;

/// Steps between nothing and all of a picture.
const STEPS: u32 = 1 << 15;

/// Mixes `share` (0 to 1) of `picture` with the rest of `other` into `into`, which gets their size. A share of 1 gives
/// `picture`, one of 0 `other`, bit by bit.
///
/// Pictures of different sizes are mixed as far as both have samples.
pub fn blend(picture: &Planar<u16>, other: &Planar<u16>, share: f32, into: &mut Planar<u16>) {
    into.resize(picture.size());
    let share = (share.clamp(0.0, 1.0) * STEPS as f32).round() as u32;
    let rest = STEPS - share;
    for plane in 0..3 {
        let samples = picture.plane(plane).iter().zip(other.plane(plane));
        for (sample, (&first, &second)) in into.plane_mut(plane).iter_mut().zip(samples) {
            // At most 65535 · 2^15 and a half step, which 32 bits hold.
            *sample = ((u32::from(first) * share + u32::from(second) * rest + STEPS / 2) / STEPS) as u16;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Size;

    proptest! {
        #[test]
        fn every_sample_lies_where_its_share_says(first: [u16; 3], second: [u16; 3], share in 0.0_f32..=1.0) {
            let picture = |samples: [u16; 3]| {
                let mut picture = Planar::new(Size::new(1, 1));
                for (plane, sample) in samples.into_iter().enumerate() {
                    picture.plane_mut(plane)[0] = sample;
                }
                picture
            };
            let mut into = Planar::new(Size::new(0, 0));
            blend(&picture(first), &picture(second), share, &mut into);
            for plane in 0..3 {
                let (first, second) = (f64::from(first[plane]), f64::from(second[plane]));
                let wanted = first * f64::from(share) + second * (1.0 - f64::from(share));
                // A share is rounded to a step.
                let off = 0.51 + (first - second).abs() / f64::from(2 * STEPS);
                prop_assert!((f64::from(into.plane(plane)[0]) - wanted).abs() <= off);
            }
            for (share, wanted) in [(0.0, second), (1.0, first)] {
                blend(&picture(first), &picture(second), share, &mut into);
                prop_assert_eq!(&into, &picture(wanted));
            }
        }
    }
}
