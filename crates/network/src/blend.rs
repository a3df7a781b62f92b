//! Denoise strength: a network between two that were trained alike.

use crate::{Error, Tensors};

/// Blends every tensor as `strength · general + (1 − strength) · wdn`.
///
/// `general` removes noise, `wdn` ("with de-noise" training data, that is, weak) keeps it; 1 is pure `general`. The
/// weights are blended, not the pictures: those differ by 46.9 dB.
///
/// # Errors
///
/// If the strength is not within 0..1, or the two do not have the same tensors.
pub fn blend(general: &Tensors, wdn: &Tensors, strength: f32) -> Result<Tensors, Error> {
    if !(0.0..=1.0).contains(&strength) {
        return Err(Error::DenoiseStrength { strength: strength.to_string() });
    }
    if general.len() != wdn.len() {
        let reason = format!("{} tensors and {} tensors", general.len(), wdn.len());
        return Err(Error::BlendMismatch { reason });
    }
    let mut blended = Tensors::new();
    for (name, ours) in general.iter() {
        let Some(theirs) = wdn.get(name) else {
            return Err(Error::BlendMismatch { reason: format!("the second has no tensor `{name}`") });
        };
        if ours.shape() != theirs.shape() {
            let reason = format!("`{name}` has the shapes {:?} and {:?}", ours.shape(), theirs.shape());
            return Err(Error::BlendMismatch { reason });
        }
        // Strength 1 leaves the numbers alone bit for bit, as upstream does: 1 · x + 0 · y would turn -0 into 0.
        let data = if strength >= 1.0 {
            ours.data().to_vec()
        } else {
            let pairs = ours.data().iter().zip(theirs.data());
            pairs.map(|(&a, &b)| strength * a + (1.0 - strength) * b).collect()
        };
        blended.insert(name, ours.shape().to_vec(), data)?;
    }
    Ok(blended)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, data: &[f32]) -> Tensors {
        let mut tensors = Tensors::new();
        tensors.insert(name, vec![data.len()], data.to_vec()).unwrap();
        tensors
    }

    #[test]
    fn strength_runs_from_wdn_to_general() {
        let (general, wdn) = (one("a", &[1.0, -0.0]), one("a", &[3.0, 4.0]));
        assert_eq!(blend(&general, &wdn, 0.0).unwrap(), wdn);
        assert_eq!(blend(&general, &wdn, 0.25).unwrap(), one("a", &[2.5, 3.0]));
        let whole = blend(&general, &wdn, 1.0).unwrap();
        assert_eq!(whole.get("a").unwrap().data()[1].to_bits(), (-0.0_f32).to_bits());
    }

    #[test]
    fn what_does_not_belong_together_is_refused() {
        let general = one("a", &[1.0]);
        assert!(matches!(blend(&general, &one("b", &[1.0]), 0.5), Err(Error::BlendMismatch { .. })));
        assert!(matches!(blend(&general, &one("a", &[1.0, 2.0]), 0.5), Err(Error::BlendMismatch { .. })));
        assert!(matches!(blend(&general, &Tensors::new(), 0.5), Err(Error::BlendMismatch { .. })));
        for strength in [-0.1, 1.1, f32::NAN, f32::INFINITY] {
            assert!(matches!(blend(&general, &general, strength), Err(Error::DenoiseStrength { .. })));
        }
    }
}
