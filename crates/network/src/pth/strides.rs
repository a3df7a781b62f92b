//! A tensor is a view of a storage: where it begins, and how far apart neighbours along each axis lie.

use std::borrow::Cow;

use super::pickle::TensorRecord;

/// The bytes of a tensor's numbers in the order of its axes; nothing if the view reaches beyond the storage. The
/// caller has checked that the tensor has no more numbers than the storage.
pub(super) fn gather<'a>(storage: &'a [u8], tensor: &TensorRecord<'_>) -> Option<Cow<'a, [u8]>> {
    let width = tensor.storage.kind.width();
    let count = tensor.count();
    if count == 0 {
        return Some(Cow::Borrowed(&[]));
    }
    let mut last = tensor.offset;
    for (&size, &stride) in tensor.size.iter().zip(&tensor.stride) {
        last = last.checked_add((size - 1).checked_mul(stride)?)?;
    }
    if last >= storage.len() / width {
        return None;
    }
    if is_contiguous(tensor) {
        let start = tensor.offset * width;
        return storage.get(start..start + count * width).map(Cow::Borrowed);
    }
    let mut gathered = Vec::with_capacity(count * width);
    let mut index = vec![0; tensor.size.len()];
    for _ in 0..count {
        let steps = index.iter().zip(&tensor.stride).map(|(index, stride)| index * stride);
        let start = (tensor.offset + steps.sum::<usize>()) * width;
        gathered.extend_from_slice(storage.get(start..start + width)?);
        // Counts like an odometer: the last axis turns fastest.
        for (index, &size) in index.iter_mut().zip(&tensor.size).rev() {
            *index += 1;
            if *index < size {
                break;
            }
            *index = 0;
        }
    }
    Some(Cow::Owned(gathered))
}

fn is_contiguous(tensor: &TensorRecord<'_>) -> bool {
    let mut expected = 1_usize;
    tensor.size.iter().zip(&tensor.stride).rev().all(|(&size, &stride)| {
        let fits = size == 1 || stride == expected;
        expected = expected.saturating_mul(size);
        fits
    })
}
