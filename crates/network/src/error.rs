//! What can be wrong with a model, each told as one sentence: the cause and the way out.

/// The most characters of a file that a message repeats.
const MAX_SHOWN: usize = 120;

/// Text of a file for a message: short, and without control characters, which a terminal would obey.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(MAX_SHOWN).flat_map(char::escape_debug).collect()
}

/// Why a model cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file ends too early.
    #[error("the {format} file ends in the middle of {what}: it is incomplete, so copy or download it again")]
    Truncated {
        /// The kind of file.
        format: &'static str,
        /// What was being read.
        what: String,
    },
    /// The bytes are not what the format says they must be.
    #[error(
        "this is not a sound {format} file ({reason}): copy or download it again, or get the model in another format"
    )]
    Malformed {
        /// The kind of file.
        format: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// Something is larger than any model that could be run.
    #[error("{what} is {found}, more than the limit of {limit}: use a smaller model")]
    TooLarge {
        /// What is too large, with its unit.
        what: String,
        /// How large it is.
        found: u64,
        /// How large it may be.
        limit: u64,
    },
    /// A pickle names a function or class that weights do not need.
    #[error(
        "the file asks to run `{name}`; refused, because loading weights needs no code: get the model from its \
         official source or as .safetensors"
    )]
    ForbiddenCode {
        /// Module and name, as the file spells them.
        name: String,
    },
    /// A pickle uses an operation that weights do not need.
    #[error(
        "the file uses the pickle operation {operation}, which weights do not need; refused: get the model from its \
         official source or as .safetensors"
    )]
    ForbiddenOperation {
        /// The operation's name.
        operation: String,
    },
    /// The file holds something that this crate does not read.
    #[error("{found} is not supported: {supported}")]
    Unsupported {
        /// What the file holds.
        found: String,
        /// What can be used instead.
        supported: String,
    },
    /// A tensor's shape does not fit.
    #[error(
        "the tensor `{name}` has the shape {found:?} where {expected:?} is needed: the file is damaged or of another \
         architecture, so use an SRVGGNetCompact, RRDBNet or SPAN model"
    )]
    TensorShape {
        /// The tensor.
        name: String,
        /// Its shape.
        found: Vec<usize>,
        /// The shape that fits.
        expected: Vec<usize>,
    },
    /// A weight is infinite or not a number.
    #[error(
        "the tensor `{name}` holds a number that is infinite or not a number: the file is damaged, so copy or download \
         it again"
    )]
    NotFinite {
        /// The tensor.
        name: String,
    },
    /// The tensors do not make a known architecture.
    #[error(
        "the model's architecture is not known ({found}): use an SRVGGNetCompact (\"Compact\"), RRDBNet (\"ESRGAN\") \
         or SPAN model, or the model as .onnx"
    )]
    UnknownArchitecture {
        /// What was found.
        found: String,
    },
    /// A network's operations do not fit together.
    #[error(
        "operation {node} of the network does not fit ({reason}): the model is damaged, so use another copy"
    )]
    InvalidNetwork {
        /// Index in [`Network::nodes`](crate::ir::Network::nodes).
        node: usize,
        /// What does not fit.
        reason: String,
    },
    /// Two sets of weights cannot be blended.
    #[error(
        "the two models of denoise strength do not belong together ({reason}): use the WDN weights of the same model"
    )]
    BlendMismatch {
        /// How they differ.
        reason: String,
    },
    /// A denoise strength outside 0..1.
    #[error(
        "denoise strength {strength} is not between 0 and 1: give a number from 0 (keep noise) to 1 (remove it)"
    )]
    DenoiseStrength {
        /// What was asked for.
        strength: String,
    },
    /// No built-in model has this name.
    #[error(
        "there is no built-in model `{name}`: use one of {known}, or put a model file into the models folder"
    )]
    UnknownModel {
        /// What was asked for.
        name: String,
        /// The names that exist.
        known: String,
    },
}
