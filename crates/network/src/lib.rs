//! What a model is: layers and weights, file formats, catalogue. No execution.
//!
//! A model's way through this crate:
//!
//! 1. [`read_tensors`] turns the bytes of a file (safetensors, PyTorch `.pth`, ncnn) into [`Tensors`], named as the
//!    official state dicts name them, whatever the file called them.
//! 2. [`blend()`] mixes two sets of weights, which is what denoise strength means.
//! 3. [`build`] recognises the [`Architecture`] from the tensors' shapes and makes a [`Network`](ir::Network), the
//!    list of operations that engines run.
//!
//! # Goals
//!
//! - Every file is hostile until read: whatever the bytes, the answer is a value or an [`Error`] that says what is
//!   wrong and what to do. Nothing panics, nothing is allocated before its size is checked, and no pickle is run.
//! - Nothing is guessed: a file is taken only if every byte, tensor and layer of it is understood.
//! - One network, one set of tensors: the same weights in any format give equal [`Tensors`].
//!
//! # Non-goals
//!
//! - Running a network; that is `engine`'s.
//! - Files, downloads, clocks: the crate works on byte slices.
//! - Architectures beyond [`Architecture`]. Other networks go through ONNX.

pub mod catalogue;
pub mod ir;

mod architecture;
mod blend;
mod convert;
mod cost;
mod error;
mod model;
mod names;
mod ncnn;
mod pth;
mod safetensors;
mod span;
mod tensors;
mod validate;

pub use architecture::{Architecture, build};
pub use blend::blend;
pub use error::Error;
pub use model::{Format, ModelBytes, read_tensors};
pub use safetensors::{WeightType, write_safetensors};
pub use tensors::{Tensor, Tensors};
