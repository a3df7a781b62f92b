//! Sizes of values relative to the network's input.

/// A positive fraction in lowest terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scale {
    numerator: usize,
    denominator: usize,
}

impl Scale {
    /// The size of the input.
    pub(crate) const ONE: Self = Self { numerator: 1, denominator: 1 };

    /// Enlarged by a factor.
    pub(crate) fn times(self, factor: usize) -> Self {
        Self { numerator: self.numerator.saturating_mul(factor), ..self }.reduced()
    }

    /// Reduced by a factor.
    pub(crate) fn over(self, factor: usize) -> Self {
        Self { denominator: self.denominator.saturating_mul(factor), ..self }.reduced()
    }

    /// `length` of the input in this scale; exact when the length is a multiple of [`Self::divisor`].
    pub(crate) fn of(self, length: usize) -> usize {
        length * self.numerator / self.denominator
    }

    /// What lengths of the input must be multiples of.
    pub(crate) fn divisor(self) -> usize {
        self.denominator
    }

    /// Neither enlarged nor reduced so much that products with sizes could overflow.
    pub(crate) fn is_modest(self) -> bool {
        self.numerator <= 256 && self.denominator <= 256
    }

    fn reduced(self) -> Self {
        let divisor = gcd(self.numerator, self.denominator);
        Self { numerator: self.numerator / divisor, denominator: self.denominator / divisor }
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a.max(1) } else { gcd(b, a % b) }
}

/// The smallest common multiple.
pub(crate) fn lcm(a: usize, b: usize) -> usize {
    a / gcd(a, b) * b
}
