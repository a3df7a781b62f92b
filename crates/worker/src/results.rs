//! Results that go round between the stages.

use std::sync::Arc;

use frame::{Planar, Size};

/// The pictures of a segment's results. A stage that is to have one gets a share of it; a picture that has no other owner any
/// more is written again, so that nothing is allocated once there are enough.
#[derive(Default)]
pub(crate) struct Results {
    all: Vec<Arc<Planar<u16>>>,
    /// Index of the one that was begun last.
    last: usize,
}

impl Results {
    /// A picture to write a new result to, with unspecified content.
    pub(crate) fn fresh(&mut self, size: Size) -> &mut Planar<u16> {
        self.begin();
        let picture = self.last_mut();
        picture.resize(size);
        picture
    }

    /// A picture to write a new result to, with the content of the result before.
    pub(crate) fn copied(&mut self) -> &mut Planar<u16> {
        let before = self.last();
        self.begin();
        let picture = self.last_mut();
        if let Some(before) = before {
            picture.resize(before.size());
            for plane in 0..3 {
                picture.plane_mut(plane).copy_from_slice(before.plane(plane));
            }
        }
        picture
    }

    /// A share of the result that was begun last.
    pub(crate) fn last(&self) -> Option<Arc<Planar<u16>>> {
        self.all.get(self.last).map(Arc::clone)
    }

    /// How many pictures there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// Makes another picture the last one.
    fn begin(&mut self) {
        let is_free = |picture: &mut Arc<Planar<u16>>| Arc::get_mut(picture).is_some();
        self.last = self.all.iter_mut().position(is_free).unwrap_or_else(|| {
            self.all.push(Arc::new(Planar::new(Size::new(0, 0))));
            self.all.len() - 1
        });
    }

    /// The last picture, which has no other owner yet.
    fn last_mut(&mut self) -> &mut Planar<u16> {
        Arc::make_mut(&mut self.all[self.last])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_written_again_when_nobody_shares_it() {
        let mut results = Results::default();
        assert!(results.last().is_none());
        results.fresh(Size::new(2, 1)).plane_mut(1)[0] = 7;
        let first = results.last().unwrap();
        results.copied().plane_mut(1)[1] = 8;
        let second = results.last().unwrap();
        assert_eq!((first.plane(1), second.plane(1)), (&[7, 0][..], &[7, 8][..]));
        drop(first);
        results.fresh(Size::new(2, 1));
        assert_eq!(results.all.len(), 2);
        assert_eq!(second.plane(1), [7, 8]);
    }
}
