//! The same operations on a graphics card: [`crate::ops`] hands over to here where a model has been placed on one.
//!
//! Tensors are candle's, on any of its devices; the record of a pass and the walk back over it are those of
//! [`crate::tape`]. A product has its way back written by hand. Everything else is a composition that candle
//! differentiates ([`apply`]), done again on the way back, so that nothing but inputs is kept: what would be as large as
//! the square of a length is never held for longer than one layer. Rows that are gathered are added up again in a fixed
//! order ([`gather::Sums`]), because an addition in the order in which threads arrive gives other bits every time.
//!
//! Nothing here falls back to the processor: what a device cannot do is an error. Tests run all of it on candle's
//! processor device against the same numbers of PyTorch as the kernels; with the feature `cuda` the same tests run on
//! the first graphics card.

mod apply;
mod attention;
#[cfg(feature = "cuda")]
mod cuda;
mod factors;
mod gather;
mod gradients;
mod kind;
mod mirror;
mod ops;
mod padding;
mod shared;

pub use candle_core::{Device, Error, Tensor};
pub use gradients::DeviceGradients;
pub use kind::DeviceKind;
pub use mirror::Mirror;

pub(crate) use attention::{attend, first_token_attention};
pub(crate) use mirror::dtype;
pub(crate) use ops::{
    add, attend_rows, bias_activation, dropout, embed, first_tokens, gated, linear, max_rows, mean_tokens,
    normalise, rows,
};

use crate::error::NnError;

impl NnError {
    /// What a device said, as a fact.
    #[must_use]
    pub fn from_device(error: Error) -> Self {
        let reason = words(error);
        // Candle passes on the driver's words (CUDA_ERROR_OUT_OF_MEMORY, "out of memory") without a kind of its own.
        let lower = reason.to_lowercase();
        let full = ["out of memory", "out_of_memory", "alloc_failed"];
        match full.iter().any(|words| lower.contains(words)) {
            true => NnError::DeviceMemory { reason },
            false => NnError::Device { reason },
        }
    }
}

/// What an error says, without the traces of our own calls that candle puts around it.
fn words(error: Error) -> String {
    match error {
        Error::WithBacktrace { inner, .. } => words(*inner),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_of_our_own_calls_is_not_told() {
        let error = Error::WithBacktrace {
            inner: Box::new(Error::Msg("no card".into())),
            backtrace: Box::new(std::backtrace::Backtrace::force_capture()),
        };
        assert!(matches!(NnError::from_device(error), NnError::Device { reason } if reason == "no card"));
    }

    #[test]
    fn a_full_memory_is_told_from_other_failures() {
        let of = |words: &str| NnError::from_device(Error::Msg(words.into()));
        let full = "DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")";
        assert!(matches!(of(full), NnError::DeviceMemory { .. }));
        let product = "CUBLAS_STATUS_ALLOC_FAILED";
        assert!(matches!(of(product), NnError::DeviceMemory { .. }));
        assert!(matches!(of("CUDA_ERROR_ILLEGAL_ADDRESS"), NnError::Device { .. }));
    }
}
