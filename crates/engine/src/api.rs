//! What every engine offers.

use frame::{RgbF32, Size};

use crate::Error;

/// A network prepared for a device.
pub trait Engine: Send {
    /// The name of the kind of engine, as [`Kind::name`](crate::Kind::name).
    fn name(&self) -> &'static str;

    /// The engine and its device, for people.
    fn describe(&self) -> String;

    /// How many times wider and higher results are.
    fn scale(&self) -> u32;

    /// Bytes that the prepared network takes, shared by all sessions.
    fn memory(&self) -> u64;

    /// What tiles must keep so that they give exactly what the whole picture gives.
    fn tiling(&self) -> Tiling;

    /// Bytes that a session for this size of input will hold, without making one.
    ///
    /// # Errors
    /// When the size has no pixels or is too large to be addressed.
    fn session_memory(&self, input: Size) -> Result<u64, Error>;

    /// Plans the work for one size of input and allocates everything that it needs.
    ///
    /// # Errors
    /// When the size has no pixels or is too large for the memory.
    fn session(&self, input: Size) -> Result<Box<dyn Session>, Error>;

    /// As [`session_memory`](Self::session_memory), for a [`thin_session`](Self::thin_session).
    ///
    /// # Errors
    /// As for [`session_memory`](Self::session_memory).
    fn thin_session_memory(&self, input: Size) -> Result<u64, Error>;

    /// As [`session`](Self::session), with as little memory as there can be: it gives the same bits, and several threads
    /// wait for each other more often.
    ///
    /// # Errors
    /// As for [`session`](Self::session).
    fn thin_session(&self, input: Size) -> Result<Box<dyn Session>, Error>;
}

/// A prepared network with the memory for inputs of one size.
pub trait Session: Send {
    /// Runs one frame. The rows of the output are handed to `rows` from top to bottom as they get ready.
    ///
    /// # Errors
    /// When the input has another size than the session, or the engine fails.
    fn run(&mut self, input: &RgbF32, rows: &mut dyn FnMut(RowBand<'_>)) -> Result<(), Error>;

    /// Bytes that this session holds, beside those of its engine.
    fn memory(&self) -> u64;
}

/// Some rows of an output picture: planar RGB, not clipped to 0..1.
#[derive(Debug, Clone, Copy)]
pub struct RowBand<'a> {
    /// Index of the first row.
    pub y: u32,
    /// Number of rows.
    pub rows: u32,
    /// Samples in a row.
    pub width: u32,
    /// Red, green and blue, `rows · width` samples each.
    pub planes: [&'a [f32]; 3],
}

/// What tiles must keep, in pixels of the input.
///
/// Engines compute in blocks. A result depends in its last bits on all inputs of its block, so tiles that shall give
/// the same bits as the whole picture begin where blocks begin and overlap by whole blocks, which is more than the
/// network's receptive field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tiling {
    /// Tiles begin, and their inner parts end, at multiples of this or at the border of the picture.
    pub grid: u32,
    /// Rows needed above the inner part of a tile.
    pub above: u32,
    /// Rows needed below it.
    pub below: u32,
    /// Columns needed to the left of it.
    pub left: u32,
    /// Columns needed to the right of it.
    pub right: u32,
}
