//! What is read: the file of a film, or the files that it is cut into.

use std::path::{Path, PathBuf};

/// A film to read, and which of its videos is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    parts: Vec<PathBuf>,
    stream: Option<usize>,
}

impl Source {
    /// A film in one file.
    pub fn file(path: &Path) -> Self {
        Self { parts: vec![path.to_owned()], stream: None }
    }

    /// A film that is cut into several files, as those of DVDs are: read as if their bytes stood in one.
    pub fn of_parts(parts: Vec<PathBuf>) -> Self {
        Self { parts, stream: None }
    }

    /// The video stream that is meant, by its number in the file; `None` lets the program choose.
    #[must_use]
    pub fn with_stream(self, stream: Option<usize>) -> Self {
        Self { stream, ..self }
    }

    pub(crate) fn parts(&self) -> &[PathBuf] {
        &self.parts
    }

    pub(crate) fn stream(&self) -> Option<usize> {
        self.stream
    }
}
