//! SHA-256 (FIPS 180-4), for checksums of files that are published with one.

use std::array;

/// The hash as text.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    digest(bytes).iter().fold(String::new(), |text, word| text + &format!("{word:08x}"))
}

fn digest(bytes: &[u8]) -> [u32; 8] {
    let primes = first_primes();
    // The first 32 bits of the fractional parts of the primes' square roots and cube roots.
    let mut state: [u32; 8] = array::from_fn(|index| fraction_of_root(primes[index], 2));
    let constants = primes.map(|prime| fraction_of_root(prime, 3));

    // One bit, zeros, and the length in bits fill the last block.
    let mut padded = bytes.to_vec();
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    padded.extend((bytes.len() as u64 * 8).to_be_bytes());
    for block in padded.as_chunks::<64>().0 {
        compress(&mut state, block, &constants);
    }
    state
}

fn compress(state: &mut [u32; 8], block: &[u8; 64], constants: &[u32; 64]) {
    let mut words = [0_u32; 64];
    for (word, bytes) in words.iter_mut().zip(block.as_chunks().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    for index in 16..64 {
        let (a, b) = (words[index - 15], words[index - 2]);
        let small = a.rotate_right(7) ^ a.rotate_right(18) ^ (a >> 3);
        let large = b.rotate_right(17) ^ b.rotate_right(19) ^ (b >> 10);
        words[index] =
            words[index - 16].wrapping_add(small).wrapping_add(words[index - 7]).wrapping_add(large);
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    for (&word, &constant) in words.iter().zip(constants) {
        let choice = (e & f) ^ (!e & g);
        let majority = (a & b) ^ (a & c) ^ (b & c);
        let from_e = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let from_a = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let first = h.wrapping_add(from_e).wrapping_add(choice).wrapping_add(constant).wrapping_add(word);
        let second = from_a.wrapping_add(majority);
        (h, g, f, e) = (g, f, e, d.wrapping_add(first));
        (d, c, b, a) = (c, b, a, first.wrapping_add(second));
    }
    for (word, add) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *word = word.wrapping_add(add);
    }
}

fn first_primes() -> [u128; 64] {
    let mut candidate = 1_u128;
    array::from_fn(|_| {
        loop {
            candidate += 1;
            if (2..candidate).all(|divisor| !candidate.is_multiple_of(divisor)) {
                return candidate;
            }
        }
    })
}

/// 32 bits after the point of a number's root, by bisection: the root of `number · 2^(32 · degree)`, less its whole
/// part.
fn fraction_of_root(number: u128, degree: u32) -> u32 {
    let target = number << (32 * degree);
    let (mut low, mut high) = (0_u128, 1 << 40);
    while high - low > 1 {
        let middle = u128::midpoint(low, high);
        if middle.pow(degree) <= target { low = middle } else { high = middle }
    }
    low as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_s_examples_hold() {
        let cases = [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(hexadecimal(text.as_bytes()), expected);
        }
    }
}
