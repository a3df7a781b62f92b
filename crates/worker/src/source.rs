//! The film that a request names.

use std::path::Path;

use media::Source;

/// The film in a file, or in the files that it is cut into, with the video stream that was chosen, if one was.
pub(crate) fn source(path: &Path, stream: Option<u32>) -> Source {
    Source::of_parts(storage::parts(path)).with_stream(stream.map(|stream| stream as usize))
}
