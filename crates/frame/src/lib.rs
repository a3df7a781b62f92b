//! Pictures and what describes them: sizes, planes, colour, time bases, picture checks, black bars, and what is done to the look of a
//! picture sample by sample.
//!
//! Goals: plain data and pure functions that every crate touching pixels shares.
//! Non-goals: reading, writing, converting or scaling pictures (that is `media`'s), running networks (`engine`'s).

mod anchor;
mod area;
mod bars;
mod blend;
mod canvas;
mod check;
mod color;
mod deep;
mod geometry;
mod grain;
mod orientation;
mod planar;
mod time;

pub use anchor::Anchor;
pub use area::Area;
pub use bars::{Level, Plane, Seen, without_bars};
pub use blend::blend;
pub use canvas::{Canvas, Placement};
pub use check::mean_difference;
pub use color::{ChromaLocation, ColorDescription, Matrix, Primaries, Range, Transfer};
pub use deep::{WHITE, round_to_8_bits, round_to_16_bits};
pub use geometry::Size;
pub use grain::Grain;
pub use orientation::Orientation;
pub use planar::{Planar, RgbF32};
pub use time::Rational;
