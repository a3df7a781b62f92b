//! upscaled
fn main() {}
