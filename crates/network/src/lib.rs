//! What a model is: layers and weights, file formats, catalogue. No execution.
pub mod ir;
