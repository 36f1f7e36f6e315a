//! A trained classifier as an ONNX file, for ONNX Runtime and what is built on it.
//!
//! In: a classifier. Out: one file with graph and weights; `input_ids`, `attention_mask` and, where the model knows
//! segments, `token_type_ids` (`[batch, sequence]`, padded on the right) → `logits` (`[batch, classes]`), the same
//! numbers as [`crate::SequenceClassifier::logits`]. What each part of a model computes is said in a file `onnx.rs`
//! below the part's own, beside its forward pass. Texts of several windows are not in the graph: it reads one sequence.

pub(crate) mod attention;
pub(crate) mod graph;
mod proto;

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

pub(crate) use graph::{Graph, Value};
use proto::Message;

use crate::error::{NnError, Result};

/// Version of the operators.
pub const OPSET: i64 = 17;

/// Version of the format that goes with them.
const IR_VERSION: i64 = 8;

/// What a program must know to use the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnnxFile {
    /// Names of the inputs.
    pub inputs: Vec<&'static str>,
    /// Longest sequence in tokens.
    pub max_length: usize,
    /// Bytes of the file.
    pub bytes: u64,
}

/// The inputs of every graph.
pub(crate) struct Inputs {
    /// Token ids.
    pub ids: Value,
    /// 1 for tokens, 0 for padding.
    pub mask: Value,
}

impl Inputs {
    /// Declares them.
    pub fn new(g: &mut Graph) -> Self {
        Inputs {
            ids: g.input("input_ids"),
            mask: g.input("attention_mask"),
        }
    }
}

/// Writes a graph and what is noted about it.
pub(crate) fn write(path: &Path, graph: &Graph, notes: &[(&str, String)]) -> Result<u64> {
    let failed = |source| NnError::File {
        path: path.to_owned(),
        source,
    };
    let operators = Message::default().text(1, "").integer(2, OPSET);
    let mut model = Message::default()
        .integer(1, IR_VERSION)
        .text(2, "understudy")
        .text(3, env!("CARGO_PKG_VERSION"))
        .message(8, &operators);
    for (key, value) in notes {
        model = model.message(14, &Message::default().text(1, key).text(2, value));
    }
    let mut out = BufWriter::new(File::create(path).map_err(failed)?);
    let bytes = graph.write(&mut out, path, &model)?;
    out.flush().map_err(failed)?;
    out.get_ref().sync_all().map_err(failed)?;
    Ok(bytes)
}
