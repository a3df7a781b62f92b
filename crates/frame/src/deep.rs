//! Samples as whole numbers of 16 or 8 bits.

/// The value that stands for 1 in 16 bits.
pub const WHITE: f32 = 65535.0;
/// Added to a number below it, this leaves the number rounded to a whole one in the lowest bits: floats of this size
/// are 1 apart. A cast would do the same one sample at a time.
const ROUNDING: f32 = 8_388_608.0;

/// Rounds samples of the nominal range 0..1 to 16 bits; what lies outside of the range is clipped. False when one of
/// them is not a number (which becomes 0).
pub fn round_to_16_bits(from: &[f32], to: &mut [u16]) -> bool {
    round(from, to, WHITE, |bits| bits as u16)
}

/// As [`round_to_16_bits`], with 8 bits.
pub fn round_to_8_bits(from: &[f32], to: &mut [u8]) -> bool {
    round(from, to, 255.0, |bits| bits as u8)
}

/// A number of 16 bits as a whole one; what is out of their range is clipped.
pub(crate) fn whole(value: f32) -> u16 {
    let positive = if value > 0.0 { value } else { 0.0 };
    let clipped = if positive < WHITE { positive } else { WHITE };
    (clipped + ROUNDING).to_bits() as u16
}

fn round<T>(from: &[f32], to: &mut [T], white: f32, lowest: impl Fn(u32) -> T) -> bool {
    let mut not_numbers = 0;
    for (sample, &value) in to.iter_mut().zip(from) {
        not_numbers |= u32::from(value.is_nan());
        // Comparisons in this order are one instruction each, and take care of what is not a number.
        let positive = if value > 0.0 { value } else { 0.0 };
        let clipped = if positive < 1.0 { positive } else { 1.0 };
        *sample = lowest((clipped * white + ROUNDING).to_bits());
    }
    not_numbers == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_becomes_the_nearest_one() {
        let values: Vec<f32> = (0..1_000_003).map(|i| i as f32 / 1_000_002.0).collect();
        let mut samples = vec![1; values.len()];
        assert!(round_to_16_bits(&values, &mut samples));
        for (&value, &sample) in values.iter().zip(&samples) {
            let error = f64::from(value) * 65535.0 - f64::from(sample);
            assert!(error.abs() < 0.505, "{value} became {sample}");
        }
        assert_eq!((samples[0], samples.last()), (0, Some(&65535)));
    }

    #[test]
    fn what_8_bits_can_hold_stays() {
        let values: Vec<f32> = (0..=255_u8).map(|sample| f32::from(sample) / 255.0).collect();
        let mut samples = vec![0; values.len()];
        assert!(round_to_8_bits(&values, &mut samples));
        assert!(samples.iter().copied().eq(0..=255));
    }

    #[test]
    fn what_16_bits_can_hold_stays() {
        let values: Vec<f32> = (0..=65535_u16).map(|sample| f32::from(sample) / WHITE).collect();
        let mut samples = vec![0; values.len()];
        assert!(round_to_16_bits(&values, &mut samples));
        assert!(samples.iter().copied().eq(0..=65535));
    }

    #[test]
    fn what_is_out_of_range_is_clipped() {
        let values = [-0.0, -1e-9, -3.0, 1.0001, 7e9, f32::INFINITY, f32::NEG_INFINITY];
        let mut samples = [1; 7];
        assert!(round_to_16_bits(&values, &mut samples));
        assert_eq!(samples, [0, 0, 0, 65535, 65535, 65535, 0]);
    }

    #[test]
    fn not_a_number_is_not_hidden() {
        for place in 0..37 {
            let mut values = [0.5; 37];
            values[place] = f32::NAN;
            assert!(!round_to_16_bits(&values, &mut [0; 37]), "at {place}");
        }
    }
}
