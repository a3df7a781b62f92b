//! Pictures that were made before, up to a number of bytes; what was not asked for the longest time goes first.

use std::collections::VecDeque;
use std::sync::Arc;

#[derive(Debug)]
pub(super) struct Cache {
    /// By their tags, those that were asked for last at the end.
    pictures: VecDeque<(String, Arc<[u8]>)>,
    bytes: usize,
    most: usize,
}

impl Cache {
    /// One that holds so many bytes at most.
    pub(super) fn new(most: usize) -> Self {
        Self { pictures: VecDeque::new(), bytes: 0, most }
    }

    pub(super) fn get(&mut self, tag: &str) -> Option<Arc<[u8]>> {
        let place = self.pictures.iter().position(|(of, _)| of == tag)?;
        let found = self.pictures.remove(place)?;
        let picture = Arc::clone(&found.1);
        self.pictures.push_back(found);
        Some(picture)
    }

    /// Lets all of them go.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.most);
    }

    /// Keeps a picture in the place of another one of its tag.
    pub(super) fn replace(&mut self, tag: &str, picture: &Arc<[u8]>) {
        if let Some(place) = self.pictures.iter().position(|(of, _)| of == tag)
            && let Some((_, before)) = self.pictures.remove(place)
        {
            self.bytes -= before.len();
        }
        self.keep(tag, picture);
    }

    /// Keeps a picture that is not there, unless it alone is too large.
    pub(super) fn keep(&mut self, tag: &str, picture: &Arc<[u8]>) {
        if picture.len() > self.most {
            return;
        }
        self.bytes += picture.len();
        self.pictures.push_back((tag.to_owned(), Arc::clone(picture)));
        while self.bytes > self.most
            && let Some((_, oldest)) = self.pictures.pop_front()
        {
            self.bytes -= oldest.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_asked_for_goes_first_and_there_is_a_bound() {
        let mut cache = Cache::new(10);
        let picture = |bytes: usize| -> Arc<[u8]> { vec![7; bytes].into() };
        cache.keep("a", &picture(4));
        cache.keep("b", &picture(4));
        assert!(cache.get("a").is_some());
        cache.keep("c", &picture(4));
        assert!(cache.get("a").is_some() && cache.get("b").is_none() && cache.get("c").is_some());
        cache.keep("large", &picture(11));
        assert!(cache.get("large").is_none() && cache.get("a").is_some());
        assert_eq!(cache.bytes, 8);
        cache.replace("c", &picture(1));
        assert_eq!((cache.bytes, cache.get("c").map(|picture| picture.len())), (5, Some(1)));
        cache.clear();
        assert!(cache.get("a").is_none());
        cache.keep("large", &picture(10));
        assert!(cache.get("large").is_some());
    }
}
