//! A sandbox around this process, because what it decodes may be an attack: it reads one source, writes one folder, and
//! reaches nothing else, whatever a decoder is made to do.
//!
//! Two layers that do not know of each other: Landlock for files, and signals; seccomp for the network, other processes
//! and what Landlock does not know, such as the modes of files (a list of calls that are allowed). Neither needs root. What is missing is told, and
//! the coordinator decides whether this process gets anything to open.

mod attempts;
mod calls;
mod files;
mod limits;
mod system_calls;

use std::time::Instant;

use protocol::message::{Access, Sandbox};

pub(crate) use attempts::{ATTEMPTS, succeeded};
pub(crate) use limits::LittleMemory;

/// Gives up all rights but those to `access`, for good and for all threads that are started later.
pub(crate) fn enter(access: &Access) -> Sandbox {
    let start = Instant::now();
    let folder = access.write.first().map(|folder| &*folder.0);
    let layers = [limits::set(folder), files::restrict(access), system_calls::restrict()];
    let is_complete = layers.iter().all(|layer| matches!(layer, Layer::Whole(_)));
    let missing = layers
        .iter()
        .filter_map(|layer| if let Layer::Missing(words) = layer { Some(&**words) } else { None });
    let missing = missing.collect::<Vec<_>>().join(", ");
    let words: Vec<&str> = layers.iter().map(Layer::words).collect();
    let time = start.elapsed().as_secs_f64() * 1e3;
    let detail = format!("{} (set up in {time:.1} ms)", words.join(", "));
    Sandbox { lacks: (!missing.is_empty()).then_some(missing), is_complete, detail }
}

/// How far a layer is in force, in words.
#[derive(Debug)]
enum Layer {
    Whole(String),
    /// What it leaves open, another layer keeps closed.
    Partial(String),
    Missing(String),
}

impl Layer {
    fn words(&self) -> &str {
        let (Self::Whole(words) | Self::Partial(words) | Self::Missing(words)) = self;
        words
    }
}
