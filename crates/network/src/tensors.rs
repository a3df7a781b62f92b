//! Named arrays of numbers: what every model file comes down to.

use std::collections::BTreeMap;

use crate::Error;
use crate::error::shown;

/// The most numbers a model may hold: 256 MiB of fp32. The largest RRDBNet in use has 17 million.
const MAX_NUMBERS: usize = 64 << 20;
/// The most tensors a model may hold; the largest RRDBNet in use has 702.
const MAX_TENSORS: usize = 8192;
/// The longest tensor name.
const MAX_NAME: usize = 256;

/// An array of numbers with a shape, the last axis running fastest.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    data: Vec<f32>,
}

impl Tensor {
    /// Extent of each axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The numbers.
    pub fn data(&self) -> &[f32] {
        &self.data
    }
}

/// The tensors of a model, in the order of their names.
///
/// As long as the shape of each agrees with its data, all numbers are finite, and the whole is of a size that a
/// machine can hold; [`Tensors::insert`] sees to that.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tensors {
    by_name: BTreeMap<String, Tensor>,
    numbers: usize,
}

impl Tensors {
    /// No tensors.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tensor.
    ///
    /// # Errors
    ///
    /// If the shape does not fit the data, a number is not finite, the name is taken, or the model grows beyond
    /// 256 MiB.
    pub fn insert(&mut self, name: &str, shape: Vec<usize>, data: Vec<f32>) -> Result<(), Error> {
        if name.len() > MAX_NAME {
            return Err(too_large("the length of a tensor's name in bytes", name.len(), MAX_NAME));
        }
        // Names appear in messages, and a terminal obeys control characters.
        if name.chars().any(char::is_control) {
            let reason = format!("the tensor name `{}` has control characters", shown(name));
            return Err(Error::Malformed { format: "model", reason });
        }
        if element_count(&shape) != Some(data.len()) {
            let expected = vec![data.len()];
            return Err(Error::TensorShape { name: name.to_owned(), found: shape, expected });
        }
        if data.iter().any(|number| !number.is_finite()) {
            return Err(Error::NotFinite { name: name.to_owned() });
        }
        let numbers = self.numbers.saturating_add(data.len());
        check_numbers(numbers)?;
        if self.by_name.len() >= MAX_TENSORS {
            return Err(too_large("the number of tensors", self.by_name.len() + 1, MAX_TENSORS));
        }
        if self.by_name.contains_key(name) {
            return Err(Error::Malformed {
                format: "model",
                reason: format!("the tensor `{name}` is there twice"),
            });
        }
        self.by_name.insert(name.to_owned(), Tensor { shape, data });
        self.numbers = numbers;
        Ok(())
    }

    /// The tensor of this name.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.by_name.get(name)
    }

    /// Names and tensors in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.by_name.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// How many tensors there are.
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// How many numbers all tensors hold together.
    pub fn parameters(&self) -> usize {
        self.numbers
    }

    /// The same tensors, each under the name that `rename` gives it.
    pub(crate) fn renamed(self, rename: impl Fn(&str) -> String) -> Result<Self, Error> {
        let mut renamed = Self::new();
        for (name, tensor) in self.by_name {
            renamed.insert(&rename(&name), tensor.shape, tensor.data)?;
        }
        Ok(renamed)
    }
}

/// Product of the extents; none if it overflows.
pub(crate) fn element_count(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1_usize, |count, &extent| count.checked_mul(extent))
}

/// Refuses models that no machine should be asked to hold. Readers ask before they allocate.
pub(crate) fn check_numbers(numbers: usize) -> Result<(), Error> {
    if numbers > MAX_NUMBERS {
        return Err(too_large("the number of weights", numbers, MAX_NUMBERS));
    }
    Ok(())
}

/// [`Error::TooLarge`] from sizes in memory.
pub(crate) fn too_large(what: &str, found: usize, limit: usize) -> Error {
    Error::TooLarge { what: what.to_owned(), found: found as u64, limit: limit as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tensor_that_contradicts_itself_is_refused() {
        let mut tensors = Tensors::new();
        assert!(matches!(tensors.insert("a", vec![2, 2], vec![0.0; 3]), Err(Error::TensorShape { .. })));
        assert!(matches!(tensors.insert("a", vec![usize::MAX, 2], vec![]), Err(Error::TensorShape { .. })));
        assert!(matches!(tensors.insert("a", vec![1], vec![f32::NAN]), Err(Error::NotFinite { .. })));
        assert!(matches!(tensors.insert(&"n".repeat(257), vec![0], vec![]), Err(Error::TooLarge { .. })));
        assert!(matches!(tensors.insert("\u{1b}[2J", vec![0], vec![]), Err(Error::Malformed { .. })));
        assert!(tensors.is_empty());
        tensors.insert("a", vec![2, 2], vec![0.0; 4]).unwrap();
        assert!(matches!(tensors.insert("a", vec![1], vec![0.0]), Err(Error::Malformed { .. })));
        assert_eq!((tensors.len(), tensors.parameters()), (1, 4));
    }

    #[test]
    fn the_number_of_tensors_is_bounded() {
        let mut tensors = Tensors::new();
        for index in 0..MAX_TENSORS {
            tensors.insert(&index.to_string(), vec![0], vec![]).unwrap();
        }
        assert!(matches!(tensors.insert("one more", vec![0], vec![]), Err(Error::TooLarge { .. })));
        assert!(check_numbers(MAX_NUMBERS + 1).is_err());
    }
}
