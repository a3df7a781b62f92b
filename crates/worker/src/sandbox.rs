//! Walls around this process, because what it decodes may be an attack: it reads one source, writes one folder, and
//! reaches nothing else, whatever a decoder is made to do.
//!
//! Two walls that do not know of each other: Landlock for files, and signals; seccomp for the network, other processes
//! and what Landlock does not know, such as the modes of files (a list of calls that are allowed). Neither needs root. A kernel that lacks one keeps the
//! other, and what is missing is told.

mod attempts;
mod calls;
mod files;
mod limits;
mod system_calls;

use std::time::Instant;

use job::message::{Access, Sandbox};

pub(crate) use attempts::{ATTEMPTS, succeeded};
pub(crate) use limits::LittleMemory;

/// Gives up all rights but those to `access`, for good and for all threads that are started later.
pub(crate) fn enter(access: &Access) -> Sandbox {
    let start = Instant::now();
    let folder = access.write.first().map(|folder| &*folder.0);
    let walls = [limits::set(folder), files::restrict(access), system_calls::restrict()];
    let is_complete = walls.iter().all(Result::is_ok);
    let words: Vec<String> = walls.into_iter().map(|wall| wall.unwrap_or_else(|gap| gap)).collect();
    let time = start.elapsed().as_secs_f64() * 1e3;
    Sandbox { is_complete, detail: format!("{} (set up in {time:.1} ms)", words.join(", ")) }
}
